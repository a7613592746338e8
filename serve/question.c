#include "serve/question.h"

#include "common/cleanup.h"

#include <string.h>

enum { WIDEST = 1000, DEFAULT_WIDTH = 80 };

/* The options that make sense from afar. What names files and sockets of the host or repeats a question does not. */
static const char *const allowed[] = {
    "user", "project", "class",       "proto", "unit",   "payload",  "since", "until", "by",          "period",
    "top",  "sort",    "allocations", "check", "format", "parsable", "graph", "units", "connections", "audit",
};

/* Of the target. */
static const struct target_flag {
    const char *name;
    size_t offset;
} target_flags[] = {
    {"terminal", offsetof(struct output_target, terminal)},
    {"colours", offsetof(struct output_target, colours)},
    {"utf8", offsetof(struct output_target, utf8)},
};

/* ---- single parameters ---- */

static int parse_flag(const struct parameter *p, bool *ret, char **ret_why)
{
    static const char *const yes[] = {"", "1", "yes", "true"}, *const no[] = {"0", "no", "false"};

    for (size_t i = 0; i < array_length(yes); i++)
        if (strcmp(p->value, yes[i]) == 0)
            return *ret = true, 0;
    for (size_t i = 0; i < array_length(no); i++)
        if (strcmp(p->value, no[i]) == 0)
            return *ret = false, 0;
    if (asprintf(ret_why, "parameter %s: '%s': write 1, or leave it out", p->name, p->value) < 0)
        *ret_why = NULL;
    return -EINVAL;
}

static int parse_number(const struct parameter *p, size_t most, size_t *ret, char **ret_why)
{
    char *end;
    unsigned long n = strtoul(p->value, &end, 10);

    if (*p->value >= '0' && *p->value <= '9' && !*end && n >= 1 && n <= most) {
        *ret = n;
        return 0;
    }
    if (asprintf(ret_why, "parameter %s: '%s': not a number from 1 to %zu", p->name, p->value, most) < 0)
        *ret_why = NULL;
    return -EINVAL;
}

/* The period of the first page, whatever "now" has become. */
static int parse_cursor(const struct parameter *p, struct question *q, char **ret_why)
{
    int64_t since, until;

    if (!page_parse_cursor(p->value, &since, &until, &q->page.skip)) {
        *ret_why = strdup("parameter cursor: is none that \"next\" of an answer gave");
        return -EINVAL;
    }
    if (until == 0)
        return 0;
    snprintf(q->since, sizeof(q->since), "@%lld", (long long)since);
    snprintf(q->until, sizeof(q->until), "@%lld", (long long)until);
    return 0;
}

static int apply_option(const struct option_row *row, const struct parameter *p, struct question *q, char **ret_why)
{
    bool given = true;
    int r = row->argument ? 0 : parse_flag(p, &given, ret_why);

    if (r < 0 || !given)
        return r;
    return options_apply(row, row->argument ? p->value : NULL, &q->options, ret_why);
}

/* ---- which parameter it is ---- */

static bool is_allowed(const char *name)
{
    for (size_t i = 0; i < array_length(allowed); i++)
        if (strcmp(allowed[i], name) == 0)
            return true;
    return false;
}

const struct option_row *question_option(const char *name)
{
    size_t n;
    const struct option_row *rows = report_option_rows(&n);

    for (size_t i = 0; is_allowed(name) && i < n; i++)
        if (rows[i].long_name && strcmp(rows[i].long_name, name) == 0)
            return &rows[i];
    return NULL;
}

static const struct target_flag *flag_of(const char *name)
{
    for (size_t i = 0; i < array_length(target_flags); i++)
        if (strcmp(target_flags[i].name, name) == 0)
            return &target_flags[i];
    return NULL;
}

static int refuse_unknown(const char *name, char **ret_why)
{
    const char *nearest = options_nearest(name, allowed, array_length(allowed));
    int n = nearest ? asprintf(ret_why, "unknown parameter '%s', did you mean '%s'?", name, nearest)
                    : asprintf(ret_why, "unknown parameter '%s'; the options of pdtt-report are known", name);

    if (n < 0)
        *ret_why = NULL;
    return -EINVAL;
}

static int refuse_samples(char **ret_why)
{
    *ret_why =
        strdup("option --samples: pdtt-serve hands out no packets, whose addresses are everybody's; ask the database "
               "itself, as somebody who may read it");
    return -EINVAL;
}

static int refuse_fixed(const char *name, char **ret_why)
{
    if (asprintf(ret_why, "parameter %s: the path says it already; /api/v1/report takes it", name) < 0)
        *ret_why = NULL;
    return -EINVAL;
}

/* Of the kind alone. 1: it is none of these. */
static int apply_of_kind(const struct parameter *p, const struct question_kind *kind, struct question *q,
                         char **ret_why)
{
    if (kind->fixed && strcmp(kind->fixed, p->name) == 0)
        return refuse_fixed(p->name, ret_why);
    if (kind->paged && strcmp(p->name, "limit") == 0)
        return parse_number(p, QUESTION_LARGEST_PAGE, &q->page.limit, ret_why);
    if (kind->paged && strcmp(p->name, "cursor") == 0)
        return parse_cursor(p, q, ret_why);
    if (!kind->searched || strcmp(p->name, "search") != 0)
        return 1;
    q->options.search = p->value;
    return 0;
}

static int apply(const struct parameter *p, const struct question_kind *kind, struct question *q, char **ret_why)
{
    const struct option_row *row = question_option(p->name);
    const struct target_flag *flag = flag_of(p->name);
    int r = apply_of_kind(p, kind, q, ret_why);

    if (r <= 0)
        return r;
    if (row)
        return apply_option(row, p, q, ret_why);
    if (flag)
        return parse_flag(p, (bool *)((char *)&q->target + flag->offset), ret_why);
    if (strcmp(p->name, "width") == 0)
        return parse_number(p, WIDEST, &q->target.width, ret_why);
    if (strcmp(p->name, "samples") == 0)
        return refuse_samples(ret_why);
    return refuse_unknown(p->name, ret_why);
}

/* ---- all of them ---- */

static int apply_fixed(const struct question_kind *kind, struct question *q, char **ret_why)
{
    const struct parameter p = {(char *)kind->fixed, (char *)kind->value};

    return kind->fixed ? apply_option(question_option(p.name), &p, q, ret_why) : 0;
}

/* What the options are to be beside those that are given. */
static void set_served(struct question *q, const struct question_kind *kind, bool format)
{
    if (!format && !q->options.graph)
        q->options.output = &output_json;
    if (*q->until) {
        q->options.since = q->since;
        q->options.until = q->until;
    }
    if (kind->paged)
        q->options.page = &q->page;
    q->options.served = true;
    q->options.most_rows = QUESTION_MOST_ROWS;
    q->options.target = &q->target;
}

int question_parse(const struct request *request, const struct question_kind *kind, struct question *ret,
                   char **ret_why)
{
    static const struct question_kind whole = {0};
    bool format = false;
    int r;

    kind = kind ? kind : &whole;
    *ret = (struct question){.target = {.width = DEFAULT_WIDTH}, .page = {.limit = QUESTION_PAGE}};
    report_options_init(&ret->options);
    r = apply_fixed(kind, ret, ret_why);
    for (size_t i = 0; r >= 0 && i < request->n; i++) {
        const char *name = request->parameters[i].name;

        format = format || strcmp(name, "format") == 0 || strcmp(name, "parsable") == 0;
        r = apply(&request->parameters[i], kind, ret, ret_why);
    }
    if (r < 0)
        return r;
    set_served(ret, kind, format);
    return kind->by_period ? 0 : report_options_complete(&ret->options, ret_why);
}

int question_choose_period(struct question *question, int64_t sec, char **ret_why)
{
    static const struct {
        int64_t most_sec;
        int period;
    } periods[] = {{86400, CALENDAR_5MIN}, {7 * 86400, CALENDAR_HOUR}, {92 * 86400, CALENDAR_DAY}};
    int period = CALENDAR_MONTH;

    for (size_t i = array_length(periods); i-- > 0;)
        if (sec <= periods[i].most_sec)
            period = periods[i].period;
    if (question->options.period == REPORT_NO_PERIOD)
        question->options.period = period;
    return report_options_complete(&question->options, ret_why);
}

void question_done(struct question *question)
{
    report_options_done(&question->options);
}

const char *question_media_type(const struct question *question)
{
    static const struct {
        const struct output *output;
        const char *type;
    } types[] = {
        {&output_json, "application/json"},
        {&output_csv, "text/csv; charset=utf-8"},
        {&output_tsv, "text/tab-separated-values; charset=utf-8"},
    };

    for (size_t i = 0; i < array_length(types); i++)
        if (types[i].output == question->options.output)
            return types[i].type;
    return "text/plain; charset=utf-8";
}
