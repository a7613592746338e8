/*
 * Policies at the door: of those in force, blocks that name nothing but a remote network are done at the interface too, before the
 * stack spends anything on a frame. User space says which (collector/policy_set_door.c), as networks of the set with the rule that
 * decides for all that comes from there; what passes here is judged where its socket is, as ever. Only what is addressed to this
 * host itself is dropped: what is routed or bridged is for others to judge.
 */
#pragma once

#include "parse.h"
#include "policy_shared.bpf.h"

/* Set before load. 0: there is no door, no code for it and none of these maps. */
const volatile __u8 door_open = 0;

#define DOOR_LOOPBACK 1 /* ifindex */

static __always_inline __u32 door_network(__u32 which, const __u8 *address, bool ipv6)
{
    struct pdtt_policy_network key = {.prefix_len = 32 + (ipv6 ? 128 : 32), .which = which | ipv6};
    const __u32 *found;

    __builtin_memcpy(key.address, address, sizeof(key.address));
    found = bpf_map_lookup_elem(&policy_networks, &key);
    return found ? *found : 0;
}

/* The rule that drops the frame, and 1; 0: none does. */
static __noinline __u32 door_rule(const struct parse_output *p)
{
    bool ipv6 = p->family == PARSE_FAMILY_INET6;
    __u32 set, found;
    const struct pdtt_policy_head *head = policy_in_force(&set);

    if (!head || !(head->parts & PDTT_POLICY_HAS_DOOR))
        return 0;
    found = door_network(PDTT_POLICY_NETWORK(set, PDTT_POLICY_DOOR, 0), p->source, ipv6);
    return found && door_network(PDTT_POLICY_OWN, p->destination, ipv6) ? found : 0;
}

/* ---- counted in the row of the policy, as where its socket is ---- */

static __always_inline void door_count(__u32 id, __u64 packets, __u64 bytes)
{
    struct pdtt_policy_stats *s = bpf_map_lookup_elem(&stats_map, &id);

    if (!s)
        return;
    __sync_fetch_and_add(&s->packets_total, packets);
    __sync_fetch_and_add(&s->bytes_total, bytes);
    __sync_fetch_and_add(&s->packets_blocked, packets);
    __sync_fetch_and_add(&s->bytes_blocked, bytes);
}

static __always_inline enum policy_heard door_tell(struct policy_bucket *bucket, const struct pdtt_policy_telling *how,
                                                   const struct parse_output *p, __u32 packets, __u32 bytes)
{
    struct packet_event *e;

    if (!policy_may_tell(bucket, how))
        return POLICY_HELD;
    e = bpf_ringbuf_reserve(&ring_buffer, sizeof(*e), 0);
    if (!e)
        return POLICY_UNHEARD;
    e->timestamp = bpf_ktime_get_boot_ns();
    __builtin_memcpy(e->src_ip, p->source, sizeof(e->src_ip));
    __builtin_memcpy(e->dst_ip, p->destination, sizeof(e->dst_ip));
    __builtin_memcpy(e->policy, bucket->name, sizeof(e->policy));
    e->uid = e->gid = PDTT_NO_ID; /* whose it would have been is not looked for */
    e->packet_size = bytes;
    e->packets = packets;
    e->src_port = p->source_port;
    e->dst_port = p->destination_port;
    e->protocol = p->protocol;
    e->action_taken = PDTT_POLICY_BLOCK;
    e->family = p->family;
    e->direction = PDTT_RX;
    bpf_ringbuf_submit(e, 0);
    return POLICY_TOLD;
}

/* Whether the frame, which could be read, is dropped; it is counted then. */
static __noinline int door_drops(const struct parse_output *p, __u32 packets)
{
    __u32 rule = door_rule(p) - 1, zero = 0, id;
    __u64 bytes = p->ip_size + (__u64)(packets - 1) * p->headers_size;
    const struct pdtt_policy *policy = bpf_map_lookup_elem(&policy_map, &rule);
    const struct pdtt_policy_telling *how;
    struct policy_bucket *bucket;
    enum policy_heard heard;

    if (!policy || policy->action != PDTT_POLICY_BLOCK)
        return 0;
    id = policy->id;
    door_count(id, packets, bytes);
    door_count(0, packets, bytes);
    how = bpf_map_lookup_elem(&policy_telling, &zero);
    bucket = bpf_map_lookup_elem(&policy_buckets, &id);
    if (!how || !how->gap_ns || !bucket)
        return 1;
    heard = door_tell(bucket, how, p, packets, bytes);
    policy_count_events(id, packets, heard);
    return 1;
}

/* Without neighbour discovery nobody would be reached any more, also not those who are not blocked. */
static __always_inline bool door_blocks(const struct parse_output *p, enum parse_result result, __u32 ifindex,
                                        __u32 packets)
{
    return door_open && result == PARSE_IP && ifindex != DOOR_LOOPBACK && !p->neighbours && door_drops(p, packets);
}
