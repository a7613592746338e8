#include "report/report.h"

#include "common/capped.h"
#include "common/cleanup.h"
#include "report/allocations.h"
#include "report/ask.h"
#include "report/audit.h"
#include "report/connections.h"
#include "report/plan.h"
#include "report/samples.h"

#include <string.h>

struct collecting {
    const struct plan *plan;
    const char *host; /* NULL: not asked for */
    bool payload;
    struct rows *rows;
    size_t most_rows; /* 0: no limit */
    const char *search;
    struct held held;
};

static const char *label_of(const struct plan *plan, size_t bucket)
{
    return plan->labels ? plan->labels[bucket] : NULL;
}

bool report_finds(const char *search, const char *user, const char *project)
{
    if (!search || !*search)
        return true;
    return (user && strcasestr(user, search)) || (project && strcasestr(project, search));
}

static int collect_row(const struct store_row *from, void *userdata)
{
    struct collecting *c = userdata;
    const struct store_bucket *bucket = &c->plan->effective[from->bucket];
    const struct store_counters *n = &from->n;
    struct row row = {
        .bucket = from->bucket,
        .period = label_of(c->plan, from->bucket),
        .since_sec = bucket->start_sec,
        .until_sec = bucket->end_sec,
        .host = c->host,
        .user = (char *)from->user, /* rows_add() copies */
        .project = (char *)from->project,
        .unit = (char *)from->unit,
        .class_name = (char *)from->class_name,
        .protocol = (char *)from->protocol,
        .process = (char *)from->process,
        .remote = (char *)from->remote,
        .other = from->other,
        .uid = from->uid,
        .family = from->family,
        .n = *n,
    };

    if (!report_finds(c->search, from->user, from->project))
        return 0;
    if (c->most_rows && c->rows->n == c->most_rows)
        return -E2BIG;
    row.total_bytes =
        c->payload ? add_capped(n->tx_payload_bytes, n->rx_payload_bytes) : add_capped(n->tx_bytes, n->rx_bytes);
    c->held.all_bytes = add_capped(c->held.all_bytes, row.total_bytes);
    c->held.bytes = add_capped(c->held.bytes, from->other ? 0 : row.total_bytes);
    return rows_add(c->rows, &row);
}

/*
 * A report of nothing but periods shows those in which nothing moved too: a quiet day is an answer. Not those that lie
 * outside what the database has ever counted, and not those whose bytes now stand in a longer one.
 */
static int add_quiet_periods(struct collecting *c, const struct store_coverage *stored)
{
    const struct plan *plan = c->plan;
    size_t n_booked = c->rows->n, next = 0;

    for (size_t i = 0; i < plan->n_buckets; i++) {
        const struct store_bucket *bucket = &plan->effective[i];
        struct store_row quiet = {.bucket = i, .uid = -1, .family = -1};
        int r;

        while (next < n_booked && c->rows->v[next].bucket < i)
            next++;
        if (next < n_booked && c->rows->v[next].bucket == i)
            continue;
        if (bucket->start_sec >= bucket->end_sec || bucket->end_sec <= stored->first_sec ||
            bucket->start_sec >= stored->last_sec)
            continue;
        r = collect_row(&quiet, c);
        if (r < 0)
            return r;
    }
    return 0;
}

/* What a policy let pass stands as tx of a row, what it dropped as rx. */
static int collect_policy(const struct store_meter_row *from, void *userdata)
{
    struct collecting *c = userdata;
    const struct store_bucket *bucket = &c->plan->effective[from->bucket];
    struct row row = {
        .bucket = from->bucket,
        .period = label_of(c->plan, from->bucket),
        .since_sec = bucket->start_sec,
        .until_sec = bucket->end_sec,
        .policy = (char *)from->source, /* rows_add() copies */
        .uid = -1,
        .family = -1,
        .n = from->n,
        .total_bytes = add_capped(from->n.tx_bytes, from->n.rx_bytes),
    };

    return c->most_rows && c->rows->n == c->most_rows ? -E2BIG : rows_add(c->rows, &row);
}

/* ---- which time ---- */

struct starts {
    int64_t *v;
    size_t n;
};

static int collect_start(const struct store_bucket *interval, void *userdata)
{
    struct starts *starts = userdata;
    int64_t *v = reallocarray(starts->v, starts->n + 1, sizeof(*v));

    if (!v)
        return -ENOMEM;
    starts->v = v;
    v[starts->n++] = interval->start_sec;
    return starts->n > PLAN_MOST_BUCKETS;
}

int report_plan_intervals(struct store *s, const struct calendar *cal, struct period period, struct plan *ret,
                          char **ret_why)
{
    struct starts starts = {0};
    int r = store_query_intervals(s, period.since_sec, period.until_sec, collect_start, &starts);

    r = r < 0 ? ask_keep_why(s, r, ret_why) : plan_make_intervals(cal, period, starts.v, starts.n, ret, ret_why);
    free(starts.v);
    return r;
}

int report_plan_effective(struct store *s, struct plan *plan, struct report_head *head)
{
    int (*const plan_buckets)(struct store *, const struct store_bucket *, size_t, struct store_bucket *) =
        head->connections ? store_plan_connections : store_plan_buckets;
    size_t n = plan->n_buckets;
    struct store_bucket range = {plan->period.since_sec, plan->period.until_sec};
    int r = plan_buckets(s, &range, 1, &range);

    if (r >= 0)
        r = plan_buckets(s, plan->buckets, n, plan->effective);
    if (r < 0)
        return r;
    head->period = plan->period;
    head->effective = (struct period){range.start_sec, range.end_sec};
    head->n_moved = 0;
    for (size_t i = 0; i < n; i++) {
        bool first = i == 0, last = i + 1 == n;

        head->n_moved += (!first && plan->effective[i].start_sec != plan->buckets[i].start_sec) ||
                         (!last && plan->effective[i].end_sec != plan->buckets[i].end_sec);
    }
    return 0;
}

/* ---- one report ---- */

struct job {
    const struct report_options *o;
    struct period period;
    int64_t now_sec;
    struct plan plan;
    struct report_head head;
    struct store_coverage stored;
    struct rows rows;
    struct collecting collecting;
};

/* Asks what is planned. */
static int ask_planned(struct store *s, struct job *job, char **ret_why)
{
    struct report_head *head = &job->head;
    int r = report_plan_effective(s, &job->plan, head);

    if (r >= 0)
        r = head_read(s, job->now_sec, head, &job->stored);
    if (r >= 0 && head->connections)
        r = store_query_connections_kept(s, head->effective.since_sec, head->effective.until_sec, &head->kept);
    if (r < 0)
        return ask_keep_why(s, r, ret_why);
    if (job->o->by & FIELD_POLICY) {
        r = store_query_policies(s, job->plan.buckets, job->plan.n_buckets, collect_policy, &job->collecting);
        return r < 0 && r != -E2BIG ? ask_keep_why(s, r, ret_why) : r;
    }
    if (job->o->viewer) /* of everybody: nothing for who may not see all */
        head->kept.excess_bytes = head->kept.excess_connections = 0;
    r = ask_usage(s, job->o, job->plan.buckets, job->plan.n_buckets, head->connections, collect_row, &job->collecting,
                  ret_why);
    head->held = job->collecting.held;
    head->held.all_known = !job->o->unit_globs.n || store_knows_units(s, head->effective.since_sec) > 0;
    return r;
}

/* Where raw has expired units are known of connections alone, if any were recorded then. */
static bool asks_connections(struct store *s, const struct job *job)
{
    const struct report_options *o = job->o;
    struct store_connections_kept kept;

    if (o->by & (STORE_BY_PROCESS | STORE_BY_REMOTE))
        return true;
    if ((!(o->by & STORE_BY_UNIT) && !o->unit_globs.n) || o->period == REPORT_INTERVALS)
        return false;
    return store_knows_units(s, job->period.since_sec) == 0 &&
           store_query_connections_kept(s, job->period.since_sec, job->period.until_sec, &kept) >= 0 &&
           kept.first_sec && (!o->since || kept.since_sec <= job->period.since_sec);
}

/* The whole question, of one snapshot of the database. */
static int read_snapshot(struct store *s, void *userdata, char **ret_why)
{
    struct job *job = userdata;
    const struct report_options *o = job->o;
    const struct calendar *cal = job->head.cal;
    int r = 0;

    job->head.connections = asks_connections(s, job);
    if (job->head.connections && (r = connections_cut_period(s, o, &job->period, &job->head.cut)) < 0)
        return ask_keep_why(s, r, ret_why);
    r = o->period == REPORT_INTERVALS ? report_plan_intervals(s, cal, job->period, &job->plan, ret_why)
                                      : plan_make(cal, job->period, o->period, &job->plan, ret_why);
    if (r < 0)
        return r;
    job->collecting = (struct collecting){
        .plan = &job->plan,
        .host = o->by & FIELD_HOST ? store_host(s) : NULL,
        .payload = o->payload,
        .rows = &job->rows,
        .most_rows = o->most_rows,
        .search = o->search,
    };
    return ask_planned(s, job, ret_why);
}

static int write_rows(struct job *job, FILE *out)
{
    const struct report_options *o = job->o;
    struct row totals;

    rows_merge(&job->rows);
    if (job->plan.labels && !(o->by & ~FIELD_HOST)) {
        int r = add_quiet_periods(&job->collecting, &job->stored);

        if (r < 0)
            return r;
    }
    totals = rows_sum(&job->rows);
    rows_sort(&job->rows, o->sort_field, o->by_period);
    rows_top(&job->rows, o->top, o->by_period);
    return output_report(o->output, &job->head, &job->rows, &totals, out);
}

static int write_usage(struct store *s, const struct calendar *cal, int64_t now_sec, const struct report_options *o,
                       FILE *out, char **ret_why)
{
    struct job job = {.o = o, .now_sec = now_sec};
    int r;

    job.head = ask_head(cal, o, o->by | (o->period != REPORT_NO_PERIOD ? FIELD_PERIOD : 0));
    r = period_parse(cal, now_sec, o->since, o->until, &job.period, ret_why);
    if (r >= 0)
        r = ask_snapshot(s, read_snapshot, &job, ret_why);
    if (r >= 0)
        r = write_rows(&job, out);
    rows_done(&job.rows);
    plan_done(&job.plan);
    head_done(&job.head);
    return r;
}

int report_write(struct store *s, const struct calendar *cal, int64_t now_sec, const struct report_options *o,
                 FILE *out, char **ret_why)
{
    char *why = NULL;
    int n = 0, r = (o->audit               ? audit_write
                    : o->allocations       ? allocations_write
                    : o->connections       ? connections_write
                    : o->samples           ? samples_write
                    : o->by & FIELD_SOURCE ? sources_write
                                           : write_usage)(s, cal, now_sec, o, out, &why);

    if (r == -E2BIG && !why)
        n = asprintf(&why, "the report has more than %zu rows; ask for a shorter time, or for fewer dimensions",
                     o->most_rows);
    else if (r < 0 && !why && r != -EPIPE)
        n = asprintf(&why, "cannot write the report: %s", strerror(-r));
    if (n < 0)
        why = NULL;
    if (r < 0)
        *ret_why = why;
    return r;
}

int report_open_calendar(struct store *s, struct calendar **ret_cal, char **ret_why)
{
    const char *zone = store_zone(s);
    int r;

    if (!*zone)
        zone = "local"; /* nothing was booked yet */
    r = calendar_open(zone, ret_cal);
    if (r < 0 && asprintf(ret_why, "time zone '%s' of the database: %s; is tzdata installed?", zone, strerror(-r)) < 0)
        *ret_why = NULL;
    return r;
}
