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
    bool units_given, payload, live, graph, allocations, check;
    size_t count; /* --live: stop after so many; 0: go on */
    unsigned every_sec;
    const char *database;
    bool help, version;
};

/*
 * Parses and checks the command line; environ_database is the value of PDTT_DATABASE or NULL. Returns 0, or a negative
 * errno after one line on stderr. report_options_done() is due in either case.
 */
int report_options_parse(int argc, char **argv, const char *environ_database, struct report_options *ret);
void report_options_done(struct report_options *o);

void report_print_help(FILE *out);

/* The table of options, for whoever documents or completes them. */
const struct option_row *report_option_rows(size_t *ret_n);
