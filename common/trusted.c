#include "common/trusted.h"

#include "common/cleanup.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#define MOST_LINKS 40 /* as in the kernel */

static int say(char **ret_why, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int say(char **ret_why, int error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (vasprintf(ret_why, format, args) < 0)
        *ret_why = NULL;
    va_end(args);
    return error;
}

static bool owner_is_trusted(const struct stat *st)
{
    return st->st_uid == 0 || st->st_uid == geteuid();
}

/* The group root is root. */
static bool others_may_write(const struct stat *st)
{
    return st->st_mode & S_IWOTH || (st->st_mode & S_IWGRP && st->st_gid != 0);
}

/* ---- directories ---- */

struct walk {
    int fd;     /* where it has come to */
    char *rest; /* what is still to be walked */
    int links;
};

static void walk_done(struct walk *w)
{
    close_fd(w->fd);
    free(w->rest);
}

/* The name of what is open, as the kernel knows it: links are resolved in it. */
static const char *name_of(int fd, char buf[static PATH_MAX])
{
    char link[32];
    ssize_t n;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, buf, PATH_MAX - 1);
    if (n < 0)
        return "a directory on the way there";
    buf[n] = '\0';
    return buf;
}

static int check_directory(int fd, bool last, char **ret_why)
{
    char name[PATH_MAX];
    struct stat st;

    if (fstat(fd, &st) < 0)
        return say(ret_why, -errno, "%s: %s", name_of(fd, name), strerror(errno));
    if (!owner_is_trusted(&st))
        return say(ret_why, -EPERM,
                   "the directory %s belongs to user %u, who could exchange what is in it; make it root's, or name "
                   "another place",
                   name_of(fd, name), st.st_uid);
    if (others_may_write(&st) && (last || !(st.st_mode & S_ISVTX)))
        return say(
            ret_why, -EPERM,
            "others may write to the directory %s (mode %04o) and exchange what is in it; chmod go-w it, or name "
            "another place",
            name_of(fd, name), st.st_mode & 07777);
    return 0;
}

/* rest becomes what a link says and then what was left. */
static int follow(struct walk *w, int link, const char *left, const char *path, char **ret_why)
{
    char target[PATH_MAX], *rest;
    ssize_t n = readlinkat(link, "", target, sizeof(target) - 1);

    if (n < 0)
        return say(ret_why, -errno, "%s: %s", path, strerror(errno));
    target[n] = '\0';
    if (++w->links > MOST_LINKS)
        return say(ret_why, -ELOOP, "%s: %s", path, strerror(ELOOP));
    if (asprintf(&rest, "%s/%s", target, left) < 0)
        return say(ret_why, -ENOMEM, "out of memory");
    free(w->rest);
    w->rest = rest;
    if (*target == '/') {
        close_fd(w->fd);
        w->fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    return w->fd < 0 ? say(ret_why, -errno, "/: %s", strerror(errno)) : 0;
}

/* One component of rest, which has one. */
static int step(struct walk *w, const char *path, char **ret_why)
{
    char *begin = w->rest + strspn(w->rest, "/"), *end = begin + strcspn(begin, "/");
    cleanup_free char *name = strndup(begin, (size_t)(end - begin));
    cleanup_close int next = name ? openat(w->fd, *name ? name : ".", O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1;
    struct stat st;

    if (next < 0 || fstat(next, &st) < 0)
        return say(ret_why, name ? -errno : -ENOMEM, "%s: %s", path, name ? strerror(errno) : "out of memory");
    if (S_ISLNK(st.st_mode)) {
        if (owner_is_trusted(&st))
            return follow(w, next, end, path, ret_why);
        return say(ret_why, -EPERM, "%s: %s in it is a symbolic link of user %u, which is not followed; remove it",
                   path, name, st.st_uid);
    }
    if (!S_ISDIR(st.st_mode))
        return say(ret_why, -ENOTDIR, "%s: %s in it is no directory", path, name);
    memmove(w->rest, end, strlen(end) + 1);
    close_fd(w->fd);
    w->fd = take_fd(next);
    return check_directory(w->fd, false, ret_why);
}

int trusted_open_directory(const char *path, int *ret_fd, char **ret_why)
{
    cleanup(walk_done) struct walk w = {.rest = strdup(path)};
    int r;

    w.fd = open(*path == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (w.fd < 0 || !w.rest)
        return say(ret_why, w.rest ? -errno : -ENOMEM, "%s: %s", path, strerror(w.rest ? errno : ENOMEM));
    r = check_directory(w.fd, false, ret_why);
    while (r == 0 && w.rest[strspn(w.rest, "/")])
        r = step(&w, path, ret_why);
    if (r == 0)
        r = check_directory(w.fd, true, ret_why);
    if (r == 0)
        *ret_fd = take_fd(w.fd);
    return r;
}

int trusted_open_parent(const char *path, int *ret_fd, char **ret_why)
{
    cleanup_free char *copy = strdup(path);

    return copy ? trusted_open_directory(dirname(copy), ret_fd, ret_why) : say(ret_why, -ENOMEM, "out of memory");
}

/* ---- files ---- */

int trusted_check_file(const struct stat *st, const char *path, char **ret_why)
{
    if (S_ISLNK(st->st_mode))
        return say(ret_why, -ELOOP, "%s is a symbolic link, which is not followed; remove it or name its target", path);
    if (!S_ISREG(st->st_mode))
        return say(ret_why, -EMEDIUMTYPE, "%s is no regular file; remove it or name another", path);
    if (st->st_nlink != 1)
        return say(ret_why, -EPERM,
                   "%s has %lu names (hard links), of which somebody else may have made one; remove it or the others",
                   path, (unsigned long)st->st_nlink);
    if (!owner_is_trusted(st))
        return say(ret_why, -EPERM, "%s belongs to user %u; remove it, or make it root's", path, st->st_uid);
    if (others_may_write(st))
        return say(ret_why, -EPERM, "others may write to %s (mode %04o); chmod go-w it", path, st->st_mode & 07777);
    return 0;
}
