/*
 * Flows: the record of a TCP connection, and of the datagrams between a socket and a remote. What a flow moved is the
 * difference between the socket's counters, which the ledger's programs keep anyway, and what was noted when it began, so
 * that a packet of a connection costs one comparison more. Live flows are read from the storage of their sockets; one that
 * ends is written to conn_stats_map, where it waits for pdttd. Room for that entry is taken when the flow begins: what then
 * finds none is counted together with the others of its kind, for its whole life.
 */
#pragma once

#include "conn_uid.bpf.h"
#include "ledger.bpf.h"

#define TCP_CLOSE_STATE  7
#define FLOW_STATE       (PDTT_FLOW_STARTING | PDTT_FLOW_BEGUN | PDTT_FLOW_ENDED | PDTT_FLOW_BEYOND | PDTT_FLOW_DATAGRAM)
#define FLOW_CONNECTION  PDTT_FLOW_BEGUN /* FLOW_STATE of a connection that is under way */

#define DIRECTION_OF(ix) ((ix)&1)

static __always_inline void flow_set(struct pdtt_owner *o, __u32 bits)
{
    atomic_or(&o->flow, bits);
}

/* ---- room ---- */

static __always_inline bool flow_take_room(void)
{
    __u32 zero = 0;
    struct pdtt_room *room = bpf_map_lookup_elem(&conn_room, &zero);

    /* CPUs may together take a few more than there are: the map has some to spare. */
    if (!room || (__s64)(room->taken - room->released) >= (__s64)connections_limit)
        return false;
    __sync_fetch_and_add(&room->taken, 1);
    return true;
}

static __always_inline void flow_release_room(void)
{
    __u32 zero = 0;
    struct pdtt_room *room = bpf_map_lookup_elem(&conn_room, &zero);

    if (room)
        __sync_fetch_and_add(&room->released, 1);
}

static __always_inline void flow_count_error(long error)
{
    stat_bump(error == E2BIG_ERROR    ? PDTT_STAT_FLOW_E2BIG
              : error == ENOMEM_ERROR ? PDTT_STAT_FLOW_ENOMEM
                                      : PDTT_STAT_FLOW_OTHER);
}

/* ---- what has no record of its own ---- */

static __always_inline void flow_add(struct pdtt_counters *to, const struct pdtt_counters *n)
{
    for (int d = 0; d < PDTT_DIRECTIONS; d++) {
        __sync_fetch_and_add(&to->bytes[d], n->bytes[d]);
        __sync_fetch_and_add(&to->packets[d], n->packets[d]);
        __sync_fetch_and_add(&to->payload[d], n->payload[d]);
    }
}

static __always_inline void flow_add_beyond(const struct pdtt_counters *n)
{
    struct pdtt_counters *sum;
    struct ledger l;

    if (!ledger_open(&l))
        return;
    sum = ledger_beyond(&l, PDTT_BEYOND_SUM);
    if (sum)
        flow_add(sum, n);
}

static __always_inline void flow_count_beyond(void)
{
    struct pdtt_counters *count;
    struct ledger l;

    stat_bump(PDTT_STAT_FLOWS_BEYOND);
    if (!ledger_open(&l))
        return;
    count = ledger_beyond(&l, PDTT_BEYOND_COUNT);
    if (count)
        __sync_fetch_and_add(&count->bytes[0], 1);
}

/* ---- records ---- */

static __always_inline void flow_key_of(const struct pdtt_owner *o, struct pdtt_flow_key *ret_key)
{
    *ret_key = (struct pdtt_flow_key){.cookie = o->cookie, .serial = o->started_ns, .remote_port = o->ends.remote_port};
    __builtin_memcpy(ret_key->remote, o->ends.remote, sizeof(ret_key->remote));
}

/* All but the counters, the end and what TCP knows. */
static __always_inline void flow_describe(const struct pdtt_owner *o, struct pdtt_connection *ret)
{
    __builtin_memset(ret, 0, sizeof(*ret));
    ret->ends = o->ends;
    ret->cookie = o->cookie;
    ret->serial = ret->started_ns = o->started_ns;
    ret->identity = o->identity;
    ret->cgroup_id = o->cgroup_id;
    ret->unit = o->unit;
    ret->pid = o->pid;
    ret->flow = o->flow;
    ret->class_id = o->tag & PDTT_CLASS_MAX;
    ret->kind = o->flags & PDTT_OWNER_KERNEL ? PDTT_KIND_KERNEL : PDTT_KIND_USER;
    __builtin_memcpy(ret->comm, o->comm, sizeof(ret->comm));
}

static __always_inline void flow_take_unrecorded(struct pdtt_owner *o, struct pdtt_counters *ret)
{
    for (int d = 0; d < PDTT_DIRECTIONS; d++) {
        __u64 total = o->bytes[d];

        ret->bytes[d] = total - atomic_swap(&o->recorded.bytes[d], total);
        total = o->packets[d];
        ret->packets[d] = total - atomic_swap(&o->recorded.packets[d], total);
        total = o->payload[d];
        ret->payload[d] = total - atomic_swap(&o->recorded.payload[d], total);
    }
}

/*
 * Of a flow that ended, or that has no record: what no record has yet. Called after each addition, so that whoever reads
 * ENDED too early to add to the entry, or too late to be in it from the start, is followed by one who does.
 */
static __noinline int flow_flush(struct pdtt_owner *o)
{
    struct pdtt_connection *record = NULL;
    struct pdtt_counters n;
    struct pdtt_flow_key key;

    flow_take_unrecorded(o, &n);
    if (!(o->flow & PDTT_FLOW_BEYOND)) {
        flow_key_of(o, &key);
        record = bpf_map_lookup_elem(&conn_stats_map, &key);
        if (!record)
            stat_bump(PDTT_STAT_FLOW_LATE);
    }
    if (record)
        flow_add(&record->n, &n);
    else
        flow_add_beyond(&n);
    return 0;
}

/* What only TCP knows of how a connection went. */
struct flow_end {
    __u32 retransmits, srtt_us;
    __u16 error;
    __u8 end, tcp_state;
};

/* The benchmarks include this and end nothing. */
__attribute__((unused)) static __noinline int flow_end(struct pdtt_owner *o, const struct flow_end *how)
{
    struct pdtt_connection record;
    struct pdtt_flow_key key;
    struct pdtt_counters lost;
    long error;

    if (!how || !(o->flow & PDTT_FLOW_BEGUN) || atomic_or(&o->flow, PDTT_FLOW_ENDED) & PDTT_FLOW_ENDED)
        return 0;
    flow_describe(o, &record);
    record.ended_ns = bpf_ktime_get_boot_ns();
    record.retransmits = how->retransmits;
    record.srtt_us = how->srtt_us;
    record.error = how->error;
    record.end = how->end;
    record.tcp_state = how->tcp_state;
    flow_key_of(o, &key);
    error = bpf_map_update_elem(&conn_stats_map, &key, &record, BPF_NOEXIST);
    if (!error)
        return flow_flush(o);
    flow_count_error(error);
    flow_release_room();
    flow_take_unrecorded(o, &lost);
    return 0;
}

/* ---- beginnings ---- */

/* True for the one who may now write down what the flow is; flow_begun() must follow. */
static __always_inline bool flow_start(struct pdtt_owner *o)
{
    return atomic_claim(&o->flow, PDTT_FLOW_STARTING);
}

static __always_inline void flow_begun(struct pdtt_owner *o, __u64 cookie, __u32 bits)
{
    o->cookie = cookie;
    o->started_ns = bpf_ktime_get_boot_ns();
    if (flow_take_room()) {
        bits |= PDTT_FLOW_BEGUN;
    } else {
        bits |= PDTT_FLOW_BEYOND;
        flow_count_beyond();
    }
    __sync_fetch_and_add(&o->flow, bits - PDTT_FLOW_STARTING); /* others may have set bits meanwhile */
}

/* The socket goes over to something else: what it moved so far is no part of it. */
static __always_inline void flow_reset(struct pdtt_owner *o)
{
    for (int d = 0; d < PDTT_DIRECTIONS; d++) {
        o->recorded.bytes[d] = o->bytes[d];
        o->recorded.packets[d] = o->packets[d];
        o->recorded.payload[d] = o->payload[d];
    }
    o->flow = 0;
}

/* After anything was added to the socket's counters. */
static __always_inline void flow_added(struct pdtt_owner *o)
{
    if (connections_limit && o->flow & (PDTT_FLOW_ENDED | PDTT_FLOW_BEYOND))
        flow_flush(o);
}

/* A system call moved data. With several remotes nobody knows whose it was. */
static __always_inline void flow_payload(struct pdtt_owner *o, __u32 direction, __u64 bytes)
{
    if (!connections_limit)
        return;
    if (o->flow & PDTT_FLOW_MANY)
        __sync_fetch_and_add(&o->recorded.payload[direction], bytes);
    __sync_fetch_and_add(&o->payload[direction], bytes);
    flow_added(o);
}

/* ---- whose it is: in process context only ---- */

static __always_inline void flow_note_process(struct pdtt_owner *o, __u32 pid)
{
    if (!connections_limit || o->pid == pid)
        return;
    o->pid = pid;
    bpf_get_current_comm(o->comm, sizeof(o->comm));
    o->cgroup_id = bpf_get_current_cgroup_id();
}

/* What the kernel makes for a process is that process's. */
static __always_inline void flow_same_process(struct pdtt_owner *o, const struct pdtt_owner *process)
{
    if (!connections_limit)
        return;
    o->pid = process->pid;
    o->cgroup_id = process->cgroup_id;
    __builtin_memcpy(o->comm, process->comm, sizeof(o->comm));
}

/* The owner of a connection has changed. */
static __always_inline void flow_note_owner(struct pdtt_owner *o)
{
    if (connections_limit && o->flow & PDTT_FLOW_FOLLOWED && !(o->flow & PDTT_FLOW_ENDED))
        conn_uid_note(&o->ends, o->identity, o->identity >> 32, o->cookie);
}
