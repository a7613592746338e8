/*
 * The interface layer: what the interfaces carry, and whose it is. It counts beside the ledger and never into it. Each frame
 * has one kind, so that the kinds of a direction add up to what was carried, always. No frame is ever changed, and none is
 * dropped but by a policy that blocks (door.bpf.h).
 */
#include "conn_uid.bpf.h"
#include "door.bpf.h"
#include "parse.h"
#include "samples.bpf.h"
#include <linux/pkt_cls.h>

/* SEC() begins a statement everywhere but here */
/* clang-format off */
char LICENSE[] SEC("license") = "GPL";
/* clang-format on */

#define PACKET_FAMILY    17 /* AF_PACKET */
#define ICMP_PROTOCOL    1
#define IGMP_PROTOCOL    2
#define ICMPV6_PROTOCOL  58
#define TIME_WAIT_STATE  6
#define HEADERS_SIZE     192 /* what is made readable where the headers are not in one piece */
#define FIB_SUCCESS      0
#define FIB_NO_NEIGHBOUR 7
#define FIB_FRAG_NEEDED  8

/* Set before load: the cookie of the network namespace whose interfaces these are. */
const volatile __u64 own_netns = 0;

/* Entries are made and removed by pdttd alone: the programs only add. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, PDTT_INTERFACES);
    __type(key, __u32); /* ifindex */
    __type(value, struct pdtt_interface);
} interface_counts SEC(".maps");

/* No two of these run at a time on one CPU: all run with bottom halves off. So plain additions lose nothing. */
static __always_inline void add(struct pdtt_interface *i, __u32 direction, __u32 kind, __u64 bytes, __u64 packets)
{
    if (kind >= PDTT_IFACE_KINDS)
        return;
    i->n[direction][kind].bytes += bytes;
    i->n[direction][kind].packets += packets;
}

static __always_inline struct pdtt_interface *interface_of(__u32 ifindex)
{
    struct pdtt_interface *i = bpf_map_lookup_elem(&interface_counts, &ifindex);

    if (!i)
        stat_bump(PDTT_STAT_INTERFACE_MISSING);
    return i;
}

/* ---- whose ---- */

static __always_inline struct pdtt_conn_uid *note_of(const struct parse_output *p, __u32 direction)
{
    struct pdtt_conn_key key = {.netns = own_netns, .protocol = p->protocol, .family = p->family};
    bool rx = direction == PDTT_RX;

    key.local_port = rx ? p->destination_port : p->source_port;
    key.remote_port = rx ? p->source_port : p->destination_port;
    __builtin_memcpy(key.local, rx ? p->destination : p->source, sizeof(key.local));
    __builtin_memcpy(key.remote, rx ? p->source : p->destination, sizeof(key.remote));
    return bpf_map_lookup_elem(&conn_uid_map, &key);
}

/* As the receiving side of the packet would look it up, whichever side we are. */
static __always_inline __u32 fill_tuple(const struct parse_output *p, __u32 direction, struct bpf_sock_tuple *tuple)
{
    bool rx = direction == PDTT_RX;
    const __u8 *from = rx ? p->source : p->destination, *to = rx ? p->destination : p->source;
    __be16 from_port = bpf_htons(rx ? p->source_port : p->destination_port);
    __be16 to_port = bpf_htons(rx ? p->destination_port : p->source_port);

    if (p->family == PARSE_FAMILY_INET) {
        __builtin_memcpy(&tuple->ipv4.saddr, from, 4);
        __builtin_memcpy(&tuple->ipv4.daddr, to, 4);
        tuple->ipv4.sport = from_port;
        tuple->ipv4.dport = to_port;
        return sizeof(tuple->ipv4);
    }
    __builtin_memcpy(tuple->ipv6.saddr, from, 16);
    __builtin_memcpy(tuple->ipv6.daddr, to, 16);
    tuple->ipv6.sport = from_port;
    tuple->ipv6.dport = to_port;
    return sizeof(tuple->ipv6);
}

/* PDTT_IFACE_KINDS: the kernel finds no socket, or has no way to look for one. */
static __always_inline __u32 look_up_socket(void *ctx, const struct parse_output *p, __u32 direction)
{
    __u32 size, kind = PDTT_IFACE_SOCKET;
    struct bpf_sock_tuple tuple = {};
    struct bpf_sock *sk;

    size = fill_tuple(p, direction, &tuple);
    if (p->protocol == PARSE_TCP) {
        sk = bpf_skc_lookup_tcp(ctx, &tuple, size, BPF_F_CURRENT_NETNS, 0);
        if (sk && sk->state == TIME_WAIT_STATE)
            kind = PDTT_IFACE_TIME_WAIT;
    } else if (p->protocol == PARSE_UDP) {
        sk = bpf_sk_lookup_udp(ctx, &tuple, size, BPF_F_CURRENT_NETNS, 0);
    } else {
        return PDTT_IFACE_KINDS;
    }
    if (!sk)
        return PDTT_IFACE_KINDS;
    bpf_sk_release(sk);
    return kind;
}

static __always_inline bool goes_elsewhere(void *ctx, const struct parse_output *p, __u32 ifindex)
{
    struct bpf_fib_lookup fib = {.family = p->family, .ifindex = ifindex};
    long r;

    if (p->family == PARSE_FAMILY_INET) {
        __builtin_memcpy(&fib.ipv4_src, p->source, 4);
        __builtin_memcpy(&fib.ipv4_dst, p->destination, 4);
    } else {
        __builtin_memcpy(fib.ipv6_src, p->source, 16);
        __builtin_memcpy(fib.ipv6_dst, p->destination, 16);
    }
    r = bpf_fib_lookup(ctx, &fib, sizeof(fib), 0);
    return r == FIB_SUCCESS || r == FIB_NO_NEIGHBOUR || r == FIB_FRAG_NEEDED;
}

static __always_inline __u32 kind_without_socket(const struct parse_output *p)
{
    if (p->later_fragment)
        return PDTT_IFACE_FRAGMENT;
    if (p->protocol == ICMP_PROTOCOL || p->protocol == ICMPV6_PROTOCOL || p->protocol == IGMP_PROTOCOL)
        return PDTT_IFACE_ICMP;
    return PDTT_IFACE_NO_SOCKET;
}

static __always_inline __u32 kind_by_addresses(void *ctx, const struct parse_output *p, __u32 direction)
{
    if (!p->has_ports)
        return PDTT_IFACE_KINDS;
    return note_of(p, direction) ? PDTT_IFACE_SOCKET : look_up_socket(ctx, p, direction);
}

static __always_inline __u32 kind_of_arrival(void *ctx, enum parse_result result, const struct parse_output *p,
                                             __u32 ifindex)
{
    __u32 kind;

    if (result != PARSE_IP)
        return result == PARSE_NOT_IP ? PDTT_IFACE_NOT_IP : PDTT_IFACE_MALFORMED;
    kind = kind_by_addresses(ctx, p, PDTT_RX);
    if (kind != PDTT_IFACE_KINDS)
        return kind;
    return goes_elsewhere(ctx, p, ifindex) ? PDTT_IFACE_FORWARDED : kind_without_socket(p);
}

/* What leaves has its socket with it, also across a bridge from another namespace; routing takes it off (ip_rcv_core). */
static __always_inline __u32 kind_of_departure(struct __sk_buff *skb, enum parse_result result,
                                               const struct parse_output *p)
{
    struct bpf_sock *sk = skb->sk;
    __u32 kind;

    if (sk && sk->family == PACKET_FAMILY)
        return PDTT_IFACE_PACKET_SOCKET;
    if (result != PARSE_IP)
        return result == PARSE_NOT_IP ? PDTT_IFACE_NOT_IP : PDTT_IFACE_MALFORMED;
    if (skb->ingress_ifindex)
        return sk ? PDTT_IFACE_OTHER_NAMESPACE : PDTT_IFACE_FORWARDED;
    if (sk)
        return sk->state == TIME_WAIT_STATE ? PDTT_IFACE_TIME_WAIT : PDTT_IFACE_SOCKET;
    kind = kind_by_addresses(skb, p, PDTT_TX);
    return kind != PDTT_IFACE_KINDS ? kind : kind_without_socket(p);
}

/* ---- samples of what passes ---- */

static __always_inline void sample_account(struct packet_info *e, const struct sample_frame *f)
{
    struct pdtt_conn_uid *note = f->parsed->has_ports ? note_of(f->parsed, f->direction) : NULL;

    if (!note)
        return;
    e->uid = note->uid;
    e->gid = note->gid;
}

static __noinline int sample_xdp(struct xdp_md *ctx, struct pdtt_sampling *c, const struct sample_frame *f)
{
    __u32 half = sample_half & 1, offset = f->parsed->link_size & PARSE_MAX_OFFSET;
    struct packet_info *e = sample_reserve(c, half, f);
    const __u8 *p, *end;

    if (!e)
        return 0;
    sample_account(e, f);
    p = (const __u8 *)(long)ctx->data + offset;
    end = (const __u8 *)(long)ctx->data_end;
    for (int i = 0; i < PDTT_SAMPLE_HEAD && p + i + 1 <= end; i++)
        e->head[i] = p[i];
    e->head_len = sample_head_size(f->frame_len);
    sample_fill_tcp(e);
    sample_submit(e);
    return 0;
}

/*
 * What leaves has its socket with it, which tells the user also where no connection was noted: datagrams. The kind is read back
 * from the record: Linux 5.10 takes the comparison with what the caller's stack has for decided, and drops what hangs on it.
 */
static __always_inline bool sample_has_user(const struct packet_info *e, struct __sk_buff *skb)
{
    return e->uid == PDTT_NO_ID && e->direction == PDTT_TX && *(const volatile __u8 *)&e->kind == PDTT_IFACE_SOCKET &&
           skb->sk;
}

static __noinline int sample_skb(struct __sk_buff *skb, struct pdtt_sampling *c, const struct sample_frame *f)
{
    __u32 half = sample_half & 1;
    __u64 size = sample_head_size(f->frame_len);
    struct packet_info *e = sample_reserve(c, half, f);

    if (!e)
        return 0;
    sample_account(e, f);
    if (sample_has_user(e, skb))
        e->uid = bpf_get_socket_uid(skb);
    if (!bpf_skb_load_bytes(skb, f->parsed->link_size, e->head, size))
        e->head_len = size;
    sample_fill_tcp(e);
    sample_submit(e);
    return 0;
}

/* ---- XDP: each frame as the network card received it ---- */

SEC("xdp")
int xdp_tracker_func(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct pdtt_interface *i = interface_of(ctx->ingress_ifindex);
    struct parse_output p;
    struct parse_input in = {.data = data, .end = end, .frame_size = end - data};
    enum parse_result result;
    __u32 kind;

    if (!i)
        return XDP_PASS;
    in.link_size = i->link_size;
    in.type_offset = i->type_offset;
    result = parse_frame(&in, &p);
    kind = door_blocks(&p, result, ctx->ingress_ifindex, 1) ? PDTT_IFACE_BLOCKED
                                                            : kind_of_arrival(ctx, result, &p, ctx->ingress_ifindex);
    add(i, PDTT_RX, kind, in.frame_size - p.link_size, 1);
    if (sample_rate && result == PARSE_IP) {
        struct sample_frame f = {&p, ctx->ingress_ifindex, PDTT_RX, kind, 1, in.frame_size - p.link_size};
        struct pdtt_sampling *c = sample_counters();

        if (c && sample_draw(c, &f))
            sample_xdp(ctx, c, &f);
    }
    return kind == PDTT_IFACE_BLOCKED ? XDP_DROP : XDP_PASS;
}

/* ---- TC: as the stack has it, several segments in one packet ---- */

static __noinline enum parse_result parse_skb(struct __sk_buff *skb, const struct pdtt_interface *i,
                                              struct parse_output *ret)
{
    struct parse_input in = {
        .data = (void *)(long)skb->data,
        .end = (void *)(long)skb->data_end,
        .frame_size = skb->len,
        .link_size = i->link_size,
        .type_offset = i->type_offset,
        .super_packet = skb->gso_segs > 1,
    };

    return parse_frame(&in, ret);
}

static __always_inline int count_skb(struct __sk_buff *skb, __u32 direction)
{
    __u32 segments = skb->gso_segs ? skb->gso_segs : 1, kind;
    struct pdtt_interface *i = interface_of(skb->ifindex);
    enum parse_result result;
    struct parse_output p;

    if (!i)
        return TC_ACT_UNSPEC;
    result = parse_skb(skb, i, &p);
    /* Rearranges where the bytes lie, not what they are. */
    if (result == PARSE_MORE && !bpf_skb_pull_data(skb, skb->len < HEADERS_SIZE ? skb->len : HEADERS_SIZE))
        result = parse_skb(skb, i, &p);
    if (direction == PDTT_RX && door_blocks(&p, result, skb->ifindex, segments))
        kind = PDTT_IFACE_BLOCKED;
    else if (direction == PDTT_RX)
        kind = kind_of_arrival(skb, result, &p, skb->ifindex);
    else
        kind = kind_of_departure(skb, result, &p);
    add(i, direction, kind, skb->len - p.link_size + (__u64)(segments - 1) * p.headers_size, segments);
    if (sample_rate && result == PARSE_IP) {
        struct sample_frame f = {&p, skb->ifindex, direction, kind, segments, skb->len - p.link_size};
        struct pdtt_sampling *c = sample_counters();

        if (c && sample_draw(c, &f))
            sample_skb(skb, c, &f);
    }
    return kind == PDTT_IFACE_BLOCKED ? TC_ACT_SHOT : TC_ACT_UNSPEC; /* whatever else is attached decides */
}

SEC("tc")
int tc_ingress(struct __sk_buff *skb)
{
    return count_skb(skb, PDTT_RX);
}

SEC("tc")
int tc_egress(struct __sk_buff *skb)
{
    return count_skb(skb, PDTT_TX);
}
