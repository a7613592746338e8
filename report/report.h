/* pdtt-report without its main(): plan, question, rows, page. */
#pragma once

#include "report/head.h"
#include "report/options.h"
#include "report/plan.h"

/* What report_write() returns with --allocations --check when one is exceeded. */
enum { REPORT_EXCEEDED = 1 };

/* Writes one report to out. 0 or REPORT_EXCEEDED, or a negative errno and *ret_why, malloc'ed: -EINVAL is bad usage,
 * -ENOENT a name that nobody knows, -ERANGE a time that is no longer known in such detail, -ETIME and -E2BIG an answer
 * that takes too long or is too large, -EPIPE needs no word.
 */
int report_write(struct store *s, const struct calendar *cal, int64_t now_sec, const struct report_options *o,
                 FILE *out, char **ret_why);

/* Whether one of the names, which may be NULL, contains the text; any does where there is none. */
bool report_finds(const char *search, const char *user, const char *project);

/* A bucket for each interval of the period. As plan_make(), and -ERANGE where they have expired. */
int report_plan_intervals(struct store *s, const struct calendar *cal, struct period period, struct plan *ret,
                          char **ret_why);

/* What the store can answer, in plan and head. Periods that only become shorter by --since are not moved. */
int report_plan_effective(struct store *s, struct plan *plan, struct report_head *head);

/*
 * The calendar of the site that keeps the database, whoever asks from wherever. A negative errno and *ret_why,
 * malloc'ed.
 */
int report_open_calendar(struct store *s, struct calendar **ret_cal, char **ret_why);

/*
 * Calls look to write a report to out every o->every_sec until o->count is reached, or SIGINT or SIGTERM comes, which
 * are 0. On a terminal each takes the place of the last. What look returns below 0 ends it and is returned. Without
 * --since the period is the current day.
 */
typedef int (*live_look_fn)(const struct report_options *o, FILE *out, void *userdata);
int live_repeat(const struct report_options *o, FILE *out, live_look_fn look, void *userdata);

/* The same with report_write(). */
int live_run(struct store *s, const struct calendar *cal, const struct report_options *o, FILE *out, char **ret_why);
