/*
 * What a question is answered from. Coarse buckets in the middle, finer ones at the edges, raw intervals at the very
 * edge and for what is not rolled up yet. Where the finer level has expired the edge moves to that of the coarse
 * bucket.
 */
#include <errno.h>

#include "common/capped.h"
#include "sql/store_internal.h"

struct stored {
    int64_t start_sec, end_sec, seen_ms;
};

struct stored_list {
    struct stored *v;
    size_t n, room;
};

static void cleanup_list(struct stored_list *l)
{
    free(l->v);
}

/* ---- where a boundary really is ---- */

/* Up to when there is something: a boundary beyond it cuts nothing. */
static int find_newest(struct store *s, int64_t *ret_sec)
{
    int r = statement_get_int(s, STATEMENT_PIECE_NEWEST, NO_BINDS, ret_sec);

    return r < 0 ? r : 0;
}

struct bounding {
    enum store_level finest; /* that the question is answered from */
    int64_t newest_sec;
};

/*
 * The instant itself if some level knows it; else the nearest edge of the coarse bucket whose inside is not known any
 * more, or not asked: its end (up) or its start.
 */
static int move_boundary(struct store *s, const struct bounding *o, int64_t at_sec, bool up, int64_t *ret_sec)
{
    enum statement_id id = STATEMENT_PIECE_BUCKET_AT;

    *ret_sec = at_sec;
    for (int level = STORE_MONTH; level >= STORE_5MIN; level--) {
        struct store_bucket b = {0};
        bool whole = true;
        int r = statement_bind(s, id, BINDS(BIND_INT(level), BIND_INT(at_sec)));
        if (r == 0 && (r = statement_step(s, id)) > 0) {
            b = (struct store_bucket){statement_int(s, id, 0), statement_int(s, id, 1)};
            whole = statement_int(s, id, 2);
        }
        statement_reset(s, id);
        if (r < 0)
            return r;
        if (level == (int)o->finest && at_sec <= o->newest_sec)
            whole = false;
        if (b.start_sec < at_sec && at_sec < b.end_sec && !whole) {
            *ret_sec = up ? b.end_sec : b.start_sec;
            return 0;
        }
    }
    return 0;
}

/*
 * The last one's end is the first one's of the next that adjoins, and moves up: what lies across belongs where it
 * began.
 */
static int move_boundaries(struct store *s, const struct bounding *o, const struct store_bucket *b, size_t n,
                           struct store_bucket *ret)
{
    for (size_t i = 0; i < n; i++) {
        int64_t least = i ? ret[i - 1].end_sec : INT64_MIN, start = least, end;
        int r = i && b[i].start_sec == b[i - 1].end_sec ? 0 : move_boundary(s, o, b[i].start_sec, false, &start);
        if (r == 0)
            r = move_boundary(s, o, b[i].end_sec, true, &end);
        if (r < 0)
            return r;
        if (start < least)
            start = least;
        if (b[i].start_sec >= b[i].end_sec)
            end = start;
        ret[i] = (struct store_bucket){start, end > start ? end : start};
    }
    return 0;
}

int pieces_bounds(struct store *s, enum store_level finest, const struct store_bucket *buckets, size_t n,
                  struct store_bucket *ret_effective)
{
    struct bounding o = {.finest = finest};
    int r = finest == STORE_RAW ? 0 : find_newest(s, &o.newest_sec);

    return r < 0 ? r : move_boundaries(s, &o, buckets, n, ret_effective);
}

/* ---- the pieces between ---- */

static int add_piece(struct store *s, struct pieces *p, struct piece piece)
{
    if (p->n == p->room) {
        size_t room = p->room ? 2 * p->room : 64;
        struct piece *v = realloc(p->v, room * sizeof(*v));
        if (!v)
            return store_fail(s, -ENOMEM, "out of memory");
        p->v = v;
        p->room = room;
    }
    p->v[p->n++] = piece;
    return 0;
}

static int add_stored(struct store *s, struct stored_list *l, struct stored stored)
{
    if (l->n == l->room) {
        size_t room = l->room ? 2 * l->room : 64;
        struct stored *v = realloc(l->v, room * sizeof(*v));
        if (!v)
            return store_fail(s, -ENOMEM, "out of memory");
        l->v = v;
        l->room = room;
    }
    l->v[l->n++] = stored;
    return 0;
}

/* The stored buckets of a level that touch a range. */
static int list_stored(struct store *s, int level, struct store_bucket range, struct stored_list *ret)
{
    enum statement_id id = STATEMENT_PIECE_BUCKETS;
    int r = statement_bind(s, id, BINDS(BIND_INT(level), BIND_INT(range.start_sec), BIND_INT(range.end_sec)));

    while (r == 0 && (r = statement_step(s, id)) > 0)
        r = add_stored(s, ret,
                       (struct stored){statement_int(s, id, 0), statement_int(s, id, 1), statement_int(s, id, 2)});
    statement_reset(s, id);
    return r;
}

static int add_intervals(struct store *s, struct store_bucket range, size_t bucket, struct pieces *p)
{
    enum statement_id id = STATEMENT_PIECE_INTERVALS;
    int r = statement_bind(s, id, BINDS(BIND_INT(range.start_sec), BIND_INT(range.end_sec)));

    while (r == 0 && (r = statement_step(s, id)) > 0)
        r = add_piece(s, p, (struct piece){STORE_RAW, statement_int(s, id, 0), bucket, statement_int(s, id, 1)});
    statement_reset(s, id);
    return r;
}

static int cover(struct store *s, int level, struct store_bucket range, size_t bucket, struct pieces *p)
{
    cleanup(cleanup_list) struct stored_list stored = {0};
    int r;

    if (level == STORE_RAW)
        return add_intervals(s, range, bucket, p);
    r = list_stored(s, level, range, &stored);
    for (size_t i = 0; i < stored.n && r == 0; i++) {
        struct stored b = stored.v[i];
        struct store_bucket inside = {b.start_sec > range.start_sec ? b.start_sec : range.start_sec,
                                      b.end_sec < range.end_sec ? b.end_sec : range.end_sec};
        if (inside.start_sec == b.start_sec && inside.end_sec == b.end_sec)
            r = add_piece(s, p, (struct piece){(enum store_level)level, b.start_sec, bucket, b.seen_ms});
        else
            r = cover(s, level - 1, inside, bucket, p);
    }
    return r;
}

/* The bucket in which at_sec lies, n if in none. They are in order and do not overlap. */
static size_t find_bucket(const struct store_bucket *b, size_t n, int64_t at_sec)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (b[middle].end_sec <= at_sec)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && b[low].start_sec <= at_sec ? low : n;
}

static int add_unrolled(struct store *s, size_t n, struct pieces *p)
{
    enum statement_id id = STATEMENT_PIECE_UNROLLED;
    int r = statement_bind(s, id, NO_BINDS);

    while (r == 0 && (r = statement_step(s, id)) > 0) {
        size_t bucket = find_bucket(p->effective, n, statement_int(s, id, 1));
        r = bucket < n
                ? add_piece(s, p, (struct piece){STORE_RAW, statement_int(s, id, 0), bucket, statement_int(s, id, 2)})
                : 0;
    }
    statement_reset(s, id);
    return r;
}

int pieces_plan_from(struct store *s, enum store_level finest, const struct store_bucket *buckets, size_t n,
                     struct pieces *ret)
{
    struct pieces p = {.effective = calloc(n ? n : 1, sizeof(*p.effective))};
    int r = p.effective ? pieces_bounds(s, finest, buckets, n, p.effective) : store_fail(s, -ENOMEM, "out of memory");

    for (size_t i = 0; i < n && r == 0; i++)
        if (p.effective[i].start_sec < p.effective[i].end_sec)
            r = cover(s, STORE_MONTH, p.effective[i], i, &p);
    if (r == 0)
        r = add_unrolled(s, n, &p);
    if (r < 0)
        pieces_done(&p);
    else
        *ret = p;
    return r;
}

int pieces_plan(struct store *s, const struct store_bucket *buckets, size_t n, struct pieces *ret)
{
    return pieces_plan_from(s, STORE_RAW, buckets, n, ret);
}

int pieces_plan_raw(struct store *s, const struct store_bucket *buckets, size_t n, struct pieces *ret)
{
    struct pieces p = {.effective = calloc(n ? n : 1, sizeof(*p.effective))};
    int r = p.effective ? 0 : store_fail(s, -ENOMEM, "out of memory");

    for (size_t i = 0; i < n && r == 0; i++) {
        p.effective[i] = buckets[i];
        r = add_intervals(s, buckets[i], i, &p);
    }
    if (r == 0)
        r = add_unrolled(s, n, &p);
    if (r < 0)
        pieces_done(&p);
    else
        *ret = p;
    return r;
}

void pieces_done(struct pieces *p)
{
    free(p->v);
    free(p->effective);
    *p = (struct pieces){0};
}

/* ---- asked from outside ---- */

struct boundaries {
    const struct store_bucket *buckets;
    size_t n;
    struct store_bucket *effective;
};

static int plan_buckets(struct store *s, void *userdata)
{
    const struct boundaries *b = userdata;

    return pieces_bounds(s, STORE_RAW, b->buckets, b->n, b->effective);
}

int store_plan_buckets(struct store *s, const struct store_bucket *buckets, size_t n,
                       struct store_bucket *ret_effective)
{
    cleanup_free struct store_bucket *effective = calloc(n ? n : 1, sizeof(*effective));
    struct boundaries b = {buckets, n, effective};

    if (!effective)
        return store_fail(s, -ENOMEM, "out of memory");
    int r = query_snapshot(s, plan_buckets, &b);
    for (size_t i = 0; i < n && r == 0; i++)
        ret_effective[i] = effective[i];
    return r;
}

int store_plan_range(struct store *s, int64_t *since_sec, int64_t *until_sec)
{
    struct store_bucket range = {*since_sec, *until_sec};
    int r = store_plan_buckets(s, &range, 1, &range);

    if (r < 0)
        return r;
    *since_sec = range.start_sec;
    *until_sec = range.end_sec;
    return 0;
}

struct covering {
    struct store_bucket range;
    struct store_coverage answer;
};

static int measure_coverage(struct store *s, void *userdata)
{
    struct covering *c = userdata;
    enum statement_id id = STATEMENT_FIRST_LAST;
    struct pieces p;
    int r = pieces_plan(s, &c->range, 1, &p);

    if (r < 0)
        return r;
    c->answer = (struct store_coverage){.since_sec = p.effective[0].start_sec, .until_sec = p.effective[0].end_sec};
    for (size_t i = 0; i < p.n; i++)
        c->answer.seen_ms = add_capped(c->answer.seen_ms, p.v[i].seen_ms);
    pieces_done(&p);
    r = statement_bind(s, id, NO_BINDS);
    if (r == 0 && (r = statement_step(s, id)) > 0) {
        c->answer.first_sec = statement_int(s, id, 0);
        c->answer.last_sec = statement_int(s, id, 1);
    }
    statement_reset(s, id);
    return r < 0 ? r : 0;
}

int store_query_coverage(struct store *s, int64_t since_sec, int64_t until_sec, struct store_coverage *ret)
{
    struct covering c = {.range = {since_sec, until_sec}};
    int r = query_snapshot(s, measure_coverage, &c);

    if (r == 0)
        *ret = c.answer;
    return r;
}
