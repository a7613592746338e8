/*
 * Telling of packets that a policy dropped, so many a second for each policy: who floods a host must not flood its log too. What
 * is not told is counted, by cause. policy.bpf.h includes it where its maps and what it reads of a packet are known.
 */
#pragma once

static __always_inline void policy_event_addresses(struct __sk_buff *skb, struct packet_event *e)
{
    bool ipv6 = packet_is_ipv6(skb);

    e->family = ipv6 ? INET6_FAMILY : INET_FAMILY;
    __builtin_memset(e->src_ip, 0, sizeof(e->src_ip));
    __builtin_memset(e->dst_ip, 0, sizeof(e->dst_ip));
    if (ipv6) {
        bpf_skb_load_bytes(skb, 8, e->src_ip, 16);
        bpf_skb_load_bytes(skb, 24, e->dst_ip, 16);
    } else {
        bpf_skb_load_bytes(skb, IPV4_SOURCE, e->src_ip, 4);
        bpf_skb_load_bytes(skb, IPV4_DESTINATION, e->dst_ip, 4);
    }
}

static __always_inline void policy_event_ports(struct __sk_buff *skb, struct packet_event *e)
{
    __u8 protocol = 0;
    int offset = policy_transport(skb, &protocol);
    __u16 ports[2] = {};

    if (offset > 0 && protocol_has_ports(protocol))
        bpf_skb_load_bytes(skb, offset, ports, sizeof(ports));
    e->protocol = protocol;
    e->src_port = bpf_ntohs(ports[0]);
    e->dst_port = bpf_ntohs(ports[1]);
}

/* A policy dropped the packet. */
static __noinline int policy_tell(struct __sk_buff *skb, const struct policy_packet *p, __u32 rule)
{
    const struct pdtt_policy *policy = bpf_map_lookup_elem(&policy_map, &rule);
    __u32 zero = 0, id = policy ? policy->id : 0;
    const struct pdtt_policy_telling *how = bpf_map_lookup_elem(&policy_telling, &zero);
    struct policy_bucket *bucket = bpf_map_lookup_elem(&policy_buckets, &id);
    struct packet_event *e;

    if (!policy || !how || !how->gap_ns || !bucket)
        return 0;
    if (!policy_may_tell(bucket, how))
        return policy_count_events(id, p->packets, POLICY_HELD);
    e = bpf_ringbuf_reserve(&ring_buffer, sizeof(*e), 0);
    if (!e)
        return policy_count_events(id, p->packets, POLICY_UNHEARD);
    e->timestamp = bpf_ktime_get_boot_ns();
    policy_event_addresses(skb, e);
    policy_event_ports(skb, e);
    __builtin_memcpy(e->policy, bucket->name, sizeof(e->policy));
    e->uid = (__u32)p->identity;
    e->gid = p->identity >> 32;
    e->packet_size = p->bytes;
    e->packets = p->packets;
    e->action_taken = policy->action;
    e->direction = p->direction;
    bpf_ringbuf_submit(e, 0);
    return policy_count_events(id, p->packets, POLICY_TOLD);
}
