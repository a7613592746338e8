/*
 * Connections beside the ledger. What is given is what a connection moved in all its life; what the store has of it
 * already is subtracted, so a record that is given again books nothing. Those that are open are remembered, sorted as
 * what is given is, and booking merges the two into what is open afterwards: kept if the transaction is committed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "common/capped.h"
#include "sql/counters.h"
#include "sql/store_internal.h"

struct key {
    uint64_t cookie, started_boot_ns;
    unsigned char remote[16];
    int remote_port;
};

struct open_connection {
    struct key key;
    int64_t id, account, pid;
    uint64_t process; /* hash of name and cgroup: 0 of a new one */
    int64_t end_ms;
    struct store_counters n;
    int64_t retransmits;
    bool open;
    bool fresh; /* its row was made just now, with all of what was given */
};

struct booking {
    const struct store_interval *interval;
    const struct book_parts *parts;
    bool others_lost; /* what is open and was not given is lost */
};

/* ---- keys ---- */

static size_t address_size(int family)
{
    return family == AF_INET6 ? 16 : 4;
}

static struct key key_of(const struct store_connection *c)
{
    struct key key = {.cookie = c->cookie, .started_boot_ns = c->started_boot_ns, .remote_port = c->remote_port};

    memcpy(key.remote, c->remote, address_size(c->family));
    return key;
}

static int compare_keys(const struct key *a, const struct key *b)
{
    if (a->cookie != b->cookie)
        return a->cookie < b->cookie ? -1 : 1;
    if (a->started_boot_ns != b->started_boot_ns)
        return a->started_boot_ns < b->started_boot_ns ? -1 : 1;
    int order = memcmp(a->remote, b->remote, sizeof(a->remote));
    return order ? order : a->remote_port - b->remote_port;
}

static int compare_given(const void *a, const void *b)
{
    struct key ka = key_of(*(const struct store_connection *const *)a);
    struct key kb = key_of(*(const struct store_connection *const *)b);

    return compare_keys(&ka, &kb);
}

static int compare_open(const void *a, const void *b)
{
    return compare_keys(&((const struct open_connection *)a)->key, &((const struct open_connection *)b)->key);
}

/* FNV-1a over both with their ends, so that a process is told from another without its texts being kept. */
static uint64_t hash_process(const char *comm, const char *cgroup)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (const char *const *text = (const char *const[]){comm, cgroup, NULL}; *text; text++)
        for (const char *s = *text;; s++) {
            h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
            if (!*s)
                break;
        }
    return h;
}

/* ---- what is open ---- */

void connections_rolled_back(struct store *s)
{
    free(take_ptr(s->connections.next));
}

void connections_forget(struct store *s)
{
    connections_rolled_back(s);
    free(s->connections.v);
    s->connections = (struct connections){0};
}

void connections_committed(struct store *s, const struct store_interval *interval, const struct book_parts *parts)
{
    struct connections *c = &s->connections;

    free(c->v);
    c->v = take_ptr(c->next);
    c->n = c->n_next;
    c->ledger = interval->ledger;
    c->seen_ms = parts->span.end_sec * 1000;
    c->first_noted |= interval->n_connections > 0;
}

/* A row of CONNECTION_COLUMNS. */
static struct open_connection read_connection(const struct store *s, enum statement_id id)
{
    struct open_connection c = {
        .key = {.cookie = (uint64_t)statement_int(s, id, 1),
                .started_boot_ns = (uint64_t)statement_int(s, id, 2),
                .remote_port = (int)statement_int(s, id, 4)},
        .id = statement_int(s, id, 0),
        .account = statement_int(s, id, 5),
        .pid = statement_int(s, id, 6),
        .process = hash_process(statement_text(s, id, 7), statement_text(s, id, 8)),
        .end_ms = statement_int(s, id, 9),
        .n = {statement_int(s, id, 10), statement_int(s, id, 11), statement_int(s, id, 12), statement_int(s, id, 13),
              statement_int(s, id, 14), statement_int(s, id, 15)},
        .retransmits = statement_int(s, id, 16),
        .open = statement_int(s, id, 17),
    };
    const char *remote = statement_text(s, id, 3);

    if (inet_pton(AF_INET, remote, c.key.remote) != 1)
        inet_pton(AF_INET6, remote, c.key.remote);
    return c;
}

static int load_open(struct store *s)
{
    enum statement_id id = STATEMENT_CONNECTION_OPEN;
    struct connections *c = &s->connections;
    size_t room = 0;
    int r = statement_bind(s, id, NO_BINDS);

    while (r == 0 && (r = statement_step(s, id)) > 0) {
        r = 0;
        if (c->n == room) {
            room = room ? 2 * room : 64;
            struct open_connection *v = realloc(c->v, room * sizeof(*v));
            if (!v) {
                r = store_fail(s, -ENOMEM, "out of memory");
                break;
            }
            c->v = v;
        }
        c->v[c->n++] = read_connection(s, id);
    }
    statement_reset(s, id);
    if (r == 0 && c->n)
        qsort(c->v, c->n, sizeof(*c->v), compare_open);
    return r;
}

static int load_seen(struct store *s)
{
    enum statement_id id = STATEMENT_CONNECTION_SEEN;
    int r = statement_bind(s, id, NO_BINDS);

    if (r == 0 && (r = statement_step(s, id)) > 0) {
        s->connections.ledger = (uint64_t)statement_int(s, id, 0);
        s->connections.seen_ms = multiply_capped(statement_int(s, id, 1), 1000);
    }
    statement_reset(s, id);
    return r < 0 ? r : 0;
}

int connections_load(struct store *s)
{
    if (s->connections.loaded)
        return 0;
    connections_forget(s);
    int r = load_open(s);
    if (r == 0)
        r = load_seen(s);
    if (r < 0)
        connections_forget(s);
    s->connections.loaded = r == 0;
    return r;
}

/* ---- rows that connections refer to ---- */

static int find_address(struct store *s, int family, const unsigned char *address, int64_t *ret_id)
{
    char text[INET6_ADDRSTRLEN];

    if (!inet_ntop(family == AF_INET6 ? AF_INET6 : AF_INET, address, text, sizeof(text)))
        return store_fail(s, -EINVAL, "got an address that is none; this is a defect of the program");
    return address_find(s, text, ret_id);
}

static int find_account(struct store *s, const struct booking *b, const struct store_connection *c, int64_t *ret_id)
{
    struct store_usage usage = {
        .uid = c->uid,
        .gid = c->gid,
        .unit = c->unit,
        .class_id = c->class_id,
        .protocol = c->protocol,
        .family = c->family,
        .kind = c->uid == STORE_UID_UNATTRIBUTED ? STORE_KIND_UNATTRIBUTED : STORE_KIND_USER,
        .project = c->project,
    };
    struct account account;
    int r = book_find_account(s, &usage, b->parts->span.start_sec, NULL, &account);

    if (r == 0)
        *ret_id = account.id;
    return r;
}

/* ---- one connection ---- */

static bool has_negative(const struct store_counters *n)
{
    return (n->tx_bytes | n->rx_bytes | n->tx_packets | n->rx_packets | n->tx_payload_bytes | n->rx_payload_bytes) < 0;
}

static int64_t end_of(const struct booking *b, const struct store_connection *c)
{
    return c->ended && c->end_ms ? c->end_ms : b->parts->span.end_sec * 1000;
}

/* The newest five minutes that are booked now. */
static int64_t last_sec_of(const struct booking *b)
{
    return b->parts->five_minutes[b->parts->n - 1];
}

static int insert_usage(struct store *s, const struct booking *b, const struct open_connection *o,
                        const struct store_counters *moved)
{
    for (size_t part = 0; part < b->parts->n; part++) {
        struct store_counters n = book_share(b->parts, part, moved);
        if (counters_zero(&n))
            continue;
        int r = statement_run(s, STATEMENT_CONNECTION_USAGE,
                              BINDS(BIND_INT(b->parts->five_minutes[part]), BIND_INT(o->id), BIND_COUNTERS(&n)));
        if (r < 0)
            return r;
    }
    return 0;
}

static int insert_connection(struct store *s, const struct booking *b, const struct store_connection *c,
                             struct open_connection *o, int64_t remote)
{
    int64_t local, process;
    int r = find_address(s, c->family, c->local, &local);

    if (r == 0)
        r = process_find(s, c->comm, c->cgroup, &process);
    if (r == 0)
        r = find_account(s, b, c, &o->account);
    if (r < 0)
        return r;
    o->pid = c->pid;
    o->process = hash_process(c->comm, c->cgroup);
    o->end_ms = end_of(b, c);
    o->open = !c->ended;
    o->fresh = true;
    r = statement_get_int(s, STATEMENT_CONNECTION_INSERT,
                          BINDS(BIND_INT((int64_t)c->cookie), BIND_INT((int64_t)c->started_boot_ns),
                                BIND_INT(c->start_ms), BIND_INT(o->end_ms), BIND_TEXT(c->ended), BIND_INT(o->account),
                                BIND_INT(c->initiative), BIND_INT(local), BIND_INT(c->local_port), BIND_INT(remote),
                                BIND_INT(c->remote_port), BIND_INT(c->pid), BIND_INT(process), BIND_COUNTERS(&c->n),
                                BIND_INT(c->retransmits), BIND_INT(c->srtt_us), BIND_INT(last_sec_of(b))),
                          &o->id);
    return r < 0 ? r : 0;
}

/* One that is not remembered: new, or it ended and is given again. */
static int find_connection(struct store *s, const struct booking *b, const struct store_connection *c,
                           struct open_connection *ret)
{
    enum statement_id id = STATEMENT_CONNECTION_FIND;
    int64_t remote = 0;
    int r = find_address(s, c->family, c->remote, &remote);

    if (r == 0)
        r = statement_bind(s, id,
                           BINDS(BIND_INT((int64_t)c->cookie), BIND_INT((int64_t)c->started_boot_ns), BIND_INT(remote),
                                 BIND_INT(c->remote_port)));
    if (r < 0)
        return r;
    *ret = (struct open_connection){.key = key_of(c)};
    r = statement_step(s, id);
    if (r > 0)
        *ret = read_connection(s, id);
    statement_reset(s, id);
    return r == 0 ? insert_connection(s, b, c, ret, remote) : r < 0 ? r : 0;
}

/* Whose it is now: a descriptor was passed, or a process changed its name. */
static int update_owner(struct store *s, const struct booking *b, const struct store_connection *c,
                        struct open_connection *o)
{
    uint64_t hash = hash_process(c->comm, c->cgroup);
    int64_t account, process;
    int r = find_account(s, b, c, &account);

    if (r < 0 || (account == o->account && c->pid == o->pid && hash == o->process))
        return r;
    r = process_find(s, c->comm, c->cgroup, &process);
    if (r < 0)
        return r;
    o->account = account;
    o->pid = c->pid;
    o->process = hash;
    return statement_run(s, STATEMENT_CONNECTION_OWNER,
                         BINDS(BIND_INT(o->id), BIND_INT(account), BIND_INT(c->pid), BIND_INT(process)));
}

/* What is ahead of what o holds, into the tables and into o. */
static int book_connection(struct store *s, const struct booking *b, const struct store_connection *c,
                           struct open_connection *o)
{
    struct store_counters moved = c->n;
    bool same;

    counters_subtract(&moved, &o->n);
    same = counters_zero(&moved) && !o->fresh && c->retransmits == o->retransmits && !c->ended == o->open;

    if (has_negative(&moved))
        return 0;
    int r = o->fresh ? 0 : update_owner(s, b, c, o);
    if (r < 0 || same)
        return r;
    r = insert_usage(s, b, o, &moved);
    if (r < 0)
        return r;
    if (!counters_zero(&moved) || c->ended)
        o->end_ms = end_of(b, c);
    o->n = c->n;
    o->retransmits = c->retransmits;
    o->open = !c->ended;
    if (o->fresh) {
        o->fresh = false;
        return 0;
    }
    return statement_run(s, STATEMENT_CONNECTION_COUNT,
                         BINDS(BIND_INT(o->id), BIND_INT(o->end_ms), BIND_TEXT(c->ended), BIND_COUNTERS(&o->n),
                               BIND_INT(o->retransmits), BIND_INT(c->srtt_us), BIND_INT(last_sec_of(b))));
}

/* ---- all of them ---- */

static int lose(struct store *s, const struct booking *b, struct open_connection *o)
{
    o->open = false;
    return statement_run(s, STATEMENT_CONNECTION_LOST,
                         BINDS(BIND_INT(o->id), BIND_TEXT(STORE_ENDED_LOST), BIND_INT(s->connections.seen_ms),
                               BIND_INT(last_sec_of(b))));
}

static void keep(struct store *s, const struct open_connection *o)
{
    if (o->open)
        s->connections.next[s->connections.n_next++] = *o;
}

static int merge(struct store *s, const struct booking *b, const struct store_connection *const *given, size_t n)
{
    const struct connections *known = &s->connections;
    int r = 0;

    for (size_t i = 0, k = 0; (i < n || k < known->n) && r == 0;) {
        struct key key = i < n ? key_of(given[i]) : (struct key){0};
        int order = i == n ? 1 : k == known->n ? -1 : compare_keys(&key, &known->v[k].key);
        struct open_connection o;

        if (order >= 0)
            o = known->v[k++];
        else
            r = find_connection(s, b, given[i], &o);
        if (r == 0 && order <= 0)
            r = book_connection(s, b, given[i++], &o);
        else if (r == 0 && b->others_lost)
            r = lose(s, b, &o);
        if (r == 0)
            keep(s, &o);
    }
    return r;
}

/* Each connection is counted once, in the interval in which it began: numbers add up as bytes do, also those of parts. */
static int book_excess(struct store *s, const struct booking *b)
{
    const struct store_interval *i = b->interval;
    const struct store_counters count = {.tx_packets = i->other_connections_count};
    int r = 0;

    for (size_t part = 0; part < b->parts->n && r == 0; part++) {
        struct store_counters n = book_share(b->parts, part, &i->other_connections);
        int64_t began = book_share(b->parts, part, &count).tx_packets;
        if (!counters_zero(&n) || began)
            r = statement_run(s, STATEMENT_CONNECTION_EXCESS,
                              BINDS(BIND_INT(b->parts->five_minutes[part]), BIND_INT(began), BIND_COUNTERS(&n)));
    }
    return r;
}

int connections_book(struct store *s, const struct store_interval *interval, const struct book_parts *parts)
{
    struct connections *c = &s->connections;
    size_t n = interval->n_connections;
    struct booking b = {interval, parts, interval->connections_all || interval->ledger != c->ledger};
    cleanup_free const struct store_connection **given = calloc(n + 1, sizeof(struct store_connection *));
    int r = 0;

    c->n_next = 0;
    c->next = calloc(n + c->n + 1, sizeof(*c->next));
    if (!given || !c->next)
        return store_fail(s, -ENOMEM, "out of memory");
    for (size_t i = 0; i < n; i++)
        given[i] = &interval->connections[i];
    if (n)
        qsort(given, n, sizeof(struct store_connection *), compare_given);
    if (n && !c->first_noted)
        r = statement_run(s, STATEMENT_CONNECTION_FIRST, BINDS(BIND_INT(parts->five_minutes[0])));
    if (r == 0)
        r = merge(s, &b, given, n);
    return r < 0 ? r : book_excess(s, &b);
}
