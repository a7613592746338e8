/* Opens zones and asks for instants in one word, failing the test where that fails. */
#pragma once

#include "common/calendar.h"
#include "common/cleanup.h"

#include <check.h>
#include <string.h>

static inline void cleanup_calendar_fn(struct calendar **c)
{
    calendar_close(*c);
}

#define cleanup_calendar cleanup(cleanup_calendar_fn)

static inline struct calendar *open_zone(const char *tz)
{
    struct calendar *c = NULL;
    int r = calendar_open(tz, &c);

    ck_assert_msg(r == 0, "zone %s: %s; is tzdata installed?", tz, strerror(-r));
    return c;
}

static inline int64_t instant(const struct calendar *c, int year, int month, int day, int hour, int minute)
{
    int64_t utc_sec = -1;

    ck_assert_int_eq(calendar_instant(c, year, month, day, hour, minute, 0, &utc_sec), 0);
    return utc_sec;
}
