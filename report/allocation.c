#include "report/allocation.h"

#include "common/cleanup.h"

struct period allocation_period(const struct calendar *cal, enum store_period unit, int billing_day, int64_t at_sec)
{
    struct store_bucket p = store_allocation_period(cal, unit, billing_day, at_sec);

    return (struct period){p.start_sec, p.end_sec};
}

char *allocation_label(const struct calendar *cal, enum store_period unit, struct period period,
                       char buf[static ALLOCATION_LABEL_MAX])
{
    static const enum calendar_unit units[] = {
        [STORE_PERIOD_MONTH] = CALENDAR_MONTH,
        [STORE_PERIOD_QUARTER] = CALENDAR_QUARTER,
        [STORE_PERIOD_YEAR] = CALENDAR_YEAR,
    };
    char first[CALENDAR_LABEL_MAX], last[CALENDAR_LABEL_MAX];

    if (calendar_start(cal, units[unit], period.since_sec) == period.since_sec) {
        snprintf(buf, ALLOCATION_LABEL_MAX, "%s", calendar_format(cal, units[unit], period.since_sec, first));
        return buf;
    }
    calendar_format(cal, CALENDAR_DAY, period.since_sec, first);
    calendar_format(cal, CALENDAR_DAY, period.until_sec - 1, last);
    snprintf(buf, ALLOCATION_LABEL_MAX, "%.24s to %.24s", first, last);
    return buf;
}

/* ---- forecast ---- */

/* used, and then left_sec at so many bytes in rate_sec. Transfers can make the bytes of a time negative: that is no
 * rate. */
static int64_t go_on(int64_t used_bytes, int64_t bytes, int64_t rate_sec, int64_t left_sec)
{
    __int128 more = bytes > 0 ? (__int128)bytes * left_sec / rate_sec : 0, sum = used_bytes + more;

    return sum > INT64_MAX ? INT64_MAX : (int64_t)sum;
}

struct forecast allocation_forecast(const struct forecast_facts *f)
{
    int64_t from = f->now_sec > f->period.since_sec ? f->now_sec : f->period.since_sec,
            left = f->period.until_sec - from;
    bool counted_first = f->counted_since_sec <= f->period.since_sec;
    int64_t begin = counted_first ? f->period.since_sec : f->counted_since_sec;

    if (left <= 0)
        return (struct forecast){FORECAST_OVER, f->used_bytes};
    if (f->counted_since_sec == 0)
        return (struct forecast){FORECAST_NONE, 0};
    if (f->counted_since_sec <=
        f->now_sec - FORECAST_RECENT_SEC) /* a database may hold any number: no difference of it */
        return (struct forecast){FORECAST_RECENT, go_on(f->used_bytes, f->recent_bytes, f->recent_sec, left)};
    if (f->now_sec <= begin)
        return (struct forecast){FORECAST_NONE, 0};
    return (struct forecast){counted_first ? FORECAST_PERIOD : FORECAST_COUNTED,
                             go_on(f->used_bytes, f->used_bytes, f->now_sec - begin, left)};
}

const char *forecast_basis_text(enum forecast_basis basis)
{
    static const char *const texts[] = {
        [FORECAST_NONE] = "nothing counted yet",
        [FORECAST_OVER] = "the period is over",
        [FORECAST_RECENT] = "at the rate of the last 7 days",
        [FORECAST_COUNTED] = "linear since counting began",
        [FORECAST_PERIOD] = "linear since the period began",
    };

    return texts[basis];
}

/* ---- what is left ---- */

bool allocation_is_exceeded(int64_t used_bytes, int64_t limit_bytes)
{
    return used_bytes > limit_bytes;
}

const char *allocation_state(int64_t used_bytes, int64_t limit_bytes, const struct forecast *forecast)
{
    if (allocation_is_exceeded(used_bytes, limit_bytes))
        return "exceeded";
    return forecast->basis != FORECAST_NONE && forecast->bytes > limit_bytes ? "forecast to exceed" : "ok";
}
