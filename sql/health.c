/* What an administrator wants to know of the files of a database; looks only, and cannot fail. */
#include <libgen.h>
#include <string.h>
#include <sys/statvfs.h>

#include "sql/store_internal.h"

static int64_t size_of(const char *path, const char *suffix)
{
    cleanup_free char *name = NULL;
    struct stat st;

    if (asprintf(&name, "%s%s", path, suffix) < 0) {
        name = NULL;
        return -1;
    }
    return stat(name, &st) < 0 ? -1 : st.st_size;
}

static int64_t free_on_disk_of(const char *path)
{
    cleanup_free char *copy = strdup(path);
    struct statvfs fs;

    return copy && statvfs(dirname(copy), &fs) == 0 ? (int64_t)fs.f_bavail * (int64_t)fs.f_frsize : -1;
}

void store_read_health(const struct store *s, struct store_health *ret)
{
    *ret = (struct store_health){
        .database_bytes = size_of(s->path, ""),
        .log_bytes = size_of(s->path, "-wal"),
        .disk_free_bytes = free_on_disk_of(s->path),
        .ballast_bytes = size_of(s->path, BALLAST_SUFFIX),
    };
    if (ret->ballast_bytes < 0)
        ret->ballast_bytes = 0;
    ret->blocked = store_find_blocker(s, &ret->blocker);
    ret->read = store_find_reader(s, &ret->reader);
}
