/* One failure, one line: what SQLite says, the errno that callers act on, and what to do about it. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sql/store_internal.h"

static const struct failure {
    int code; /* SQLite's primary or extended result code */
    int error;
    const char *remedy;
} failures[] = {
    {SQLITE_READONLY_DBMOVED, -ESTALE, "the file was moved or deleted; restart the program"},
    {SQLITE_BUSY, -EBUSY, "wait for it or end it"},
    {SQLITE_INTERRUPT, -ETIME, "ask for a shorter time or fewer rows"},
    {SQLITE_LOCKED, -EBUSY, "wait for it or end it"},
    {SQLITE_FULL, -ENOSPC, "make room on its file system"},
    {SQLITE_NOTADB, -EBADMSG, "move it away, or name another file"},
    {SQLITE_CORRUPT, -EBADMSG, "restore it from a backup, or recover it with sqlite3's .recover"},
    {SQLITE_ERROR, -EBADMSG, "its schema is not what this program made; restore it from a backup"},
    {SQLITE_NOMEM, -ENOMEM, "give the program more memory"},
    {SQLITE_READONLY, -EACCES, "check the permissions of the file, its -wal and -shm files and the directory"},
    {SQLITE_PERM, -EACCES, "check the permissions of the file and its directory"},
    {SQLITE_CANTOPEN, -EIO, "check the permissions of the file, its -wal and -shm files and the directory"},
    {SQLITE_IOERR, -EIO, "check the disk and the kernel's log"},
};

/* Where SQLite only knows "I/O error" the system's own number may say more. */
static const struct {
    int system;
    int error;
    const char *remedy;
} system_failures[] = {
    {ENOSPC, -ENOSPC, "make room on its file system"},
    {EDQUOT, -ENOSPC, "raise the quota"},
    {EFBIG, -ENOSPC, "raise the limit on the size of files"},
    {EACCES, -EACCES, "check the permissions of the file, its -wal and -shm files and the directory"},
    {EPERM, -EACCES, "check the permissions of the file, its -wal and -shm files and the directory"},
    {EROFS, -EACCES, "mount its file system for writing"},
    {ENOENT, -ENOENT, "check that the path exists"},
};

int store_fail(struct store *s, int error, const char *format, ...)
{
    cleanup_free char *message = NULL;
    char *why = NULL;
    va_list ap;

    va_start(ap, format);
    if (vasprintf(&message, format, ap) < 0)
        message = NULL;
    va_end(ap);
    if (asprintf(&why, "%s: %s", s->path, message ? message : "out of memory") < 0)
        why = NULL;
    free(s->why);
    s->why = why;
    return error;
}

static const struct failure *find_failure(int code)
{
    for (size_t i = 0; i < array_length(failures); i++)
        if (failures[i].code == code || failures[i].code == (code & 0xff))
            return &failures[i];
    return &failures[array_length(failures) - 1];
}

/*
 * SQLite 3.40 forgets the system's number when a commit fails, but nothing overwrites errno on the way back. Only what
 * tells of room is believed from there: SQLite probes for files, which leaves ENOENT behind without any failure.
 */
static int system_error(struct store *s, int saved_errno)
{
    int system = sqlite3_system_errno(s->db);

    if (system)
        return system;
    return saved_errno == ENOSPC || saved_errno == EDQUOT || saved_errno == EFBIG ? saved_errno : 0;
}

static struct failure refine_failure(const struct failure *f, int system)
{
    struct failure refined = *f;

    if (f->error != -EIO)
        return refined;
    for (size_t i = 0; i < array_length(system_failures); i++)
        if (system_failures[i].system == system) {
            refined.error = system_failures[i].error;
            refined.remedy = system_failures[i].remedy;
        }
    return refined;
}

int store_fail_sqlite(struct store *s, const char *doing)
{
    int system = system_error(s, errno);
    struct failure f = refine_failure(find_failure(sqlite3_extended_errcode(s->db)), system);
    int code = sqlite3_errcode(s->db) & 0xff;
    struct store_holder who;

    s->damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;

    if (f.error == -EBUSY && store_find_blocker(s, &who))
        return store_fail(s, f.error, "%s failed: process %d (%s, uid %u) holds a lock on it; %s", doing, who.pid,
                          who.comm, who.uid, f.remedy);
    if (f.error == -EBUSY)
        return store_fail(s, f.error, "%s failed: another process holds a lock on it; %s", doing, f.remedy);
    return store_fail(s, f.error, "%s failed: %s; %s", doing, sqlite3_errmsg(s->db), f.remedy);
}

bool store_is_damaged(const struct store *s)
{
    return s->damaged;
}

const char *store_why(const struct store *s)
{
    return s->why ? s->why : "";
}
