#include "report/plan.h"

#include "common/cleanup.h"

#include <string.h>

void plan_done(struct plan *plan)
{
    for (size_t i = 0; plan->labels && i < plan->n_buckets; i++)
        free(plan->labels[i]);
    free(plan->labels);
    free(plan->buckets);
    free(plan->effective);
    *plan = (struct plan){0};
}

static int refuse_too_many(char **ret_why)
{
    return asprintf(ret_why,
                    "option --period: the time asked for has more than %d such periods; choose longer periods or a "
                    "later --since",
                    PLAN_MOST_BUCKETS) < 0
               ? -ENOMEM
               : -EINVAL;
}

static int count_buckets(const struct calendar *cal, struct period period, enum calendar_unit unit, size_t *ret_n,
                         char **ret_why)
{
    size_t n = 0;

    for (int64_t t = period.since_sec; t < period.until_sec; t = calendar_next(cal, unit, t))
        if (++n > PLAN_MOST_BUCKETS)
            return refuse_too_many(ret_why);
    *ret_n = n;
    return 0;
}

/* Room for n buckets, of which there are none yet. */
static int make_room(struct plan *plan, size_t n, bool labels)
{
    plan->buckets = calloc(n + 1, sizeof(*plan->buckets));
    plan->effective = calloc(n + 1, sizeof(*plan->effective));
    plan->labels = labels ? calloc(n + 1, sizeof(*plan->labels)) : NULL;
    return plan->buckets && plan->effective && (plan->labels || !labels) ? 0 : -ENOMEM;
}

/* label may be NULL where the plan has none. */
static int add_bucket(struct plan *plan, int64_t start_sec, int64_t end_sec, const char *label)
{
    size_t i = plan->n_buckets;

    plan->effective[i] = plan->buckets[i] = (struct store_bucket){start_sec, end_sec};
    if (label && !(plan->labels[i] = strdup(label)))
        return -ENOMEM;
    plan->n_buckets++;
    return 0;
}

static int fill_buckets(const struct calendar *cal, struct plan *plan, enum calendar_unit unit)
{
    char label[CALENDAR_LABEL_MAX];
    int r = 0;

    for (int64_t t = plan->period.since_sec, next; r >= 0 && t < plan->period.until_sec; t = next) {
        next = calendar_next(cal, unit, t);
        r = add_bucket(plan, t, next < plan->period.until_sec ? next : plan->period.until_sec,
                       calendar_format(cal, unit, t, label));
    }
    return r;
}

static int finish(struct plan *plan, int r, struct plan *ret)
{
    if (r < 0)
        plan_done(plan);
    else
        *ret = *plan;
    return r;
}

int plan_make(const struct calendar *cal, struct period period, int unit, struct plan *ret, char **ret_why)
{
    struct plan plan = {.period = period};
    size_t n = 1;
    int r = unit < 0 ? 0 : count_buckets(cal, period, (enum calendar_unit)unit, &n, ret_why);

    if (r < 0)
        return r;
    r = make_room(&plan, n, unit >= 0);
    if (r >= 0)
        r = unit < 0 ? add_bucket(&plan, period.since_sec, period.until_sec, NULL)
                     : fill_buckets(cal, &plan, (enum calendar_unit)unit);
    return finish(&plan, r, ret);
}

/* ---- intervals ---- */

static int compare_starts(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

    return (a > b) - (a < b);
}

/* "2026-11-21 14:00:10", and where the clocks show the hour twice its offset, as with longer periods. */
static const char *format_start(const struct calendar *cal, int64_t sec, char buf[static 2 * CALENDAR_LABEL_MAX])
{
    enum { DATE_AND_MINUTE = 16 };
    char minute[CALENDAR_LABEL_MAX];
    struct calendar_time t;

    calendar_civil(cal, sec, &t);
    calendar_format(cal, CALENDAR_HOUR, sec, minute);
    snprintf(buf, 2 * CALENDAR_LABEL_MAX, "%04d-%02d-%02d %02d:%02d:%02d%s", t.year, t.month, t.day, t.hour, t.minute,
             t.second, strlen(minute) > DATE_AND_MINUTE ? minute + DATE_AND_MINUTE : "");
    return buf;
}

static int fill_intervals(const struct calendar *cal, struct plan *plan, const int64_t *starts, size_t n)
{
    char label[2 * CALENDAR_LABEL_MAX];
    int r = 0;

    for (size_t i = 0, next; r >= 0 && i < n; i = next) {
        for (next = i + 1; next < n && starts[next] == starts[i];)
            next++;
        r = add_bucket(plan, starts[i], next < n ? starts[next] : plan->period.until_sec,
                       format_start(cal, starts[i], label));
    }
    return r;
}

int plan_make_intervals(const struct calendar *cal, struct period period, const int64_t *starts, size_t n,
                        struct plan *ret, char **ret_why)
{
    struct plan plan = {.period = period};
    cleanup_free int64_t *sorted = calloc(n + 1, sizeof(*sorted));
    size_t kept = 0;
    int r;

    if (n > PLAN_MOST_BUCKETS)
        return refuse_too_many(ret_why);
    if (!sorted)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        if (starts[i] >= period.since_sec && starts[i] < period.until_sec)
            sorted[kept++] = starts[i];
    qsort(sorted, kept, sizeof(*sorted), compare_starts);
    r = make_room(&plan, kept, true);
    if (r >= 0)
        r = fill_intervals(cal, &plan, sorted, kept);
    return finish(&plan, r, ret);
}
