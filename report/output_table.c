/* The table for people: period, host and coverage above, totals below. Colours only where a terminal shows them. */
#include "report/audit.h"
#include "report/output.h"

#include "common/cleanup.h"
#include "common/escape.h"

#include <inttypes.h>
#include <libsmartcols.h>
#include <locale.h>
#include <string.h>

#define BOLD "\033[1m"

static int add_column(struct libscols_table *table, const struct field *field)
{
    bool text = field_is_label(field);
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
    scols_table_enable_colors(table, job->target.colours);
    /* All text is made harmless before it comes here; a second encoding would show "\x1b" as "\x5cx1b". */
    scols_table_enable_noencoding(table, 1);
    scols_table_set_stream(table, job->out);
    /* A pipe has no width: cutting columns there would lose figures. */
    scols_table_set_termforce(table, job->target.terminal ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
    if (job->target.terminal)
        scols_table_set_termwidth(table, job->target.width);
    for (size_t i = 0; i < n_fields; i++)
        if (output_is_shown(&fields[i], job->head) && add_column(table, &fields[i]) < 0)
            return -ENOMEM;
    return 0;
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

        if (!output_is_shown(&fields[i], head))
            continue;
        if (label && &fields[i] == output_first_field(head->by))
            text = strdup(label);
        else if (label && field_is_none(&fields[i], row))
            text = strdup("");
        else
            text = output_cell_text(head, &fields[i], row);
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

/*
 * libsmartcols 2.38 goes on for ever at some cells with characters that the locale does not have, such as those of a user
 * name under LC_ALL=C. What is printed is UTF-8 in any locale, so that is what it is told.
 */
static int print_table(struct libscols_table *table)
{
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    locale_t before = utf8 ? uselocale(utf8) : (locale_t)0;
    int r = scols_print_table(table);

    if (utf8) {
        uselocale(before);
        freelocale(utf8);
    }
    return r;
}

static int table_end(struct output_job *job, const struct row *totals)
{
    int r = head_put(job->out, job->head);

    if (r < 0)
        return r;
    fputc('\n', job->out);
    if (job->rows->n == 0) {
        fputs(output_nothing(job->head), job->out);
        return 0;
    }
    r = totals ? add_line(job, totals, "Total", BOLD) : 0;
    if (r < 0)
        return r;
    if (print_table(job->state) < 0)
        return -ENOMEM;
    return job->head->by & FIELD_AUDIT ? audit_put_notes(job->out, job->rows) : 0;
}

static void table_done(struct output_job *job)
{
    scols_unref_table(job->state);
    job->state = NULL;
}

const struct output output_table = {"table", table_begin, table_row, table_end, table_done};
