/* The arithmetic of allocations, with whatever numbers a database may hold: periods that contain their moment, no overflow. */
#include "report/allocation.h"
#include "tests/fuzz/fuzz.h"

static struct calendar *calendars[3];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char *const zones[] = {"UTC", "Australia/Perth", "America/Sao_Paulo"};

    for (size_t i = 0; i < array_length(zones); i++)
        if (calendar_open(zones[i], &calendars[i]) < 0)
            abort();
    return 0;
}

static int64_t take_signed(struct input *in)
{
    return (int64_t)take_number(in, 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    const struct calendar *cal = calendars[take_number(&in, 1) % array_length(calendars)];
    enum store_period unit = (enum store_period)(take_number(&in, 1) % (STORE_PERIOD_YEAR + 1));
    int billing_day = (int)(take_number(&in, 1) % 28) + 1;
    int64_t at_sec = (int64_t)(take_number(&in, 5) % UINT64_C(250000000000));
    struct forecast_facts facts = {.period = allocation_period(cal, unit, billing_day, at_sec), .now_sec = at_sec};
    char label[ALLOCATION_LABEL_MAX];

    assert(facts.period.since_sec <= at_sec && at_sec < facts.period.until_sec);
    assert(strlen(allocation_label(cal, unit, facts.period, label)) < sizeof(label));
    facts.counted_since_sec = take_signed(&in);
    facts.used_bytes = take_signed(&in);
    facts.recent_bytes = take_signed(&in);
    facts.recent_sec = FORECAST_RECENT_SEC + (int64_t)take_number(&in, 6);
    struct forecast f = allocation_forecast(&facts);
    int64_t limit_bytes = take_signed(&in) & INT64_MAX,
            hundredths = store_allocation_hundredths(facts.used_bytes, limit_bytes);
    assert(hundredths >= -1);
    assert(allocation_state(facts.used_bytes, limit_bytes, &f) && forecast_basis_text(f.basis));
    assert(allocation_is_exceeded(facts.used_bytes, limit_bytes) == (facts.used_bytes > limit_bytes));
    return 0;
}
