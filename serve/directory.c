#include "serve/directory.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"

#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

/* Short, because a membership that has ended should soon show nothing; some, because a page asks often. */
#define BELIEVED_NS (10 * NSEC_PER_SEC)

enum { REMEMBERED = 256, ENTRY_FIRST = 1024, ENTRY_MAX = 1 << 20, MOST_GROUPS = 65536 };

struct remembered {
    struct membership membership;
    int64_t until_ns; /* by the boot-time clock; 0: free */
};

struct directory {
    pthread_mutex_t lock; /* of all below; never held while the host's services are asked */
    char *path;           /* NULL: where pdttd looks */
    struct config *config;
    struct stat file; /* that was read */
    struct remembered remembered[REMEMBERED];
};

/* ---- the configuration ---- */

static const char *path_of(const struct directory *d)
{
    return d->path ? d->path : CONFIG_DEFAULT_PATH;
}

static int load(const struct directory *d, struct config **ret, char **ret_why)
{
    return d->path ? config_load(d->path, ret, ret_why) : config_load_or_default(CONFIG_DEFAULT_PATH, ret, ret_why);
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void forget_all(struct directory *d)
{
    for (size_t i = 0; i < REMEMBERED; i++) {
        membership_done(&d->remembered[i].membership);
        d->remembered[i].until_ns = 0;
    }
}

/* Looks whether the file is another than the one that was read. */
static void refresh(struct directory *d)
{
    cleanup_free char *why = NULL;
    struct config *config = NULL;
    struct stat now = {0};

    if (stat(path_of(d), &now) < 0)
        now = (struct stat){0};
    if (is_same_file(&now, &d->file))
        return;
    d->file = now; /* a bad one is told once */
    if (load(d, &config, &why) < 0) {
        log_warning("%s; going on with the configuration as it was", why ? why : "out of memory");
        return;
    }
    config_free(d->config);
    d->config = config;
    forget_all(d);
}

int directory_open(const char *path, struct directory **ret_directory, char **ret_why)
{
    struct directory *d = calloc(1, sizeof(*d));
    int r;

    if (!d)
        return -ENOMEM;
    pthread_mutex_init(&d->lock, NULL);
    d->path = path ? strdup(path) : NULL;
    if (stat(path_of(d), &d->file) < 0)
        d->file = (struct stat){0};
    r = path && !d->path ? -ENOMEM : load(d, &d->config, ret_why);
    if (r < 0)
        directory_close(d);
    else
        *ret_directory = d;
    return r;
}

struct directory *directory_close(struct directory *d)
{
    if (!d)
        return NULL;
    forget_all(d);
    config_free(d->config);
    pthread_mutex_destroy(&d->lock);
    free(d->path);
    free(d);
    return NULL;
}

char *directory_database(struct directory *d)
{
    char *path;

    pthread_mutex_lock(&d->lock);
    refresh(d);
    path = strdup(d->config->database);
    pthread_mutex_unlock(&d->lock);
    return path;
}

/* ---- the host's users and groups ---- */

/* What an error of getpwuid_r(3) means: some of them say no more than that there is no such entry. */
static int error_of(int error)
{
    return error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM ? -ENOENT
           : error == ENOMEM                                                                   ? -ENOMEM
                                                                                               : -EAGAIN;
}

/* The name of the uid and its primary group. -ENOENT: none. */
static int find_user(int64_t uid, char **ret_name, gid_t *ret_gid)
{
    for (size_t size = ENTRY_FIRST; size <= ENTRY_MAX; size *= 4) {
        cleanup_free char *buf = malloc(size);
        struct passwd entry, *found = NULL;
        int error = buf ? getpwuid_r((uid_t)uid, &entry, buf, size, &found) : ENOMEM;

        if (error == ERANGE)
            continue;
        if (!found)
            return error_of(error);
        *ret_gid = found->pw_gid;
        *ret_name = strdup(found->pw_name);
        return *ret_name ? 0 : -ENOMEM;
    }
    return -EAGAIN;
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

static void cleanup_identity(struct identity *i)
{
    for (size_t k = 0; k < i->n_groups; k++)
        free(i->groups[k].name);
    free(i->groups);
    free(i->name);
}

/* A uid without an entry is somebody too, without a name and groups. */
static int identify(int64_t uid, struct identity *i)
{
    gid_t primary;
    int r = find_user(uid, &i->name, &primary);

    return r == -ENOENT ? 0 : r < 0 ? r : find_groups(i, primary);
}

/* ---- what is remembered ---- */

static int copy_membership(const struct membership *from, struct membership *ret)
{
    struct membership copy = {.uid = from->uid, .admin = from->admin};

    copy.name = from->name ? strdup(from->name) : NULL;
    copy.projects = calloc(from->n_projects + 1, sizeof(*copy.projects));
    while (copy.projects && copy.n_projects < from->n_projects &&
           (copy.projects[copy.n_projects] = strdup(from->projects[copy.n_projects])))
        copy.n_projects++;
    if ((from->name && !copy.name) || !copy.projects || copy.n_projects < from->n_projects) {
        membership_done(&copy);
        return -ENOMEM;
    }
    *ret = copy;
    return 0;
}

static struct remembered *recall(struct directory *d, int64_t uid)
{
    int64_t now = clock_boottime_ns();

    for (size_t i = 0; i < REMEMBERED; i++)
        if (d->remembered[i].until_ns > now && d->remembered[i].membership.uid == uid)
            return &d->remembered[i];
    return NULL;
}

/* In the place of the one that is forgotten first. What cannot be copied is asked for again. */
static void remember(struct directory *d, const struct membership *m)
{
    struct remembered *place = &d->remembered[0];

    for (size_t i = 1; i < REMEMBERED; i++)
        if (d->remembered[i].until_ns < place->until_ns)
            place = &d->remembered[i];
    membership_done(&place->membership);
    place->until_ns = copy_membership(m, &place->membership) < 0 ? 0 : clock_boottime_ns() + BELIEVED_NS;
}

bool directory_must_ask(struct directory *d, int64_t uid)
{
    bool ret;

    pthread_mutex_lock(&d->lock);
    refresh(d);
    ret = uid != 0 && !recall(d, uid);
    pthread_mutex_unlock(&d->lock);
    return ret;
}

int directory_find(struct directory *d, int64_t uid, struct membership *ret)
{
    cleanup(cleanup_identity) struct identity identity = {.uid = uid};
    const struct remembered *known;
    int r = -ENOENT;

    pthread_mutex_lock(&d->lock);
    known = recall(d, uid);
    if (known)
        r = copy_membership(&known->membership, ret);
    pthread_mutex_unlock(&d->lock);
    if (known)
        return r;
    r = uid == 0 ? 0 : identify(uid, &identity); /* root sees all, even when no service answers */
    if (r < 0)
        return r;
    pthread_mutex_lock(&d->lock);
    r = membership_decide(d->config, &identity, ret);
    if (r == 0)
        remember(d, ret);
    pthread_mutex_unlock(&d->lock);
    return r;
}
