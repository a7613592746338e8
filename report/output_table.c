/* The table for people: period, host and coverage above, totals below. Colours only where a terminal shows them. */
#include "report/output.h"

#include "common/cleanup.h"
#include "common/escape.h"

#include <inttypes.h>
#include <libsmartcols.h>
#include <string.h>

#define BOLD "\033[1m"

static bool is_shown(const struct field *field, const struct report_head *head)
{
    if (!field_is_in(field, head->by) || field->view == FIELD_HIDDEN)
        return false;
    return field->view == FIELD_ALWAYS || field->view == (head->payload ? FIELD_PAYLOAD : FIELD_WIRE);
}

/* https://no-color.org: any value that is not empty. A dumb terminal would show the sequences as text. */
static bool want_colours(const struct output_job *job)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

    return job->terminal && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}

static int add_column(struct libscols_table *table, const struct field *field)
{
    bool text = field->dim != 0;
    struct libscols_column *column =
        scols_table_new_column(table, field->heading, 0, text ? SCOLS_FL_NOEXTREMES : SCOLS_FL_RIGHT);

    if (!column)
        return -ENOMEM;
    return scols_cell_set_color(scols_column_get_header(column), BOLD);
}

static int table_begin(struct output_job *job)
{
    struct libscols_table *table = scols_new_table();

    if (!table)
        return -ENOMEM;
    job->state = table;
    scols_table_enable_colors(table, want_colours(job));
    /* All text is made harmless before it comes here; a second encoding would show "\x1b" as "\x5cx1b". */
    scols_table_enable_noencoding(table, 1);
    scols_table_set_stream(table, job->out);
    /* A pipe has no width: cutting columns there would lose figures. */
    if (!job->terminal)
        scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
    for (size_t i = 0; i < n_fields; i++)
        if (is_shown(&fields[i], job->head) && add_column(table, &fields[i]) < 0)
            return -ENOMEM;
    return 0;
}

static char *family_text(int64_t family)
{
    return strdup(family == 4 ? "IPv4" : "IPv6");
}

/* What stands in the cell, malloc'ed, NULL when memory is out. */
static char *cell_text(const struct report_head *head, const struct field *field, const struct row *row)
{
    char bytes[UNITS_TEXT_MAX], *ret;

    if (field_is_none(field, row))
        return strdup(row->n_others ? "" : "-");
    switch (field->kind) {
    case FIELD_TEXT:
        return escape_terminal(field_text(field, row));
    case FIELD_FAMILY:
        return family_text(field_number(field, row));
    case FIELD_BYTES:
        return strdup(units_format_bytes(bytes, field_number(field, row), head->units));
    default:
        return asprintf(&ret, "%" PRId64, field_number(field, row)) < 0 ? NULL : ret;
    }
}

/* label, if any, takes the place of the dimensions. */
static int add_line(struct output_job *job, const struct row *row, const char *label, const char *colour)
{
    const struct report_head *head = job->head;
    struct libscols_line *line = scols_table_new_line(job->state, NULL);
    size_t column = 0;

    if (!line || (colour && scols_line_set_color(line, colour) < 0))
        return -ENOMEM;
    for (size_t i = 0; i < n_fields; i++) {
        cleanup_free char *text = NULL;

        if (!is_shown(&fields[i], head))
            continue;
        if (label && &fields[i] == output_first_field(head->by))
            text = strdup(label);
        else if (label && field_is_none(&fields[i], row))
            text = strdup("");
        else
            text = cell_text(head, &fields[i], row);
        if (!text || scols_line_refer_data(line, column++, take_ptr(text)) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int table_row(struct output_job *job, const struct row *row)
{
    char label[32];

    return add_line(job, row, row->n_others ? output_others_label(row, label) : NULL, NULL);
}

/* ---- above the table ---- */

/* "2026-11-01 00:00 AWST"; seconds only where there are some. */
static void put_instant(FILE *out, const struct calendar *cal, int64_t sec)
{
    struct calendar_time t;

    calendar_civil(cal, sec, &t);
    fprintf(out, "%04d-%02d-%02d %02d:%02d", t.year, t.month, t.day, t.hour, t.minute);
    if (t.second)
        fprintf(out, ":%02d", t.second);
    fprintf(out, " %s", t.abbreviation);
}

static void put_coverage(FILE *out, const struct coverage *coverage)
{
    double percent = coverage_percent(coverage);

    if (coverage->never)
        fputs("none: the database holds no interval yet; is pdttd running?\n", out);
    else if (percent < 0)
        fputs("none: nothing was counted in this period\n", out);
    else
        fprintf(out, "%.2f %%\n", percent);
}

static int put_head(FILE *out, const struct report_head *head)
{
    cleanup_free char *host = escape_terminal(head->host ? head->host : "");

    if (!host)
        return -ENOMEM;
    fputs("Period:   ", out);
    put_instant(out, head->cal, head->period.since_sec);
    fputs(" to ", out);
    put_instant(out, head->cal, head->period.until_sec);
    fprintf(out, "\nHost:     %s\nCoverage: ", host);
    put_coverage(out, &head->coverage);
    if (head->payload)
        fputs("Bytes:    payload, as processes sent and received it\n", out);
    return 0;
}

static int table_end(struct output_job *job, const struct row *totals, size_t n_rows)
{
    int r = put_head(job->out, job->head);

    if (r < 0)
        return r;
    fputc('\n', job->out);
    if (n_rows == 0) {
        fputs("Nothing was booked for this question.\n", job->out);
        return 0;
    }
    r = add_line(job, totals, "Total", BOLD);
    if (r < 0)
        return r;
    return scols_print_table(job->state) < 0 ? -ENOMEM : 0;
}

static void table_done(struct output_job *job)
{
    scols_unref_table(job->state);
    job->state = NULL;
}

const struct output output_table = {"table", table_begin, table_row, table_end, table_done};
