#include "serve/host_users.h"

#include "common/cleanup.h"
#include "common/nss.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>

enum { MOST_GROUPS = 65536 };

/* What getpwuid_r(3) did not find: some errors say no more than that there is no such entry. */
static int error_of(int r)
{
    return r == -EBADF || r == -EPERM ? -ENOENT : r == -ENOENT || r == -ENOMEM ? r : -EAGAIN;
}

/* A user by name, or with NULL by uid, and the answer: name is within the buffer. */
struct user_question {
    const char *name;
    int64_t uid;
    gid_t primary;
};

static int ask_user(void *question, char *buffer, size_t n, bool *ret_found)
{
    struct user_question *q = question;
    struct passwd entry, *found = NULL;
    int error =
        q->name ? getpwnam_r(q->name, &entry, buffer, n, &found) : getpwuid_r((uid_t)q->uid, &entry, buffer, n, &found);

    *ret_found = found;
    if (found)
        *q = (struct user_question){found->pw_name, found->pw_uid, found->pw_gid};
    return error;
}

struct user {
    int64_t uid;
    gid_t primary;
    char *name; /* malloc'ed */
};

/* By name, or with NULL by uid. -ENOENT: none. */
static int find_user(const char *name, int64_t uid, struct user *ret)
{
    struct user_question q = {.name = name, .uid = uid};
    cleanup_free char *buffer = NULL;
    int r = nss_ask(ask_user, &q, &buffer);

    if (r < 0)
        return error_of(r);
    *ret = (struct user){q.uid, q.primary, strdup(q.name)};
    return ret->name ? 0 : -ENOMEM;
}

int host_find_uid(const char *name, int64_t *ret_uid)
{
    struct user user;
    int r = find_user(name, -1, &user);

    if (r < 0)
        return r;
    free(user.name);
    *ret_uid = user.uid;
    return 0;
}

struct group_question {
    gid_t gid;
    const char *name; /* the answer, within the buffer */
};

static int ask_group(void *question, char *buffer, size_t n, bool *ret_found)
{
    struct group_question *q = question;
    struct group entry, *found = NULL;
    int error = getgrgid_r(q->gid, &entry, buffer, n, &found);

    *ret_found = found;
    if (found)
        q->name = found->gr_name;
    return error;
}

static int find_group(gid_t gid, char **ret_name)
{
    struct group_question q = {.gid = gid};
    cleanup_free char *buffer = NULL;
    int r = nss_ask(ask_group, &q, &buffer);

    if (r < 0)
        return error_of(r);
    *ret_name = strdup(q.name);
    return *ret_name ? 0 : -ENOMEM;
}

static int find_gids(const char *name, gid_t primary, gid_t **ret, int *ret_n)
{
    for (int room = 64; room <= MOST_GROUPS; room *= 4) {
        gid_t *gids = calloc((size_t)room, sizeof(*gids));
        int n = room;

        if (!gids)
            return -ENOMEM;
        if (getgrouplist(name, primary, gids, &n) >= 0) {
            *ret = gids;
            *ret_n = n;
            return 0;
        }
        free(gids);
    }
    return -EAGAIN;
}

static int find_groups(struct identity *i, gid_t primary)
{
    cleanup_free gid_t *gids = NULL;
    int n = 0, r = find_gids(i->name, primary, &gids, &n);

    if (r < 0)
        return r;
    i->groups = calloc((size_t)n + 1, sizeof(*i->groups));
    if (!i->groups)
        return -ENOMEM;
    for (int k = 0; k < n; k++) {
        i->groups[k].gid = gids[k];
        i->n_groups++;
        r = find_group(gids[k], &i->groups[k].name);
        if (r < 0 && r != -ENOENT)
            return r;
    }
    return 0;
}

void host_identity_done(struct identity *i)
{
    for (size_t k = 0; k < i->n_groups; k++)
        free(i->groups[k].name);
    free(i->groups);
    free(i->name);
}

int host_identify(int64_t uid, struct identity *i)
{
    struct user user;
    int r = find_user(NULL, uid, &user);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    i->name = user.name;
    return find_groups(i, user.primary);
}
