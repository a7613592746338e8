#include "bench/sample.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double quantile_of_sorted(const double *values, size_t n, double q)
{
    double at = q * (n ? n - 1 : 0);
    size_t below = (size_t)at, above = below + 1 < n ? below + 1 : below;

    return n ? values[below] + (values[above] - values[below]) * (at - below) : 0;
}

double sample_quantile(double *values, size_t n, double q)
{
    qsort(values, n, sizeof(*values), compare);
    return quantile_of_sorted(values, n, q);
}

struct spread sample_spread(double *values, size_t n)
{
    qsort(values, n, sizeof(*values), compare);
    return (struct spread){
        .median = quantile_of_sorted(values, n, 0.5),
        .low = quantile_of_sorted(values, n, 0.25),
        .high = quantile_of_sorted(values, n, 0.75),
    };
}
