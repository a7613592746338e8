#include "common/civil.h"

/*
 * Both directions count years from March, so that the leap day is the last day of a year, in eras of 400 years = 146097
 * days (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
 */
enum { ERA_YEARS = 400, ERA_DAYS = 146097, EPOCH_DAYS = 719468 /* from 0000-03-01 to 1970-01-01 */ };

bool civil_is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int civil_days_in_month(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && civil_is_leap(year));
}

int64_t civil_days(int64_t year, int month, int day)
{
    int64_t march_year = year - (month <= 2);
    int64_t era = civil_floor_div(march_year, ERA_YEARS);
    int64_t year_of_era = march_year - era * ERA_YEARS;
    int64_t day_of_year = (153 * ((month + 9) % 12) + 2) / 5;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * ERA_DAYS + day_of_era - EPOCH_DAYS + day - 1;
}

void civil_date(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day)
{
    int64_t shifted = days + EPOCH_DAYS;
    int64_t era = civil_floor_div(shifted, ERA_DAYS);
    int64_t day_of_era = shifted - era * ERA_DAYS;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month_from_march = (int)((5 * day_of_year + 2) / 153);

    *ret_day = (int)(day_of_year - (153 * month_from_march + 2) / 5) + 1;
    *ret_month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    *ret_year = year_of_era + era * ERA_YEARS + (*ret_month <= 2);
}

int civil_weekday(int64_t days)
{
    int64_t from_sunday = days + 4; /* 1970-01-01 was a Thursday */

    return (int)(from_sunday - civil_floor_div(from_sunday, 7) * 7);
}
