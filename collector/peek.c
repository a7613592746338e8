#include "collector/peek.h"

#include "common/cleanup.h"
#include "common/clock.h"

#include <string.h>

struct peek {
    struct peek_row *rows; /* booked since somebody began to look; sorted, an account once */
    size_t n;
    char **projects; /* the names that rows point to */
    size_t n_projects;
    uint64_t serial;
    int64_t last_look_ns; /* 0: nobody looks */
    char **classes;
    int64_t *class_ids;
    size_t n_classes;
};

struct peek *peek_new(void)
{
    return calloc(1, sizeof(struct peek));
}

static void forget(struct peek *p)
{
    for (size_t i = 0; i < p->n_projects; i++)
        free(p->projects[i]);
    free(p->projects);
    free(p->rows);
    p->projects = NULL;
    p->rows = NULL;
    p->n = p->n_projects = 0;
    p->last_look_ns = 0;
}

static void forget_classes(struct peek *p)
{
    for (size_t i = 0; i < p->n_classes; i++)
        free(p->classes[i]);
    free(take_ptr(p->classes));
    free(take_ptr(p->class_ids));
    p->n_classes = 0;
}

struct peek *peek_free(struct peek *p)
{
    if (p) {
        forget(p);
        forget_classes(p);
    }
    free(p);
    return NULL;
}

/* ---- classes ---- */

int peek_name_classes(struct peek *p, const char *const *names, const int64_t *ids, size_t n)
{
    forget_classes(p);
    p->classes = calloc(n + 1, sizeof(*p->classes));
    p->class_ids = calloc(n + 1, sizeof(*p->class_ids));
    for (; p->classes && p->class_ids && p->n_classes < n; p->n_classes++) {
        p->class_ids[p->n_classes] = ids[p->n_classes];
        p->classes[p->n_classes] = strdup(names[p->n_classes]);
        if (!p->classes[p->n_classes])
            break;
    }
    return p->n_classes < n || !p->classes || !p->class_ids ? -ENOMEM : 0;
}

/* A class that the configuration has dropped may still be in an epoch that began before: external is what it is now. */
const char *peek_class(const struct peek *p, int64_t id)
{
    if (id == STORE_CLASS_LOOPBACK)
        return "loopback";
    for (size_t i = 0; i < p->n_classes; i++)
        if (p->class_ids[i] == id)
            return p->classes[i];
    return "external";
}

/* ---- rows ---- */

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_rows(const void *left, const void *right)
{
    const struct peek_row *a = left, *b = right;
    int order = compare_numbers(a->uid, b->uid);

    order = order ? order : compare_numbers(a->gid, b->gid);
    order = order ? order : compare_numbers(a->unit, b->unit);
    order = order ? order : compare_numbers(a->class_id, b->class_id);
    order = order ? order : compare_numbers(a->kind, b->kind);
    if (order || !a->project || !b->project)
        return order ? order : !a->project - !b->project;
    return strcmp(a->project, b->project);
}

/* Makes an account come once; returns how many there are. */
static size_t merge(struct peek_row *rows, size_t n)
{
    size_t kept = 0;

    qsort(rows, n, sizeof(*rows), compare_rows);
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || compare_rows(&rows[kept - 1], &rows[i]) != 0) {
            rows[kept++] = rows[i];
            continue;
        }
        rows[kept - 1].rx_bytes += rows[i].rx_bytes;
        rows[kept - 1].tx_bytes += rows[i].tx_bytes;
        rows[kept - 1].rx_packets += rows[i].rx_packets;
        rows[kept - 1].tx_packets += rows[i].tx_packets;
    }
    return kept;
}

static struct peek_row row_of(const struct store_usage *u)
{
    return (struct peek_row){.uid = u->uid,
                             .gid = u->gid,
                             .unit = u->unit,
                             .class_id = u->class_id,
                             .kind = u->kind,
                             .project = u->project,
                             .rx_bytes = u->n.rx_bytes,
                             .tx_bytes = u->n.tx_bytes,
                             .rx_packets = u->n.rx_packets,
                             .tx_packets = u->n.tx_packets};
}

/* ---- what was booked ---- */

/* The name as p owns it: that of a rule may go with the next configuration. */
static int keep_project(struct peek *p, const char **project)
{
    char **projects;

    if (!*project)
        return 0;
    for (size_t i = 0; i < p->n_projects; i++)
        if (strcmp(p->projects[i], *project) == 0) {
            *project = p->projects[i];
            return 0;
        }
    projects = reallocarray(p->projects, p->n_projects + 1, sizeof(*projects));
    if (!projects)
        return -ENOMEM;
    p->projects = projects;
    projects[p->n_projects] = strdup(*project);
    if (!projects[p->n_projects])
        return -ENOMEM;
    *project = projects[p->n_projects++];
    return 0;
}

static int add_booked(struct peek *p, const struct store_usage *usage, size_t n)
{
    struct peek_row *rows = reallocarray(p->rows, p->n + n + 1, sizeof(*rows));

    if (!rows)
        return -ENOMEM;
    p->rows = rows;
    for (size_t i = 0; i < n; i++) {
        struct peek_row row = row_of(&usage[i]);

        if (keep_project(p, &row.project) < 0)
            return -ENOMEM;
        rows[p->n + i] = row;
    }
    p->n = merge(rows, p->n + n);
    return 0;
}

bool peek_is_watched(const struct peek *p)
{
    return p->last_look_ns && clock_boottime_ns() - p->last_look_ns <= PEEK_IDLE_SEC * NSEC_PER_SEC;
}

/* Sums that memory does not hold would be wrong ones: watchers start anew. */
void peek_booked(struct peek *p, const struct store_interval *interval, const struct store_usage *rows, size_t n)
{
    if (!p->last_look_ns)
        return;
    if (!peek_is_watched(p) || add_booked(p, rows, n) < 0 || p->n > PEEK_MOST_ROWS)
        forget(p);
}

/* ---- looking ---- */

struct look {
    struct peek_row *rows;
    size_t n;
};

/* The programs count on while a half is read: a packet that this look misses is in the next one. */
static int add_half(struct look *look, const struct drain *d, int half)
{
    cleanup_free struct ledger_row *rows = NULL;
    struct ledger_row counted;
    struct peek_row *all;
    size_t n;
    int r = ledger_read(d->ledger, half, &rows, &n, &counted);

    if (r < 0)
        return r;
    all = reallocarray(look->rows, look->n + n + 1, sizeof(*all));
    if (!all)
        return -ENOMEM;
    look->rows = all;
    for (size_t i = 0; i < n; i++) {
        struct store_usage usage = {0};

        drain_usage_of_row(&rows[i], &usage);
        usage.project = d->project ? d->project(&rows[i].account, d->userdata) : NULL;
        all[look->n++] = row_of(&usage);
    }
    return 0;
}

static bool waits_to_be_booked(const struct drain *d, int half, uint64_t booked_epoch)
{
    return ledger_epoch(d->ledger, half)->epoch > booked_epoch;
}

int peek_look(struct peek *p, const struct drain *d, uint64_t booked_epoch, int64_t now_ns, struct peek_row **ret_rows,
              size_t *ret_n, uint64_t *ret_serial)
{
    struct look look = {.rows = calloc(p->n + 1, sizeof(*look.rows)), .n = p->n};
    int r = look.rows ? 0 : -ENOMEM;

    if (r == 0 && p->n)
        memcpy(look.rows, p->rows, p->n * sizeof(*look.rows));
    for (int half = 0; r == 0 && half < 2; half++)
        if (waits_to_be_booked(d, half, booked_epoch))
            r = add_half(&look, d, half);
    if (r < 0) {
        free(look.rows);
        return r;
    }
    if (!p->last_look_ns)
        p->serial = (uint64_t)now_ns; /* differs from that of an earlier pdttd too */
    p->last_look_ns = now_ns;
    *ret_n = merge(look.rows, look.n);
    *ret_rows = look.rows;
    *ret_serial = p->serial;
    return 0;
}
