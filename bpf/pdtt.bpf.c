/* The programs of the kernel side. Each entry is thin; ideas live in the headers. Program names are those users know. */
#include "ledger.bpf.h"
#include "owner.bpf.h"
#include "packet.bpf.h"
#include <bpf/bpf_tracing.h>

/* SEC() begins a statement everywhere but here */
/* clang-format off */
char LICENSE[] SEC("license") = "GPL";
/* clang-format on */

/* ---- cgroup layer: the ledger; every packet of every socket, once ---- */

static __always_inline void count_truth(__u32 direction, __u64 bytes, __u64 packets)
{
    struct pdtt_counters *c;
    __u32 zero = 0;

    if (!truth_enabled)
        return;
    c = bpf_map_lookup_elem(&truth, &zero);
    if (!c)
        return;
    __sync_fetch_and_add(&c->bytes[direction], bytes);
    __sync_fetch_and_add(&c->packets[direction], packets);
}

/* A socket of which no process is known: made by the kernel, or older than pdttd and not yet adopted. */
static __noinline struct pdtt_owner *adopt_as_kernel(struct __sk_buff *skb, struct bpf_sock *sk)
{
    struct pdtt_owner owner = {
        .identity = IDENTITY(bpf_get_socket_uid(skb), PDTT_NO_ID),
        .protocol = sk->protocol,
        .flags = PDTT_OWNER_KERNEL,
    };
    struct pdtt_owner *o = bpf_sk_storage_get(&sock_owner, sk, &owner, BPF_SK_STORAGE_GET_F_CREATE);

    if (!o)
        stat_bump(PDTT_STAT_STORAGE_FAILED);
    return o;
}

/* A connection keeps its remote address, so its class is looked up once; loopback is known from the packet alone. */
static __always_inline __u32 connection_tag(struct __sk_buff *skb, const struct ledger *l, struct pdtt_owner *o,
                                            __u32 direction)
{
    __u32 valid = l->epoch->generation << 16 | 1u << 15, cache = o->class_cache, tag;

    if (skb->ifindex == LOOPBACK_IFINDEX || !(l->epoch->flags & (PDTT_EPOCH_CLASSES_V4 | PDTT_EPOCH_CLASSES_V6)))
        return packet_tag(skb, l->epoch, direction);
    if ((cache & ~0xfffu) == valid)
        return cache & 0xfff;
    tag = packet_tag(skb, l->epoch, direction);
    o->class_cache = valid | tag;
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
    __u32 tag =
        o->protocol == PROTOCOL_TCP ? connection_tag(skb, l, o, direction) : packet_tag(skb, l->epoch, direction);
    __u32 slot = owner_slot(l, o, tag);

    if (slot) /* what overflowed is nobody's, so it cannot be moved later either */
        owner_charged(o, tag, direction, bytes, packets);
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

static __always_inline int count_packet(struct __sk_buff *skb, __u32 direction)
{
    __u32 segments = skb->gso_segs ? skb->gso_segs : 1, slot;
    __u64 bytes = packet_wire_bytes(skb, segments);
    struct bpf_sock *sk = skb->sk;
    struct pdtt_owner *o = NULL;
    struct ledger l;

    count_truth(direction, bytes, segments);
    if (!ledger_open(&l))
        return 1;
    if (sk)
        sk = bpf_sk_fullsock(sk);
    if (sk) {
        o = bpf_sk_storage_get(&sock_owner, sk, 0, 0);
        if (!o)
            o = adopt_as_kernel(skb, sk);
    }
    if (!o)
        slot = charge_nobody(skb, &l, sk != NULL, direction);
    else if (sk->state == TCP_LISTEN_STATE)
        slot = charge_listener(skb, &l, o, direction);
    else
        slot = charge_owner(skb, &l, o, direction, bytes, segments);
    ledger_add_packets(&l, slot, direction, bytes, segments);
    return 1;
}

SEC("cgroup_skb/ingress")
int cgroup_skb_ingress(struct __sk_buff *skb)
{
    return count_packet(skb, PDTT_RX);
}

SEC("cgroup_skb/egress")
int cgroup_skb_egress(struct __sk_buff *skb)
{
    return count_packet(skb, PDTT_TX);
}

/* ---- socket layer: who creates a socket, connects it or sends from it ---- */

SEC("cgroup/sock_create")
int sock_create_tracker(struct bpf_sock *ctx)
{
    struct payer payer = current_payer();
    struct pdtt_owner owner = {
        .identity = payer.identity,
        .unit = payer.unit,
        .protocol = ctx->protocol,
        .tag = ctx->family == INET6_FAMILY ? TAG_IPV6 : 0,
    };

    if (!bpf_sk_storage_get(&sock_owner, ctx, &owner, BPF_SK_STORAGE_GET_F_CREATE))
        stat_bump(PDTT_STAT_STORAGE_FAILED);
    return 1;
}

/*
 * A socket that nobody was seen to use goes to the one who closes it, unless that is root: a kernel thread may do the last
 * close for somebody.
 */
SEC("cgroup/sock_release")
int sock_release(struct bpf_sock *ctx)
{
    struct pdtt_owner *o = bpf_sk_storage_get(&sock_owner, ctx, 0, 0);
    struct payer payer;

    if (!o)
        return 1;
    if (!(o->flags & PDTT_OWNER_USED)) {
        payer = current_payer();
        if ((__u32)payer.identity)
            owner_used(o, &payer);
    }
    o->flags |= PDTT_OWNER_RELEASED;
    return 1;
}

static __always_inline int about_to_send(struct bpf_sock_addr *ctx, bool connect)
{
    struct pdtt_owner *o = ctx->sk ? bpf_sk_storage_get(&sock_owner, ctx->sk, 0, 0) : NULL;

    struct payer payer;

    if (!o)
        return 1;
    payer = current_payer();
    owner_about_to_use(o, &payer);
    if (connect)
        o->class_cache = 0;
    return 1;
}

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx)
{
    return about_to_send(ctx, true);
}

SEC("cgroup/connect6")
int connect6(struct bpf_sock_addr *ctx)
{
    return about_to_send(ctx, true);
}

SEC("cgroup/sendmsg4")
int sendmsg4(struct bpf_sock_addr *ctx)
{
    return about_to_send(ctx, false);
}

SEC("cgroup/sendmsg6")
int sendmsg6(struct bpf_sock_addr *ctx)
{
    return about_to_send(ctx, false);
}

/* ---- syscall layer: who uses a socket, and how many bytes the calls moved ---- */

static __always_inline struct pdtt_owner *owner_in_call(struct sock *sk, const struct payer *payer)
{
    struct pdtt_owner *o = bpf_sk_storage_get(&sock_owner, sk, 0, 0);

    if (!o) {
        struct pdtt_owner owner = {
            .identity = payer->identity,
            .unit = payer->unit,
            .protocol = sk->sk_protocol,
            .tag = sk->__sk_common.skc_family == INET6_FAMILY ? TAG_IPV6 : 0,
        };
        o = bpf_sk_storage_get(&sock_owner, sk, &owner, BPF_SK_STORAGE_GET_F_CREATE);
        if (!o)
            stat_bump(PDTT_STAT_STORAGE_FAILED);
    }
    return o;
}

static __always_inline bool is_internet_socket(const struct sock *sk)
{
    return sk->__sk_common.skc_family == INET_FAMILY || sk->__sk_common.skc_family == INET6_FAMILY;
}

static __always_inline int call_moved_data(struct sock *sk, __u32 direction, int bytes)
{
    struct pdtt_owner *o;
    struct payer payer;
    struct ledger l;

    if (!is_internet_socket(sk))
        return 0;
    payer = current_payer();
    o = owner_in_call(sk, &payer);
    if (!o)
        return 0;
    owner_used(o, &payer);
    if (bytes > 0 && ledger_open(&l))
        ledger_add_payload(&l, owner_slot(&l, o, o->tag), direction, bytes);
    return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(sock_send_length, struct sock *sk, int ret, int flags)
{
    return call_moved_data(sk, PDTT_TX, ret);
}

#define MSG_PEEK_FLAG 2 /* data that stays in the socket will be counted when it is taken */

SEC("tp_btf/sock_recv_length")
int BPF_PROG(sock_recv_length, struct sock *sk, int ret, int flags)
{
    return call_moved_data(sk, PDTT_RX, flags & MSG_PEEK_FLAG ? 0 : ret);
}

/* Before the data goes out, where the kernel has it (6.16): the first packets of a call are then charged right at once. */
SEC("tp_btf/tcp_sendmsg_locked")
int BPF_PROG(tcp_sendmsg_locked, struct sock *sk)
{
    struct pdtt_owner *o = bpf_sk_storage_get(&sock_owner, sk, 0, 0);
    struct payer payer;

    if (!o)
        return 0;
    payer = current_payer();
    owner_about_to_use(o, &payer);
    return 0;
}

/* ---- adoption: sockets that are older than the daemon ---- */

/* Of several holders of one socket the first that is not root is taken: sshd's monitor holds its user's connection too. */
SEC("iter/task_file")
int adopt_sockets(struct bpf_iter__task_file *ctx)
{
    struct task_struct *task = ctx->task;
    struct file *file = ctx->file;
    struct pdtt_owner *o;
    struct socket *socket;
    struct payer payer = {};
    struct sock *sk;

    if (!task || !file)
        return 0;
    socket = bpf_sock_from_file(file);
    if (!socket)
        return 0;
    sk = socket->sk;
    if (!sk || !is_internet_socket(sk))
        return 0;
    payer.identity = IDENTITY(task->cred->uid.val, task->cred->gid.val);
    if (units_in_use())
        payer.unit = unit_of_cgroup(task->cgroups->dfl_cgrp->kn->id);
    o = owner_in_call(sk, &payer);
    if (!o || o->flags & PDTT_OWNER_USED)
        return 0;
    if (!owner_is(o, &payer) && (o->flags & PDTT_OWNER_KERNEL || !(__u32)o->identity))
        owner_change(o, &payer, true);
    stat_bump(PDTT_STAT_ADOPTED);
    return 0;
}
