/* pdtt-report without its main(): plan, question, rows, page. */
#pragma once

#include "report/options.h"

/* What report_write() returns with --allocations --check when one is exceeded. */
enum { REPORT_EXCEEDED = 1 };

/* Writes one report to out. 0 or REPORT_EXCEEDED, or a negative errno and *ret_why, malloc'ed: -EINVAL is bad usage,
 * -EPIPE needs no word.
 */
int report_write(struct store *s, const struct calendar *cal, int64_t now_sec, const struct report_options *o,
                 FILE *out, char **ret_why);

/*
 * Writes a report every o->every_sec until o->count is reached or SIGINT or SIGTERM comes, which are 0. On a terminal
 * each takes the place of the last. Without --since the period is the current day.
 */
int live_run(struct store *s, const struct calendar *cal, const struct report_options *o, FILE *out, char **ret_why);
