/*
 * Meters: counters that go on by themselves whether anybody reads them or not, such as those of network interfaces. What an
 * interval adds is what they are ahead of the reading that was stored with the interval before, in one transaction with
 * both: so nothing is added twice, and what was counted while nobody read comes with the next reading.
 */
#include <errno.h>
#include <string.h>

#include "sql/store_internal.h"

/* What is metered: where its rows are. */
static const struct family {
    enum statement_id source, source_of, last, set, usage, forget, roll, drop, piece;
    bool kinds; /* each source has several */
} interfaces = {STATEMENT_METER_SOURCE, STATEMENT_METER_SOURCE_OF,
                STATEMENT_METER_LAST,   STATEMENT_METER_SET,
                STATEMENT_METER_USAGE,  STATEMENT_METER_FORGET,
                STATEMENT_METER_ROLL,   STATEMENT_METER_DROP,
                STATEMENT_METER_PIECE,  true},
  policies = {STATEMENT_POLICY_SOURCE, STATEMENT_POLICY_SOURCE_OF,
              STATEMENT_POLICY_LAST,   STATEMENT_POLICY_SET,
              STATEMENT_POLICY_USAGE,  STATEMENT_POLICY_FORGET,
              STATEMENT_POLICY_ROLL,   STATEMENT_POLICY_DROP,
              STATEMENT_POLICY_PIECE,  false};

static const struct family *const families[] = {&interfaces, &policies};

static bool begins_anew(const struct store *s, const struct family *f)
{
    return f == &policies ? s->policies_anew : s->meters_anew;
}

/* Values of a statement of a family; the kind comes last, since not all have it. */
#define KIND_LAST(f, ...)                                                                                              \
    (const struct bind[]){__VA_ARGS__}, array_length(((const struct bind[]){__VA_ARGS__})) - !(f)->kinds

#define METER_BINDS(n)                                                                                                 \
    BIND_INT((n)->tx_bytes), BIND_INT((n)->rx_bytes), BIND_INT((n)->tx_packets), BIND_INT((n)->rx_packets)

static bool is_zero(const struct store_counters *n)
{
    return !(n->tx_bytes | n->rx_bytes | n->tx_packets | n->rx_packets);
}

/* A counter that went back was reset by its driver: what it had reached in between nobody knows. */
static int64_t ahead(int64_t now, int64_t before)
{
    return now > before ? now - before : 0;
}

/* The source of a meter; of one whose interface is gone and nameless the one of its last reading, -1: there was none. */
static int find_source(struct store *s, const struct family *f, const struct store_meter *m, int64_t now_sec,
                       int64_t *ret_id)
{
    int r;

    if (m->source)
        r = statement_get_int(s, f->source, BINDS(BIND_TEXT(m->source), BIND_INT(now_sec)), ret_id);
    else
        r = statement_get_int(s, f->source_of, BINDS(BIND_INT((int64_t)m->identity)), ret_id);
    if (r == 0)
        *ret_id = -1;
    return r < 0 ? r : 0;
}

/*
 * A meter begins at 0. But where readings were lost with a damaged database what it says now was booked before, all but an
 * interval's part of it: it begins there.
 */
static int read_last(struct store *s, const struct family *f, const struct store_meter *m, struct store_counters *ret)
{
    enum statement_id id = f->last;
    int r = statement_bind(s, id, KIND_LAST(f, BIND_INT((int64_t)m->identity), BIND_TEXT(m->kind)));

    *ret = begins_anew(s, f) ? m->n : (struct store_counters){0};
    if (r == 0 && (r = statement_step(s, id)) > 0)
        *ret = (struct store_counters){.tx_bytes = statement_int(s, id, 0),
                                       .rx_bytes = statement_int(s, id, 1),
                                       .tx_packets = statement_int(s, id, 2),
                                       .rx_packets = statement_int(s, id, 3)};
    statement_reset(s, id);
    return r < 0 ? r : 0;
}

static int insert_parts(struct store *s, const struct family *f, const struct book_parts *parts, int64_t source,
                        const char *kind, const struct store_counters *added)
{
    int r = 0;

    for (size_t i = 0; i < parts->n && r == 0; i++) {
        struct store_counters n = book_share(parts, i, added);

        if (!is_zero(&n))
            r = statement_run(
                s, f->usage, KIND_LAST(f, BIND_INT(parts->ids[i]), BIND_INT(source), METER_BINDS(&n), BIND_TEXT(kind)));
    }
    return r;
}

static int book_meter(struct store *s, const struct family *f, const struct book_parts *parts,
                      const struct store_meter *m, int64_t source)
{
    struct store_counters last, added;
    int r = read_last(s, f, m, &last);

    if (r < 0)
        return r;
    added = (struct store_counters){
        .tx_bytes = ahead(m->n.tx_bytes, last.tx_bytes),
        .rx_bytes = ahead(m->n.rx_bytes, last.rx_bytes),
        .tx_packets = ahead(m->n.tx_packets, last.tx_packets),
        .rx_packets = ahead(m->n.rx_packets, last.rx_packets),
    };
    if (!is_zero(&added))
        r = insert_parts(s, f, parts, source, m->kind, &added);
    if (r == 0 && (begins_anew(s, f) || memcmp(&last, &m->n, sizeof(last)) != 0))
        r = statement_run(
            s, f->set,
            KIND_LAST(f, BIND_INT((int64_t)m->identity), BIND_INT(source), METER_BINDS(&m->n), BIND_TEXT(m->kind)));
    return r;
}

static int book_family(struct store *s, const struct family *f, const struct book_parts *parts,
                       const struct store_meter *meters, size_t n)
{
    int64_t source = -1; /* -1: gone, and it never carried anything that was read */
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++) {
        const struct store_meter *m = &meters[i];

        if (i == 0 || m[-1].identity != m->identity)
            r = find_source(s, f, m, parts->span.end_sec, &source);
        if (r == 0 && source >= 0)
            r = book_meter(s, f, parts, m, source);
    }
    for (size_t i = 0; i < n && r == 0; i++)
        if (meters[i].last)
            r = statement_run(s, f->forget, BINDS(BIND_INT((int64_t)meters[i].identity)));
    return r;
}

int meters_book(struct store *s, const struct store_interval *interval, const struct book_parts *parts)
{
    int r = book_family(s, &interfaces, parts, interval->meters, interval->n_meters);

    return r < 0 ? r : book_family(s, &policies, parts, interval->policies, interval->n_policies);
}

int meters_roll_up(struct store *s, int64_t last_id)
{
    int r = 0;

    for (size_t i = 0; i < array_length(families); i++)
        for (int level = STORE_5MIN; level < STORE_LEVELS && r == 0; level++)
            r = statement_run(s, families[i]->roll, BINDS(BIND_INT(level), BIND_INT(last_id)));
    return r;
}

int meters_drop(struct store *s, int level, int64_t key)
{
    int r = 0;

    for (size_t i = 0; i < array_length(families) && r == 0; i++)
        r = statement_run(s, families[i]->drop, BINDS(BIND_INT(level), BIND_INT(key)));
    return r;
}

/* ---- asking ---- */

struct asking {
    const struct family *family;
    const struct store_bucket *buckets;
    size_t n;
    store_meter_fn fn;
    void *userdata;
    int stopped;
};

static int tell_piece(struct store *s, const struct piece *piece, struct asking *a)
{
    enum statement_id id = a->family->piece;
    int r = statement_bind(s, id, BINDS(BIND_INT(piece->level), BIND_INT(piece->key)));

    while (r == 0 && (r = statement_step(s, id)) > 0) {
        struct store_meter_row row = {
            .bucket = piece->bucket,
            .source = statement_text(s, id, 0),
            .programs = statement_int(s, id, 6) == 0,
            .kind = statement_text(s, id, 1),
            .n = {.tx_bytes = statement_int(s, id, 2),
                  .rx_bytes = statement_int(s, id, 3),
                  .tx_packets = statement_int(s, id, 4),
                  .rx_packets = statement_int(s, id, 5)},
        };

        r = a->stopped = a->fn(&row, a->userdata);
    }
    statement_reset(s, id);
    return r;
}

static int tell_pieces(struct store *s, void *userdata)
{
    struct asking *a = userdata;
    struct pieces p;
    int r = pieces_plan(s, a->buckets, a->n, &p);

    if (r < 0)
        return r;
    for (size_t i = 0; i < p.n && r == 0; i++)
        r = tell_piece(s, &p.v[i], a);
    pieces_done(&p);
    return r;
}

int store_query_meters(struct store *s, const struct store_bucket *buckets, size_t n, store_meter_fn fn, void *userdata)
{
    struct asking a = {.family = &interfaces, .buckets = buckets, .n = n, .fn = fn, .userdata = userdata};

    return query_snapshot(s, tell_pieces, &a);
}

int store_query_policies(struct store *s, const struct store_bucket *buckets, size_t n, store_meter_fn fn,
                         void *userdata)
{
    struct asking a = {.family = &policies, .buckets = buckets, .n = n, .fn = fn, .userdata = userdata};

    return query_snapshot(s, tell_pieces, &a);
}

int store_query_layers(struct store *s, int64_t since_sec, int64_t until_sec, store_layer_fn fn, void *userdata)
{
    enum statement_id id = STATEMENT_LAYER_LIST;
    int r = statement_bind(s, id, BINDS(BIND_INT(since_sec), BIND_INT(until_sec)));

    while (r == 0 && (r = statement_step(s, id)) > 0) {
        struct store_layer layer = {
            .layer = statement_text(s, id, 0),
            .state = statement_text(s, id, 1),
            .detail = statement_text(s, id, 2),
            .first_sec = statement_int(s, id, 3),
            .last_sec = statement_int(s, id, 4),
        };

        r = fn(&layer, userdata);
    }
    statement_reset(s, id);
    return r;
}
