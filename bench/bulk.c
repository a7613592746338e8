#include "bench/bulk.h"

#include "common/cleanup.h"
#include "common/log.h"

#include <sqlite3.h>
#include <string.h>

#define FIRST_USER    3 /* the schema has two users and one project of its own */
#define FIRST_PROJECT 2
#define LEDGER        INT64_C(0x0123456789abcdef)

#define COUNTERS      "tx_bytes, rx_bytes, tx_packets, rx_packets, tx_payload_bytes, rx_payload_bytes"
#define SUMS(table)                                                                                                    \
    "INSERT INTO " table " (start_sec, user, project, class, protocol, family, " COUNTERS                              \
    ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

/* Those of the levels in the order of enum store_level. */
enum insert {
    INSERT_RAW,
    INSERT_5MIN,
    INSERT_HOUR,
    INSERT_DAY,
    INSERT_MONTH,
    INSERT_INTERVAL,
    INSERT_BUCKET,
    INSERT_USER,
    INSERT_PROJECT,
    INSERT_ACCOUNT,
    INSERT_ZONE,
    INSERT_LEDGER,
    SET_WATERMARK,
    INSERTS
};

static const char *const texts[INSERTS] = {
    [INSERT_RAW] = "INSERT INTO usage_raw (interval, uid, account, " COUNTERS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [INSERT_5MIN] = SUMS("usage_5min"),
    [INSERT_HOUR] = SUMS("usage_hour"),
    [INSERT_DAY] = SUMS("usage_day"),
    [INSERT_MONTH] = SUMS("usage_month"),
    [INSERT_INTERVAL] =
        "INSERT INTO interval (id, ledger, epoch, part, estimated, start_sec, end_sec, duration_ms,"
        " " COUNTERS ", update_errors) VALUES (?1, ?2, ?1, 0, 0, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0)",
    [INSERT_BUCKET] = "INSERT OR IGNORE INTO bucket (level, start_sec, end_sec, seen_ms, whole, label)"
                      " VALUES (?, ?, ?, ?, ?, ?)",
    [INSERT_USER] = "INSERT INTO user (id, uid, first_seen, last_seen, valid_from, name)"
                    " VALUES (?1, ?2, ?3, ?4, 0, printf('user%05d', ?5))",
    [INSERT_PROJECT] = "INSERT INTO project (id, gid, first_seen, last_seen, valid_from, name)"
                       " VALUES (?1, ?2, ?3, ?4, 0, printf('pawsey%04d', ?5))",
    [INSERT_ACCOUNT] = "INSERT INTO account (id, uid, gid, unit, user, project, class, protocol, family, kind)"
                       " VALUES (?, ?, ?, 0, ?, ?, ?, ?, ?, 0)",
    [INSERT_ZONE] = "INSERT INTO zone (from_sec, name) VALUES (?, ?)",
    [INSERT_LEDGER] = "INSERT INTO ledger (id, last_epoch, first_sec, last_sec) VALUES (?, ?, ?, ?)",
    [SET_WATERMARK] = "UPDATE rollup SET rolled = ?",
};

struct bulk {
    sqlite3 *db;
    sqlite3_stmt *inserts[INSERTS];
    const struct site *site;
};

static int fail(struct bulk *b, const char *doing)
{
    log_error("cannot %s %s: %s", doing, sqlite3_db_filename(b->db, "main"), sqlite3_errmsg(b->db));
    return -EIO;
}

static int execute(struct bulk *b, const char *sql)
{
    return sqlite3_exec(b->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(b, "set up");
}

/* Numbers first; text, if there is one, is the last parameter. */
static int insert(struct bulk *b, enum insert id, const int64_t *numbers, int n, const char *text)
{
    sqlite3_stmt *stmt = b->inserts[id];

    for (int i = 0; i < n; i++)
        sqlite3_bind_int64(stmt, i + 1, numbers[i]);
    if (text)
        sqlite3_bind_text(stmt, n + 1, text, -1, SQLITE_STATIC);
    int rc = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? 0 : fail(b, "fill");
}

#define INSERT(b, id, text, ...)                                                                                       \
    insert(b, id, (const int64_t[]){__VA_ARGS__}, sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t), text)
#define VALUES(n)                                                                                                      \
    (n)->tx_bytes, (n)->rx_bytes, (n)->tx_packets, (n)->rx_packets, (n)->tx_payload_bytes, (n)->rx_payload_bytes

/* ---- the parts of a database ---- */

static int put_people(struct bulk *b, int64_t since_sec, int64_t until_sec)
{
    int r = 0;

    for (int64_t i = 0; i < (int64_t)b->site->n_users && r == 0; i++)
        r = INSERT(b, INSERT_USER, NULL, FIRST_USER + i, SITE_FIRST_UID + i, since_sec, until_sec, i);
    for (int64_t i = 0; i < (int64_t)b->site->n_projects && r == 0; i++)
        r = INSERT(b, INSERT_PROJECT, NULL, FIRST_PROJECT + i, SITE_FIRST_GID + i, since_sec, until_sec, i);
    return r;
}

static int put_accounts(struct bulk *b)
{
    int r = 0;

    for (size_t i = 0; i < b->site->n_accounts && r == 0; i++) {
        const struct site_account *a = &b->site->accounts[i];

        r = INSERT(b, INSERT_ACCOUNT, NULL, (int64_t)i + 1, SITE_FIRST_UID + a->user, SITE_FIRST_GID + a->project,
                   FIRST_USER + a->user, FIRST_PROJECT + a->project, a->class_id, a->protocol, a->family);
    }
    return r;
}

int bulk_put_site(struct bulk *b, const struct site *site, const char *zone, int64_t since_sec, int64_t until_sec,
                  int64_t interval_sec)
{
    b->site = site;
    int r = put_people(b, since_sec, until_sec);

    if (r == 0)
        r = put_accounts(b);
    if (r == 0)
        r = INSERT(b, INSERT_ZONE, zone, 0);
    return r < 0 ? r
                 : INSERT(b, INSERT_LEDGER, NULL, LEDGER, (until_sec - since_sec) / interval_sec, since_sec, until_sec);
}

int bulk_put_interval(struct bulk *b, int64_t id, struct store_bucket interval, const struct store_counters *counted)
{
    return INSERT(b, INSERT_INTERVAL, NULL, id, LEDGER, interval.start_sec, interval.end_sec,
                  (interval.end_sec - interval.start_sec) * 1000, VALUES(counted));
}

int bulk_put_raw(struct bulk *b, int64_t interval, size_t account, const struct store_counters *n)
{
    return INSERT(b, INSERT_RAW, NULL, interval, SITE_FIRST_UID + b->site->accounts[account].user, (int64_t)account + 1,
                  VALUES(n));
}

int bulk_put_sum(struct bulk *b, enum store_level level, int64_t start_sec, size_t account,
                 const struct store_counters *n)
{
    const struct site_account *a = &b->site->accounts[account];

    return INSERT(b, (enum insert)level, NULL, start_sec, FIRST_USER + a->user, FIRST_PROJECT + a->project, a->class_id,
                  a->protocol, a->family, VALUES(n));
}

int bulk_put_bucket(struct bulk *b, enum store_level level, struct store_bucket bucket, const char *label,
                    int64_t seen_ms, bool whole)
{
    return INSERT(b, INSERT_BUCKET, label, level, bucket.start_sec, bucket.end_sec, seen_ms, whole);
}

int bulk_put_watermark(struct bulk *b, int64_t rolled)
{
    return INSERT(b, SET_WATERMARK, NULL, rolled);
}

/* ---- opening and closing ---- */

/* The store makes the schema, so that it is the one of this build. */
static int create(const char *path, int64_t *ret_internal_class)
{
    static const char *const classes[] = {"internal"};
    struct store *s = NULL;
    cleanup_free char *why = NULL;

    if (access(path, F_OK) == 0) {
        log_error("%s exists; remove it, or name another file", path);
        return -EEXIST;
    }
    int r = store_open(path, STORE_WRITE, &s, &why);
    if (r == 0)
        r = store_sync_classes(s, classes, 1, ret_internal_class);
    if (r < 0)
        log_error("%s", s ? store_why(s) : why);
    store_close(s);
    return r;
}

static int prepare(struct bulk *b)
{
    for (int i = 0; i < INSERTS; i++)
        if (sqlite3_prepare_v3(b->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &b->inserts[i], NULL) != SQLITE_OK)
            return fail(b, "prepare for");
    return 0;
}

int bulk_create(const char *path, struct bulk **ret_bulk, int64_t *ret_internal_class)
{
    int r = create(path, ret_internal_class);
    struct bulk *b = r == 0 ? calloc(1, sizeof(*b)) : NULL;

    if (!b)
        return r < 0 ? r : -ENOMEM;
    if (sqlite3_open_v2(path, &b->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        r = fail(b, "open");
    if (r == 0)
        r = execute(b, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
                       "PRAGMA cache_size = -65536; BEGIN");
    if (r == 0)
        r = prepare(b);
    if (r < 0)
        bulk_close(b);
    else
        *ret_bulk = b;
    return r;
}

static void finalize(struct bulk *b)
{
    for (int i = 0; i < INSERTS; i++)
        sqlite3_finalize(take_ptr(b->inserts[i]));
}

int bulk_finish(struct bulk *b)
{
    int on = 1, r = execute(b, "COMMIT");

    finalize(b);
    sqlite3_file_control(b->db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
    /* The log's index is in shared memory, where readers look for it, only after a first use in normal mode. */
    return r < 0 ? r
                 : execute(b, "PRAGMA locking_mode = NORMAL; PRAGMA journal_mode = WAL;"
                              "UPDATE rollup SET rolled = rolled; SELECT rolled FROM rollup");
}

struct bulk *bulk_close(struct bulk *b)
{
    if (!b)
        return NULL;
    finalize(b);
    sqlite3_close(b->db);
    free(b);
    return NULL;
}
