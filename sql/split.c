#include "sql/split.h"

#include <errno.h>
#include <stdlib.h>

#define LAST_SEC                                                                                                       \
    (INT64_C(253402300799) - 40 * 86400) /* calendars end with the year 9999; leave room for the next month */
#define LONGEST_SEC         (INT64_C(100) * 366 * 86400)
#define STEP_TOLERANCE_MS   2000
#define STEP_TOLERANCE_PART 1000

static int64_t clamp(int64_t value, int64_t most)
{
    return value < 0 ? 0 : value > most ? most : value;
}

struct split_span split_span(const struct store_interval *i)
{
    int64_t start = clamp(i->start_sec, LAST_SEC), end = clamp(i->end_sec, LAST_SEC);
    int64_t duration = clamp(i->duration_ms, LONGEST_SEC * 1000);
    int64_t ahead = (end - start) * 1000 - duration;
    int64_t tolerance = STEP_TOLERANCE_MS + duration / STEP_TOLERANCE_PART;
    bool stepped = duration ? ahead > tolerance || -ahead > tolerance : end < start;

    if (stepped)
        start = clamp(end - (duration + 999) / 1000, end);
    if (start > end)
        start = end;
    if (end - start > LONGEST_SEC)
        start = end - LONGEST_SEC;
    return (struct split_span){
        .start_sec = start, .end_sec = end, .stepped = stepped, .forward_sec = stepped ? ahead / 1000 : 0};
}

static enum calendar_unit unit_for(int64_t seconds)
{
    static const struct {
        int64_t up_to_sec;
        enum calendar_unit unit;
    } rows[] = {
        {3600, CALENDAR_5MIN}, {2 * 86400, CALENDAR_HOUR}, {400 * 86400, CALENDAR_DAY}, {INT64_MAX, CALENDAR_MONTH}};
    size_t i = 0;

    while (seconds > rows[i].up_to_sec)
        i++;
    return rows[i].unit;
}

static size_t cut(const struct calendar *c, const struct split_span *span, enum calendar_unit unit,
                  struct store_bucket *parts)
{
    size_t n = 0;
    int64_t t = span->start_sec;

    do {
        int64_t next = calendar_next(c, unit, t);
        if (next > span->end_sec)
            next = span->end_sec;
        if (parts)
            parts[n] = (struct store_bucket){t, next};
        n++;
        t = next;
    } while (t < span->end_sec);
    return n;
}

int split_parts(const struct calendar *c, const struct split_span *span, struct store_bucket **ret_parts, size_t *ret_n)
{
    enum calendar_unit unit = unit_for(span->end_sec - span->start_sec);
    size_t n = span->end_sec - span->start_sec > SPLIT_LONGEST_WHOLE_SEC ? cut(c, span, unit, NULL) : 1;
    struct store_bucket *parts = calloc(n, sizeof(*parts));

    if (!parts)
        return -ENOMEM;
    if (n > 1)
        cut(c, span, unit, parts);
    else
        parts[0] = (struct store_bucket){span->start_sec, span->end_sec};
    *ret_parts = parts;
    *ret_n = n;
    return 0;
}

int64_t split_share(int64_t total, int64_t from_sec, int64_t to_sec, int64_t whole_sec)
{
    if (whole_sec <= 0)
        return total;
    return (int64_t)((__int128)total * to_sec / whole_sec) - (int64_t)((__int128)total * from_sec / whole_sec);
}

struct store_counters split_counters(const struct store_counters *total, int64_t from_sec, int64_t to_sec,
                                     int64_t whole_sec)
{
    return (struct store_counters){
        .tx_bytes = split_share(total->tx_bytes, from_sec, to_sec, whole_sec),
        .rx_bytes = split_share(total->rx_bytes, from_sec, to_sec, whole_sec),
        .tx_packets = split_share(total->tx_packets, from_sec, to_sec, whole_sec),
        .rx_packets = split_share(total->rx_packets, from_sec, to_sec, whole_sec),
        .tx_payload_bytes = split_share(total->tx_payload_bytes, from_sec, to_sec, whole_sec),
        .rx_payload_bytes = split_share(total->rx_payload_bytes, from_sec, to_sec, whole_sec),
    };
}
