#include "report/estimate.h"

#include <math.h>

#define NORMAL_975 1.959963985

/* The quantile of the chi-squared distribution, by Wilson and Hilferty; upper: that of 0.975, else that of 0.025. */
static double chi_squared(double degrees, int upper)
{
    double spread = 2 / (9 * degrees);
    double root = 1 - spread + (upper ? NORMAL_975 : -NORMAL_975) * sqrt(spread);

    return root > 0 ? degrees * root * root * root : 0;
}

double estimate_weight(int64_t seen, int64_t drawn)
{
    return drawn > 0 && seen > drawn ? (double)seen / (double)drawn : 1;
}

void estimate_add(struct estimate_sum *sum, int64_t seen, int64_t drawn, const struct estimate_drawn *of_source)
{
    double weight = estimate_weight(seen, drawn);
    double variance = weight * weight * (double)of_source->squared;

    sum->total += weight * (double)of_source->sum;
    sum->variance += variance;
    sum->unseen += variance * (1 - 1 / weight);
    sum->drawn += (double)of_source->sum;
    sum->frames += of_source->frames;
    if (weight * (double)of_source->most > sum->most)
        sum->most = weight * (double)of_source->most;
}

static int64_t whole(double value)
{
    return value < 0 ? 0 : value >= 9e18 ? INT64_MAX : (int64_t)(value + 0.5);
}

struct estimate estimate_make(const struct estimate_sum *sum, double most_of_all, int64_t total)
{
    double most = sum->frames < ESTIMATE_FEW && most_of_all > sum->most ? most_of_all : sum->most;
    double t = sum->total, v = sum->variance, more = t + most, wider = v + most * most;
    double near, low, high;

    if (t <= 0 || v <= 0)
        return (struct estimate){whole(t), whole(t), whole(t)};
    near = sqrt(sum->unseen / v);
    low = t - (t - v / (2 * t) * chi_squared(2 * t * t / v, 0)) * near;
    high = t + (wider / (2 * more) * chi_squared(2 * more * more / wider, 1) - t) * near;
    if (low < sum->drawn)
        low = sum->drawn;
    if (high > (double)total)
        high = (double)total;
    return (struct estimate){whole(t), whole(low), whole(high < t ? t : high)};
}
