/*
 * AF_PACKET sockets: what they send goes to the device past every cgroup hook, so it is booked from the system call, under a
 * family of its own (user space names the protocol "packet"). No other family is booked this way. What reaches a network
 * through AF_INET, or through sockets that the kernel makes on behalf of another family (RDS, TIPC, SMC over TCP), passes
 * cgroup_skb; AF_UNIX, AF_NETLINK, AF_ALG and AF_VSOCK stay on the host; AF_XDP moves frames in shared memory, with no call
 * that knows how many.
 *
 * Only sending makes wire bytes. What such a socket receives is a copy of frames that have an owner already, or that are not
 * for this host (tcpdump): it is payload, never billed.
 */
#pragma once

#include "owner.bpf.h"
#include "packet.bpf.h"
#include <bpf/bpf_core_read.h>

#define PACKET_FAMILY        17
#define SOCK_DGRAM_TYPE      2  /* frames without their link-layer header */
#define ETHERNET_HEADER_SIZE 14 /* of a socket that names the device in each call: all but exotic links have it */

/* The device that the socket is bound to; NULL when each call names one. */
static __always_inline struct net_device *packet_socket_device(struct sock *sk)
{
    struct packet_sock *packet = (struct packet_sock *)sk;

    return bpf_core_type_exists(struct packet_sock) ? BPF_CORE_READ(packet, prot_hook.dev) : NULL;
}

/* L3 bytes, as everywhere in the ledger: a raw socket's process hands over the link-layer header as well. */
static __always_inline __u64 packet_socket_wire_bytes(const struct sock *sk, struct net_device *device, __u64 bytes)
{
    __u64 header = device ? BPF_CORE_READ(device, hard_header_len) : ETHERNET_HEADER_SIZE;

    if (sk->sk_type == SOCK_DGRAM_TYPE)
        return bytes;
    return bytes > header ? bytes - header : 0;
}

static __always_inline __u32 packet_socket_slot(const struct ledger *l, struct net_device *device)
{
    bool loopback = device && BPF_CORE_READ(device, ifindex) == LOOPBACK_IFINDEX;
    struct payer payer = current_payer();
    struct pdtt_account account = {
        .uid = (__u32)payer.identity,
        .gid = payer.identity >> 32,
        .unit = payer.unit,
        .class_id = loopback ? PDTT_CLASS_LOOPBACK : PDTT_CLASS_EXTERNAL,
        .family = PACKET_FAMILY,
    };

    return ledger_find_slot(l->epoch, &account);
}

/*
 * A call has sent (one frame; of a transmit ring, whose frames lie in shared memory, the kernel tells the sum of the bytes
 * alone) or received. Returns the wire bytes that were booked.
 */
static __noinline __u64 packet_socket_used(struct sock *sk, __u32 direction, int bytes)
{
    struct net_device *device;
    __u64 wire = 0;
    struct ledger l;
    __u32 slot;

    if (bytes <= 0 || !ledger_open(&l))
        return 0;
    device = packet_socket_device(sk);
    slot = packet_socket_slot(&l, device);
    ledger_add_payload(&l, slot, direction, bytes);
    if (direction == PDTT_TX) {
        wire = packet_socket_wire_bytes(sk, device, bytes);
        ledger_add_packets(&l, slot, PDTT_TX, wire, 1);
    }
    return wire;
}
