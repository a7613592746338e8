/*
 * Attribution: the account of a socket is the process that uses it. Packets are charged at once to the owner that the
 * socket's storage names; what was charged since the last system call is remembered, and when another process makes the
 * next call it is moved to that one. Only process context may ask who the current process is; softirq never does.
 */
#pragma once

#include "flow.bpf.h"

#define TCP_LISTEN_STATE   10
#define INET_FAMILY        2
#define INET6_FAMILY       10

#define IDENTITY(uid, gid) ((__u64)(uid) | (__u64)(gid) << 32)

/* Who pays: a process as far as accounts tell processes apart. */
struct payer {
    __u64 identity;
    __u32 unit;
    __u32 pid; /* not of the account: for the record of a connection */
};

static __always_inline bool is_internet_socket(const struct sock *sk)
{
    return sk->__sk_common.skc_family == INET_FAMILY || sk->__sk_common.skc_family == INET6_FAMILY;
}

static __always_inline __u32 unit_of_cgroup(__u64 cgroup_id)
{
    __u32 *unit = bpf_map_lookup_elem(&units, &cgroup_id);

    return unit ? *unit : 0;
}

static __always_inline bool units_in_use(void)
{
    struct ledger l;

    return ledger_open(&l) && l.epoch->flags & PDTT_EPOCH_UNITS;
}

/* In process context only. Real ids of the initial user namespace, so a user namespace cannot pose as root. */
static __always_inline struct payer current_payer(void)
{
    struct payer payer = {.identity = bpf_get_current_uid_gid(), .pid = bpf_get_current_pid_tgid() >> 32};

    if (units_in_use())
        payer.unit = unit_of_cgroup(bpf_get_current_cgroup_id());
    return payer;
}

/* The same for each call of a process, where a program may read what the two helpers tell: they take a fifth of the call. */
static __always_inline struct payer current_task_payer(const struct ledger *l)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct payer payer = {.identity = IDENTITY(task->cred->uid.val, task->cred->gid.val), .pid = task->tgid};

    if (l->epoch->flags & PDTT_EPOCH_UNITS)
        payer.unit = unit_of_cgroup(bpf_get_current_cgroup_id());
    return payer;
}

static __always_inline struct pdtt_account account_of(const struct payer *payer, const struct pdtt_owner *o, __u32 tag)
{
    return (struct pdtt_account){
        .uid = (__u32)payer->identity,
        .gid = payer->identity >> 32,
        .unit = payer->unit,
        .class_id = tag & PDTT_CLASS_MAX,
        .protocol = o->protocol,
        .family = tag & TAG_IPV6 ? INET6_FAMILY : INET_FAMILY,
        .kind = PDTT_KIND_USER,
    };
}

static __always_inline void owner_account(const struct pdtt_owner *o, __u32 tag, struct pdtt_account *ret_account)
{
    struct payer payer = {.identity = o->identity, .unit = o->unit};

    *ret_account = account_of(&payer, o, tag);
    if (o->flags & PDTT_OWNER_KERNEL)
        ret_account->kind = PDTT_KIND_KERNEL;
}

/*
 * The owner's slot for packets of this tag, from the socket's cache if it is of this epoch. The cache is only replaced if
 * nobody did so meanwhile: a packet must not overwrite the slot of a new owner with that of the old one.
 */
static __always_inline __u32 owner_slot(const struct ledger *l, struct pdtt_owner *o, __u32 tag)
{
    __u64 ref = o->slot_ref, prefix = slot_ref_prefix(l->epoch, tag);
    struct pdtt_account account;
    __u32 slot;

    if ((ref & ~(__u64)SLOT_REF_SLOT) == prefix)
        return ref & SLOT_REF_SLOT;
    owner_account(o, tag, &account);
    slot = ledger_find_slot(l->epoch, &account);
    if (slot)
        atomic_replace(&o->slot_ref, ref, prefix | slot);
    return slot;
}

/* What was charged so far stays where it is. */
static __always_inline void owner_forget_since(struct pdtt_owner *o)
{
    o->settled_bytes[PDTT_RX] = o->bytes[PDTT_RX];
    o->settled_bytes[PDTT_TX] = o->bytes[PDTT_TX];
    o->settled_packets[PDTT_RX] = o->packets[PDTT_RX];
    o->settled_packets[PDTT_TX] = o->packets[PDTT_TX];
}

static __always_inline bool owner_has_since(const struct pdtt_owner *o)
{
    return o->bytes[PDTT_RX] != o->settled_bytes[PDTT_RX] || o->bytes[PDTT_TX] != o->settled_bytes[PDTT_TX];
}

/* What a socket has been charged in all. */
struct charged {
    __u64 bytes[PDTT_DIRECTIONS];
    __u64 packets[PDTT_DIRECTIONS];
};

static __always_inline struct charged owner_charged_so_far(const struct pdtt_owner *o)
{
    return (struct charged){
        .bytes = {o->bytes[PDTT_RX], o->bytes[PDTT_TX]},
        .packets = {o->packets[PDTT_RX], o->packets[PDTT_TX]},
    };
}

/* Two CPUs that do this at once move, together and signed, what one would. */
static __always_inline void owner_move_since(const struct ledger *l, struct pdtt_owner *o, __u32 from, __u32 to,
                                             __u32 direction, const struct charged *until)
{
    __u64 bytes = until->bytes[direction], packets = until->packets[direction];

    bytes -= atomic_swap(&o->settled_bytes[direction], bytes);
    packets -= atomic_swap(&o->settled_packets[direction], packets);
    if (bytes)
        ledger_move(l, from, to, direction, bytes, packets);
}

static __always_inline bool owner_is(const struct pdtt_owner *o, const struct payer *payer)
{
    return o->identity == payer->identity && o->unit == payer->unit && !(o->flags & PDTT_OWNER_KERNEL);
}

/*
 * Makes payer the owner. With settle, what was charged since the last call moves to it; without, that stays where it is.
 *
 * Packets are charged by other CPUs meanwhile, and these may find the same call to make up for. So what is to be moved is
 * read right after the slot was exchanged: a packet that was on its way with the old slot has arrived by then, and one that
 * found the new slot has not. And the identity is exchanged last: whoever sees that of payer takes what was charged so far for
 * payer's own, and forgets what is still to be moved. A slot that was looked up by the old identity in between is not kept,
 * because in the end the cache has none.
 */
static __noinline void owner_change(struct pdtt_owner *o, const struct payer *payer, bool settle)
{
    struct pdtt_account account;
    __u32 from, to, tag = o->tag;
    struct charged so_far;
    struct ledger l;

    if (!ledger_open(&l))
        return;
    owner_account(o, tag, &account);
    from = ledger_find_slot(l.epoch, &account);
    account = account_of(payer, o, tag);
    to = ledger_find_slot(l.epoch, &account);
    if (owner_is(o, payer)) /* another CPU has done it */
        return;
    WRITE_ONCE(o->slot_ref, slot_ref_prefix(l.epoch, tag) | to);
    so_far = owner_charged_so_far(o);
    if (!settle) {
        owner_forget_since(o);
    } else {
        if (owner_has_since(o))
            stat_bump(PDTT_STAT_TRANSFERS);
        owner_move_since(&l, o, from, to, PDTT_RX, &so_far);
        owner_move_since(&l, o, from, to, PDTT_TX, &so_far);
    }
    o->unit = payer->unit;
    o->flags &= ~PDTT_OWNER_KERNEL;
    WRITE_ONCE(o->identity, payer->identity);
    WRITE_ONCE(o->slot_ref, 0);
    flow_note_owner(o);
}

/* A system call by payer has moved data: whatever was charged since the one before belongs to it. */
static __always_inline void owner_used(struct pdtt_owner *o, const struct payer *payer)
{
    if (owner_is(o, payer))
        owner_forget_since(o);
    else
        owner_change(o, payer, true);
    if (!(o->flags & PDTT_OWNER_USED))
        o->flags |= PDTT_OWNER_USED;
    flow_note_process(o, payer->pid);
}

/* A system call by payer is about to move data: whatever was charged so far belongs to the one before. */
static __always_inline void owner_about_to_use(struct pdtt_owner *o, const struct payer *payer)
{
    if (!owner_is(o, payer))
        owner_change(o, payer, false);
    flow_note_process(o, payer->pid);
}

/* A change of class in mid-flight (unconnected sockets only) settles what was charged so far: a transfer is of one class. */
static __always_inline void owner_charged(struct pdtt_owner *o, __u32 tag, __u32 direction, __u64 bytes, __u64 packets)
{
    if (o->tag != tag) {
        owner_forget_since(o);
        o->tag = tag;
    }
    __sync_fetch_and_add(&o->bytes[direction], bytes);
    __sync_fetch_and_add(&o->packets[direction], packets);
}

/* What overflowed is nobody's, so it cannot be moved later either; the record of the connection has it. */
static __always_inline void owner_overflowed(struct pdtt_owner *o, __u32 direction, __u64 bytes, __u64 packets)
{
    __sync_fetch_and_add(&o->settled_bytes[direction], bytes);
    __sync_fetch_and_add(&o->settled_packets[direction], packets);
    __sync_fetch_and_add(&o->bytes[direction], bytes);
    __sync_fetch_and_add(&o->packets[direction], packets);
}
