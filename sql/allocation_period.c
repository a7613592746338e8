/* The arithmetic of allocations that whoever reports them and whoever acts on them share: they must agree to the byte. */
#include "common/calendar.h"
#include "common/capped.h"
#include "sql/store_ask.h"

enum { MONTHS = 12 };

static int months_of(enum store_period unit)
{
    return unit == STORE_PERIOD_YEAR ? MONTHS : unit == STORE_PERIOD_QUARTER ? 3 : 1;
}

/* The start of the period whose first month is so many months after January of the year 0. */
static int64_t start_of(const struct calendar *cal, int64_t month, int billing_day)
{
    int64_t ret = 0;

    /* Cannot fail: the day exists in each month, and the years are those of a calendar. */
    (void)calendar_instant(cal, (int)(month / MONTHS), (int)(month % MONTHS) + 1, billing_day, 0, 0, 0, &ret);
    return ret;
}

struct store_bucket store_allocation_period(const struct calendar *cal, enum store_period unit, int billing_day,
                                            int64_t at_sec)
{
    int step = months_of(unit);
    struct calendar_time t;
    int64_t month;

    calendar_civil(cal, at_sec, &t);
    month = (int64_t)t.year * MONTHS + t.month - 1;
    month -= month % step;
    if (start_of(cal, month, billing_day) > at_sec)
        month -= step;
    /* Where midnight occurs twice the clocks show the last hour of the old period after the new one has begun. */
    else if (start_of(cal, month + step, billing_day) <= at_sec)
        month += step;
    return (struct store_bucket){start_of(cal, month, billing_day), start_of(cal, month + step, billing_day)};
}

int64_t store_allocation_counts(enum store_direction direction, const struct store_counters *n)
{
    int64_t tx = direction == STORE_DIRECTION_RX ? 0 : n->tx_bytes;

    return direction == STORE_DIRECTION_TX ? tx : add_capped(tx, n->rx_bytes);
}

int64_t store_allocation_hundredths(int64_t used_bytes, int64_t limit_bytes)
{
    if (limit_bytes <= 0)
        return -1;
    return used_bytes <= 0 ? 0 : share_capped(used_bytes, limit_bytes);
}
