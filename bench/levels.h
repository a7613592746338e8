/*
 * Years of a site's traffic into a database, level by level: each bucket is the sum of what the next finer level has of
 * it, or is invented where that level would have expired.
 */
#pragma once

#include "bench/bulk.h"
#include "bench/site.h"
#include "common/calendar.h"

struct levels_plan {
    const struct calendar *calendar;
    const struct site *site;
    int64_t kept_since_sec[STORE_LEVELS]; /* a boundary of each coarser level, up to that of the months */
    int64_t until_sec;                    /* a multiple of interval_sec */
    int64_t interval_sec;                 /* divides five minutes */
    int64_t raw_rows;                     /* shared out evenly to the intervals */
    /* Called now and then: how many rows there are of each level. */
    void (*progress)(const int64_t rows[static STORE_LEVELS], void *userdata);
    void *userdata;
};

/* What levels_plan() knows before: how many rows each level gets at most. -EINVAL: too few accounts for raw_rows. */
int levels_expect(const struct levels_plan *plan, int64_t ret_rows[static STORE_LEVELS]);

/* Fills all levels, but what began within the last five minutes into the raw level alone, as pdttd does. */
int levels_fill(const struct levels_plan *plan, struct bulk *bulk, int64_t ret_rows[static STORE_LEVELS]);
