#include "collector/policy_meters.h"

#include "common/cleanup.h"

#include <string.h>
#include <sys/random.h>

struct meter {
    char name[POLICY_NAME_SIZE];
    uint64_t identity;
    struct store_counters n;
    struct store_counters booked; /* what the store has of it */
    bool told;                    /* with the last reading */
};

struct policy_meters {
    struct policies *kernel;
    struct meter *v; /* those in force, in the kernel's order */
    size_t n;
    bool stale;         /* the kernel has other names by now */
    struct meter *gone; /* not booked to their end yet */
    size_t n_gone;
    struct store_meter *told; /* what was read last: those in force, then those gone */
    size_t n_gone_told;
};

/* ---- names ---- */

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(const struct meter *const *)a)->name, (*(const struct meter *const *)b)->name);
}

/* Pointers, sorted by name; malloc'ed. */
static struct meter **sort(struct meter *v, size_t n)
{
    struct meter **sorted = calloc(n ? n : 1, sizeof(*sorted));

    for (size_t i = 0; sorted && i < n; i++)
        sorted[i] = &v[i];
    if (sorted && n)
        qsort(sorted, n, sizeof(*sorted), compare_names);
    return sorted;
}

/* -1 when there is none. */
static ssize_t find(struct meter **sorted, size_t n, const struct meter *wanted)
{
    struct meter **found = n ? bsearch(&wanted, sorted, n, sizeof(*sorted), compare_names) : NULL;

    return found ? found - sorted : -1;
}

static int begin(struct meter *m)
{
    m->n = m->booked = (struct store_counters){0};
    m->told = false;
    return getrandom(&m->identity, sizeof(m->identity), 0) == sizeof(m->identity) ? 0 : -EIO;
}

/* The meters of the names in force: those of v that have one stay, others begin; what of v is left has gone. */
static int align(struct policy_meters *m, struct meter *v, size_t n)
{
    size_t now = policies_n(m->kernel), kept = 0;
    cleanup_free struct meter **sorted = sort(v, n), *next = calloc(now ? now : 1, sizeof(*next)),
                              *gone = calloc(m->n_gone + n + 1, sizeof(*gone));
    cleanup_free bool *stays = calloc(n ? n : 1, sizeof(*stays));

    if (!sorted || !next || !gone || !stays)
        return -ENOMEM;
    for (size_t i = 0; i < now; i++) {
        ssize_t at;

        snprintf(next[i].name, sizeof(next[i].name), "%s", policies_name(m->kernel, i));
        at = find(sorted, n, &next[i]);
        if (at >= 0) {
            next[i] = *sorted[at];
            stays[sorted[at] - v] = true;
        } else if (begin(&next[i]) < 0) {
            return -EIO;
        }
    }
    if (m->n_gone)
        memcpy(gone, m->gone, m->n_gone * sizeof(*gone));
    for (size_t i = 0; i < n; i++)
        if (!stays[i])
            gone[m->n_gone + kept++] = v[i];
    free(m->v);
    free(m->gone);
    m->v = take_ptr(next);
    m->n = now;
    m->gone = take_ptr(gone);
    m->n_gone += kept;
    return 0;
}

/* ---- opening ---- */

struct loading {
    struct meter *v;
    size_t n;
};

static int load(const struct store_meter *meter, void *userdata)
{
    struct loading *l = userdata;
    struct meter *v = reallocarray(l->v, l->n + 1, sizeof(*v));

    if (!v)
        return -ENOMEM;
    l->v = v;
    v[l->n] = (struct meter){.identity = meter->identity, .n = meter->n, .booked = meter->n};
    snprintf(v[l->n++].name, POLICY_NAME_SIZE, "%s", meter->source);
    return 0;
}

int policy_meters_open(struct policies *kernel, struct store *store, struct policy_meters **ret_meters)
{
    struct policy_meters *m = calloc(1, sizeof(*m));
    struct loading l = {0};
    int r;

    if (!m)
        return -ENOMEM;
    m->kernel = kernel;
    r = store_query_policy_meters(store, load, &l);
    if (r == 0)
        r = align(m, l.v, l.n);
    free(l.v);
    if (r < 0)
        policy_meters_close(m);
    else
        *ret_meters = m;
    return r;
}

struct policy_meters *policy_meters_close(struct policy_meters *m)
{
    if (!m)
        return NULL;
    free(m->v);
    free(m->gone);
    free(m->told);
    free(m);
    return NULL;
}

/* ---- reading ---- */

static int read_kernel(struct policy_meters *m)
{
    cleanup_free struct policy_counters *counters = calloc(m->n + 1, sizeof(*counters));
    struct policy_counters sum;
    int r = counters ? policies_read(m->kernel, counters, &sum) : -ENOMEM;

    for (size_t i = 0; i < m->n && r == 0; i++) {
        const struct policy_counters *c = &counters[i];

        m->v[i].n = (struct store_counters){.tx_bytes = (int64_t)(c->bytes_total - c->bytes_blocked),
                                            .rx_bytes = (int64_t)c->bytes_blocked,
                                            .tx_packets = (int64_t)(c->packets_total - c->packets_blocked),
                                            .rx_packets = (int64_t)c->packets_blocked};
    }
    return r;
}

int policy_meters_before(struct policy_meters *m)
{
    return read_kernel(m);
}

int policy_meters_after(struct policy_meters *m)
{
    int r = align(m, m->v, m->n);

    m->stale = r < 0;
    return r;
}

static bool is_ahead(const struct meter *m)
{
    return memcmp(&m->n, &m->booked, sizeof(m->n)) != 0;
}

/* Of thousands of policies few decide anything in an interval: the others cost the store nothing. */
static size_t tell(struct policy_meters *m, struct store_meter *told)
{
    size_t n = 0;

    for (size_t i = 0; i < m->n; i++) {
        m->v[i].told = is_ahead(&m->v[i]);
        if (m->v[i].told)
            told[n++] = (struct store_meter){.source = m->v[i].name, .identity = m->v[i].identity, .n = m->v[i].n};
    }
    for (size_t i = 0; i < m->n_gone; i++)
        told[n++] = (struct store_meter){
            .source = m->gone[i].name, .identity = m->gone[i].identity, .n = m->gone[i].n, .last = true};
    return n;
}

int policy_meters_read(struct policy_meters *m, const struct store_meter **ret, size_t *ret_n)
{
    struct store_meter *told;
    int r = m->stale ? policy_meters_after(m) : 0;

    if (r == 0)
        r = read_kernel(m);
    if (r < 0)
        return r;
    told = calloc(m->n + m->n_gone + 1, sizeof(*told));
    if (!told)
        return -ENOMEM;
    *ret_n = tell(m, told);
    free(m->told);
    *ret = m->told = told;
    m->n_gone_told = m->n_gone;
    return 0;
}

void policy_meters_tell_all(struct policy_meters *m)
{
    for (size_t i = 0; i < m->n; i++)
        m->v[i].booked = (struct store_counters){0};
}

void policy_meters_booked(struct policy_meters *m)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->v[i].told)
            m->v[i].booked = m->v[i].n;
    memmove(m->gone, m->gone + m->n_gone_told, (m->n_gone - m->n_gone_told) * sizeof(*m->gone));
    m->n_gone -= m->n_gone_told;
    m->n_gone_told = 0;
}
