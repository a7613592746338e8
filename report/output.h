/* Formats of a report: each is one struct of functions in a file of its own, and a row of the table in output.c. */
#pragma once

#include "common/units.h"
#include "report/fields.h"
#include "report/period.h"

#include <stdio.h>

/* How much of the period was counted, up to now. */
struct coverage {
    int64_t expected_ms; /* 0: nothing can have been counted: before the first interval, or the database is empty */
    int64_t seen_ms;
    bool never; /* the database holds no interval at all */
};

/* What is known before the first row. */
struct report_head {
    const char *host;
    struct period period;
    const struct calendar *cal;
    struct coverage coverage;
    unsigned by; /* enum store_dim and FIELD_PERIOD */
    bool payload;
    enum units_style units;
};

struct output_job {
    const struct report_head *head;
    FILE *out;     /* in memory: it cannot fail for any other reason than memory */
    bool terminal; /* what the report is written to in the end */
    void *state;   /* the format's own */
};

/* Each function returns 0 or a negative errno. */
struct output {
    const char *name;
    int (*begin)(struct output_job *job);
    int (*row)(struct output_job *job, const struct row *row);
    int (*end)(struct output_job *job, const struct row *totals, size_t n_rows);
    void (*done)(struct output_job *job); /* frees state, also after a failure */
};

extern const struct output output_table, output_json, output_csv, output_tsv, output_parsable;

/* By the name that --format takes; NULL: none of it. */
const struct output *output_find(const char *name);

/* Writes the whole report to out and flushes: what a full disk swallows is an error here (-ENOSPC), a closed pipe is
 * -EPIPE. */
int output_report(const struct output *output, const struct report_head *head, const struct rows *rows,
                  const struct row *totals, FILE *out);

/* Share of the expected time, 0 to 100, rounded down to a hundredth: 100 means all of it. -1 if nothing was expected.
 */
double coverage_percent(const struct coverage *coverage);

/* "(12 others)" */
char *output_others_label(const struct row *row, char buf[static 32]);

/* The first column of a report --by these dimensions: the one in which a row of others says what it is. */
const struct field *output_first_field(unsigned by);
