#include "report/period.h"
#include "report/plan.h"
#include "tests/support/unit.h"
#include "tests/support/zone.h"

#include "common/cleanup.h"

#include <string.h>
#include <time.h>

#define NOW_UTC INT64_C(1795237445) /* 2026-11-21 05:04:05 UTC, a Saturday */

/* What the zone's clocks show, asked of the C library and not of the code that is being tested. */
static const char *shown(const char *zone, int64_t sec)
{
    static char buf[2][32];
    static unsigned next;
    char *ret = buf[next++ % 2];
    time_t t = sec;
    struct tm tm;

    setenv("TZ", zone, 1);
    tzset();
    strftime(ret, sizeof(buf[0]), "%F %T", localtime_r(&t, &tm));
    return ret;
}

static const struct good {
    const char *zone;
    int64_t now_sec;
    const char *text, *since, *until; /* until NULL: an instant */
} good[] = {
    {"UTC", NOW_UTC, "now", "2026-11-21 05:04:05", NULL},
    {"UTC", NOW_UTC, " now ", "2026-11-21 05:04:05", NULL},
    {"UTC", NOW_UTC, "NOW", "2026-11-21 05:04:05", NULL},
    {"UTC", NOW_UTC, "today", "2026-11-21 00:00:00", "2026-11-22 00:00:00"},
    {"UTC", NOW_UTC, "yesterday", "2026-11-20 00:00:00", "2026-11-21 00:00:00"},
    {"UTC", NOW_UTC, "tomorrow", "2026-11-22 00:00:00", "2026-11-23 00:00:00"},
    {"UTC", NOW_UTC, "30s", "2026-11-21 05:03:35", NULL},
    {"UTC", NOW_UTC, "30m", "2026-11-21 04:34:05", NULL},
    {"UTC", NOW_UTC, "30min", "2026-11-21 04:34:05", NULL},
    {"UTC", NOW_UTC, "12h", "2026-11-20 17:04:05", NULL},
    {"UTC", NOW_UTC, "12 hours ago", "2026-11-20 17:04:05", NULL},
    {"UTC", NOW_UTC, "12 hrs ago", "2026-11-20 17:04:05", NULL},
    {"UTC", NOW_UTC, "30d", "2026-10-22 05:04:05", NULL},
    {"UTC", NOW_UTC, "-30d", "2026-10-22 05:04:05", NULL},
    {"UTC", NOW_UTC, "30 days ago", "2026-10-22 05:04:05", NULL},
    {"UTC", NOW_UTC, "1 day ago", "2026-11-20 05:04:05", NULL},
    {"UTC", NOW_UTC, "now-30days", "2026-10-22 05:04:05", NULL},
    {"UTC", NOW_UTC, "now - 30 Days", "2026-10-22 05:04:05", NULL},
    {"UTC", NOW_UTC, "now+1h", "2026-11-21 06:04:05", NULL},
    {"UTC", NOW_UTC, "+1d", "2026-11-22 05:04:05", NULL},
    {"UTC", NOW_UTC, "0d", "2026-11-21 05:04:05", NULL},
    {"UTC", NOW_UTC, "2w", "2026-11-07 05:04:05", NULL},
    {"UTC", NOW_UTC, "1M", "2026-10-21 05:04:05", NULL},
    {"UTC", NOW_UTC, "11 months ago", "2025-12-21 05:04:05", NULL},
    {"UTC", NOW_UTC, "12M", "2025-11-21 05:04:05", NULL},
    {"UTC", NOW_UTC, "1y", "2025-11-21 05:04:05", NULL},
    {"UTC", NOW_UTC, "2 years ago", "2024-11-21 05:04:05", NULL},
    {"UTC", NOW_UTC, "56y", "1970-11-21 05:04:05", NULL},
    {"UTC", 1774915200 /* 2026-03-31 00:00 */, "1M", "2026-02-28 00:00:00", NULL},
    {"UTC", 1709164800 /* 2024-02-29 00:00 */, "1y", "2023-02-28 00:00:00", NULL},
    {"UTC", NOW_UTC, "2026", "2026-01-01 00:00:00", "2027-01-01 00:00:00"},
    {"UTC", NOW_UTC, "2026-Q4", "2026-10-01 00:00:00", "2027-01-01 00:00:00"},
    {"UTC", NOW_UTC, "2026-11", "2026-11-01 00:00:00", "2026-12-01 00:00:00"},
    {"UTC", NOW_UTC, "2026-12", "2026-12-01 00:00:00", "2027-01-01 00:00:00"},
    {"UTC", NOW_UTC, "2024-02", "2024-02-01 00:00:00", "2024-03-01 00:00:00"},
    {"UTC", NOW_UTC, "2026-W47", "2026-11-16 00:00:00", "2026-11-23 00:00:00"},
    {"UTC", NOW_UTC, "2026-W01", "2025-12-29 00:00:00", "2026-01-05 00:00:00"},
    {"UTC", NOW_UTC, "2026-W53", "2026-12-28 00:00:00", "2027-01-04 00:00:00"},
    {"UTC", NOW_UTC, "2026-11-01", "2026-11-01 00:00:00", "2026-11-02 00:00:00"},
    {"UTC", NOW_UTC, "2024-02-29", "2024-02-29 00:00:00", "2024-03-01 00:00:00"},
    {"UTC", NOW_UTC, "2026-11-01 10:00", "2026-11-01 10:00:00", NULL},
    {"UTC", NOW_UTC, "2026-11-01  10:00:30", "2026-11-01 10:00:30", NULL},
    {"UTC", NOW_UTC, "2026-11-01T10:00", "2026-11-01 10:00:00", NULL},
    {"UTC", NOW_UTC, "2026-11-01T23:59:59", "2026-11-01 23:59:59", NULL},
    {"UTC", NOW_UTC, "@0", "1970-01-01 00:00:00", NULL},
    {"UTC", NOW_UTC, "@1793491200", "2026-11-01 00:00:00", NULL},
    {"UTC", NOW_UTC, "@253402300799", "9999-12-31 23:59:59", NULL},
    /* Perth is eight hours ahead: its day began at 16:00 UTC of the day before. */
    {"Australia/Perth", NOW_UTC, "today", "2026-11-21 00:00:00", "2026-11-22 00:00:00"},
    {"Australia/Perth", 1795190400 /* 16:00 UTC */, "today", "2026-11-21 00:00:00", "2026-11-22 00:00:00"},
    {"Australia/Perth", 1795190399, "today", "2026-11-20 00:00:00", "2026-11-21 00:00:00"},
    {"Australia/Perth", NOW_UTC, "2026-11", "2026-11-01 00:00:00", "2026-12-01 00:00:00"},
    /* Across the change of 1 November 2026 a day back is 25 hours; 24 hours back shows another time of day. */
    {"America/New_York", 1793548800 /* 2026-11-01 11:00 EST */, "1d", "2026-10-31 11:00:00", NULL},
    {"America/New_York", 1793548800, "24h", "2026-10-31 12:00:00", NULL},
    {"America/New_York", 1793548800, "today", "2026-11-01 00:00:00", "2026-11-02 00:00:00"},
    {"America/New_York", NOW_UTC, "2026-11", "2026-11-01 00:00:00", "2026-12-01 00:00:00"},
    {"America/New_York", NOW_UTC, "2026-03-08 02:30", "2026-03-08 03:00:00", NULL}, /* does not exist */
    {"Asia/Kathmandu", NOW_UTC, "2026-11-21", "2026-11-21 00:00:00", "2026-11-22 00:00:00"},
    {"Asia/Beirut", NOW_UTC, "2022-03-27", "2022-03-27 01:00:00", "2022-03-28 00:00:00"}, /* no midnight */
};

START_TEST(every_form_of_the_grammar_means_what_the_manual_says)
{
    const struct good *g = &good[_i];
    cleanup_calendar struct calendar *cal = open_zone(g->zone);
    cleanup_free char *why = NULL;
    struct period p;
    int r = period_parse_time(cal, g->now_sec, g->text, &p, &why);

    ck_assert_msg(r == 0, "'%s': %s", g->text, why ? why : "?");
    ck_assert_str_eq(shown(g->zone, p.since_sec), g->since);
    if (g->until)
        ck_assert_str_eq(shown(g->zone, p.until_sec), g->until);
    else
        ck_assert_int_eq(p.until_sec, p.since_sec);
}
END_TEST

static const struct bad {
    const char *zone, *text, *why; /* part of the reason */
} bad[] = {
    {"UTC", "", "not a time"},
    {"UTC", "   ", "not a time"},
    {"UTC", "soon", "not a time"},
    {"UTC", "nowadays", "not a time"},
    {"UTC", "now30d", "not a time"},
    {"UTC", "-", "not a time"},
    {"UTC", "\033[31m", "not a time"},
    {"UTC", "30", "has no unit"},
    {"UTC", "-30", "has no unit"},
    {"UTC", "30x", "is not a unit"},
    {"UTC", "30D", "is not a unit"},
    {"UTC", "30 fortnights ago", "is not a unit"},
    {"UTC", "30d later", "left over"},
    {"UTC", "-30d ago", "left over"},
    {"UTC", "1.5h", "is not a unit"},
    {"UTC", "57y", "lies outside"},
    {"UTC", "99999999999y", "lies outside"},
    {"UTC", "99999999999w", "lies outside"},
    {"UTC", "now+99999999999d", "lies outside"},
    {"UTC", "now+99999999999h", "lies outside"},
    {"UTC", "999999999999d", "too large"},
    {"UTC", "2026-02-30", "2026-02 has 28 days"},
    {"UTC", "2024-02-30", "2024-02 has 29 days"},
    {"UTC", "1900-02-29", "lies outside"},
    {"UTC", "2026-04-31 10:00", "2026-04 has 30 days"},
    {"UTC", "2026-13", "no month 13"},
    {"UTC", "2026-00", "no month 0"},
    {"UTC", "2026-11-00", "no such day"},
    {"UTC", "2026-1", "is written as"},
    {"UTC", "2026-11-1", "is written as"},
    {"UTC", "2026-11-01x", "is written as"},
    {"UTC", "2026-11-01 10", "is written as"},
    {"UTC", "2026-11-01 10:00:", "is written as"},
    {"UTC", "2026-11-01 10:00 AM", "is written as"},
    {"UTC", "2026-11 10:00", "is written as"},
    {"UTC", "2026-11-01 24:00", "no such time of day"},
    {"UTC", "2026-11-01 10:60", "no such time of day"},
    {"UTC", "2026-11-01 23:59:60", "no such time of day"},
    {"UTC", "2026-W54", "no week 54"},
    {"UTC", "2026-W00", "no week 0"},
    {"UTC", "2025-W53", "2025 has 52 weeks"},
    {"UTC", "2026-W7", "a week is written as"},
    {"UTC", "2026-Q5", "a quarter is written as"},
    {"UTC", "1969-12-31", "lies outside"},
    {"UTC", "01/11/2026", "is not a unit"},
    {"UTC", "@", "seconds since 1970"},
    {"UTC", "@-1", "seconds since 1970"},
    {"UTC", "@1x", "left over"},
    {"UTC", "@1793491200000", "not milliseconds"},
    {"UTC", "@99999999999999999999", "lies after"},
    {"Pacific/Apia", "2011-12-30", "left it out"},
};

START_TEST(what_is_not_a_time_is_refused_with_a_reason)
{
    const struct bad *b = &bad[_i];
    cleanup_calendar struct calendar *cal = open_zone(b->zone);
    cleanup_free char *why = NULL;
    struct period p = {1, 2};

    ck_assert_int_eq(period_parse_time(cal, NOW_UTC, b->text, &p, &why), -EINVAL);
    ck_assert_ptr_nonnull(why);
    ck_assert_msg(strstr(why, b->why) != NULL, "'%s': \"%s\" does not say \"%s\"", b->text, why, b->why);
    ck_assert_ptr_null(strchr(why, '\n'));
    ck_assert(p.since_sec == 1 && p.until_sec == 2);
}
END_TEST

/* ---- --since and --until together ---- */

static struct period parse(const struct calendar *cal, const char *since, const char *until)
{
    cleanup_free char *why = NULL;
    struct period p;
    int r = period_parse(cal, NOW_UTC, since, until, &p, &why);

    ck_assert_msg(r == 0, "%s", why ? why : "?");
    return p;
}

static void assert_range(const char *since, const char *until, const char *first, const char *last)
{
    cleanup_calendar struct calendar *cal = open_zone("Australia/Perth");
    struct period p = parse(cal, since, until);

    ck_assert_str_eq(shown("Australia/Perth", p.since_sec), first);
    ck_assert_str_eq(shown("Australia/Perth", p.until_sec), last);
}

START_TEST(without_options_the_period_is_this_month_until_now)
{
    assert_range(NULL, NULL, "2026-11-01 00:00:00", "2026-11-21 13:04:06");
}
END_TEST

START_TEST(a_period_ends_where_the_span_of_until_ends)
{
    assert_range("2026-10", "2026-10", "2026-10-01 00:00:00", "2026-11-01 00:00:00");
    assert_range("yesterday", "yesterday", "2026-11-20 00:00:00", "2026-11-21 00:00:00");
    assert_range("2026-10-01", "2026-10-01 10:00", "2026-10-01 00:00:00", "2026-10-01 10:00:00");
}
END_TEST

START_TEST(a_period_without_since_starts_with_the_month_in_which_it_ends)
{
    assert_range(NULL, "2026-10-15", "2026-10-01 00:00:00", "2026-10-16 00:00:00");
    assert_range(NULL, "2026-10", "2026-10-01 00:00:00", "2026-11-01 00:00:00");
}
END_TEST

START_TEST(a_period_since_this_very_second_holds_it)
{
    cleanup_calendar struct calendar *cal = open_zone("UTC");
    struct period p = parse(cal, "now", NULL);

    ck_assert_int_eq(p.since_sec, NOW_UTC);
    ck_assert_int_eq(p.until_sec, NOW_UTC + 1);
}
END_TEST

static void assert_refused(const char *since, const char *until, const char *expected)
{
    cleanup_calendar struct calendar *cal = open_zone("UTC");
    cleanup_free char *why = NULL;
    struct period p;

    ck_assert_int_eq(period_parse(cal, NOW_UTC, since, until, &p, &why), -EINVAL);
    ck_assert_msg(strstr(why, expected) != NULL, "\"%s\" does not say \"%s\"", why, expected);
}

START_TEST(an_empty_period_is_refused_by_the_name_of_its_option)
{
    assert_refused("tomorrow", NULL, "option --since: 'tomorrow': lies in the future");
    assert_refused("2026-11-01", "2026-10", "option --until: '2026-10': the period would be empty");
    assert_refused("@100", "@100", "option --until: '@100': the period would be empty");
    assert_refused("2026-02-30", NULL, "option --since: '2026-02-30': there is no such day");
    assert_refused("x", "y", "option --until: 'y': not a time");
}
END_TEST

/* ---- buckets ---- */

static const enum calendar_unit every_unit[] = {
    CALENDAR_5MIN, CALENDAR_HOUR, CALENDAR_DAY, CALENDAR_WEEK, CALENDAR_MONTH, CALENDAR_QUARTER, CALENDAR_YEAR,
};

START_TEST(periods_tile_the_range_without_gap_or_overlap)
{
    cleanup_calendar struct calendar *cal = open_zone("America/New_York");
    struct period range = {NOW_UTC - 40 * 86400 + 17, NOW_UTC}; /* a change of the clocks lies within */
    cleanup_free char *why = NULL;
    struct plan plan;
    int64_t at = range.since_sec;

    ck_assert_int_eq(plan_make(cal, range, (int)every_unit[_i], &plan, &why), 0);
    for (size_t i = 0; i < plan.n_buckets; i++) {
        ck_assert_int_eq(plan.buckets[i].start_sec, at);
        ck_assert_int_gt(plan.buckets[i].end_sec, at);
        at = plan.buckets[i].end_sec;
    }
    ck_assert_int_eq(at, range.until_sec);
    plan_done(&plan);
}
END_TEST

START_TEST(labels_of_periods_are_understood_as_since)
{
    cleanup_calendar struct calendar *cal = open_zone("Australia/Perth");
    char label[CALENDAR_LABEL_MAX];
    int64_t start = calendar_start(cal, every_unit[_i], NOW_UTC);

    calendar_format(cal, every_unit[_i], NOW_UTC, label);
    ck_assert_int_eq(parse(cal, label, "now").since_sec, start);
}
END_TEST

START_TEST(more_periods_than_anybody_reads_are_refused)
{
    cleanup_calendar struct calendar *cal = open_zone("UTC");
    cleanup_free char *why = NULL;
    struct plan plan;

    ck_assert_int_eq(plan_make(cal, (struct period){0, NOW_UTC}, CALENDAR_5MIN, &plan, &why), -EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "--period"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("period");
    TCase *c = tcase_create("period");

    tcase_add_loop_test(c, every_form_of_the_grammar_means_what_the_manual_says, 0, array_length(good));
    tcase_add_loop_test(c, what_is_not_a_time_is_refused_with_a_reason, 0, array_length(bad));
    tcase_add_test(c, without_options_the_period_is_this_month_until_now);
    tcase_add_test(c, a_period_ends_where_the_span_of_until_ends);
    tcase_add_test(c, a_period_without_since_starts_with_the_month_in_which_it_ends);
    tcase_add_test(c, a_period_since_this_very_second_holds_it);
    tcase_add_test(c, an_empty_period_is_refused_by_the_name_of_its_option);
    tcase_add_loop_test(c, periods_tile_the_range_without_gap_or_overlap, 0, array_length(every_unit));
    tcase_add_loop_test(c, labels_of_periods_are_understood_as_since, 0, array_length(every_unit));
    tcase_add_test(c, more_periods_than_anybody_reads_are_refused);
    suite_add_tcase(suite, c);
    return unit_main(suite);
}
