/* The arithmetic of allocations: their periods on the site's calendar, what is left, and where it will end. Pure. */
#pragma once

#include "report/period.h"
#include "sql/store_ask.h"

#include <stdbool.h>

/* As store_allocation_period(). */
struct period allocation_period(const struct calendar *cal, enum store_period unit, int billing_day, int64_t at_sec);

#define ALLOCATION_LABEL_MAX 64

/*
 * The name of a period: "2026-11", "2026-Q4" or "2026" where it is one of the calendar, else its first and last day,
 * "2026-11-15 to 2026-12-14". Written to buf, which is returned.
 */
char *allocation_label(const struct calendar *cal, enum store_period unit, struct period period,
                       char buf[static ALLOCATION_LABEL_MAX]);

enum forecast_basis {
    FORECAST_NONE,    /* nothing has been counted yet */
    FORECAST_OVER,    /* the period is over: what was used */
    FORECAST_RECENT,  /* on from now at the rate of the last FORECAST_RECENT_SEC, or a little more */
    FORECAST_COUNTED, /* on from now at the rate since counting began, less than FORECAST_RECENT_SEC ago */
    FORECAST_PERIOD,  /* the same where the period began after the counting did */
};

enum { FORECAST_RECENT_SEC = 7 * 86400 };

struct forecast_facts {
    struct period period;
    int64_t now_sec;
    int64_t counted_since_sec; /* of the whole ledger; 0: never */
    int64_t used_bytes;        /* in the period */
    int64_t recent_bytes;      /* in the recent_sec before now_sec, in whatever period */
    int64_t recent_sec;        /* FORECAST_RECENT_SEC, or more where the store no longer knows the start of these */
};

struct forecast {
    enum forecast_basis basis;
    int64_t bytes; /* at the end of the period; INT64_MAX where it would be more; 0 with FORECAST_NONE */
};

struct forecast allocation_forecast(const struct forecast_facts *facts);

/* "at the rate of the last 7 days". Static text. */
const char *forecast_basis_text(enum forecast_basis basis);

/* "exceeded", "forecast to exceed" or "ok". To use all of it is not to exceed it. Static text. */
const char *allocation_state(int64_t used_bytes, int64_t limit_bytes, const struct forecast *forecast);

bool allocation_is_exceeded(int64_t used_bytes, int64_t limit_bytes);
