/*
 * The period of a report as people write it, on the calendar of the site. Pure: the clock is passed in.
 *
 *   now, today, yesterday, tomorrow
 *   30d  -30d  "30 days ago"  now-30days     s m h (exact time), d w M y (same time of day, M and y by the calendar);
 *                                            m is minutes, M is months; 31 March less 1M is the last of February
 *   2026  2026-Q4  2026-11  2026-W47  2026-11-01   whole spans, as the period column of a report shows them
 *   "2026-11-01 10:00"  2026-11-01T10:00:30        an instant
 *   @1793491200                                    seconds since 1970, UTC
 */
#pragma once

#include "common/calendar.h"

#include <stdint.h>

/* Half open, UTC seconds. */
struct period {
    int64_t since_sec, until_sec;
};

/*
 * Parses one such text. A day, week, month, quarter or year is its whole span, anything else an instant (both ends
 * equal). -EINVAL: *ret_why, malloc'ed, says what is wrong with it and how to write it; -ENOMEM.
 */
int period_parse_time(const struct calendar *cal, int64_t now_sec, const char *text, struct period *ret,
                      char **ret_why);

/*
 * The period that --since and --until (NULL: not given) name. It starts where since starts and ends where until ENDS,
 * so that "--since 2026-11 --until 2026-11" is November and "--until yesterday" includes all of yesterday. Without
 * until it ends with the current second; without since it starts with the month in which it ends. An empty period is
 * -EINVAL; ret_why names the option.
 */
int period_parse(const struct calendar *cal, int64_t now_sec, const char *since, const char *until, struct period *ret,
                 char **ret_why);
