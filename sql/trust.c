/*
 * A writer runs as root and makes files beside the database. Nobody else may have put a link, a second name or a journal of
 * his own there, nor be able to: SQLite would write through it, or roll it back into the database.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>

#include "common/trusted.h"
#include "sql/store_internal.h"

static int refuse(struct store *s, int error, char *why)
{
    cleanup_free char *line = why;

    return store_fail(s, error == -ENOMEM ? -ENOMEM : -EACCES, "%s", line ? line : "out of memory");
}

static int check_beside(struct store *s, int directory, const char *name, const char *suffix)
{
    cleanup_free char *full = NULL, *path = NULL;
    char *why = NULL;
    struct stat st;
    int r;

    if (asprintf(&full, "%s%s", name, suffix) < 0 || asprintf(&path, "%s%s", s->path, suffix) < 0)
        return store_fail(s, -ENOMEM, "out of memory");
    if (fstatat(directory, full, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : store_fail(s, -EACCES, "%s: %s", path, strerror(errno));
    r = trusted_check_file(&st, path, &why);
    return r < 0 ? refuse(s, r, why) : 0;
}

int trust_check(struct store *s, const char *given_path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal", "-lock", BALLAST_SUFFIX};
    cleanup_free char *copy = strdup(s->path);
    cleanup_close int directory = -1;
    char *why = NULL;
    int r;

    if (!copy)
        return store_fail(s, -ENOMEM, "out of memory");
    r = trusted_open_parent(given_path, &directory, &why);
    if (r < 0)
        return refuse(s, r, why);
    for (size_t i = 0; i < array_length(suffixes) && r == 0; i++)
        r = check_beside(s, directory, basename(copy), suffixes[i]);
    return r;
}
