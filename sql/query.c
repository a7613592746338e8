/*
 * Answers. A question becomes pieces (pieces.c), each of which is a seek in one level; what they hold is summed in
 * memory by what was asked for and gets its names last (labels.c). So the text of a statement never depends on input.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "sql/asking.h"

/* A row of raw has the unit after its counters. */
enum { RAW_UNIT = 11 };

/* How the names of a dimension are looked up: by name, else by number, with or without what reports put before it. */
static const struct filter {
    const char *noun, *prefix;
    size_t names; /* offset in struct store_query */
    enum statement_id by_name, by_number;
} filters[FILTERS] = {
    {"user", "uid ", offsetof(struct store_query, users), STATEMENT_PICK_USER_NAME, STATEMENT_PICK_USER_NUMBER},
    {"project", "gid ", offsetof(struct store_query, projects), STATEMENT_PICK_PROJECT_NAME,
     STATEMENT_PICK_PROJECT_NUMBER},
    {"class", "class ", offsetof(struct store_query, classes), STATEMENT_PICK_CLASS_NAME, STATEMENT_PICK_CLASS_NUMBER},
    {"protocol", "proto ", offsetof(struct store_query, protocols), STATEMENT_PICK_PROTOCOL_NAME,
     STATEMENT_PICK_PROTOCOL_NUMBER},
};

static const enum statement_id ask_all[STORE_LEVELS] = {STATEMENT_ALL_RAW, STATEMENT_ALL_5MIN, STATEMENT_ALL_HOUR,
                                                        STATEMENT_ALL_DAY, STATEMENT_ALL_MONTH};
static const enum statement_id ask_sum[STORE_LEVELS] = {STATEMENT_SUM_RAW, STATEMENT_SUM_5MIN, STATEMENT_SUM_HOUR,
                                                        STATEMENT_SUM_DAY, STATEMENT_SUM_MONTH};
static const enum statement_id ask_user[STORE_LEVELS] = {STATEMENT_USER_RAW, STATEMENT_USER_5MIN, STATEMENT_USER_HOUR,
                                                         STATEMENT_USER_DAY, STATEMENT_USER_MONTH};

static const struct store_names *names_of(const struct store_query *q, const struct filter *f)
{
    return (const struct store_names *)((const char *)q + f->names);
}

/* ---- snapshots ---- */

int store_begin_read(struct store *s)
{
    if (s->reading)
        return store_fail(s, -EALREADY, "is being read already");
    int r = statement_run(s, STATEMENT_BEGIN_READ, NO_BINDS);
    s->reading = r == 0;
    /* A reader may stay while pdttd is upgraded and migrates. */
    if (r == 0 && s->mode == STORE_READ && (r = migrate_check(s)) < 0)
        store_end_read(s);
    return r;
}

void store_end_read(struct store *s)
{
    if (s->reading && !sqlite3_get_autocommit(s->db))
        statement_run(s, STATEMENT_COMMIT, NO_BINDS);
    s->reading = false;
}

int store_edition(struct store *s, int64_t *ret_edition)
{
    int r = statement_get_int(s, STATEMENT_EDITION, NO_BINDS, ret_edition);

    return r < 0 ? r : 0;
}

int query_snapshot(struct store *s, int (*work)(struct store *s, void *userdata), void *userdata)
{
    bool own = !s->reading;
    int r = own ? store_begin_read(s) : 0;

    if (r < 0)
        return r;
    r = work(s, userdata);
    if (own)
        store_end_read(s);
    return r;
}

/* ---- filters ---- */

static bool parse_number(const char *text, const char *prefix, int64_t *ret)
{
    size_t length = strlen(prefix);
    const char *digits = strncmp(text, prefix, length) == 0 ? text + length : text;
    char *end;

    if (!strchr("-0123456789", *digits) || !*digits)
        return false;
    errno = 0;
    long long n = strtoll(digits, &end, 10);
    if (errno || end == digits || *end)
        return false;
    *ret = n;
    return true;
}

static int fail_unknown(struct store *s, const struct filter *f, const char *name)
{
    free(s->unknown_name);
    s->unknown_name = strdup(name);
    return store_fail(s, -ENOENT, "knows no %s '%s'; nothing was ever booked under that name", f->noun, name);
}

int asking_pick(struct store *s, enum filter_id filter, const char *name, struct picks *p)
{
    const struct filter *f = &filters[filter];
    int64_t number;
    int r = picks_add(s, f->by_name, BINDS(BIND_TEXT(name)), p);

    if (r == 0 && parse_number(name, f->prefix, &number))
        r = picks_add(s, f->by_number, BINDS(BIND_INT(number)), p);
    return r;
}

/* No unit may match: a glob is no name. */
static int pick_units(struct store *s, struct asking *a)
{
    const struct store_names *globs = &a->query->units;
    int r = 0;

    for (size_t i = 0; i < globs->n && r >= 0; i++)
        r = picks_add(s, STATEMENT_PICK_UNITS, BINDS(BIND_TEXT(globs->v[i])), &a->units);
    picks_sort(&a->units);
    return r < 0 ? r : 0;
}

int asking_fill(struct store *s, struct asking *a)
{
    for (size_t i = 0; i < FILTERS; i++) {
        const struct store_names *names = names_of(a->query, &filters[i]);
        for (size_t k = 0; k < names->n; k++) {
            int r = asking_pick(s, (enum filter_id)i, names->v[k], &a->picks[i]);
            if (r <= 0)
                return r < 0 ? r : fail_unknown(s, &filters[i], names->v[k]);
        }
        picks_sort(&a->picks[i]);
    }
    int r = sight_read(s, a->query->viewer, &a->sight);
    if (r < 0)
        return r;
    a->users = sight_narrow(&a->sight, a->query->users.n > 0, &a->picks[FILTER_USER]);
    return pick_units(s, a);
}

bool picks_pass(const struct picks *p, int64_t id)
{
    return p->n == 0 || picks_have(p, id);
}

bool asking_passes(const struct asking *a, const struct label_ids *ids)
{
    return picks_pass(&a->picks[FILTER_PROJECT], ids->project) && picks_pass(&a->picks[FILTER_CLASS], ids->class_id) &&
           picks_pass(&a->picks[FILTER_PROTOCOL], ids->protocol) &&
           (a->query->units.n == 0 || picks_have(&a->units, ids->unit));
}

bool asking_shows(const struct asking *a, const struct label_ids *ids)
{
    return a->users && picks_pass(a->users, ids->user) && asking_passes(a, ids) &&
           sight_passes(&a->sight, ids->user, ids->project) == SIGHT_ALL;
}

/* ---- sums ---- */

int asking_sum(struct store *s, struct asking *a, size_t bucket, const struct label_ids *ids,
               const struct store_counters *n)
{
    struct tally_key key = labels_key(bucket, a->by, ids);

    return tally_add(&a->sums, &key, n) < 0 ? store_fail(s, -ENOMEM, "out of memory") : 0;
}

static int add_row(struct store *s, struct asking *a, enum statement_id id, size_t bucket)
{
    struct label_ids ids = {
        .user = statement_int(s, id, 0),
        .project = statement_int(s, id, 1),
        .class_id = statement_int(s, id, 2),
        .protocol = statement_int(s, id, 3),
        .family = statement_int(s, id, 4),
        .unit = a->raw ? statement_int(s, id, RAW_UNIT) : 0,
        .other = true,
    };
    struct store_counters n = {
        .tx_bytes = statement_int(s, id, 5),
        .rx_bytes = statement_int(s, id, 6),
        .tx_packets = statement_int(s, id, 7),
        .rx_packets = statement_int(s, id, 8),
        .tx_payload_bytes = statement_int(s, id, 9),
        .rx_payload_bytes = statement_int(s, id, 10),
    };
    enum sight_of sight = sight_passes(&a->sight, ids.user, ids.project);

    if (sight == SIGHT_NOTHING)
        return 0;
    if (sight == SIGHT_NAMELESS)
        ids.user = ids.unit = 0;
    return asking_passes(a, &ids) ? asking_sum(s, a, bucket, &ids, &n) : 0;
}

static int add_rows(struct store *s, struct asking *a, enum statement_id id, size_t bucket, const struct bind *binds,
                    size_t n_binds)
{
    int r = statement_bind(s, id, binds, n_binds);

    while (r == 0 && (r = statement_step(s, id)) > 0)
        r = add_row(s, a, id, bucket);
    statement_reset(s, id);
    return r;
}

/* Whether it matters to an answer whose bytes they are. */
static bool asks_who(const struct asking *a)
{
    bool filtered = a->query->units.n;

    for (size_t i = 0; i < FILTERS; i++)
        filtered = filtered || a->picks[i].n;
    return a->query->by || filtered || a->sight.viewer;
}

int asking_add_piece(struct store *s, struct asking *a, const struct piece *p)
{
    const struct picks *users = a->users;
    int r = 0;

    if (users->n == 0)
        return add_rows(s, a, asks_who(a) ? ask_all[p->level] : ask_sum[p->level], p->bucket, BINDS(BIND_INT(p->key)));
    for (size_t i = 0; i < users->n && r == 0; i++) {
        const struct bind binds[] = {BIND_INT(p->key), BIND_INT(users->v[i].id), BIND_INT(users->v[i].number)};
        r = add_rows(s, a, ask_user[p->level], p->bucket, binds, p->level == STORE_RAW ? 3 : 2);
    }
    return r;
}

static int sum_pieces(struct store *s, struct asking *a)
{
    const struct store_query *q = a->query;
    struct pieces pieces;
    int r = a->raw && q->n_buckets ? raw_check_reach(s, q->buckets[0].start_sec) : 0;

    if (r == 0)
        r = (a->raw ? pieces_plan_raw : pieces_plan)(s, q->buckets, q->n_buckets, &pieces);
    if (r < 0)
        return r;
    for (size_t i = 0; i < pieces.n && r == 0; i++)
        r = asking_add_piece(s, a, &pieces.v[i]);
    pieces_done(&pieces);
    return r;
}

static int answer(struct store *s, void *userdata)
{
    struct asking *a = userdata;
    int r = asking_fill(s, a);

    if (r == 0 && a->users)
        r = a->query->connections ? connections_sum(s, a) : sum_pieces(s, a);
    return r < 0 ? r : labels_emit(s, &a->sums, a->by, a->fn, a->userdata);
}

void asking_done(struct asking *a)
{
    for (size_t i = 0; i < FILTERS; i++)
        free(a->picks[i].v);
    free(a->units.v);
    sight_done(&a->sight);
    tally_clear(&a->sums);
}

int store_query_usage(struct store *s, const struct store_query *query, store_row_fn fn, void *userdata)
{
    unsigned by = query->by;
    struct asking a = {.query = query, .fn = fn, .userdata = userdata};

    free(take_ptr(s->unknown_name));
    if (!query->connections && by & (STORE_BY_PROCESS | STORE_BY_REMOTE))
        return store_fail(s, -EINVAL, "knows processes and remote addresses of connections only");
    a.raw = !query->connections && (by & STORE_BY_UNIT || query->units.n);
    a.by = query->connections && by & STORE_BY_UNIT ? (by & ~(unsigned)STORE_BY_UNIT) | LABELS_BY_CONNECTION_UNIT : by;
    int r = query_snapshot(s, answer, &a);
    asking_done(&a);
    return r;
}

const char *store_unknown_name(const struct store *s)
{
    return s->unknown_name;
}
