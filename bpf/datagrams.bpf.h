/*
 * Packets and flows: a connection's pass with one comparison. Those of a datagram socket are looked at for their remote: the
 * first one is counted as a connection is, each further one in an entry of its own.
 */
#pragma once

#include "flow.bpf.h"
#include "packet.bpf.h"

#define PROTOCOL_UDP 17
#define PORTS_SIZE   4

static __always_inline __u32 load_ports(struct __sk_buff *skb, __u32 offset, __u32 direction,
                                        struct pdtt_conn_key *ends)
{
    __be16 ports[2] = {};

    if (bpf_skb_load_bytes(skb, offset, ports, PORTS_SIZE))
        stat_bump(PDTT_STAT_PARSE_ERRORS);
    ends->local_port = bpf_ntohs(direction == PDTT_RX ? ports[1] : ports[0]);
    ends->remote_port = bpf_ntohs(direction == PDTT_RX ? ports[0] : ports[1]);
    return 0;
}

/* The two ends as the packet names them. */
static __noinline int flow_ends_of_packet(struct __sk_buff *skb, __u32 direction, struct pdtt_conn_key *ends)
{
    bool ipv6 = packet_is_ipv6(skb);
    __u32 source = ipv6 ? 8 : IPV4_SOURCE, destination = ipv6 ? 24 : IPV4_DESTINATION, size;
    __u8 protocol = 0, version = 0;

    if (!ends)
        return 0;
    __builtin_memset(ends, 0, sizeof(*ends));
    ends->family = ipv6 ? CONN_FAMILY_INET6 : CONN_FAMILY_INET;
    if (ipv6) {
        size = ipv6_header_size(skb, &protocol);
        bpf_skb_load_bytes(skb, direction == PDTT_RX ? destination : source, ends->local, 16);
        bpf_skb_load_bytes(skb, direction == PDTT_RX ? source : destination, ends->remote, 16);
    } else {
        bpf_skb_load_bytes(skb, 0, &version, 1);
        bpf_skb_load_bytes(skb, 9, &protocol, 1);
        size = (version & 15) * 4;
        bpf_skb_load_bytes(skb, direction == PDTT_RX ? destination : source, ends->local, 4);
        bpf_skb_load_bytes(skb, direction == PDTT_RX ? source : destination, ends->remote, 4);
    }
    ends->protocol = protocol;
    load_ports(skb, size, direction, ends);
    return 0;
}

/* Datagrams, and connections that are older than sockops_tracker. Raw sockets and pings have no flows. */
static __always_inline void flow_begin_with_packet(struct __sk_buff *skb, struct pdtt_owner *o, __u32 direction)
{
    if ((o->protocol != PROTOCOL_UDP && o->protocol != PROTOCOL_TCP) || !flow_start(o))
        return;
    flow_ends_of_packet(skb, direction, &o->ends);
    flow_begun(o, bpf_get_socket_cookie(skb), o->protocol == PROTOCOL_UDP ? PDTT_FLOW_DATAGRAM : 0);
}

/* ---- datagrams with more than one remote ---- */

static __always_inline bool same_remote(const struct pdtt_conn_key *a, const struct pdtt_conn_key *b)
{
    const __u64 *x = (const __u64 *)a->remote, *y = (const __u64 *)b->remote;

    return x[0] == y[0] && x[1] == y[1] && a->remote_port == b->remote_port;
}

static __noinline struct pdtt_connection *flow_begin_elsewhere(struct pdtt_owner *o, struct pdtt_flow_key *key,
                                                               struct pdtt_conn_key *ends, __u64 epoch)
{
    struct pdtt_connection record;
    long error;

    if (!key || !ends || !flow_take_room())
        return NULL;
    flow_describe(o, &record);
    record.ends = *ends;
    record.serial = key->serial;
    record.started_ns = record.last_ns = bpf_ktime_get_boot_ns();
    record.last_epoch = epoch;
    error = bpf_map_update_elem(&conn_stats_map, key, &record, BPF_NOEXIST);
    if (error) {
        flow_release_room();
        if (error != EEXIST_ERROR)
            flow_count_error(error);
    }
    return bpf_map_lookup_elem(&conn_stats_map, key);
}

static __always_inline bool flow_has_gone(const struct pdtt_connection *record, __u64 epoch)
{
    return record && epoch > record->last_epoch + PDTT_FLOW_IDLE_EPOCHS;
}

/* The entry of a further remote; NULL: there is no room. */
static __always_inline struct pdtt_connection *flow_elsewhere(struct pdtt_owner *o, struct pdtt_conn_key *ends,
                                                              __u64 epoch)
{
    struct pdtt_flow_key key = {.cookie = o->cookie, .remote_port = ends->remote_port};
    struct pdtt_connection *record;

    __builtin_memcpy(key.remote, ends->remote, sizeof(key.remote));
    record = bpf_map_lookup_elem(&conn_stats_map, &key);
    if (flow_has_gone(record, epoch)) {
        key.serial = 1;
        record = bpf_map_lookup_elem(&conn_stats_map, &key);
        if (flow_has_gone(record, epoch))
            return NULL;
    }
    return record ? record : flow_begin_elsewhere(o, &key, ends, epoch);
}

/* A server learns who it is only when it answers: the entry follows its owner. */
static __always_inline void flow_follow_owner(const struct pdtt_owner *o, struct pdtt_connection *record)
{
    if (record->identity == o->identity && record->pid == o->pid)
        return;
    record->identity = o->identity;
    record->unit = o->unit;
    record->cgroup_id = o->cgroup_id;
    record->pid = o->pid;
    __builtin_memcpy(record->comm, o->comm, sizeof(record->comm));
}

static __always_inline void flow_count_elsewhere(struct pdtt_owner *o, struct pdtt_conn_key *ends, __u32 direction,
                                                 __u64 bytes, __u64 packets)
{
    struct pdtt_connection *record;
    struct pdtt_counters *n;
    struct ledger l;

    if (!ledger_open(&l))
        return;
    if (!(o->flow & PDTT_FLOW_MANY))
        flow_set(o, PDTT_FLOW_MANY);
    __sync_fetch_and_add(&o->recorded.bytes[direction], bytes);
    __sync_fetch_and_add(&o->recorded.packets[direction], packets);
    record = flow_elsewhere(o, ends, l.epoch->epoch);
    n = record ? &record->n : ledger_beyond(&l, PDTT_BEYOND_SUM);
    if (!n)
        return;
    __sync_fetch_and_add(&n->bytes[DIRECTION_OF(direction)], bytes);
    __sync_fetch_and_add(&n->packets[DIRECTION_OF(direction)], packets);
    if (!record)
        return;
    flow_follow_owner(o, record);
    if (record->last_epoch != l.epoch->epoch) {
        record->last_epoch = l.epoch->epoch;
        record->last_ns = bpf_ktime_get_boot_ns();
    }
}

static __always_inline bool same_words(const __u32 *a, const __u32 *b, int n)
{
    __u32 different = 0;

    for (int i = 0; i < n; i++)
        different |= a[i] ^ b[i];
    return !different;
}

/*
 * Whether the packet is one of nearly all: from or to the remote that the socket met first. False also when its headers
 * cannot be read in place; whoever asks then looks closer.
 */
static __always_inline bool flow_is_with_first(struct __sk_buff *skb, const struct pdtt_owner *o, __u32 direction)
{
    const __u8 *header = (const __u8 *)(long)skb->data, *end = (const __u8 *)(long)skb->data_end;
    __u32 size = packet_is_ipv6(skb) ? IPV6_HEADER_SIZE : IPV4_HEADER_SIZE;
    const __u32 *remote;
    __u16 port;

    if ((o->flow & FLOW_STATE) != (PDTT_FLOW_BEGUN | PDTT_FLOW_DATAGRAM))
        return false;
    if (size == IPV6_HEADER_SIZE) {
        if (header + IPV6_HEADER_SIZE + PORTS_SIZE > end || header[6] != PROTOCOL_UDP ||
            o->ends.family != CONN_FAMILY_INET6)
            return false;
        remote = (const __u32 *)(header + (direction == PDTT_RX ? 8 : 24));
        port = *(const __u16 *)(header + IPV6_HEADER_SIZE + (direction == PDTT_RX ? 0 : 2));
        return o->ends.remote_port == bpf_ntohs(port) && same_words(remote, (const __u32 *)o->ends.remote, 4);
    }
    if (header + IPV4_HEADER_SIZE + PORTS_SIZE > end || header[0] != 0x45 || o->ends.family != CONN_FAMILY_INET)
        return false;
    remote = (const __u32 *)(header + (direction == PDTT_RX ? IPV4_SOURCE : IPV4_DESTINATION));
    port = *(const __u16 *)(header + IPV4_HEADER_SIZE + (direction == PDTT_RX ? 0 : 2));
    return o->ends.remote_port == bpf_ntohs(port) && same_words(remote, (const __u32 *)o->ends.remote, 1);
}

/* Before a packet is added to the socket's counters, if it is not one of a flow under way. */
static __noinline int flow_packet(struct __sk_buff *skb, struct pdtt_owner *o, __u32 direction, __u64 bytes,
                                  __u64 packets)
{
    struct pdtt_conn_key ends;
    __u32 flow = o->flow;

    if (!(flow & (PDTT_FLOW_STARTING | PDTT_FLOW_BEGUN | PDTT_FLOW_BEYOND))) {
        flow_begin_with_packet(skb, o, direction);
        return 0;
    }
    if ((flow & (PDTT_FLOW_DATAGRAM | PDTT_FLOW_BEGUN | PDTT_FLOW_ENDED)) != (PDTT_FLOW_DATAGRAM | PDTT_FLOW_BEGUN))
        return 0;
    flow_ends_of_packet(skb, direction, &ends);
    if (!same_remote(&ends, &o->ends))
        flow_count_elsewhere(o, &ends, direction, bytes, packets);
    return 0;
}

static __always_inline bool flow_is_plain(struct __sk_buff *skb, const struct pdtt_owner *o, __u32 direction)
{
    return !connections_limit || (o->flow & FLOW_STATE) == FLOW_CONNECTION || flow_is_with_first(skb, o, direction);
}
