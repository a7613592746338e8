/* Formats of a report: each is one struct of functions in a file of its own, and a row of the table in output.c. */
#pragma once

#include "report/head.h"

struct output_job {
    const struct report_head *head;
    FILE *out; /* in memory: it cannot fail for any other reason than memory */
    struct output_target target;
    const struct rows *rows; /* all that row() is called for, in that order */
    void *state;             /* the format's own */
};

/* Each function returns 0 or a negative errno. */
struct output {
    const char *name;
    int (*begin)(struct output_job *job);
    int (*row)(struct output_job *job, const struct row *row);
    int (*end)(struct output_job *job, const struct row *totals); /* totals NULL: rows that do not add up */
    void (*done)(struct output_job *job);                         /* frees state, also after a failure */
};

extern const struct output output_table, output_json, output_csv, output_tsv, output_parsable, output_log, output_graph,
    output_pcap;

/* What a stream is: a terminal with its width and the locale's characters, or 80 columns without colours. */
struct output_target output_target_of(FILE *out);

/* By the name that --format takes; NULL: none of it. */
const struct output *output_find(const char *name);

/* Writes the whole report to out and flushes: what a full disk swallows is an error here (-ENOSPC), a closed pipe is
 * -EPIPE. totals may be NULL. */
int output_report(const struct output *output, const struct report_head *head, const struct rows *rows,
                  const struct row *totals, FILE *out);

/* "(12 others)" */
char *output_others_label(const struct row *row, char buf[static 32]);

/* The first column of a report --by these dimensions: the one in which a row of others says what it is. */
const struct field *output_first_field(unsigned by);

/* For people: what a table or graph shows of the field at all. */
bool output_is_shown(const struct field *field, const struct report_head *head);

/* For people: what stands in the cell, made harmless, malloc'ed; NULL when memory is out. */
char *output_cell_text(const struct report_head *head, const struct field *field, const struct row *row);

/* For people: the line in place of no rows. Static text. */
const char *output_nothing(const struct report_head *head);
