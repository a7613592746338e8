#include "collector/units.h"

#include "common/cleanup.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#define WATCHED (IN_CREATE | IN_DELETE | IN_ONLYDIR | IN_DONT_FOLLOW)

/* A directory that can contain matches, or lies at or below one. */
struct node {
    char *path;    /* below the root, "" is the root itself */
    uint64_t id;   /* of the cgroup */
    uint32_t unit; /* 0: only looked at */
    uint32_t own;  /* the unit that it is itself, 0: none; as of these patterns: */
    unsigned patterns;
    int watch;      /* -1: none */
    unsigned round; /* of the walk that saw it last */
    bool in_table;
    struct node *next_gone;
};

struct units {
    struct units_options options;
    char *root;
    const char *const *patterns;
    size_t n_patterns;
    unsigned patterns_round; /* how often they were set */
    int fd;
    unsigned round;
    bool walk_again;          /* something could not be found out, or inotify has lost track */
    void *by_path, *by_watch; /* tsearch(3) of struct node */
    struct node *gone;        /* to be removed after the next drain */
    struct units_state state;
};

static int compare_paths(const void *a, const void *b)
{
    return strcmp(((const struct node *)a)->path, ((const struct node *)b)->path);
}

static int compare_watches(const void *a, const void *b)
{
    int x = ((const struct node *)a)->watch, y = ((const struct node *)b)->watch;
    return x < y ? -1 : x > y;
}

static struct node *find_path(const struct units *u, const char *path)
{
    struct node wanted = {.path = (char *)path}, **found = tfind(&wanted, &u->by_path, compare_paths);
    return found ? *found : NULL;
}

static struct node *find_watch(const struct units *u, int watch)
{
    struct node wanted = {.watch = watch}, **found = tfind(&wanted, &u->by_watch, compare_watches);
    return found ? *found : NULL;
}

static void free_node(void *userdata)
{
    struct node *node = userdata;

    free(node->path);
    free(node);
}
static void keep_node(void *node) {}

/* ---- the table ---- */

/* A number that is used again by another cgroup must not be removed any more on account of the one that is gone. */
static void forget_gone(struct units *u, uint64_t id)
{
    for (struct node *node = u->gone; node; node = node->next_gone)
        if (node->id == id)
            node->in_table = false;
}

static int put(struct units *u, struct node *node, uint32_t unit)
{
    int r = 0;

    if (unit && (!node->in_table || node->unit != unit)) {
        r = u->options.put(node->id, unit, u->options.userdata);
        if (r == 0)
            forget_gone(u, node->id);
        node->in_table = r == 0;
    } else if (!unit && node->in_table) {
        r = u->options.remove(node->id, u->options.userdata);
        node->in_table = false;
    }
    node->unit = unit;
    return r;
}

static void retire(struct units *u, struct node *node)
{
    tdelete(node, &u->by_path, compare_paths);
    if (node->watch >= 0) {
        tdelete(node, &u->by_watch, compare_watches);
        inotify_rm_watch(u->fd, node->watch); /* fails where the directory is gone, and the watch with it */
        node->watch = -1;
    }
    node->next_gone = u->gone;
    u->gone = node;
}

/* ---- looking at directories ---- */

static int add_node(struct units *u, const char *path, uint64_t id, struct node **ret)
{
    struct node *node = find_path(u, path);

    if (node && node->id != id) { /* removed and made again, which inotify has not told yet */
        retire(u, node);
        node = NULL;
    }
    if (!node) {
        node = calloc(1, sizeof(*node));
        if (!node || !(node->path = strdup(path)) || !tsearch(node, &u->by_path, compare_paths)) {
            if (node)
                free_node(node);
            return -ENOMEM;
        }
        node->id = id;
        node->watch = -1;
    }
    node->round = u->round;
    *ret = node;
    return 0;
}

static void watch(struct units *u, struct node *node, const char *full_path)
{
    if (u->fd < 0 || node->watch >= 0)
        return;
    int watch = inotify_add_watch(u->fd, full_path, WATCHED);
    if (watch < 0 || find_watch(u, watch))
        return; /* no room (ENOSPC), or it has just gone */
    node->watch = watch;
    if (!tsearch(node, &u->by_watch, compare_watches)) {
        inotify_rm_watch(u->fd, watch);
        node->watch = -1;
    }
}

static bool any_may_contain(const struct units *u, const char *path)
{
    for (size_t i = 0; i < u->n_patterns; i++)
        if (units_may_contain(u->patterns[i], path))
            return true;
    return false;
}

static bool any_matches(const struct units *u, const char *path)
{
    for (size_t i = 0; i < u->n_patterns; i++)
        if (units_matches(u->patterns[i], path))
            return true;
    return false;
}

/* The unit that the directory itself is, 0: none, or it has no number yet. Asked once for each set of patterns. */
static uint32_t own_unit(struct units *u, const char *path)
{
    const struct node *node = find_path(u, path);
    uint32_t unit = 0;

    if (node && node->own && node->patterns == u->patterns_round)
        return node->own;
    int r = any_matches(u, path) ? u->options.number(path, &unit, u->options.userdata) : 0;
    if (r == 0)
        return unit;
    u->state.error = r;
    u->walk_again = true;
    return 0;
}

struct names {
    char **v;
    size_t n;
};

static void free_names(struct names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->v[i]);
    free(names->v);
}

static bool is_directory(DIR *dir, const struct dirent *entry)
{
    struct stat st;

    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
        return false;
    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR;
    return fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* All at once, so that no descriptor stays open while their directories are looked at. */
static int list_directories(DIR *dir, struct names *ret)
{
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (!is_directory(dir, entry))
            continue;
        if ((ret->n & (ret->n - 1)) == 0) {
            char **larger = reallocarray(ret->v, ret->n ? 2 * ret->n : 1, sizeof(*larger));
            if (!larger)
                return -ENOMEM;
            ret->v = larger;
        }
        if (!(ret->v[ret->n] = strdup(entry->d_name)))
            return -ENOMEM;
        ret->n++;
    }
    return 0;
}

static int look_at(struct units *u, const char *path, uint32_t above, unsigned depth);

static int look_below(struct units *u, const char *path, const struct names *names, uint32_t unit, unsigned depth)
{
    int r = 0;

    if (depth >= UNITS_MAX_DEPTH) {
        u->state.too_deep += names->n;
        return 0;
    }
    for (size_t i = 0; i < names->n && r == 0; i++) {
        cleanup_free char *below = NULL;
        if (asprintf(&below, "%s%s%s", path, *path ? "/" : "", names->v[i]) < 0) {
            below = NULL;
            return -ENOMEM;
        }
        r = look_at(u, below, unit, depth + 1);
    }
    return r;
}

/* Not found is no failure: cgroups come and go. Watched before it is listed, so that nothing is made in between. */
static int look_at(struct units *u, const char *path, uint32_t above, unsigned depth)
{
    cleanup(free_names) struct names names = {0};
    cleanup_free char *full = NULL;
    struct node *node;
    struct stat st;

    uint32_t own = own_unit(u, path), unit = own ? own : above;
    if (!unit && !any_may_contain(u, path))
        return 0;
    if (asprintf(&full, "%s/%s", u->root, path) < 0) {
        full = NULL;
        return -ENOMEM;
    }
    cleanup_close int fd = open(full, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return errno == EMFILE || errno == ENFILE ? -errno : 0;
    int r = add_node(u, path, st.st_ino, &node);
    if (r < 0)
        return r;
    node->own = own;
    node->patterns = u->patterns_round;
    watch(u, node, full);
    put(u, node, unit); /* what finds no room is counted in units_state() and tried again */
    DIR *dir = fdopendir(fd);
    if (!dir)
        return -errno;
    take_fd(fd);
    r = list_directories(dir, &names);
    closedir(dir);
    return r < 0 ? r : look_below(u, path, &names, unit, depth);
}

/* ---- walking all of it ---- */

struct collection {
    const struct units *u;
    struct node **nodes;
    size_t n, room;
    struct units_state *state;
};

static void collect_unseen(const void *item, VISIT which, void *userdata)
{
    struct node *node = *(struct node *const *)item;
    struct collection *c = userdata;

    if ((which != postorder && which != leaf) || node->round == c->u->round)
        return;
    if (c->n == c->room) {
        size_t room = c->room ? 2 * c->room : 16;
        struct node **larger = reallocarray(c->nodes, room, sizeof(*larger));
        if (!larger)
            return; /* they are found unseen again next time */
        c->nodes = larger;
        c->room = room;
    }
    c->nodes[c->n++] = node;
}

static int walk(struct units *u)
{
    struct collection unseen = {.u = u};

    u->round++;
    u->walk_again = false;
    u->state.too_deep = 0;
    u->state.error = 0;
    int r = u->n_patterns ? look_at(u, "", 0, 0) : 0;
    if (r < 0) {
        u->walk_again = true;
        return r;
    }
    twalk_r(u->by_path, collect_unseen, &unseen);
    for (size_t i = 0; i < unseen.n; i++)
        retire(u, unseen.nodes[i]);
    free(unseen.nodes);
    return 0;
}

/* ---- what inotify tells ---- */

static int on_created(struct units *u, const struct node *parent, const char *name)
{
    cleanup_free char *path = NULL;
    unsigned depth = 1;

    if (asprintf(&path, "%s%s%s", parent->path, *parent->path ? "/" : "", name) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    for (const char *p = path; (p = strchr(p, '/')); p++)
        depth++;
    if (depth > UNITS_MAX_DEPTH) {
        u->state.too_deep++;
        return 0;
    }
    return look_at(u, path, parent->unit, depth);
}

static int on_deleted(struct units *u, const struct node *parent, const char *name)
{
    cleanup_free char *path = NULL;
    struct stat st;

    if (asprintf(&path, "%s/%s%s%s", u->root, parent->path, *parent->path ? "/" : "", name) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    struct node *node = find_path(u, path + strlen(u->root) + 1);
    /* Made again since: then the event about that is on its way, and look_at() tells the two apart by their number. */
    if (node && (lstat(path, &st) < 0 || st.st_ino != node->id))
        retire(u, node);
    return 0;
}

static int take_event(struct units *u, const struct inotify_event *event)
{
    if (event->mask & IN_Q_OVERFLOW) {
        u->walk_again = true;
        return 0;
    }
    struct node *node = find_watch(u, event->wd);
    if (!node)
        return 0;
    if (event->mask & IN_IGNORED) { /* the directory is gone, and the number of its watch may be given again */
        tdelete(node, &u->by_watch, compare_watches);
        node->watch = -1;
        return 0;
    }
    if (!(event->mask & IN_ISDIR) || !event->len)
        return 0;
    return event->mask & IN_CREATE ? on_created(u, node, event->name) : on_deleted(u, node, event->name);
}

int units_read(struct units *u)
{
    _Alignas(struct inotify_event) char buffer[16384];
    ssize_t n;
    int r = 0;

    while (u->fd >= 0 && (n = read(u->fd, buffer, sizeof(buffer))) > 0)
        for (char *p = buffer; p < buffer + n;) {
            const struct inotify_event *event = (const struct inotify_event *)p;
            int failed = take_event(u, event);
            if (failed < 0) {
                u->walk_again = true;
                r = failed;
            }
            p += sizeof(*event) + event->len;
        }
    return r < 0 || !u->walk_again || u->state.error ? r : walk(u);
}

/* ---- the life of it ---- */

int units_open(const struct units_options *options, struct units **ret_units)
{
    struct units *u = calloc(1, sizeof(*u));

    if (!u)
        return -ENOMEM;
    u->options = *options;
    u->fd = options->without_inotify ? -1 : inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    u->root = strdup(options->root);
    if (!u->root) {
        units_close(u);
        return -ENOMEM;
    }
    *ret_units = u;
    return 0;
}

static struct node *free_gone(struct units *u, bool remove)
{
    for (struct node *node = u->gone, *next; node; node = next) {
        next = node->next_gone;
        if (remove && node->in_table)
            u->options.remove(node->id, u->options.userdata);
        free_node(node);
    }
    return NULL;
}

struct units *units_close(struct units *u)
{
    if (!u)
        return NULL;
    u->gone = free_gone(u, false);
    tdestroy(u->by_watch, keep_node);
    tdestroy(u->by_path, free_node);
    close_fd(u->fd);
    free(u->root);
    free(u);
    return NULL;
}

int units_set_patterns(struct units *u, const char *const *patterns, size_t n)
{
    u->patterns = patterns;
    u->n_patterns = n;
    u->patterns_round++;
    return walk(u);
}

int units_fd(const struct units *u)
{
    return u->fd;
}

static void count_node(const void *item, VISIT which, void *userdata)
{
    const struct node *node = *(struct node *const *)item;
    struct units_state *state = userdata;

    if (which != postorder && which != leaf)
        return;
    state->cgroups += node->in_table;
    state->left_out += node->unit && !node->in_table;
    state->unwatched += node->watch < 0;
}

void units_state(const struct units *u, struct units_state *ret)
{
    *ret = u->state;
    ret->cgroups = ret->left_out = ret->unwatched = 0;
    twalk_r(u->by_path, count_node, ret);
}

int units_settle(struct units *u)
{
    bool has_room = u->gone != NULL;
    struct units_state now;

    u->gone = free_gone(u, true);
    units_state(u, &now);
    return u->walk_again || now.unwatched || (now.left_out && has_room) ? walk(u) : 0;
}

struct list {
    uint64_t *ids; /* NULL while only counting */
    size_t n;
};

static void list_node(const void *item, VISIT which, void *userdata)
{
    const struct node *node = *(struct node *const *)item;
    struct list *list = userdata;

    if ((which != postorder && which != leaf) || !node->in_table)
        return;
    if (list->ids)
        list->ids[list->n] = node->id;
    list->n++;
}

static int compare_ids(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

int units_list(const struct units *u, uint64_t **ret_ids, size_t *ret_n)
{
    struct list count = {0}, list = {0};

    twalk_r(u->by_path, list_node, &count);
    list.ids = calloc(count.n + 1, sizeof(*list.ids));
    if (!list.ids)
        return -ENOMEM;
    twalk_r(u->by_path, list_node, &list);
    qsort(list.ids, list.n, sizeof(*list.ids), compare_ids);
    *ret_ids = list.ids;
    *ret_n = list.n;
    return 0;
}
