/* Arithmetic with numbers of a file that somebody may have damaged: what leaves the range stays at its end. */
#pragma once

#include <stdint.h>

static inline int64_t add_capped(int64_t a, int64_t b)
{
    int64_t sum;

    return __builtin_add_overflow(a, b, &sum) ? (b < 0 ? INT64_MIN : INT64_MAX) : sum;
}

static inline int64_t subtract_capped(int64_t a, int64_t b)
{
    int64_t difference;

    return __builtin_sub_overflow(a, b, &difference) ? (b < 0 ? INT64_MAX : INT64_MIN) : difference;
}

static inline int64_t multiply_capped(int64_t a, int64_t b)
{
    int64_t product;

    return __builtin_mul_overflow(a, b, &product) ? ((a < 0) != (b < 0) ? INT64_MIN : INT64_MAX) : product;
}

/* Hundredths of a percent of whole, which is above 0. */
static inline int64_t share_capped(int64_t part, int64_t whole)
{
    __int128 hundredths = (__int128)part * 10000 / whole;

    return hundredths > INT64_MAX ? INT64_MAX : hundredths < INT64_MIN ? INT64_MIN : (int64_t)hundredths;
}
