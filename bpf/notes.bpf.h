/*
 * Who uses a socket, on kernels whose programs at the system calls cannot reach a socket's storage (before 5.11, and
 * kprobes at any age): they leave a note under the socket's cookie, and the next program that has the storage at hand, at
 * the next packet or when the socket is closed, makes up for it before it charges anything. In between nothing is
 * charged, so the outcome is that of an immediate change.
 */
#pragma once

#include "owner.bpf.h"
#include <bpf/bpf_core_read.h>

#define PF_KTHREAD_FLAG 0x00200000u

/* Set before load. */
const volatile __u8 notes_enabled = 0;

struct note {
    struct payer last;   /* who made the latest call */
    struct payer first;  /* who made the first one since the latest packet: what that left behind is theirs */
    __u32 calls, seen;   /* made, and made up for */
    __u32 first_took;    /* the first one received: what was charged before it is its own */
    __u32 swept;         /* nobody called: this process only holds the socket */
    struct payer before; /* who made calls before last did */
    __u64 payload[2][PDTT_DIRECTIONS];
    __u32 turn; /* which of the two is that of last; the other is that of before */
    __u32 pid;  /* of the process that made the latest call, for the record of the connection */
    __u64 cgroup_id;
    char comm[PDTT_COMM];
};

/* Preallocated, because memory must not be asked for within any function of the kernel. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1); /* set at load, where it is used */
    __type(key, __u64);
    __type(value, struct note);
} sock_user SEC(".maps");

static __always_inline bool same_payer(const struct payer *a, const struct payer *b)
{
    return a->identity == b->identity && a->unit == b->unit;
}

static __always_inline bool is_kernel_thread(void)
{
    struct task_struct *task = (void *)bpf_get_current_task();

    return BPF_CORE_READ(task, flags) & PF_KTHREAD_FLAG;
}

static __always_inline struct note *note_put(__u64 cookie, const struct payer *payer, bool took, bool swept)
{
    struct note note = {.last = *payer, .first = *payer, .first_took = took, .swept = swept};

    if (bpf_map_update_elem(&sock_user, &cookie, &note, BPF_NOEXIST))
        stat_bump(PDTT_STAT_STORAGE_FAILED);
    return bpf_map_lookup_elem(&sock_user, &cookie);
}

static __always_inline void note_process(struct note *n)
{
    __u32 pid = bpf_get_current_pid_tgid() >> 32;

    if (n->pid == pid)
        return;
    n->pid = pid;
    n->cgroup_id = bpf_get_current_cgroup_id();
    bpf_get_current_comm(n->comm, sizeof(n->comm));
}

/* A socket without a cookie has not had a packet that is charged, so there is nothing to make up for yet. */
static __always_inline __u64 note_cookie(const struct sock *sk)
{
    return BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
}

/*
 * Payer makes a call on the socket; took: it receives. In process context. The fields are written before the number of
 * calls, which is what the other side looks at.
 */
static __always_inline void note_call(const struct sock *sk, const struct payer *payer, bool took)
{
    __u64 cookie = note_cookie(sk);
    struct note *n;

    if (!cookie || is_kernel_thread()) /* kernel threads' sockets are never released through the hook */
        return;
    n = bpf_map_lookup_elem(&sock_user, &cookie);
    if (!n)
        n = note_put(cookie, payer, took, false);
    if (!n)
        return;
    if (n->calls == n->seen || n->swept) {
        n->first = *payer;
        n->first_took = took;
        n->swept = 0;
    }
    if (!same_payer(&n->last, payer)) {
        n->before = n->last;
        n->last = *payer;
        n->turn ^= 1;
    }
    note_process(n);
    __sync_fetch_and_add(&n->calls, 1);
}

/* What a call moved, once that is known. */
static __always_inline void note_payload(const struct sock *sk, __u32 direction, int bytes)
{
    __u64 cookie = note_cookie(sk);
    struct note *n = cookie && bytes > 0 ? bpf_map_lookup_elem(&sock_user, &cookie) : NULL;

    if (n)
        __sync_fetch_and_add(&n->payload[n->turn & 1][direction & 1], bytes);
}

/* Payer was found holding the socket. Of several the first that is not root counts, and a call counts more. */
static __always_inline void note_holder(const struct sock *sk, const struct payer *payer, struct task_struct *task)
{
    __u64 cookie = note_cookie(sk);
    struct note *n = cookie ? bpf_map_lookup_elem(&sock_user, &cookie) : NULL;
    bool is_new = !n;

    if (!cookie)
        return;
    if (is_new)
        n = note_put(cookie, payer, true, true);
    if (!n || (!is_new && !(n->swept && !(__u32)n->last.identity && (__u32)payer->identity)))
        return;
    n->first = n->last = *payer;
    n->pid = task->tgid;
    n->cgroup_id = task->cgroups->dfl_cgrp->kn->id;
    bpf_probe_read_kernel_str(n->comm, sizeof(n->comm), task->comm);
    __sync_fetch_and_add(&n->calls, 1);
}

static __always_inline bool note_has_payload(const struct note *n)
{
    return n->payload[0][PDTT_RX] | n->payload[0][PDTT_TX] | n->payload[1][PDTT_RX] | n->payload[1][PDTT_TX];
}

/* What a payer's calls moved is that payer's, whoever owns the socket by now. */
static __always_inline void owner_take_payload(struct pdtt_owner *o, const struct payer *payer, __u64 *payload)
{
    __u64 rx = payload[PDTT_RX] ? atomic_swap(&payload[PDTT_RX], 0) : 0;
    __u64 tx = payload[PDTT_TX] ? atomic_swap(&payload[PDTT_TX], 0) : 0;
    struct pdtt_account account;
    struct ledger l;
    __u32 slot;

    if (!(rx | tx) || !ledger_open(&l))
        return;
    flow_payload(o, PDTT_RX, rx);
    flow_payload(o, PDTT_TX, tx);
    account = account_of(payer, o, o->tag);
    slot = ledger_find_slot(l.epoch, &account);
    ledger_add_payload(&l, slot, PDTT_RX, rx);
    ledger_add_payload(&l, slot, PDTT_TX, tx);
}

static __noinline int owner_take_payloads(struct pdtt_owner *o, struct note *n)
{
    struct payer first, second;

    if (!n)
        return 0;
    first = n->turn & 1 ? n->before : n->last;
    second = n->turn & 1 ? n->last : n->before;
    owner_take_payload(o, &first, n->payload[0]);
    owner_take_payload(o, &second, n->payload[1]);
    return 0;
}

static __always_inline void owner_take_calls(struct pdtt_owner *o, const struct note *n)
{
    struct payer first = n->first, last = n->last;

    if (owner_is(o, &first))
        owner_forget_since(o);
    else
        owner_change(o, &first, n->first_took);
    if (!same_payer(&first, &last))
        owner_change(o, &last, false);
    o->flags |= PDTT_OWNER_USED;
}

/* As adopt_sockets does: only a socket of root or of nobody, which nobody was seen to use, is given away. */
static __always_inline void owner_take_holder(struct pdtt_owner *o, const struct note *n)
{
    struct payer holder = n->last;

    if (o->flags & PDTT_OWNER_USED)
        return;
    if (!owner_is(o, &holder) && (o->flags & PDTT_OWNER_KERNEL || !(__u32)o->identity))
        owner_change(o, &holder, true);
}

static __always_inline void owner_take_process(struct pdtt_owner *o, const struct note *n)
{
    if (!connections_limit || o->pid == n->pid || !owner_is(o, &n->last))
        return;
    o->pid = n->pid;
    o->cgroup_id = n->cgroup_id;
    __builtin_memcpy(o->comm, n->comm, sizeof(o->comm));
}

/* Makes up for the calls since the last packet. */
static __noinline void owner_read_note(struct pdtt_owner *o, __u64 cookie)
{
    struct note *n = bpf_map_lookup_elem(&sock_user, &cookie);
    __u32 calls;

    if (!n)
        return;
    calls = n->calls;
    if (calls != n->seen) {
        if (n->swept)
            owner_take_holder(o, n);
        else
            owner_take_calls(o, n);
        n->seen = calls;
        owner_take_process(o, n);
    }
    if (note_has_payload(n))
        owner_take_payloads(o, n);
}

static __always_inline void owner_catch_up(struct pdtt_owner *o, void *ctx)
{
    if (notes_enabled)
        owner_read_note(o, bpf_get_socket_cookie(ctx));
}

static __always_inline void owner_end_notes(void *ctx)
{
    __u64 cookie;

    if (!notes_enabled)
        return;
    cookie = bpf_get_socket_cookie(ctx);
    bpf_map_delete_elem(&sock_user, &cookie);
}
