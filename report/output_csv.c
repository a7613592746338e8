/*
 * Lines for spreadsheets and scripts, after a header line: csv (quoted as in RFC 4180), tsv, and "|" as in sacct -P.
 * Lines end with LF, which every CSV reader takes and without which cut(1) and awk(1) would find a CR in the last
 * column. There is no line of totals: the sum of a column is the total.
 */
#include "report/output.h"

#include "common/cleanup.h"
#include "common/escape.h"

#include <inttypes.h>
#include <string.h>

struct dialect {
    const char *separator;
    char *(*escape)(const char *text);
};

/* As escape_tsv(), and "|" becomes \x7c: sacct's readers split without any quoting. */
static char *escape_parsable(const char *text)
{
    cleanup_free char *safe = escape_tsv(text);
    char *ret, *out;

    if (!safe)
        return NULL;
    ret = out = malloc(strlen(safe) * strlen("\\x7c") + 1);
    for (const char *s = safe; ret && *s; s++)
        out = *s == '|' ? stpcpy(out, "\\x7c") : (*out = *s, out + 1);
    if (ret)
        *out = '\0';
    return ret;
}

static const struct dialect csv = {",", escape_csv};
static const struct dialect tsv = {"\t", escape_tsv};
static const struct dialect parsable = {"|", escape_parsable};

static int begin(struct output_job *job, const struct dialect *dialect)
{
    const char *separator = "";

    job->state = (void *)dialect;
    for (size_t i = 0; i < n_fields; i++) {
        if (!field_is_in_data(&fields[i], job->head->by))
            continue;
        fprintf(job->out, "%s%s", separator, fields[i].key);
        separator = dialect->separator;
    }
    fputc('\n', job->out);
    return 0;
}

static int begin_csv(struct output_job *job)
{
    return begin(job, &csv);
}
static int begin_tsv(struct output_job *job)
{
    return begin(job, &tsv);
}
static int begin_parsable(struct output_job *job)
{
    return begin(job, &parsable);
}

static int put_text(FILE *out, const struct dialect *dialect, const char *text)
{
    cleanup_free char *safe = dialect->escape(text);

    if (!safe)
        return -ENOMEM;
    fputs(safe, out);
    return 0;
}

static int put_field(struct output_job *job, const struct field *field, const struct row *row)
{
    const struct dialect *dialect = job->state;
    char label[32];
    int64_t number;

    if (row->n_others && field == output_first_field(job->head->by))
        return put_text(job->out, dialect, output_others_label(row, label));
    if (field_is_none(field, row))
        return 0;
    if (field->kind == FIELD_TEXT)
        return put_text(job->out, dialect, field_text(field, row));
    number = field_number(field, row);
    if (field->kind == FIELD_PERCENT)
        fprintf(job->out, "%" PRId64 ".%02d", number / 100, (int)(number % 100));
    else
        fprintf(job->out, "%" PRId64, number);
    return 0;
}

static int put_row(struct output_job *job, const struct row *row)
{
    const struct dialect *dialect = job->state;
    const char *separator = "";

    for (size_t i = 0; i < n_fields; i++) {
        if (!field_is_in_data(&fields[i], job->head->by))
            continue;
        fputs(separator, job->out);
        separator = dialect->separator;
        if (put_field(job, &fields[i], row) < 0)
            return -ENOMEM;
    }
    fputc('\n', job->out);
    return 0;
}

static int end(struct output_job *job, const struct row *totals)
{
    return 0;
}

static void done(struct output_job *job) {}

const struct output output_csv = {"csv", begin_csv, put_row, end, done};
const struct output output_tsv = {"tsv", begin_tsv, put_row, end, done};
const struct output output_parsable = {"parsable", begin_parsable, put_row, end, done};
