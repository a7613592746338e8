/* Booking: one epoch, one transaction, exactly once. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "common/fault.h"
#include "sql/counters.h"
#include "sql/store_internal.h"

static struct account_key key_of(const struct store_usage *u)
{
    return (struct account_key){
        .uid = u->uid,
        .gid = u->gid,
        .unit = u->unit,
        .class_id = u->class_id,
        .protocol = u->protocol,
        .family = u->family == AF_INET    ? 4
                  : u->family == AF_INET6 ? 6
                                          : 0,
        .kind = u->kind,
    };
}

#define COMPARE(field)                                                                                                 \
    if (a->field != b->field)                                                                                          \
    return a->field < b->field ? -1 : 1

static int compare_keys(const struct account_key *a, const struct account_key *b)
{
    COMPARE(uid);
    COMPARE(gid);
    COMPARE(unit);
    COMPARE(class_id);
    COMPARE(protocol);
    COMPARE(family);
    COMPARE(kind);
    return 0;
}

static int compare_projects(const char *a, const char *b)
{
    return a == b ? 0 : !a ? -1 : !b ? 1 : strcmp(a, b);
}

static int compare_usage(const void *a, const void *b)
{
    const struct store_usage *ua = a, *ub = b;
    if (ua->uid != ub->uid) /* nearly always */
        return ua->uid < ub->uid ? -1 : 1;
    struct account_key ka = key_of(ua), kb = key_of(ub);
    int order = compare_keys(&ka, &kb);

    return order ? order : compare_projects(ua->project, ub->project);
}

/* An account's share of an epoch, with the account found. */
struct sum {
    int64_t uid;
    struct account account;
    struct tally_key key; /* what the coarser levels keep; the time is left open */
    struct store_counters n;
};

struct booking {
    const struct store_interval *interval;
    const struct store_usage *rows; /* sorted by account */
    size_t n_rows;
    struct book_parts parts;
    struct sum *sums;
    size_t n_sums;
};

static void cleanup_booking(struct booking *b)
{
    free(b->parts.v);
    free(b->parts.ids);
    free(b->parts.five_minutes);
    free(b->sums);
}

/* What a transaction that was rolled back had found out. */
static void forget_booking(struct booking *b)
{
    cleanup_booking(b);
    b->parts = (struct book_parts){.span = b->parts.span};
    b->sums = NULL;
    b->n_sums = 0;
}

int book_find_account(struct store *s, const struct store_usage *u, int64_t start_sec, struct account_key *ret_key,
                      struct account *ret)
{
    struct account_key key = key_of(u);
    int r = u->project ? accounts_find_project(s, u->project, start_sec, &key.project) : 0;

    if (ret_key)
        *ret_key = key;
    return r < 0 ? r : accounts_find(s, &key, start_sec, ret);
}

static int find_account(struct store *s, const struct store_usage *u, int64_t start_sec, struct sum *ret)
{
    struct account_key key;
    int r = book_find_account(s, u, start_sec, &key, &ret->account);

    ret->uid = key.uid;
    ret->key = (struct tally_key){{0, ret->account.user, ret->account.project, key.class_id, key.protocol, key.family}};
    return r;
}

/* Equal accounts are summed aside: the caller's rows stay as they are, since it may have to book them again. */
static int sum_rows(struct store *s, struct booking *b)
{
    b->sums = calloc(b->n_rows ? b->n_rows : 1, sizeof(*b->sums));
    if (!b->sums)
        return store_fail(s, -ENOMEM, "out of memory");
    accounts_expect(s->accounts, b->n_rows);
    for (size_t i = 0; i < b->n_rows;) {
        const struct store_usage *first = &b->rows[i];
        struct sum *sum = &b->sums[b->n_sums];
        sum->n = (struct store_counters){0};
        for (; i < b->n_rows && compare_usage(first, &b->rows[i]) == 0; i++)
            counters_add(&sum->n, &b->rows[i].n);
        if (counters_zero(&sum->n))
            continue;
        int r = find_account(s, first, b->parts.span.start_sec, sum);
        if (r < 0)
            return r;
        b->n_sums++;
    }
    return 0;
}

struct store_counters book_share(const struct book_parts *p, size_t part, const struct store_counters *n)
{
    int64_t start = p->span.start_sec;

    if (p->n == 1)
        return *n;
    return split_counters(n, p->v[part].start_sec - start, p->v[part].end_sec - start, p->span.end_sec - start);
}

static int insert_usage(struct store *s, const struct booking *b, size_t part)
{
    for (size_t i = 0; i < b->n_sums; i++) {
        struct store_counters n = book_share(&b->parts, part, &b->sums[i].n);
        int r = counters_zero(&n) ? 0
                                  : statement_run(s, STATEMENT_USAGE_INSERT,
                                                  BINDS(BIND_INT(b->parts.ids[part]), BIND_INT(b->sums[i].uid),
                                                        BIND_INT(b->sums[i].account.id), BIND_COUNTERS(&n)));
        fault_point("book-row");
        if (r < 0)
            return r;
    }
    return 0;
}

static int insert_interval(struct store *s, const struct booking *b, size_t part, const struct store_counters *counted)
{
    const struct store_interval *i = b->interval;
    const struct store_bucket *p = &b->parts.v[part];
    int64_t start = b->parts.span.start_sec, whole = b->parts.span.end_sec - start;
    int64_t duration = split_share(i->duration_ms, p->start_sec - start, p->end_sec - start, whole);
    int r = statement_get_int(s, STATEMENT_INTERVAL_INSERT,
                              BINDS(BIND_INT((int64_t)i->ledger), BIND_INT((int64_t)i->epoch), BIND_INT((int64_t)part),
                                    BIND_INT(b->parts.n > 1 || b->parts.span.stepped), BIND_INT(p->start_sec),
                                    BIND_INT(p->end_sec), BIND_INT(duration), BIND_COUNTERS(counted),
                                    BIND_INT(part ? 0 : i->update_errors)),
                              &b->parts.ids[part]);

    return r < 0 ? r : 0;
}

/*
 * A part of many counts what its rows add up to, for shares are cut to the byte row by row. Should the kernel side
 * ever have counted something else than the rows, the last part shows it.
 */
static struct store_counters counted_in(const struct booking *b, size_t part, const struct store_counters *told)
{
    struct store_counters n = b->interval->counted;

    if (part + 1 < b->parts.n) {
        n = (struct store_counters){0};
        for (size_t i = 0; i < b->n_sums; i++) {
            struct store_counters of_row = book_share(&b->parts, part, &b->sums[i].n);
            counters_add(&n, &of_row);
        }
        return n;
    }
    counters_subtract(&n, told);
    return n;
}

static int insert_part(struct store *s, struct booking *b, size_t part, struct store_counters *told)
{
    struct store_counters counted = counted_in(b, part, told);
    struct buckets buckets;
    int r = buckets_find(s, b->parts.v[part].start_sec, &buckets);

    if (r == 0)
        r = insert_interval(s, b, part, &counted);
    fault_point("book-interval");
    if (r == 0)
        r = insert_usage(s, b, part);
    b->parts.five_minutes[part] = buckets.at[STORE_5MIN].start_sec;
    counters_add(told, &counted);
    return r;
}

static int find_parts(struct store *s, struct booking *b)
{
    int r = buckets_need_calendar(s);

    if (r == 0 && split_parts(s->calendar, &b->parts.span, &b->parts.v, &b->parts.n) < 0)
        r = -ENOMEM;
    if (r == 0 && (!(b->parts.ids = calloc(b->parts.n, sizeof(*b->parts.ids))) ||
                   !(b->parts.five_minutes = calloc(b->parts.n, sizeof(*b->parts.five_minutes)))))
        r = -ENOMEM;
    return r == -ENOMEM ? store_fail(s, r, "out of memory") : r;
}

static int advance_ledger(struct store *s, const struct booking *b)
{
    const struct store_interval *i = b->interval;
    int64_t id;
    int r = statement_get_int(
        s, STATEMENT_LEDGER_ADVANCE,
        BINDS(BIND_INT((int64_t)i->ledger), BIND_INT((int64_t)i->epoch), BIND_INT(b->parts.span.start_sec)), &id);

    if (r == 0)
        return store_fail(s, -EALREADY, "epoch %llu of ledger %016llx is booked already", (unsigned long long)i->epoch,
                          (unsigned long long)i->ledger);
    return r < 0 ? r : 0;
}

/* What expired goes first, so that what is booked finds room. */
static int book(struct store *s, void *userdata)
{
    struct booking *b = userdata;
    struct store_counters told = {0};
    int r = connections_load(s);

    fault_point("book-epoch");
    if (r == 0)
        r = advance_ledger(s, b);
    if (r == 0)
        r = find_parts(s, b);
    if (r == 0)
        r = retention_expire(s, b->parts.span.end_sec);
    if (r == 0)
        r = sum_rows(s, b);
    fault_point("book-accounts");
    for (size_t part = 0; part < b->parts.n && r == 0; part++)
        r = insert_part(s, b, part, &told);
    if (r == 0)
        r = connections_book(s, b->interval, &b->parts);
    return r < 0 ? r : meters_book(s, b->interval, &b->parts);
}

/* What was committed, into memory. */
static void roll_up(struct store *s, const struct booking *b)
{
    const struct store_interval *i = b->interval;
    int64_t start = b->parts.span.start_sec, whole = b->parts.span.end_sec - start;

    for (size_t part = 0; part < b->parts.n; part++) {
        const struct store_bucket *p = &b->parts.v[part];
        rollup_add(s, b->parts.ids[part], b->parts.five_minutes[part],
                   split_share(i->duration_ms, p->start_sec - start, p->end_sec - start, whole));
        for (size_t k = 0; k < b->n_sums; k++) {
            struct store_counters n = book_share(&b->parts, part, &b->sums[k].n);
            if (counters_zero(&n))
                continue;
            rollup_sum(s, b->parts.five_minutes[part], &b->sums[k].key, &n);
            uses_add(s->uses, p->start_sec, &b->sums[k].key, &n);
        }
    }
    rollup_flush_if_due(s, b->parts.five_minutes[b->parts.n - 1], b->n_sums);
}

int store_book_interval(struct store *s, const struct store_interval *interval, struct store_usage *rows, size_t n_rows)
{
    cleanup(cleanup_booking) struct booking b = {
        .interval = interval, .rows = rows, .n_rows = n_rows, .parts = {.span = split_span(interval)}};

    if (s->mode != STORE_WRITE)
        return store_fail(s, -EROFS, "is open for reading only");
    /* 0 is what store_last_epoch() says of a ledger that was never booked. */
    if (interval->epoch == 0 || interval->epoch > INT64_MAX)
        return store_fail(s, -EINVAL, "epoch %llu cannot be booked: epochs count from 1",
                          (unsigned long long)interval->epoch);
    int r = file_check_in_place(s);
    if (r < 0)
        return r;
    if (n_rows)
        qsort(rows, n_rows, sizeof(*rows), compare_usage);
    retention_note(s, interval->duration_ms, b.parts.span.forward_sec);
    r = store_transaction(s, book, &b);
    if (r == -ENOSPC && ballast_release(s)) {
        forget_booking(&b);
        r = store_transaction(s, book, &b);
    }
    if (r < 0)
        return r;
    connections_committed(s, interval, &b.parts);
    s->meters_anew &= interval->n_meters == 0;
    roll_up(s, &b);
    ballast_take(s);
    return 0;
}

int store_last_epoch(struct store *s, uint64_t ledger, uint64_t *ret_epoch)
{
    int64_t epoch = 0;
    int r = statement_get_int(s, STATEMENT_LEDGER_LAST, BINDS(BIND_INT((int64_t)ledger)), &epoch);

    if (r < 0)
        return r;
    *ret_epoch = (uint64_t)epoch;
    return 0;
}
