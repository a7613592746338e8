/*
 * The syscall layer on kernels without the tracepoints that tell how much a call moved (before 6.3), in two tiers. Which
 * programs are loaded is user space's choice (collector/tiers.c); here is what they do.
 *
 * Trampolines (fentry, fexit) sit on the functions through which each send and receive of IPv4 and IPv6 goes once, whatever
 * the protocol: inet_sendmsg() and its kin. Kprobes know only the arguments at entry, not what a call returned: they tell
 * who uses a socket of TCP or UDP, and no payload bytes.
 */
#pragma once

#include "notes.bpf.h"
#include <asm/ptrace.h>
#include <bpf/bpf_tracing.h>

/* Before the data goes out: what was charged so far belongs to the one before. */
static __always_inline int call_begins(struct sock *sk)
{
    struct payer payer = current_payer();
    struct pdtt_owner *o;

    if (notes_enabled) {
        note_call(sk, &payer, false);
        return 0;
    }
    o = bpf_sk_storage_get(&sock_owner, sk, 0, 0);
    if (o)
        owner_about_to_use(o, &payer);
    return 0;
}

static __always_inline int call_received(struct sock *sk, int bytes)
{
    struct payer payer;

    if (!notes_enabled)
        return call_moved_data(sk, PDTT_RX, bytes);
    payer = current_payer();
    note_call(sk, &payer, true);
    note_payload(sk, PDTT_RX, bytes);
    return 0;
}

static __always_inline int call_sent(struct sock *sk, int bytes)
{
    if (!notes_enabled)
        return call_moved_data(sk, PDTT_TX, bytes);
    note_payload(sk, PDTT_TX, bytes);
    return 0;
}

SEC("fentry/inet_sendmsg")
int BPF_PROG(enter_inet_sendmsg, struct socket *sock)
{
    return call_begins(sock->sk);
}

SEC("fentry/inet6_sendmsg")
int BPF_PROG(enter_inet6_sendmsg, struct socket *sock)
{
    return call_begins(sock->sk);
}

SEC("fexit/inet_sendmsg")
int BPF_PROG(exit_inet_sendmsg, struct socket *sock, struct msghdr *msg, size_t size, int ret)
{
    return call_sent(sock->sk, ret);
}

SEC("fexit/inet6_sendmsg")
int BPF_PROG(exit_inet6_sendmsg, struct socket *sock, struct msghdr *msg, size_t size, int ret)
{
    return call_sent(sock->sk, ret);
}

SEC("fexit/inet_recvmsg")
int BPF_PROG(exit_inet_recvmsg, struct socket *sock, struct msghdr *msg, size_t size, int flags, int ret)
{
    return call_received(sock->sk, flags & MSG_PEEK_FLAG ? 0 : ret);
}

SEC("fexit/inet6_recvmsg")
int BPF_PROG(exit_inet6_recvmsg, struct socket *sock, struct msghdr *msg, size_t size, int flags, int ret)
{
    return call_received(sock->sk, flags & MSG_PEEK_FLAG ? 0 : ret);
}

/*
 * sendfile() and splice() into a socket before 6.5. Of TCP and UDP alone, because other protocols send each page by
 * inet_sendmsg(), where it is counted.
 */
SEC("fentry/inet_sendpage")
int BPF_PROG(enter_inet_sendpage, struct socket *sock)
{
    return call_begins(sock->sk);
}

SEC("fexit/inet_sendpage")
int BPF_PROG(exit_inet_sendpage, struct socket *sock, struct page *page, int offset, size_t size, int flags, long ret)
{
    __u16 protocol = sock->sk->sk_protocol;

    return protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP ? call_sent(sock->sk, ret) : 0;
}

/* splice() out of a TCP socket, which passes none of the other functions and no tracepoint, on any kernel. */
SEC("fexit/tcp_splice_read")
int BPF_PROG(exit_tcp_splice_read, struct socket *sock, void *position, void *pipe, size_t size, unsigned int flags,
             long ret)
{
    return call_received(sock->sk, ret);
}

/* ---- kprobes: by notes always ---- */

static __always_inline int probe_call(struct sock *sk, bool took)
{
    struct payer payer;

    if (!notes_enabled)
        return 0;
    payer = current_payer();
    note_call(sk, &payer, took);
    return 0;
}

SEC("kprobe/tcp_sendmsg")
int BPF_KPROBE(kprobe_tcp_sendmsg, struct sock *sk)
{
    return probe_call(sk, false);
}

/* Also called when nothing was taken, and by a peek; who peeks uses the socket too. */
SEC("kprobe/tcp_cleanup_rbuf")
int BPF_KPROBE(kprobe_tcp_cleanup_rbuf, struct sock *sk, int copied)
{
    return copied > 0 ? probe_call(sk, true) : 0;
}

SEC("kprobe/udp_sendmsg")
int BPF_KPROBE(kprobe_udp_sendmsg, struct sock *sk)
{
    return probe_call(sk, false);
}

SEC("kprobe/udp_recvmsg")
int BPF_KPROBE(kprobe_udp_recvmsg, struct sock *sk)
{
    return probe_call(sk, true);
}

SEC("kprobe/udpv6_sendmsg")
int BPF_KPROBE(kprobe_udpv6_sendmsg, struct sock *sk)
{
    return probe_call(sk, false);
}

SEC("kprobe/udpv6_recvmsg")
int BPF_KPROBE(kprobe_udpv6_recvmsg, struct sock *sk)
{
    return probe_call(sk, true);
}

/* ---- the sweep: as adopt_sockets, where no program can get from a file to its socket (before 5.11) ---- */

#define SOCKFS_MAGIC 0x534f434bu /* linux/magic.h: inodes of this file system are sockets */

SEC("iter/task_file")
int sweep_sockets(struct bpf_iter__task_file *ctx)
{
    struct task_struct *task = ctx->task;
    struct file *file = ctx->file;
    struct payer payer = {};
    struct socket *socket;
    struct sock *sk;

    if (!task || !file || file->f_inode->i_sb->s_magic != SOCKFS_MAGIC)
        return 0;
    socket = file->private_data;
    sk = BPF_CORE_READ(socket, sk);
    if (!sk || (BPF_CORE_READ(sk, __sk_common.skc_family) != INET_FAMILY &&
                BPF_CORE_READ(sk, __sk_common.skc_family) != INET6_FAMILY))
        return 0;
    payer.identity = IDENTITY(task->cred->uid.val, task->cred->gid.val);
    if (units_in_use())
        payer.unit = unit_of_cgroup(task->cgroups->dfl_cgrp->kn->id);
    note_holder(sk, &payer, task);
    stat_bump(PDTT_STAT_ADOPTED);
    return 0;
}
