#include "live/model.h"

#include "common/cleanup.h"

#include <search.h>
#include <string.h>
#include <strings.h>

struct flow {
    enum live_set set;
    int64_t uid;
    char *texts[LIVE_HEADINGS];
    struct live_bytes total;
    struct live_bytes past[LIVE_PAST]; /* by sample number modulo LIVE_PAST */
    uint64_t moved_at;                 /* number of the last sample in which it moved */
};

struct live_model {
    void *tree; /* of struct flow, by set and texts */
    struct flow **flows;
    size_t n, capacity;
    uint64_t sample;                   /* number of the latest; 0: none yet */
    int64_t at_ms[LIVE_PAST + 1];      /* of each sample, by number modulo its length */
    struct live_bytes gone[LIVE_SETS]; /* totals of flows that were let go */
};

enum live_set live_set_of(enum live_heading heading)
{
    return heading >= LIVE_PROCESS ? LIVE_CONNECTIONS : LIVE_ACCOUNTS;
}

/* ---- flows ---- */

static int compare_texts(const char *a, const char *b)
{
    if (!a || !b)
        return !a - !b;
    return strcmp(a, b);
}

static int compare_flows(const void *left, const void *right)
{
    const struct flow *a = left, *b = right;

    if (a->set != b->set)
        return (int)a->set - (int)b->set;
    if (a->uid != b->uid)
        return a->uid < b->uid ? -1 : 1;
    for (int i = 0; i < LIVE_HEADINGS; i++) {
        int order = compare_texts(a->texts[i], b->texts[i]);

        if (order)
            return order;
    }
    return 0;
}

static struct flow *flow_free(struct flow *f)
{
    if (!f)
        return NULL;
    for (int i = 0; i < LIVE_HEADINGS; i++)
        free(f->texts[i]);
    free(f);
    return NULL;
}

static struct flow *flow_copy(const struct flow *key)
{
    struct flow *f = calloc(1, sizeof(*f));

    if (!f)
        return NULL;
    f->set = key->set;
    f->uid = key->uid;
    for (int i = 0; i < LIVE_HEADINGS; i++) {
        f->texts[i] = key->texts[i] ? strdup(key->texts[i]) : NULL;
        if (key->texts[i] && !f->texts[i])
            return flow_free(f);
    }
    return f;
}

struct live_model *live_model_new(void)
{
    return calloc(1, sizeof(struct live_model));
}

static void keep_node(void *node) {}

struct live_model *live_model_free(struct live_model *m)
{
    if (!m)
        return NULL;
    tdestroy(m->tree, keep_node);
    for (size_t i = 0; i < m->n; i++)
        flow_free(m->flows[i]);
    free(m->flows);
    free(m);
    return NULL;
}

static int make_room(struct live_model *m)
{
    size_t capacity = m->capacity ? 2 * m->capacity : 64;
    struct flow **flows;

    if (m->n < m->capacity)
        return 0;
    flows = reallocarray(m->flows, capacity, sizeof(*flows));
    if (!flows)
        return -ENOMEM;
    m->flows = flows;
    m->capacity = capacity;
    return 0;
}

static int find_or_make(struct live_model *m, const struct flow *key, struct flow **ret_flow)
{
    struct flow *const *found = tfind(key, &m->tree, compare_flows);
    struct flow *f;

    if (found) {
        *ret_flow = *found;
        return 0;
    }
    if (make_room(m) < 0)
        return -ENOMEM;
    f = flow_copy(key);
    if (!f)
        return -ENOMEM;
    if (!tsearch(f, &m->tree, compare_flows)) {
        flow_free(f);
        return -ENOMEM;
    }
    m->flows[m->n++] = f;
    *ret_flow = f;
    return 0;
}

static bool is_stale(const struct live_model *m, const struct flow *f)
{
    return m->sample - f->moved_at >= LIVE_PAST;
}

static void let_go_of_stale(struct live_model *m)
{
    size_t kept = 0;

    for (size_t i = 0; i < m->n; i++) {
        struct flow *f = m->flows[i];

        if (!is_stale(m, f)) {
            m->flows[kept++] = f;
            continue;
        }
        m->gone[f->set].rx += f->total.rx;
        m->gone[f->set].tx += f->total.tx;
        tdelete(f, &m->tree, compare_flows);
        flow_free(f);
    }
    m->n = kept;
}

/* ---- samples ---- */

void live_model_begin(struct live_model *m, int64_t at_ms)
{
    m->sample++;
    m->at_ms[m->sample % (LIVE_PAST + 1)] = at_ms;
    if (m->n > LIVE_MOST_FLOWS)
        let_go_of_stale(m);
    for (size_t i = 0; i < m->n; i++)
        m->flows[i]->past[m->sample % LIVE_PAST] = (struct live_bytes){0};
}

int live_model_add(struct live_model *m, enum live_set set, int64_t uid, const char *const texts[static LIVE_HEADINGS],
                   struct live_bytes moved)
{
    struct flow key = {.set = set, .uid = uid}, *f;
    struct live_bytes *now;
    int r;

    for (int i = 0; i < LIVE_HEADINGS; i++)
        key.texts[i] = (char *)texts[i];
    r = find_or_make(m, &key, &f);
    if (r < 0)
        return r;
    now = &f->past[m->sample % LIVE_PAST];
    now->rx += moved.rx;
    now->tx += moved.tx;
    f->total.rx += moved.rx;
    f->total.tx += moved.tx;
    f->moved_at = m->sample;
    return 0;
}

/* Seconds that a sample covers; 0: not known, as of the first. */
static double seconds_of(const struct live_model *m, uint64_t sample)
{
    int64_t length;

    if (sample < 2)
        return 0;
    length = m->at_ms[sample % (LIVE_PAST + 1)] - m->at_ms[(sample - 1) % (LIVE_PAST + 1)];
    return length > 0 ? (double)length / 1000 : 0;
}

/* ---- who sees what ---- */

static bool is_own(const struct live_sight *sight, const struct flow *f)
{
    const char *user = f->texts[LIVE_USER];

    return f->uid >= 0 && f->uid == sight->uid && user &&
           (sight->user ? strcmp(user, sight->user) == 0 : strncmp(user, "uid ", 4) == 0);
}

static bool is_of_projects(const struct live_sight *sight, const struct flow *f)
{
    for (size_t i = 0; i < sight->n_projects; i++)
        if (compare_texts(f->texts[LIVE_PROJECT], sight->projects[i]) == 0)
            return true;
    return sight->n_projects == 0;
}

/* A flow's text as it is told; NULL: the flow is not for this viewer, or has none. */
static const char *seen_text(const struct live_sight *sight, const struct flow *f, enum live_heading heading)
{
    if (sight && ((sight->own && !is_own(sight, f)) || !is_of_projects(sight, f)))
        return NULL;
    return sight && sight->nameless && heading == LIVE_USER && !is_own(sight, f) ? LIVE_OTHERS : f->texts[heading];
}

/* ---- views ---- */

struct group {
    const char *text, *user;
    bool many_users;
    struct live_row row;
    struct live_bytes past[LIVE_PAST];
};

static int compare_group_texts(const void *left, const void *right)
{
    return compare_texts(((const struct group *)left)->text, ((const struct group *)right)->text);
}

static void add_flow(struct group *g, const struct flow *f)
{
    g->row.total.rx += f->total.rx;
    g->row.total.tx += f->total.tx;
    for (int i = 0; i < LIVE_PAST; i++) {
        g->past[i].rx += f->past[i].rx;
        g->past[i].tx += f->past[i].tx;
    }
}

static void note_user(struct group *g, const char *user)
{
    if (g->user && compare_texts(g->user, user) != 0)
        g->many_users = true;
    g->user = user;
}

static void finish_row(const struct live_model *m, struct group *g)
{
    double seconds = seconds_of(m, m->sample);
    const struct live_bytes *now = &g->past[m->sample % LIVE_PAST];

    g->row.text = g->text;
    g->row.user = g->many_users ? NULL : g->user;
    g->row.rx_rate = seconds ? now->rx / seconds : 0;
    g->row.tx_rate = seconds ? now->tx / seconds : 0;
    for (uint64_t ago = 0; ago < LIVE_PAST && ago + 1 < m->sample; ago++) {
        const struct live_bytes *then = &g->past[(m->sample - ago) % LIVE_PAST];
        double length = seconds_of(m, m->sample - ago);

        g->row.past[LIVE_PAST - 1 - ago] = length ? (then->rx + then->tx) / length : 0;
    }
}

/* The groups of a view in a tree by text; ret_groups is an array of them, malloc'ed like each of them. */
static int collect(const struct live_model *m, const struct live_sight *sight, enum live_heading heading,
                   struct group ***ret_groups, size_t *ret_n)
{
    cleanup_free struct group **groups = calloc(m->n ? m->n : 1, sizeof(struct group *));
    void *tree = NULL;
    size_t n = 0;
    int r = groups ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && i < m->n; i++) {
        const struct flow *f = m->flows[i];
        struct group key = {.text = seen_text(sight, f, heading)}, *g, **found;

        if (f->set != live_set_of(heading) || !key.text)
            continue;
        found = tfind(&key, &tree, compare_group_texts);
        g = found ? *found : calloc(1, sizeof(*g));
        if (g && !found) {
            g->text = key.text;
            groups[n++] = g;
        }
        if (!g || (!found && !tsearch(g, &tree, compare_group_texts))) {
            r = -ENOMEM;
            break;
        }
        add_flow(g, f);
        if (live_set_of(heading) == LIVE_CONNECTIONS)
            note_user(g, seen_text(sight, f, LIVE_USER));
    }
    tdestroy(tree, keep_node);
    for (size_t i = 0; r < 0 && i < n; i++)
        free(groups[i]);
    *ret_n = n;
    *ret_groups = r < 0 ? NULL : take_ptr(groups);
    return r;
}

static bool passes(const struct live_row *row, const char *filter)
{
    return !filter || !*filter || strcasestr(row->text, filter) || (row->user && strcasestr(row->user, filter));
}

static void add_row(struct live_row *sum, const struct live_row *row)
{
    sum->total.rx += row->total.rx;
    sum->total.tx += row->total.tx;
    sum->rx_rate += row->rx_rate;
    sum->tx_rate += row->tx_rate;
    for (int i = 0; i < LIVE_PAST; i++)
        sum->past[i] += row->past[i];
}

static double measure(const struct live_row *row, enum live_order order)
{
    switch (order) {
    case LIVE_BY_RX_RATE:
        return row->rx_rate;
    case LIVE_BY_TX_RATE:
        return row->tx_rate;
    case LIVE_BY_TOTAL:
        return (double)row->total.rx + (double)row->total.tx;
    default:
        return row->rx_rate + row->tx_rate;
    }
}

/* What is equal goes by what was moved in all, then by name, so that rows at rest do not jump about. */
static int compare_rows(const void *left, const void *right, void *order)
{
    const struct live_row *a = left, *b = right;
    const enum live_order orders[] = {*(enum live_order *)order, LIVE_BY_TOTAL};

    for (size_t i = 0; i < array_length(orders) && orders[0] != LIVE_BY_NAME; i++) {
        double x = measure(a, orders[i]), y = measure(b, orders[i]);

        if (x != y)
            return x < y ? 1 : -1;
    }
    return strcmp(a->text, b->text);
}

int live_model_view(const struct live_model *m, const struct live_sight *sight, enum live_heading heading,
                    enum live_order order, const char *filter, struct live_view *ret_view)
{
    struct live_view view = {.sum = {.text = "Total"}};
    cleanup_free struct group **groups = NULL;
    size_t n;
    int r = collect(m, sight, heading, &groups, &n);

    if (r < 0)
        return r;
    if (!sight) /* whose what went was is not known any more */
        view.sum.total = m->gone[live_set_of(heading)];
    view.rows = calloc(n ? n : 1, sizeof(*view.rows));
    for (size_t i = 0; i < n; i++) {
        if (view.rows) {
            finish_row(m, groups[i]);
            add_row(&view.sum, &groups[i]->row);
            if (passes(&groups[i]->row, filter))
                view.rows[view.n++] = groups[i]->row;
            else
                view.left_out++;
        }
        free(groups[i]);
    }
    if (!view.rows)
        return -ENOMEM;
    qsort_r(view.rows, view.n, sizeof(*view.rows), compare_rows, &order);
    *ret_view = view;
    return 0;
}

void live_view_done(struct live_view *view)
{
    free(view->rows);
    *view = (struct live_view){0};
}
