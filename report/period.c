#include "report/period.h"

#include "common/civil.h"
#include "common/cleanup.h"
#include "report/period_forms.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

int period_refuse(struct period_parsing *p, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vasprintf(&p->why, format, args);
    va_end(args);
    if (n >= 0)
        return -EINVAL;
    p->why = NULL;
    return -ENOMEM;
}

int period_at_instant(int64_t sec, struct period *ret)
{
    *ret = (struct period){sec, sec};
    return 0;
}

const char *period_skip_blanks(const char *s)
{
    return s + strspn(s, " \t");
}

int period_refuse_year(struct period_parsing *p)
{
    return period_refuse(p, "lies outside the years %d to %d", PERIOD_FIRST_YEAR, PERIOD_LAST_YEAR);
}

static int check_date(struct period_parsing *p, int year, int month, int day)
{
    if (month < 1 || month > 12)
        return period_refuse(p, "there is no month %d; a date is written as 2026-11-01", month);
    if (day < 1 || day > civil_days_in_month(year, month))
        return period_refuse(p, "there is no such day, %04d-%02d has %d days", year, month,
                             civil_days_in_month(year, month));
    return 0;
}

/* The unit of calendar that holds noon of this day: noon, because a midnight may not exist or come twice. */
static int span_of(struct period_parsing *p, enum calendar_unit unit, int year, int month, int day, struct period *ret)
{
    struct calendar_time shown;
    int64_t noon, start;

    if (calendar_instant(p->cal, year, month, day, 12, 0, 0, &noon) < 0)
        return period_refuse_year(p);
    calendar_civil(p->cal, noon, &shown);
    if (shown.day != day)
        return period_refuse(p, "there is no such day in this time zone, which left it out");
    start = calendar_start(p->cal, unit, noon);
    *ret = (struct period){start, calendar_next(p->cal, unit, start)};
    return 0;
}

/* ---- form: today, now ---- */

static int parse_word(struct period_parsing *p, const char *text, struct period *ret)
{
    static const struct {
        const char *word;
        int days;
    } words[] = {{"today", 0}, {"yesterday", -1}, {"tomorrow", 1}};
    struct calendar_time now;
    int month, day;
    int64_t year;

    if (strcasecmp(text, "now") == 0)
        return period_at_instant(p->now_sec, ret);
    for (size_t i = 0; i < array_length(words); i++) {
        if (strcasecmp(text, words[i].word) != 0)
            continue;
        calendar_civil(p->cal, p->now_sec, &now);
        civil_date(civil_days(now.year, now.month, now.day) + words[i].days, &year, &month, &day);
        return span_of(p, CALENDAR_DAY, (int)year, month, day, ret);
    }
    return PERIOD_NOT_MINE;
}

/* ---- form: @EPOCH ---- */

static int parse_epoch(struct period_parsing *p, const char *text, struct period *ret)
{
    char *end;
    long long sec;

    if (*text != '@')
        return PERIOD_NOT_MINE;
    if (!isdigit((unsigned char)text[1]))
        return period_refuse(p, "'@' is followed by seconds since 1970, such as @1793491200");
    errno = 0;
    sec = strtoll(text + 1, &end, 10);
    if (*end)
        return period_refuse(p, "'%s' is left over after the seconds", end);
    if (errno || sec > PERIOD_LAST_SEC)
        return period_refuse(p, "lies after the year %d; seconds since 1970 are meant, not milliseconds",
                             PERIOD_LAST_YEAR);
    return period_at_instant(sec, ret);
}

/* ---- form: dates ---- */

/* Reads exactly n digits, or leaves *s alone. */
static bool take_digits(const char **s, int n, int *ret)
{
    int value = 0;

    for (int i = 0; i < n; i++) {
        if (!isdigit((unsigned char)(*s)[i]))
            return false;
        value = value * 10 + ((*s)[i] - '0');
    }
    *s += n;
    *ret = value;
    return true;
}

static bool take_char(const char **s, const char *set)
{
    if (!**s || !strchr(set, **s))
        return false;
    (*s)++;
    return true;
}

static int refuse_form(struct period_parsing *p)
{
    return period_refuse(p, "a date is written as 2026-11, 2026-11-01 or '2026-11-01 10:00[:00]'");
}

static int parse_week(struct period_parsing *p, const char *s, int year, struct period *ret)
{
    struct calendar_time thursday;
    int week, r;

    if (!take_digits(&s, 2, &week) || *s)
        return period_refuse(p, "a week is written as 2026-W07");
    if (week < 1 || week > 53)
        return period_refuse(p, "there is no week %d", week);
    r = span_of(p, CALENDAR_WEEK, year, 1, 4, ret); /* ISO 8601: 4 January is always in week 1 */
    if (r < 0)
        return r;
    for (int i = 1; i < week; i++)
        *ret = (struct period){ret->until_sec, calendar_next(p->cal, CALENDAR_WEEK, ret->until_sec)};
    calendar_civil(p->cal, ret->since_sec + (ret->until_sec - ret->since_sec) / 2, &thursday);
    if (thursday.year != year)
        return period_refuse(p, "%d has 52 weeks", year);
    return 0;
}

static int parse_quarter(struct period_parsing *p, const char *s, int year, struct period *ret)
{
    int quarter;

    if (!take_digits(&s, 1, &quarter) || *s || quarter < 1 || quarter > 4)
        return period_refuse(p, "a quarter is written as 2026-Q1 to 2026-Q4");
    return span_of(p, CALENDAR_QUARTER, year, quarter * 3 - 2, 1, ret);
}

static int parse_time_of_day(struct period_parsing *p, const char *s, int year, int month, int day, struct period *ret)
{
    int hour, minute, second = 0;
    int64_t sec;

    s = *s == ' ' ? period_skip_blanks(s) : s + 1;
    if (!take_digits(&s, 2, &hour) || !take_char(&s, ":") || !take_digits(&s, 2, &minute))
        return refuse_form(p);
    if ((take_char(&s, ":") && !take_digits(&s, 2, &second)) || *s)
        return refuse_form(p);
    if (hour > 23 || minute > 59 || second > 59)
        return period_refuse(p, "there is no such time of day; the last one is 23:59:59");
    if (calendar_instant(p->cal, year, month, day, hour, minute, second, &sec) < 0)
        return period_refuse(p, "there is no such time in this time zone");
    return period_at_instant(sec, ret);
}

static int parse_date(struct period_parsing *p, const char *s, struct period *ret)
{
    int year, month, day, r;

    if (!take_digits(&s, 4, &year) || (*s && *s != '-'))
        return PERIOD_NOT_MINE;
    if (year < PERIOD_FIRST_YEAR)
        return period_refuse_year(p);
    if (!take_char(&s, "-"))
        return span_of(p, CALENDAR_YEAR, year, 1, 1, ret);
    if (take_char(&s, "Ww"))
        return parse_week(p, s, year, ret);
    if (take_char(&s, "Qq"))
        return parse_quarter(p, s, year, ret);
    if (!take_digits(&s, 2, &month))
        return refuse_form(p);
    if (!*s) {
        r = check_date(p, year, month, 1);
        return r < 0 ? r : span_of(p, CALENDAR_MONTH, year, month, 1, ret);
    }
    if (!take_char(&s, "-") || !take_digits(&s, 2, &day) || (*s && !strchr(" Tt", *s)))
        return refuse_form(p);
    r = check_date(p, year, month, day);
    if (r < 0)
        return r;
    return *s ? parse_time_of_day(p, s, year, month, day, ret) : span_of(p, CALENDAR_DAY, year, month, day, ret);
}

/* ---- all of them ---- */

static int parse_any(struct period_parsing *p, const char *text, struct period *ret)
{
    static int (*const forms[])(struct period_parsing *, const char *, struct period *) = {
        parse_word,
        parse_epoch,
        parse_date,
        period_parse_relative,
    };

    for (size_t i = 0; i < array_length(forms); i++) {
        int r = forms[i](p, text, ret);

        if (r != PERIOD_NOT_MINE)
            return r;
    }
    return period_refuse(p, "not a time; write 30d, '12 hours ago', today, yesterday, 2026-11, 2026-11-01, "
                            "'2026-11-01 10:00' or @SECONDS");
}

int period_parse_time(const struct calendar *cal, int64_t now_sec, const char *text, struct period *ret, char **ret_why)
{
    cleanup_free char *trimmed = strdup(period_skip_blanks(text));
    struct period_parsing p = {.cal = cal, .now_sec = now_sec};
    struct period span = {0};
    int r;

    if (!trimmed)
        return -ENOMEM;
    for (size_t n = strlen(trimmed); n > 0 && strchr(" \t", trimmed[n - 1]); n--)
        trimmed[n - 1] = '\0';
    r = parse_any(&p, trimmed, &span);
    if (r < 0)
        *ret_why = p.why;
    else
        *ret = span;
    return r;
}

/* Parses the value of an option; why names both. */
static int parse_option(const struct calendar *cal, int64_t now_sec, const char *option, const char *text,
                        struct period *ret, char **ret_why)
{
    cleanup_free char *why = NULL;
    int r = period_parse_time(cal, now_sec, text, ret, &why);

    if (r < 0 && (!why || asprintf(ret_why, "option --%s: '%s': %s", option, text, why) < 0))
        return -ENOMEM;
    return r;
}

static int refuse_empty(const char *since, const char *until, char **ret_why)
{
    int n;

    if (until)
        n = asprintf(ret_why, "option --until: '%s': the period would be empty, it does not end after --since '%s'",
                     until, since);
    else
        n = asprintf(ret_why, "option --since: '%s': lies in the future; without --until a period ends now", since);
    return n < 0 ? -ENOMEM : -EINVAL;
}

int period_parse(const struct calendar *cal, int64_t now_sec, const char *since, const char *until, struct period *ret,
                 char **ret_why)
{
    struct period first, last = {now_sec, now_sec + 1}; /* what began within this very second is asked for too */
    int r = 0;

    if (until)
        r = parse_option(cal, now_sec, "until", until, &last, ret_why);
    if (r < 0)
        return r;
    if (since)
        r = parse_option(cal, now_sec, "since", since, &first, ret_why);
    else
        first.since_sec = calendar_start(cal, CALENDAR_MONTH, last.until_sec - 1);
    if (r < 0)
        return r;
    if (first.since_sec >= last.until_sec)
        return refuse_empty(since, until, ret_why);
    *ret = (struct period){first.since_sec, last.until_sec};
    return 0;
}
