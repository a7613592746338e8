/*
 * A file beside the database that keeps room for a full disk: even deleting needs some. When a transaction finds the disk
 * full the ballast goes and the transaction is tried again; when there is room again the ballast comes back.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/statvfs.h>

#include "sql/store_internal.h"

#define BALLAST_BYTES   (INT64_C(8) << 20)
#define SHARE_OF_DISK   20 /* at most this part of the file system: a small one is not ours to fill */
#define ROOM_TO_BEGIN   4  /* this many times the ballast must be free before it is made */
#define BALLAST_MINIMUM (INT64_C(1) << 20)

static char *ballast_path(const struct store *s)
{
    char *path = NULL;

    return asprintf(&path, "%s" BALLAST_SUFFIX, s->path) < 0 ? NULL : path;
}

/* How large it should be now; 0: there is no room for one. */
static int64_t wanted_bytes(const struct store *s)
{
    cleanup_free char *copy = strdup(s->path);
    struct statvfs fs;

    if (!copy || statvfs(dirname(copy), &fs) < 0)
        return 0;
    int64_t all = (int64_t)fs.f_blocks * (int64_t)fs.f_frsize, room = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
    int64_t wanted = all / SHARE_OF_DISK < BALLAST_BYTES ? all / SHARE_OF_DISK : BALLAST_BYTES;
    return wanted >= BALLAST_MINIMUM && room >= ROOM_TO_BEGIN * wanted ? wanted : 0;
}

void ballast_take(struct store *s)
{
    cleanup_free char *path = ballast_path(s);
    int64_t wanted = path ? wanted_bytes(s) : 0;
    struct stat st;

    if (!wanted || (lstat(path, &st) == 0 && st.st_size > 0))
        return;
    cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    /* A file system without fallocate(2) would get it written in full by posix_fallocate(3): no. */
    if (fd >= 0 && fallocate(fd, 0, 0, wanted) < 0)
        unlink(path);
}

bool ballast_release(struct store *s)
{
    cleanup_free char *path = ballast_path(s);
    struct stat st;

    if (!path || lstat(path, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0 || unlink(path) < 0)
        return false;
    notice_add(s,
               "%s: its file system is full; the ballast of %lld bytes was released to go on booking for a while; make "
               "room, the ballast comes back by itself",
               s->path, (long long)st.st_size);
    return true;
}
