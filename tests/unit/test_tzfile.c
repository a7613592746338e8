#include "common/tzfile.h"

#include "common/cleanup.h"
#include "tests/support/unit.h"

#include <string.h>
#include <sys/stat.h>

/* One 32-bit block with two types (+1 h "AAA", +2 h "BBB", daylight saving) and one change at 1000, as version 1 writes
 * it. */
static const char version1[] = "TZif\0"
                               "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                               "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\2\0\0\0\10"
                               "\0\0\3\350"
                               "\1"
                               "\0\0\16\20\0\0\0\0\34\40\1\4"
                               "AAA\0BBB\0";

enum {
    HEADER = 44,
    COUNT_LEAP = 28, /* offsets of the counts within the header */
    COUNT_CHANGES = 32,
    COUNT_TYPES = 36,
    SIZE1 = sizeof(version1) - 1,
};

static void cleanup_zone_fn(struct tz_zone **zone)
{
    tz_zone_free(*zone);
}

#define cleanup_zone cleanup(cleanup_zone_fn)

/* The result of parsing version1 with one byte changed. */
static int parse_with(size_t offset, char byte)
{
    cleanup_zone struct tz_zone *zone = NULL;
    char data[SIZE1];

    memcpy(data, version1, SIZE1);
    data[offset] = byte;
    return tz_zone_parse("x", data, SIZE1, &zone);
}

/* The 64-bit form of a file without changes: an empty block, then one type ("LMT", +1 h) and the TZ string. */
static size_t make_version2(char *data, const char *tz_string)
{
    static const char block[] = "TZif2"
                                "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4"
                                "\0\0\16\20\0\0LMT\0";
    size_t n = sizeof(block) - 1;

    memcpy(data, block, n);
    memcpy(data + n, block, n);
    return 2 * n + (size_t)sprintf(data + 2 * n, "\n%s\n", tz_string);
}

START_TEST(a_version_1_file_is_read_with_32_bits)
{
    cleanup_zone struct tz_zone *zone = NULL;
    struct tz_period p;

    ck_assert_int_eq(tz_zone_parse("old", version1, SIZE1, &zone), 0);
    ck_assert_str_eq(tz_zone_name(zone), "old");
    tz_zone_period(zone, 999, &p);
    ck_assert_str_eq(p.type->abbreviation, "AAA");
    ck_assert_int_eq(p.start_sec, INT64_MIN);
    ck_assert_int_eq(p.end_sec, 1000);
    tz_zone_period(zone, 1000, &p);
    ck_assert_str_eq(p.type->abbreviation, "BBB");
    ck_assert_int_eq(p.type->offset_sec, 7200);
    ck_assert(p.type->dst);
    ck_assert_int_eq(p.end_sec, INT64_MAX);
}
END_TEST

START_TEST(a_file_without_changes_follows_its_tz_string)
{
    cleanup_zone struct tz_zone *zone = NULL;
    struct tz_period p;
    char data[256];
    size_t n = make_version2(data, "CET-1CEST,M3.5.0,M10.5.0/3");

    ck_assert_int_eq(tz_zone_parse("x", data, n, &zone), 0);
    tz_zone_period(zone, 1782864000, &p); /* July 2026 */
    ck_assert_str_eq(p.type->abbreviation, "CEST");
    ck_assert_int_eq(p.start_sec, 1774746000); /* 29 March, 01:00 UTC */
    ck_assert_int_eq(p.end_sec, 1792890000);   /* 25 October, 01:00 UTC */
}
END_TEST

START_TEST(an_empty_tz_string_leaves_the_last_type)
{
    cleanup_zone struct tz_zone *zone = NULL;
    struct tz_period p;
    char data[256];
    size_t n = make_version2(data, "");

    ck_assert_int_eq(tz_zone_parse("x", data, n, &zone), 0);
    tz_zone_period(zone, 1782864000, &p);
    ck_assert_str_eq(p.type->abbreviation, "LMT");
}
END_TEST

START_TEST(a_file_that_ends_early_is_refused_wherever_it_ends)
{
    cleanup_zone struct tz_zone *zone = NULL;
    char data[256];
    size_t n = make_version2(data, "UTC0");

    for (size_t i = 0; i < SIZE1; i++) {
        cleanup_free char *exact = malloc(i + 1); /* so that a sanitizer sees a read past the end */

        memcpy(exact, version1, i);
        ck_assert_int_eq(tz_zone_parse("x", exact, i, &zone), -EBADMSG);
    }
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(tz_zone_parse("x", data, i, &zone), -EBADMSG);
    ck_assert_ptr_null(zone);
}
END_TEST

START_TEST(damaged_files_are_refused)
{
    ck_assert_int_eq(parse_with(0, 'X'), -EBADMSG);              /* magic */
    ck_assert_int_eq(parse_with(COUNT_CHANGES, 0x7f), -EBADMSG); /* two thousand million changes */
    ck_assert_int_eq(parse_with(COUNT_TYPES + 3, 0), -EBADMSG);  /* no type */
    ck_assert_int_eq(parse_with(HEADER + 4, 2), -EBADMSG);       /* a type that is not there */
    ck_assert_int_eq(parse_with(HEADER + 5, 0x7f), -EBADMSG);    /* an offset of years */
    ck_assert_int_eq(parse_with(HEADER + 5 + 5, 8), -EBADMSG);   /* a name that is not there */
    ck_assert_int_eq(parse_with(SIZE1 - 1, 'B'), -EBADMSG);      /* a name without end */
}
END_TEST

START_TEST(no_byte_of_a_file_can_crash_the_reader)
{
    for (size_t i = 0; i < SIZE1; i++)
        for (int byte = 0; byte < 256; byte++)
            parse_with(i, (char)byte);
}
END_TEST

START_TEST(leap_seconds_are_refused)
{
    char data[SIZE1 + 8];
    cleanup_zone struct tz_zone *zone = NULL;

    memcpy(data, version1, SIZE1);
    memset(data + SIZE1, 0, 8);
    data[COUNT_LEAP + 3] = 1;
    ck_assert_int_eq(tz_zone_parse("right", data, sizeof(data), &zone), -ENOTSUP);
}
END_TEST

START_TEST(tz_strings_that_are_none_are_refused)
{
    static const char *const texts[] = {
        "",
        "UTC",
        "AB-8",
        "AWST-25",
        "AWST-8x",
        "<AWST-8",
        "A1B-8",
        "CET-1CEST,M3",
        "CET-1CEST,M3.5.0",
        "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,J0,J5",
        "CET-1CEST,366,5",
        "CET-1CEST,M3.5.0,M10.5.0/168",
        "CET-1CEST,M3.5.0,M10.5.0,",
        "ABCDEFGHIJKLMNOPQ-1",
        "CET-1:60",
        "CET-99999999999999999999",
    };
    struct tz_rule rule;

    for (size_t i = 0; i < array_length(texts); i++)
        ck_assert_msg(tz_rule_parse(texts[i], &rule) == -EINVAL, "'%s' was taken", texts[i]);
}
END_TEST

START_TEST(zones_that_are_none_are_refused)
{
    cleanup_zone struct tz_zone *zone = NULL;

    ck_assert_int_eq(tz_zone_load("Atlantis/Capital", &zone), -ENOENT);
    ck_assert_int_eq(tz_zone_load("UTC/x", &zone), -ENOENT);
    ck_assert_int_eq(tz_zone_load("", &zone), -EINVAL);
    ck_assert_int_eq(tz_zone_load("../../../etc/passwd", &zone), -EINVAL);
    ck_assert_int_eq(tz_zone_load("/etc/passwd", &zone), -EBADMSG);
    ck_assert_int_eq(tz_zone_load("/dev/zero", &zone), -EBADMSG);
    ck_assert_int_eq(tz_zone_load("/nowhere", &zone), -ENOENT);
    ck_assert_int_eq(tz_zone_load("/", &zone), -EBADMSG);
    ck_assert_ptr_null(zone);
}
END_TEST

START_TEST(tzdir_names_another_directory)
{
    cleanup_zone struct tz_zone *zone = NULL;
    char dir[] = "/tmp/tzfile.XXXXXX", path[64];
    FILE *f;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/Mars", dir);
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(version1, 1, SIZE1, f), SIZE1);
    fclose(f);
    setenv("TZDIR", dir, 1);
    ck_assert_int_eq(tz_zone_load("Mars", &zone), 0);
    unlink(path);
    rmdir(dir);
}
END_TEST

START_TEST(the_zone_of_the_host_can_always_be_opened)
{
    cleanup_zone struct tz_zone *local = NULL, *utc = NULL;

    ck_assert_int_eq(tz_zone_load("local", &local), 0);
    ck_assert_str_ne(tz_zone_name(local), "");
    setenv("TZDIR", "/nowhere", 1);
    ck_assert_int_eq(tz_zone_load("UTC", &utc), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tzfile");
    TCase *t = tcase_create("tzfile");

    tcase_add_test(t, a_version_1_file_is_read_with_32_bits);
    tcase_add_test(t, a_file_without_changes_follows_its_tz_string);
    tcase_add_test(t, an_empty_tz_string_leaves_the_last_type);
    tcase_add_test(t, a_file_that_ends_early_is_refused_wherever_it_ends);
    tcase_add_test(t, damaged_files_are_refused);
    tcase_add_test(t, no_byte_of_a_file_can_crash_the_reader);
    tcase_add_test(t, leap_seconds_are_refused);
    tcase_add_test(t, tz_strings_that_are_none_are_refused);
    tcase_add_test(t, zones_that_are_none_are_refused);
    tcase_add_test(t, tzdir_names_another_directory);
    tcase_add_test(t, the_zone_of_the_host_can_always_be_opened);
    suite_add_tcase(suite, t);
    return unit_main(suite);
}
