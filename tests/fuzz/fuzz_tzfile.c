/* Any bytes as a TZif file: refused, or a zone that answers for every instant with a period that holds it. */
#include "common/calendar.h"
#include "common/tzfile.h"
#include "tests/fuzz/fuzz.h"

#define YEAR_1     INT64_C(-62135596800)
#define YEAR_10000 INT64_C(253402300800)

static void ask(const struct tz_zone *zone, int64_t at_sec)
{
    struct tz_period period;

    tz_zone_period(zone, at_sec, &period);
    assert(period.start_sec <= at_sec && at_sec < period.end_sec && period.type);
    assert(strlen(period.type->abbreviation) <= TZ_ABBREVIATION_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    int64_t asked[4];
    struct tz_zone *zone = NULL;

    for (size_t i = 0; i < array_length(asked); i++)
        asked[i] = (int64_t)(take_number(&in, 5) % (uint64_t)(YEAR_10000 - YEAR_1)) + YEAR_1;
    if (tz_zone_parse("fuzz", in.data, in.size, &zone) < 0) {
        assert(!zone);
        return 0;
    }
    ask(zone, YEAR_1);
    ask(zone, 0);
    ask(zone, YEAR_10000 - 1);
    for (size_t i = 0; i < array_length(asked); i++)
        ask(zone, asked[i]);
    tz_zone_free(zone);
    return 0;
}
