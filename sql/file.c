/*
 * What a database is as a file. Its contents are only ever read through SQLite's own descriptor: closing another one
 * would drop the POSIX locks that SQLite holds on the file for the whole process.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>

#include "sql/store_internal.h"

static const char sqlite_magic[16] = "SQLite format 3";

#define BUSY_TIMEOUT_MS 2000 /* short: the daemon keeps an interval that could not be booked and tries again */

static int check_directory(struct store *s)
{
    cleanup_free char *copy = strdup(s->path);
    struct stat st;

    if (!copy)
        return store_fail(s, -ENOMEM, "out of memory");
    const char *directory = dirname(copy);
    if (stat(directory, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    if (errno == EACCES)
        return store_fail(s, -EACCES, "may not enter directory %s; join the group that owns it, or use root",
                          directory);
    return store_fail(s, -ENOENT,
                      "directory %s does not exist; install the program, or create it with:"
                      " install -d -m 2750 %s",
                      directory, directory);
}

int file_check_path(struct store *s, bool *ret_exists)
{
    struct stat st;
    int r = check_directory(s);

    if (r < 0)
        return r;
    if (stat(s->path, &st) < 0) {
        if (errno == ENOENT && s->mode == STORE_WRITE) {
            *ret_exists = false;
            return 0;
        }
        if (errno == ENOENT)
            return store_fail(s, -ENOENT, "no such database; start pdttd, or name the file that it writes");
        int error = -errno;
        return store_fail(s, error, "%s; join the group that owns its directory, or use root", strerror(-error));
    }
    if (!S_ISREG(st.st_mode))
        return store_fail(s, -EBADMSG, "is not a file; name the file that pdttd writes");
    if (access(s->path, R_OK | (s->mode == STORE_WRITE ? W_OK : 0)) < 0)
        return store_fail(s, -EACCES, "may not be %s; join the group that owns it, or use root",
                          s->mode == STORE_WRITE ? "written" : "read");
    *ret_exists = true;
    return 0;
}

static bool may_create_beside(const char *path)
{
    cleanup_free char *copy = strdup(path);

    return copy && access(dirname(copy), W_OK) == 0;
}

/* A file: URI, so that no name is taken for ":memory:" or for a URI of its own. */
static char *make_uri(const char *path, const char *parameters)
{
    char *uri = malloc(sizeof("file:") + 3 * strlen(path) + strlen(parameters));
    char *p = uri;

    if (!uri)
        return NULL;
    p = stpcpy(p, "file:");
    for (const unsigned char *c = (const unsigned char *)path; *c; c++)
        p += sprintf(p, strchr("?#%", *c) || *c < ' ' ? "%%%02X" : "%c", *c);
    strcpy(p, parameters);
    return uri;
}

/*
 * A reader needs the -wal and -shm files, and may not be allowed to make them. They stay when pdttd ends (persistent
 * WAL); where they are gone nobody writes, the database is a copy, and may be read as immutable. But a log that holds
 * something is part of the database: passing over it would answer from the past.
 */
static int choose_parameters(struct store *s, const char *path, int flags, const char **ret_parameters)
{
    cleanup_free char *wal = NULL, *shm = NULL;
    struct stat st;

    *ret_parameters = flags & SQLITE_OPEN_READONLY ? "?mode=ro" : "?mode=rw";
    if (!(flags & SQLITE_OPEN_READONLY))
        return 0;
    if (asprintf(&wal, "%s-wal", path) < 0 || asprintf(&shm, "%s-shm", path) < 0)
        return store_fail(s, -ENOMEM, "out of memory");
    bool has_index = access(shm, F_OK) == 0;
    if (stat(wal, &st) < 0 || (st.st_size == 0 && !has_index))
        *ret_parameters = "?mode=ro&immutable=1";
    else if (!has_index && !may_create_beside(path))
        return store_fail(s, -EACCES,
                          "its index %s is missing and may not be created by this user; start pdttd, or"
                          " open it once as root",
                          shm);
    return 0;
}

int file_connect(struct store *s, const char *path, int flags)
{
    const char *parameters;
    int r = choose_parameters(s, path, flags, &parameters);

    if (r < 0)
        return r;
    cleanup_free char *uri = make_uri(path, parameters);
    if (!uri)
        return store_fail(s, -ENOMEM, "out of memory");
    if (sqlite3_open_v2(uri, &s->db, flags | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return store_fail_sqlite(s, "opening");
    if (flags & SQLITE_OPEN_READWRITE && sqlite3_db_readonly(s->db, "main"))
        return store_fail(s, -EACCES, "can only be read; check its permissions and how its file system is mounted");
    sqlite3_extended_result_codes(s->db, 1);
    sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MS);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    return 0;
}

static sqlite3_file *main_file(struct store *s)
{
    sqlite3_file *file = NULL;

    sqlite3_file_control(s->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    return file && file->pMethods ? file : NULL;
}

int file_check_contents(struct store *s)
{
    sqlite3_file *file = main_file(s);
    sqlite3_int64 size = 0;
    char header[sizeof(sqlite_magic)];

    if (!file || file->pMethods->xFileSize(file, &size) != SQLITE_OK)
        return store_fail(s, -EIO, "cannot be read; check the disk and the kernel's log");
    if (size == 0)
        return store_fail(s, -EBADMSG,
                          "is empty (zero bytes), so it was cut off or a copy failed;"
                          " restore it, or remove it to begin anew");
    if (size < (sqlite3_int64)sizeof(header) || file->pMethods->xRead(file, header, sizeof(header), 0) != SQLITE_OK ||
        memcmp(header, sqlite_magic, sizeof(header)) != 0)
        return store_fail(s, -EBADMSG, "is not an SQLite database; %sname another file",
                          s->mode == STORE_WRITE ? "move it away, or " : "");
    return 0;
}

int file_remember_wal(struct store *s)
{
    const char *wal = sqlite3_filename_wal(sqlite3_db_filename(s->db, "main"));

    if (stat(wal, &s->wal) < 0)
        return store_fail(s, -EIO, "its write-ahead log %s cannot be found: %s; restart the program", wal,
                          strerror(errno));
    return 0;
}

int file_sync_directory(const char *path)
{
    cleanup_free char *copy = strdup(path);
    cleanup_close int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

    return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

bool file_has_moved(const struct store *s)
{
    int moved = 0;

    return sqlite3_file_control(s->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK || moved;
}

int file_check_in_place(struct store *s)
{
    const char *path = sqlite3_db_filename(s->db, "main");
    const char *wal = sqlite3_filename_wal(path);
    sqlite3_file *file = main_file(s);
    sqlite3_int64 size = 0;
    struct stat st;

    if (file_has_moved(s))
        return store_fail(s, -ESTALE, "was moved, deleted or replaced");
    if (!file || file->pMethods->xFileSize(file, &size) != SQLITE_OK)
        return store_fail(s, -EIO, "its size cannot be read; check the disk and the kernel's log");
    s->damaged = size == 0;
    if (s->damaged)
        return store_fail(s, -EBADMSG, "was emptied");
    if (stat(wal, &st) < 0 || st.st_ino != s->wal.st_ino || st.st_dev != s->wal.st_dev)
        return store_fail(s, -ESTALE, "its write-ahead log %s was moved, deleted or replaced", wal);
    s->damaged = file_check_contents(s) < 0;
    return s->damaged ? -EBADMSG : 0;
}
