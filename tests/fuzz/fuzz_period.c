/*
 * Times, sizes and durations as people write them, at any moment, in several zones: an answer that is a time, or one line
 * that says why not.
 */
#include "common/units.h"
#include "report/period.h"
#include "tests/fuzz/fuzz.h"

#define YEAR_10000 INT64_C(253402300800)

static struct calendar *calendars[4];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char *const zones[] = {"UTC", "Australia/Perth", "America/Sao_Paulo", "<+0545>-5:45"};

    for (size_t i = 0; i < array_length(zones); i++)
        if (calendar_open(zones[i], &calendars[i]) < 0)
            abort();
    return 0;
}

static void try_sizes(const char *text)
{
    char shown[UNITS_TEXT_MAX];
    int64_t value = -1;

    if (units_parse_size(text, &value) == 0) {
        assert(value >= 0);
        for (int style = UNITS_AUTO; style <= UNITS_BYTES; style++) {
            assert(strlen(units_format_bytes(shown, value, (enum units_style)style)) < UNITS_TEXT_MAX);
            assert(strlen(units_format_bytes(shown, -value, (enum units_style)style)) < UNITS_TEXT_MAX);
        }
        units_format_bytes(shown, value, UNITS_BYTES);
        assert(strtoll(shown, NULL, 10) == value);
    } else {
        assert(value == -1);
    }
    value = -1;
    assert(units_parse_duration(text, &value) == 0 ? value >= 0 : value == -1);
}

/* Labels of buckets are what --since takes again. */
static void try_labels(const struct calendar *cal, int64_t now_sec, int64_t at_sec)
{
    static const enum calendar_unit units[] = {CALENDAR_DAY, CALENDAR_WEEK, CALENDAR_MONTH, CALENDAR_QUARTER,
                                               CALENDAR_YEAR};

    for (size_t i = 0; i < array_length(units); i++) {
        cleanup_free char *why = NULL;
        char label[CALENDAR_LABEL_MAX];
        struct period p;
        calendar_format(cal, units[i], at_sec, label);
        int r = period_parse_time(cal, now_sec, label, &p, &why);
        if (r == 0)
            assert(p.since_sec == calendar_start(cal, units[i], at_sec) &&
                   p.until_sec == calendar_next(cal, units[i], at_sec));
        else
            require_reason(why);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    const struct calendar *cal = calendars[take_number(&in, 1) % array_length(calendars)];
    int64_t now_sec = (int64_t)(take_number(&in, 5) % YEAR_10000);
    cleanup_free char *since = take_text(&in), *until = take_text(&in), *why = NULL, *why_time = NULL;
    struct period p = {};

    int r = period_parse(cal, now_sec, *since ? since : NULL, *until ? until : NULL, &p, &why);
    if (r == 0)
        assert(!why && p.since_sec < p.until_sec);
    else
        require_reason(why);
    r = period_parse_time(cal, now_sec, since, &p, &why_time);
    if (r == 0) {
        assert(!why_time && p.since_sec <= p.until_sec);
        try_labels(cal, now_sec, p.since_sec);
    } else {
        require_reason(why_time);
    }
    try_sizes(since);
    return 0;
}
