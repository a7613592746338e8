#include "report/connections.h"

#include "common/capped.h"
#include "common/cleanup.h"
#include "report/listing.h"

#include <string.h>

static int read_snapshot(struct store *s, void *userdata, char **ret_why);
static int write_rows(struct listing *l, FILE *out);
static void use_free(void *kept);

static const struct listing_kind listing = {.read = read_snapshot, .write = write_rows, .free_kept = use_free};

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

static void use_free(void *kept)
{
    struct connection_use *use = kept;

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
        (c->ended && !use->ended)) {
        use_free(use);
        return NULL;
    }
    return use;
}

static int collect_connection(const struct store_connection_row *c, void *userdata)
{
    struct listing *l = userdata;
    const struct store_counters *n = &c->n;

    if (!report_finds(l->o->search, c->user, c->project))
        return 0;
    if (l->o->most_rows && l->rows.n == l->o->most_rows)
        return -E2BIG;
    struct connection_use *use = use_of(l->head.cal, c);
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
        .total_bytes =
            l->o->payload ? add_capped(n->tx_payload_bytes, n->rx_payload_bytes) : add_capped(n->tx_bytes, n->rx_bytes),
        .connection = use,
    };

    int r = listing_keep(l, &listing, use);

    return r < 0 ? r : rows_add(&l->rows, &row);
}

/* ---- the report ---- */

static int read_snapshot(struct store *s, void *userdata, char **ret_why)
{
    struct listing *l = userdata;
    struct report_head *head = &l->head;
    struct store_coverage stored;
    int r = connections_cut_period(s, l->o, &head->period, &head->cut);

    head->effective = head->period;
    if (r >= 0)
        r = head_read(s, l->now_sec, head, &stored);
    if (r >= 0)
        r = store_query_connections_kept(s, head->period.since_sec, head->period.until_sec, &head->kept);
    if (r < 0)
        return ask_keep_why(s, r, ret_why);
    return ask_connections(s, l->o, (struct store_bucket){head->period.since_sec, head->period.until_sec},
                           collect_connection, l, ret_why);
}

static int write_rows(struct listing *l, FILE *out)
{
    const struct report_options *o = l->o;
    struct row totals = rows_sum(&l->rows);

    rows_sort(&l->rows, o->sort_field, false);
    rows_top(&l->rows, o->top, false);
    return output_report(o->output, &l->head, &l->rows, &totals, out);
}

int connections_write(struct store *s, const struct calendar *cal, int64_t now_sec, const struct report_options *o,
                      FILE *out, char **ret_why)
{
    struct listing l = {0};

    return listing_write(&l, &listing, s, cal, now_sec, o, out, ret_why);
}
