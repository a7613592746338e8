/* From no file to this program's schema: a ladder, and one transaction from whichever rung to its top. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "sql/schema.h"
#include "sql/store_internal.h"

static const struct rung {
    int version; /* user_version after it */
    const char *sql;
} ladder[] = {
    {1, sql_0001_create},       {2, sql_0002_levels},     {3, sql_0003_connections},
    {4, sql_0004_name_packets}, {5, sql_0005_interfaces}, {6, sql_0006_notices},
    {7, sql_0007_samples},      {8, sql_0008_policies},   {9, sql_0009_policy_events},
};

#define SCHEMA_VERSION (ladder[array_length(ladder) - 1].version)

static const char climbing[] = "bringing its schema up to date";

static int get_pragma(struct store *s, const char *sql, int64_t *ret)
{
    sqlite3_stmt *stmt;

    if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) != SQLITE_OK)
        return store_fail_sqlite(s, "opening");
    int rc = sqlite3_step(stmt);
    int64_t value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    if (rc != SQLITE_ROW)
        return store_fail_sqlite(s, "opening");
    *ret = value;
    return 0;
}

static int execute(struct store *s, const char *sql, const char *doing)
{
    errno = 0; /* store_fail_sqlite() looks at it */
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : store_fail_sqlite(s, doing);
}

static int climb(struct store *s, int64_t version)
{
    int r = 0;

    for (size_t i = 0; i < array_length(ladder) && r == 0; i++)
        if (ladder[i].version > version)
            r = execute(s, ladder[i].sql, climbing);
    return r == 0 ? execute(s, sql_views, climbing) : r;
}

/* In one transaction: a rung may drop the views, which are made again for the last one. */
static int climb_all(struct store *s, int64_t version)
{
    int r;

    if (version == SCHEMA_VERSION)
        return 0;
    r = execute(s, "BEGIN IMMEDIATE", climbing);
    if (r < 0)
        return r;
    r = climb(s, version);
    if (r == 0)
        r = execute(s, "COMMIT", climbing);
    if (r < 0 && !sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return r;
}

/* The version of a database that is known to be PDTT's and not newer than this program. */
static int check_identity(struct store *s, int64_t *ret_version)
{
    int64_t application, version;
    int r = get_pragma(s, "PRAGMA application_id", &application);

    if (r == 0 && application != STORE_APPLICATION_ID)
        return store_fail(s, -EBADMSG,
                          "is an SQLite database, but not one of PDTT (application_id 0x%08llx);"
                          " name another file",
                          (long long)application & 0xffffffff);
    if (r == 0)
        r = get_pragma(s, "PRAGMA user_version", &version);
    if (r < 0)
        return r;
    if (version > SCHEMA_VERSION)
        return store_fail(s, -ENOTSUP, "has schema %lld, newer than this program's %d; install the newer PDTT",
                          (long long)version, SCHEMA_VERSION);
    *ret_version = version;
    return 0;
}

int migrate_check_identity(struct store *s)
{
    int64_t version;

    return check_identity(s, &version);
}

int migrate_upgrade(struct store *s)
{
    int64_t version;
    int r = check_identity(s, &version);

    return r < 0 ? r : climb_all(s, version);
}

int migrate_is_due(struct store *s)
{
    int64_t version;
    int r = check_identity(s, &version);

    if (r < 0 || version == SCHEMA_VERSION)
        return r;
    store_fail(s, -ENOTSUP, "has the older schema %lld, which will be brought to %d when pdttd starts",
               (long long)version, SCHEMA_VERSION);
    return 1;
}

int migrate_check(struct store *s)
{
    int64_t version;
    int r = check_identity(s, &version);

    if (r == 0 && version < SCHEMA_VERSION)
        return store_fail(s, -ENOTSUP,
                          "has schema %lld, older than this program's %d; start the new pdttd once,"
                          " which brings it up to date",
                          (long long)version, SCHEMA_VERSION);
    return r;
}

static int insert_meta(struct store *s, const char *key, const char *value)
{
    sqlite3_stmt *stmt;

    if (sqlite3_prepare_v2(s->db, "INSERT INTO meta VALUES (?1, ?2)", -1, &stmt, NULL) != SQLITE_OK)
        return store_fail_sqlite(s, "creating");
    sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, value, -1, SQLITE_STATIC);
    int rc = sqlite3_step(stmt);
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE ? 0 : store_fail_sqlite(s, "creating");
}

/* Page size and auto_vacuum can only be chosen while the file is empty. */
static const char new_file_pragmas[] =
    "PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA synchronous = FULL";

static int fill(struct store *s)
{
    char host[256] = "", created[32], schema[32];

    gethostname(host, sizeof(host) - 1);
    snprintf(created, sizeof(created), "%lld", (long long)time(NULL));
    snprintf(schema, sizeof(schema), "%d", SCHEMA_VERSION);
    int r = execute(s, new_file_pragmas, "creating");

    if (r == 0)
        r = climb_all(s, 0);
    if (r == 0)
        r = insert_meta(s, "host", host);
    if (r == 0)
        r = insert_meta(s, "created_sec", created);
    if (r == 0)
        r = insert_meta(s, MIGRATE_CREATED_SCHEMA, schema);
    if (r == 0)
        r = execute(s, "PRAGMA journal_mode = WAL", "creating");
    return r;
}

int migrate_schema_version(void)
{
    return SCHEMA_VERSION;
}

int migrate_make_memory(struct store *s, sqlite3 **ret_db)
{
    struct store memory = {.path = s->path, .mode = STORE_WRITE};
    int r;

    if (sqlite3_open_v2(":memory:", &memory.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK)
        r = store_fail(s, -ENOMEM, "out of memory");
    else
        r = execute(&memory, new_file_pragmas, "salvaging");
    if (r == 0)
        r = climb_all(&memory, 0);
    free(memory.why);
    if (r < 0)
        sqlite3_close(memory.db);
    else
        *ret_db = memory.db;
    return r;
}

int migrate_make_template(struct store *s, unsigned char **ret_bytes, int64_t *ret_size)
{
    static const char without_code[] =
        "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE type IN ('view', 'trigger')";
    sqlite3_int64 size = 0;
    sqlite3 *db;
    int r = migrate_make_memory(s, &db);

    if (r < 0)
        return r;
    if (sqlite3_exec(db, without_code, NULL, NULL, NULL) != SQLITE_OK ||
        !(*ret_bytes = sqlite3_serialize(db, "main", &size, 0)))
        r = store_fail(s, -ENOMEM, "out of memory");
    *ret_size = size;
    sqlite3_close(db);
    return r;
}

/* Leftovers of a crash, or of a database that somebody removed: a log must never be replayed into another database. */
static void remove_leftovers(const char *path)
{
    static const char *const suffixes[] = {"-wal", "-shm", "-journal"};

    for (size_t i = 0; i < array_length(suffixes); i++) {
        cleanup_free char *name = NULL;
        if (asprintf(&name, "%s%s", path, suffixes[i]) >= 0)
            unlink(name);
        else
            name = NULL;
    }
}

static int create_empty(struct store *s, const char *path)
{
    unlink(path);
    remove_leftovers(path);
    cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    /* Whatever the umask: the group may read, which is how support staff get their reports. SQLite copies the mode. */
    if (fd < 0 || fchmod(fd, 0640) < 0) {
        int error = errno == EPERM || errno == EROFS ? -EACCES : -errno;
        return store_fail(s, error, "cannot be created: %s; check its directory", strerror(errno));
    }
    return 0;
}

int migrate_create(struct store *s)
{
    cleanup_free char *new_path = NULL;

    if (asprintf(&new_path, "%s-new", s->path) < 0)
        return store_fail(s, -ENOMEM, "out of memory");
    int r = create_empty(s, new_path);
    if (r == 0)
        r = file_connect(s, new_path, SQLITE_OPEN_READWRITE);
    if (r == 0)
        r = fill(s);
    if (sqlite3_close(s->db) != SQLITE_OK && r == 0)
        r = store_fail(s, -EIO, "could not be closed after it was created; check the disk");
    s->db = NULL;
    if (r == 0)
        r = quarantine_log(s->path); /* what is in it may be all that is left of something */
    if (r == 0)
        remove_leftovers(s->path);
    if (r == 0 && rename(new_path, s->path) < 0)
        r = store_fail(s, -EIO, "%s could not be renamed to it: %s", new_path, strerror(errno));
    if (r < 0) {
        unlink(new_path);
        remove_leftovers(new_path);
        return r;
    }
    r = file_sync_directory(s->path);
    return r < 0 ? store_fail(s, -EIO, "its directory cannot be synced: %s; check the disk", strerror(-r)) : 0;
}
