/* The programs of the kernel side. Each entry is thin; ideas live in the headers. Program names are those users know. */
#include "conn_uid.bpf.h"
#include "connections.bpf.h"
#include "datagrams.bpf.h"
#include "fragments.bpf.h"
#include "ledger.bpf.h"
#include "mptcp.bpf.h"
#include "notes.bpf.h"
#include "owner.bpf.h"
#include "packet_socket.bpf.h"
#include "policy.bpf.h"
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

static __always_inline int count_packet(struct __sk_buff *skb, __u32 direction)
{
    __u32 segments = skb->gso_segs ? skb->gso_segs : 1, slot, flags, verdict = VERDICT_PASS;
    __u64 bytes = packet_wire_bytes(skb, segments);
    struct bpf_sock *sk = skb->sk;
    struct pdtt_owner *o = NULL;
    struct ledger l;
    bool opened;

    if (segments == 1)
        segments = count_fragments(skb, direction, &bytes);
    opened = ledger_open(&l);
    if (policies_limit && opened) {
        flags = *(volatile __u32 *)&l.epoch->flags; /* once: a packet sees one set */
        if (flags & PDTT_EPOCH_POLICIES)
            verdict = policy_judge(skb, l.epoch, direction, flags, bytes, segments);
        if (direction == PDTT_RX)
            verdict &= VERDICT_PASS; /* all that the verifier lets these programs return */
        if (verdict_drops(verdict))
            return verdict;
    }
    count_truth(direction, bytes, segments);
    if (!opened)
        return VERDICT_PASS;
    if (sk) { /* NULL for what is no full socket; to ask for that first would be a call more for each packet */
        o = bpf_sk_storage_get(&sock_owner, sk, 0, 0);
        if (!o)
            o = adopt_as_kernel(skb, sk);
        if (o && o->flags & PDTT_OWNER_SUBFLOW)
            o = owner_of_subflow(sk) ?: o;
    }
    if (!o)
        slot = charge_nobody(skb, &l, sk && bpf_sk_fullsock(sk), direction);
    else if (sk && sk->state == TCP_LISTEN_STATE)
        slot = charge_listener(skb, &l, o, direction);
    else
        slot = charge_owner(skb, &l, o, direction, bytes, segments);
    ledger_add_packets(&l, slot, direction, bytes, segments);
    return verdict;
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

    flow_note_process(&owner, payer.pid);
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
    struct flow_end how = {.end = PDTT_END_RELEASED};
    struct payer payer;

    if (!o)
        return 1;
    owner_catch_up(o, ctx);
    owner_end_notes(ctx);
    if (!(o->flags & PDTT_OWNER_USED)) {
        payer = current_payer();
        if ((__u32)payer.identity)
            owner_used(o, &payer);
    }
    o->flags |= PDTT_OWNER_RELEASED;
    if (connections_limit && !(o->flow & PDTT_FLOW_FOLLOWED))
        flow_end(o, &how);
    return 1;
}

static __always_inline int about_to_send(struct bpf_sock_addr *ctx, bool connect)
{
    struct pdtt_owner *o = ctx->sk ? bpf_sk_storage_get(&sock_owner, ctx->sk, 0, 0) : NULL;

    struct payer payer;

    if (!o)
        return 1;
    owner_catch_up(o, ctx);
    payer = current_payer();
    owner_about_to_use(o, &payer);
    if (connect) {
        o->class_cache = 0;
        policy_forget(ctx->sk);
    }
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

/* No hook sees these frames, so the call is where the ledger and the truth that it must add up to get them. */
static __always_inline int book_packet_socket(struct sock *sk, __u32 direction, int bytes)
{
    __u64 wire = packet_socket_used(sk, direction, bytes);

    if (wire)
        count_truth(PDTT_TX, wire, 1);
    return 0;
}

static __always_inline int call_moved_data(struct sock *sk, __u32 direction, int bytes)
{
    struct pdtt_owner *o;
    struct payer payer;
    struct ledger l;

    if (sk->__sk_common.skc_family == PACKET_FAMILY)
        return book_packet_socket(sk, direction, bytes);
    if (!is_internet_socket(sk) || !ledger_open(&l))
        return 0;
    payer = current_task_payer(&l);
    o = owner_in_call(sk, &payer);
    if (!o)
        return 0;
    owner_used(o, &payer);
    if (bytes <= 0)
        return 0;
    flow_payload(o, direction, bytes);
    ledger_add_payload(&l, owner_slot(&l, o, o->tag), direction, bytes);
    return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(sock_send_length, struct sock *sk, int ret, int flags)
{
    return call_moved_data(sk, PDTT_TX, ret);
}

#define KERNEL_THREAD_FLAG 0x00200000 /* PF_KTHREAD; not set for threads that io_uring starts for a process */
#define MSG_PEEK_FLAG      2          /* data that stays in the socket will be counted when it is taken */

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
    struct ledger l;

    if (!o || !ledger_open(&l))
        return 0;
    payer = current_task_payer(&l);
    owner_about_to_use(o, &payer);
    return 0;
}

/*
 * The only hook on the way of splice(2) from a TCP socket; recv(2) passes it too. Data may also be taken by the kernel for
 * itself, in softirq, where nobody has locked the socket, or in a thread of its own: neither says who uses it.
 */
SEC("tp_btf/tcp_rcv_space_adjust")
int BPF_PROG(tcp_rcv_space_adjust, struct sock *sk)
{
    struct pdtt_owner *o;
    struct payer payer;
    struct ledger l;

    if (!sk->sk_lock.owned || bpf_get_current_task_btf()->flags & KERNEL_THREAD_FLAG)
        return 0;
    o = bpf_sk_storage_get(&sock_owner, sk, 0, 0);
    if (!o || !ledger_open(&l))
        return 0;
    payer = current_task_payer(&l);
    owner_used(o, &payer);
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
    if (owner_is(o, &payer)) {
        o->pid = task->tgid;
        o->cgroup_id = task->cgroups->dfl_cgrp->kn->id;
        bpf_probe_read_kernel_str(o->comm, sizeof(o->comm), task->comm);
    }
    stat_bump(PDTT_STAT_ADOPTED);
    return 0;
}

/* ---- what takes the place of some of these on older kernels ---- */

#include "tiers.bpf.h"
