/*
 * The TZ string of POSIX ("AWST-8", "CET-1CEST,M3.5.0,M10.5.0/3") with the extensions of RFC 9636 (hours from -167 to
 * 167, daylight saving time all year): it ends every TZif file and says what holds after the file's table. Pure: reads
 * no file, no environment.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define TZ_ABBREVIATION_MAX 15

struct tz_type {
    int32_t offset_sec; /* local time minus UTC: east is positive */
    bool dst;
    char abbreviation[TZ_ABBREVIATION_MAX + 1];
};

/* A stretch of time, half open, in which one type of local time holds. Its neighbour may have the same type. */
struct tz_period {
    int64_t start_sec, end_sec; /* UTC; INT64_MIN and INT64_MAX where there is no end */
    const struct tz_type *type; /* lives as long as the rule or zone that was asked */
};

struct tz_change {
    char form; /* 'M': the week-th weekday of month; 'J': day 1 to 365 without 29 February; '0': day 0 to 365 */
    int month, week, weekday, day;
    int32_t time_sec; /* after local midnight, by the clock that is in force until then */
};

struct tz_rule {
    struct tz_type standard, daylight;
    bool has_daylight;
    struct tz_change to_daylight, to_standard;
};

/* -EINVAL: not such a string. */
int tz_rule_parse(const char *text, struct tz_rule *ret_rule);

/* The period that holds at utc_sec. */
void tz_rule_period(const struct tz_rule *rule, int64_t utc_sec, struct tz_period *ret_period);
