/* Figures from a noisy machine: what is kept of many measurements of one thing. Pure. */
#pragma once

#include <stddef.h>

struct spread {
    double median, low, high; /* low and high are the quartiles */
};

/* Which value has the part q (0 to 1) of all below it, interpolated; 0 of none. Sorts values in place. */
double sample_quantile(double *values, size_t n, double q);

/* Sorts values in place. */
struct spread sample_spread(double *values, size_t n);
