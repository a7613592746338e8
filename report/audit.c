#include "common/cleanup.h"
#include "common/escape.h"
#include "report/ask.h"
#include "report/audit_internal.h"
#include "sql/counters.h"

#include <string.h>

/* ---- reading ---- */

struct audit_sum *audit_find_sum(const struct audit_job *job, size_t bucket, const char *source, const char *kind)
{
    for (size_t i = 0; i < job->n_sums; i++) {
        struct audit_sum *sum = &job->sums[i];

        if (sum->bucket == bucket && strcmp(sum->source, source) == 0 && strcmp(sum->kind, kind) == 0)
            return sum;
    }
    return NULL;
}

static int collect_meter(const struct store_meter_row *row, void *userdata)
{
    struct audit_job *job = userdata;
    struct audit_sum *sum = audit_find_sum(job, row->bucket, row->source, row->kind), *v;

    if (!sum) {
        v = reallocarray(job->sums, job->n_sums + 1, sizeof(*v));
        if (!v)
            return -ENOMEM;
        job->sums = v;
        sum = &v[job->n_sums++];
        *sum = (struct audit_sum){
            .bucket = row->bucket, .source = strdup(row->source), .kind = strdup(row->kind), .programs = row->programs};
        if (!sum->source || !sum->kind)
            return -ENOMEM;
    }
    counters_add(&sum->n, &row->n);
    return 0;
}

static int collect_class(const struct store_row *row, void *userdata)
{
    struct audit_booked *b = &((struct audit_job *)userdata)->booked[row->bucket];

    counters_add(strcmp(row->class_name, "loopback") == 0 ? &b->loopback : &b->wire, &row->n);
    return 0;
}

static int collect_nobody(const struct store_row *row, void *userdata)
{
    struct audit_booked *b = &((struct audit_job *)userdata)->booked[row->bucket];

    counters_add(strcmp(row->user, "(overflow)") == 0 ? &b->overflow : &b->unattributed, &row->n);
    return 0;
}

static int collect_layer(const struct store_layer *layer, void *userdata)
{
    struct audit_job *job = userdata;
    struct audit_layer *v = reallocarray(job->layers, job->n_layers + 1, sizeof(*v));
    struct calendar_time t;

    if (!v)
        return -ENOMEM;
    job->layers = v;
    v += job->n_layers++;
    *v = (struct audit_layer){.name = strdup(layer->layer)};
    calendar_civil(job->head.cal, layer->first_sec, &t);
    if (asprintf(&v->text, "%s since %04d-%02d-%02d %02d:%02d:%02d %s%s%s", layer->state, t.year, t.month, t.day,
                 t.hour, t.minute, t.second, t.abbreviation, *layer->detail ? ": " : "", layer->detail) < 0)
        v->text = NULL;
    return v->name && v->text ? 0 : -ENOMEM;
}

static int read_ledger(struct store *s, struct audit_job *job, char **ret_why)
{
    static const char *const nobody[] = {"(unattributed)", "(overflow)"};
    struct store_query query = {.buckets = job->plan.buckets, .n_buckets = job->plan.n_buckets, .by = STORE_BY_CLASS};
    int r;

    job->booked = calloc(job->plan.n_buckets + 1, sizeof(*job->booked));
    if (!job->booked)
        return -ENOMEM;
    r = ask_booked(s, &query, collect_class, job, ret_why);
    if (r < 0)
        return r;
    query.by = STORE_BY_USER;
    query.users = (struct store_names){nobody, array_length(nobody)};
    return ask_booked(s, &query, collect_nobody, job, ret_why);
}

static int read_snapshot(struct store *s, void *userdata, char **ret_why)
{
    struct audit_job *job = userdata;
    const struct report_options *o = job->o;
    int r = o->period == REPORT_INTERVALS ? report_plan_intervals(s, job->head.cal, job->period, &job->plan, ret_why)
                                          : plan_make(job->head.cal, job->period, o->period, &job->plan, ret_why);

    if (r < 0)
        return r;
    r = report_plan_effective(s, &job->plan, &job->head);
    if (r >= 0)
        r = head_read(s, job->now_sec, &job->head, &job->stored);
    if (r >= 0)
        r = store_query_meters(s, job->plan.buckets, job->plan.n_buckets, collect_meter, job);
    if (r >= 0)
        r = store_query_layers(s, job->period.since_sec, job->period.until_sec, collect_layer, job);
    return r < 0 ? ask_keep_why(s, r, ret_why) : read_ledger(s, job, ret_why);
}

/* ---- the page ---- */

int audit_put_notes(FILE *out, const struct rows *rows)
{
    for (size_t i = 0; i < rows->n; i++) {
        const struct audit_line *line = rows->v[i].audit;
        cleanup_free char *what = NULL, *meaning = NULL;
        bool first = true;

        for (size_t k = 0; k < i && first; k++)
            first = strcmp(rows->v[k].audit->section, line->section) != 0 ||
                    strcmp(rows->v[k].audit->what, line->what) != 0;
        if (!line->meaning || (!first && strcmp(line->section, AUDIT_LAYERS) != 0))
            continue;
        what = escape_terminal(line->what);
        meaning = escape_terminal(line->meaning);
        if (!what || !meaning)
            return -ENOMEM;
        if (i == 0 || strcmp(rows->v[i - 1].audit->section, line->section) != 0)
            fprintf(out, "\n%s\n", line->section);
        fprintf(out, "  %-18s %s\n", what, meaning);
    }
    return 0;
}

static void job_done(struct audit_job *job)
{
    for (size_t i = 0; i < job->n_sums; i++) {
        free(job->sums[i].source);
        free(job->sums[i].kind);
    }
    for (size_t i = 0; i < job->n_layers; i++) {
        free(job->layers[i].name);
        free(job->layers[i].text);
    }
    for (size_t i = 0; i < job->n_lines; i++)
        free(job->lines[i]);
    free(job->sums);
    free(job->layers);
    free(job->lines);
    free(job->booked);
    rows_done(&job->rows);
    plan_done(&job->plan);
    head_done(&job->head);
}

int audit_write(struct store *s, const struct calendar *cal, int64_t now_sec, const struct report_options *o, FILE *out,
                char **ret_why)
{
    struct audit_job job = {.o = o, .now_sec = now_sec};
    int r;

    job.head = (struct report_head){
        .cal = cal,
        .by = FIELD_AUDIT | (o->period != REPORT_NO_PERIOD ? FIELD_PERIOD : 0),
        .units = o->units,
        .page = o->page,
    };
    r = period_parse(cal, now_sec, o->since, o->until, &job.period, ret_why);
    if (r >= 0)
        r = ask_snapshot(s, read_snapshot, &job, ret_why);
    if (r >= 0)
        r = audit_add_rows(&job);
    if (r >= 0)
        r = output_report(o->output, &job.head, &job.rows, NULL, out);
    job_done(&job);
    return r;
}
