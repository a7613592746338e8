/* All that was ever booked, by class, project and, as far as it is configured, user; and pdttd's health. */
#include "serve/endpoints.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "serve/metrics.h"
#include <config.h>

#include <string.h>

struct total {
    char *name;
    struct store_counters n;
};

struct totals {
    struct total *v;
    size_t n;
    size_t name; /* where rows have it, in struct store_row */
};

static int collect(const struct store_row *row, void *userdata)
{
    struct totals *t = userdata;
    const char *name = *(const char *const *)((const char *)row + t->name);
    struct total *v = reallocarray(t->v, t->n + 1, sizeof(*v));

    if (!v)
        return -ENOMEM;
    t->v = v;
    v[t->n] = (struct total){.name = strdup(name ? name : ""), .n = row->n};
    return v[t->n++].name ? 0 : -ENOMEM;
}

static void totals_done(struct totals *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->v[i].name);
    free(t->v);
}

static int compare_totals(const void *left, const void *right)
{
    const struct store_counters *a = &((const struct total *)left)->n, *b = &((const struct total *)right)->n;
    int64_t x = a->rx_bytes + a->tx_bytes, y = b->rx_bytes + b->tx_bytes;

    return x == y ? strcmp(((const struct total *)left)->name, ((const struct total *)right)->name) : x < y ? 1 : -1;
}

/* A family of counters: what is summed up, under which label, and of which of the counters. */
struct family {
    const char *name, *unit, *help, *label;
    unsigned by;
    size_t text;   /* in struct store_row */
    size_t rx, tx; /* in struct store_counters */
};

#define TEXT(member)    offsetof(struct store_row, member)
#define COUNTER(member) offsetof(struct store_counters, member)

static const struct family by_class[] = {
    {"pdtt_transfer_bytes", "bytes", "Bytes on the wire, by class of networks.", "class", STORE_BY_CLASS,
     TEXT(class_name), COUNTER(rx_bytes), COUNTER(tx_bytes)},
    {"pdtt_transfer_packets", "packets", "Packets, by class of networks.", "class", STORE_BY_CLASS, TEXT(class_name),
     COUNTER(rx_packets), COUNTER(tx_packets)},
};
static const struct family by_project = {"pdtt_project_transfer_bytes",
                                         "bytes",
                                         "Bytes on the wire of each project.",
                                         "project",
                                         STORE_BY_PROJECT,
                                         TEXT(project),
                                         COUNTER(rx_bytes),
                                         COUNTER(tx_bytes)};
static const struct family by_user = {"pdtt_user_transfer_bytes",
                                      "bytes",
                                      "Bytes on the wire of the users who moved most.",
                                      "user",
                                      STORE_BY_USER,
                                      TEXT(user),
                                      COUNTER(rx_bytes),
                                      COUNTER(tx_bytes)};

static int put_total(const struct metrics *m, const struct family *f, const struct total *total)
{
    const char *const rx[] = {"direction", "rx", f->label, total->name, NULL};
    const char *const tx[] = {"direction", "tx", f->label, total->name, NULL};
    const char *n = (const char *)&total->n;
    int r = metrics_count(m, f->name, *(const int64_t *)(n + f->rx), rx);

    return r < 0 ? r : metrics_count(m, f->name, *(const int64_t *)(n + f->tx), tx);
}

/* families share what they sum up by; most 0: all. */
static int put_families(struct work *w, const struct metrics *m, const struct family *families, size_t n, size_t most)
{
    const struct store_bucket all = {0, clock_realtime_sec() + 1};
    const struct store_query query = {.buckets = &all, .n_buckets = 1, .by = families->by};
    cleanup(totals_done) struct totals totals = {.name = families->text};
    int r = store_query_usage(w->store, &query, collect, &totals);

    if (totals.n > 1)
        qsort(totals.v, totals.n, sizeof(*totals.v), compare_totals);
    for (size_t i = 0; r == 0 && i < n; i++) {
        metrics_family(m, families[i].name, "counter", families[i].unit, families[i].help);
        for (size_t k = 0; r == 0 && k < totals.n && (!most || k < most); k++)
            r = put_total(m, &families[i], &totals.v[k]);
    }
    return r;
}

static int put_transfers(struct work *w, const struct metrics *m)
{
    size_t users = directory_metrics_users(w->directory);
    int r = store_begin_read(w->store);

    if (r < 0)
        return -EAGAIN;
    r = put_families(w, m, by_class, array_length(by_class), 0);
    if (r == 0)
        r = put_families(w, m, &by_project, 1, 0);
    if (r == 0 && users)
        r = put_families(w, m, &by_user, 1, users);
    store_end_read(w->store);
    return r == -ENOMEM || r == 0 ? r : -EAGAIN;
}

static int put_all(struct work *w, const struct metrics *m)
{
    const char *const labels[] = {"version", PACKAGE_VERSION, "host", store_host(w->store), NULL};
    json_t *status = endpoint_ask_pdttd(w);
    int r;

    metrics_family(m, "pdtt_build_info", "gauge", "", "Which PDTT this is, and where it counts.");
    r = metrics_gauge(m, "pdtt_build_info", 1, labels);
    if (r == 0)
        r = put_transfers(w, m);
    if (r == 0)
        r = metrics_put_health(m, status);
    metrics_end(m);
    json_decref(status);
    return r;
}

int answer_metrics(struct work *w, struct answer *ret)
{
    struct metrics m = {.openmetrics = w->request->openmetrics};
    int r = work_require_no_parameters(w);

    if (r == 0 && w->claim->kind != CLAIM_METRICS)
        r = work_require_admin(w);
    if (r == 0)
        r = work_open_database(w);
    if (r < 0)
        return r;
    m.out = open_memstream(&ret->body, &ret->size);
    if (!m.out)
        return -ENOMEM;
    r = put_all(w, &m);
    if (fclose(m.out) != 0 && r == 0)
        r = -ENOMEM;
    if (r < 0) {
        free(take_ptr(ret->body));
        return r;
    }
    ret->status = 200;
    ret->media_type = metrics_media_type(m.openmetrics);
    return 0;
}
