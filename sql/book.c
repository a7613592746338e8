/* Booking: one interval, one transaction, exactly once. And the few other things that pdttd records. */
#include <errno.h>
#include <sys/socket.h>

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

static int compare_usage(const void *a, const void *b)
{
    struct account_key ka = key_of(a), kb = key_of(b);

    return compare_keys(&ka, &kb);
}

static void add_counters(struct store_counters *to, const struct store_counters *n)
{
    to->tx_bytes += n->tx_bytes;
    to->rx_bytes += n->rx_bytes;
    to->tx_packets += n->tx_packets;
    to->rx_packets += n->rx_packets;
    to->tx_payload_bytes += n->tx_payload_bytes;
    to->rx_payload_bytes += n->rx_payload_bytes;
}

static bool is_zero(const struct store_counters *n)
{
    return !(n->tx_bytes | n->rx_bytes | n->tx_packets | n->rx_packets | n->tx_payload_bytes | n->rx_payload_bytes);
}

#define COUNTER_BINDS(n)                                                                                               \
    BIND_INT((n)->tx_bytes), BIND_INT((n)->rx_bytes), BIND_INT((n)->tx_packets), BIND_INT((n)->rx_packets),            \
        BIND_INT((n)->tx_payload_bytes), BIND_INT((n)->rx_payload_bytes)

struct booking {
    const struct store_interval *interval;
    const struct store_usage *rows; /* sorted by account */
    size_t n_rows;
};

static int insert_usage(struct store *s, const struct store_interval *interval, int64_t interval_id,
                        const struct account_key *key, const struct store_counters *n)
{
    int64_t account;
    int r = accounts_find(s, key, interval->start_sec, &account);

    if (r < 0)
        return r;
    return statement_run(s, STATEMENT_USAGE_INSERT,
                         BINDS(BIND_INT(interval_id), BIND_INT(key->uid), BIND_INT(account), COUNTER_BINDS(n)));
}

/* Equal accounts are summed aside: the caller's rows stay as they are, since it may have to book them again. */
static int insert_rows(struct store *s, const struct booking *b, int64_t interval_id)
{
    for (size_t i = 0; i < b->n_rows;) {
        struct account_key key = key_of(&b->rows[i]);
        struct store_counters sum = {0};
        for (; i < b->n_rows; i++) {
            struct account_key next = key_of(&b->rows[i]);
            if (compare_keys(&key, &next) != 0)
                break;
            add_counters(&sum, &b->rows[i].n);
        }
        int r = is_zero(&sum) ? 0 : insert_usage(s, b->interval, interval_id, &key, &sum);
        if (r < 0)
            return r;
    }
    return 0;
}

static int book(struct store *s, void *userdata)
{
    struct booking *b = userdata;
    const struct store_interval *i = b->interval;
    int64_t id;
    int r = statement_get_int(s, STATEMENT_LEDGER_ADVANCE,
                              BINDS(BIND_INT((int64_t)i->ledger), BIND_INT((int64_t)i->epoch), BIND_INT(i->start_sec)),
                              &id);

    if (r == 0)
        return store_fail(s, -EALREADY, "epoch %llu of ledger %016llx is booked already", (unsigned long long)i->epoch,
                          (unsigned long long)i->ledger);
    if (r > 0)
        r = statement_get_int(s, STATEMENT_INTERVAL_INSERT,
                              BINDS(BIND_INT((int64_t)i->ledger), BIND_INT((int64_t)i->epoch), BIND_INT(i->start_sec),
                                    BIND_INT(i->end_sec), BIND_INT(i->duration_ms), COUNTER_BINDS(&i->counted),
                                    BIND_INT(i->update_errors)),
                              &id);
    return r < 0 ? r : insert_rows(s, b, id);
}

int store_book_interval(struct store *s, const struct store_interval *interval, struct store_usage *rows, size_t n_rows)
{
    struct booking b = {.interval = interval, .rows = rows, .n_rows = n_rows};

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
    return store_transaction(s, book, &b);
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

struct class_list {
    const char *const *names;
    size_t n;
    int64_t *ids;
};

static int sync_classes(struct store *s, void *userdata)
{
    const struct class_list *list = userdata;

    for (size_t i = 0; i < list->n; i++) {
        int r = statement_get_int(s, STATEMENT_CLASS_FIND, BINDS(BIND_TEXT(list->names[i])), &list->ids[i]);
        if (r == 0)
            r = statement_get_int(s, STATEMENT_CLASS_INSERT, BINDS(BIND_TEXT(list->names[i])), &list->ids[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

int store_sync_classes(struct store *s, const char *const *names, size_t n, int64_t *ret_ids)
{
    cleanup_free int64_t *ids = calloc(n ? n : 1, sizeof(*ids));
    struct class_list list = {.names = names, .n = n, .ids = ids};

    if (!ids)
        return store_fail(s, -ENOMEM, "out of memory");
    int r = store_transaction(s, sync_classes, &list);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++)
        ret_ids[i] = ids[i];
    return 0;
}

struct layer {
    const char *name, *state, *detail;
    int64_t now_sec;
};

/* Only a change makes a row, so that the table tells a story and does not grow with each start. */
static int put_layer_state(struct store *s, void *userdata)
{
    const struct layer *l = userdata;
    enum statement_id latest = STATEMENT_LAYER_LATEST;
    int64_t id = 0;
    bool same = false;
    int r = statement_bind(s, latest, BINDS(BIND_TEXT(l->name), BIND_TEXT(l->state), BIND_TEXT(l->detail)));

    if (r == 0 && (r = statement_step(s, latest)) > 0) {
        id = statement_int(s, latest, 0);
        same = statement_int(s, latest, 1);
    }
    statement_reset(s, latest);
    if (r < 0)
        return r;
    if (same)
        return statement_run(s, STATEMENT_LAYER_SEEN, BINDS(BIND_INT(id), BIND_INT(l->now_sec)));
    return statement_run(s, STATEMENT_LAYER_INSERT,
                         BINDS(BIND_TEXT(l->name), BIND_TEXT(l->state), BIND_TEXT(l->detail), BIND_INT(l->now_sec)));
}

int store_put_layer_state(struct store *s, const char *layer, const char *state, const char *detail, int64_t now_sec)
{
    struct layer l = {.name = layer, .state = state, .detail = detail ? detail : "", .now_sec = now_sec};

    return store_transaction(s, put_layer_state, &l);
}

int store_put_gap(struct store *s, int64_t start_sec, int64_t end_sec, const char *reason)
{
    return statement_run(s, STATEMENT_GAP_INSERT, BINDS(BIND_INT(start_sec), BIND_INT(end_sec), BIND_TEXT(reason)));
}
