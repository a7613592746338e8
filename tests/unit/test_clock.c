#include "common/clock.h"

#include "tests/support/unit.h"

#include <time.h>

#define INTERVAL (10 * NSEC_PER_SEC)

START_TEST(next_multiple_of_an_instant_between_two_is_the_later_one)
{
    ck_assert_int_eq(clock_next_multiple(INTERVAL + 1, INTERVAL), 2 * INTERVAL);
    ck_assert_int_eq(clock_next_multiple(2 * INTERVAL - 1, INTERVAL), 2 * INTERVAL);
}
END_TEST

START_TEST(next_multiple_of_a_multiple_is_a_whole_interval_later)
{
    ck_assert_int_eq(clock_next_multiple(0, INTERVAL), INTERVAL);
    ck_assert_int_eq(clock_next_multiple(7 * INTERVAL, INTERVAL), 8 * INTERVAL);
}
END_TEST

START_TEST(next_multiple_before_1970_lies_after_now_too)
{
    ck_assert_int_eq(clock_next_multiple(-1, INTERVAL), 0);
    ck_assert_int_eq(clock_next_multiple(-INTERVAL - 1, INTERVAL), -INTERVAL);
    ck_assert_int_eq(clock_next_multiple(-INTERVAL, INTERVAL), 0);
}
END_TEST

START_TEST(realtime_is_the_wall_clock_in_both_units)
{
    int64_t before = time(NULL) - 1, sec = clock_realtime_sec(), ns = clock_realtime_ns();

    ck_assert_int_ge(sec, before);
    ck_assert_int_le(sec, before + 5);
    ck_assert_int_ge(ns, sec * NSEC_PER_SEC);
    ck_assert_int_lt(ns, (sec + 5) * NSEC_PER_SEC);
}
END_TEST

START_TEST(boottime_never_goes_back)
{
    int64_t last = clock_boottime_ns();

    ck_assert_int_gt(last, 0);
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_boottime_ns();

        ck_assert_int_ge(now, last);
        last = now;
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("clock");
    TCase *t = tcase_create("clock");

    tcase_add_test(t, next_multiple_of_an_instant_between_two_is_the_later_one);
    tcase_add_test(t, next_multiple_of_a_multiple_is_a_whole_interval_later);
    tcase_add_test(t, next_multiple_before_1970_lies_after_now_too);
    tcase_add_test(t, realtime_is_the_wall_clock_in_both_units);
    tcase_add_test(t, boottime_never_goes_back);
    suite_add_tcase(suite, t);
    return unit_main(suite);
}
