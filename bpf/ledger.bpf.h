/*
 * The ledger: which slot an account has in the active epoch, and adding to it. Writers are non-sleepable programs, so the
 * grace period inside the update of user_stats_map's slot is all that sealing an epoch takes.
 */
#pragma once

#include "maps.bpf.h"

#define EEXIST_ERROR -17
#define ENOMEM_ERROR -12
#define E2BIG_ERROR  -7
#define EBUSY_ERROR  -16

#define TAG_IPV6       0x800u
#define SLOT_REF_SLOT  0xffffffu
#define EPOCH_PARITY(e) ((__u32)(e) & 1)

struct ledger {
    void *inner; /* the active inner map */
    struct pdtt_epoch *epoch;
};

/* False, and counted, when there is no active epoch; that cannot happen once pdttd has loaded the programs. */
static __always_inline bool ledger_open(struct ledger *l)
{
    __u32 zero = 0;

    l->inner = bpf_map_lookup_elem(&user_stats_map, &zero);
    if (l->inner) {
        l->epoch = bpf_map_lookup_elem(l->inner, &zero);
        if (l->epoch)
            return true;
    }
    stat_bump(PDTT_STAT_LEDGER_MISSING);
    return false;
}

static __always_inline struct pdtt_counters *ledger_counters(const struct ledger *l, __u32 slot)
{
    __u32 index = 1 + bpf_get_smp_processor_id() * ledger_slots + slot;
    struct pdtt_counters *c = bpf_map_lookup_elem(l->inner, &index);

    if (!c)
        stat_bump(PDTT_STAT_LEDGER_MISSING);
    return c;
}

static __always_inline __u64 slot_ref_prefix(const struct pdtt_epoch *epoch, __u32 tag)
{
    return epoch->epoch << 36 | (__u64)tag << 24;
}

static __always_inline __u32 count_slot_error(long error)
{
    stat_bump(error == E2BIG_ERROR    ? PDTT_STAT_SLOT_E2BIG
              : error == ENOMEM_ERROR ? PDTT_STAT_SLOT_ENOMEM
              : error == EBUSY_ERROR  ? PDTT_STAT_SLOT_EBUSY
                                      : PDTT_STAT_SLOT_OTHER);
    return 0;
}

/*
 * The account's slot in this epoch, made if need be; 0, the overflow account, when there is none to be had. Two CPUs that
 * race for a new account waste the loser's slot, which then holds zeros.
 */
static __noinline __u32 ledger_find_slot(struct pdtt_epoch *epoch, struct pdtt_account *account)
{
    __u32 parity = EPOCH_PARITY(epoch->epoch), slot, index, *found;
    struct pdtt_slot *entry;
    long error;

    account->epoch_parity = parity;
    found = bpf_map_lookup_elem(&slots, account);
    if (found)
        return *found;
    /* Read before adding: a full table must not run the counter round by adding for each packet. */
    if (epoch->next_slot >= ledger_slots) {
        stat_bump(PDTT_STAT_SLOTS_FULL);
        return 0;
    }
    slot = __sync_fetch_and_add(&epoch->next_slot, 1);
    index = parity * ledger_slots + slot;
    entry = slot < ledger_slots ? bpf_map_lookup_elem(&accounts, &index) : NULL;
    if (!entry) {
        stat_bump(PDTT_STAT_SLOTS_FULL);
        return 0;
    }
    entry->account = *account;
    error = bpf_map_update_elem(&slots, account, &slot, BPF_NOEXIST);
    if (!error)
        return slot;
    found = error == EEXIST_ERROR ? bpf_map_lookup_elem(&slots, account) : NULL;
    return found ? *found : count_slot_error(error);
}

static __always_inline void ledger_add_packets(const struct ledger *l, __u32 slot, __u32 direction, __u64 bytes,
                                               __u64 packets)
{
    struct pdtt_counters *c = ledger_counters(l, slot);

    if (!c)
        return;
    __sync_fetch_and_add(&c->bytes[direction], bytes);
    __sync_fetch_and_add(&c->packets[direction], packets);
}

static __always_inline void ledger_add_payload(const struct ledger *l, __u32 slot, __u32 direction, __u64 bytes)
{
    struct pdtt_counters *c = ledger_counters(l, slot);

    if (c)
        __sync_fetch_and_add(&c->payload[direction], bytes);
}

/* Moves bytes from one account to another. Both entries are at hand before either changes: the sum over all stays zero. */
static __always_inline void ledger_move(const struct ledger *l, __u32 from, __u32 to, __u32 direction, __u64 bytes,
                                        __u64 packets)
{
    __u32 base = EPOCH_PARITY(l->epoch->epoch) * ledger_slots;
    struct pdtt_slot *giver, *taker;

    from += base;
    to += base;
    giver = bpf_map_lookup_elem(&accounts, &from);
    taker = bpf_map_lookup_elem(&accounts, &to);
    if (!giver || !taker)
        return;
    __sync_fetch_and_add(&giver->moved_bytes[direction], -bytes);
    __sync_fetch_and_add(&giver->moved_packets[direction], -packets);
    __sync_fetch_and_add(&taker->moved_bytes[direction], bytes);
    __sync_fetch_and_add(&taker->moved_packets[direction], packets);
}
