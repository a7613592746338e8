/*
 * Forgetting, in steps that are small enough for each booking. Only what is rolled up is dropped, the finest first,
 * and the coarser bucket around it remembers that it can no longer be looked into.
 */
#include <errno.h>

#include "sql/store_internal.h"

#define STEP_INTERVALS   8 /* raw intervals at most that a booking drops */
#define STEP_BUCKETS     8 /* of each level; one that holds 100,000 rows is dropped in 50 ms */
#define STEP_ROWS        40000
#define STEP_FORWARD_SEC 3600
#define HOLD_MS          (INT64_C(86400) * 1000)
#define CALM_MS          (INT64_C(3600) * 1000)
#define SPARE_PAGES      1024 /* free pages that are kept for what is booked next */

static const enum statement_id drop[STORE_LEVELS] = {[STORE_5MIN] = STATEMENT_DROP_5MIN,
                                                     [STORE_HOUR] = STATEMENT_DROP_HOUR,
                                                     [STORE_DAY] = STATEMENT_DROP_DAY,
                                                     [STORE_MONTH] = STATEMENT_DROP_MONTH};

/* What begins before this instant has expired. */
static int64_t horizon_of(int64_t keep, int64_t now_sec)
{
    return keep == STORE_FOREVER || keep > now_sec ? 0 : now_sec - keep;
}

static int64_t horizon(const struct store *s, int level, int64_t now_sec)
{
    return horizon_of(s->policy.retention_sec[level], now_sec);
}

/* The oldest raw interval that may go: 1, or 0 if there is none. */
static int find_raw(struct store *s, int64_t before_sec, int64_t *ret_id, int64_t *ret_start_sec)
{
    enum statement_id id = STATEMENT_RAW_EXPIRED;
    int r = statement_bind(s, id, BINDS(BIND_INT(before_sec)));

    if (r == 0 && (r = statement_step(s, id)) > 0) {
        *ret_id = statement_int(s, id, 0);
        *ret_start_sec = statement_int(s, id, 1);
    }
    statement_reset(s, id);
    return r;
}

static int drop_interval(struct store *s, int64_t id, int64_t start_sec, int64_t *rows)
{
    int r = statement_run(s, STATEMENT_RAW_DELETE, BINDS(BIND_INT(id)));

    *rows += sqlite3_changes64(s->db);
    if (r == 0)
        r = meters_drop(s, STORE_RAW, id);
    if (r == 0)
        r = statement_run(s, STATEMENT_INTERVAL_DELETE, BINDS(BIND_INT(id)));
    if (r == 0)
        r = statement_run(s, STATEMENT_BUCKET_THINNED, BINDS(BIND_INT(STORE_5MIN), BIND_INT(start_sec)));
    return r;
}

/* What a step dropped, and whether there is nothing more to drop. */
struct step {
    int n;
    bool done;
};

/* Drops raw intervals that begin before before_sec. */
static int drop_raw(struct store *s, int64_t before_sec, struct step *ret)
{
    int64_t id = 0, start_sec = 0, rows = 0;
    int n = 0, r = 1;

    while (n < STEP_INTERVALS && rows < STEP_ROWS && (r = find_raw(s, before_sec, &id, &start_sec)) > 0) {
        r = drop_interval(s, id, start_sec, &rows);
        if (r < 0)
            return r;
        n++;
        r = 1;
    }
    *ret = (struct step){n, r == 0};
    return r < 0 ? r : 0;
}

/* Drops the oldest bucket of a level that ended until before_sec and adds its rows: 1, or 0 if there is none. */
static int drop_bucket(struct store *s, int level, int64_t before_sec, int64_t *rows)
{
    int64_t start;
    int r = statement_get_int(s, STATEMENT_BUCKET_EXPIRED, BINDS(BIND_INT(level), BIND_INT(before_sec)), &start);

    if (r <= 0)
        return r;
    r = statement_run(s, drop[level], BINDS(BIND_INT(start)));
    *rows += sqlite3_changes64(s->db);
    if (r == 0)
        r = meters_drop(s, level, start);
    if (r == 0)
        r = statement_run(s, STATEMENT_BUCKET_DELETE, BINDS(BIND_INT(level), BIND_INT(start)));
    if (r == 0 && level + 1 < STORE_LEVELS)
        r = statement_run(s, STATEMENT_BUCKET_THINNED, BINDS(BIND_INT(level + 1), BIND_INT(start)));
    buckets_forget(s);
    return r < 0 ? r : 1;
}

/* The same for some of them. */
static int drop_buckets(struct store *s, int level, int64_t before_sec, struct step *ret)
{
    int64_t rows = 0;
    int n = 0, r = 1;

    while (n < STEP_BUCKETS && rows < STEP_ROWS && (r = drop_bucket(s, level, before_sec, &rows)) > 0)
        n++;
    *ret = (struct step){n, r == 0};
    return r < 0 ? r : 0;
}

/* ---- connections ---- */

/* The oldest five minutes of which connections are kept: 1, or 0 if there are none. */
static int find_connections(struct store *s, int64_t *ret_start_sec)
{
    return statement_get_int(s, STATEMENT_CONNECTION_OLDEST, NO_BINDS, ret_start_sec);
}

/* What was moved in them, and the connections that ended in them; open ones stay, whatever they last moved. */
static int drop_connections_of(struct store *s, int64_t start_sec, int64_t *rows)
{
    static const enum statement_id ids[] = {STATEMENT_CONNECTION_USAGE_DROP, STATEMENT_CONNECTION_EXCESS_DROP,
                                            STATEMENT_CONNECTION_DROP};
    int r = 0;

    for (size_t i = 0; i < array_length(ids) && r == 0; i++) {
        r = statement_run(s, ids[i], BINDS(BIND_INT(start_sec)));
        *rows += sqlite3_changes64(s->db);
    }
    return r < 0 ? r : statement_run(s, STATEMENT_CONNECTION_DROPPED, BINDS(BIND_INT(start_sec)));
}

/* Those of five minutes that were over at before_sec. */
static int drop_connections(struct store *s, int64_t before_sec, struct step *ret)
{
    int64_t rows = 0, start = 0;
    int n = 0, r = 1;

    while (n < STEP_BUCKETS && rows < STEP_ROWS && (r = find_connections(s, &start)) > 0) {
        if (start > before_sec - STORE_CONNECTION_SEC) {
            r = 0;
            break;
        }
        r = drop_connections_of(s, start, &rows);
        if (r < 0)
            return r;
        n++;
        r = 1;
    }
    *ret = (struct step){n, r == 0};
    return r < 0 ? r : 0;
}

/* ---- the quota ---- */

struct space {
    int64_t pages, free, page_size;
};

static int measure(struct store *s, struct space *ret)
{
    int r = statement_get_int(s, STATEMENT_PAGE_COUNT, NO_BINDS, &ret->pages);

    if (r > 0)
        r = statement_get_int(s, STATEMENT_FREE_COUNT, NO_BINDS, &ret->free);
    if (r > 0)
        r = statement_get_int(s, STATEMENT_PAGE_SIZE, NO_BINDS, &ret->page_size);
    return r < 0 ? r : 0;
}

static int is_over(struct store *s, bool *ret)
{
    struct space space;
    int r = measure(s, &space);

    *ret =
        r == 0 && s->policy.max_size_bytes && (space.pages - space.free) * space.page_size > s->policy.max_size_bytes;
    return r;
}

/* Of raw and of connections what is oldest; done when both are used up, though an interval came and went meanwhile. */
static int drop_finest(struct store *s, struct step *ret)
{
    int64_t id, raw = INT64_MAX, connections = INT64_MAX;
    int r = find_raw(s, INT64_MAX, &id, &raw);

    if (r >= 0)
        r = find_connections(s, &connections);
    if (r < 0)
        return r;
    if (connections <= raw && connections != INT64_MAX) {
        r = drop_connections(s, raw == INT64_MAX ? raw : raw + STORE_CONNECTION_SEC, ret);
        ret->done = ret->done && raw == INT64_MAX;
    } else {
        r = drop_raw(s, INT64_MAX, ret);
        ret->done = ret->done && connections == INT64_MAX;
    }
    return r;
}

/*
 * Samples of packets and what policies told, of which no sum is made; then raw and connections, then five minutes, then hours, each when the ones
 * before are used up. Days and months are what is billed by.
 */
static int drop_for_quota(struct store *s, bool *ret_dropped)
{
    struct step step = {.done = true};
    bool over = true;
    int64_t dropped;
    int r = samples_drop(s, &dropped);

    if (r == 0 && dropped == 0)
        r = policy_events_drop(s, &dropped);
    if (r < 0 || dropped > 0) {
        *ret_dropped = dropped > 0;
        return r;
    }
    r = drop_finest(s, &step);

    *ret_dropped = step.n > 0;
    for (int level = STORE_5MIN; level <= STORE_HOUR && r == 0 && step.done; level++) {
        r = is_over(s, &over);
        if (r < 0 || !over)
            return r;
        r = drop_buckets(s, level, INT64_MAX, &step);
        *ret_dropped |= step.n > 0;
    }
    return r;
}

static int tell_over(struct store *s, bool dropped, int64_t now_sec)
{
    long long limit = s->policy.max_size_bytes;

    if (s->over_quota)
        return 0;
    s->over_quota = true;
    if (dropped)
        notice_add(s,
                   "%s: max_size of %lld bytes is reached; the oldest fine-grained data and connections are dropped"
                   " before their retention ends, days and months stay; raise max_size or shorten the retention of"
                   " raw and connections",
                   s->path, limit);
    else
        notice_add(s,
                   "%s: max_size of %lld bytes cannot be kept: only days, months and what is not rolled up are left;"
                   " raise max_size",
                   s->path, limit);
    return layer_put(s, "store", "failed",
                     dropped ? "max_size is reached; the oldest fine-grained data and connections are dropped early"
                             : "max_size cannot be kept; only days and months are left",
                     now_sec);
}

static int keep_quota(struct store *s, int64_t now_sec)
{
    bool over, dropped = false;
    int r = is_over(s, &over);

    if (r < 0)
        return r;
    if (!over) {
        if (!s->over_quota || s->calm_ms < CALM_MS)
            return 0;
        s->over_quota = false;
        return layer_put(s, "store", "on", "", now_sec);
    }
    s->calm_ms = 0;
    r = drop_for_quota(s, &dropped);
    return r < 0 ? r : tell_over(s, dropped, now_sec);
}

/* ---- what a booking does ---- */

int retention_expire(struct store *s, int64_t now_sec)
{
    struct step step;
    int r;

    if (s->hold_ms > 0)
        return keep_quota(s, now_sec);
    r = drop_raw(s, horizon(s, STORE_RAW, now_sec), &step);
    if (r == 0 && s->policy.connections_sec)
        r = drop_connections(s, horizon_of(s->policy.connections_sec, now_sec), &step);
    for (int level = STORE_5MIN; level < STORE_LEVELS && r == 0; level++)
        r = drop_buckets(s, level, horizon(s, level, now_sec), &step);
    return r < 0 ? r : keep_quota(s, now_sec);
}

void retention_note(struct store *s, int64_t duration_ms, int64_t stepped_forward_sec)
{
    s->hold_ms = stepped_forward_sec > STEP_FORWARD_SEC ? HOLD_MS
                 : s->hold_ms > duration_ms             ? s->hold_ms - duration_ms
                                                        : 0;
    s->calm_ms += duration_ms;
}

int retention_shrink(struct store *s)
{
    struct space space;
    int r = measure(s, &space);

    return r == 0 && space.free > SPARE_PAGES ? statement_run(s, STATEMENT_VACUUM, NO_BINDS) : r;
}
