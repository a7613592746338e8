#include "serve/now.h"

#include "common/cleanup.h"
#include "live/lines.h"
#include "report/options_words.h"
#include "serve/question.h"

#include <string.h>

static const struct now_parameter parameters[] = {
    {"by", "string", "a row for each user (default), project, class, unit, process, remote or connection", false},
    {"project", "string", "only these projects, separated by commas", false},
    {"search", "string", "only rows whose name or user contains it", false},
    {"sort", "string", "what comes first: rate (default), rx, tx, total or name", false},
    {"limit", "integer", "the rows that come first, 1 to 1000 (default 100)", false},
    {"cursor", "string", "\"next\" of the page before", true},
    {"format", "string", "json (default), csv or tsv", true},
};

static const struct {
    const char *word;
    enum now_format format;
} formats[] = {{"json", NOW_JSON}, {"csv", NOW_CSV}, {"tsv", NOW_TSV}};

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

static int parse_limit(const char *value, struct now_question *q, char **ret_why)
{
    char *end;
    unsigned long n = strtoul(value, &end, 10);

    if (*value < '0' || *value > '9' || *end || n < 1 || n > QUESTION_LARGEST_PAGE)
        return complain(ret_why, "parameter limit: '%s': not a number from 1 to 1000", value);
    q->page.limit = n;
    return 0;
}

static int parse_by(const char *value, struct now_question *q, char **ret_why)
{
    if (live_heading_find(value, &q->heading))
        return 0;
    return complain(ret_why, "parameter by: '%s': not one of user, project, class, unit, process, remote, connection",
                    value);
}

static int parse_sort(const char *value, struct now_question *q, char **ret_why)
{
    for (enum live_order order = 0; order < LIVE_ORDERS; order++)
        if (strcmp(live_order_word(order), value) == 0) {
            q->order = order;
            return 0;
        }
    return complain(ret_why, "parameter sort: '%s': not one of rate, rx, tx, total, name", value);
}

static int parse_cursor(const char *value, struct now_question *q, char **ret_why)
{
    int64_t since, until;

    if (page_parse_cursor(value, &since, &until, &q->page.skip))
        return 0;
    return complain(ret_why, "parameter cursor: '%s' is none that \"next\" of an answer gave", value);
}

static int parse_format(const char *value, struct now_question *q, char **ret_why)
{
    for (size_t i = 0; i < array_length(formats); i++)
        if (strcmp(formats[i].word, value) == 0) {
            q->format = formats[i].format;
            return 0;
        }
    return complain(ret_why, "parameter format: '%s': not one of json, csv, tsv", value);
}

static bool is_utf8(const char *text)
{
    json_t *json = json_string(text);
    bool known = json != NULL;

    json_decref(json);
    return known;
}

static bool is_known(const char *name, bool paged)
{
    for (size_t i = 0; i < array_length(parameters); i++)
        if (strcmp(parameters[i].name, name) == 0)
            return paged || !parameters[i].paged;
    return false;
}

static int apply(const struct parameter *p, struct now_question *q, struct report_options *o, char **ret_why)
{
    static const struct {
        const char *name;
        int (*parse)(const char *value, struct now_question *q, char **ret_why);
    } rows[] = {{"by", parse_by},
                {"sort", parse_sort},
                {"limit", parse_limit},
                {"cursor", parse_cursor},
                {"format", parse_format}};

    if (!is_utf8(p->value))
        return complain(ret_why, "parameter %s: not UTF-8", p->name);
    if (!is_known(p->name, q->paged))
        return complain(ret_why,
                        q->paged
                            ? "unknown parameter '%s'; by, project, search, sort, limit, cursor and format are known"
                            : "unknown parameter '%s'; by, project, search, sort and limit are known",
                        p->name);
    for (size_t i = 0; i < array_length(rows); i++)
        if (strcmp(rows[i].name, p->name) == 0)
            return rows[i].parse(p->value, q, ret_why);
    if (strcmp(p->name, "search") == 0)
        return q->search = p->value, 0;
    return list_parse(&o->projects, p->value) < 0
               ? complain(ret_why, "parameter project: '%s': not a list of names, separated by commas", p->value)
               : 0;
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
    q->texts = json_pack("{s:[i, i, i, I, I], s:o, s:o, s:o, s:b, s:I}", "what", (int)q->heading, (int)q->order,
                         (int)q->format, (json_int_t)q->page.skip, (json_int_t)q->page.limit, "search",
                         q->search ? json_string_nocheck(q->search) : json_null(), "projects", names, "user",
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

int now_parse(const struct request *request, const struct membership *m, bool paged, struct now_question *ret,
              char **ret_why)
{
    struct now_question q = {.heading = LIVE_USER, .paged = paged, .page.limit = QUESTION_PAGE};
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
