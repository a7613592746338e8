/* Time as a value that is passed in, so that what depends on it is tested without sleeping. */
#pragma once

#include <stdint.h>

#define NSEC_PER_SEC  INT64_C(1000000000)
#define NSEC_PER_MSEC INT64_C(1000000)

int64_t clock_realtime_ns(void); /* UTC since 1970; steps with the wall clock */
int64_t clock_boottime_ns(void); /* since boot, suspend included; never steps */
int64_t clock_realtime_sec(void);

/*
 * The first multiple of interval_ns since 1970 that lies after now_ns, a reading of the wall clock (UTC); never now_ns
 * itself. interval_ns must be positive.
 */
int64_t clock_next_multiple(int64_t now_ns, int64_t interval_ns);
