#include "report/connections.h"

#include "common/capped.h"
#include "common/cleanup.h"
#include "report/ask.h"
#include "report/report.h"

#include <string.h>

struct job {
    const struct report_options *o;
    int64_t now_sec;
    struct report_head head;
    struct connection_use **uses; /* of rows; each on its own, since rows point to them */
    size_t n, room;
    struct rows rows;
};

int connections_cut_period(struct store *s, const struct report_options *o, struct period *period, bool *ret_cut)
{
    struct store_connections_kept kept;
    int r = store_query_connections_kept(s, period->since_sec, period->until_sec, &kept);

    if (r < 0)
        return r;
    *ret_cut = !o->since && kept.since_sec > kept.first_sec && kept.since_sec > period->since_sec &&
               kept.since_sec < period->until_sec;
    if (*ret_cut)
        period->since_sec = kept.since_sec;
    return 0;
}

/* ---- a connection as a row ---- */

static struct connection_use *use_free(struct connection_use *use)
{
    if (use) {
        free(use->cgroup);
        free(use->local);
        free(use->remote);
        free(use->local_address);
        free(use->remote_address);
        free(use->started);
        free(use->ended);
    }
    free(use);
    return NULL;
}

/* "192.0.2.1:443", "[2001:db8::1]:443" */
static char *text_of_end(const char *address, int port)
{
    char *ret;

    return asprintf(&ret, strchr(address, ':') ? "[%s]:%d" : "%s:%d", address, port) < 0 ? NULL : ret;
}

static char *text_of_instant(const struct calendar *cal, int64_t sec)
{
    struct calendar_time t;
    char *ret;

    calendar_civil(cal, sec, &t);
    return asprintf(&ret, "%04d-%02d-%02d %02d:%02d:%02d", t.year, t.month, t.day, t.hour, t.minute, t.second) < 0
               ? NULL
               : ret;
}

static struct connection_use *use_of(const struct calendar *cal, const struct store_connection_row *c)
{
    static const char *const initiatives[] = {NULL, "out", "in"};
    struct connection_use *use = calloc(1, sizeof(*use));

    if (!use)
        return NULL;
    *use = (struct connection_use){
        .cgroup = strdup(c->cgroup),
        .local = text_of_end(c->local, c->local_port),
        .remote = text_of_end(c->remote, c->remote_port),
        .local_address = strdup(c->local),
        .remote_address = strdup(c->remote),
        .started = text_of_instant(cal, c->start_ms / 1000),
        .ended = c->ended ? strdup(c->ended) : NULL,
        .initiative = (size_t)c->initiative < array_length(initiatives) ? initiatives[c->initiative] : NULL,
        .pid = c->pid > 0 ? c->pid : -1,
        .local_port = c->local_port,
        .remote_port = c->remote_port,
        .start_sec = c->start_ms / 1000,
        .end_sec = c->ended ? c->end_ms / 1000 : -1,
        .duration_ms = c->end_ms > c->start_ms ? subtract_capped(c->end_ms, c->start_ms) : 0,
        .retransmits = c->retransmits,
        .srtt_us = c->srtt_us > 0 ? c->srtt_us : -1,
    };
    if (!use->cgroup || !use->local || !use->remote || !use->local_address || !use->remote_address || !use->started ||
        (c->ended && !use->ended))
        return use_free(use);
    return use;
}

static int keep_use(struct job *job, struct connection_use *use)
{
    if (job->n == job->room) {
        size_t room = job->room ? 2 * job->room : 256;
        struct connection_use **uses = reallocarray(job->uses, room, sizeof(struct connection_use *));

        if (!uses)
            return -ENOMEM;
        job->uses = uses;
        job->room = room;
    }
    job->uses[job->n++] = use;
    return 0;
}

static int collect_connection(const struct store_connection_row *c, void *userdata)
{
    struct job *job = userdata;
    const struct store_counters *n = &c->n;

    if (!report_finds(job->o->search, c->user, c->project))
        return 0;
    if (job->o->most_rows && job->rows.n == job->o->most_rows)
        return -E2BIG;
    struct connection_use *use = use_of(job->head.cal, c);
    struct row row = {
        .since_sec = -1,
        .until_sec = -1,
        .user = (char *)c->user, /* rows_add() copies */
        .project = (char *)c->project,
        .unit = (char *)c->unit,
        .class_name = (char *)c->class_name,
        .protocol = (char *)c->protocol,
        .process = (char *)(*c->process ? c->process : "(unknown)"),
        .uid = c->uid,
        .family = c->family,
        .n = *n,
        .total_bytes = job->o->payload ? add_capped(n->tx_payload_bytes, n->rx_payload_bytes)
                                       : add_capped(n->tx_bytes, n->rx_bytes),
        .connection = use,
    };

    if (!use)
        return -ENOMEM;
    if (keep_use(job, use) < 0) {
        use_free(use);
        return -ENOMEM;
    }
    return rows_add(&job->rows, &row);
}

/* ---- the report ---- */

static int read_snapshot(struct store *s, void *userdata, char **ret_why)
{
    struct job *job = userdata;
    struct report_head *head = &job->head;
    struct store_coverage stored;
    int r = connections_cut_period(s, job->o, &head->period, &head->cut);

    head->effective = head->period;
    if (r >= 0)
        r = head_read(s, job->now_sec, head, &stored);
    if (r >= 0)
        r = store_query_connections_kept(s, head->period.since_sec, head->period.until_sec, &head->kept);
    if (r < 0)
        return ask_keep_why(s, r, ret_why);
    return ask_connections(s, job->o, (struct store_bucket){head->period.since_sec, head->period.until_sec},
                           collect_connection, job, ret_why);
}

static int write_rows(struct job *job, FILE *out)
{
    const struct report_options *o = job->o;
    struct row totals = rows_sum(&job->rows);

    rows_sort(&job->rows, o->sort_field, false);
    rows_top(&job->rows, o->top, false);
    return output_report(o->output, &job->head, &job->rows, &totals, out);
}

int connections_write(struct store *s, const struct calendar *cal, int64_t now_sec, const struct report_options *o,
                      FILE *out, char **ret_why)
{
    struct job job = {.o = o, .now_sec = now_sec};
    int r;

    job.head = ask_head(cal, o, o->by);
    r = period_parse(cal, now_sec, o->since, o->until, &job.head.period, ret_why);
    if (r >= 0)
        r = ask_snapshot(s, read_snapshot, &job, ret_why);
    if (r >= 0)
        r = write_rows(&job, out);
    rows_done(&job.rows);
    for (size_t i = 0; i < job.n; i++)
        use_free(job.uses[i]);
    free(job.uses);
    head_done(&job.head);
    return r;
}
