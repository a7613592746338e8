/*
 * Datagrams in fragments: the hooks see a datagram before it is cut and after it is put together again, the wire carries a
 * header (of IPv6 and a fragment header) for each piece. How many there are follows from the size of the largest: of what is
 * sent, the MTU of the way out; of what was received, what reassembly noted. Right to the byte as long as the sender
 * cuts evenly, as all IP stacks do; fragments that were lost or repeated on their way are not known here.
 *
 * Needs the kernel's own sk_buff, which programs of this kind can have since Linux 6.2 (bpf_cast_to_kern_ctx). For older kernels
 * this source is compiled with PDTT_NO_KFUNCS: a datagram is one packet. Not a branch: 5.13 to 5.15 refuse even an unreached
 * unknown call, and libbpf 1.1 looks for an unknown function in the kernel's modules, which takes CAP_SYS_ADMIN.
 */
#pragma once

#include "packet.bpf.h"
#include <bpf/bpf_core_read.h>

#ifdef PDTT_NO_KFUNCS

static __always_inline __u32 count_fragments(struct __sk_buff *ctx, __u32 direction, __u64 *bytes)
{
    return 1;
}

#else

extern void *bpf_cast_to_kern_ctx(void *) __ksym __weak;
extern void *bpf_rdonly_cast(void *, __u32)
__ksym __weak;
#define AS_KERNEL_TYPE(type, pointer) ((type *)bpf_rdonly_cast(pointer, bpf_core_type_id_kernel(type)))

#define SMALLEST_MTU                  1280 /* of IPv6; IPv4 paths below it exist on paper */
#define FRAGMENT_HEADER_SIZE          8
#define METRIC_MTU                    1 /* RTAX_MTU - 1 */

static __always_inline __u32 route_mtu(struct sk_buff *skb)
{
    struct dst_entry *route = AS_KERNEL_TYPE(struct dst_entry, (void *)(skb->_skb_refdst & ~1UL));
    struct dst_metrics *metrics = AS_KERNEL_TYPE(struct dst_metrics, (void *)(route->_metrics & ~3UL));
    __u32 mtu = metrics->metrics[METRIC_MTU];

    return mtu ?: skb->dev->mtu;
}

/* The size of the largest fragment, headers included; 0 of a received datagram that came in one piece. */
static __always_inline __u32 largest_fragment(struct __sk_buff *ctx, __u32 direction)
{
    struct sk_buff *skb = bpf_cast_to_kern_ctx(ctx);

    if (direction == PDTT_TX)
        return route_mtu(skb);
    if (packet_is_ipv6(ctx))
        return AS_KERNEL_TYPE(struct inet6_skb_parm, &skb->cb)->frag_max_size;
    return AS_KERNEL_TYPE(struct inet_skb_parm, &skb->cb)->frag_max_size;
}

/* How many fragments a datagram is on the wire; what their headers add to its length is added to *bytes. */
static __always_inline __u32 count_fragments(struct __sk_buff *ctx, __u32 direction, __u64 *bytes)
{
    __u32 header = IPV4_HEADER_SIZE, each = 0, largest, room, n;

    if (ctx->len <= SMALLEST_MTU)
        return 1;
    largest = largest_fragment(ctx, direction);
    if (ctx->len <= largest || largest < SMALLEST_MTU / 4)
        return 1;
    if (packet_is_ipv6(ctx)) {
        header = IPV6_HEADER_SIZE;
        each = FRAGMENT_HEADER_SIZE;
    }
    room = (largest - header - each) & ~7U;
    n = (ctx->len - header + room - 1) / room;
    *bytes += (__u64)n * each + (__u64)(n - 1) * header;
    return n;
}

#endif
