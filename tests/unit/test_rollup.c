/* Levels: each byte in each of them once, in the buckets of the site's calendar, whatever the clock, the zone and
 * crashes do. */
#include "tests/support/levels.h"
#include "tests/support/unit.h"
#include "tests/support/zone.h"

#include <errno.h>

static struct store *s;

static void open_place(void)
{
    place_make();
    s = open_store(STORE_WRITE);
    hurry(s);
}

static void close_place(void)
{
    s = store_close(s);
    place_remove();
}

static void reopen(void)
{
    store_close(s);
    s = open_store(STORE_WRITE);
    hurry(s);
}

/* The handle goes as in a crash: nothing is written. */
static void crash(void)
{
    rollup_forget(s);
    s->ready = false;
    reopen();
}

static int64_t total_booked(void)
{
    return sql_int("SELECT sum(tx_bytes) FROM interval");
}

/* ---- what a statement changes ---- */

/* Files of SQLite that have no name: it removes them as soon as they are open. */
static int temporary_files(void)
{
    int n = 0;

    for (int fd = 0; fd < 64; fd++) {
        char path[32], target[256] = "";
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if (readlink(path, target, sizeof(target) - 1) > 0 && strstr(target, "etilqs_"))
            n++;
    }
    return n;
}

/* By a statement that may fail halfway, in a transaction. */
static void change_rows(const char *change)
{
    ck_assert_int_eq(sqlite3_exec(s->db, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
    int rc = sqlite3_exec(s->db, change, NULL, NULL, NULL);

    ck_assert_msg(rc == SQLITE_OK, "%s: %d %s", change, sqlite3_extended_errcode(s->db), sqlite3_errmsg(s->db));
}

START_TEST(what_a_statement_changes_is_kept_in_memory_up_to_a_bound)
{
    ck_assert_int_eq(sqlite3_exec(s->db,
                                  "CREATE TABLE wide (id INTEGER PRIMARY KEY, n INTEGER UNIQUE, text TEXT);"
                                  "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 20000)"
                                  " INSERT INTO wide SELECT n, n, hex(zeroblob(100)) FROM i",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    change_rows("UPDATE wide SET n = -n WHERE id < 350"); /* some 20 pages of 4 KB */
    ck_assert_int_eq(temporary_files(), 0);
    sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    change_rows("UPDATE wide SET n = -n"); /* 1,100: memory is bounded, and the file takes it */
    ck_assert_int_eq(temporary_files(), 1);
    sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}
END_TEST

/* ---- a world of many accounts ---- */

#define WORLD_START INT64_C(1795132800) /* 2026-11-20 00:00 UTC */

static int64_t book_random_rows(uint64_t epoch, int64_t start_sec, int64_t seconds)
{
    struct store_usage rows[25];
    struct store_interval i = {.ledger = LEDGER,
                               .epoch = epoch,
                               .start_sec = start_sec,
                               .end_sec = start_sec + seconds,
                               .duration_ms = seconds * 1000};
    size_t n = (size_t)random() % array_length(rows);

    for (size_t k = 0; k < n; k++) {
        rows[k] = usage(random() % 9 - 2, random() % 4 - 1, random() % 1000000 - 100000, random() % 1000000);
        rows[k].class_id = random() % 3;
        rows[k].protocol = random() % 2 ? TCP : UDP;
        rows[k].family = random() % 2 ? AF_INET : AF_INET6;
        rows[k].project = random() % 4 ? NULL : random() % 2 ? "pawsey0001" : "pawsey0002";
        rows[k].n.tx_payload_bytes = random() % 1000;
        counters_add(&i.counted, &rows[k].n);
    }
    int r = store_book_interval(s, &i, rows, n);
    ck_assert_msg(r == 0, "%d: %s", r, store_why(s));
    return start_sec + seconds;
}

/* Some 40 days: runs of short intervals with holes, epochs of hours and of days, names that change. */
static int64_t book_a_world(void)
{
    int64_t t = WORLD_START;

    srandom(2026);
    for (uint64_t epoch = 1; epoch <= 1500; epoch++) {
        t = book_random_rows(epoch, t, epoch % 100 == 0 ? 7200 : epoch % 333 == 0 ? 5 * 86400 : 10 + random() % 600);
        if (epoch % 17 == 0)
            t += random() % 7200;
        if (epoch % 200 == 0)
            store_note_user(s, random() % 7, epoch % 400 ? "alice" : "bob", t);
        if (epoch % 500 == 0)
            store_note_group(s, random() % 3, "physics", t);
    }
    return t;
}

START_TEST(the_sums_of_all_levels_are_equal)
{
    set_zone(s, "Australia/Perth");
    book_a_world();
    flush(s);
    expect_equal_levels();
    expect_a_tiling();
    ck_assert_int_eq(level_sum(STORE_RAW, "tx_bytes"), total_booked());
    ck_assert_int_gt(sql_int("SELECT count(*) FROM bucket WHERE level = 3"), 15);
    ck_assert_int_eq(sql_int("SELECT sum(seen_ms) FROM bucket WHERE level = 4"),
                     sql_int("SELECT sum(duration_ms) FROM interval"));
}
END_TEST

/* ---- answers ---- */

struct by_hand {
    sqlite3_stmt *stmt;
    struct store_bucket range;
    int n;
};

/* Each row is what the raw level says. */
static int compare_with_raw(const struct store_row *row, void *userdata)
{
    struct by_hand *h = userdata;

    sqlite3_reset(h->stmt);
    sqlite3_bind_int64(h->stmt, 1, h->range.start_sec);
    sqlite3_bind_int64(h->stmt, 2, h->range.end_sec);
    sqlite3_bind_text(h->stmt, 3, row->user, -1, SQLITE_STATIC);
    sqlite3_bind_int64(h->stmt, 4, row->uid);
    sqlite3_bind_text(h->stmt, 5, row->project, -1, SQLITE_STATIC);
    sqlite3_bind_text(h->stmt, 6, row->class_name, -1, SQLITE_STATIC);
    ck_assert_int_eq(sqlite3_step(h->stmt), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_column_int64(h->stmt, 0), row->n.tx_bytes);
    ck_assert_int_eq(sqlite3_column_int64(h->stmt, 1), row->n.rx_bytes);
    ck_assert_int_eq(sqlite3_column_int64(h->stmt, 2), row->n.tx_packets);
    ck_assert_int_eq(sqlite3_column_int64(h->stmt, 3), row->n.tx_payload_bytes);
    h->n++;
    return 0;
}

static int groups_in_raw(struct store_bucket range, const char *filter)
{
    char sql[400];

    snprintf(sql, sizeof(sql),
             "SELECT count(*) FROM (SELECT 1 FROM known WHERE start_sec >= %" PRId64 " AND start_sec < %" PRId64
             " %s GROUP BY user, uid, project, class)",
             range.start_sec, range.end_sec, filter);
    sqlite3_stmt *stmt;
    ck_assert_int_eq(sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
    int n = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    return n;
}

START_TEST(four_hundred_random_ranges_are_exact_against_raw)
{
    static const char *const alice[] = {"alice"}, *const project[] = {"pawsey0001"};
    struct by_hand h = {0};
    int64_t end;

    set_zone(s, "Australia/Adelaide"); /* 9:30 or 10:30 east */
    end = book_a_world() / 300 * 300 + 300;
    for (uint64_t epoch = 1501; epoch <= 1510; epoch++)
        end = book_random_rows(epoch, end, 20);
    ck_assert_int_gt(sql_int("SELECT count(*) FROM interval WHERE id > (SELECT rolled FROM rollup)"), 0);
    /* A copy of the raw level, because a view over it is slow to ask 400 times. */
    ck_assert_int_eq(sqlite3_exec(s->db,
                                  "CREATE TEMP TABLE known AS SELECT * FROM v_usage;"
                                  "CREATE INDEX temp.known_who ON known (user, uid, project, class, start_sec)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    ck_assert_int_eq(
        sqlite3_prepare_v2(s->db,
                           "SELECT sum(tx_bytes), sum(rx_bytes), sum(tx_packets), sum(tx_payload_bytes)"
                           " FROM known WHERE start_sec >= ?1 AND start_sec < ?2 AND user = ?3 AND uid = ?4"
                           " AND project = ?5 AND class = ?6",
                           -1, &h.stmt, NULL),
        SQLITE_OK);
    for (int i = 0; i < 400; i++) {
        int64_t since = WORLD_START - 86400 + random() % (end - WORLD_START + 2 * 86400);
        h.range = (struct store_bucket){since, since + random() % (i % 2 ? 40 * 86400 : 7200)};
        h.n = 0;
        struct store_query q = {
            .buckets = &h.range, .n_buckets = 1, .by = STORE_BY_USER | STORE_BY_PROJECT | STORE_BY_CLASS};
        if (i % 5 == 1)
            q.users = (struct store_names){alice, 1};
        if (i % 5 == 2)
            q.projects = (struct store_names){project, 1};
        ck_assert_int_eq(store_query_usage(s, &q, compare_with_raw, &h), 0);
        ck_assert_int_eq(h.n, groups_in_raw(h.range, i % 5 == 1   ? "AND user = 'alice'"
                                                     : i % 5 == 2 ? "AND project = 'pawsey0001'"
                                                                  : ""));
    }
    sqlite3_finalize(h.stmt);
}
END_TEST

START_TEST(a_month_comes_from_one_bucket_and_its_days_from_theirs)
{
    cleanup_calendar struct calendar *c = open_zone("Australia/Perth");
    struct store_bucket month = {instant(c, 2026, 12, 1, 0, 0), instant(c, 2027, 1, 1, 0, 0)};
    struct pieces p;

    set_zone(s, "Australia/Perth");
    book_a_world();
    flush(s);
    ck_assert_int_eq(pieces_plan(s, &month, 1, &p), 0);
    ck_assert_uint_eq(p.n, 1);
    ck_assert_int_eq(p.v[0].level, STORE_MONTH);
    pieces_done(&p);
    month.start_sec += 600;
    ck_assert_int_eq(pieces_plan(s, &month, 1, &p), 0);
    ck_assert_uint_lt(p.n, 31 + 24 + 12 + 30);
    for (size_t i = 0; i < p.n; i++)
        ck_assert_int_ne(p.v[i].level, STORE_MONTH);
    pieces_done(&p);
}
END_TEST

/* Days of Berlin asked of a site that keeps Perth's. */
START_TEST(periods_of_another_zone_add_up_to_their_range)
{
    cleanup_calendar struct calendar *berlin = open_zone("Europe/Berlin");
    struct store_bucket days[30];
    struct store_counters sums[30] = {0};
    int64_t t = instant(berlin, 2026, 11, 20, 0, 0), sum = 0;

    set_zone(s, "Australia/Perth");
    book_a_world();
    for (size_t i = 0; i < array_length(days); i++) {
        days[i] = (struct store_bucket){t, calendar_next(berlin, CALENDAR_DAY, t)};
        t = days[i].end_sec;
    }
    struct store_query q = {.buckets = days, .n_buckets = array_length(days), .by = STORE_BY_USER};
    ck_assert_int_eq(store_query_usage(s, &q, add_row, sums), 0);
    for (size_t i = 0; i < array_length(days); i++) {
        ck_assert_int_eq(sums[i].tx_bytes, asked(s, days[i].start_sec, days[i].end_sec));
        sum += sums[i].tx_bytes;
    }
    ck_assert_int_eq(sum, asked(s, days[0].start_sec, t));
}
END_TEST

/* ---- when it is written ---- */

START_TEST(it_is_written_every_five_minutes_and_at_the_end)
{
    struct store_usage row = usage(1000, 100, 7, 0);
    uint64_t epoch = 1;

    set_zone(s, "UTC");
    for (int64_t t = 0; t < 900; t += 10)
        book(s, epoch++, WORLD_START + t, &row, 1);
    ck_assert_int_eq(sql_int("SELECT rolled FROM rollup"), 61); /* with the first interval of the third five minutes */
    ck_assert_int_eq(level_sum(STORE_MONTH, "tx_bytes"), 61 * 7);
    ck_assert_int_eq(asked(s, WORLD_START, WORLD_START + 900), 90 * 7);
    reopen();
    ck_assert_int_eq(sql_int("SELECT rolled FROM rollup"), 90);
    expect_equal_levels();
}
END_TEST

/* More than there is room for beside the largest interval. */
#define MANY 140000

static void book_many(uint64_t epoch, int64_t first_uid)
{
    struct store_usage *rows = calloc(MANY, sizeof(*rows));

    ck_assert_ptr_nonnull(rows);
    for (int64_t i = 0; i < MANY; i++)
        rows[i] = usage(first_uid + i, 100, 1 + i % 7, 0);
    book(s, epoch, WORLD_START + 10 * (int64_t)epoch, rows, MANY);
    free(rows);
}

/* How often an account was sought in the database since this was asked last. */
static int sought(void)
{
    return sqlite3_stmt_status(s->statements[STATEMENT_ACCOUNT_FIND].stmt, SQLITE_STMTSTATUS_RUN, 1);
}

START_TEST(an_interval_of_very_many_accounts_is_remembered_and_waits_for_its_five_minutes)
{
    set_zone(s, "UTC");
    book_many(1, 1000); /* written at once: the first of five minutes */
    ck_assert_int_eq(sought(), MANY);
    for (uint64_t epoch = 2; epoch <= 4; epoch++)
        book_many(epoch, 1000);
    ck_assert_int_eq(sought(), 0);
    ck_assert_int_eq(sql_int("SELECT rolled FROM rollup"), 1);
    crash();
    book_many(5, 1000); /* reads what was lost in one go */
    ck_assert_int_eq(sql_int("SELECT rolled FROM rollup"), 5);
    flush(s);
    expect_equal_levels();
}
END_TEST

START_TEST(memory_is_for_the_largest_interval_and_some_others)
{
    set_zone(s, "UTC");
    book_many(1, 1000);
    book_many(2, 1000);
    ck_assert_int_eq(sql_int("SELECT rolled FROM rollup"), 1);
    book_many(3, 1000 + MANY); /* as many others are too many: written before it is time to */
    ck_assert_int_eq(sql_int("SELECT rolled FROM rollup"), 3);
    ck_assert_int_eq(sought(), 2 * MANY);
    book_many(4, 1000); /* forgotten for the others */
    ck_assert_int_eq(sought(), MANY);
    flush(s);
    expect_equal_levels();
}
END_TEST

START_TEST(what_a_crash_took_from_memory_is_read_from_raw)
{
    struct store_usage row = usage(1000, 100, 7, 0);

    set_zone(s, "UTC");
    for (uint64_t epoch = 1; epoch <= 200; epoch++) {
        book(s, epoch, WORLD_START + 10 * (int64_t)epoch, &row, 1);
        if (epoch % 23 == 0)
            crash();
    }
    flush(s);
    expect_equal_levels();
    ck_assert_int_eq(level_sum(STORE_5MIN, "tx_bytes"), 1400);
}
END_TEST

START_TEST(a_roll_up_that_fails_is_told_once_fails_no_booking_and_is_made_up_for)
{
    struct store_usage row = usage(1000, 100, 7, 0);

    set_zone(s, "UTC");
    book(s, 1, WORLD_START, &row, 1);
    ck_assert_int_eq(sqlite3_exec(s->db,
                                  "CREATE TRIGGER no BEFORE UPDATE ON rollup BEGIN SELECT raise(FAIL, 'no'); END", NULL,
                                  NULL, NULL),
                     SQLITE_OK);
    for (uint64_t epoch = 2; epoch < 40; epoch++)
        book(s, epoch, WORLD_START + 10 * (int64_t)epoch, &row, 1);
    cleanup_free char *notice = store_notice(s);
    ck_assert_ptr_nonnull(notice);
    ck_assert_msg(strstr(notice, "rolling up failed") && strstr(notice, "pdtt.db"), "%s", notice);
    ck_assert_ptr_null(store_notice(s));
    ck_assert_int_eq(level_sum(STORE_DAY, "tx_bytes"), 7);
    ck_assert_int_eq(asked(s, WORLD_START, WORLD_START + 900), 39 * 7);
    ck_assert_int_eq(sqlite3_exec(s->db, "DROP TRIGGER no", NULL, NULL, NULL), SQLITE_OK);
    book(s, 40, WORLD_START + 400, &row, 1);
    ck_assert_int_eq(level_sum(STORE_DAY, "tx_bytes"), 40 * 7);
    expect_equal_levels();
}
END_TEST

/* ---- the calendar ---- */

static const struct {
    const char *zone;
    int year, month, day; /* a day that is not like others, or in a zone that is not */
    int hours_x4;         /* how many quarters of an hour it has */
} odd_days[] = {
    {"Europe/Berlin", 2026, 3, 29, 23 * 4},     {"Europe/Berlin", 2026, 10, 25, 25 * 4},
    {"Australia/Adelaide", 2026, 4, 5, 25 * 4}, {"Australia/Lord_Howe", 2026, 4, 5, 98},
    {"Asia/Kathmandu", 2026, 6, 1, 24 * 4},     {"Pacific/Chatham", 2026, 9, 27, 23 * 4},
    {"America/Havana", 2026, 11, 1, 25 * 4},    {"America/Asuncion", 2024, 10, 6, 23 * 4},
};

START_TEST(odd_days_hold_what_moved_between_their_midnights)
{
    cleanup_calendar struct calendar *c = open_zone(odd_days[_i].zone);
    int64_t noon = instant(c, odd_days[_i].year, odd_days[_i].month, odd_days[_i].day, 12, 0);
    int64_t start = calendar_start(c, CALENDAR_DAY, noon), end = calendar_next(c, CALENDAR_DAY, noon);
    uint64_t epoch = 1;
    char sql[300];

    ck_assert_int_eq(end - start, odd_days[_i].hours_x4 * 900);
    set_zone(s, odd_days[_i].zone);
    for (int64_t t = start - 7200; t < end + 7200; t += 300)
        book_span(s, epoch++, t, t + 300, usage(1000, 100, 1000, 0));
    flush(s);
    expect_equal_levels();
    expect_a_tiling();
    ck_assert_int_eq(asked(s, start, end), (end - start) / 300 * 1000);
    snprintf(sql, sizeof(sql), "SELECT sum(tx_bytes) FROM usage_day WHERE start_sec = %" PRId64, start);
    ck_assert_int_eq(sql_int(sql), (end - start) / 300 * 1000);
    snprintf(sql, sizeof(sql), "SELECT tx_bytes FROM v_user_day WHERE day = '%04d-%02d-%02d'", odd_days[_i].year,
             odd_days[_i].month, odd_days[_i].day);
    ck_assert_int_eq(sql_int(sql), (end - start) / 300 * 1000);
}
END_TEST

START_TEST(another_zone_begins_new_buckets_and_moves_no_old_byte)
{
    cleanup_calendar struct calendar *perth = open_zone("Australia/Perth"), *utc = open_zone("UTC");
    int64_t t = instant(perth, 2026, 11, 25, 13, 0), change = t + 3600;
    uint64_t epoch = 1;

    set_zone(s, "Australia/Perth");
    for (; t < change; t += 60)
        book_span(s, epoch++, t, t + 60, usage(1000, 100, 1000, 0));
    flush(s);
    int64_t before = sql_int("SELECT group_concat(start_sec || tx_bytes) FROM usage_day");
    set_zone(s, "UTC");
    ck_assert_str_eq(store_zone(s), "UTC");
    for (; t < change + 86400; t += 60)
        book_span(s, epoch++, t, t + 60, usage(1000, 100, 1000, 0));
    flush(s);
    expect_equal_levels();
    expect_a_tiling();
    ck_assert_int_eq(sql_int("SELECT group_concat(start_sec || tx_bytes) FROM usage_day"), before);
    ck_assert_int_eq(sql_int("SELECT tx_bytes FROM usage_day ORDER BY start_sec LIMIT 1"), 60000);
    int64_t midnight = calendar_next(utc, CALENDAR_DAY, change);
    ck_assert_int_eq(asked(s, change, midnight), (midnight - change) / 60 * 1000);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM bucket WHERE level = 3"), 3);
    ck_assert_int_eq(sql_int("SELECT max(start_sec) FROM bucket WHERE level = 3"), midnight);
    ck_assert_int_eq(sql_int("SELECT count(*) = 2 AND max(from_sec) > 0 FROM zone"), 1);
    reopen();
    book_span(s, epoch++, t, t + 60, usage(1000, 100, 1000, 0));
    ck_assert_int_eq(sql_int("SELECT count(*) FROM zone"), 2);
}
END_TEST

START_TEST(a_zone_that_comes_back_after_a_clock_that_stepped_keeps_the_tiling)
{
    static const char *const zones[] = {"Australia/Perth", "UTC", "Asia/Kathmandu", "America/New_York"};
    uint64_t epoch = 1;

    srandom(5);
    for (int round = 0; round < 60; round++) {
        int64_t t = WORLD_START + random() % (5 * 86400) - (round % 7 == 0 ? 90 * 86400 : 0);
        set_zone(s, zones[random() % 4]);
        for (int i = 0; i < 5; i++, t += 700)
            book_span(s, epoch++, t, t + 10 + random() % 600, usage(random() % 3, 100, random() % 100000, 1));
        if (round % 11 == 0)
            crash();
    }
    flush(s);
    expect_equal_levels();
    expect_a_tiling();
    ck_assert_int_eq(asked(s, 0, INT64_MAX), total_booked());
}
END_TEST

/* ---- long epochs and clocks ---- */

START_TEST(an_epoch_over_midnight_is_shared_out_and_marked)
{
    cleanup_calendar struct calendar *c = open_zone("Australia/Perth");
    int64_t midnight = instant(c, 2026, 12, 1, 0, 0);
    struct store_usage row = usage(1000, 100, -1000003, 999999999999);

    set_zone(s, "Australia/Perth");
    book_span(s, 1, midnight - 4 * 3600, midnight + 6 * 3600, row);
    flush(s);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM interval WHERE estimated AND epoch = 1"), 10);
    ck_assert_int_eq(sql_int("SELECT group_concat(part) = '0,1,2,3,4,5,6,7,8,9' FROM interval"), 1);
    ck_assert_int_eq(sql_int("SELECT sum(rx_bytes) FROM v_user_month WHERE month = '2026-11'"), 399999999999);
    ck_assert_int_eq(sql_int("SELECT sum(tx_bytes) FROM v_user_month WHERE month = '2026-11'"), -400001);
    ck_assert_int_eq(total_booked(), -1000003);
    ck_assert_int_eq(sql_int("SELECT sum(duration_ms) FROM interval"), 36000000);
    expect_equal_levels();
    ck_assert_int_eq(try_book_span(s, 1, midnight, midnight + 10, row), -EALREADY);
    ck_assert_int_eq(
        sql_int("SELECT count(*) FROM interval i WHERE (tx_bytes, rx_bytes, tx_packets) = (SELECT"
                " sum(tx_bytes), sum(rx_bytes), sum(tx_packets) FROM usage_raw r WHERE r.interval = i.id)"),
        10);
}
END_TEST

START_TEST(a_clock_step_moves_no_byte_to_a_second_bucket)
{
    static const int64_t steps[] = {0, 3600, -3600, -86400, 40 * 86400, -40 * 86400, 7, -7};
    struct store_usage row = usage(1000, 100, 1000, 0);
    int64_t now = WORLD_START;
    uint64_t epoch = 1;

    set_zone(s, "Australia/Perth");
    for (size_t i = 0; i < 400; i++) {
        int64_t step = i % 10 ? 0 : steps[i / 10 % array_length(steps)];
        struct store_interval v = {.ledger = LEDGER,
                                   .epoch = epoch++,
                                   .start_sec = now,
                                   .end_sec = now + 10 + step,
                                   .duration_ms = 10000,
                                   .counted = row.n};
        ck_assert_int_eq(store_book_interval(s, &v, &row, 1), 0);
        now = v.end_sec;
    }
    flush(s);
    expect_equal_levels();
    expect_a_tiling();
    ck_assert_int_eq(asked(s, 0, INT64_MAX), 400000);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM interval"), 400);
    ck_assert_int_eq(sql_int("SELECT max(end_sec - start_sec) FROM interval"), 10);
}
END_TEST

/* ---- rules, units, coverage ---- */

START_TEST(a_rule_gives_a_project_of_its_name_to_whom_it_names)
{
    struct store_usage rows[] = {usage(1000, 100, 1, 0), usage(1000, 100, 10, 0), usage(1000, 100, 100, 0),
                                 usage(1001, 200, 1000, 0)};
    static const char *const names[] = {"pawsey0001"};
    struct store_query q = {.buckets = (struct store_bucket[]){{0, INT64_MAX}}, .n_buckets = 1, .projects = {names, 1}};
    struct store_counters sum = {0};

    rows[1].project = "pawsey0001";
    rows[2].project = "pawsey0002";
    book(s, 1, WORLD_START, rows, 4);
    store_note_group(s, 200, "pawsey0001", WORLD_START + 5); /* a group may have the name as well */
    crash();
    rows[1].project = "pawsey0001";
    book(s, 2, WORLD_START + 10, rows, 4);
    flush(s);
    ck_assert_int_eq(store_query_usage(s, &q, add_row, &sum), 0);
    ck_assert_int_eq(sum.tx_bytes, 2020);
    ck_assert_int_eq(sql_int("SELECT sum(tx_bytes) FROM v_project_month WHERE project = 'pawsey0001'"), 2020);
    ck_assert_int_eq(sql_int("SELECT sum(tx_bytes) FROM v_project_month WHERE project = 'pawsey0002'"), 200);
    ck_assert_int_eq(sql_int("SELECT sum(tx_bytes) FROM v_project_month WHERE project = 'gid 100'"), 2);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM project WHERE name = 'pawsey0001'"), 2);
}
END_TEST

START_TEST(a_unit_keeps_its_id_for_ever)
{
    int64_t first, second, again;

    ck_assert_int_eq(store_unit_id(s, "/slurm/job_1", &first), 0);
    ck_assert_int_eq(store_unit_id(s, "/slurm/job_'2", &second), 0);
    reopen();
    ck_assert_int_eq(store_unit_id(s, "/slurm/job_1", &again), 0);
    ck_assert(first > 0 && second > 0 && first != second && again == first);
}
END_TEST

START_TEST(the_views_tell_what_is_in_memory_still)
{
    struct store_usage row = usage(1000, 100, 7, 0);

    set_zone(s, "UTC");
    for (uint64_t epoch = 1; epoch <= 40; epoch++)
        book(s, epoch, WORLD_START + 10 * (int64_t)epoch, &row, 1);
    ck_assert_int_lt(sql_int("SELECT rolled FROM rollup"), 40);
    ck_assert_int_eq(sql_int("SELECT tx_bytes FROM v_user_day WHERE day = '2026-11-20'"), 280);
    ck_assert_int_eq(sql_int("SELECT tx_bytes FROM v_user_month WHERE month = '2026-11'"), 280);
    ck_assert_int_eq(sql_int("SELECT seen_ms FROM v_coverage"), 400000);
    ck_assert_int_eq(sql_int("SELECT percent = 100.0 FROM v_coverage"), 1);
}
END_TEST

struct gaps {
    int n;
    char text[256];
};

static int note_gap(const struct store_gap *gap, void *userdata)
{
    struct gaps *g = userdata;
    size_t length = strlen(g->text);

    snprintf(g->text + length, sizeof(g->text) - length, "%lld-%lld %s;", (long long)gap->start_sec,
             (long long)gap->end_sec, gap->reason);
    return ++g->n == 3 ? -ECANCELED : 0;
}

START_TEST(gaps_that_touch_a_range_are_told_and_a_long_one_is_one)
{
    struct gaps g = {0}, all = {0};

    store_put_gap(s, 500, 600, "reboot");
    store_put_gap(s, 100, 200, "disk full");
    store_put_gap(s, 200, 300, "disk full");
    store_put_gap(s, 310, 320, "disk full");
    store_put_gap(s, 900, 950, "not running");
    ck_assert_int_eq(store_query_gaps(s, 250, 510, note_gap, &g), -ECANCELED);
    ck_assert_str_eq(g.text, "100-300 disk full;310-320 disk full;500-600 reboot;");
    ck_assert_int_eq(store_query_gaps(s, 600, 900, note_gap, &all), 0);
    ck_assert_int_eq(all.n, 0);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
    TCase *c = tcase_create(name);

    tcase_add_checked_fixture(c, open_place, close_place);
    tcase_set_timeout(c, 120);
    suite_add_tcase(suite, c);
    return c;
}

static void add_levels(Suite *suite)
{
    TCase *c = add_case(suite, "levels");

    tcase_add_test(c, the_sums_of_all_levels_are_equal);
    tcase_add_test(c, it_is_written_every_five_minutes_and_at_the_end);
    tcase_add_test(c, an_interval_of_very_many_accounts_is_remembered_and_waits_for_its_five_minutes);
    tcase_add_test(c, memory_is_for_the_largest_interval_and_some_others);
    tcase_add_test(c, what_a_crash_took_from_memory_is_read_from_raw);
    tcase_add_test(c, what_a_statement_changes_is_kept_in_memory_up_to_a_bound);
    tcase_add_test(c, a_roll_up_that_fails_is_told_once_fails_no_booking_and_is_made_up_for);
    tcase_add_test(c, four_hundred_random_ranges_are_exact_against_raw);
    tcase_add_test(c, a_month_comes_from_one_bucket_and_its_days_from_theirs);
    tcase_add_test(c, periods_of_another_zone_add_up_to_their_range);
}

static void add_calendar(Suite *suite)
{
    TCase *c = add_case(suite, "calendar");

    tcase_add_loop_test(c, odd_days_hold_what_moved_between_their_midnights, 0, array_length(odd_days));
    tcase_add_test(c, another_zone_begins_new_buckets_and_moves_no_old_byte);
    tcase_add_test(c, a_zone_that_comes_back_after_a_clock_that_stepped_keeps_the_tiling);
    tcase_add_test(c, an_epoch_over_midnight_is_shared_out_and_marked);
    tcase_add_test(c, a_clock_step_moves_no_byte_to_a_second_bucket);
}

static void add_records(Suite *suite)
{
    TCase *c = add_case(suite, "records");

    tcase_add_test(c, a_rule_gives_a_project_of_its_name_to_whom_it_names);
    tcase_add_test(c, a_unit_keeps_its_id_for_ever);
    tcase_add_test(c, the_views_tell_what_is_in_memory_still);
    tcase_add_test(c, gaps_that_touch_a_range_are_told_and_a_long_one_is_one);
}

int main(void)
{
    Suite *suite = suite_create("rollup");

    add_levels(suite);
    add_calendar(suite);
    add_records(suite);
    return unit_main(suite);
}
