#include "common/tzrule.h"

#include "common/civil.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

/* The parsers below advance *s over what they read and leave it alone when they fail. */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool take_char(const char **s, char c)
{
    if (**s != c)
        return false;
    (*s)++;
    return true;
}

static int take_number(const char **s, int min, int max, int *ret)
{
    const char *p = *s;
    int n = 0;

    if (!is_digit(*p))
        return -EINVAL;
    while (is_digit(*p)) {
        n = n * 10 + (*p++ - '0');
        if (n > max)
            return -EINVAL;
    }
    if (n < min)
        return -EINVAL;
    *ret = n;
    *s = p;
    return 0;
}

/* Three or more letters, or anything of letters, digits, + and - between < and >. */
static int take_abbreviation(const char **s, char ret[static TZ_ABBREVIATION_MAX + 1])
{
    const char *p = *s;
    bool quoted = take_char(&p, '<');
    size_t n = 0;

    while (isascii((unsigned char)p[n]) &&
           (isalpha((unsigned char)p[n]) || (quoted && (is_digit(p[n]) || p[n] == '+' || p[n] == '-'))))
        n++;
    if (n < 3 || n > TZ_ABBREVIATION_MAX || (quoted && p[n] != '>'))
        return -EINVAL;
    memcpy(ret, p, n);
    ret[n] = '\0';
    *s = p + n + quoted;
    return 0;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static int take_time(const char **s, int max_hours, int32_t *ret_sec)
{
    const char *p = *s;
    bool negative = take_char(&p, '-');
    int hours, minutes = 0, seconds = 0;

    if (!negative)
        take_char(&p, '+');
    if (take_number(&p, 0, max_hours, &hours) < 0)
        return -EINVAL;
    if (take_char(&p, ':')) {
        if (take_number(&p, 0, 59, &minutes) < 0)
            return -EINVAL;
        if (take_char(&p, ':') && take_number(&p, 0, 59, &seconds) < 0)
            return -EINVAL;
    }
    *ret_sec = (hours * 3600 + minutes * 60 + seconds) * (negative ? -1 : 1);
    *s = p;
    return 0;
}

static int take_month_form(const char **s, struct tz_change *c)
{
    c->form = 'M';
    if (take_number(s, 1, 12, &c->month) < 0 || !take_char(s, '.') || take_number(s, 1, 5, &c->week) < 0 ||
        !take_char(s, '.') || take_number(s, 0, 6, &c->weekday) < 0)
        return -EINVAL;
    return 0;
}

static int take_change(const char **s, struct tz_change *ret)
{
    struct tz_change c = {.time_sec = 2 * 3600};
    const char *p = *s;
    int r;

    if (take_char(&p, 'M')) {
        r = take_month_form(&p, &c);
    } else {
        c.form = take_char(&p, 'J') ? 'J' : '0';
        r = take_number(&p, c.form == 'J' ? 1 : 0, 365, &c.day);
    }
    if (r < 0 || (take_char(&p, '/') && take_time(&p, 167, &c.time_sec) < 0))
        return -EINVAL;
    *ret = c;
    *s = p;
    return 0;
}

static int take_daylight(const char **s, struct tz_rule *rule)
{
    /* POSIX leaves a daylight saving name without dates to the implementation; glibc and zic take the rule of the USA.
     */
    static const char without_dates[] = ",M3.2.0,M11.1.0";
    const char *dates = without_dates;
    int32_t west_sec;

    if (take_abbreviation(s, rule->daylight.abbreviation) < 0)
        return -EINVAL;
    rule->has_daylight = rule->daylight.dst = true;
    rule->daylight.offset_sec = rule->standard.offset_sec + 3600;
    if (**s && **s != ',') {
        if (take_time(s, 24, &west_sec) < 0)
            return -EINVAL;
        rule->daylight.offset_sec = -west_sec;
    }
    if (**s)
        dates = *s;
    if (!take_char(&dates, ',') || take_change(&dates, &rule->to_daylight) < 0 || !take_char(&dates, ',') ||
        take_change(&dates, &rule->to_standard) < 0)
        return -EINVAL;
    if (**s)
        *s = dates;
    return 0;
}

int tz_rule_parse(const char *text, struct tz_rule *ret_rule)
{
    struct tz_rule rule = {0};
    int32_t west_sec; /* POSIX counts west as positive */

    if (take_abbreviation(&text, rule.standard.abbreviation) < 0 || take_time(&text, 24, &west_sec) < 0)
        return -EINVAL;
    rule.standard.offset_sec = -west_sec;
    if (*text && (take_daylight(&text, &rule) < 0 || *text))
        return -EINVAL;
    *ret_rule = rule;
    return 0;
}

/* The day of the change in this year, as days since 1970. */
static int64_t change_day(const struct tz_change *c, int64_t year)
{
    int64_t first = civil_days(year, c->form == 'M' ? c->month : 1, 1), day;

    if (c->form == 'J') /* day 60 is always 1 March */
        return first + c->day - 1 + (c->day >= 60 && civil_is_leap(year));
    if (c->form == '0')
        return first + c->day;
    day = first + (c->weekday - civil_weekday(first) + 7) % 7 + (c->week - 1) * 7;
    if (day >= first + civil_days_in_month(year, c->month)) /* week 5 means the last one */
        day -= 7;
    return day;
}

struct instant {
    int64_t at_sec;
    const struct tz_type *from_then;
};

/* Keeps the order of equal instants: daylight saving time all year is written as an end that coincides with the next
 * start. */
static void insert_sorted(struct instant *v, size_t n, struct instant new)
{
    for (; n > 0 && v[n - 1].at_sec > new.at_sec; n--)
        v[n] = v[n - 1];
    v[n] = new;
}

void tz_rule_period(const struct tz_rule *rule, int64_t utc_sec, struct tz_period *ret_period)
{
    /* Two years on either side, because a change may be written as up to a week outside of its own year. */
    enum { AROUND = 2, N = 2 * (2 * AROUND + 1) };
    struct instant v[N];
    int64_t year;
    int month, day;
    size_t n = 0, i = 0;

    if (!rule->has_daylight) {
        *ret_period = (struct tz_period){INT64_MIN, INT64_MAX, &rule->standard};
        return;
    }
    civil_date(civil_floor_div(utc_sec + rule->standard.offset_sec, CIVIL_DAY_SEC), &year, &month, &day);
    for (int64_t y = year - AROUND; y <= year + AROUND; y++) {
        int64_t start = change_day(&rule->to_daylight, y) * CIVIL_DAY_SEC + rule->to_daylight.time_sec;
        int64_t end = change_day(&rule->to_standard, y) * CIVIL_DAY_SEC + rule->to_standard.time_sec;

        insert_sorted(v, n++, (struct instant){start - rule->standard.offset_sec, &rule->daylight});
        insert_sorted(v, n++, (struct instant){end - rule->daylight.offset_sec, &rule->standard});
    }
    while (i + 2 < n && v[i + 1].at_sec <= utc_sec)
        i++;
    *ret_period = (struct tz_period){v[i].at_sec, v[i + 1].at_sec, v[i].from_then};
}
