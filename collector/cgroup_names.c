#include "collector/cgroup_names.h"

#include "common/cleanup.h"

#include <fts.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

struct entry {
    uint64_t id;
    char *path; /* NULL: there is none, which is known as well */
    bool used;
};

struct cgroup_names {
    char *root;
    size_t mount;          /* how much of each path is the mount and its slash */
    bool walked;           /* in this reading */
    struct entry *entries; /* sorted by id */
    size_t n, capacity;
};

/* The topmost directory on the way up that still is cgroup v2: where the hierarchy is mounted. */
static char *find_mount(const char *root)
{
    char *path = strdup(root), *slash;
    struct statfs fs;

    while (path && (slash = strrchr(path, '/')) && slash != path) {
        *slash = '\0';
        if (statfs(path, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
            continue;
        *slash = '/';
        break;
    }
    return path;
}

int cgroup_names_open(const char *root, struct cgroup_names **ret_names)
{
    struct cgroup_names *n = calloc(1, sizeof(*n));
    cleanup_free char *mount = find_mount(root);

    if (n)
        n->root = strdup(root);
    if (!n || !n->root || !mount) {
        cgroup_names_close(n);
        return -ENOMEM;
    }
    n->mount = strlen(mount) + 1;
    *ret_names = n;
    return 0;
}

struct cgroup_names *cgroup_names_close(struct cgroup_names *n)
{
    if (!n)
        return NULL;
    for (size_t i = 0; i < n->n; i++)
        free(n->entries[i].path);
    free(n->entries);
    free(n->root);
    free(n);
    return NULL;
}

void cgroup_names_begin(struct cgroup_names *n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n->n; i++) {
        struct entry entry = n->entries[i];

        if (!entry.used) {
            free(entry.path);
            continue;
        }
        entry.used = false;
        n->entries[kept++] = entry;
    }
    n->n = kept;
    n->walked = false;
}

static size_t place_of(const struct cgroup_names *n, uint64_t id)
{
    size_t low = 0, high = n->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (n->entries[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct entry *insert(struct cgroup_names *n, size_t at, uint64_t id)
{
    if (n->n == n->capacity) {
        size_t capacity = n->capacity ? 2 * n->capacity : 64;
        struct entry *entries = realloc(n->entries, capacity * sizeof(*entries));

        if (!entries)
            return NULL;
        n->entries = entries;
        n->capacity = capacity;
    }
    memmove(n->entries + at + 1, n->entries + at, (n->n - at) * sizeof(*n->entries));
    n->n++;
    n->entries[at] = (struct entry){.id = id};
    return &n->entries[at];
}

static struct entry *entry_of(struct cgroup_names *n, uint64_t id, bool make)
{
    size_t at = place_of(n, id);

    if (at < n->n && n->entries[at].id == id)
        return &n->entries[at];
    return make ? insert(n, at, id) : NULL;
}

static void note(struct cgroup_names *n, const FTSENT *directory)
{
    struct entry *entry = entry_of(n, directory->fts_statp->st_ino, true);

    if (entry && !entry->path && directory->fts_pathlen > n->mount)
        entry->path = strdup(directory->fts_path + n->mount);
}

/* Once in a reading at most: what it does not find has gone. */
static void walk(struct cgroup_names *n)
{
    FTS *tree = fts_open((char *const[]){n->root, NULL}, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
    FTSENT *at;

    n->walked = true;
    while (tree && (at = fts_read(tree)))
        if (at->fts_info == FTS_D)
            note(n, at);
    if (tree)
        fts_close(tree);
}

const char *cgroup_names_find(struct cgroup_names *n, uint64_t id)
{
    struct entry *entry = entry_of(n, id, false);

    if (id == 0)
        return "";
    if (!entry && !n->walked)
        walk(n);
    entry = entry_of(n, id, true);
    if (!entry)
        return "";
    entry->used = true;
    return entry->path ? entry->path : "";
}
