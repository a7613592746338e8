/* The interface as an OpenAPI 3.1 document, made of the table of endpoints and of pdtt-report's options. */
#include "serve/endpoints.h"

#include "common/cleanup.h"
#include "serve/now.h"
#include <config.h>

#include <string.h>

/* ---- parameters ---- */

/* Of kinds of questions, and of what a table or graph is for. */
static const struct extra {
    const char *name, *type, *description;
    size_t offset; /* of the bool in struct question_kind that allows it; SIZE_MAX: all reports do */
} extras[] = {
    {"limit", "integer", "rows of a page, 1 to 1000", offsetof(struct question_kind, paged)},
    {"cursor", "string", "\"next\" of the page before", offsetof(struct question_kind, paged)},
    {"search", "string", "only users and projects whose names contain it", offsetof(struct question_kind, searched)},
    {"width", "integer", "columns of a table or graph", SIZE_MAX},
    {"terminal", "boolean", "whether a table or graph is for a terminal", SIZE_MAX},
    {"colours", "boolean", "whether it has colours", SIZE_MAX},
    {"utf8", "boolean", "whether it shows characters beyond ASCII", SIZE_MAX},
};

static json_t *parameter(const char *name, const char *type, const char *description)
{
    return json_pack("{s:s, s:s, s:b, s:s, s:{s:s}}", "name", name, "in", "query", "required", 0, "description",
                     description, "schema", "type", type);
}

static bool has_extra(const struct question_kind *kind, const struct extra *e)
{
    return e->offset == SIZE_MAX || *(const bool *)((const char *)kind + e->offset);
}

static json_t *parameters_of_now(bool paged)
{
    json_t *array = json_array();
    size_t n;
    const struct now_parameter *rows = now_parameters(&n);

    for (size_t i = 0; i < n; i++)
        if (paged || !rows[i].paged)
            json_array_append_new(array, parameter(rows[i].name, rows[i].type, rows[i].description));
    return array;
}

static json_t *parameters_of(const struct endpoint *e)
{
    json_t *array = json_array();
    size_t n;
    const struct option_row *rows = report_option_rows(&n);

    if (e->answer == answer_current || e->answer == answer_stream) {
        json_decref(array);
        return parameters_of_now(e->question.paged);
    }
    if (e->answer != answer_report)
        return array;
    for (size_t i = 0; i < n; i++) {
        const char *name = rows[i].long_name;

        if (name && question_option(name) && !(e->question.fixed && strcmp(e->question.fixed, name) == 0))
            json_array_append_new(array, parameter(name, rows[i].argument ? "string" : "boolean", rows[i].help));
    }
    for (size_t i = 0; i < array_length(extras); i++)
        if (has_extra(&e->question, &extras[i]))
            json_array_append_new(array, parameter(extras[i].name, extras[i].type, extras[i].description));
    return array;
}

/* ---- answers ---- */

static const struct {
    const char *status, *description;
} problems[] = {
    {"400", "A wrong question"},
    {"401", "Nobody who is known"},
    {"403", "Of somebody else"},
    {"404", "A name that nobody knows"},
    {"429", "Too much at once; see Retry-After"},
    {"503", "The database or the host's users cannot be read now; see Retry-After"},
};

static json_t *content_of(const struct endpoint *e)
{
    if (e->answer == answer_metrics)
        return json_pack("{s:{}, s:{}}", "text/plain", "application/openmetrics-text");
    if (e->answer == answer_current)
        return json_pack("{s:{s:{s:s}}, s:{}, s:{}}", "application/json", "schema", "$ref",
                         "#/components/schemas/Current", "text/csv", "text/tab-separated-values");
    if (e->answer == answer_stream)
        return json_pack("{s:{s:{s:s}}}", "text/event-stream", "schema", "type", "string");
    if (e->answer != answer_report)
        return json_pack("{s:{s:{s:s}}}", "application/json", "schema", "type", "object");
    return json_pack("{s:{s:{s:s}}, s:{}, s:{}, s:{}}", "application/json", "schema", "$ref",
                     "#/components/schemas/Report", "text/csv", "text/tab-separated-values", "text/plain");
}

static json_t *responses_of(const struct endpoint *e)
{
    json_t *responses = json_pack("{s:{s:s, s:o}, s:{s:s}}", "200", "description", e->summary, "content", content_of(e),
                                  "304", "description", "The asker has it already (If-None-Match)");

    for (size_t i = 0; responses && i < array_length(problems); i++)
        json_object_set_new(responses, problems[i].status,
                            json_pack("{s:s, s:{s:{s:{s:s}}}}", "description", problems[i].description, "content",
                                      "application/problem+json", "schema", "$ref", "#/components/schemas/Problem"));
    return responses;
}

static json_t *paths(void)
{
    json_t *object = json_object();
    size_t n;
    const struct endpoint *all = endpoint_all(&n);

    for (size_t i = 0; i < n; i++)
        json_object_set_new(object, all[i].path,
                            json_pack("{s:{s:s, s:o, s:o}}", "get", "summary", all[i].summary, "parameters",
                                      parameters_of(&all[i]), "responses", responses_of(&all[i])));
    return object;
}

static json_t *current_schema(void)
{
    static const struct {
        const char *name, *type;
    } members[] = {
        {"at", "number"},  {"since", "integer"}, {"interval_sec", "number"}, {"by", "string"},
        {"rows", "array"}, {"sum", "object"},    {"left_out", "integer"},
    };
    json_t *properties = json_object(), *required = json_array();

    for (size_t i = 0; i < array_length(members); i++) {
        json_object_set_new(properties, members[i].name, json_pack("{s:s}", "type", members[i].type));
        json_array_append_new(required, json_string(members[i].name));
    }
    json_object_set_new(properties, "next", json_pack("{s:[s, s]}", "type", "string", "null"));
    return json_pack("{s:s, s:o, s:o}", "type", "object", "required", required, "properties", properties);
}

static json_t *schemas(void)
{
    json_t *schemas =
        json_pack("{s:{s:s, s:[s, s, s, s], s:{s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s}}},"
                  " s:{s:s, s:[s, s, s], s:{s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s, s:{s:s}}, s:{s:[s, s]}, s:{s:s}}}}",
                  "Problem", "type", "object", "required", "type", "title", "status", "detail", "properties", "type",
                  "type", "string", "title", "type", "string", "status", "type", "integer", "detail", "type", "string",
                  "Report", "type", "object", "required", "since", "until", "rows", "properties", "jsonversion", "type",
                  "string", "since", "type", "integer", "until", "type", "integer", "rows", "type", "array", "items",
                  "type", "object", "next", "type", "string", "null", "totals", "type", "object");

    if (schemas)
        json_object_set_new(schemas, "Current", current_schema());
    return schemas;
}

int answer_openapi(struct work *w, struct answer *ret)
{
    int r = work_require_no_parameters(w);

    if (r < 0)
        return r;
    return answer_json(
        json_pack(
            "{s:s, s:{s:s, s:s, s:s}, s:o, s:{s:o, s:{s:{s:s, s:s}}}, s:[{s:[]}, {}]}", "openapi", "3.1.0", "info",
            "title", "Pawsey Data Transfer Tracker", "version", PACKAGE_VERSION, "description",
            "Everybody sees their own rows and their projects, administrators everything. On TCP a token says who "
            "asks; on the Unix socket the kernel does.",
            "paths", paths(), "components", "schemas", schemas(), "securitySchemes", "bearer", "type", "http", "scheme",
            "bearer", "security", "bearer"),
        ret);
}
