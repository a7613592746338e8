#include "serve/now.h"

#include "common/cleanup.h"
#include "common/json_text.h"
#include "live/lines.h"
#include "report/options_words.h"

#include <string.h>

enum { DEFAULT_ROWS = 100, MOST_ROWS = 1000, TIME_DIGITS = 13 };

static const struct now_parameter parameters[] = {
    {"by", "string", "a row for each user (default), project, class, unit, process, remote or connection"},
    {"project", "string", "only these projects, separated by commas"},
    {"search", "string", "only rows whose name or user contains it"},
    {"limit", "integer", "the rows that move most, 1 to 1000 (default 100)"},
};

const struct now_parameter *now_parameters(size_t *ret_n)
{
    *ret_n = array_length(parameters);
    return parameters;
}

static int complain(char **ret_why, const char *format, const char *value)
{
    if (asprintf(ret_why, format, value) < 0)
        *ret_why = NULL;
    return -EINVAL;
}

/* ---- what is asked ---- */

static int parse_limit(const char *value, size_t *ret, char **ret_why)
{
    char *end;
    unsigned long n = strtoul(value, &end, 10);

    if (*value < '0' || *value > '9' || *end || n < 1 || n > MOST_ROWS)
        return complain(ret_why, "parameter limit: '%s': not a number from 1 to 1000", value);
    *ret = n;
    return 0;
}

static bool is_utf8(const char *text)
{
    json_t *json = json_string(text);
    bool known = json != NULL;

    json_decref(json);
    return known;
}

static int apply(const struct parameter *p, struct now_question *q, struct report_options *o, char **ret_why)
{
    if (!is_utf8(p->value))
        return complain(ret_why, "parameter %s: not UTF-8", p->name);
    if (strcmp(p->name, "by") == 0)
        return live_heading_find(p->value, &q->heading)
                   ? 0
                   : complain(ret_why,
                              "parameter by: '%s': not one of user, project, class, unit, process, remote, connection",
                              p->value);
    if (strcmp(p->name, "limit") == 0)
        return parse_limit(p->value, &q->limit, ret_why);
    if (strcmp(p->name, "project") == 0)
        return list_parse(&o->projects, p->value) < 0
                   ? complain(ret_why, "parameter project: '%s': not a list of names, separated by commas", p->value)
                   : 0;
    if (strcmp(p->name, "search") != 0)
        return complain(ret_why, "unknown parameter '%s'; by, project, search and limit are known", p->name);
    q->search = p->value;
    return 0;
}

/* ---- who sees what ---- */

/* What one of a project's members does, and with whom, is not for the others. */
static int check_heading(const struct now_question *q, const struct store_viewer *viewer, char **ret_why)
{
    if (!viewer || viewer->projects.n == 0 || q->heading <= LIVE_CLASS)
        return 0;
    complain(ret_why,
             "parameter by: '%s' of a whole project is for root and administrators; leave project out for your own",
             live_heading_word(q->heading));
    return -EACCES;
}

/* The texts that last as long as the question does, in an object whose text is its key. */
static int keep_texts(struct now_question *q, const struct store_viewer *viewer, const struct name_list *projects)
{
    json_t *names = json_array();

    for (size_t i = 0; i < projects->n; i++)
        json_array_append_new(names, json_string_nocheck(projects->v[i]));
    q->texts = json_pack("{s:i, s:I, s:o, s:o, s:o, s:b, s:I}", "by", (int)q->heading, "limit", (json_int_t)q->limit,
                         "search", q->search ? json_string_nocheck(q->search) : json_null(), "projects", names, "user",
                         viewer && viewer->name ? json_string_nocheck(viewer->name) : json_null(), "restricted",
                         viewer != NULL, "uid", (json_int_t)(viewer ? viewer->uid : -1));
    q->key = q->texts ? json_dumps(q->texts, JSON_COMPACT) : NULL;
    return q->key ? 0 : -ENOMEM;
}

static int set_sight(struct now_question *q)
{
    const json_t *names = json_object_get(q->texts, "projects");
    const char **v = calloc(json_array_size(names) + 1, sizeof(*v));

    if (!v)
        return -ENOMEM;
    for (size_t i = 0; i < json_array_size(names); i++)
        v[i] = json_string_value(json_array_get(names, i));
    q->search = json_string_value(json_object_get(q->texts, "search"));
    q->sight = (struct live_sight){
        .own = q->restricted && json_array_size(names) == 0,
        .nameless = q->restricted,
        .uid = json_integer_value(json_object_get(q->texts, "uid")),
        .user = json_string_value(json_object_get(q->texts, "user")),
        .projects = v,
        .n_projects = json_array_size(names),
    };
    return 0;
}

int now_parse(const struct request *request, const struct membership *m, struct now_question *ret, char **ret_why)
{
    struct now_question q = {.heading = LIVE_USER, .limit = DEFAULT_ROWS};
    struct report_options o = {0};
    struct grant grant = {0};
    int r = 0;

    for (size_t i = 0; r == 0 && i < request->n; i++)
        r = apply(&request->parameters[i], &q, &o, ret_why);
    if (r == 0)
        r = authorise(m, &o, &grant, ret_why);
    if (r == 0)
        r = check_heading(&q, o.viewer, ret_why);
    q.restricted = o.viewer != NULL;
    if (r == 0)
        r = keep_texts(&q, o.viewer, &o.projects);
    if (r == 0)
        r = set_sight(&q);
    grant_done(&grant);
    list_done(&o.projects);
    if (r < 0)
        now_done(&q);
    else
        *ret = q;
    return r;
}

void now_done(struct now_question *q)
{
    free(q->key);
    free((void *)q->sight.projects);
    json_decref(q->texts);
    *q = (struct now_question){0};
}

/* ---- the answer ---- */

static json_t *figures(const struct live_row *row)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "rx_rate", (json_int_t)(row->rx_rate + 0.5), "tx_rate",
                     (json_int_t)(row->tx_rate + 0.5), "rx_bytes", (json_int_t)row->total.rx, "tx_bytes",
                     (json_int_t)row->total.tx);
}

static json_t *row_json(const struct now_question *q, const struct live_row *row)
{
    json_t *json = figures(row);

    json_object_set_new(json, "name", json_text_or_null(row->text));
    if (live_set_of(q->heading) == LIVE_CONNECTIONS)
        json_object_set_new(json, "user", json_text_or_null(row->user));
    return json;
}

char *now_render(const struct now_question *q, const struct live_model *model, const struct now_moment *moment)
{
    bool all = !q->restricted && q->sight.n_projects == 0;
    json_t *rows = json_array(), *json;
    struct live_view view;
    char *text = NULL;
    size_t shown;

    if (live_model_view(model, all ? NULL : &q->sight, q->heading, LIVE_BY_RATE, q->search, &view) < 0) {
        json_decref(rows);
        return NULL;
    }
    shown = view.n < q->limit ? view.n : q->limit;
    for (size_t i = 0; i < shown; i++)
        json_array_append_new(rows, row_json(q, &view.rows[i]));
    json = json_pack("{s:f, s:I, s:f, s:s, s:o, s:o, s:I}", "at", (double)moment->at_ms / 1000, "since",
                     (json_int_t)moment->since_sec, "interval_sec", moment->length_sec, "by",
                     live_heading_word(q->heading), "rows", rows, "sum", figures(&view.sum), "left_out",
                     (json_int_t)(view.left_out + view.n - shown));
    live_view_done(&view);
    text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(TIME_DIGITS)) : NULL;
    json_decref(json);
    return text;
}
