/* The command line of pdtt-report. */
#pragma once

#include "common/options.h"
#include "report/output.h"

struct name_list {
    char **v;
    size_t n;
};

/* In place of an enum calendar_unit. */
enum { REPORT_NO_PERIOD = -1, REPORT_INTERVALS = -2 };

/* Where the rows come from. */
enum report_source {
    REPORT_ASKS_EITHER, /* the database where it may be read, else pdtt-serve */
    REPORT_ASKS_DATABASE,
    REPORT_ASKS_SOCKET,
};

struct report_options {
    struct name_list users, projects, classes, protocols, unit_globs;
    const char *since, *until;                /* as written, NULL: not given */
    unsigned by;                              /* enum store_dim and FIELD_HOST; 0: one row per period */
    int period;                               /* enum calendar_unit, REPORT_INTERVALS or REPORT_NO_PERIOD */
    size_t top;                               /* 0: all */
    const char *sort;                         /* as written */
    const struct field *sort_field, *measure; /* measure: the counter that --graph draws */
    bool by_period;                           /* in order of the periods, and by sort_field within each */
    const struct output *output;
    enum units_style units;
    bool units_given, every_given, control_given, payload, live, graph, allocations, connections, audit, samples, check;
    size_t count; /* --live: stop after so many; 0: go on */
    unsigned every_sec;
    enum report_source asks;
    const char *database, *socket, *control; /* paths; NULL until a command line is parsed */
    bool help, version;
    bool served;                        /* by pdtt-serve, which a table tells */
    const struct store_viewer *viewer;  /* who asks; NULL: somebody who may see all */
    const struct output_target *target; /* what the report is for; NULL: the stream that it is written to */
    struct report_page *page;           /* which of the rows; NULL: all */
    const char *search;                 /* only users and projects whose names contain it, in any case; NULL: all */
    size_t most_rows;                   /* a report of more fails with -E2BIG; 0: no limit */
};

/* Values of environment variables, or NULL. */
struct report_environment {
    const char *database; /* PDTT_DATABASE */
    const char *socket;   /* PDTT_SOCKET */
};

/*
 * Parses and checks the command line. Returns 0, or a negative errno after one line on stderr. report_options_done() is
 * due in either case.
 */
int report_options_parse(int argc, char **argv, const struct report_environment *environment,
                         struct report_options *ret);

/*
 * For options that come from elsewhere than a command line: what stands in them before the first is applied, and what
 * they mean together, and by default, after the last. -EINVAL with *ret_why, malloc'ed.
 */
void report_options_init(struct report_options *o);
int report_options_complete(struct report_options *o, char **ret_why);

void report_options_done(struct report_options *o);

void report_print_help(FILE *out);

/* The table of options, for whoever documents or completes them. */
const struct option_row *report_option_rows(size_t *ret_n);
