#include "tests/support/unit.h"
#include "tests/support/zone.h"

#define DAY INT64_C(86400)

static void assert_label(const struct calendar *c, enum calendar_unit unit, int64_t utc_sec, const char *expected)
{
    char buf[CALENDAR_LABEL_MAX];

    ck_assert_str_eq(calendar_format(c, unit, utc_sec, buf), expected);
}

START_TEST(days_of_a_change_have_23_and_25_hours)
{
    cleanup_calendar struct calendar *c = open_zone("America/New_York");
    int64_t spring = instant(c, 2026, 3, 8, 0, 0), autumn = instant(c, 2026, 11, 1, 0, 0);

    ck_assert_int_eq(calendar_next(c, CALENDAR_DAY, spring) - spring, 23 * 3600);
    ck_assert_int_eq(calendar_next(c, CALENDAR_DAY, autumn) - autumn, 25 * 3600);
}
END_TEST

START_TEST(a_skipped_local_time_moves_to_the_end_of_the_gap)
{
    cleanup_calendar struct calendar *c = open_zone("America/New_York");

    ck_assert_int_eq(instant(c, 2026, 3, 8, 2, 0), 1772953200); /* 03:00 EDT */
    ck_assert_int_eq(instant(c, 2026, 3, 8, 2, 59), 1772953200);
    ck_assert_int_eq(instant(c, 2026, 3, 8, 3, 0), 1772953200);
    ck_assert_int_eq(instant(c, 2026, 3, 8, 1, 59), 1772953200 - 60);
}
END_TEST

START_TEST(a_doubled_local_time_is_the_first_of_the_two)
{
    cleanup_calendar struct calendar *c = open_zone("America/New_York");

    ck_assert_int_eq(instant(c, 2026, 11, 1, 1, 30), 1793511000); /* EDT */
    ck_assert_int_eq(instant(c, 2026, 11, 1, 2, 0), 1793516400);  /* EST, two and a half hours of clock later */
}
END_TEST

START_TEST(a_doubled_hour_is_two_buckets_with_two_names)
{
    cleanup_calendar struct calendar *c = open_zone("America/New_York");
    int64_t first = instant(c, 2026, 11, 1, 1, 0);

    ck_assert_int_eq(calendar_next(c, CALENDAR_HOUR, first), first + 3600);
    ck_assert_int_eq(calendar_next(c, CALENDAR_HOUR, first + 3600), first + 7200);
    assert_label(c, CALENDAR_HOUR, first, "2026-11-01 01:00 -04:00");
    assert_label(c, CALENDAR_HOUR, first + 3600, "2026-11-01 01:00 -05:00");
    assert_label(c, CALENDAR_HOUR, first + 7200, "2026-11-01 02:00");
}
END_TEST

START_TEST(a_doubled_midnight_starts_the_day_at_the_first)
{
    cleanup_calendar struct calendar *c = open_zone("America/Havana");
    int64_t start = instant(c, 2026, 11, 1, 0, 0);

    ck_assert_int_eq(start, 1793505600); /* 00:00 CDT; an hour later it is 00:00 CST */
    ck_assert_int_eq(calendar_start(c, CALENDAR_DAY, start + 3600), start);
    ck_assert_int_eq(calendar_start(c, CALENDAR_MONTH, start + 3600), start);
    ck_assert_int_eq(calendar_next(c, CALENDAR_DAY, start), start + 25 * 3600);
}
END_TEST

START_TEST(a_skipped_midnight_starts_the_day_at_one)
{
    cleanup_calendar struct calendar *c = open_zone("America/Havana");
    int64_t start = instant(c, 2026, 3, 8, 0, 0);
    struct calendar_time t;

    calendar_civil(c, start, &t);
    ck_assert_int_eq(t.hour, 1);
    ck_assert_int_eq(calendar_next(c, CALENDAR_DAY, start - 1), start);
    assert_label(c, CALENDAR_DAY, start, "2026-03-08");
}
END_TEST

START_TEST(a_day_that_the_zone_leaves_out_has_no_bucket)
{
    cleanup_calendar struct calendar *c = open_zone("Pacific/Apia");
    int64_t day29 = instant(c, 2011, 12, 29, 0, 0), after = calendar_next(c, CALENDAR_DAY, day29);

    ck_assert_int_eq(after - day29, DAY);
    assert_label(c, CALENDAR_DAY, after - 1, "2011-12-29");
    assert_label(c, CALENDAR_DAY, after, "2011-12-31");
    ck_assert_int_eq(instant(c, 2011, 12, 30, 12, 0), after);
}
END_TEST

START_TEST(hours_start_at_full_hours_of_30_and_45_minute_zones)
{
    cleanup_calendar struct calendar *kolkata = open_zone("Asia/Kolkata"), *kathmandu = open_zone("Asia/Kathmandu");
    int64_t t = INT64_C(1795269600); /* 2026-11-21 14:00 UTC */

    ck_assert_int_eq(calendar_start(kolkata, CALENDAR_HOUR, t), t - 30 * 60);
    ck_assert_int_eq(calendar_start(kathmandu, CALENDAR_HOUR, t), t - 45 * 60);
    assert_label(kathmandu, CALENDAR_HOUR, t, "2026-11-21 19:00");
}
END_TEST

START_TEST(a_change_of_half_an_hour_cuts_the_hour)
{
    cleanup_calendar struct calendar *c = open_zone("Australia/Lord_Howe");
    int64_t first = instant(c, 2026, 4, 5, 1, 0); /* 02:00 +11 becomes 01:30 +10:30 */

    ck_assert_int_eq(calendar_next(c, CALENDAR_HOUR, first), first + 3600);
    ck_assert_int_eq(calendar_next(c, CALENDAR_HOUR, first + 3600), first + 5400);
    assert_label(c, CALENDAR_HOUR, first + 3600, "2026-04-05 01:30 +10:30");
}
END_TEST

START_TEST(labels_are_what_people_write)
{
    cleanup_calendar struct calendar *c = open_zone("Australia/Perth");
    int64_t t = instant(c, 2026, 11, 21, 14, 37);

    assert_label(c, CALENDAR_5MIN, t, "2026-11-21 14:35");
    assert_label(c, CALENDAR_HOUR, t, "2026-11-21 14:00");
    assert_label(c, CALENDAR_DAY, t, "2026-11-21");
    assert_label(c, CALENDAR_WEEK, t, "2026-W47");
    assert_label(c, CALENDAR_MONTH, t, "2026-11");
    assert_label(c, CALENDAR_QUARTER, t, "2026-Q4");
    assert_label(c, CALENDAR_YEAR, t, "2026");
}
END_TEST

START_TEST(dates_that_do_not_exist_are_refused)
{
    cleanup_calendar struct calendar *c = open_zone("UTC");
    int64_t t = -7;

    ck_assert_int_eq(calendar_instant(c, 2026, 2, 29, 0, 0, 0, &t), -EINVAL);
    ck_assert_int_eq(calendar_instant(c, 2100, 2, 29, 0, 0, 0, &t), -EINVAL);
    ck_assert_int_eq(calendar_instant(c, 2026, 13, 1, 0, 0, 0, &t), -EINVAL);
    ck_assert_int_eq(calendar_instant(c, 2026, 0, 1, 0, 0, 0, &t), -EINVAL);
    ck_assert_int_eq(calendar_instant(c, 2026, 1, 1, 24, 0, 0, &t), -EINVAL);
    ck_assert_int_eq(calendar_instant(c, 2026, 1, 1, 0, 0, 60, &t), -EINVAL);
    ck_assert_int_eq(calendar_instant(c, 0, 1, 1, 0, 0, 0, &t), -ERANGE);
    ck_assert_int_eq(calendar_instant(c, 10000, 1, 1, 0, 0, 0, &t), -ERANGE);
    ck_assert_int_eq(t, -7);
    ck_assert_int_eq(calendar_instant(c, 2028, 2, 29, 0, 0, 0, &t), 0);
    ck_assert_int_eq(calendar_days_in_month(2028, 2), 29);
    ck_assert_int_eq(calendar_days_in_month(2028, 13), 0);
}
END_TEST

START_TEST(instants_at_the_end_of_all_numbers_are_answered)
{
    cleanup_calendar struct calendar *c = open_zone("Europe/Dublin");
    static const int64_t ends[] = {INT64_MIN, INT64_MAX, 0};
    char buf[CALENDAR_LABEL_MAX];
    struct calendar_time t;

    for (size_t i = 0; i < array_length(ends); i++)
        for (enum calendar_unit unit = CALENDAR_5MIN; unit <= CALENDAR_YEAR; unit++) {
            calendar_civil(c, ends[i], &t);
            ck_assert(t.year >= 1 && t.year <= 9999);
            ck_assert_int_gt(calendar_next(c, unit, ends[i]), calendar_start(c, unit, ends[i]));
            calendar_format(c, unit, ends[i], buf);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("calendar");
    TCase *t = tcase_create("calendar");

    tcase_add_test(t, days_of_a_change_have_23_and_25_hours);
    tcase_add_test(t, a_skipped_local_time_moves_to_the_end_of_the_gap);
    tcase_add_test(t, a_doubled_local_time_is_the_first_of_the_two);
    tcase_add_test(t, a_doubled_hour_is_two_buckets_with_two_names);
    tcase_add_test(t, a_doubled_midnight_starts_the_day_at_the_first);
    tcase_add_test(t, a_skipped_midnight_starts_the_day_at_one);
    tcase_add_test(t, a_day_that_the_zone_leaves_out_has_no_bucket);
    tcase_add_test(t, hours_start_at_full_hours_of_30_and_45_minute_zones);
    tcase_add_test(t, a_change_of_half_an_hour_cuts_the_hour);
    tcase_add_test(t, labels_are_what_people_write);
    tcase_add_test(t, dates_that_do_not_exist_are_refused);
    tcase_add_test(t, instants_at_the_end_of_all_numbers_are_answered);
    suite_add_tcase(suite, t);
    return unit_main(suite);
}
