/*
 * The buckets of the coarser levels, on the site's calendar. The table of buckets is what counts, not the calendar:
 * it stays a tiling of time, level within level, when the time zone changes in the middle of a day or the clock
 * steps.
 */
#include <errno.h>
#include <string.h>

#include "sql/store_internal.h"

static const enum calendar_unit units[STORE_LEVELS] = {[STORE_5MIN] = CALENDAR_5MIN,
                                                       [STORE_HOUR] = CALENDAR_HOUR,
                                                       [STORE_DAY] = CALENDAR_DAY,
                                                       [STORE_MONTH] = CALENDAR_MONTH};

static bool holds(const struct store_bucket *b, int64_t at_sec)
{
    return b->start_sec <= at_sec && at_sec < b->end_sec;
}

/* The last bucket that begins at at_sec or before: 1, or 0 if there is none. */
static int find_last(struct store *s, int level, int64_t at_sec, struct store_bucket *ret)
{
    enum statement_id id = STATEMENT_BUCKET_AT;
    int r = statement_bind(s, id, BINDS(BIND_INT(level), BIND_INT(at_sec)));

    if (r == 0 && (r = statement_step(s, id)) > 0)
        *ret = (struct store_bucket){statement_int(s, id, 0), statement_int(s, id, 1)};
    statement_reset(s, id);
    return r;
}

static int create(struct store *s, int level, int64_t at_sec, const struct store_bucket *free, struct store_bucket *ret)
{
    int64_t start = calendar_start(s->calendar, units[level], at_sec);
    int64_t end = calendar_next(s->calendar, units[level], at_sec);
    struct store_bucket b = {start > free->start_sec ? start : free->start_sec,
                             end < free->end_sec ? end : free->end_sec};
    char label[CALENDAR_LABEL_MAX];

    calendar_format(s->calendar, units[level], at_sec, label);
    *ret = b;
    return statement_run(s, STATEMENT_BUCKET_INSERT,
                         BINDS(BIND_INT(level), BIND_INT(b.start_sec), BIND_INT(b.end_sec), BIND_TEXT(label)));
}

static int find_or_create(struct store *s, int level, int64_t at_sec, const struct store_bucket *coarser,
                          struct store_bucket *ret)
{
    struct store_bucket last, free = *coarser;
    int64_t next;
    int r = find_last(s, level, at_sec, &last);

    if (r < 0)
        return r;
    if (r > 0 && holds(&last, at_sec)) {
        *ret = last;
        return 0;
    }
    if (r > 0 && last.end_sec > free.start_sec)
        free.start_sec = last.end_sec;
    r = statement_get_int(s, STATEMENT_BUCKET_AFTER, BINDS(BIND_INT(level), BIND_INT(at_sec)), &next);
    if (r > 0 && next < free.end_sec)
        free.end_sec = next;
    return r < 0 ? r : create(s, level, at_sec, &free, ret);
}

int buckets_find(struct store *s, int64_t at_sec, struct buckets *ret)
{
    struct store_bucket coarser = {INT64_MIN, INT64_MAX};
    int r = 0;

    for (int level = STORE_MONTH; level >= STORE_5MIN && r == 0; level--) {
        if (!holds(&s->buckets.at[level], at_sec))
            r = find_or_create(s, level, at_sec, &coarser, &s->buckets.at[level]);
        coarser = s->buckets.at[level];
    }
    if (r < 0)
        buckets_forget(s);
    else
        *ret = s->buckets;
    return r;
}

void buckets_forget(struct store *s)
{
    s->buckets = (struct buckets){0};
}

void buckets_rolled_back(struct store *s)
{
    buckets_forget(s);
    s->calendar = calendar_close(s->calendar);
}

static int open_calendar(struct store *s, const char *zone, struct calendar **ret)
{
    int r = calendar_open(zone, ret);

    return r < 0 ? store_fail(s, r, "time zone '%s' cannot be used: %s; install tzdata, or name another one", zone,
                              strerror(-r))
                 : 0;
}

/* The name of the zone of the newest policy, NULL if there was none yet. */
static int read_zone(struct store *s, char **ret_name)
{
    enum statement_id id = STATEMENT_ZONE_LATEST;
    int r = statement_bind(s, id, NO_BINDS);
    char *name = NULL;

    if (r == 0 && (r = statement_step(s, id)) > 0) {
        name = strdup(statement_text(s, id, 0));
        r = name ? 0 : store_fail(s, -ENOMEM, "out of memory");
    }
    statement_reset(s, id);
    if (r == 0)
        *ret_name = name;
    return r;
}

static int put_zone(struct store *s, const char *zone, int64_t from_sec)
{
    return statement_run(s, STATEMENT_ZONE_INSERT, BINDS(BIND_TEXT(zone), BIND_INT(from_sec)));
}

int buckets_need_calendar(struct store *s)
{
    cleanup_free char *zone = NULL;

    if (s->calendar)
        return 0;
    int r = read_zone(s, &zone);
    if (r == 0)
        r = open_calendar(s, zone ? zone : "local", &s->calendar);
    return r == 0 && !zone ? put_zone(s, calendar_zone(s->calendar), 0) : r;
}

/* In a transaction. */
static int change_zone(struct store *s, void *userdata)
{
    const char *zone = userdata;
    cleanup_free char *old = NULL;
    int64_t at = 0;
    int r = read_zone(s, &old);

    if (r < 0 || (old && strcmp(old, zone) == 0))
        return r;
    if (old)
        r = statement_get_int(s, STATEMENT_ZONE_CUT_AT, NO_BINDS, &at);
    if (r > 0)
        r = statement_run(s, STATEMENT_ZONE_CUT, BINDS(BIND_INT(at)));
    return r < 0 ? r : put_zone(s, zone, at);
}

int buckets_change_calendar(struct store *s, struct calendar *calendar)
{
    int r = store_transaction(s, change_zone, (void *)calendar_zone(calendar));

    buckets_forget(s);
    if (r < 0) {
        calendar_close(calendar);
        return r;
    }
    calendar_close(s->calendar);
    s->calendar = calendar;
    return 0;
}

const char *store_zone(struct store *s)
{
    char *zone = NULL;

    if (read_zone(s, &zone) < 0 || !zone)
        return "";
    free(s->zone);
    return s->zone = zone;
}
