#include "common/units.h"

#include "common/cleanup.h"
#include "tests/support/unit.h"

#include <errno.h>

struct sample {
    const char *text;
    int64_t value; /* expected, or a negative errno where refused */
};

typedef int parse_fn(const char *, int64_t *);

static void assert_parses(parse_fn *parse, const struct sample *samples, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int64_t got = -99;
        int r = parse(samples[i].text, &got);

        ck_assert_msg(r == 0, "'%s' was refused with %d", samples[i].text, r);
        ck_assert_msg(got == samples[i].value, "'%s' became %lld", samples[i].text, (long long)got);
    }
}

static void assert_refuses(parse_fn *parse, const struct sample *samples, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int64_t got = -99;
        int r = parse(samples[i].text, &got);

        ck_assert_msg(r == samples[i].value, "'%s': %d, %lld", samples[i].text, r, (long long)got);
        ck_assert_msg(got == -99, "'%s' touched the result", samples[i].text);
    }
}

START_TEST(sizes_are_read_in_both_series)
{
    static const struct sample samples[] = {
        {"512", 512},
        {"0", 0},
        {"512 B", 512},
        {"2 GiB", INT64_C(2) << 30},
        {"2GiB", INT64_C(2) << 30},
        {"10TB", INT64_C(10000000000000)},
        {"10tb", INT64_C(10000000000000)},
        {"1.5 MiB", 1572864},
        {"1 kB", 1000},
        {"1 KB", 1000},
        {"1kib", 1024},
        {"7 EiB", INT64_C(7) << 60},
        {"9223372036854775807", INT64_MAX},
        {" 3 PB ", INT64_C(3000000000000000)},
    };

    assert_parses(units_parse_size, samples, array_length(samples));
}
END_TEST

START_TEST(fractions_of_a_size_are_exact_and_rounded_once)
{
    static const struct sample samples[] = {
        {"0.1 TB", INT64_C(100000000000)},       {"0.1 KiB", 102}, {"0.0005 kB", 1}, {"0.0004 kB", 0},
        {"8.191 PB", INT64_C(8191000000000000)},
    };

    assert_parses(units_parse_size, samples, array_length(samples));
}
END_TEST

START_TEST(what_is_no_size_is_refused)
{
    static const struct sample samples[] = {
        {"", -EINVAL},
        {"b", -EINVAL},
        {"10 b", -EINVAL},
        {"10G", -EINVAL},
        {"GiB", -EINVAL},
        {"1..5 MiB", -EINVAL},
        {"1.5", -EINVAL},
        {"1,5 MiB", -EINVAL},
        {"1. MiB", -EINVAL},
        {".5 MiB", -EINVAL},
        {"1 MiB x", -EINVAL},
        {"0x10", -EINVAL},
        {"1e3", -EINVAL},
        {"+1 MiB", -EINVAL},
        {"1.0000001 GB", -EINVAL},
        {"-1", -ERANGE},
        {"-1 MiB", -ERANGE},
        {"8 EiB", -ERANGE},
        {"9223372036854775808", -ERANGE},
        {"99999999999999999999999 TB", -ERANGE},
        {"nan", -EINVAL},
        {"inf", -EINVAL},
        {"forever", -EINVAL},
    };

    assert_refuses(units_parse_size, samples, array_length(samples));
}
END_TEST

START_TEST(durations_are_read_with_letters_and_words)
{
    static const struct sample samples[] = {
        {"10s", 10},     {"5min", 300},   {"5m", 300},           {"2h", 7200},           {"14d", 1209600},
        {"2w", 1209600}, {"3M", 7776000}, {"3 months", 7776000}, {"3y", 94608000},       {"1 Day", 86400},
        {"0s", 0},       {"1.5h", 5400},  {"0.5 min", 30},       {"forever", INT64_MAX}, {"Forever ", INT64_MAX},
    };

    assert_parses(units_parse_duration, samples, array_length(samples));
}
END_TEST

START_TEST(minutes_are_not_months)
{
    int64_t minutes, months;

    ck_assert_int_eq(units_parse_duration("1m", &minutes), 0);
    ck_assert_int_eq(units_parse_duration("1M", &months), 0);
    ck_assert_int_eq(minutes, 60);
    ck_assert_int_eq(months, 30 * 86400);
}
END_TEST

START_TEST(what_is_no_duration_is_refused)
{
    static const struct sample samples[] = {
        {"", -EINVAL},
        {"10", -EINVAL},
        {"0", -EINVAL},
        {"10 x", -EINVAL},
        {"s", -EINVAL},
        {"1.5s", -EINVAL},
        {"10S", -EINVAL},
        {"1h30m", -EINVAL},
        {"for ever", -EINVAL},
        {"-5s", -ERANGE},
        {"9223372036854775807s", -ERANGE},
        {"300000000000y", -ERANGE},
        {"5 min ago", -EINVAL},
    };

    assert_refuses(units_parse_duration, samples, array_length(samples));
}
END_TEST

static void assert_formats(int64_t bytes, enum units_style style, const char *expected)
{
    char buf[UNITS_TEXT_MAX];

    ck_assert_str_eq(units_format_bytes(buf, bytes, style), expected);
}

START_TEST(bytes_are_shown_with_three_significant_digits)
{
    assert_formats(0, UNITS_AUTO, "0 B");
    assert_formats(1023, UNITS_AUTO, "1023 B");
    assert_formats(1024, UNITS_AUTO, "1.00 KiB");
    assert_formats(1610612736, UNITS_AUTO, "1.50 GiB");
    assert_formats(1610612736, UNITS_SI, "1.61 GB");
    assert_formats(1610612736, UNITS_BYTES, "1610612736");
    assert_formats(10 * 1024, UNITS_AUTO, "10.0 KiB");
    assert_formats(100 * 1024, UNITS_AUTO, "100 KiB");
    assert_formats(999, UNITS_SI, "999 B");
    assert_formats(1000, UNITS_SI, "1.00 kB");
}
END_TEST

START_TEST(rounding_up_moves_to_the_next_unit)
{
    assert_formats((INT64_C(1) << 20) - 1, UNITS_AUTO, "1.00 MiB");
    assert_formats((INT64_C(1) << 40) - 1, UNITS_AUTO, "1.00 TiB");
    assert_formats(INT64_C(1020) << 20, UNITS_AUTO, "1020 MiB");
    assert_formats(999999, UNITS_SI, "1.00 MB");
    assert_formats(999499, UNITS_SI, "999 kB");
    assert_formats(9999, UNITS_SI, "10.0 kB");
    assert_formats(99999, UNITS_SI, "100 kB");
}
END_TEST

START_TEST(the_largest_and_negative_numbers_fit)
{
    assert_formats(INT64_MAX, UNITS_AUTO, "8.00 EiB");
    assert_formats(INT64_MIN, UNITS_AUTO, "-8.00 EiB");
    assert_formats(INT64_MIN, UNITS_BYTES, "-9223372036854775808");
    assert_formats(INT64_MAX, UNITS_SI, "9.22 EB");
    assert_formats(-1536, UNITS_AUTO, "-1.50 KiB");
}
END_TEST

START_TEST(what_is_shown_reads_back_within_half_a_percent)
{
    for (int64_t bytes = 1; bytes > 0 && bytes < INT64_MAX / 3; bytes = bytes * 3 + 7) {
        for (int style = UNITS_AUTO; style <= UNITS_SI; style++) {
            char buf[UNITS_TEXT_MAX];
            int64_t got;

            units_format_bytes(buf, bytes, style);
            ck_assert_msg(units_parse_size(buf, &got) == 0, "%s", buf);
            ck_assert_msg(llabs(got - bytes) <= bytes / 200, "%lld became %s", (long long)bytes, buf);
        }
    }
}
END_TEST

START_TEST(each_style_is_found_by_its_word)
{
    enum units_style found;

    for (enum units_style style = UNITS_AUTO; style <= UNITS_BYTES; style++) {
        ck_assert(units_style_find(units_style_word(style), &found));
        ck_assert_int_eq(found, style);
    }
    ck_assert(!units_style_find("au", &found));
    ck_assert(!units_style_find("", &found));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("units");
    TCase *t = tcase_create("units");

    tcase_add_test(t, sizes_are_read_in_both_series);
    tcase_add_test(t, fractions_of_a_size_are_exact_and_rounded_once);
    tcase_add_test(t, what_is_no_size_is_refused);
    tcase_add_test(t, durations_are_read_with_letters_and_words);
    tcase_add_test(t, minutes_are_not_months);
    tcase_add_test(t, what_is_no_duration_is_refused);
    tcase_add_test(t, bytes_are_shown_with_three_significant_digits);
    tcase_add_test(t, rounding_up_moves_to_the_next_unit);
    tcase_add_test(t, the_largest_and_negative_numbers_fit);
    tcase_add_test(t, what_is_shown_reads_back_within_half_a_percent);
    tcase_add_test(t, each_style_is_found_by_its_word);
    suite_add_tcase(suite, t);
    return unit_main(suite);
}
