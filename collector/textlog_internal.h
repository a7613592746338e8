/* What textlog.c (users) and textlog_connections.c share. */
#pragma once

#include "collector/textlog.h"
#include "collector/textlog_writer.h"
#include "common/calendar.h"

/* What one user moved in the interval that waits to be written. */
struct share {
    int64_t uid;
    struct store_counters n;
};

struct connection_line;

struct textlog {
    struct textlog_writer *writer;
    struct calendar *calendar;
    char *file, *prefix;
    void *users; /* tsearch(3) of struct user */
    int64_t end_sec;
    struct share *shares; /* NULL: no report waits */
    size_t n_shares;
    char *connections_file;
    struct connection_line *lines; /* that wait for the names of their users */
    size_t n_lines, lines_capacity;
};

/* "" when there is none, NULL when it is not known yet. */
const char *textlog_name_of(const struct textlog *log, int64_t uid);

/* As textlog_flush(), of the lines on connections. */
int textlog_flush_connections(struct textlog *log, bool force);
