/*
 * MPTCP: a process has one socket, the kernel has another for each path ("subflow"). Packets belong to subflows, system calls
 * to the process's socket, so a subflow's packets are charged to the owner of the socket that it is part of.
 */
#pragma once

#include "owner.bpf.h"
#include <bpf/bpf_core_read.h>

#define STREAM_SOCKET 1 /* SOCK_STREAM */

/* The helper came with Linux 5.19; without MPTCP in the kernel there is no type for what it returns. */
static __always_inline bool mptcp_is_known(void)
{
    return bpf_core_type_exists(struct mptcp_sock) &&
           bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_skc_to_mptcp_sock);
}

/*
 * The owner of the MPTCP socket that sk, seen to be a subflow, belongs to; NULL when that has none yet, or sk has fallen back to
 * plain TCP.
 */
static __always_inline struct pdtt_owner *owner_of_subflow(struct bpf_sock *sk)
{
    struct mptcp_sock *whole = mptcp_is_known() ? bpf_skc_to_mptcp_sock(sk) : NULL;

    return whole ? bpf_sk_storage_get(&sock_owner, whole, 0, 0) : NULL;
}

/*
 * The helper takes every full socket of protocol TCP for one of TCP, also a raw socket and the kernel's own for resets, which are a
 * third as long: it read what lies behind them, and Linux 6.1 died of it. Upstream changes it in 2026 (mptcp_net-next, issue 622).
 */
static __always_inline bool mptcp_may_ask(const struct bpf_sock *sk)
{
    return mptcp_is_known() && sk->type == STREAM_SOCKET;
}

/* Looks once, when a socket gets its storage; what a listening subflow accepts inherits the answer. */
static __always_inline void owner_note_subflow(struct pdtt_owner *owner, struct bpf_sock *sk)
{
    struct pdtt_owner *whole;

    if (!mptcp_may_ask(sk) || !bpf_skc_to_mptcp_sock(sk))
        return;
    owner->flags |= PDTT_OWNER_SUBFLOW;
    whole = owner_of_subflow(sk);
    if (!whole)
        return;
    owner->identity = whole->identity;
    owner->unit = whole->unit;
    owner->flags &= ~PDTT_OWNER_KERNEL;
    flow_same_process(owner, whole);
}
