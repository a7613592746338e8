#include "report/options_words.h"

#include "common/cleanup.h"

#include <string.h>

/* ---- lists ---- */

static int list_add(struct name_list *list, const char *name, size_t length)
{
    char **v = reallocarray(list->v, list->n + 1, sizeof(*v));

    if (!v)
        return -ENOMEM;
    list->v = v;
    v[list->n] = strndup(name, length);
    if (!v[list->n])
        return -ENOMEM;
    list->n++;
    return 0;
}

void list_done(struct name_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->v[i]);
    free(list->v);
    *list = (struct name_list){0};
}

int list_parse(struct name_list *list, const char *text)
{
    for (const char *s = text;; s++) {
        size_t length = strcspn(s, ",");
        int r = length ? list_add(list, s, length) : options_complain("a name is missing; write a or a,b");

        if (r < 0)
            return r;
        s += length;
        if (!*s)
            return 0;
    }
}

/* ---- words ---- */

struct word {
    const char *word;
    int value;
};

static const struct word dims[] = {
    {"user", STORE_BY_USER},         {"project", STORE_BY_PROJECT},
    {"class", STORE_BY_CLASS},       {"proto", STORE_BY_PROTOCOL},
    {"protocol", STORE_BY_PROTOCOL}, {"family", STORE_BY_FAMILY},
    {"unit", STORE_BY_UNIT},         {"host", FIELD_HOST},
    {"process", STORE_BY_PROCESS},   {"remote", STORE_BY_REMOTE},
    {"policy", FIELD_POLICY},        {"source", FIELD_SOURCE},
};

static const struct word periods[] = {
    {"5min", CALENDAR_5MIN},   {"hour", CALENDAR_HOUR},       {"day", CALENDAR_DAY},   {"week", CALENDAR_WEEK},
    {"month", CALENDAR_MONTH}, {"quarter", CALENDAR_QUARTER}, {"year", CALENDAR_YEAR}, {"interval", REPORT_INTERVALS},
};

/* The value of the word of this length, or a complaint that calls the choices by their names. */
static int word_parse(const struct word *words, size_t n, const char *text, size_t length, const char *choices,
                      int *ret_value)
{
    for (size_t i = 0; i < n; i++) {
        if (strlen(words[i].word) != length || strncmp(words[i].word, text, length) != 0)
            continue;
        *ret_value = words[i].value;
        return 0;
    }
    return options_complain("'%.*s' is not one of %s", (int)length, text, choices);
}

int words_parse_dims(const char *text, unsigned *ret_by)
{
    unsigned by = 0;

    for (const char *s = text;; s++) {
        size_t length = strcspn(s, ",");
        int dim = 0, r = word_parse(dims, array_length(dims), s, length, WORDS_DIMS, &dim);

        if (r < 0)
            return r;
        by |= (unsigned)dim;
        s += length;
        if (!*s)
            break;
    }
    *ret_by = by;
    return 0;
}

int words_parse_period(const char *text, int *ret_period)
{
    return word_parse(periods, array_length(periods), text, strlen(text), WORDS_PERIODS, ret_period);
}

int words_parse_style(const char *text, enum units_style *ret_style)
{
    return units_style_find(text, ret_style) ? 0 : options_complain("'%s' is not one of %s", text, WORDS_STYLES);
}
