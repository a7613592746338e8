/*
 * Answers. A question's lists (buckets, names) are put into temporary tables and joined, so the text of a query never
 * depends on input. All filters end up as one set of accounts, and a filter by user also as a set of uids to seek.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "sql/store_internal.h"

/* How the names of a dimension are looked up: by name, else by number, with or without what reports put before it. */
static const struct filter {
    const char *noun, *prefix;
    size_t names; /* offset in struct store_query */
    enum statement_id by_name, by_number;
} filters[] = {
    {"user", "uid ", offsetof(struct store_query, users), STATEMENT_PICK_USER_NAME, STATEMENT_PICK_USER_NUMBER},
    {"project", "gid ", offsetof(struct store_query, projects), STATEMENT_PICK_PROJECT_NAME,
     STATEMENT_PICK_PROJECT_NUMBER},
    {"class", "class ", offsetof(struct store_query, classes), STATEMENT_PICK_CLASS_NAME, STATEMENT_PICK_CLASS_NUMBER},
    {"protocol", "proto ", offsetof(struct store_query, protocols), STATEMENT_PICK_PROTOCOL_NAME,
     STATEMENT_PICK_PROTOCOL_NUMBER},
};

static const struct store_names *names_of(const struct store_query *q, const struct filter *f)
{
    return (const struct store_names *)((const char *)q + f->names);
}

int store_begin_read(struct store *s)
{
    if (s->reading)
        return store_fail(s, -EALREADY, "is being read already");
    int r = statement_run(s, STATEMENT_BEGIN_READ, NO_BINDS);
    s->reading = r == 0;
    return r;
}

void store_end_read(struct store *s)
{
    if (s->reading && !sqlite3_get_autocommit(s->db))
        statement_run(s, STATEMENT_COMMIT, NO_BINDS);
    s->reading = false;
}

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

static int pick_name(struct store *s, const struct filter *f, const char *name)
{
    int64_t number;
    int r = statement_run(s, f->by_name, BINDS(BIND_TEXT(name)));

    if (r < 0 || sqlite3_changes64(s->db) > 0)
        return r;
    if (!parse_number(name, f->prefix, &number))
        return fail_unknown(s, f, name);
    r = statement_run(s, f->by_number, BINDS(BIND_INT(number)));
    if (r == 0 && sqlite3_changes64(s->db) == 0)
        return fail_unknown(s, f, name);
    return r;
}

static int clear_lists(struct store *s)
{
    static const enum statement_id clear[] = {STATEMENT_CLEAR_BUCKETS, STATEMENT_CLEAR_PICKS, STATEMENT_CLEAR_ACCOUNTS,
                                              STATEMENT_CLEAR_UIDS};
    for (size_t i = 0; i < array_length(clear); i++) {
        int r = statement_run(s, clear[i], NO_BINDS);
        if (r < 0)
            return r;
    }
    return 0;
}

static int fill_buckets(struct store *s, const struct store_query *q)
{
    for (size_t i = 0; i < q->n_buckets; i++) {
        int r = statement_run(
            s, STATEMENT_BUCKET_INSERT,
            BINDS(BIND_INT((int64_t)i), BIND_INT(q->buckets[i].start_sec), BIND_INT(q->buckets[i].end_sec)));
        if (r < 0)
            return r;
    }
    return 0;
}

/* ret_query is the cheapest statement that answers the question. */
static int fill_filters(struct store *s, const struct store_query *q, enum statement_id *ret_query)
{
    bool filtered = false;

    for (size_t i = 0; i < array_length(filters); i++) {
        const struct store_names *names = names_of(q, &filters[i]);
        filtered |= names->n > 0;
        for (size_t k = 0; k < names->n; k++) {
            int r = pick_name(s, &filters[i], names->v[k]);
            if (r < 0)
                return r;
        }
    }
    *ret_query = q->users.n ? STATEMENT_USAGE_USERS : filtered ? STATEMENT_USAGE_PICKED : STATEMENT_USAGE_ALL;
    if (!filtered)
        return 0;
    int r = statement_run(s, STATEMENT_PICK_ACCOUNTS,
                          BINDS(BIND_INT(q->users.n > 0), BIND_INT(q->projects.n > 0), BIND_INT(q->classes.n > 0),
                                BIND_INT(q->protocols.n > 0)));
    return r < 0 ? r : statement_run(s, STATEMENT_PICK_UIDS, NO_BINDS);
}

static struct store_row read_row(const struct store *s, enum statement_id id)
{
    return (struct store_row){
        .bucket = (size_t)statement_int(s, id, 0),
        .user = statement_text(s, id, 1),
        .uid = statement_int(s, id, 2),
        .project = statement_text(s, id, 3),
        .class_name = statement_text(s, id, 4),
        .protocol = statement_text(s, id, 5),
        .family = (int)statement_int(s, id, 6),
        .n = {.tx_bytes = statement_int(s, id, 7),
              .rx_bytes = statement_int(s, id, 8),
              .tx_packets = statement_int(s, id, 9),
              .rx_packets = statement_int(s, id, 10),
              .tx_payload_bytes = statement_int(s, id, 11),
              .rx_payload_bytes = statement_int(s, id, 12)},
    };
}

static int for_each_row(struct store *s, enum statement_id id, unsigned by, store_row_fn fn, void *userdata)
{
    int r = statement_bind(s, id,
                           BINDS(BIND_INT(!!(by & STORE_BY_USER)), BIND_INT(!!(by & STORE_BY_PROJECT)),
                                 BIND_INT(!!(by & STORE_BY_CLASS)), BIND_INT(!!(by & STORE_BY_PROTOCOL)),
                                 BIND_INT(!!(by & STORE_BY_FAMILY))));

    while (r == 0 && (r = statement_step(s, id)) > 0) {
        struct store_row row = read_row(s, id);
        r = fn(&row, userdata);
    }
    statement_reset(s, id);
    return r;
}

static int query_in_snapshot(struct store *s, const struct store_query *q, store_row_fn fn, void *userdata)
{
    enum statement_id id;
    int r = clear_lists(s);

    if (r == 0)
        r = fill_buckets(s, q);
    if (r == 0)
        r = fill_filters(s, q, &id);
    if (r == 0)
        r = for_each_row(s, id, q->by, fn, userdata);
    return r;
}

int store_query_usage(struct store *s, const struct store_query *query, store_row_fn fn, void *userdata)
{
    bool own_snapshot = !s->reading;
    int r = own_snapshot ? store_begin_read(s) : 0;

    free(take_ptr(s->unknown_name));
    if (r < 0)
        return r;
    r = query_in_snapshot(s, query, fn, userdata);
    if (own_snapshot)
        store_end_read(s);
    return r;
}

const char *store_unknown_name(const struct store *s)
{
    return s->unknown_name;
}

int store_query_coverage(struct store *s, int64_t since_sec, int64_t until_sec, struct store_coverage *ret)
{
    enum statement_id id = STATEMENT_COVERAGE;
    int r = statement_bind(s, id, BINDS(BIND_INT(since_sec), BIND_INT(until_sec)));

    if (r == 0 && (r = statement_step(s, id)) > 0)
        *ret = (struct store_coverage){
            .first_sec = statement_int(s, id, 0),
            .last_sec = statement_int(s, id, 1),
            .seen_ms = statement_int(s, id, 2),
        };
    statement_reset(s, id);
    return r < 0 ? r : 0;
}
