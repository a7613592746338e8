/* Opening and closing: every check that a database must pass, in the order in which a failure tells most. */
#include <errno.h>
#include <libgen.h>
#include <string.h>

#include "common/fault.h"
#include "sql/store_internal.h"

/*
 * FULL, because with NORMAL a power cut loses committed epochs that the kernel has forgotten. The log's limit keeps a
 * long reader from leaving a large file behind; the cache is small because the daemon appends and hardly reads.
 */
static const char writer_pragmas[] = "PRAGMA journal_mode = WAL;"
                                     "PRAGMA synchronous = FULL;"
                                     "PRAGMA secure_delete = OFF;"
                                     "PRAGMA journal_size_limit = 67108864;"
                                     "PRAGMA cache_size = -4096;";

/*
 * What a statement changes is kept until it ends, in case it fails. Past this it goes to a file, and then that of each later
 * statement of the transaction does too, two system calls a page: at SQLite's own 64 KB the first million accounts took nine
 * million of them, as a row that splits pages of a large database touches more than 16. Not 128 KB or more: SQLite writes it
 * in one piece, of whose size its unix file system keeps 17 bits, and takes the disk for full.
 */
#define STATEMENT_JOURNAL_BYTES 126976

void store_set_up_sqlite(void)
{
    sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, STATEMENT_JOURNAL_BYTES);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* nobody asks how much it takes, and telling takes a lock each time */
}

static int set_up_writer(struct store *s)
{
    int on = 1;

    /* The log and its index stay when the daemon ends, or readers who may not write could not open the database. */
    sqlite3_file_control(s->db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
    if (sqlite3_exec(s->db, writer_pragmas, NULL, NULL, NULL) != SQLITE_OK)
        return store_fail_sqlite(s, "opening");
    return 0;
}

static int read_host(struct store *s)
{
    int r = statement_bind(s, STATEMENT_META_GET, BINDS(BIND_TEXT("host")));

    if (r == 0 && (r = statement_step(s, STATEMENT_META_GET)) > 0) {
        const char *host = statement_text(s, STATEMENT_META_GET, 0);
        s->host = strdup(host ? host : "");
        r = s->host ? 0 : store_fail(s, -ENOMEM, "out of memory");
    } else if (r == 0) {
        r = store_fail(s, -EBADMSG, "does not say which host it belongs to; restore it from a backup");
    }
    statement_reset(s, STATEMENT_META_GET);
    return r;
}

static int open_writer(struct store *s, const char *given_path)
{
    bool exists;
    int r = file_check_path(s, &exists);

    if (r == 0)
        r = trust_check(s, given_path);
    if (r == 0)
        r = lock_take(s);
    /* Again under the lock: another writer may just have created it. */
    if (r == 0)
        r = file_check_path(s, &exists);
    if (r == 0 && !exists)
        r = migrate_create(s);
    if (r == 0)
        r = file_connect(s, s->path, SQLITE_OPEN_READWRITE);
    if (r == 0)
        r = file_check_contents(s);
    return r;
}

static int open_to_read(struct store *s)
{
    bool exists;
    int r = file_check_path(s, &exists);

    if (r == 0)
        r = file_connect(s, s->path, SQLITE_OPEN_READONLY);
    if (r == 0)
        r = file_check_contents(s);
    return r;
}

static int open_reader(struct store *s)
{
    int r = open_to_read(s);

    return r < 0 ? r : migrate_check(s);
}

static int finish_writer(struct store *s)
{
    int r = migrate_check_identity(s);

    if (r == 0)
        r = damaged_check(s);
    /* Only now, because it makes a database that is not ours a WAL database. */
    if (r == 0)
        r = set_up_writer(s);
    if (r == 0)
        r = migrate_upgrade(s);
    if (r == 0)
        r = statement_prepare_all(s);
    if (r == 0)
        r = read_host(s);
    if (r == 0)
        r = file_remember_wal(s);
    if (r == 0 && !(s->accounts = accounts_new()))
        r = store_fail(s, -ENOMEM, "out of memory");
    for (int level = 0; level < STORE_LEVELS; level++)
        s->policy.retention_sec[level] = STORE_FOREVER;
    s->ready = r == 0;
    return r;
}

/*
 * Absolute and without links, since SQLite puts the log beside the real file, and the lock must be there as well. A writer
 * keeps the file's own name, which trust_check() refuses when it is a link.
 */
static char *resolve_path(const char *path, enum store_mode mode)
{
    char *real = mode == STORE_READ ? realpath(path, NULL) : NULL;
    if (real)
        return real;
    cleanup_free char *for_directory = strdup(path), *for_name = strdup(path);
    if (!for_directory || !for_name)
        return NULL;
    cleanup_free char *directory = realpath(dirname(for_directory), NULL);
    if (!directory)
        return strdup(path);
    return asprintf(&real, "%s/%s", strcmp(directory, "/") == 0 ? "" : directory, basename(for_name)) < 0 ? NULL : real;
}

int store_open(const char *path, enum store_mode mode, struct store **ret_store, char **ret_why)
{
    struct store *s = calloc(1, sizeof(*s));
    int r;

    if (!s)
        return -ENOMEM;
    store_set_up_sqlite();
    s->lock_fd = -1;
    s->mode = mode;
    s->path = resolve_path(path, mode);
    if (!s->path)
        r = -ENOMEM;
    else if (mode == STORE_WRITE)
        r = (r = open_writer(s, path)) < 0 ? r : finish_writer(s);
    else
        r = (r = open_reader(s)) < 0 ? r : read_host(s);
    if (r < 0) {
        *ret_why = take_ptr(s->why);
        store_close(s);
        return r;
    }
    *ret_store = s;
    return 0;
}

int store_check(const char *path, char **ret_why)
{
    struct store *s = calloc(1, sizeof(*s));

    if (!s)
        return -ENOMEM;
    s->lock_fd = -1;
    s->mode = STORE_READ;
    s->path = resolve_path(path, STORE_WRITE);
    int r = s->path ? open_to_read(s) : -ENOMEM;
    if (r == 0)
        r = trust_check(s, path);
    if (r == 0)
        r = migrate_is_due(s);
    if (r != 0)
        *ret_why = take_ptr(s->why);
    store_close(s);
    return r;
}

struct store *store_close(struct store *s)
{
    if (!s)
        return NULL;
    if (s->ready && !s->damaged)
        store_flush(s); /* what fails here is read from the raw level by the next writer */
    if (s->damaged && s->db)
        sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL); /* it is kept as it is */
    rollup_forget(s);
    connections_forget(s);
    statement_finalize_all(s);
    sqlite3_close(s->db);
    lock_release(s);
    accounts_free(s->accounts);
    uses_free(s->uses);
    calendar_close(s->calendar);
    for (size_t i = 0; i < STORE_NOTICES; i++)
        free(s->notices[i]);
    free(s->zone);
    free(s->lock_path);
    free(s->path);
    free(s->host);
    free(s->why);
    free(s->unknown_name);
    free(s);
    return NULL;
}

void store_release_memory(struct store *s)
{
    sqlite3_db_release_memory(s->db);
}

const char *store_host(struct store *s)
{
    return s->host;
}

int store_transaction(struct store *s, int (*work)(struct store *s, void *userdata), void *userdata)
{
    int r = statement_run(s, STATEMENT_BEGIN_WRITE, NO_BINDS);

    if (r < 0)
        return r;
    fault_point("begun");
    r = work(s, userdata);
    fault_point("uncommitted");
    if (r == 0)
        r = statement_run(s, STATEMENT_COMMIT, NO_BINDS);
    fault_point("committed");
    if (r < 0) {
        /* A full disk makes SQLite roll back by itself. The reason that is told stays that of the failure. */
        cleanup_free char *why = take_ptr(s->why);
        if (!sqlite3_get_autocommit(s->db))
            statement_run(s, STATEMENT_ROLLBACK, NO_BINDS);
        accounts_forget(s->accounts);
        buckets_rolled_back(s);
        connections_rolled_back(s);
        free(s->why);
        s->why = take_ptr(why);
    }
    return r;
}
