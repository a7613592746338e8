/*
 * What a packet is: its bytes on the wire, its family, the class of its remote address. In cgroup_skb programs offset 0
 * is the network header in both directions.
 */
#pragma once

#include "ledger.bpf.h"
#include <bpf/bpf_endian.h>

#define ETHERTYPE_IPV6   0x86DD
#define LOOPBACK_IFINDEX 1 /* in every network namespace (net/core: LOOPBACK_IFINDEX) */
#define PROTOCOL_TCP     6
#define PROTOCOL_SCTP    132
#define IPV4_HEADER_SIZE 20
#define IPV4_SOURCE      12
#define IPV4_DESTINATION 16
#define IPV6_HEADER_SIZE 40
#define UDP_HEADER_SIZE  8
#define SCTP_HEADER_SIZE 12
#define EXTENSIONS_MAX   4

static __always_inline bool packet_is_ipv6(const struct __sk_buff *skb)
{
    return skb->protocol == bpf_htons(ETHERTYPE_IPV6);
}

static __always_inline bool is_extension_header(__u8 next)
{
    return next == 0 || next == 43 || next == 60 || next == 135; /* hop-by-hop, routing, destination, mobility */
}

/* The length of the IPv6 header with its extensions (RFC 8200) and what follows it. */
static __noinline __u32 ipv6_header_size(struct __sk_buff *skb, __u8 *ret_protocol)
{
    __u32 size = IPV6_HEADER_SIZE;
    __u8 next = 0, extension[2];

    bpf_skb_load_bytes(skb, 6, &next, 1);
    for (int i = 0; i < EXTENSIONS_MAX; i++) {
        if (!is_extension_header(next) || bpf_skb_load_bytes(skb, size, extension, sizeof(extension)))
            break;
        next = extension[0];
        size += 8 + extension[1] * 8;
    }
    *ret_protocol = next;
    return size;
}

/* The headers that each segment of a super-packet repeats: L3 + L4, 0 if they cannot be read. */
static __noinline __u32 packet_segment_headers(struct __sk_buff *skb)
{
    __u8 version = 0, protocol = 0, offset = 0;
    __u32 size;

    if (packet_is_ipv6(skb)) {
        size = ipv6_header_size(skb, &protocol);
    } else {
        if (bpf_skb_load_bytes(skb, 0, &version, 1) || bpf_skb_load_bytes(skb, 9, &protocol, 1))
            goto unreadable;
        size = (version & 15) * 4;
    }
    if (protocol == PROTOCOL_SCTP)
        return size + SCTP_HEADER_SIZE;
    if (protocol != PROTOCOL_TCP)
        return size + UDP_HEADER_SIZE;
    if (bpf_skb_load_bytes(skb, size + 12, &offset, 1))
        goto unreadable;
    return size + (offset >> 4) * 4;
unreadable:
    stat_bump(PDTT_STAT_PARSE_ERRORS);
    return 0;
}

/*
 * Bytes on the wire, L3: a GSO or GRO super-packet of n segments carries its headers n times there but once in memory.
 * Measured equal to the veth counters minus 14 per packet, IPv4 and IPv6.
 */
static __always_inline __u64 packet_wire_bytes(struct __sk_buff *skb, __u32 segments)
{
    if (segments <= 1)
        return skb->len;
    return skb->len + (__u64)(segments - 1) * packet_segment_headers(skb);
}

static __noinline __u32 class_of_remote(struct __sk_buff *skb, bool ipv6, __u32 direction)
{
    struct pdtt_class_v6 v6 = {.prefix_len = 128};
    struct pdtt_class_v4 v4 = {.prefix_len = 32};
    __u32 *class_id;
    long error;

    if (ipv6)
        error = bpf_skb_load_bytes(skb, direction == PDTT_RX ? 8 : 24, v6.address, sizeof(v6.address));
    else
        error = bpf_skb_load_bytes(skb, direction == PDTT_RX ? 12 : 16, v4.address, sizeof(v4.address));
    if (error) {
        stat_bump(PDTT_STAT_PARSE_ERRORS);
        return PDTT_CLASS_EXTERNAL;
    }
    class_id = ipv6 ? bpf_map_lookup_elem(&classes_v6, &v6) : bpf_map_lookup_elem(&classes_v4, &v4);
    return class_id ? *class_id & PDTT_CLASS_MAX : PDTT_CLASS_EXTERNAL;
}

/* The remote address's class and the family, as one number (struct pdtt_owner.tag). */
static __always_inline __u32 packet_tag(struct __sk_buff *skb, const struct pdtt_epoch *epoch, __u32 direction)
{
    bool ipv6 = packet_is_ipv6(skb);
    __u32 tag = ipv6 ? TAG_IPV6 : 0;

    if (skb->ifindex == LOOPBACK_IFINDEX)
        return tag | PDTT_CLASS_LOOPBACK;
    if (!(epoch->flags & (ipv6 ? PDTT_EPOCH_CLASSES_V6 : PDTT_EPOCH_CLASSES_V4)))
        return tag | PDTT_CLASS_EXTERNAL;
    return tag | class_of_remote(skb, ipv6, direction);
}

static __always_inline __u8 packet_protocol(struct __sk_buff *skb)
{
    __u8 protocol = 0;

    if (packet_is_ipv6(skb))
        ipv6_header_size(skb, &protocol);
    else if (bpf_skb_load_bytes(skb, 9, &protocol, 1))
        stat_bump(PDTT_STAT_PARSE_ERRORS);
    return protocol;
}
