/* What a report is going to ask: its period cut into buckets, each with its label. Pure. */
#pragma once

#include "report/period.h"
#include "sql/store_ask.h"

/* More than people or spreadsheets can use; a limit at all, so that "--since 1970 --period 5min" says what is wrong. */
enum { PLAN_MOST_BUCKETS = 200000 };

struct plan {
    struct period period;
    struct store_bucket *buckets;   /* as asked for */
    struct store_bucket *effective; /* as the store can answer; like buckets until somebody asks it */
    char **labels;                  /* NULL: one bucket for all */
    size_t n_buckets;
};

/*
 * unit is an enum calendar_unit, or negative for one bucket without a label. The first and the last bucket are cut to
 * the period, so that the periods of a report add up to its range. -EINVAL: too many, with *ret_why malloc'ed; -ENOMEM.
 */
int plan_make(const struct calendar *cal, struct period period, int unit, struct plan *ret, char **ret_why);
/*
 * One bucket for each start of an interval within the period, with its time to the second as label. starts need not be
 * in order nor different. -EINVAL: too many, with *ret_why malloc'ed; -ENOMEM.
 */
int plan_make_intervals(const struct calendar *cal, struct period period, const int64_t *starts, size_t n,
                        struct plan *ret, char **ret_why);

void plan_done(struct plan *plan);
