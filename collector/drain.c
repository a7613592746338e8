#include "collector/drain.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/fault.h"

#include <linux/in.h>
#include <sys/socket.h>

/* The kernel side's numbers are the store's, so that neither room includes the other's header. */
_Static_assert((int)PDTT_KIND_USER == (int)STORE_KIND_USER, "kinds");
_Static_assert((int)PDTT_KIND_KERNEL == (int)STORE_KIND_KERNEL, "kinds");
_Static_assert((int)PDTT_KIND_UNATTRIBUTED == (int)STORE_KIND_UNATTRIBUTED, "kinds");
_Static_assert((int)PDTT_KIND_OVERFLOW == (int)STORE_KIND_OVERFLOW, "kinds");
_Static_assert(PDTT_CLASS_EXTERNAL == STORE_CLASS_EXTERNAL && PDTT_CLASS_LOOPBACK == STORE_CLASS_LOOPBACK, "classes");

static void counters_of_row(const struct ledger_row *row, struct store_counters *ret)
{
    *ret = (struct store_counters){
        .tx_bytes = row->bytes[PDTT_TX],
        .rx_bytes = row->bytes[PDTT_RX],
        .tx_packets = row->packets[PDTT_TX],
        .rx_packets = row->packets[PDTT_RX],
        .tx_payload_bytes = row->payload[PDTT_TX],
        .rx_payload_bytes = row->payload[PDTT_RX],
    };
}

static int64_t store_uid(const struct pdtt_account *account)
{
    if (account->kind == PDTT_KIND_OVERFLOW)
        return STORE_UID_OVERFLOW;
    return account->uid == PDTT_NO_ID ? STORE_UID_UNATTRIBUTED : (int64_t)account->uid;
}

void drain_usage_of_row(const struct ledger_row *row, struct store_usage *ret_usage)
{
    const struct pdtt_account *account = &row->account;

    *ret_usage = (struct store_usage){
        .uid = store_uid(account),
        .gid = account->gid == PDTT_NO_ID ? STORE_GID_NONE : (int64_t)account->gid,
        .unit = account->unit,
        .class_id = account->class_id,
        .protocol = account->family == AF_PACKET ? STORE_PROTOCOL_PACKET : account->protocol,
        .family = account->family,
        .kind = (enum store_kind)account->kind,
    };
    counters_of_row(row, &ret_usage->n);
}

/* When an epoch ended: the moment at which the next one was made active. */
struct moment {
    int64_t real_ns, boot_ns;
    uint64_t errors;
    bool now; /* it ended just now, so what meters read now belongs to it */
};

/* What is known of connections, with those that have no record: only what the ledger sums up is of this epoch alone. */
static void add_connections(const struct drain *d, int half, struct store_interval *interval)
{
    int active = ledger_active(d->ledger);
    struct ledger_row beyond;
    uint64_t count;

    ledger_read_beyond(d->ledger, half, &beyond, &count);
    counters_of_row(&beyond, &interval->other_connections);
    interval->other_connections_count = (int64_t)count;
    if (d->connections && active >= 0)
        d->connections(interval, ledger_epoch(d->ledger, active)->epoch, d->userdata);
}

static int book(const struct drain *d, int half, const struct moment *end)
{
    const struct pdtt_epoch *epoch = ledger_epoch(d->ledger, half);
    struct store_interval interval = {
        .ledger = ledger_layout(d->ledger)->ledger,
        .epoch = epoch->epoch,
        .start_sec = epoch->start_ns / NSEC_PER_SEC,
        .end_sec = end->real_ns / NSEC_PER_SEC,
        .duration_ms = (end->boot_ns - epoch->boot_ns) / NSEC_PER_MSEC,
        .update_errors = end->errors - epoch->errors,
    };
    cleanup_free struct ledger_row *rows = NULL;
    cleanup_free struct store_usage *usage = NULL;
    struct ledger_row counted;
    size_t n;
    int r = ledger_read(d->ledger, half, &rows, &n, &counted);

    if (r < 0)
        return r;
    usage = calloc(n ? n : 1, sizeof(*usage));
    if (!usage)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        drain_usage_of_row(&rows[i], &usage[i]);
        usage[i].project = d->project ? d->project(&rows[i].account, d->userdata) : NULL;
    }
    fault_point("ledger-read");
    counters_of_row(&counted, &interval.counted);
    add_connections(d, half, &interval);
    if (end->now && d->meters && d->meters(&interval.meters, &interval.n_meters, d->userdata) < 0)
        interval.n_meters = 0;
    if (end->now && d->policies && d->policies(&interval.policies, &interval.n_policies, d->userdata) < 0)
        interval.n_policies = 0;
    r = store_book_interval(d->store, &interval, usage, n);
    if (r == 0 && d->booked)
        d->booked(&interval, usage, n, d->userdata);
    return r;
}

static int book_and_clear(const struct drain *d, int half, const struct moment *end)
{
    int r = book(d, half, end);

    return r < 0 && r != -EALREADY ? r : ledger_clear(d->ledger, half);
}

/* The other half is sealed if its epoch is the one before the active one; anything else was prepared but never used. */
static int recover_beside(const struct drain *d, int active, bool sealed_now)
{
    const struct pdtt_epoch *now = ledger_epoch(d->ledger, active), *other = ledger_epoch(d->ledger, !active);
    struct moment end = {.real_ns = now->start_ns, .boot_ns = now->boot_ns, .errors = now->errors, .now = sealed_now};

    if (other->epoch == 0)
        return 0;
    if (other->epoch + 1 != now->epoch)
        return ledger_clear(d->ledger, !active);
    return book_and_clear(d, !active, &end);
}

int drain_recover(const struct drain *d)
{
    int active = ledger_active(d->ledger);

    return active < 0 ? active : recover_beside(d, active, false);
}

int drain_interval(const struct drain *d, const struct drain_settings *settings)
{
    struct ledger_start start = {
        .generation = settings->generation, .flags = settings->flags, .errors = settings->errors};
    int active = ledger_active(d->ledger);
    int r = active < 0 ? active : recover_beside(d, active, false);

    if (r < 0)
        return r;
    start.epoch = ledger_epoch(d->ledger, active)->epoch + 1;
    start.start_ns = clock_realtime_ns();
    start.boot_ns = clock_boottime_ns();
    r = ledger_swap(d->ledger, &start);
    fault_point("swapped");
    active = r < 0 ? r : ledger_active(d->ledger);
    return active < 0 ? active : recover_beside(d, active, true);
}

int drain_retired(const struct drain *d, int64_t end_ns, int64_t end_boot_ns)
{
    int active = ledger_active(d->ledger);
    int r = active < 0 ? active : ledger_barrier(d->ledger);
    struct moment end = {.real_ns = end_ns, .boot_ns = end_boot_ns};

    if (r == 0)
        r = recover_beside(d, active, false);
    if (r < 0 || ledger_epoch(d->ledger, active)->epoch == 0)
        return r;
    end.errors = ledger_epoch(d->ledger, active)->errors;
    return book_and_clear(d, active, &end);
}
