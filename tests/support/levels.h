/* A store with a policy, filled with a fake clock, and what must hold between its levels. */
#pragma once

#include "sql/counters.h"
#include "tests/support/store.h"

#include <inttypes.h>

static inline struct store_policy keep_all(const char *timezone)
{
    struct store_policy p = {.timezone = timezone};

    for (int level = 0; level < STORE_LEVELS; level++)
        p.retention_sec[level] = STORE_FOREVER;
    return p;
}

static inline void set_policy(struct store *s, struct store_policy p)
{
    int r = store_set_policy(s, &p);

    ck_assert_msg(r == 0, "%d: %s", r, store_why(s));
}

static inline void set_zone(struct store *s, const char *timezone)
{
    set_policy(s, keep_all(timezone));
}

/* Without waiting for the disk: for tests of sums, not of power cuts. */
static inline void hurry(struct store *s)
{
    ck_assert_int_eq(sqlite3_exec(s->db, "PRAGMA synchronous = OFF", NULL, NULL, NULL), SQLITE_OK);
}

static inline void flush(struct store *s)
{
    int r = store_flush(s);

    ck_assert_msg(r == 0, "%d: %s", r, store_why(s));
}

/* One account's bytes from start_sec to end_sec, which the unstepped clock confirms. */
static inline int try_book_span(struct store *s, uint64_t epoch, int64_t start_sec, int64_t end_sec,
                                struct store_usage row)
{
    struct store_interval i = {.ledger = LEDGER,
                               .epoch = epoch,
                               .start_sec = start_sec,
                               .end_sec = end_sec,
                               .duration_ms = (end_sec - start_sec) * 1000,
                               .counted = row.n};

    return store_book_interval(s, &i, &row, 1);
}

static inline void book_span(struct store *s, uint64_t epoch, int64_t start_sec, int64_t end_sec,
                             struct store_usage row)
{
    int r = try_book_span(s, epoch, start_sec, end_sec, row);

    ck_assert_msg(r == 0, "booking epoch %" PRIu64 ": %d: %s", epoch, r, store_why(s));
}

static const char *const level_tables[STORE_LEVELS] = {"usage_raw", "usage_5min", "usage_hour", "usage_day",
                                                       "usage_month"};

static inline int64_t level_sum(int level, const char *column)
{
    char sql[160];

    snprintf(sql, sizeof(sql), "SELECT coalesce(sum(%s), 0) FROM %s", column, level_tables[level]);
    return sql_int(sql);
}

static const char *const counter_columns[] = {"tx_bytes",   "rx_bytes",         "tx_packets",
                                              "rx_packets", "tx_payload_bytes", "rx_payload_bytes"};

/* Invariant 3. Everything must be rolled up and nothing expired. */
static inline void expect_equal_levels(void)
{
    for (size_t c = 0; c < array_length(counter_columns); c++)
        for (int level = STORE_5MIN; level < STORE_LEVELS; level++)
            ck_assert_msg(level_sum(level, counter_columns[c]) == level_sum(STORE_RAW, counter_columns[c]),
                          "%s of %s is %" PRId64 ", of raw %" PRId64, counter_columns[c], level_tables[level],
                          level_sum(level, counter_columns[c]), level_sum(STORE_RAW, counter_columns[c]));
}

/* The table of buckets tiles time: no two of a level overlap, each lies within one of the next level. */
static inline void expect_a_tiling(void)
{
    ck_assert_int_eq(sql_int("SELECT count(*) FROM bucket a JOIN bucket b ON b.level = a.level"
                             " AND b.start_sec > a.start_sec AND b.start_sec < a.end_sec"),
                     0);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM bucket a WHERE level < 4 AND NOT EXISTS (SELECT 1 FROM bucket b"
                             " WHERE b.level = a.level + 1 AND b.start_sec <= a.start_sec AND b.end_sec >= a.end_sec)"),
                     0);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM bucket WHERE start_sec >= end_sec"), 0);
}

static inline int add_row(const struct store_row *row, void *userdata)
{
    struct store_counters *sum = userdata;

    counters_add(&sum[row->bucket], &row->n);
    return 0;
}

/* tx bytes of everybody who began in [since, until). */
static inline int64_t asked(struct store *s, int64_t since_sec, int64_t until_sec)
{
    struct store_bucket b = {since_sec, until_sec};
    struct store_query q = {.buckets = &b, .n_buckets = 1};
    struct store_counters sum = {0};
    int r = store_query_usage(s, &q, add_row, &sum);

    ck_assert_msg(r == 0, "%d: %s", r, store_why(s));
    return sum.tx_bytes;
}
