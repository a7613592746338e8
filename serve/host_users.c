#include "serve/host_users.h"

#include "common/cleanup.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>

enum { ENTRY_FIRST = 1024, ENTRY_MAX = 1 << 20, MOST_GROUPS = 65536 };

/* What an error of getpwuid_r(3) means: some of them say no more than that there is no such entry. */
static int error_of(int error)
{
    return error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM ? -ENOENT
           : error == ENOMEM                                                                   ? -ENOMEM
                                                                                               : -EAGAIN;
}

struct user {
    int64_t uid;
    gid_t primary;
    char *name; /* malloc'ed */
};

/* By name, or with NULL by uid. -ENOENT: none. */
static int find_user(const char *name, int64_t uid, struct user *ret)
{
    for (size_t size = ENTRY_FIRST; size <= ENTRY_MAX; size *= 4) {
        cleanup_free char *buf = malloc(size);
        struct passwd entry, *found = NULL;
        int error = !buf   ? ENOMEM
                    : name ? getpwnam_r(name, &entry, buf, size, &found)
                           : getpwuid_r((uid_t)uid, &entry, buf, size, &found);

        if (error == ERANGE)
            continue;
        if (!found)
            return error_of(error);
        *ret = (struct user){found->pw_uid, found->pw_gid, strdup(found->pw_name)};
        return ret->name ? 0 : -ENOMEM;
    }
    return -EAGAIN;
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

static int find_group(gid_t gid, char **ret_name)
{
    for (size_t size = ENTRY_FIRST; size <= ENTRY_MAX; size *= 4) {
        cleanup_free char *buf = malloc(size);
        struct group entry, *found = NULL;
        int error = buf ? getgrgid_r(gid, &entry, buf, size, &found) : ENOMEM;

        if (error == ERANGE)
            continue;
        if (!found)
            return error_of(error);
        *ret_name = strdup(found->gr_name);
        return *ret_name ? 0 : -ENOMEM;
    }
    return -EAGAIN;
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
