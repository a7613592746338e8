/* Bars for people: what the table shows as text, and one counter as a bar. All rows share one scale. */
#include "report/output.h"

#include "common/cleanup.h"
#include "common/columns.h"
#include "common/escape.h"
#include "report/graph.h"

#include <stdint.h>
#include <string.h>

/* Where labels leave less, lines become longer than the terminal instead of bars that say nothing. */
enum { LEAST_BAR = 10 };

struct graph_state {
    size_t *widths; /* of each field's column */
};

static bool has_column(const struct report_head *head, const struct field *field)
{
    return field == head->measure || (field_is_label(field) && output_is_shown(field, head));
}

/* What stands in a row's column, malloc'ed. */
static char *text_of(const struct report_head *head, const struct field *field, const struct row *row)
{
    char label[32];

    if (row->n_others && field == output_first_field(head->by))
        return strdup(output_others_label(row, label));
    return output_cell_text(head, field, row);
}

static int graph_begin(struct output_job *job)
{
    struct graph_state *state = calloc(1, sizeof(*state));

    if (!state)
        return -ENOMEM;
    job->state = state;
    state->widths = calloc(n_fields, sizeof(*state->widths));
    if (!state->widths)
        return -ENOMEM;
    for (size_t i = 0; i < n_fields; i++)
        if (has_column(job->head, &fields[i]))
            state->widths[i] = strlen(fields[i].heading);
    return 0;
}

/* Measures; what is drawn needs the widths of all rows. */
static int graph_row(struct output_job *job, const struct row *row)
{
    struct graph_state *state = job->state;

    for (size_t i = 0; i < n_fields; i++) {
        cleanup_free char *text = NULL;
        size_t width;

        if (!has_column(job->head, &fields[i]))
            continue;
        text = text_of(job->head, &fields[i], row);
        if (!text)
            return -ENOMEM;
        width = columns_of(text);
        state->widths[i] = width > state->widths[i] ? width : state->widths[i];
    }
    return 0;
}

static void put_padded(FILE *out, const char *text, size_t width, bool right)
{
    columns_put(out, text, width, right);
    fputc(' ', out);
}

static void put_headings(struct output_job *job)
{
    const struct graph_state *state = job->state;
    const char *separator = "";

    for (size_t i = 0; i < n_fields; i++) {
        bool right = !field_is_label(&fields[i]);

        if (!has_column(job->head, &fields[i]))
            continue;
        fputs(separator, job->out);
        separator = " ";
        fprintf(job->out, right ? "%*s" : "%-*s", (int)state->widths[i], fields[i].heading);
    }
    fputc('\n', job->out);
}

static int put_line(struct output_job *job, const struct graph_scale *scale, const struct row *row)
{
    const struct graph_state *state = job->state;
    cleanup_free char *bar = graph_bar(scale, field_number(job->head->measure, row));

    for (size_t i = 0; i < n_fields; i++) {
        cleanup_free char *text = NULL;

        if (!has_column(job->head, &fields[i]))
            continue;
        text = text_of(job->head, &fields[i], row);
        if (!text)
            return -ENOMEM;
        put_padded(job->out, text, state->widths[i], !field_is_label(&fields[i]));
    }
    if (!bar)
        return -ENOMEM;
    fprintf(job->out, "%s\n", bar);
    return 0;
}

/* All rows on the columns that labels and figures leave. */
static int make_scale(const struct output_job *job, struct graph_scale *ret)
{
    const struct graph_state *state = job->state;
    cleanup_free int64_t *values = calloc(job->rows->n, sizeof(*values));
    size_t used = 0;

    if (!values)
        return -ENOMEM;
    for (size_t i = 0; i < n_fields; i++)
        used += state->widths[i] ? state->widths[i] + 1 : 0;
    for (size_t i = 0; i < job->rows->n; i++)
        values[i] = field_number(job->head->measure, &job->rows->v[i]);
    *ret = graph_scale(values, job->rows->n,
                       job->target.width > used + LEAST_BAR ? job->target.width - used : LEAST_BAR, job->target.utf8);
    return 0;
}

static void put_total(struct output_job *job, const struct row *totals)
{
    const struct graph_state *state = job->state;
    const struct field *measure = job->head->measure;
    enum units_style units = measure->kind == FIELD_BYTES ? job->head->units : UNITS_BYTES;
    char total[UNITS_TEXT_MAX];
    const char *label = "Total";

    for (size_t i = 0; i < n_fields; i++) {
        if (!has_column(job->head, &fields[i]) || &fields[i] == measure)
            continue;
        put_padded(job->out, label, state->widths[i], false);
        label = "";
    }
    units_format_bytes(total, field_number(measure, totals), units);
    fprintf(job->out, "%*s\n", (int)state->widths[measure - fields], total);
}

static int graph_end(struct output_job *job, const struct row *totals)
{
    struct graph_scale scale;
    int r = head_put(job->out, job->head);

    if (r < 0)
        return r;
    fputc('\n', job->out);
    if (job->rows->n == 0) {
        fputs(output_nothing(job->head), job->out);
        return 0;
    }
    r = make_scale(job, &scale);
    if (r < 0)
        return r;
    put_headings(job);
    for (size_t i = 0; i < job->rows->n; i++) {
        r = put_line(job, &scale, &job->rows->v[i]);
        if (r < 0)
            return r;
    }
    put_total(job, totals);
    return 0;
}

static void graph_done(struct output_job *job)
{
    struct graph_state *state = job->state;

    if (state)
        free(state->widths);
    free(state);
    job->state = NULL;
}

const struct output output_graph = {"graph", graph_begin, graph_row, graph_end, graph_done};
