#include "tests/support/unit.h"
#include "tests/support/zone.h"

#include <time.h>

#define DAY       INT64_C(86400)
#define YEAR_1990 INT64_C(631152000)
#define YEAR_2061 INT64_C(2871763200)

/* Zones that do what others do not: fractions of hours, half-hour daylight saving, midnight changes, skipped days,
 * negative saving. */
static const char *const zones[] = {
    "UTC",
    "Australia/Perth",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "Australia/Eucla",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Beirut",
    "Asia/Pyongyang",
    "America/New_York",
    "America/Havana",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kwajalein",
    "Europe/Dublin",
    "Europe/Moscow",
    "Africa/Casablanca",
    "Africa/Cairo",
};

enum { N_ZONES = sizeof(zones) / sizeof(zones[0]) };

/* Check tells its parent of every ck_assert, which costs more than what is asserted here a million times. */
#define require(condition, ...)                                                                                        \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            ck_abort_msg(__VA_ARGS__);                                                                                 \
    } while (0)

/* ---- the C library as truth ---- */

static void libc_zone(const char *tz)
{
    setenv("TZ", tz, 1);
    tzset();
}

static void assert_agrees(const struct calendar *c, const char *tz, int64_t utc_sec)
{
    time_t t = utc_sec;
    struct calendar_time got;
    struct tm want;

    localtime_r(&t, &want);
    calendar_civil(c, utc_sec, &got);
    require(got.year == want.tm_year + 1900 && got.month == want.tm_mon + 1 && got.day == want.tm_mday &&
                got.hour == want.tm_hour && got.minute == want.tm_min && got.second == want.tm_sec &&
                got.weekday % 7 == want.tm_wday && got.utc_offset_sec == want.tm_gmtoff &&
                strcmp(got.abbreviation, want.tm_zone) == 0,
            "%s at %lld: %d-%02d-%02d %02d:%02d:%02d %s, libc says %s", tz, (long long)utc_sec, got.year, got.month,
            got.day, got.hour, got.minute, got.second, got.abbreviation, want.tm_zone);
}

/* A generator of its own: the same instants on every run and every libc. */
static int64_t random_instant(uint64_t *state, int64_t first, int64_t last)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return first + (int64_t)((*state >> 20) % (uint64_t)(last - first));
}

START_TEST(civil_time_agrees_with_the_c_library)
{
    cleanup_calendar struct calendar *c = open_zone(zones[_i]);
    uint64_t state = 42;

    libc_zone(zones[_i]);
    for (int i = 0; i < 3000; i++)
        assert_agrees(c, zones[_i], random_instant(&state, YEAR_1990, YEAR_2061));
    for (int i = 0; i < 300; i++)
        assert_agrees(c, zones[_i], random_instant(&state, YEAR_2061, INT64_C(60000000000)));
    for (int64_t t = YEAR_1990; t < YEAR_2061; t = calendar_next(c, CALENDAR_MONTH, t))
        for (int64_t s = t - 1; s <= t + 1; s++)
            assert_agrees(c, zones[_i], s);
}
END_TEST

START_TEST(posix_rules_agree_with_the_c_library)
{
    static const char *const rules[] = {
        "AWST-8",
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "<+0545>-5:45",
        "EST5EDT",
        "NZST-12NZDT,M9.5.0,M4.1.0/3",
        "IST-1GMT0,M10.5.0,M3.5.0/1",
        "XXX3EDT4,0/0,J365/23",
        "AAA2BBB,J60/0,300/25",
        "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
    };
    uint64_t state = 7;

    for (size_t i = 0; i < array_length(rules); i++) {
        cleanup_calendar struct calendar *c = open_zone(rules[i]);

        libc_zone(rules[i]);
        for (int n = 0; n < 2000; n++)
            assert_agrees(c, rules[i], random_instant(&state, YEAR_1990, YEAR_2061));
    }
}
END_TEST

/*
 * Days found without any knowledge of offsets: step through time by the minute and let a new day begin when the clocks
 * show a date that they never showed before.
 */
START_TEST(days_begin_where_the_c_library_first_shows_their_date)
{
    static const struct {
        const char *tz;
        int year;
    } samples[] = {
        {"America/Havana", 2026},      {"Asia/Beirut", 2022},       {"Pacific/Apia", 2011},
        {"America/St_Johns", 2006},    {"America/Sao_Paulo", 2018}, {"Asia/Pyongyang", 2018},
        {"Australia/Lord_Howe", 2026},
    };
    cleanup_calendar struct calendar *c = open_zone(samples[_i].tz);
    int64_t t = instant(c, samples[_i].year, 1, 2, 0, 0), until = t + 363 * DAY, start = t;
    int newest = 0;

    libc_zone(samples[_i].tz);
    for (; t < until; t += 60) {
        time_t now = t;
        struct tm tm;
        int date;

        localtime_r(&now, &tm);
        date = tm.tm_year * 10000 + tm.tm_mon * 100 + tm.tm_mday;
        if (date > newest) {
            newest = date;
            start = t;
        }
        require(calendar_start(c, CALENDAR_DAY, t) == start, "%s at %lld", samples[_i].tz, (long long)t);
        require(calendar_next(c, CALENDAR_DAY, t) > t, "%s", samples[_i].tz);
    }
}
END_TEST

/* ---- invariants of every zone and unit ---- */

START_TEST(every_instant_lies_in_its_bucket)
{
    cleanup_calendar struct calendar *c = open_zone(zones[_i]);
    uint64_t state = 1;

    for (int i = 0; i < 500; i++) {
        int64_t t = random_instant(&state, YEAR_1990, YEAR_2061);

        for (enum calendar_unit unit = CALENDAR_5MIN; unit <= CALENDAR_YEAR; unit++) {
            int64_t start = calendar_start(c, unit, t), next = calendar_next(c, unit, t);

            require(start <= t, "%s", zones[_i]);
            require(t < next, "%s", zones[_i]);
            require(calendar_start(c, unit, next) == next, "%s", zones[_i]);
            require(calendar_start(c, unit, next - 1) == start, "%s", zones[_i]);
            require(calendar_next(c, unit, start) == next, "%s", zones[_i]);
        }
    }
}
END_TEST

START_TEST(buckets_tile_time_and_have_names_of_their_own)
{
    cleanup_calendar struct calendar *c = open_zone(zones[_i]);

    for (enum calendar_unit unit = CALENDAR_HOUR; unit <= CALENDAR_YEAR; unit++) {
        char last[CALENDAR_LABEL_MAX] = "", label[CALENDAR_LABEL_MAX];
        int64_t t = instant(c, 2009, 1, 1, 0, 0), until = instant(c, unit == CALENDAR_HOUR ? 2013 : 2040, 1, 1, 0, 0);

        t = calendar_start(c, unit, t);
        while (t < until) {
            int64_t next = calendar_next(c, unit, t);

            require(calendar_start(c, unit, t) == t, "%s", zones[_i]);
            require(calendar_start(c, unit, next - 1) == t, "%s", zones[_i]);
            require(unit > CALENDAR_HOUR || next - t <= 3600, "%s: hour of %lld s", zones[_i], (long long)(next - t));
            calendar_format(c, unit, t, label);
            require(strcmp(label, last) != 0, "%s: %s twice", zones[_i], label);
            require(unit == CALENDAR_HOUR || strcmp(label, last) > 0, "%s: %s after %s", zones[_i], label, last);
            strcpy(last, label);
            t = next;
        }
    }
}
END_TEST

START_TEST(finer_buckets_end_where_coarser_ones_do)
{
    static const enum calendar_unit into[][2] = {{CALENDAR_HOUR, CALENDAR_DAY},
                                                 {CALENDAR_DAY, CALENDAR_WEEK},
                                                 {CALENDAR_DAY, CALENDAR_MONTH},
                                                 {CALENDAR_MONTH, CALENDAR_QUARTER},
                                                 {CALENDAR_QUARTER, CALENDAR_YEAR}};
    cleanup_calendar struct calendar *c = open_zone(zones[_i]);

    for (size_t i = 0; i < array_length(into); i++)
        for (int64_t t = YEAR_1990; t < YEAR_2061; t = calendar_next(c, into[i][1], t)) {
            int64_t start = calendar_start(c, into[i][1], t);

            require(calendar_start(c, into[i][0], start) == start, "%s", zones[_i]);
        }
    for (int64_t t = instant(c, 2012, 1, 1, 0, 0); t < instant(c, 2030, 1, 1, 0, 0);
         t = calendar_next(c, CALENDAR_HOUR, t))
        require(calendar_start(c, CALENDAR_5MIN, t) == calendar_start(c, CALENDAR_HOUR, t), "%s", zones[_i]);
}
END_TEST

START_TEST(a_local_time_that_exists_is_found_at_its_first_instant)
{
    cleanup_calendar struct calendar *c = open_zone(zones[_i]);
    uint64_t state = 99;

    for (int i = 0; i < 3000; i++) {
        int64_t t = random_instant(&state, YEAR_1990, YEAR_2061), got;
        struct calendar_time want, shown;

        calendar_civil(c, t, &want);
        require(calendar_instant(c, want.year, want.month, want.day, want.hour, want.minute, want.second, &got) == 0,
                "%s", zones[_i]);
        calendar_civil(c, got, &shown);
        require(got <= t, "%s", zones[_i]);
        require(got + shown.utc_offset_sec == t + want.utc_offset_sec, "%s", zones[_i]);
    }
}
END_TEST

START_TEST(iso_weeks_agree_with_the_c_library)
{
    cleanup_calendar struct calendar *c = open_zone("UTC");

    libc_zone("UTC");
    for (int64_t t = YEAR_1990; t < YEAR_2061; t += DAY) {
        time_t now = t;
        struct tm tm;
        char want[CALENDAR_LABEL_MAX], got[CALENDAR_LABEL_MAX];

        gmtime_r(&now, &tm);
        strftime(want, sizeof(want), "%G-W%V", &tm);
        calendar_format(c, CALENDAR_WEEK, t, got);
        require(strcmp(got, want) == 0, "%s is not %s", got, want);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("calendar_zones");
    TCase *t = tcase_create("calendar_zones");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, civil_time_agrees_with_the_c_library, 0, N_ZONES);
    tcase_add_test(t, posix_rules_agree_with_the_c_library);
    tcase_add_loop_test(t, days_begin_where_the_c_library_first_shows_their_date, 0, 7);
    tcase_add_loop_test(t, every_instant_lies_in_its_bucket, 0, N_ZONES);
    tcase_add_loop_test(t, buckets_tile_time_and_have_names_of_their_own, 0, N_ZONES);
    tcase_add_loop_test(t, finer_buckets_end_where_coarser_ones_do, 0, N_ZONES);
    tcase_add_loop_test(t, a_local_time_that_exists_is_found_at_its_first_instant, 0, N_ZONES);
    tcase_add_test(t, iso_weeks_agree_with_the_c_library);
    suite_add_tcase(suite, t);
    return unit_main(suite);
}
