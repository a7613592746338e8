/* Forgetting: in time, within the quota, and never what no coarser level has. A year passes by a fake clock. */
#include "tests/support/levels.h"
#include "tests/support/unit.h"
#include "tests/support/zone.h"

#include <errno.h>

#define DAY   INT64_C(86400)
#define START INT64_C(1795132800) /* 2026-11-20 00:00 UTC */

static struct store *s;
static uint64_t epoch;

static void open_place(void)
{
    place_make();
    s = open_store(STORE_WRITE);
    hurry(s);
    epoch = 0;
}

static void close_place(void)
{
    s = store_close(s);
    place_remove();
}

static struct store_policy short_policy(void)
{
    return (struct store_policy){
        .timezone = "Australia/Perth",
        .retention_sec = {2 * DAY, 14 * DAY, 90 * DAY, 3 * 365 * DAY, STORE_FOREVER},
    };
}

/* Accounts that each move 1000 bytes in every interval of seconds, until until_sec. */
static int64_t live(int64_t t, int64_t until_sec, int64_t seconds, size_t accounts)
{
    struct store_usage rows[64];

    for (; t < until_sec; t += seconds) {
        struct store_interval i = {.ledger = LEDGER,
                                   .epoch = ++epoch,
                                   .start_sec = t,
                                   .end_sec = t + seconds,
                                   .duration_ms = seconds * 1000,
                                   .counted = {.tx_bytes = 1000 * (int64_t)accounts}};
        for (size_t k = 0; k < accounts; k++) {
            rows[k] = usage(1000 + (int64_t)k, 100, 0, 0);
            rows[k].n = (struct store_counters){.tx_bytes = 1000};
        }
        int r = store_book_interval(s, &i, rows, accounts);
        ck_assert_msg(r == 0, "%d: %s", r, store_why(s));
    }
    return t;
}

static int64_t used_pages(void)
{
    return sql_int("PRAGMA page_count") - sql_int("PRAGMA freelist_count");
}

/* ---- a year ---- */

START_TEST(space_stays_bounded_over_a_year_and_every_byte_stays_in_the_months)
{
    int64_t t = START, after_120_days, pages_then, free_pages;

    set_policy(s, short_policy());
    t = live(t, START + 100 * DAY, 1200, 5);
    pages_then = used_pages();
    after_120_days = sql_int("SELECT count(*) FROM usage_hour");
    t = live(t, START + 366 * DAY, 1200, 5);
    ck_assert_int_le(sql_int("SELECT count(*) FROM usage_hour"), after_120_days + 10);
    /* Days are what grows: 5 rows and a bucket a day. */
    ck_assert_int_le(used_pages(), pages_then + 40);
    free_pages = sql_int("PRAGMA freelist_count");
    ck_assert_int_le(free_pages, 1100);
    ck_assert_int_le(sql_int("SELECT max(end_sec) - min(start_sec) FROM interval"), 2 * DAY + 2 * 1200);
    ck_assert_int_le(sql_int("SELECT max(start_sec) - min(start_sec) FROM usage_5min"), 14 * DAY + 1200);
    ck_assert_int_le(sql_int("SELECT max(start_sec) - min(start_sec) FROM usage_hour"), 90 * DAY + 3600);
    ck_assert_int_eq(
        level_sum(STORE_MONTH, "tx_bytes") +
            sql_int("SELECT coalesce(sum(tx_bytes), 0) FROM interval WHERE id > (SELECT rolled FROM rollup)"),
        (int64_t)epoch * 5000);
    ck_assert_int_eq(asked(s, 0, INT64_MAX), (int64_t)epoch * 5000);
    /* A range of last spring is answered from what is left of it, and says which range that is. */
    int64_t since = START + 30 * DAY + 4000, until = START + 60 * DAY - 4000, wanted_since = since,
            wanted_until = until;
    ck_assert_int_eq(store_plan_range(s, &since, &until), 0);
    ck_assert(since <= wanted_since && until >= wanted_until && wanted_since - since < DAY &&
              until - wanted_until < DAY);
    ck_assert_int_eq(asked(s, wanted_since, wanted_until), (until - since) / 1200 * 5000);
    struct store_coverage c;
    ck_assert_int_eq(store_query_coverage(s, wanted_since, wanted_until, &c), 0);
    ck_assert_int_eq(c.seen_ms, (until - since) * 1000);
    ck_assert(c.since_sec == since && c.until_sec == until);
    ck_assert_int_eq(c.first_sec, START);
    ck_assert_int_eq(c.last_sec, t);
    ck_assert_int_eq(sql_int("SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
    expect_a_tiling();
}
END_TEST

/* ---- the watermark ---- */

START_TEST(what_is_not_rolled_up_is_never_dropped)
{
    struct store_policy none = {.timezone = "UTC", .retention_sec = {0, 0, 0, 0, STORE_FOREVER}};
    int64_t t;

    set_policy(s, none);
    t = live(START, START + 3600, 10, 3);
    ck_assert_int_eq(sqlite3_exec(s->db,
                                  "CREATE TRIGGER no BEFORE UPDATE ON rollup BEGIN SELECT raise(FAIL, 'no'); END", NULL,
                                  NULL, NULL),
                     SQLITE_OK);
    /* For a whole day nothing can be rolled up. */
    t = live(t, START + DAY, 60, 3);
    ck_assert_int_ge(sql_int("SELECT count(*) FROM interval WHERE id > (SELECT rolled FROM rollup)"), 23 * 60);
    ck_assert_int_ge(sql_int("SELECT count(*) FROM bucket WHERE level = 1"), 23 * 12); /* that wait for them */
    ck_assert_int_eq(
        level_sum(STORE_MONTH, "tx_bytes") +
            sql_int("SELECT sum(r.tx_bytes) FROM usage_raw r WHERE r.interval > (SELECT rolled FROM rollup)"),
        (int64_t)epoch * 3000);
    ck_assert_int_eq(asked(s, 0, INT64_MAX), (int64_t)epoch * 3000);
    ck_assert_int_eq(sqlite3_exec(s->db, "DROP TRIGGER no", NULL, NULL, NULL), SQLITE_OK);
    t = live(t, t + 2 * DAY, 60, 3);
    ck_assert_int_eq(asked(s, 0, INT64_MAX), (int64_t)epoch * 3000);
    ck_assert_int_le(sql_int("SELECT count(*) FROM interval"), 20);
    ck_assert_int_le(sql_int("SELECT count(*) FROM bucket WHERE level < 4"), 8);
}
END_TEST

START_TEST(a_shorter_retention_takes_effect_little_by_little)
{
    struct store_policy shorter = short_policy();
    int64_t t, before;

    set_policy(s, keep_all("Australia/Perth"));
    t = live(START, START + 2 * DAY, 60, 3);
    before = sql_int("SELECT count(*) FROM interval");
    shorter.retention_sec[STORE_RAW] = 3600;
    set_policy(s, shorter);
    t = live(t, t + 60, 60, 3);
    ck_assert_int_lt(before - sql_int("SELECT count(*) FROM interval"), 10);
    live(t, t + 12 * 3600, 60, 3);
    ck_assert_int_le(sql_int("SELECT count(*) FROM interval"), 63);
    ck_assert_int_eq(asked(s, 0, INT64_MAX), (int64_t)epoch * 3000);
}
END_TEST

/* ---- edges that have expired ---- */

START_TEST(boundaries_inside_of_what_expired_move_and_periods_still_add_up)
{
    struct store_policy hours = {.timezone = "UTC",
                                 .retention_sec = {0, 0, STORE_FOREVER, STORE_FOREVER, STORE_FOREVER}};
    struct store_bucket asked_for[] = {{START + 600, START + 1800},
                                       {START + 1800, START + 5400},
                                       {START + 5400, START + 5700},
                                       {START + 9000, START + 12000}},
                        got[4];
    struct store_query q = {.buckets = asked_for, .n_buckets = 4};
    struct store_counters sums[4] = {0};

    set_policy(s, hours);
    live(START, START + 10 * 3600, 60, 1);
    ck_assert_int_eq(store_plan_buckets(s, asked_for, 4, got), 0);
    ck_assert_int_eq(got[0].start_sec, START);
    ck_assert_int_eq(got[0].end_sec, START + 3600); /* it began in the first one */
    ck_assert_int_eq(got[1].start_sec, START + 3600);
    ck_assert_int_eq(got[1].end_sec, START + 7200);
    ck_assert_int_eq(got[2].end_sec - got[2].start_sec, 0);
    ck_assert_int_eq(got[3].start_sec, START + 7200);
    ck_assert_int_eq(got[3].end_sec, START + 4 * 3600);
    ck_assert_int_eq(store_query_usage(s, &q, add_row, sums), 0);
    ck_assert_int_eq(sums[0].tx_bytes, 60000);
    ck_assert_int_eq(sums[1].tx_bytes, 60000);
    ck_assert_int_eq(sums[2].tx_bytes, 0);
    ck_assert_int_eq(sums[3].tx_bytes, 120000);
    /* What is there still is exact. */
    int64_t since = START + 3600, until = START + 7200;
    ck_assert_int_eq(store_plan_range(s, &since, &until), 0);
    ck_assert(since == START + 3600 && until == START + 7200);
}
END_TEST

/* ---- policy ---- */

static const struct {
    struct store_policy policy;
    const char *says;
} nonsense[] = {
    {{.timezone = "UTC", .retention_sec = {100, 99, 200, 300, 400}},
     "retention of raw (100 s) is longer than that of five_minute"},
    {{.timezone = "UTC", .retention_sec = {1, 2, 3, 5, 4}}, "retention of day"},
    {{.timezone = "UTC", .retention_sec = {-1, 2, 3, 4, 5}}, "retention of raw cannot be -1"},
    {{.timezone = "UTC", .retention_sec = {1, 2, 3, 4, 5}, .max_size_bytes = -5}, "max_size cannot be -5"},
    {{.timezone = "Mars/Olympus", .retention_sec = {1, 2, 3, 4, 5}}, "Mars/Olympus"},
    {{.timezone = "", .retention_sec = {1, 2, 3, 4, 5}}, "time zone ''"},
};

START_TEST(a_policy_that_is_nonsense_is_refused_and_the_old_one_kept)
{
    set_zone(s, "Australia/Perth");
    ck_assert_int_lt(store_set_policy(s, &nonsense[_i].policy), 0);
    ck_assert_msg(strstr(store_why(s), nonsense[_i].says) && strstr(store_why(s), "pdtt.db"), "%s", store_why(s));
    live(START, START + 3600, 300, 2);
    ck_assert_str_eq(store_zone(s), "Australia/Perth");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM interval"), 12);
}
END_TEST

/* ---- clocks ---- */

START_TEST(a_clock_that_jumps_forward_expires_nothing_for_a_day_of_counting)
{
    struct store_policy p = short_policy();
    struct store_interval jump = {.ledger = LEDGER, .duration_ms = 60000};
    int64_t t, future;

    set_policy(s, p);
    t = live(START, START + DAY, 60, 1);
    jump.epoch = ++epoch;
    jump.start_sec = t;
    future = jump.end_sec = t + 50 * 365 * DAY;
    ck_assert_int_eq(store_book_interval(s, &jump, NULL, 0), 0);
    future = live(future, future + 12 * 3600, 60, 1);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM interval"), 1440 + 1 + 720);
    /* Somebody corrects it; or else it is believed. */
    live(future, future + DAY, 60, 1);
    ck_assert_int_lt(sql_int("SELECT count(*) FROM interval WHERE start_sec < 2000000000"), 10);
    ck_assert_int_eq(asked(s, 0, INT64_MAX), (int64_t)(epoch - 1) * 1000);
}
END_TEST

/* ---- quota ---- */

START_TEST(the_quota_drops_raw_first_and_says_so)
{
    struct store_policy p = keep_all("Australia/Perth");
    int64_t t;

    p.max_size_bytes = 600 * 1024;
    set_policy(s, p);
    t = live(START, START + 2 * DAY, 60, 20);
    cleanup_free char *notice = store_notice(s);
    ck_assert_ptr_nonnull(notice);
    ck_assert_msg(strstr(notice, "max_size of 614400 bytes is reached") != NULL, "%s", notice);
    ck_assert_ptr_null(store_notice(s));
    ck_assert_int_le(used_pages() * 4096, 614400 + 100 * 1024);
    ck_assert_int_gt(sql_int("SELECT min(id) FROM interval"), 1);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM layer_state WHERE layer = 'store' AND state = 'failed'"), 1);
    ck_assert_int_eq(level_sum(STORE_DAY, "tx_bytes"), level_sum(STORE_MONTH, "tx_bytes"));
    ck_assert_int_eq(asked(s, 0, INT64_MAX), (int64_t)epoch * 20000);
    /* With room again it is over. */
    p.max_size_bytes = 0;
    set_policy(s, p);
    live(t, t + 2 * 3600, 60, 20);
    ck_assert_int_eq(sql_int("SELECT state = 'on' FROM layer_state WHERE layer = 'store' ORDER BY id DESC LIMIT 1"), 1);
}
END_TEST

START_TEST(a_quota_that_cannot_be_kept_keeps_days_and_months)
{
    struct store_policy p = keep_all("UTC");
    int64_t t;

    set_policy(s, p);
    t = live(START, START + 3 * DAY, 600, 40);
    p.max_size_bytes = 4096;
    set_policy(s, p);
    live(t, t + 4 * DAY, 600, 40);
    ck_assert_int_eq(asked(s, 0, INT64_MAX), (int64_t)epoch * 40000);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM usage_day"), 7 * 40);
    ck_assert_int_le(sql_int("SELECT count(*) FROM interval"), 3);
    ck_assert_int_le(sql_int("SELECT count(*) FROM bucket WHERE level < 3"), 4);
    cleanup_free char *notice = store_notice(s);
    ck_assert_ptr_nonnull(notice);
}
END_TEST

/* ---- bytes a row ---- */

/* Widths as in 10 s of busy transfers, all columns filled. It prints its figures. */
START_TEST(a_row_is_as_small_as_promised)
{
    enum { ACCOUNTS = 4000, INTERVALS = 12 };
    static struct store_usage rows[ACCOUNTS];

    set_zone(s, "UTC");
    srandom(3);
    for (uint64_t e = 1; e <= INTERVALS; e++) {
        for (size_t k = 0; k < ACCOUNTS; k++) {
            int64_t tx = random() % (k % 10 ? 100000 : 30000000), rx = random() % (k % 7 ? 100000 : 30000000);
            rows[k] = usage(1000 + (int64_t)k / 4, 100 + (int64_t)k / 40, tx, rx);
            rows[k].class_id = (int64_t)k % 2;
            rows[k].protocol = k % 4 < 2 ? TCP : UDP;
            rows[k].n = (struct store_counters){tx, rx, tx / 1400 + 1, rx / 1400 + 1, tx * 96 / 100, rx * 96 / 100};
        }
        book(s, e, START + 300 * (int64_t)e, rows, ACCOUNTS);
    }
    flush(s);
    static const struct {
        const char *table;
        int64_t most_tenths;
    } limits[] = {
        {"usage_raw", 360}, {"usage_5min", 540}, {"usage_hour", 540}, {"usage_day", 540}, {"usage_month", 540}};
    for (size_t i = 0; i < array_length(limits); i++) {
        char sql[200];
        snprintf(sql, sizeof(sql),
                 "SELECT 10 * (SELECT sum(pgsize) FROM dbstat WHERE name = '%s') / (SELECT count(*) FROM %s)",
                 limits[i].table, limits[i].table);
        int64_t tenths = sql_int(sql);
        printf("%s: %.1f bytes a row\n", limits[i].table, (double)tenths / 10);
        ck_assert_msg(tenths <= limits[i].most_tenths, "%s takes %.1f bytes a row", limits[i].table,
                      (double)tenths / 10);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("retention");
    TCase *c = tcase_create("retention");

    tcase_add_checked_fixture(c, open_place, close_place);
    tcase_set_timeout(c, 180);
    tcase_add_test(c, space_stays_bounded_over_a_year_and_every_byte_stays_in_the_months);
    tcase_add_test(c, what_is_not_rolled_up_is_never_dropped);
    tcase_add_test(c, a_shorter_retention_takes_effect_little_by_little);
    tcase_add_test(c, boundaries_inside_of_what_expired_move_and_periods_still_add_up);
    tcase_add_loop_test(c, a_policy_that_is_nonsense_is_refused_and_the_old_one_kept, 0, array_length(nonsense));
    tcase_add_test(c, a_clock_that_jumps_forward_expires_nothing_for_a_day_of_counting);
    tcase_add_test(c, the_quota_drops_raw_first_and_says_so);
    tcase_add_test(c, a_quota_that_cannot_be_kept_keeps_days_and_months);
    tcase_add_test(c, a_row_is_as_small_as_promised);
    suite_add_tcase(suite, c);
    return unit_main(suite);
}
