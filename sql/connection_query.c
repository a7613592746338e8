/*
 * Questions by process and by remote address: what connections moved, summed by connection first and looked up once for
 * each. What the ledger has beyond it (other protocols, connections beyond the limit, what was moved before connections
 * were recorded) becomes a row of its own for each of the dimensions that the ledger knows, so rows add up to the ledger.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "sql/asking.h"
#include "sql/counters.h"

/* ---- how far back ---- */

static int read_kept(struct store *s, int64_t *ret_first_sec, int64_t *ret_dropped_sec)
{
    enum statement_id id = STATEMENT_CONNECTION_KEPT;
    int r = statement_bind(s, id, NO_BINDS);

    if (r == 0 && (r = statement_step(s, id)) > 0) {
        *ret_first_sec = statement_int(s, id, 0);
        *ret_dropped_sec = statement_int(s, id, 1);
    } else if (r == 0) {
        r = store_fail(s, -EBADMSG, "has lost since when it keeps connections; restore it from a backup");
    }
    statement_reset(s, id);
    return r < 0 ? r : 0;
}

int connections_check_reach(struct store *s, int64_t since_sec)
{
    int64_t first, dropped, kept;
    char date[32] = "";
    struct tm tm;
    int r = read_kept(s, &first, &dropped);

    if (r < 0 || dropped == 0 || since_sec > dropped)
        return r;
    kept = dropped + STORE_CONNECTION_SEC;
    if (gmtime_r(&(time_t){kept}, &tm))
        strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
    return store_fail(s, -ERANGE,
                      "keeps connections since %s UTC; ask with --since @%lld or later, or let pdttd keep more"
                      " (retention.connections)",
                      date, (long long)kept);
}

/* ---- what connections moved ---- */

enum { KEY_CONNECTION, KEY_BUCKET };

static int sum_bucket(struct store *s, struct store_bucket range, size_t bucket, struct tally *sums)
{
    enum statement_id id = STATEMENT_CONNECTION_MOVED;
    int r = statement_bind(s, id, BINDS(BIND_INT(range.start_sec), BIND_INT(range.end_sec)));

    while (r == 0 && (r = statement_step(s, id)) > 0) {
        struct tally_key key = {.v = {[KEY_CONNECTION] = statement_int(s, id, 0), [KEY_BUCKET] = (int64_t)bucket}};
        struct store_counters n = {statement_int(s, id, 1), statement_int(s, id, 2), statement_int(s, id, 3),
                                   statement_int(s, id, 4), statement_int(s, id, 5), statement_int(s, id, 6)};
        r = tally_add(sums, &key, &n) < 0 ? store_fail(s, -ENOMEM, "out of memory") : 0;
    }
    statement_reset(s, id);
    return r;
}

static int find_ids(struct store *s, int64_t connection, struct label_ids *ret)
{
    enum statement_id id = STATEMENT_CONNECTION_IDS;
    int r = statement_bind(s, id, BINDS(BIND_INT(connection)));

    if (r == 0 && (r = statement_step(s, id)) > 0)
        *ret = (struct label_ids){
            .user = statement_int(s, id, 0),
            .project = statement_int(s, id, 1),
            .class_id = statement_int(s, id, 2),
            .protocol = statement_int(s, id, 3),
            .family = statement_int(s, id, 4),
            .unit = statement_int(s, id, 5),
            .process = statement_int(s, id, 6),
            .remote = statement_int(s, id, 7),
        };
    else if (r == 0)
        r = store_fail(s, -EBADMSG, "has lost connection %lld, whose bytes it has; restore it from a backup",
                       (long long)connection);
    statement_reset(s, id);
    return r < 0 ? r : 0;
}

static struct store_counters negative(const struct store_counters *n)
{
    return (struct store_counters){-n->tx_bytes,   -n->rx_bytes,         -n->tx_packets,
                                   -n->rx_packets, -n->tx_payload_bytes, -n->rx_payload_bytes};
}

/* To whom it belongs, and away from what nobody's connection holds. */
static int move_to_owner(struct store *s, struct asking *a, bool ledger, const struct label_ids *ids,
                         const struct tally_row *row)
{
    size_t bucket = (size_t)row->key.v[KEY_BUCKET];
    struct store_counters away = negative(&row->n);
    struct label_ids other = *ids;
    int r = asking_sum(s, a, bucket, ids, &row->n);

    other.other = true;
    return r < 0 || !ledger ? r : asking_sum(s, a, bucket, &other, &away);
}

/* Sums are sorted by connection, each of which is looked up once. */
static int add_connections(struct store *s, struct asking *a, bool ledger, const struct tally *sums)
{
    struct label_ids ids = {0};
    int64_t known = 0;
    int r = 0;

    for (size_t i = 0; i < sums->n_rows && r == 0; i++) {
        const struct tally_row *row = &sums->rows[i];
        if (row->key.v[KEY_CONNECTION] != known)
            r = find_ids(s, known = row->key.v[KEY_CONNECTION], &ids);
        if (r == 0 && asking_shows(a, &ids))
            r = move_to_owner(s, a, ledger, &ids, row);
    }
    return r;
}

/* Where connections hold all there is no row of what they do not. */
static void leave_out_empty(struct tally *sums)
{
    size_t n = 0;

    for (size_t i = 0; i < sums->n_rows; i++)
        if (!counters_zero(&sums->rows[i].n))
            sums->rows[n++] = sums->rows[i];
    sums->n_rows = n;
}

/* ---- both ---- */

/* Units are known to raw alone. Without it what no connection holds is not known, and left out. */
static int add_ledger(struct store *s, struct asking *a, const struct store_bucket *effective, bool *ret_known)
{
    const struct store_query *q = a->query;
    struct pieces pieces;
    int r = q->units.n && q->n_buckets ? raw_check_reach(s, effective[0].start_sec) : 0;

    *ret_known = r != -ERANGE;
    if (r < 0)
        return r == -ERANGE ? 0 : r;
    a->raw = q->units.n;
    r = a->raw ? pieces_plan_raw(s, effective, q->n_buckets, &pieces)
               : pieces_plan_from(s, STORE_5MIN, q->buckets, q->n_buckets, &pieces);
    if (r < 0)
        return r;
    for (size_t i = 0; i < pieces.n && r == 0; i++)
        r = asking_add_piece(s, a, &pieces.v[i]);
    pieces_done(&pieces);
    return r;
}

int connections_sum(struct store *s, struct asking *a)
{
    size_t n = a->query->n_buckets;
    cleanup_free struct store_bucket *effective = calloc(n + 1, sizeof(*effective));
    struct tally sums = {0};
    bool ledger = false;
    int r = effective ? pieces_bounds(s, STORE_5MIN, a->query->buckets, n, effective)
                      : store_fail(s, -ENOMEM, "out of memory");

    if (r == 0 && n)
        r = connections_check_reach(s, effective[0].start_sec);
    if (r == 0)
        r = add_ledger(s, a, effective, &ledger);
    for (size_t i = 0; i < n && r == 0; i++)
        r = sum_bucket(s, effective[i], i, &sums);
    tally_sort(&sums);
    if (r == 0)
        r = add_connections(s, a, ledger, &sums);
    tally_clear(&sums);
    leave_out_empty(&a->sums);
    return r;
}

/* ---- asked from outside ---- */

struct planning {
    const struct store_bucket *buckets;
    size_t n;
    struct store_bucket *effective;
};

static int plan(struct store *s, void *userdata)
{
    const struct planning *p = userdata;
    int r = pieces_bounds(s, STORE_5MIN, p->buckets, p->n, p->effective);

    return r < 0 || p->n == 0 ? r : connections_check_reach(s, p->effective[0].start_sec);
}

int store_plan_connections(struct store *s, const struct store_bucket *buckets, size_t n,
                           struct store_bucket *ret_effective)
{
    cleanup_free struct store_bucket *effective = calloc(n + 1, sizeof(*effective));
    struct planning p = {buckets, n, effective};

    if (!effective)
        return store_fail(s, -ENOMEM, "out of memory");
    int r = query_snapshot(s, plan, &p);
    if (r == 0 && n)
        memcpy(ret_effective, effective, n * sizeof(*effective));
    return r;
}

struct describing {
    struct store_bucket range;
    struct store_connections_kept kept;
};

static int describe(struct store *s, void *userdata)
{
    struct describing *d = userdata;
    enum statement_id id = STATEMENT_CONNECTION_EXCEEDED;
    int64_t dropped;
    int r = read_kept(s, &d->kept.first_sec, &dropped);

    if (r < 0)
        return r;
    d->kept.since_sec = dropped ? dropped + STORE_CONNECTION_SEC : d->kept.first_sec;
    r = statement_bind(s, id, BINDS(BIND_INT(d->range.start_sec), BIND_INT(d->range.end_sec)));
    if (r == 0 && (r = statement_step(s, id)) > 0) {
        d->kept.excess_connections = statement_int(s, id, 0);
        d->kept.excess_bytes = statement_int(s, id, 1);
    }
    statement_reset(s, id);
    return r < 0 ? r : 0;
}

int store_query_connections_kept(struct store *s, int64_t since_sec, int64_t until_sec,
                                 struct store_connections_kept *ret)
{
    struct describing d = {.range = {since_sec, until_sec}};
    int r = query_snapshot(s, describe, &d);

    if (r == 0)
        *ret = d.kept;
    return r;
}
