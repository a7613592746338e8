/* What the forms of period_parse_time() share; for report/period*.c only. */
#pragma once

#include "report/period.h"

enum { PERIOD_FIRST_YEAR = 1970, PERIOD_LAST_YEAR = 9999 };
#define PERIOD_LAST_SEC INT64_C(253402300799) /* the last second of PERIOD_LAST_YEAR, UTC */

struct period_parsing {
    const struct calendar *cal;
    int64_t now_sec;
    char *why; /* set by the form that recognised the text and refused it */
};

/* Returned by a form: the text is not of my kind, ask the next one. */
enum { PERIOD_NOT_MINE = 1 };

/* Keeps the reason. Returns -EINVAL, or -ENOMEM. */
int period_refuse(struct period_parsing *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The reason for any time that cannot be shown on our calendar. */
int period_refuse_year(struct period_parsing *p);

/* An instant is a period whose ends are equal. Returns 0. */
int period_at_instant(int64_t sec, struct period *ret);

const char *period_skip_blanks(const char *s);

/* The form "30d", "-30d", "now-30days", "30 days ago": 0, a negative errno or PERIOD_NOT_MINE. */
int period_parse_relative(struct period_parsing *p, const char *text, struct period *ret);
