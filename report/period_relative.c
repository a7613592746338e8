#include "report/period_forms.h"

#include "common/civil.h"
#include "common/cleanup.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

enum step { STEP_SECONDS, STEP_DAYS, STEP_MONTHS };

static const struct unit {
    const char *letter; /* its case matters: m is minutes, M is months */
    const char *words[3];
    enum step step;
    int count;
} units[] = {
    {"s", {"sec", "second", "seconds"}, STEP_SECONDS, 1}, {"m", {"min", "minute", "minutes"}, STEP_SECONDS, 60},
    {"h", {"hr", "hour", "hours"}, STEP_SECONDS, 3600},   {"d", {"day", "days", NULL}, STEP_DAYS, 1},
    {"w", {"week", "weeks", NULL}, STEP_DAYS, 7},         {"M", {"mon", "month", "months"}, STEP_MONTHS, 1},
    {"y", {"yr", "year", "years"}, STEP_MONTHS, 12},
};

static bool is_word_of(const struct unit *unit, const char *word, size_t length)
{
    if (length == 1)
        return *word == *unit->letter;
    for (size_t i = 0; i < array_length(unit->words); i++)
        if (unit->words[i] && strlen(unit->words[i]) == length && strncasecmp(word, unit->words[i], length) == 0)
            return true;
    /* "secs", "mins", "hrs", "yrs" */
    return length > 1 && strchr("Ss", word[length - 1]) && length - 1 == strlen(unit->words[0]) &&
           strncasecmp(word, unit->words[0], length - 1) == 0;
}

static const struct unit *unit_of(const char *word, size_t length)
{
    for (size_t i = 0; i < array_length(units); i++)
        if (is_word_of(&units[i], word, length))
            return &units[i];
    return NULL;
}

/* Days or months of the calendar from now's date. A day that the month does not have becomes its last. */
static void step_date(const struct calendar_time *now, enum step step, int64_t n, int64_t *ret_year, int *ret_month,
                      int *ret_day)
{
    int64_t months = (int64_t)now->year * 12 + now->month - 1 + n;
    int last;

    if (step == STEP_DAYS) {
        civil_date(civil_days(now->year, now->month, now->day) + n, ret_year, ret_month, ret_day);
        return;
    }
    *ret_year = civil_floor_div(months, 12);
    *ret_month = (int)(months - *ret_year * 12) + 1;
    last = civil_days_in_month(*ret_year, *ret_month);
    *ret_day = now->day < last ? now->day : last;
}

/* n is signed and counts the steps of unit. */
static int step_from_now(struct period_parsing *p, const struct unit *unit, int64_t n, struct period *ret)
{
    struct calendar_time now;
    int month, day;
    int64_t year, sec = p->now_sec;

    if (unit->step == STEP_SECONDS) {
        sec += n * unit->count;
    } else if (n != 0) { /* 0 not by the calendar: in an hour that comes twice it would go back */
        calendar_civil(p->cal, p->now_sec, &now);
        step_date(&now, unit->step, n * unit->count, &year, &month, &day);
        if (year < PERIOD_FIRST_YEAR || year > PERIOD_LAST_YEAR)
            return period_refuse_year(p);
        if (calendar_instant(p->cal, (int)year, month, day, now.hour, now.minute, now.second, &sec) < 0)
            return period_refuse_year(p);
    }
    if (sec < 0 || sec > PERIOD_LAST_SEC)
        return period_refuse_year(p);
    return period_at_instant(sec, ret);
}

/* What stands after the sign: number, unit, and "ago" if no sign did. */
static int parse_amount(struct period_parsing *p, const char *s, int sign, struct period *ret)
{
    const struct unit *unit;
    int64_t n = 0;
    size_t length;

    for (int digits = 0; isdigit((unsigned char)*s); s++, digits++) {
        if (digits == 11)
            return period_refuse(p, "the number is too large");
        n = n * 10 + (*s - '0');
    }
    s = period_skip_blanks(s);
    for (length = 0; isalpha((unsigned char)s[length]);)
        length++;
    if (length == 0 && !*s)
        return period_refuse(p, "the number has no unit; write 30d, or 30m for minutes and 30M for months");
    unit = unit_of(s, length);
    if (!unit)
        return period_refuse(p, "'%s' is not a unit of time; the units are s, m (minutes), h, d, w, M (months) and y",
                             s);
    s = period_skip_blanks(s + length);
    if (!sign && strcasecmp(s, "ago") == 0)
        s += strlen("ago");
    if (*s)
        return period_refuse(p, "'%s' is left over; write 30d, -30d, '30 days ago' or now-30days", s);
    return step_from_now(p, unit, sign > 0 ? n : -n, ret);
}

int period_parse_relative(struct period_parsing *p, const char *s, struct period *ret)
{
    bool from_now = strncasecmp(s, "now", 3) == 0;
    int sign = 0;

    if (from_now)
        s = period_skip_blanks(s + 3);
    if (*s == '-' || *s == '+') {
        sign = *s == '-' ? -1 : 1;
        s = period_skip_blanks(s + 1);
    }
    if (!isdigit((unsigned char)*s) || (from_now && !sign))
        return PERIOD_NOT_MINE;
    return parse_amount(p, s, sign, ret);
}
