/* Sums of what a file holds that somebody may have damaged or written: beyond the end of the numbers they stay there. */
#pragma once

#include <stdint.h>

static inline int64_t add_capped(int64_t a, int64_t b)
{
    int64_t sum;

    return __builtin_add_overflow(a, b, &sum) ? (b < 0 ? INT64_MIN : INT64_MAX) : sum;
}
