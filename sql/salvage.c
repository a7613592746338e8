/*
 * What can still be read of a damaged database, row by row, into a new one. A page that cannot be read stops a scan; the next
 * readable row is found by steps that double, and what lies between is read from behind. So a hole costs the rows of the pages
 * that are damaged and no others.
 */
#include <errno.h>
#include <string.h>

#include "common/fault.h"
#include "sql/salvage_sql.h"
#include "sql/store_internal.h"

#define BATCH_ROWS 20000 /* in one transaction */
#define LAST_PROBE (INT64_C(1) << 61)

struct salvage {
    struct store *store;
    sqlite3 *old;
    sqlite3_stmt *insert;
    char *from_key, *from_key_back; /* statements of the table, as text */
    int columns;
    int64_t last, batch;
    void (*still_alive)(void);
    struct store_salvage *result;
};

/* ---- rows ---- */

/* Names come from the schema that this program just made, never from the damaged file. */
static char *quote(const char *format, const char *table, const char *key)
{
    return sqlite3_mprintf(format, table, key, key);
}

static int keep_batch(struct salvage *v)
{
    if (++v->batch % BATCH_ROWS)
        return 0;
    if (sqlite3_exec(v->store->db, "COMMIT; BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
        return store_fail_sqlite(v->store, "salvaging");
    v->still_alive();
    return 0;
}

/* A row whose values cannot be what they should be is lost like one that cannot be read; a full disk ends it all. */
static int copy_row(struct salvage *v, sqlite3_stmt *row)
{
    for (int i = 0; i < v->columns; i++)
        sqlite3_bind_value(v->insert, i + 1, sqlite3_column_value(row, i));
    int rc = sqlite3_step(v->insert);
    sqlite3_reset(v->insert);
    if (rc == SQLITE_DONE) {
        v->result->rows++;
        return keep_batch(v);
    }
    v->result->rows_refused++;
    return (rc & 0xff) == SQLITE_CONSTRAINT ? 0 : store_fail_sqlite(v->store, "salvaging");
}

/* Copies from key on, forwards or backwards, as far as it goes: 0 at the end, 1 where it cannot be read. */
static int scan(struct salvage *v, const char *sql, int64_t from, int64_t stop, int64_t *ret_first)
{
    sqlite3_stmt *row;
    bool back = sql == v->from_key_back;
    int64_t previous = from; /* so that what is found lies behind it, and each step leads on */
    bool any = false;
    int rc, r = 0;

    if (sqlite3_prepare_v2(v->old, sql, -1, &row, NULL) != SQLITE_OK)
        return 1;
    sqlite3_bind_int64(row, 1, from);
    while (r == 0 && (rc = sqlite3_step(row)) == SQLITE_ROW) {
        int64_t key = sqlite3_column_int64(row, 0);
        /* Out of order: a page in a wrong place. Going on could go round for ever. */
        if (back ? key > previous || key <= stop : key < previous) {
            rc = back && key <= stop ? SQLITE_DONE : SQLITE_CORRUPT;
            break;
        }
        if (!any && ret_first)
            *ret_first = key;
        any = true;
        previous = key;
        if (!back)
            v->last = key;
        r = copy_row(v, row);
    }
    sqlite3_finalize(row);
    return r < 0 ? r : rc == SQLITE_DONE ? 0 : 1;
}

/* Over a hole behind v->last: 1 when a readable row was found (and all up to the next hole copied), 0 at the end. */
static int cross_hole(struct salvage *v, int *ret_state)
{
    for (int64_t step = 1; step < LAST_PROBE; step *= 2) {
        int64_t before = v->last, first = INT64_MIN;
        int state = scan(v, v->from_key, before + step, 0, &first);
        if (state < 0)
            return state;
        if (first == INT64_MIN && state == 1)
            continue; /* still in the hole */
        *ret_state = state;
        if (first == INT64_MIN)
            first = before + step; /* nothing is left behind the hole but what lies before the probe */
        int r = scan(v, v->from_key_back, first, before - 1, NULL);
        return r < 0 ? r : 1;
    }
    return 0;
}

static int copy_rows(struct salvage *v)
{
    v->last = INT64_MIN / 2;
    int state = scan(v, v->from_key, INT64_MIN, 0, NULL), r = state;

    if (state == 1)
        v->result->tables_damaged++;
    if (v->last == INT64_MIN / 2)
        v->last = -4; /* keys begin there: some tables have stand-ins below 0 */
    while (state == 1) {
        v->result->holes++;
        r = cross_hole(v, &state);
        if (r <= 0)
            return r;
    }
    return state < 0 ? state : 0;
}

/* ---- tables ---- */

sqlite3_stmt *salvage_insert(sqlite3 *db, const char *table, int *ret_columns)
{
    char *select = sqlite3_mprintf("SELECT * FROM \"%w\"", table), *sql;
    cleanup_free char *places = NULL;
    sqlite3_stmt *stmt = NULL;

    if (!select || sqlite3_prepare_v2(db, select, -1, &stmt, NULL) != SQLITE_OK) {
        sqlite3_free(select);
        return NULL;
    }
    sqlite3_free(select);
    *ret_columns = sqlite3_column_count(stmt);
    sqlite3_finalize(stmt);
    stmt = NULL;
    places = calloc(1, 2 * (size_t)*ret_columns + 1);
    for (int i = 0; places && i < *ret_columns; i++)
        strcat(places, i ? ",?" : "?");
    sql = places ? sqlite3_mprintf("INSERT OR REPLACE INTO \"%w\" VALUES (%s)", table, places) : NULL;
    if (sql)
        sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    sqlite3_free(sql);
    return stmt;
}

static int prepare_table(struct salvage *v, const char *table, const char *key)
{
    v->insert = salvage_insert(v->store->db, table, &v->columns);
    v->from_key = quote("SELECT * FROM \"%w\" WHERE \"%w\" >= ?1 ORDER BY \"%w\"", table, key);
    v->from_key_back = quote("SELECT * FROM \"%w\" WHERE \"%w\" <= ?1 ORDER BY \"%w\" DESC", table, key);
    if (!v->from_key || !v->from_key_back)
        return store_fail(v->store, -ENOMEM, "out of memory");
    return v->insert ? 0 : store_fail_sqlite(v->store, "salvaging");
}

/* The damaged file may be of an older schema, whose table of this name is another one. */
static bool same_columns(struct salvage *v)
{
    sqlite3_stmt *row;

    if (sqlite3_prepare_v2(v->old, v->from_key, -1, &row, NULL) != SQLITE_OK)
        return false;
    bool same = sqlite3_column_count(row) == v->columns;
    sqlite3_finalize(row);
    return same;
}

static int copy_table(struct salvage *v, const char *table, const char *key)
{
    int r = prepare_table(v, table, key);

    if (r == 0 && !same_columns(v))
        v->result->tables_damaged++;
    else if (r == 0 && sqlite3_exec(v->store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
        r = store_fail_sqlite(v->store, "salvaging");
    else if (r == 0) {
        r = copy_rows(v);
        sqlite3_reset(v->insert);
        if (sqlite3_exec(v->store->db, r < 0 ? "ROLLBACK" : "COMMIT", NULL, NULL, NULL) != SQLITE_OK && r == 0)
            r = store_fail_sqlite(v->store, "salvaging");
    }
    fault_point("salvage-table");
    sqlite3_finalize(v->insert);
    v->insert = NULL;
    sqlite3_free(v->from_key);
    sqlite3_free(v->from_key_back);
    v->from_key = v->from_key_back = NULL;
    return r;
}

/* Tables whose key begins with a number; the others (meta) belong to the new file. */
static const char tables_sql[] =
    "SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c ON c.pk = 1"
    " WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND c.cid = 0 AND c.type = 'INTEGER' ORDER BY t.name";

static int copy_tables(struct salvage *v)
{
    sqlite3_stmt *tables;
    int rc, r = 0;

    if (sqlite3_prepare_v2(v->store->db, tables_sql, -1, &tables, NULL) != SQLITE_OK)
        return store_fail_sqlite(v->store, "salvaging");
    while (r == 0 && (rc = sqlite3_step(tables)) == SQLITE_ROW) {
        cleanup_free char *table = strdup((const char *)sqlite3_column_text(tables, 0));
        cleanup_free char *key = strdup((const char *)sqlite3_column_text(tables, 1));
        r = table && key ? copy_table(v, table, key) : -ENOMEM;
    }
    sqlite3_finalize(tables);
    return r;
}

/* ---- all of it ---- */

/* Buckets whose row is lost but in which something was booked are made anew by the calendar. */
static int restore_buckets(struct store *s, void *userdata)
{
    static const char sql[] =
        "SELECT start_sec FROM (SELECT start_sec FROM usage_5min UNION SELECT start_sec FROM usage_hour"
        " UNION SELECT start_sec FROM usage_day UNION SELECT start_sec FROM usage_month"
        " UNION SELECT start_sec FROM interval) u WHERE NOT EXISTS (SELECT 1 FROM bucket b"
        " WHERE b.level = 4 AND b.start_sec <= u.start_sec AND b.end_sec > u.start_sec)"
        " OR NOT EXISTS (SELECT 1 FROM bucket b WHERE b.level = 3 AND b.start_sec <= u.start_sec"
        " AND b.end_sec > u.start_sec) ORDER BY start_sec";
    sqlite3_stmt *starts = NULL;
    struct buckets b;
    int r = buckets_need_calendar(s);

    if (r == 0 && sqlite3_prepare_v2(s->db, sql, -1, &starts, NULL) != SQLITE_OK)
        return store_fail_sqlite(s, "salvaging");
    while (r == 0 && sqlite3_step(starts) == SQLITE_ROW)
        r = buckets_find(s, sqlite3_column_int64(starts, 0), &b);
    sqlite3_finalize(starts);
    buckets_forget(s);
    return r;
}

static int fit(struct store *s, void *userdata)
{
    if (sqlite3_exec(s->db, sql_salvage, NULL, NULL, NULL) != SQLITE_OK)
        return store_fail_sqlite(s, "salvaging");
    return salvage_agree(s);
}

static int tell_loss(struct store *s, void *userdata)
{
    return salvage_tell_loss(s, userdata);
}

int store_salvage(struct store *s, const char *from, void (*still_alive)(void), struct store_salvage *ret)
{
    struct salvage v = {.store = s, .still_alive = still_alive, .result = ret};
    int r;

    *ret = (struct store_salvage){0};
    s->meters_anew = s->policies_anew = true;
    r = damaged_open(s, from, &v.old);
    if (r < 0)
        return r;
    ret->readable = v.old != NULL;
    r = v.old ? copy_tables(&v) : 0;
    damaged_close(s, v.old);
    fault_point("salvage-copied");
    accounts_forget(s->accounts);
    buckets_forget(s);
    connections_forget(s);
    if (r == 0 && v.old)
        r = store_transaction(s, restore_buckets, NULL);
    if (r == 0 && v.old)
        r = store_transaction(s, fit, NULL);
    /* By itself: damaged numbers that cannot be added up must not undo the rest. */
    if (r == 0 && v.old)
        r = store_transaction(s, tell_loss, ret);
    rollup_forget(s);
    return r;
}
