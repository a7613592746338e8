#include "report/output.h"

#include "common/cleanup.h"

#include <string.h>

static const struct output *const outputs[] = {&output_table, &output_json, &output_csv, &output_tsv};

const struct output *output_find(const char *name)
{
    for (size_t i = 0; i < array_length(outputs); i++)
        if (strcmp(outputs[i]->name, name) == 0)
            return outputs[i];
    return NULL;
}

static int write_report(const struct output *output, struct output_job *job, const struct rows *rows,
                        const struct row *totals)
{
    int r = output->begin(job);

    for (size_t i = 0; r >= 0 && i < rows->n; i++)
        r = output->row(job, &rows->v[i]);
    if (r >= 0)
        r = output->end(job, totals, rows->n);
    return r;
}

static int render(const struct output *output, struct output_job *job, const struct rows *rows,
                  const struct row *totals, char **ret_text, size_t *ret_size)
{
    int r;

    job->out = open_memstream(ret_text, ret_size);
    if (!job->out)
        return -ENOMEM;
    r = write_report(output, job, rows, totals);
    output->done(job);
    if (fclose(job->out) != 0)
        return -ENOMEM;
    return r;
}

int output_report(const struct output *output, const struct report_head *head, const struct rows *rows,
                  const struct row *totals, FILE *out)
{
    struct output_job job = {.head = head, .terminal = fileno(out) >= 0 && isatty(fileno(out))};
    cleanup_free char *text = NULL;
    size_t size = 0;
    int r = render(output, &job, rows, totals, &text, &size);

    if (r < 0)
        return r;
    /* Written in one go: a live view does not flicker, and errno is that of the write. */
    if (fwrite(text, 1, size, out) != size || fflush(out) != 0)
        return errno ? -errno : -EIO;
    return 0;
}

double coverage_percent(const struct coverage *coverage)
{
    int64_t hundredths;

    if (coverage->expected_ms <= 0)
        return -1;
    hundredths = (int64_t)((__int128)coverage->seen_ms * 10000 / coverage->expected_ms);
    return (double)(hundredths < 0 ? 0 : hundredths > 10000 ? 10000 : hundredths) / 100;
}

char *output_others_label(const struct row *row, char buf[static 32])
{
    snprintf(buf, 32, "(%zu other%s)", row->n_others, row->n_others == 1 ? "" : "s");
    return buf;
}

const struct field *output_first_field(unsigned by)
{
    for (size_t i = 0; i < n_fields; i++)
        if (fields[i].dim & by & ~FIELD_PERIOD)
            return &fields[i];
    return &fields[0]; /* the period */
}
