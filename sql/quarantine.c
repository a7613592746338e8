/*
 * A damaged database is moved aside, whole, with its log; nothing of it is ever removed or written. Only what is recognisably
 * PDTT's is touched: a configuration that names another file by mistake must not cost anybody that file.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "common/fault.h"
#include "sql/store_internal.h"

#define LOOK_BYTES      (1 << 20)
#define APPLICATION_AT  68 /* of an SQLite header, big endian */
#define A_TABLE_OF_OURS "CREATE TABLE usage_raw"

static int complain(char **ret_why, const char *path, int error, const char *what)
{
    if (asprintf(ret_why, "%s: %s", path, what) < 0)
        *ret_why = NULL;
    return error;
}

static char *beside(const char *path, const char *suffix)
{
    char *name = NULL;

    return asprintf(&name, "%s%s", path, suffix) < 0 ? NULL : name;
}

static bool all_zero(const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i])
            return false;
    return true;
}

static bool has_log(const char *path)
{
    cleanup_free char *wal = beside(path, "-wal");

    return wal && access(wal, F_OK) == 0;
}

/* Our application id, or our schema's text, or a log beside what was emptied or zeroed at its beginning. */
static bool is_ours(const char *path)
{
    static const char id[] = {'P', 'D', 'T', 'T'};
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    cleanup_free char *bytes = malloc(LOOK_BYTES);
    ssize_t n = fd < 0 || !bytes ? -1 : read(fd, bytes, LOOK_BYTES);

    if (n < 0)
        return false;
    if (n >= APPLICATION_AT + (ssize_t)sizeof(id) && memcmp(bytes, "SQLite format 3", 16) == 0 &&
        memcmp(bytes + APPLICATION_AT, id, sizeof(id)) == 0)
        return true;
    if (memmem(bytes, (size_t)n, A_TABLE_OF_OURS, strlen(A_TABLE_OF_OURS)))
        return true;
    return all_zero(bytes, n < 4096 ? (size_t)n : 4096) && (n == 0 || has_log(path));
}

/* A name that nothing has: PATH-damaged-20261121T140500Z, with a number behind it if need be. */
static char *choose_name(const char *path)
{
    time_t now = time(NULL);
    char when[32];
    struct tm tm;

    strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
    for (int i = 0; i < 1000; i++) {
        char *name = NULL;
        struct stat st;
        if (asprintf(&name, i ? "%s-damaged-%s-%d" : "%s-damaged-%s", path, when, i) < 0)
            return NULL;
        if (lstat(name, &st) < 0 && errno == ENOENT)
            return name;
        free(name);
    }
    return NULL;
}

/* The log goes first: whoever creates a database removes the log that lies where its own will be. */
static int move(const char *path, const char *name)
{
    cleanup_free char *wal = beside(path, "-wal"), *shm = beside(path, "-shm"), *to_wal = beside(name, "-wal");

    if (!wal || !shm || !to_wal)
        return -ENOMEM;
    if (rename(wal, to_wal) < 0 && errno != ENOENT)
        return -errno;
    unlink(shm); /* an index of the log, made anew by whoever opens it */
    return rename(path, name) < 0 ? -errno : 0;
}

int quarantine_log(const char *path)
{
    cleanup_free char *wal = beside(path, "-wal"), *shm = beside(path, "-shm"), *name = choose_name(path);
    cleanup_free char *to = name ? beside(name, "-wal") : NULL;
    struct stat st;

    if (!wal || !shm || !to)
        return -ENOMEM;
    if (lstat(wal, &st) < 0 || st.st_size == 0)
        return 0;
    if (rename(wal, to) < 0)
        return -errno;
    unlink(shm);
    return 0;
}

/* ---- the note: which file is to be salvaged, so that a start after a kill goes on with it ---- */

static char *note_name(const char *path)
{
    return beside(path, "-salvaging");
}

static int write_note(const char *path, const char *moved)
{
    cleanup_free char *name = note_name(path);
    cleanup_close int fd = -1;

    if (!name)
        return -ENOMEM;
    unlink(name);
    fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0 || dprintf(fd, "%s\n", moved) < 0 || fsync(fd) < 0)
        return -errno;
    return file_sync_directory(path);
}

char *store_find_unsalvaged(const char *path)
{
    cleanup_free char *name = note_name(path), *moved = NULL;
    cleanup_close int fd = name ? open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    ssize_t n;

    if (fd < 0 || !(moved = calloc(1, PATH_MAX + 1)))
        return NULL;
    n = read(fd, moved, PATH_MAX);
    if (n <= 0)
        return NULL;
    moved[strcspn(moved, "\n")] = '\0';
    /* Killed before it was moved: then it is still in its place. */
    return access(moved, F_OK) == 0 ? take_ptr(moved) : NULL;
}

void store_salvage_done(struct store *s)
{
    cleanup_free char *name = note_name(s->path);

    if (name)
        unlink(name);
}

/* ---- moving ---- */

int store_quarantine(const char *path, bool was_ours, char **ret_moved, char **ret_why)
{
    cleanup_free char *real = realpath(path, NULL), *name = real ? choose_name(real) : NULL;
    int r;

    *ret_why = NULL;
    if (!real)
        return complain(ret_why, path, -errno, strerror(errno));
    if (!was_ours && !is_ours(real))
        return complain(
            ret_why, path, -EPERM,
            "is not recognisable as a database of PDTT, so it is left alone; move it away, or name another file");
    if (!name)
        return complain(ret_why, path, -ENOMEM, "no name can be found to move it to");
    r = write_note(real, name);
    if (r == 0)
        r = move(real, name);
    if (r == 0)
        r = file_sync_directory(real);
    fault_point("salvage-moved");
    if (r < 0) {
        cleanup_free char *what = NULL;
        if (asprintf(&what, "is damaged and cannot be moved to %s: %s", name, strerror(-r)) < 0)
            what = NULL;
        return complain(ret_why, path, r, what ? what : strerror(-r));
    }
    *ret_moved = take_ptr(name);
    return 0;
}
