/*
 * An epoch as parts that each lie in one bucket of the calendar. Pure: times come in as values.
 *
 * Where the daemon was down or the host asleep nobody knows when within an epoch the bytes moved, so they are shared
 * out by time. The finer the parts, the more rows they make: parts are therefore 5 minutes up to an hour, hours up to
 * two days, days up to 400 days and months beyond, which is never more than 50 parts for two days and 402 for a year.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/calendar.h"
#include "sql/store_ask.h"

struct split_span {
    int64_t start_sec, end_sec; /* start <= end; neither is before 1970 nor after the year 9999 */
    bool stepped;               /* the wall clock says another length than the clock that does not step */
    int64_t forward_sec;        /* by how much it stepped forward; negative: back */
};

/*
 * When an epoch was, by the clock as it is at its end. Readings may differ by 2 s (each is cut to the second) and 0.1
 * % (a clock that is being slewed) before that is taken for a step.
 */
struct split_span split_span(const struct store_interval *interval);

/* An epoch of the ordinary length is not split: like a packet it belongs where it began. */
#define SPLIT_LONGEST_WHOLE_SEC 60

/*
 * The parts of a span, in order and without holes; one if it is short or crosses no boundary. *ret_parts is
 * malloc'ed. -ENOMEM.
 */
int split_parts(const struct calendar *c, const struct split_span *span, struct store_bucket **ret_parts,
                size_t *ret_n);

/*
 * The share of total that belongs to the part from from_sec to to_sec of a span of whole_sec. What has been given
 * away until an instant is total * instant / whole, cut towards zero; a share is the difference of two of those. So
 * shares of parts that tile a span add up to total to the byte, none is off by a byte or more, and none needs the
 * others to be known.
 */
int64_t split_share(int64_t total, int64_t from_sec, int64_t to_sec, int64_t whole_sec);

/* The same for all columns. */
struct store_counters split_counters(const struct store_counters *total, int64_t from_sec, int64_t to_sec,
                                     int64_t whole_sec);
