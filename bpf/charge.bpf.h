/* Whom the cgroup layer charges a packet to, and the class of its remote address. */
#pragma once

#include "datagrams.bpf.h"
#include "ledger.bpf.h"
#include "mptcp.bpf.h"
#include "notes.bpf.h"
#include "owner.bpf.h"
#include "packet.bpf.h"

/* A socket of which no process is known: made by the kernel, or older than pdttd and not yet adopted. */
static __noinline struct pdtt_owner *adopt_as_kernel(struct __sk_buff *skb, struct bpf_sock *any)
{
    struct pdtt_owner owner = {
        .identity = IDENTITY(bpf_get_socket_uid(skb), PDTT_NO_ID),
        .flags = PDTT_OWNER_KERNEL,
    };
    struct bpf_sock *sk = bpf_sk_fullsock(any);
    struct pdtt_owner *o;

    if (!sk) /* TIME_WAIT or a request socket: no storage to be had */
        return NULL;
    owner.protocol = sk->protocol;
    owner_note_subflow(&owner, sk);
    o = bpf_sk_storage_get(&sock_owner, sk, &owner, BPF_SK_STORAGE_GET_F_CREATE);
    if (!o)
        stat_bump(PDTT_STAT_STORAGE_FAILED);
    return o;
}

/* What must be equal for a cached class to be this packet's; 0 where the class cannot be cached. */
static __always_inline __u64 class_cache_key(struct __sk_buff *skb, const struct ledger *l, const struct pdtt_owner *o,
                                             __u32 direction)
{
    __u64 key = (__u64)(l->epoch->generation & 0xffff) << 16 | 1u << 15;
    void *header = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
    __u32 *address = header + (direction == PDTT_RX ? IPV4_SOURCE : IPV4_DESTINATION);

    if (packet_is_ipv6(skb)) /* too long to remember, but a connection keeps it */
        return o->protocol == PROTOCOL_TCP ? key | TAG_IPV6 : 0;
    return header + IPV4_HEADER_SIZE <= end ? (__u64)*address << 32 | key : 0;
}

/* The class of the remote address, looked up once as long as the address is the one of the packet before. */
static __always_inline __u32 owner_tag(struct __sk_buff *skb, const struct ledger *l, struct pdtt_owner *o,
                                       __u32 direction)
{
    __u64 key, cache = o->class_cache;
    __u32 tag;

    if (skb->ifindex == LOOPBACK_IFINDEX || !(l->epoch->flags & (PDTT_EPOCH_CLASSES_V4 | PDTT_EPOCH_CLASSES_V6)))
        return packet_tag(skb, l->epoch, direction);
    key = class_cache_key(skb, l, o, direction);
    if (key && (cache & ~(__u64)PDTT_CLASS_MAX) == key)
        return cache & (TAG_IPV6 | PDTT_CLASS_MAX);
    tag = packet_tag(skb, l->epoch, direction);
    if (key)
        o->class_cache =
            key | tag; /* one store: CPUs that share a socket must not mix an address with another's class */
    return tag;
}

/* A listener's storage is what its connections start with, so nothing of a single packet may be kept there. */
static __always_inline __u32 charge_listener(struct __sk_buff *skb, const struct ledger *l, struct pdtt_owner *o,
                                             __u32 direction)
{
    struct pdtt_account account;

    owner_account(o, packet_tag(skb, l->epoch, direction), &account);
    return ledger_find_slot(l->epoch, &account);
}

static __always_inline __u32 charge_owner(struct __sk_buff *skb, const struct ledger *l, struct pdtt_owner *o,
                                          __u32 direction, __u64 bytes, __u64 packets)
{
    __u32 tag, slot;

    owner_catch_up(o, skb);
    tag = owner_tag(skb, l, o, direction);
    slot = owner_slot(l, o, tag);
    if (!flow_is_plain(skb, o, direction))
        flow_packet(skb, o, direction, bytes, packets);
    if (slot)
        owner_charged(o, tag, direction, bytes, packets);
    else
        owner_overflowed(o, direction, bytes, packets);
    flow_added(o);
    return slot;
}

/* No socket, or no storage to be had for it. */
static __always_inline __u32 charge_nobody(struct __sk_buff *skb, const struct ledger *l, bool has_socket,
                                           __u32 direction)
{
    __u32 tag = packet_tag(skb, l->epoch, direction);
    struct pdtt_account account = {
        .uid = has_socket ? bpf_get_socket_uid(skb) : PDTT_NO_ID,
        .gid = PDTT_NO_ID,
        .class_id = tag & PDTT_CLASS_MAX,
        .protocol = packet_protocol(skb),
        .family = tag & TAG_IPV6 ? INET6_FAMILY : INET_FAMILY,
        .kind = has_socket ? PDTT_KIND_KERNEL : PDTT_KIND_UNATTRIBUTED,
    };

    return ledger_find_slot(l->epoch, &account);
}
