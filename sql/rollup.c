/*
 * Rolling up: what is booked is summed in memory by five minutes and account, and every five minutes these sums are
 * added to all coarser levels at once, together with the watermark. Memory is only a shortcut: the raw level has what
 * it holds, and is read where it is missing, after a crash and after a database of an older schema was opened.
 */
#include <errno.h>

#include "common/fault.h"
#include "sql/store_internal.h"

/*
 * 17 MB beside the largest interval's; more are written before it is time to. An interval has room however many accounts it
 * has: else each would be written to all levels as soon as it is booked, and not with the others of its five minutes.
 */
#define MOST_SUMS 131072

static const enum statement_id roll[STORE_LEVELS] = {[STORE_5MIN] = STATEMENT_ROLL_5MIN,
                                                     [STORE_HOUR] = STATEMENT_ROLL_HOUR,
                                                     [STORE_DAY] = STATEMENT_ROLL_DAY,
                                                     [STORE_MONTH] = STATEMENT_ROLL_MONTH};

void rollup_forget(struct store *s)
{
    tally_clear(&s->rollup.sums);
    tally_clear(&s->rollup.seen);
    s->rollup.largest = 0;
    s->rollup.current = false;
}

static void note_size(struct rollup *u, size_t n_accounts)
{
    if (n_accounts > u->largest)
        u->largest = n_accounts;
}

static bool full(const struct rollup *u)
{
    return u->sums.n_rows >= u->largest + MOST_SUMS || u->seen.n_rows >= MOST_SUMS;
}

void rollup_sum(struct store *s, int64_t five_minutes, const struct tally_key *account, const struct store_counters *n)
{
    struct tally_key key = *account;

    key.v[0] = five_minutes;
    if (s->rollup.current && tally_add(&s->rollup.sums, &key, n) < 0)
        rollup_forget(s); /* without memory the raw level is read when it is time to write */
}

void rollup_add(struct store *s, int64_t id, int64_t five_minutes, int64_t duration_ms)
{
    struct rollup *u = &s->rollup;
    struct tally_key key = {.v = {five_minutes}};

    if (!u->current)
        return;
    u->last_id = id;
    if (tally_add(&u->seen, &key, &(struct store_counters){.tx_bytes = duration_ms}) < 0)
        rollup_forget(s);
}

/* ---- writing ---- */

static int write_row(struct store *s, int level, const struct tally_row *row)
{
    const int64_t *v = row->key.v;
    const struct store_counters *n = &row->n;

    return statement_run(s, roll[level],
                         BINDS(BIND_INT(v[0]), BIND_INT(v[1]), BIND_INT(v[2]), BIND_INT(v[3]), BIND_INT(v[4]),
                               BIND_INT(v[5]), BIND_COUNTERS(n)));
}

static int write_level(struct store *s, int level, struct tally *sums)
{
    int r = 0;

    tally_sort(sums);
    for (size_t i = 0; i < sums->n_rows && r == 0; i++)
        r = write_row(s, level, &sums->rows[i]);
    fault_point("rollup-level");
    return r;
}

/* The sums of a level from those of five minutes, each of which lies in one bucket of it. */
static int sum_level(struct store *s, int level, struct tally *ret)
{
    const struct tally *sums = &s->rollup.sums;
    int r = 0;

    for (size_t i = 0; i < sums->n_rows && r == 0; i++) {
        struct tally_key key = sums->rows[i].key;
        struct buckets b;
        r = buckets_find(s, key.v[0], &b);
        if (r < 0)
            return r;
        key.v[0] = b.at[level].start_sec;
        if (tally_add(ret, &key, &sums->rows[i].n) < 0)
            r = store_fail(s, -ENOMEM, "out of memory");
    }
    return r;
}

static int write_coarser_level(struct store *s, int level)
{
    struct tally sums = {0};
    int r = sum_level(s, level, &sums);

    if (r == 0)
        r = write_level(s, level, &sums);
    tally_clear(&sums);
    return r;
}

static int write_seen(struct store *s)
{
    const struct tally *seen = &s->rollup.seen;
    struct buckets b;
    int r = 0;

    for (size_t i = 0; i < seen->n_rows && r == 0; i++) {
        r = buckets_find(s, seen->rows[i].key.v[0], &b);
        for (int level = STORE_5MIN; level < STORE_LEVELS && r == 0; level++)
            r = statement_run(
                s, STATEMENT_BUCKET_SEEN,
                BINDS(BIND_INT(level), BIND_INT(b.at[level].start_sec), BIND_INT(seen->rows[i].n.tx_bytes)));
    }
    return r;
}

/* In a transaction: all levels and the watermark, or nothing. The one before may have failed, and taken the calendar with it. */
static int write_all(struct store *s, void *userdata)
{
    int r = buckets_need_calendar(s);

    if (r == 0)
        r = write_seen(s);
    if (r == 0)
        r = write_level(s, STORE_5MIN, &s->rollup.sums);
    for (int level = STORE_HOUR; level < STORE_LEVELS && r == 0; level++)
        r = write_coarser_level(s, level);
    if (r == 0)
        r = meters_roll_up(s, s->rollup.last_id);
    if (r == 0)
        r = statement_run(s, STATEMENT_ROLLED_SET, BINDS(BIND_INT(s->rollup.last_id)));
    return r < 0 ? r : retention_shrink(s);
}

static int write_now(struct store *s)
{
    int r = s->rollup.seen.n_rows ? store_transaction(s, write_all, NULL) : 0;

    if (r < 0)
        return r;
    tally_clear(&s->rollup.sums);
    tally_clear(&s->rollup.seen);
    s->rollup.largest = 0;
    return 0;
}

/* ---- catching up ---- */

static int read_rows(struct store *s, int64_t interval, int64_t five_minutes)
{
    enum statement_id id = STATEMENT_UNROLLED_ROWS;
    size_t n_rows = 0;
    int r = statement_bind(s, id, BINDS(BIND_INT(interval)));

    while (r == 0 && (r = statement_step(s, id)) > 0) {
        struct tally_key key = {.v = {0, statement_int(s, id, 0), statement_int(s, id, 1), statement_int(s, id, 2),
                                      statement_int(s, id, 3), statement_int(s, id, 4)}};
        struct store_counters n = {statement_int(s, id, 5), statement_int(s, id, 6), statement_int(s, id, 7),
                                   statement_int(s, id, 8), statement_int(s, id, 9), statement_int(s, id, 10)};
        rollup_sum(s, five_minutes, &key, &n);
        n_rows++;
        r = 0;
    }
    statement_reset(s, id);
    note_size(&s->rollup, n_rows);
    return r < 0 ? r : s->rollup.current ? 0 : store_fail(s, -ENOMEM, "out of memory");
}

/* The interval after id: 1, or 0 if there is none. */
static int find_unrolled(struct store *s, int64_t after, int64_t *ret_id, int64_t *ret_start_sec,
                         int64_t *ret_duration_ms)
{
    enum statement_id id = STATEMENT_UNROLLED;
    int r = statement_bind(s, id, BINDS(BIND_INT(after)));

    if (r == 0 && (r = statement_step(s, id)) > 0) {
        *ret_id = statement_int(s, id, 0);
        *ret_start_sec = statement_int(s, id, 1);
        *ret_duration_ms = statement_int(s, id, 2);
    }
    statement_reset(s, id);
    return r;
}

/* In a transaction, because it may create buckets: reads until memory is full or all is read. */
static int read_some(struct store *s, void *userdata)
{
    bool *ret_more = userdata;
    int64_t id = 0, start_sec = 0, duration_ms = 0;
    int r = buckets_need_calendar(s);

    *ret_more = false;
    while (r == 0 && (r = find_unrolled(s, s->rollup.last_id, &id, &start_sec, &duration_ms)) > 0) {
        struct buckets b;
        r = buckets_find(s, start_sec, &b);
        if (r == 0)
            r = read_rows(s, id, b.at[STORE_5MIN].start_sec);
        if (r < 0)
            return r;
        rollup_add(s, id, b.at[STORE_5MIN].start_sec, duration_ms);
        if (full(&s->rollup)) {
            *ret_more = true;
            return 0;
        }
    }
    return r;
}

int rollup_catch_up(struct store *s)
{
    struct rollup *u = &s->rollup;
    bool more = true;

    if (u->current)
        return 0;
    rollup_forget(s);
    int r = statement_get_int(s, STATEMENT_ROLLED, NO_BINDS, &u->last_id);
    if (r == 0)
        r = store_fail(s, -EBADMSG, "has lost its watermark; restore it from a backup");
    u->current = r > 0;
    while (r >= 0 && more) {
        r = store_transaction(s, read_some, &more);
        if (r == 0 && more)
            r = write_now(s);
    }
    if (r < 0)
        rollup_forget(s);
    return r < 0 ? r : 0;
}

/* ---- when ---- */

int store_flush(struct store *s)
{
    if (s->mode != STORE_WRITE)
        return store_fail(s, -EROFS, "is open for reading only");
    int r = file_check_in_place(s);
    if (r == 0)
        r = rollup_catch_up(s);
    return r < 0 ? r : write_now(s);
}

void rollup_flush_if_due(struct store *s, int64_t five_minutes, size_t n_accounts)
{
    struct rollup *u = &s->rollup;

    note_size(u, n_accounts);
    if (u->current && five_minutes == u->five_minutes && !full(u))
        return;
    int r = store_flush(s);
    if (r == 0)
        u->five_minutes = five_minutes;
    else if (!u->failed)
        notice_add(s, "rolling up failed and is tried again with each interval; what was booked is safe: %s",
                   store_why(s));
    u->failed = r < 0;
}
