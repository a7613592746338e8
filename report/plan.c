#include "report/plan.h"

#include "common/cleanup.h"

#include <string.h>

void plan_done(struct plan *plan)
{
    for (size_t i = 0; plan->labels && i < plan->n_buckets; i++)
        free(plan->labels[i]);
    free(plan->labels);
    free(plan->buckets);
    *plan = (struct plan){0};
}

static int count_buckets(const struct calendar *cal, struct period period, enum calendar_unit unit, size_t *ret_n,
                         char **ret_why)
{
    size_t n = 0;

    for (int64_t t = period.since_sec; t < period.until_sec; t = calendar_next(cal, unit, t))
        if (++n > PLAN_MOST_BUCKETS)
            return asprintf(ret_why,
                            "option --period: the time asked for has more than %d such periods; choose longer "
                            "periods or a later --since",
                            PLAN_MOST_BUCKETS) < 0
                       ? -ENOMEM
                       : -EINVAL;
    *ret_n = n;
    return 0;
}

static int fill_buckets(const struct calendar *cal, struct plan *plan, enum calendar_unit unit, size_t n)
{
    int64_t t = plan->period.since_sec;
    char label[CALENDAR_LABEL_MAX];

    plan->labels = calloc(n, sizeof(*plan->labels));
    if (!plan->labels)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        int64_t next = calendar_next(cal, unit, t);

        plan->buckets[i] = (struct store_bucket){t, next < plan->period.until_sec ? next : plan->period.until_sec};
        plan->labels[i] = strdup(calendar_format(cal, unit, t, label));
        if (!plan->labels[i])
            return -ENOMEM;
        plan->n_buckets = i + 1;
        t = next;
    }
    return 0;
}

int plan_make(const struct calendar *cal, struct period period, int unit, struct plan *ret, char **ret_why)
{
    struct plan plan = {.period = period};
    size_t n = 1;
    int r = unit < 0 ? 0 : count_buckets(cal, period, (enum calendar_unit)unit, &n, ret_why);

    if (r < 0)
        return r;
    plan.buckets = calloc(n, sizeof(*plan.buckets));
    if (!plan.buckets)
        return -ENOMEM;
    if (unit < 0) {
        plan.buckets[0] = (struct store_bucket){period.since_sec, period.until_sec};
        plan.n_buckets = 1;
    } else {
        r = fill_buckets(cal, &plan, (enum calendar_unit)unit, n);
    }
    if (r < 0)
        plan_done(&plan);
    else
        *ret = plan;
    return r;
}
