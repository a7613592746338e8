/*
 * Time as a site's people count it: civil time in a named zone, and the buckets of reports and roll-ups. Exact across
 * daylight saving time, doubled and skipped midnights and skipped days. Pure after calendar_open(): reads no clock and
 * no environment; a calendar does not change and may be shared by threads.
 *
 * Instants are UTC seconds since 1970. Those outside of the years 1 to 9999 are taken as the nearest one inside, so
 * that 0 and INT64_MAX may stand for "ever".
 *
 * The boundary of a day, week, month, quarter or year is the first instant at which the clocks show its first midnight
 * or anything later. Hence: where midnight is skipped the day starts with the first time that exists; where it occurs
 * twice the day starts with the first of the two, and what the clocks then repeat of the day before belongs to the new
 * day; a day that a zone leaves out (Pacific/Apia, 2011-12-30) has no bucket. Hours start at the full hours of the zone
 * (30- and 45-minute zones too) and at each change of its offset, so a doubled hour makes two buckets, and none is
 * longer than 3600 s. Five minutes are multiples of 300 s and fit into hours where changes and offsets are multiples of
 * five minutes, which holds for all zones today.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct calendar;

enum calendar_unit {
    CALENDAR_5MIN,
    CALENDAR_HOUR,
    CALENDAR_DAY,
    CALENDAR_WEEK, /* ISO 8601: starts on Monday */
    CALENDAR_MONTH,
    CALENDAR_QUARTER,
    CALENDAR_YEAR,
};

struct calendar_time {
    int year, month, day, hour, minute, second; /* month and day count from 1; second is 0 to 59 */
    int weekday;                                /* ISO 8601: 1 Monday to 7 Sunday */
    int utc_offset_sec;                         /* local minus UTC: east is positive */
    const char *abbreviation;                   /* "AWST"; lives as long as the calendar */
};

/*
 * tz is "local" (the host's zone), "UTC", a name of tzdata such as "Australia/Perth", a path of a TZif file or a POSIX
 * TZ string. Errors as tz_zone_load(): -ENOENT no such zone (or tzdata is not installed), -EINVAL not a name, -EBADMSG
 * not a zone file, -ENOTSUP leap seconds.
 */
int calendar_open(const char *tz, struct calendar **ret_calendar);
struct calendar *calendar_close(struct calendar *c); /* NULL is a no-op; returns NULL */

/* The zone's name; for "local" what the host calls it. Owned by the calendar. */
const char *calendar_zone(const struct calendar *c);

/* Start of the bucket that contains utc_sec: the last boundary that is not after it. */
int64_t calendar_start(const struct calendar *c, enum calendar_unit unit, int64_t utc_sec);

/* Start of the bucket after the one that contains utc_sec: always later than utc_sec. */
int64_t calendar_next(const struct calendar *c, enum calendar_unit unit, int64_t utc_sec);

void calendar_civil(const struct calendar *c, int64_t utc_sec, struct calendar_time *ret_time);

/*
 * The instant at which the clocks show this local time: the first of two where it occurs twice; where it is skipped,
 * the first instant after the gap. -EINVAL: no such date or time of day (30 February, 24:00, a leap second), -ERANGE:
 * year not 1 to 9999.
 */
int calendar_instant(const struct calendar *c, int year, int month, int day, int hour, int minute, int second,
                     int64_t *ret_utc_sec);

/* 28 to 31; 0 if month is not 1 to 12. */
int calendar_days_in_month(int year, int month);

#define CALENDAR_LABEL_MAX 48

/*
 * The name of the bucket that contains utc_sec, written to buf, which is returned: "2026-11-21 14:00" (5 minutes,
 * hour), "2026-11-21", "2026-W47", "2026-11", "2026-Q4", "2026". Where the clocks show an hour twice its buckets carry
 * their offset, "2026-11-01 01:00 -04:00", so that no two buckets of a unit have the same name. Sorts as text in order
 * of time as long as offsets are not shown.
 */
char *calendar_format(const struct calendar *c, enum calendar_unit unit, int64_t utc_sec,
                      char buf[static CALENDAR_LABEL_MAX]);
