#include "common/calendar.h"

#include "common/civil.h"
#include "common/cleanup.h"
#include "common/tzfile.h"

#include <string.h>

/* Years 1 and 9999, with a margin for every offset. */
#define FIRST_SEC (INT64_C(-62135596800) + 2 * CIVIL_DAY_SEC)
#define LAST_SEC  (INT64_C(253402300799) - 2 * CIVIL_DAY_SEC)

/* No offset is larger (RFC 9636, 3.2), so an instant and its local time are never further apart. */
#define OFFSET_MAX_SEC   (26 * INT64_C(3600))

#define HOUR_SEC         INT64_C(3600)
#define FIVE_MINUTES_SEC INT64_C(300)

struct calendar {
    struct tz_zone *zone;
};

int calendar_open(const char *tz, struct calendar **ret_calendar)
{
    struct calendar *c = calloc(1, sizeof(*c));
    int r;

    if (!c)
        return -ENOMEM;
    r = tz_zone_load(tz, &c->zone);
    if (r < 0) {
        free(c);
        return r;
    }
    *ret_calendar = c;
    return 0;
}

struct calendar *calendar_close(struct calendar *c)
{
    if (c) {
        tz_zone_free(c->zone);
        free(c);
    }
    return NULL;
}

const char *calendar_zone(const struct calendar *c)
{
    return tz_zone_name(c->zone);
}

static int64_t clamp(int64_t utc_sec)
{
    return utc_sec < FIRST_SEC ? FIRST_SEC : utc_sec > LAST_SEC ? LAST_SEC : utc_sec;
}

static struct tz_period period_at(const struct calendar *c, int64_t utc_sec)
{
    struct tz_period p;

    tz_zone_period(c->zone, utc_sec, &p);
    return p;
}

/* What the clocks show at utc_sec, as if it were UTC. */
static int64_t local_of(const struct calendar *c, int64_t utc_sec)
{
    return utc_sec + period_at(c, utc_sec).type->offset_sec;
}

/*
 * The first instant at which the clocks show local_sec or anything later. It grows with local_sec, whatever the zone
 * does, and so boundaries made with it tile time.
 */
static int64_t first_instant(const struct calendar *c, int64_t local_sec)
{
    struct tz_period p = period_at(c, local_sec - OFFSET_MAX_SEC);
    int64_t utc_sec;

    while ((utc_sec = local_sec - p.type->offset_sec) >= p.end_sec)
        p = period_at(c, p.end_sec);
    return utc_sec < p.start_sec ? p.start_sec : utc_sec;
}

/* How many instants have this local time: 0 (skipped), 1 or more. */
static int count_instants(const struct calendar *c, int64_t local_sec)
{
    struct tz_period p = period_at(c, local_sec - OFFSET_MAX_SEC);
    int n = 0;

    for (;;) {
        int64_t utc_sec = local_sec - p.type->offset_sec;

        n += utc_sec >= p.start_sec && utc_sec < p.end_sec;
        if (p.end_sec > local_sec + OFFSET_MAX_SEC)
            return n;
        p = period_at(c, p.end_sec);
    }
}

/* ---- units of whole days: numbered by date, each with a first midnight ---- */

static const struct {
    int days, months; /* one of them, the length of the unit */
} spans[] = {
    [CALENDAR_DAY] = {.days = 1},       [CALENDAR_WEEK] = {.days = 7},    [CALENDAR_MONTH] = {.months = 1},
    [CALENDAR_QUARTER] = {.months = 3}, [CALENDAR_YEAR] = {.months = 12},
};

/* Thursday, 1970-01-01, is three days into its week. */
static int days_into_week(enum calendar_unit unit)
{
    return unit == CALENDAR_WEEK ? 3 : 0;
}

static int64_t number_of(enum calendar_unit unit, int64_t local_sec)
{
    int64_t days = civil_floor_div(local_sec, CIVIL_DAY_SEC), year;
    int month, day;

    if (spans[unit].days)
        return civil_floor_div(days + days_into_week(unit), spans[unit].days);
    civil_date(days, &year, &month, &day);
    return civil_floor_div(year * 12 + month - 1, spans[unit].months);
}

static int64_t boundary(const struct calendar *c, enum calendar_unit unit, int64_t number)
{
    int64_t months, days;

    if (spans[unit].days) {
        days = number * spans[unit].days - days_into_week(unit);
    } else {
        months = number * spans[unit].months;
        days = civil_days(civil_floor_div(months, 12), (int)(months - civil_floor_div(months, 12) * 12) + 1, 1);
    }
    return first_instant(c, days * CIVIL_DAY_SEC);
}

/*
 * The bucket that contains utc_sec. Its number may be higher than the date says: while the clocks repeat the end of a
 * day after its midnight has passed, the new day has begun already.
 */
static int64_t number_at(const struct calendar *c, enum calendar_unit unit, int64_t utc_sec)
{
    int64_t number = number_of(unit, local_of(c, utc_sec));

    while (boundary(c, unit, number + 1) <= utc_sec)
        number++;
    return number;
}

/* ---- hours: full hours of the clocks, cut where the offset changes ---- */

static int64_t hour_floor(const struct tz_period *p, int64_t utc_sec)
{
    int64_t local_sec = utc_sec + p->type->offset_sec;

    return civil_floor_div(local_sec, HOUR_SEC) * HOUR_SEC - p->type->offset_sec;
}

static int64_t hour_start(const struct calendar *c, int64_t utc_sec)
{
    struct tz_period p = period_at(c, utc_sec), before;
    int64_t start = hour_floor(&p, utc_sec);

    /* A period may end without a change of offset: only the abbreviation, or the table that it was read from. */
    while (start < p.start_sec) {
        before = period_at(c, p.start_sec - 1);
        if (before.type->offset_sec != p.type->offset_sec)
            return p.start_sec;
        p = before;
    }
    return start;
}

static int64_t hour_next(const struct calendar *c, int64_t utc_sec)
{
    struct tz_period p = period_at(c, utc_sec), after;
    int64_t next = hour_floor(&p, utc_sec) + HOUR_SEC;

    while (next > p.end_sec) {
        after = period_at(c, p.end_sec);
        if (after.type->offset_sec != p.type->offset_sec)
            return p.end_sec;
        p = after;
    }
    return next;
}

int64_t calendar_start(const struct calendar *c, enum calendar_unit unit, int64_t utc_sec)
{
    utc_sec = clamp(utc_sec);
    if (unit == CALENDAR_5MIN)
        return civil_floor_div(utc_sec, FIVE_MINUTES_SEC) * FIVE_MINUTES_SEC;
    if (unit == CALENDAR_HOUR)
        return hour_start(c, utc_sec);
    return boundary(c, unit, number_at(c, unit, utc_sec));
}

int64_t calendar_next(const struct calendar *c, enum calendar_unit unit, int64_t utc_sec)
{
    utc_sec = clamp(utc_sec);
    if (unit == CALENDAR_5MIN)
        return (civil_floor_div(utc_sec, FIVE_MINUTES_SEC) + 1) * FIVE_MINUTES_SEC;
    if (unit == CALENDAR_HOUR)
        return hour_next(c, utc_sec);
    return boundary(c, unit, number_at(c, unit, utc_sec) + 1);
}

/* ---- civil time ---- */

void calendar_civil(const struct calendar *c, int64_t utc_sec, struct calendar_time *ret_time)
{
    struct tz_period p = period_at(c, clamp(utc_sec));
    int64_t local_sec = clamp(utc_sec) + p.type->offset_sec, year;
    int64_t days = civil_floor_div(local_sec, CIVIL_DAY_SEC);
    int second_of_day = (int)(local_sec - days * CIVIL_DAY_SEC);
    struct calendar_time t = {
        .hour = second_of_day / 3600,
        .minute = second_of_day / 60 % 60,
        .second = second_of_day % 60,
        .weekday = (civil_weekday(days) + 6) % 7 + 1,
        .utc_offset_sec = p.type->offset_sec,
        .abbreviation = p.type->abbreviation,
    };

    civil_date(days, &year, &t.month, &t.day);
    t.year = (int)year;
    *ret_time = t;
}

static bool within(int value, int first, int last)
{
    return value >= first && value <= last;
}

int calendar_instant(const struct calendar *c, int year, int month, int day, int hour, int minute, int second,
                     int64_t *ret_utc_sec)
{
    int64_t local_sec;

    if (!within(year, 1, 9999))
        return -ERANGE;
    if (!within(month, 1, 12) || !within(day, 1, civil_days_in_month(year, month)) || !within(hour, 0, 23) ||
        !within(minute, 0, 59) || !within(second, 0, 59))
        return -EINVAL;
    local_sec = civil_days(year, month, day) * CIVIL_DAY_SEC + hour * HOUR_SEC + minute * 60 + second;
    *ret_utc_sec = first_instant(c, clamp(local_sec));
    return 0;
}

int calendar_days_in_month(int year, int month)
{
    return within(month, 1, 12) ? civil_days_in_month(year, month) : 0;
}

/* ---- labels ---- */

static int label_day(char *buf, const struct calendar_time *t)
{
    return snprintf(buf, CALENDAR_LABEL_MAX, "%04d-%02d-%02d", t->year, t->month, t->day);
}

static int label_minute(char *buf, const struct calendar_time *t)
{
    return snprintf(buf, CALENDAR_LABEL_MAX, "%04d-%02d-%02d %02d:%02d", t->year, t->month, t->day, t->hour, t->minute);
}

/* ISO 8601: a week belongs to the year of its Thursday. */
static int label_week(char *buf, const struct calendar_time *t)
{
    int64_t thursday = civil_days(t->year, t->month, t->day) + 4 - t->weekday, year;
    int month, day;

    civil_date(thursday, &year, &month, &day);
    return snprintf(buf, CALENDAR_LABEL_MAX, "%04d-W%02d", (int)year, (int)(thursday - civil_days(year, 1, 1)) / 7 + 1);
}

static int label_month(char *buf, const struct calendar_time *t)
{
    return snprintf(buf, CALENDAR_LABEL_MAX, "%04d-%02d", t->year, t->month);
}

static int label_quarter(char *buf, const struct calendar_time *t)
{
    return snprintf(buf, CALENDAR_LABEL_MAX, "%04d-Q%d", t->year, (t->month - 1) / 3 + 1);
}

static int label_year(char *buf, const struct calendar_time *t)
{
    return snprintf(buf, CALENDAR_LABEL_MAX, "%04d", t->year);
}

static int (*const labels[])(char *buf, const struct calendar_time *t) = {
    [CALENDAR_5MIN] = label_minute, [CALENDAR_HOUR] = label_minute, [CALENDAR_DAY] = label_day,
    [CALENDAR_WEEK] = label_week,   [CALENDAR_MONTH] = label_month, [CALENDAR_QUARTER] = label_quarter,
    [CALENDAR_YEAR] = label_year,
};

char *calendar_format(const struct calendar *c, enum calendar_unit unit, int64_t utc_sec,
                      char buf[static CALENDAR_LABEL_MAX])
{
    int64_t start = calendar_start(c, unit, utc_sec);
    struct calendar_time t;
    int n, minutes;

    calendar_civil(c, start, &t);
    n = labels[unit](buf, &t);
    if (unit <= CALENDAR_HOUR && count_instants(c, start + t.utc_offset_sec) > 1) {
        minutes = abs(t.utc_offset_sec) / 60;
        snprintf(buf + n, CALENDAR_LABEL_MAX - (size_t)n, " %c%02d:%02d", t.utc_offset_sec < 0 ? '-' : '+',
                 minutes / 60, minutes % 60);
    }
    return buf;
}
