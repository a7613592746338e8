#include "report/report.h"

#include "common/cleanup.h"
#include "report/ask.h"
#include "report/plan.h"

#include <string.h>

/* The interval that is being counted right now is not missing, only not booked yet; intervals may be long. */
enum { LATEST_SEC = 120 };

struct collecting {
    const struct plan *plan;
    bool payload;
    struct rows *rows;
};

static const char *label_of(const struct plan *plan, size_t bucket)
{
    return plan->labels ? plan->labels[bucket] : NULL;
}

static int collect_row(const struct store_row *from, void *userdata)
{
    const struct collecting *c = userdata;
    const struct store_bucket *bucket = &c->plan->buckets[from->bucket];
    const struct store_counters *n = &from->n;
    struct row row = {
        .bucket = from->bucket,
        .period = label_of(c->plan, from->bucket),
        .since_sec = bucket->start_sec,
        .until_sec = bucket->end_sec,
        .user = (char *)from->user, /* rows_add() copies */
        .project = (char *)from->project,
        .class_name = (char *)from->class_name,
        .protocol = (char *)from->protocol,
        .uid = from->uid,
        .family = from->family,
        .n = *n,
    };

    row.total_bytes = c->payload ? n->tx_payload_bytes + n->rx_payload_bytes : n->tx_bytes + n->rx_bytes;
    return rows_add(c->rows, &row);
}

/*
 * A report of nothing but periods shows those in which nothing moved too: a quiet day is an answer. Not those that lie
 * outside what the database has ever counted.
 */
static int add_quiet_periods(const struct plan *plan, const struct store_coverage *stored, struct rows *rows)
{
    size_t n_booked = rows->n, next = 0;

    for (size_t i = 0; i < plan->n_buckets; i++) {
        const struct store_bucket *bucket = &plan->buckets[i];
        struct store_row quiet = {.bucket = i, .uid = -1, .family = -1};
        int r;

        while (next < n_booked && rows->v[next].bucket < i)
            next++;
        if (next < n_booked && rows->v[next].bucket == i)
            continue;
        if (bucket->end_sec <= stored->first_sec || bucket->start_sec >= stored->last_sec)
            continue;
        r = collect_row(&quiet, &(struct collecting){plan, false, rows});
        if (r < 0)
            return r;
    }
    return 0;
}

static struct coverage coverage_of(const struct store_coverage *stored, struct period period, int64_t now_sec)
{
    int64_t since = period.since_sec > stored->first_sec ? period.since_sec : stored->first_sec;
    int64_t last = stored->last_sec <= now_sec && now_sec - stored->last_sec <= LATEST_SEC ? stored->last_sec : now_sec;
    int64_t until = period.until_sec < last ? period.until_sec : last;

    return (struct coverage){
        .never = stored->first_sec == 0,
        .expected_ms = stored->first_sec != 0 && until > since ? (until - since) * 1000 : 0,
        .seen_ms = stored->seen_ms,
    };
}

static int keep_why(struct store *s, int r, char **ret_why)
{
    const char *why = store_why(s);

    *ret_why = why ? strdup(why) : NULL;
    return *ret_why ? r : -ENOMEM;
}

/* The question and the coverage, of one snapshot of the database. */
static int read_store(struct store *s, const struct report_options *o, const struct plan *plan, struct rows *rows,
                      struct store_coverage *ret_stored, char **ret_why)
{
    struct collecting c = {plan, o->payload, rows};
    int r = store_begin_read(s);

    if (r < 0)
        return keep_why(s, r, ret_why);
    r = store_query_coverage(s, plan->period.since_sec, plan->period.until_sec, ret_stored);
    if (r < 0)
        r = keep_why(s, r, ret_why);
    else
        r = ask_usage(s, o, plan->buckets, plan->n_buckets, collect_row, &c, ret_why);
    store_end_read(s);
    return r;
}

static int write_rows(const struct report_options *o, const struct report_head *head, struct rows *rows, FILE *out,
                      char **ret_why)
{
    struct row totals = rows_sum(rows);
    int r;

    rows_sort(rows, o->sort_field, o->by_period);
    rows_top(rows, o->top, o->by_period);
    r = output_report(o->output, head, rows, &totals, out);
    if (r < 0 && r != -EPIPE && asprintf(ret_why, "cannot write the report: %s", strerror(-r)) < 0)
        return -ENOMEM;
    return r;
}

static int write_plan(struct store *s, const struct calendar *cal, int64_t now_sec, const struct report_options *o,
                      const struct plan *plan, struct rows *rows, FILE *out, char **ret_why)
{
    struct store_coverage stored = {0};
    struct report_head head;
    int r = read_store(s, o, plan, rows, &stored, ret_why);

    if (r < 0)
        return r;
    rows_merge(rows);
    if (plan->labels && !o->by)
        r = add_quiet_periods(plan, &stored, rows);
    if (r < 0)
        return r;
    head = (struct report_head){
        .host = store_host(s),
        .period = plan->period,
        .cal = cal,
        .coverage = coverage_of(&stored, plan->period, now_sec),
        .by = o->by | (plan->labels ? FIELD_PERIOD : 0),
        .payload = o->payload,
        .units = o->units,
    };
    return write_rows(o, &head, rows, out, ret_why);
}

int report_write(struct store *s, const struct calendar *cal, int64_t now_sec, const struct report_options *o,
                 FILE *out, char **ret_why)
{
    struct period period;
    struct plan plan = {0};
    struct rows rows = {0};
    char *why = NULL;
    int r = period_parse(cal, now_sec, o->since, o->until, &period, &why);

    if (r >= 0)
        r = plan_make(cal, period, o->period, &plan, &why);
    if (r >= 0)
        r = write_plan(s, cal, now_sec, o, &plan, &rows, out, &why);
    rows_done(&rows);
    plan_done(&plan);
    if (r < 0 && !why && r != -EPIPE)
        why = strdup(strerror(-r));
    if (r < 0)
        *ret_why = why;
    return r;
}
