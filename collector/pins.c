#include "collector/pins.h"

#include "common/cleanup.h"
#include "common/trusted.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>

static int say(char **ret_why, int error, const char *format, const char *path, const char *detail)
{
    if (asprintf(ret_why, format, path, detail) < 0)
        *ret_why = NULL;
    return error;
}

static int not_on_bpffs(const char *path, char **ret_why)
{
    return say(ret_why, -ENODEV,
               "%s is not on a bpf file system%s; mount one with: mount -t bpf bpf /sys/fs/bpf, or set pin_path to a "
               "directory on it",
               path, "");
}

/* Parents are made too, but only below an existing bpffs: a typo must not litter another file system. */
static int make_on_bpffs(const char *path, char **ret_why)
{
    cleanup_free char *parent = strdup(path);
    struct statfs fs;
    char *slash;

    if (!parent)
        return -ENOMEM;
    slash = strrchr(parent, '/');
    if (slash && slash != parent)
        *slash = '\0';
    if (statfs(parent, &fs) < 0 && (errno != ENOENT || make_on_bpffs(parent, ret_why) < 0 || statfs(parent, &fs) < 0))
        return *ret_why ? -ENOENT
                        : say(ret_why, -errno, "%s: %s; set pin_path to a directory on bpffs", parent, strerror(errno));
    if (fs.f_type != BPF_FS_MAGIC)
        return not_on_bpffs(path, ret_why);
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return say(ret_why, -errno, "%s: cannot make the directory: %s", path, strerror(errno));
    return 0;
}

/* bpffs lets all users make directories unless it is mounted otherwise: one of theirs must not become ours. */
static int open_trusted(const char *path, int *ret_fd, char **ret_why)
{
    cleanup_close int checked = -1, fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    struct stat found, st;
    struct statfs fs;
    int r;

    if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
        return say(ret_why, -ELOOP, "%s is a symbolic link or no directory%s; remove it, or set another pin_path", path,
                   "");
    if (fd < 0)
        return say(ret_why, -errno, "%s: %s", path, strerror(errno));
    r = trusted_open_directory(path, &checked, ret_why);
    if (r < 0)
        return r;
    if (fstat(fd, &st) < 0 || fstat(checked, &found) < 0 || fstatfs(fd, &fs) < 0)
        return say(ret_why, -errno, "%s: %s", path, strerror(errno));
    if (st.st_ino != found.st_ino || st.st_dev != found.st_dev || fs.f_type != BPF_FS_MAGIC)
        return say(ret_why, -ESTALE, "%s was exchanged while it was looked at%s; try again", path, "");
    *ret_fd = take_fd(fd);
    return 0;
}

int pins_check(const char *path, char **ret_why)
{
    cleanup_free char *there = strdup(path);
    cleanup_close int fd = -1;
    struct statfs fs = {0}; /* what cannot be looked at is no bpffs either */
    char *slash;

    if (!there)
        return -ENOMEM;
    while (statfs(there, &fs) < 0 && errno == ENOENT && (slash = strrchr(there, '/')) && slash != there)
        *slash = '\0';
    if (fs.f_type != BPF_FS_MAGIC)
        return not_on_bpffs(path, ret_why);
    return strcmp(there, path) == 0 ? open_trusted(path, &fd, ret_why) : 0;
}

int pins_open(const char *path, struct pins **ret_pins, char **ret_why)
{
    struct pins *pins = NULL;
    int fd, r = make_on_bpffs(path, ret_why);

    if (r < 0)
        return r;
    r = open_trusted(path, &fd, ret_why);
    if (r < 0)
        return r;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        r = say(ret_why, -EBUSY, "%s is in use by another pdttd%s; stop that one first or set another pin_path", path,
                "");
        close_fd(fd);
        return r;
    }
    pins = calloc(1, sizeof(*pins));
    if (pins)
        pins->path = strdup(path);
    if (!pins || !pins->path) {
        free(pins);
        close_fd(fd);
        return -ENOMEM;
    }
    pins->lock_fd = fd;
    *ret_pins = pins;
    return 0;
}

int pins_renew(struct pins *pins, char **ret_why)
{
    struct stat mine, current;
    struct pins *fresh;
    int r;

    if (fstat(pins->lock_fd, &mine) == 0 && stat(pins->path, &current) == 0 && mine.st_ino == current.st_ino &&
        mine.st_dev == current.st_dev)
        return 0;
    r = pins_open(pins->path, &fresh, ret_why);
    if (r < 0)
        return r;
    close_fd(pins->lock_fd);
    pins->lock_fd = take_fd(fresh->lock_fd);
    pins_close(fresh);
    return 0;
}

struct pins *pins_close(struct pins *pins)
{
    if (!pins)
        return NULL;
    close_fd(pins->lock_fd);
    free(pins->path);
    free(pins);
    return NULL;
}

char *pins_path(const struct pins *pins, const char *dir, const char *name)
{
    char *path;

    if (asprintf(&path, "%s/%s%s%s", pins->path, dir, name ? "/" : "", name ? name : "") < 0)
        return NULL;
    return path;
}

int pins_make_dir(const struct pins *pins, const char *dir)
{
    cleanup_free char *path = pins_path(pins, dir, NULL);

    if (!path)
        return -ENOMEM;
    return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

bool pins_exist(const struct pins *pins, const char *dir, const char *name)
{
    cleanup_free char *path = pins_path(pins, dir, name);

    return path && access(path, F_OK) == 0;
}

int pins_get(const struct pins *pins, const char *dir, const char *name)
{
    cleanup_free char *path = pins_path(pins, dir, name);
    int fd;

    if (!path)
        return -ENOMEM;
    fd = bpf_obj_get(path);
    return fd < 0 ? -errno : fd;
}

int pins_put(const struct pins *pins, const char *dir, const char *name, int fd)
{
    cleanup_free char *path = pins_path(pins, dir, name);

    if (!path)
        return -ENOMEM;
    if (unlink(path) < 0 && errno != ENOENT)
        return -errno;
    return bpf_obj_pin(fd, path) < 0 ? -errno : 0;
}

int pins_remove_dir(const struct pins *pins, const char *dir)
{
    cleanup_free char *path = pins_path(pins, dir, NULL);
    struct dirent *entry;
    DIR *d;
    int r = 0;

    if (!path)
        return -ENOMEM;
    d = opendir(path);
    if (!d)
        return errno == ENOENT ? 0 : -errno;
    while ((entry = readdir(d)))
        if (entry->d_name[0] != '.' && unlinkat(dirfd(d), entry->d_name, 0) < 0)
            r = -errno;
    closedir(d);
    if (r == 0 && rmdir(path) < 0)
        r = -errno;
    return r;
}

int pins_rename_dir(const struct pins *pins, const char *from, const char *to)
{
    cleanup_free char *old = pins_path(pins, from, NULL);
    cleanup_free char *new = pins_path(pins, to, NULL);

    if (!old || !new)
        return -ENOMEM;
    return rename(old, new) < 0 ? -errno : 0;
}

int pins_remove_all(const struct pins *pins)
{
    /* Links first: a program must not go on counting into maps that nobody can find any more. */
    static const char *const dirs[] = {PINS_INTERFACES, PINS_LINKS, PINS_MAPS_NEXT, PINS_MAPS};

    for (size_t i = 0; i < array_length(dirs); i++) {
        int r = pins_remove_dir(pins, dirs[i]);

        if (r < 0)
            return r;
    }
    return rmdir(pins->path) < 0 && errno != ENOENT ? -errno : 0;
}
