/* What a report is going to ask: its period cut into buckets, each with its label. Pure. */
#pragma once

#include "report/period.h"
#include "sql/store.h"

/* More than people or spreadsheets can use; a limit at all, so that "--since 1970 --period 5min" says what is wrong. */
enum { PLAN_MOST_BUCKETS = 200000 };

struct plan {
    struct period period;
    struct store_bucket *buckets;
    char **labels; /* NULL: one bucket for all */
    size_t n_buckets;
};

/*
 * unit is an enum calendar_unit, or negative for one bucket without a label. The first and the last bucket are cut to
 * the period, so that the periods of a report add up to its range. -EINVAL: too many, with *ret_why malloc'ed; -ENOMEM.
 */
int plan_make(const struct calendar *cal, struct period period, int unit, struct plan *ret, char **ret_why);
void plan_done(struct plan *plan);
