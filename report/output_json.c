/* JSON for scripts: {"jsonversion":"1","host",…,"rows":[…],"totals":{…}}; times are seconds since 1970, bytes plain. */
#include "report/output.h"

#include "common/capped.h"
#include "common/cleanup.h"
#include "common/escape.h"

#include <jansson.h>

struct json_state {
    json_t *root, *rows;
};

static json_t *json_text(const char *text)
{
    cleanup_free char *valid = escape_utf8(text);

    return valid ? json_string_nocheck(valid) : NULL;
}

static json_t *json_field(const struct field *field, const struct row *row)
{
    if (field_is_none(field, row))
        return json_null();
    if (field->kind == FIELD_TEXT)
        return json_text(field_text(field, row));
    if (field->kind == FIELD_PERCENT)
        return json_real((double)field_number(field, row) / 100);
    return json_integer(field_number(field, row));
}

/* Adds the fields of row that are --by these dimensions and the counters. */
static int set_fields(json_t *object, const struct row *row, unsigned by)
{
    for (size_t i = 0; i < n_fields; i++) {
        if (!field_is_in_data(&fields[i], by))
            continue;
        if (json_object_set_new_nocheck(object, fields[i].key, json_field(&fields[i], row)) < 0)
            return -ENOMEM;
    }
    return 0;
}

static json_t *coverage_object(const struct coverage *coverage)
{
    double percent = coverage_percent(coverage);

    return json_pack("{s:I, s:I, s:o}", "expected", (json_int_t)(coverage->expected_ms / 1000), "seen",
                     (json_int_t)(coverage->seen_ms / 1000), "percent", percent < 0 ? json_null() : json_real(percent));
}

static json_t *gaps_array(const struct gaps *gaps)
{
    json_t *array = json_array();

    for (size_t i = 0; i < gaps->n; i++) {
        const struct store_gap *gap = &gaps->v[i];

        if (json_array_append_new(array, json_pack("{s:I, s:I, s:o}", "since", (json_int_t)gap->start_sec, "until",
                                                   (json_int_t)gap->end_sec, "reason", json_text(gap->reason))) < 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

/* How much connections hold, and what no record was left for. */
static int put_connections(json_t *root, const struct report_head *head)
{
    const struct store_connections_kept *kept = &head->kept;
    double percent = held_percent(&head->held);
    json_t *object =
        json_pack("{s:I, s:o, s:o, s:I, s:{s:I, s:I}}", "held_bytes", (json_int_t)head->held.bytes, "percent",
                  percent < 0 || !head->held.all_known ? json_null() : json_real(percent), "since",
                  kept->since_sec ? json_integer((json_int_t)kept->since_sec) : json_null(), "other_bytes",
                  (json_int_t)subtract_capped(head->held.all_bytes, head->held.bytes), "beyond_limit", "connections",
                  (json_int_t)kept->excess_connections, "bytes", (json_int_t)kept->excess_bytes);

    return json_object_set_new_nocheck(root, "connections", object) < 0 ? -ENOMEM : 0;
}

static int put_samples(json_t *root, const struct samples_seen *s)
{
    json_t *object =
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "seen", (json_int_t)s->seen, "seen_packets", (json_int_t)s->packets,
                  "seen_bytes", (json_int_t)s->bytes, "drawn", (json_int_t)s->drawn, "lost", (json_int_t)s->lost,
                  "sources_full", (json_int_t)s->sources_full);

    return json_object_set_new_nocheck(root, "samples", object) < 0 ? -ENOMEM : 0;
}

static int json_begin(struct output_job *job)
{
    const struct report_head *head = job->head;
    struct json_state *state = calloc(1, sizeof(*state));

    if (!state)
        return -ENOMEM;
    job->state = state;
    state->rows = json_array();
    state->root =
        json_pack("{s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:s, s:o, s:o, s:O}", "jsonversion", "1", "host",
                  json_text(head->host ? head->host : ""), "timezone", json_text(head->zone ? head->zone : ""), "since",
                  (json_int_t)head->period.since_sec, "until", (json_int_t)head->period.until_sec, "effective_since",
                  (json_int_t)head->effective.since_sec, "effective_until", (json_int_t)head->effective.until_sec,
                  "bytes", head->payload ? "payload" : "wire", "coverage", coverage_object(&head->coverage), "gaps",
                  gaps_array(&head->gaps), "rows", state->rows);
    if (!state->root)
        return -ENOMEM;
    if (head->samples.wanted)
        return put_samples(state->root, &head->samples);
    return head->connections ? put_connections(state->root, head) : 0;
}

static int json_row(struct output_job *job, const struct row *row)
{
    struct json_state *state = job->state;
    json_t *object = json_object();

    if (json_array_append_new(state->rows, object) < 0 || set_fields(object, row, job->head->by) < 0)
        return -ENOMEM;
    if (row->n_others && json_object_set_new(object, "others", json_integer((json_int_t)row->n_others)) < 0)
        return -ENOMEM;
    return 0;
}

/* The counters alone; those of policies are their own. */
static int put_totals(json_t *root, const struct row *totals, unsigned by)
{
    json_t *object = json_object();

    if (json_object_set_new(root, "totals", object) < 0 || set_fields(object, totals, by & FIELD_POLICY) < 0)
        return -ENOMEM;
    json_object_del(object, "policy");
    return 0;
}

/* The cursor of the next page; null after the last one. */
static int put_next(json_t *root, const struct report_page *page)
{
    if (!page)
        return 0;
    return json_object_set_new(root, "next", *page->next ? json_string(page->next) : json_null()) < 0 ? -ENOMEM : 0;
}

static int json_end(struct output_job *job, const struct row *totals)
{
    struct json_state *state = job->state;

    if (put_next(state->root, job->head->page) < 0)
        return -ENOMEM;
    if (totals && put_totals(state->root, totals, job->head->by) < 0)
        return -ENOMEM;
    /* Percentages are the only real numbers; 17 digits would show it as 99.980000000000004. */
    cleanup_free char *page = json_dumps(state->root, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    cleanup_free char *harmless = page ? escape_json(page) : NULL;
    if (!harmless)
        return -ENOMEM;
    fprintf(job->out, "%s\n", harmless);
    return 0;
}

static void json_done(struct output_job *job)
{
    struct json_state *state = job->state;

    if (!state)
        return;
    json_decref(state->rows);
    json_decref(state->root);
    free(state);
    job->state = NULL;
}

const struct output output_json = {"json", json_begin, json_row, json_end, json_done};
