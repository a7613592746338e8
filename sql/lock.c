/* One writer per database: <path>-lock, held with flock(2) as long as the store is open. It holds the writer's pid. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "sql/store_internal.h"

static int fail_held(struct store *s, int fd)
{
    char text[32] = "";
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    long pid = n > 0 ? strtol(text, NULL, 10) : 0;

    if (pid > 0)
        return store_fail(s, -EEXIST,
                          "process %ld is writing it already (%s); end that one first, or name another file", pid,
                          s->lock_path);
    return store_fail(s, -EEXIST,
                      "another process is writing it already (%s); end that one first, or name another file",
                      s->lock_path);
}

/* The holder removes the file when it ends, so what was just locked may be a file that has no name any more. */
static bool is_current(int fd, const char *path)
{
    struct stat mine, current;

    return fstat(fd, &mine) == 0 && stat(path, &current) == 0 && mine.st_ino == current.st_ino &&
           mine.st_dev == current.st_dev;
}

static int write_pid(struct store *s, int fd)
{
    if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", getpid()) < 0) {
        int error = errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? -ENOSPC : -EIO;
        return store_fail(s, error, "writing %s: %s; make room on its file system", s->lock_path, strerror(errno));
    }
    return 0;
}

int lock_take(struct store *s)
{
    if (asprintf(&s->lock_path, "%s-lock", s->path) < 0)
        return store_fail(s, -ENOMEM, "out of memory");
    for (;;) {
        cleanup_close int fd = open(s->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
        if (fd < 0) {
            int error = errno == EACCES || errno == EPERM || errno == EROFS ? -EACCES : -errno;
            return store_fail(s, error, "cannot create its lock %s: %s; check the permissions of the directory",
                              s->lock_path, strerror(errno));
        }
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
            return fail_held(s, fd);
        if (!is_current(fd, s->lock_path))
            continue;
        int r = write_pid(s, fd);
        if (r < 0)
            return r;
        s->lock_fd = take_fd(fd);
        return 0;
    }
}

void lock_release(struct store *s)
{
    if (s->lock_fd >= 0)
        unlink(s->lock_path); /* while it is held, so that nobody else's is removed */
    s->lock_fd = close_fd(s->lock_fd);
}
