/* The command line of pdtt-report. */
#pragma once

#include "report/output.h"

struct name_list {
    char **v;
    size_t n;
};

enum { REPORT_NO_PERIOD = -1 };

struct report_options {
    struct name_list users, projects, classes, protocols;
    const char *since, *until; /* as written, NULL: not given */
    unsigned by;               /* enum store_dim; 0: one row per period */
    int period;                /* enum calendar_unit, or REPORT_NO_PERIOD */
    size_t top;                /* 0: all */
    const char *sort;          /* as written */
    const struct field *sort_field;
    bool by_period; /* in order of the periods, and by sort_field within each */
    const struct output *output;
    enum units_style units;
    bool payload, live;
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
