/* An epoch as parts: to the byte, at the calendar's boundaries, and never too many. */
#include "sql/split.h"
#include "tests/support/unit.h"
#include "tests/support/zone.h"

#include <inttypes.h>

static struct split_span span_of(int64_t start_sec, int64_t end_sec, int64_t duration_ms)
{
    struct store_interval i = {.start_sec = start_sec, .end_sec = end_sec, .duration_ms = duration_ms};

    return split_span(&i);
}

static size_t count_parts(const char *zone, int64_t start_sec, int64_t end_sec)
{
    cleanup_calendar struct calendar *c = open_zone(zone);
    cleanup_free struct store_bucket *parts = NULL;
    struct split_span span = {.start_sec = start_sec, .end_sec = end_sec};
    size_t n;

    ck_assert_int_eq(split_parts(c, &span, &parts, &n), 0);
    ck_assert_int_eq(parts[0].start_sec, start_sec);
    ck_assert_int_eq(parts[n - 1].end_sec, end_sec);
    for (size_t i = 1; i < n; i++)
        ck_assert_int_eq(parts[i].start_sec, parts[i - 1].end_sec);
    return n;
}

START_TEST(shares_add_up_to_the_byte_whatever_the_sign)
{
    srandom(99);
    for (int round = 0; round < 2000; round++) {
        int64_t total = (random() - (INT64_C(1) << 30)) * (round % 3 ? 1 : random());
        int64_t whole = 1 + random() % 200000, at = 0, sum = 0;
        while (at < whole) {
            int64_t next = at + 1 + random() % whole;
            next = next > whole ? whole : next;
            int64_t share = split_share(total, at, next, whole);
            __int128 exact = (__int128)total * (next - at), given = (__int128)share * whole;
            ck_assert_msg(given - exact < whole && exact - given < whole, "a share is off by a byte");
            sum += share;
            at = next;
        }
        ck_assert_int_eq(sum, total);
    }
    ck_assert_int_eq(split_share(INT64_MAX, 0, 86400, 86400), INT64_MAX);
    ck_assert_int_eq(split_share(INT64_MIN, 0, 43200, 86400), INT64_MIN / 2);
    ck_assert_int_eq(split_share(17, 0, 0, 0), 17);
}
END_TEST

START_TEST(the_longer_an_epoch_the_larger_its_parts)
{
    int64_t midnight = 1795392000; /* 2026-11-23 UTC */

    ck_assert_uint_eq(count_parts("UTC", midnight - 5, midnight + 5), 1); /* of ordinary length: where it began */
    ck_assert_uint_eq(count_parts("UTC", midnight + 10, midnight + 290), 1);
    ck_assert_uint_eq(count_parts("UTC", midnight - 50, midnight + 50), 2);
    ck_assert_uint_eq(count_parts("UTC", midnight, midnight + 3600), 12);
    ck_assert_uint_eq(count_parts("UTC", midnight - 1, midnight + 3599), 13);
    ck_assert_uint_eq(count_parts("UTC", midnight, midnight + 3601), 2);
    ck_assert_uint_eq(count_parts("UTC", midnight + 1, midnight + 2 * 86400 + 1), 49);
    ck_assert_uint_eq(count_parts("UTC", midnight, midnight + 2 * 86400 + 1), 3);
    ck_assert_uint_eq(count_parts("UTC", midnight + 1, midnight + 400 * 86400 + 1), 401);
    ck_assert_uint_le(count_parts("UTC", 0, midnight), 683);
}
END_TEST

START_TEST(parts_are_cut_where_the_zone_has_its_hours_and_days)
{
    cleanup_calendar struct calendar *kathmandu = open_zone("Asia/Kathmandu"), *berlin = open_zone("Europe/Berlin");
    cleanup_free struct store_bucket *parts = NULL, *days = NULL;
    struct split_span night = {.start_sec = instant(kathmandu, 2026, 3, 1, 0, 30),
                               .end_sec = instant(kathmandu, 2026, 3, 1, 4, 0)};
    struct split_span spring = {.start_sec = instant(berlin, 2026, 3, 28, 0, 0),
                                .end_sec = instant(berlin, 2026, 3, 31, 0, 0)};
    size_t n;

    ck_assert_int_eq(split_parts(kathmandu, &night, &parts, &n), 0);
    ck_assert_uint_eq(n, 4);
    ck_assert_int_eq(parts[1].start_sec % 3600, 900); /* 5:45 east */
    ck_assert_int_eq(split_parts(berlin, &spring, &days, &n), 0);
    ck_assert_uint_eq(n, 3);
    ck_assert_int_eq(days[1].end_sec - days[1].start_sec, 23 * 3600);
}
END_TEST

static const struct {
    const char *what;
    int64_t start_sec, end_sec, duration_ms;
    int64_t expect_start_sec, expect_end_sec;
    bool stepped;
} clocks[] = {
    {"an ordinary interval", 1000, 1010, 10003, 1000, 1010, false},
    {"a clock that is slewed", 1000, 87403, 86400000, 1000, 87403, false},
    {"a clock that is read a second late", 1000, 1000, 1100, 1000, 1000, false},
    {"an hour back", 10000, 6410, 10000, 6400, 6410, true},
    {"an hour forward", 10000, 13610, 10000, 13600, 13610, true},
    {"from 1970 to today", 12, 1795392000, 60000, 1795391940, 1795392000, true},
    {"to before 1970", 1000, -50, 10000, 0, 0, true},
    {"back with a length that nobody knows", 1010, 400, 0, 400, 400, true},
    {"a length that nobody knows", 1000, 5000, 0, 1000, 5000, false},
};

START_TEST(a_stepped_clock_is_read_as_it_is_at_the_end)
{
    struct split_span s = span_of(clocks[_i].start_sec, clocks[_i].end_sec, clocks[_i].duration_ms);

    ck_assert_msg(s.start_sec == clocks[_i].expect_start_sec && s.end_sec == clocks[_i].expect_end_sec &&
                      s.stepped == clocks[_i].stepped,
                  "%s: %" PRId64 " to %" PRId64 ", stepped %d", clocks[_i].what, s.start_sec, s.end_sec, s.stepped);
}
END_TEST

START_TEST(absurd_times_are_brought_to_where_calendars_go)
{
    struct split_span s = span_of(INT64_MIN, INT64_MAX, INT64_MAX);

    ck_assert_int_ge(s.start_sec, 0);
    ck_assert_int_le(s.end_sec, 253402300799);
    ck_assert_uint_le(count_parts("Australia/Perth", s.start_sec, s.end_sec), 1300);
    s = span_of(INT64_MAX, INT64_MIN, INT64_MIN);
    ck_assert(s.start_sec == 0 && s.end_sec == 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("split");
    TCase *c = tcase_create("split");

    tcase_add_test(c, shares_add_up_to_the_byte_whatever_the_sign);
    tcase_add_test(c, the_longer_an_epoch_the_larger_its_parts);
    tcase_add_test(c, parts_are_cut_where_the_zone_has_its_hours_and_days);
    tcase_add_loop_test(c, a_stepped_clock_is_read_as_it_is_at_the_end, 0, array_length(clocks));
    tcase_add_test(c, absurd_times_are_brought_to_where_calendars_go);
    suite_add_tcase(suite, c);
    return unit_main(suite);
}
