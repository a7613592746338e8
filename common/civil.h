/* Dates of the proleptic Gregorian calendar as day numbers. Pure arithmetic: no zone, no clock. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CIVIL_DAY_SEC INT64_C(86400)

/* Rounds towards minus infinity, so that what lies before 1970 falls into the same grid. divisor must be positive. */
static inline int64_t civil_floor_div(int64_t value, int64_t divisor)
{
    return value / divisor - (value % divisor < 0);
}

bool civil_is_leap(int64_t year);

/* 28 to 31; month is 1 to 12. */
int civil_days_in_month(int64_t year, int month);

/* Days since 1970-01-01. month is 1 to 12; day may lie outside of the month and counts on from its first. */
int64_t civil_days(int64_t year, int month, int day);

/* The inverse of civil_days(). */
void civil_date(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day);

/* 0 Sunday to 6 Saturday, as POSIX zone rules count. */
int civil_weekday(int64_t days);
