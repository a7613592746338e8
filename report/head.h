/* What stands above the rows of a report: which time it shows, how much of that was counted, and what was not. */
#pragma once

#include "common/units.h"
#include "report/fields.h"
#include "report/page.h"
#include "report/period.h"
#include "sql/store_ask.h"

#include <stdio.h>

/* How much of the period was counted, up to now. */
struct coverage {
    int64_t expected_ms; /* 0: nothing can have been counted: before the first interval, or the database is empty */
    int64_t seen_ms;
    bool never; /* the database holds no interval at all */
};

/* The recorded gaps, cut to the period; reasons are owned. */
struct gaps {
    struct store_gap *v;
    size_t n;
};

/* What the report is written to in the end. */
struct output_target {
    bool terminal;
    bool colours; /* of a terminal */
    size_t width; /* columns of it */
    bool utf8;    /* its characters */
};

/* Of what the rows of connections add up to, how much is not "(other)". */
struct held {
    int64_t bytes, all_bytes;
    bool all_known; /* false: what no connection holds is not known, so all_bytes is what they hold */
};

/* What was seen and drawn in the period, of --samples and --by source. */
struct samples_seen {
    bool wanted; /* it is one of these reports */
    int64_t intervals, seen, packets, bytes, drawn, lost, sources_full;
};

/* What is known before the first row. */
struct report_head {
    const char *host, *zone;
    struct period period;    /* as asked for */
    struct period effective; /* as shown: wider where the finer data of an edge has expired */
    size_t n_moved;          /* periods within it that begin or end elsewhere than their names say */
    const struct calendar *cal;
    struct coverage coverage;
    struct gaps gaps;
    bool connections; /* rows come from connections, and (other) is what the ledger has beyond them */
    bool cut;         /* the period begins where connections do that are kept, and not where it usually does */
    struct store_connections_kept kept;
    struct held held;
    struct samples_seen samples;
    unsigned by;                 /* enum store_dim and the FIELD_ ones */
    const struct field *measure; /* what --graph draws */
    bool payload;
    enum units_style units;
    bool served; /* as the next one in struct report_options */
    const struct store_viewer *viewer;
    const struct output_target *target;
    struct report_page *page; /* which of the rows; NULL: all */
};

/*
 * Fills in what the store knows of head->effective: host, zone, coverage and gaps. now_sec bounds what can have been
 * counted. *ret_stored is what the store said of its coverage. 0, or a negative errno: store_why() says why.
 */
int head_read(struct store *s, int64_t now_sec, struct report_head *head, struct store_coverage *ret_stored);
void head_done(struct report_head *head);

/* Writes the lines that stand above a table. 0 or -ENOMEM. */
int head_put(FILE *out, const struct report_head *head);

/* Share of the expected time, 0 to 100, rounded down to a hundredth: 100 means all of it. -1 if nothing was expected.
 */
double coverage_percent(const struct coverage *coverage);

/* The same of the bytes that connections hold; -1 where there are none. */
double held_percent(const struct held *held);

/* How long the gaps are together, in seconds: what lies in two of them is missing once. */
int64_t gaps_sum(const struct gaps *gaps);
