/*
 * From what was drawn to what there was: an estimate and the interval that holds the truth in 95 of 100 cases. Pure.
 *
 * Of N frames n were drawn, and those of a source sum up to S, their squares to Q. The estimate is T = sum of w S, with
 * w = N / n, over times of one rate each. Its interval is that of a weighted sum of Poisson counts by Fay and Feuer (Statistics
 * in Medicine 16, 1997), which for equal weights is the exact one of Garwood: with V = sum of w^2 Q, M the largest weight of one
 * frame, and chi2(p, d) the quantile of the chi-squared distribution with d degrees of freedom,
 *
 *   low = V / 2T chi2(0.025, 2T^2/V)     high = (V + M^2) / 2(T + M) chi2(0.975, 2(T + M)^2 / (V + M^2))
 *
 * M is that of the source's own frames; where fewer than ESTIMATE_FEW were drawn they say too little of those that were not, and
 * it is that of all sources. The interval holds for few draws, where a normal distribution does not. What was drawn is known: so both ends come nearer to T by
 * the root of sum of (1 - n/N) w^2 Q / V (all of it with one of one), and low is not below what was drawn.
 */
#pragma once

#include <stdint.h>

#define ESTIMATE_FEW 30 /* frames of a source */

/* What is summed up over the times of one rate each. */
struct estimate_sum {
    double total;    /* sum of w S */
    double variance; /* sum of w^2 Q */
    double unseen;   /* sum of (1 - n/N) w^2 Q */
    double most;     /* the largest w times what one frame had */
    double drawn;    /* sum of S: what was drawn */
    int64_t frames;  /* how many were drawn */
};

struct estimate {
    int64_t value, low, high;
};

/* What was drawn of a source in a time of one rate; most is that of one frame. */
struct estimate_drawn {
    int64_t frames, sum, squared, most;
};

/* Adds a source's share of a time in which seen frames passed and drawn of them were drawn, all sources together. */
void estimate_add(struct estimate_sum *sum, int64_t seen, int64_t drawn, const struct estimate_drawn *of_source);

/* The weight of one frame in such a time. */
double estimate_weight(int64_t seen, int64_t drawn);

/*
 * most_of_all: the largest weight times what one frame of any source had. total: what all sources together had, which none can
 * be beyond.
 */
struct estimate estimate_make(const struct estimate_sum *sum, double most_of_all, int64_t total);
