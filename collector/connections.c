#include "collector/connections.h"

#include "common/clock.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ---- how a connection ended ---- */

/* What the kernel notes in the socket when something other than the two processes ends a connection. */
static const struct {
    int error;
    const char *word;
} by_error[] = {
    {ETIMEDOUT, "timeout"},        {ECONNREFUSED, "refused"},    {ECONNRESET, "reset"},     {EPIPE, "reset"},
    {EHOSTUNREACH, "unreachable"}, {ENETUNREACH, "unreachable"}, {ECONNABORTED, "aborted"},
};

/* Without an error: the state it was in tells whether both sides had said goodbye. */
static const char *ended_in_state(unsigned state)
{
    switch (state) {
    case BPF_TCP_SYN_SENT:
    case BPF_TCP_SYN_RECV: /* closed before there was a connection */
        return "aborted";
    case BPF_TCP_ESTABLISHED:
    case BPF_TCP_CLOSE_WAIT: /* closed with data unread, or without lingering: this host sends a reset */
        return "reset";
    default:
        return "closed";
    }
}

static const char *ended_by_tcp(const struct pdtt_connection *record)
{
    for (size_t i = 0; i < sizeof(by_error) / sizeof(by_error[0]); i++)
        if (by_error[i].error == record->error)
            return by_error[i].word;
    return record->error ? "error" : ended_in_state(record->tcp_state);
}

/* Entries of further remotes, and only they, have the epoch in which they were last used. */
static bool is_further_remote(const struct pdtt_connection *record)
{
    return record->last_epoch != 0;
}

static bool has_gone(const struct pdtt_connection *record, uint64_t epoch)
{
    return is_further_remote(record) && epoch > record->last_epoch + PDTT_FLOW_IDLE_EPOCHS;
}

const char *connections_ended(const struct pdtt_connection *record, uint64_t epoch)
{
    if (record->end == PDTT_END_TCP)
        return ended_by_tcp(record);
    if (record->end == PDTT_END_RELEASED)
        return "closed";
    return has_gone(record, epoch) ? "idle" : NULL;
}

/* A last packet may be on its way through another CPU, or a reset go out after the state has changed. */
#define LAST_PACKETS_NS (50 * NSEC_PER_MSEC)

bool connections_settled(const struct pdtt_connection *record, const struct connections_moment *now)
{
    if (is_further_remote(record)) /* an epoch later no program can still hold it from when it was in use */
        return has_gone(record, now->epoch - 1);
    return record->end != PDTT_END_OPEN && record->ended_ns + LAST_PACKETS_NS < now->boot_ns;
}

/* ---- the store's form ---- */

static int64_t wall_ms(uint64_t boot_ns, const struct connections_moment *now)
{
    return ((int64_t)boot_ns + now->wall_offset_ns) / NSEC_PER_MSEC;
}

static enum store_initiative initiative_of(uint32_t flow)
{
    if (flow & PDTT_FLOW_IN)
        return STORE_INITIATIVE_IN;
    return flow & PDTT_FLOW_OUT ? STORE_INITIATIVE_OUT : STORE_INITIATIVE_UNKNOWN;
}

static void counters_of(const struct pdtt_counters *n, struct store_counters *ret)
{
    *ret = (struct store_counters){
        .tx_bytes = n->bytes[PDTT_TX],
        .rx_bytes = n->bytes[PDTT_RX],
        .tx_packets = n->packets[PDTT_TX],
        .rx_packets = n->packets[PDTT_RX],
        .tx_payload_bytes = n->payload[PDTT_TX],
        .rx_payload_bytes = n->payload[PDTT_RX],
    };
}

void connections_describe(const struct pdtt_connection *record, const struct connections_moment *now,
                          struct store_connection *ret)
{
    uint32_t uid = (uint32_t)record->identity, gid = record->identity >> 32;

    *ret = (struct store_connection){
        .cookie = record->cookie,
        .started_boot_ns = record->started_ns,
        .start_ms = wall_ms(record->started_ns, now),
        .ended = connections_ended(record, now->epoch),
        .protocol = record->ends.protocol,
        .family = record->ends.family,
        .initiative = initiative_of(record->flow),
        .local_port = record->ends.local_port,
        .remote_port = record->ends.remote_port,
        .uid = uid == PDTT_NO_ID ? STORE_UID_UNATTRIBUTED : (int64_t)uid,
        .gid = gid == PDTT_NO_ID ? STORE_GID_NONE : (int64_t)gid,
        .unit = record->unit,
        .class_id = record->class_id,
        .pid = record->pid,
        .comm = record->comm,
        .cgroup = "",
        .retransmits = record->retransmits,
        .srtt_us = record->srtt_us,
    };
    if (ret->ended)
        ret->end_ms = wall_ms(is_further_remote(record) ? record->last_ns : record->ended_ns, now);
    memcpy(ret->local, record->ends.local, sizeof(ret->local));
    memcpy(ret->remote, record->ends.remote, sizeof(ret->remote));
    counters_of(&record->n, &ret->n);
}

/* ---- each once ---- */

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_keys(const struct pdtt_connection *a, const struct pdtt_connection *b)
{
    int r = compare(a->cookie, b->cookie);

    if (r == 0)
        r = compare(a->started_ns, b->started_ns);
    if (r == 0)
        r = memcmp(a->ends.remote, b->ends.remote, sizeof(a->ends.remote));
    return r ? r : compare(a->ends.remote_port, b->ends.remote_port);
}

static uint64_t packets_of(const struct pdtt_connection *record)
{
    return record->n.packets[PDTT_RX] + record->n.packets[PDTT_TX];
}

/* Of the same connection the one to keep comes first. */
static int compare_records(const void *x, const void *y)
{
    const struct pdtt_connection *a = x, *b = y;
    int r = compare_keys(a, b);

    if (r == 0)
        r = compare(b->end != PDTT_END_OPEN, a->end != PDTT_END_OPEN);
    return r ? r : compare(packets_of(b), packets_of(a));
}

size_t connections_unique(struct pdtt_connection *records, size_t n)
{
    size_t kept = 0;

    qsort(records, n, sizeof(*records), compare_records);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || compare_keys(&records[kept - 1], &records[i]) != 0)
            records[kept++] = records[i];
    return kept;
}
