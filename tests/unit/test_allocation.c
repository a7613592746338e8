#include "report/allocation.h"
#include "tests/support/unit.h"
#include "tests/support/zone.h"

#define DAY INT64_C(86400)
#define TIB (INT64_C(1) << 40)

static void expect_period(const struct calendar *c, enum store_period unit, int billing_day, int64_t at_sec,
                          const int first[3], const int next[3])
{
    struct period p = allocation_period(c, unit, billing_day, at_sec);

    ck_assert_int_eq(p.since_sec, instant(c, first[0], first[1], first[2], 0, 0));
    ck_assert_int_eq(p.until_sec, instant(c, next[0], next[1], next[2], 0, 0));
}

#define DATE(year, month, day) ((const int[]){year, month, day})

/* ---- periods ---- */

START_TEST(a_month_begins_on_the_billing_day)
{
    cleanup_calendar struct calendar *c = open_zone("Australia/Perth");

    expect_period(c, STORE_PERIOD_MONTH, 1, instant(c, 2026, 11, 1, 0, 0), DATE(2026, 11, 1), DATE(2026, 12, 1));
    expect_period(c, STORE_PERIOD_MONTH, 1, instant(c, 2026, 11, 1, 0, 0) - 1, DATE(2026, 10, 1), DATE(2026, 11, 1));
    expect_period(c, STORE_PERIOD_MONTH, 15, instant(c, 2026, 11, 15, 0, 0), DATE(2026, 11, 15), DATE(2026, 12, 15));
    expect_period(c, STORE_PERIOD_MONTH, 15, instant(c, 2026, 11, 14, 23, 59), DATE(2026, 10, 15), DATE(2026, 11, 15));
    expect_period(c, STORE_PERIOD_MONTH, 28, instant(c, 2027, 1, 3, 12, 0), DATE(2026, 12, 28), DATE(2027, 1, 28));
}
END_TEST

START_TEST(february_has_the_length_of_its_year)
{
    cleanup_calendar struct calendar *c = open_zone("Australia/Perth");
    struct period common = allocation_period(c, STORE_PERIOD_MONTH, 1, instant(c, 2026, 2, 28, 23, 59));
    struct period leap = allocation_period(c, STORE_PERIOD_MONTH, 1, instant(c, 2028, 2, 29, 23, 59));
    struct period across = allocation_period(c, STORE_PERIOD_MONTH, 28, instant(c, 2028, 2, 29, 0, 0));

    ck_assert_int_eq(common.until_sec - common.since_sec, 28 * DAY);
    ck_assert_int_eq(leap.until_sec - leap.since_sec, 29 * DAY);
    ck_assert_int_eq(across.since_sec, instant(c, 2028, 2, 28, 0, 0));
    ck_assert_int_eq(across.until_sec, instant(c, 2028, 3, 28, 0, 0));
}
END_TEST

START_TEST(quarters_and_years_count_from_january_and_begin_on_the_billing_day)
{
    cleanup_calendar struct calendar *c = open_zone("Australia/Perth");

    expect_period(c, STORE_PERIOD_QUARTER, 1, instant(c, 2026, 11, 21, 0, 0), DATE(2026, 10, 1), DATE(2027, 1, 1));
    expect_period(c, STORE_PERIOD_QUARTER, 10, instant(c, 2026, 10, 9, 0, 0), DATE(2026, 7, 10), DATE(2026, 10, 10));
    expect_period(c, STORE_PERIOD_QUARTER, 10, instant(c, 2027, 1, 9, 23, 59), DATE(2026, 10, 10), DATE(2027, 1, 10));
    expect_period(c, STORE_PERIOD_YEAR, 1, instant(c, 2026, 12, 31, 23, 59), DATE(2026, 1, 1), DATE(2027, 1, 1));
    expect_period(c, STORE_PERIOD_YEAR, 20, instant(c, 2027, 1, 19, 0, 0), DATE(2026, 1, 20), DATE(2027, 1, 20));
    expect_period(c, STORE_PERIOD_YEAR, 20, instant(c, 2028, 6, 1, 0, 0), DATE(2028, 1, 20), DATE(2029, 1, 20));
}
END_TEST

START_TEST(a_change_of_the_clocks_makes_a_period_an_hour_longer_or_shorter)
{
    cleanup_calendar struct calendar *c = open_zone("America/New_York");
    struct period march = allocation_period(c, STORE_PERIOD_MONTH, 1, instant(c, 2026, 3, 8, 3, 0));
    struct period november = allocation_period(c, STORE_PERIOD_MONTH, 1, instant(c, 2026, 11, 1, 1, 30));

    ck_assert_int_eq(march.until_sec - march.since_sec, 31 * DAY - 3600);
    ck_assert_int_eq(november.until_sec - november.since_sec, 30 * DAY + 3600);
}
END_TEST

/* On 1 November 2026 the clocks of Havana go from 00:59 back to 00:00, on 8 March from 23:59 to 01:00. Those of
 * Newfoundland went from 00:01 on 28 October 2001 back to 23:01 of the day before. */
START_TEST(a_midnight_that_is_doubled_or_skipped_begins_one_period)
{
    cleanup_calendar struct calendar *c = open_zone("America/Havana");
    cleanup_calendar struct calendar *st_johns = open_zone("America/St_Johns");
    int64_t first = instant(c, 2026, 11, 1, 0, 0), skipped = instant(c, 2026, 3, 8, 0, 0);
    int64_t doubled = instant(st_johns, 2001, 10, 28, 0, 0);
    struct period p;

    expect_period(c, STORE_PERIOD_MONTH, 1, first + 3600, DATE(2026, 11, 1), DATE(2026, 12, 1));
    expect_period(c, STORE_PERIOD_MONTH, 8, skipped, DATE(2026, 3, 8), DATE(2026, 4, 8));
    expect_period(c, STORE_PERIOD_MONTH, 8, skipped - 1, DATE(2026, 2, 8), DATE(2026, 3, 8));
    p = allocation_period(st_johns, STORE_PERIOD_MONTH, 28, doubled + 120); /* the clocks show 23:02 of the 27th */
    ck_assert_int_eq(p.since_sec, doubled);
    ck_assert_int_eq(p.until_sec, instant(st_johns, 2001, 11, 28, 0, 0));
    doubled = instant(st_johns, 2009, 11, 1, 0, 0);
    p = allocation_period(st_johns, STORE_PERIOD_MONTH, 1, doubled + 120); /* 23:02 of 31 October, which is over */
    ck_assert_int_eq(p.since_sec, doubled);
    ck_assert_int_eq(p.until_sec, instant(st_johns, 2009, 12, 1, 0, 0));
}
END_TEST

START_TEST(periods_adjoin_and_hold_what_they_are_asked_for)
{
    static const char *const zones[] = {"Australia/Perth", "America/New_York", "Australia/Lord_Howe",
                                        "Pacific/Apia",    "Asia/Kathmandu",   "America/St_Johns"};
    cleanup_calendar struct calendar *c = open_zone(zones[_i]);

    srandom((unsigned)_i + 1);
    for (int k = 0; k < 3000; k++) {
        enum store_period unit = (enum store_period)(random() % 3);
        int billing_day = 1 + (int)(random() % 28);
        int64_t at = 800000000 + random() % INT64_C(1500000000);
        struct period p = allocation_period(c, unit, billing_day, at);
        struct period next = allocation_period(c, unit, billing_day, p.until_sec);
        struct period before = allocation_period(c, unit, billing_day, p.since_sec - 1);

        ck_assert_msg(p.since_sec <= at && at < p.until_sec, "day %d, second %lld", billing_day, (long long)at);
        ck_assert_int_eq(next.since_sec, p.until_sec);
        ck_assert_int_eq(before.until_sec, p.since_sec);
    }
}
END_TEST

START_TEST(a_period_is_named_as_the_calendar_does_or_by_its_first_and_last_day)
{
    cleanup_calendar struct calendar *c = open_zone("Australia/Perth");
    int64_t at = instant(c, 2026, 11, 21, 0, 0);
    char buf[ALLOCATION_LABEL_MAX];

    ck_assert_str_eq(allocation_label(c, STORE_PERIOD_MONTH, allocation_period(c, STORE_PERIOD_MONTH, 1, at), buf),
                     "2026-11");
    ck_assert_str_eq(allocation_label(c, STORE_PERIOD_QUARTER, allocation_period(c, STORE_PERIOD_QUARTER, 1, at), buf),
                     "2026-Q4");
    ck_assert_str_eq(allocation_label(c, STORE_PERIOD_YEAR, allocation_period(c, STORE_PERIOD_YEAR, 1, at), buf),
                     "2026");
    ck_assert_str_eq(allocation_label(c, STORE_PERIOD_MONTH, allocation_period(c, STORE_PERIOD_MONTH, 15, at), buf),
                     "2026-11-15 to 2026-12-14");
}
END_TEST

/* ---- what counts ---- */

START_TEST(only_the_direction_that_counts_is_counted)
{
    struct store_counters n = {.tx_bytes = 100, .rx_bytes = 7, .tx_payload_bytes = 1000};

    ck_assert_int_eq(store_allocation_counts(STORE_DIRECTION_BOTH, &n), 107);
    ck_assert_int_eq(store_allocation_counts(STORE_DIRECTION_TX, &n), 100);
    ck_assert_int_eq(store_allocation_counts(STORE_DIRECTION_RX, &n), 7);
}
END_TEST

START_TEST(to_use_all_of_it_is_not_to_exceed_it)
{
    struct forecast none = {FORECAST_NONE, 0}, more = {FORECAST_RECENT, TIB + 1}, just = {FORECAST_RECENT, TIB};

    ck_assert(!allocation_is_exceeded(TIB, TIB));
    ck_assert(allocation_is_exceeded(TIB + 1, TIB));
    ck_assert_str_eq(allocation_state(TIB, TIB, &none), "ok");
    ck_assert_str_eq(allocation_state(TIB, TIB, &just), "ok");
    ck_assert_str_eq(allocation_state(TIB, TIB, &more), "forecast to exceed");
    ck_assert_str_eq(allocation_state(TIB + 1, TIB, &more), "exceeded");
}
END_TEST

START_TEST(shares_are_rounded_down_and_do_not_overflow)
{
    ck_assert_int_eq(store_allocation_hundredths(TIB - 1, TIB), 9999);
    ck_assert_int_eq(store_allocation_hundredths(TIB, TIB), 10000);
    ck_assert_int_eq(store_allocation_hundredths(INT64_MAX, INT64_MAX), 10000);
    ck_assert_int_eq(store_allocation_hundredths(3 * TIB, 2 * TIB), 15000);
    ck_assert_int_eq(store_allocation_hundredths(-5, TIB), 0);
    ck_assert_int_eq(store_allocation_hundredths(INT64_MAX, 1), INT64_MAX);
    ck_assert_int_eq(store_allocation_hundredths(5, 0), -1);
}
END_TEST

/* ---- forecasts ---- */

#define SINCE INT64_C(1793462400) /* 2026-11-01 00:00 in Perth */

static struct forecast_facts facts_on_day(int64_t day, int64_t used, int64_t recent)
{
    return (struct forecast_facts){
        .period = {SINCE, SINCE + 30 * DAY},
        .now_sec = SINCE + day * DAY,
        .counted_since_sec = SINCE - 365 * DAY,
        .used_bytes = used,
        .recent_bytes = recent,
        .recent_sec = FORECAST_RECENT_SEC,
    };
}

static void expect_forecast(const struct forecast_facts *facts, enum forecast_basis basis, int64_t bytes)
{
    struct forecast f = allocation_forecast(facts);

    ck_assert_str_eq(forecast_basis_text(f.basis), forecast_basis_text(basis));
    ck_assert_int_eq(f.bytes, bytes);
}

START_TEST(a_forecast_goes_on_at_the_rate_of_the_last_seven_days)
{
    struct forecast_facts facts = facts_on_day(20, 1000000, 7000);

    expect_forecast(&facts, FORECAST_RECENT, 1000000 + 10 * 1000);
    facts = facts_on_day(1, 500, 7000); /* most of the seven days lie in the period before */
    expect_forecast(&facts, FORECAST_RECENT, 500 + 29 * 1000);
    facts.recent_sec = 8 * DAY; /* the store's days began earlier */
    facts.recent_bytes = 8000;
    expect_forecast(&facts, FORECAST_RECENT, 500 + 29 * 1000);
}
END_TEST

START_TEST(a_young_ledger_is_taken_as_linear_from_where_it_or_the_period_began)
{
    struct forecast_facts facts = facts_on_day(5, 5000, 5000);

    facts.counted_since_sec = SINCE - 1 * DAY;
    expect_forecast(&facts, FORECAST_PERIOD, 5000 + 25 * 1000);
    facts.counted_since_sec = SINCE;
    expect_forecast(&facts, FORECAST_PERIOD, 5000 + 25 * 1000);
    facts.counted_since_sec = SINCE + 3 * DAY;
    expect_forecast(&facts, FORECAST_COUNTED, 5000 + 25 * 2500);
}
END_TEST

START_TEST(a_period_that_is_over_has_no_forecast_but_what_was_used)
{
    struct forecast_facts facts = facts_on_day(30, 1000, 9000);

    expect_forecast(&facts, FORECAST_OVER, 1000);
    facts.counted_since_sec = 0;
    expect_forecast(&facts, FORECAST_OVER, 1000);
}
END_TEST

START_TEST(a_period_to_come_is_forecast_for_its_own_length)
{
    struct forecast_facts facts = facts_on_day(-10, 0, 7000);

    expect_forecast(&facts, FORECAST_RECENT, 30 * 1000);
    facts.counted_since_sec = facts.now_sec - 60;
    expect_forecast(&facts, FORECAST_NONE, 0);
}
END_TEST

START_TEST(nothing_counted_gives_no_forecast)
{
    struct forecast_facts facts = facts_on_day(5, 0, 0);

    facts.counted_since_sec = 0;
    expect_forecast(&facts, FORECAST_NONE, 0);
    facts.counted_since_sec = facts.now_sec;
    expect_forecast(&facts, FORECAST_NONE, 0);
}
END_TEST

START_TEST(a_forecast_neither_shrinks_nor_overflows)
{
    struct forecast_facts facts = facts_on_day(20, 1000, -7000);

    expect_forecast(&facts, FORECAST_RECENT, 1000);
    facts = facts_on_day(1, INT64_MAX - 5, INT64_MAX - 5);
    expect_forecast(&facts, FORECAST_RECENT, INT64_MAX);
}
END_TEST

static Suite *allocation_suite(void)
{
    Suite *suite = suite_create("allocation");
    TCase *c = tcase_create("allocation");

    tcase_add_test(c, a_month_begins_on_the_billing_day);
    tcase_add_test(c, february_has_the_length_of_its_year);
    tcase_add_test(c, quarters_and_years_count_from_january_and_begin_on_the_billing_day);
    tcase_add_test(c, a_change_of_the_clocks_makes_a_period_an_hour_longer_or_shorter);
    tcase_add_test(c, a_midnight_that_is_doubled_or_skipped_begins_one_period);
    tcase_add_loop_test(c, periods_adjoin_and_hold_what_they_are_asked_for, 0, 6);
    tcase_add_test(c, a_period_is_named_as_the_calendar_does_or_by_its_first_and_last_day);
    tcase_add_test(c, only_the_direction_that_counts_is_counted);
    tcase_add_test(c, to_use_all_of_it_is_not_to_exceed_it);
    tcase_add_test(c, shares_are_rounded_down_and_do_not_overflow);
    tcase_add_test(c, a_forecast_goes_on_at_the_rate_of_the_last_seven_days);
    tcase_add_test(c, a_young_ledger_is_taken_as_linear_from_where_it_or_the_period_began);
    tcase_add_test(c, a_period_that_is_over_has_no_forecast_but_what_was_used);
    tcase_add_test(c, a_period_to_come_is_forecast_for_its_own_length);
    tcase_add_test(c, nothing_counted_gives_no_forecast);
    tcase_add_test(c, a_forecast_neither_shrinks_nor_overflows);
    suite_add_tcase(suite, c);
    return suite;
}

int main(void)
{
    return unit_main(allocation_suite());
}
