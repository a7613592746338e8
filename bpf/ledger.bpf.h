/*
 * The ledger: which slot an account has in the active epoch, and adding to it. Writers are non-sleepable programs, so the
 * grace period inside the update of user_stats_map's slot is all that sealing an epoch takes.
 */
#pragma once

#include "atomics.bpf.h"
#include "maps.bpf.h"

#define EEXIST_ERROR    -17
#define ENOMEM_ERROR    -12
#define E2BIG_ERROR     -7
#define EBUSY_ERROR     -16

#define TAG_IPV6        0x800u
#define SLOT_REF_SLOT   0xffffffu
#define EPOCH_PARITY(e) ((__u32)(e)&1)

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

static __always_inline bool same_account(const struct pdtt_account *a, const struct pdtt_account *b)
{
    return a->uid == b->uid && a->gid == b->gid && a->unit == b->unit && a->class_id == b->class_id &&
           a->protocol == b->protocol && a->family == b->family && a->kind == b->kind;
}

static __always_inline struct pdtt_slot *ledger_slot(const struct pdtt_epoch *epoch, __u32 slot)
{
    __u32 index = EPOCH_PARITY(epoch->epoch) * ledger_slots + slot;

    return slot < ledger_slots ? bpf_map_lookup_elem(&accounts, &index) : NULL;
}

/* 0 unless the value is of this epoch and the slot bears the account's name: a swept entry's memory may be another's now. */
static __always_inline __u32 valid_slot(const struct pdtt_epoch *epoch, __u64 value, const struct pdtt_account *account)
{
    __u32 slot = value & PDTT_SLOT_MASK;
    struct pdtt_slot *entry;

    if (PDTT_SLOT_EPOCH(value) != epoch->epoch)
        return 0;
    entry = ledger_slot(epoch, slot);
    return entry && same_account(&entry->account, account) ? slot : 0;
}

/* A slot with the account's name on it; 0 when there is none left. */
static __always_inline __u32 take_slot(struct pdtt_epoch *epoch, const struct pdtt_account *account)
{
    struct pdtt_slot *entry = NULL;
    __u32 slot = 0;

    /* Read before adding: a full table must not run the counter round by adding for each packet. */
    if (epoch->next_slot < ledger_slots) {
        slot = atomic_next(&epoch->next_slot);
        entry = ledger_slot(epoch, slot);
    }
    if (!entry) {
        stat_bump(PDTT_STAT_SLOTS_FULL);
        return 0;
    }
    entry->account = *account;
    return slot;
}

/* Enters an account that the map does not have. If another CPU was faster its slot counts, and ours stays empty. */
static __always_inline __u32 enter_account(struct pdtt_epoch *epoch, struct pdtt_account *account, __u64 value)
{
    long error = slot_error ?: bpf_map_update_elem(&slots, account, &value, BPF_NOEXIST);
    __u64 *found;

    if (!error) {
        __sync_fetch_and_add(&epoch->new_keys, 1);
        return value & PDTT_SLOT_MASK;
    }
    if (error != EEXIST_ERROR)
        return count_slot_error(error);
    found = bpf_map_lookup_elem(&slots, account);
    return found && valid_slot(epoch, *found, account) ? *found & PDTT_SLOT_MASK : value & PDTT_SLOT_MASK;
}

/*
 * The account's slot in this epoch, taken if need be; 0, the overflow account, when there is none to be had. An account may
 * get two slots when CPUs race: whoever reads the ledger adds them up.
 */
static __noinline __u32 ledger_find_slot(struct pdtt_epoch *epoch, struct pdtt_account *account)
{
    __u64 *found = bpf_map_lookup_elem(&slots, account), stale = 0, value;
    __u32 slot;

    if (found) {
        stale = *found;
        slot = valid_slot(epoch, stale, account);
        if (slot)
            return slot;
    }
    slot = take_slot(epoch, account);
    if (!slot)
        return 0;
    value = epoch->epoch << PDTT_SLOT_BITS | slot;
    if (!found)
        return enter_account(epoch, account, value);
    atomic_replace(found, stale, value);
    return slot;
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

/* What connections without a record moved: PDTT_BEYOND_SUM, or how many began: PDTT_BEYOND_COUNT. */
static __always_inline struct pdtt_counters *ledger_beyond(const struct ledger *l, __u32 which)
{
    __u32 index = PDTT_BEYOND_ELEMENT(ledger_cpus, ledger_slots, bpf_get_smp_processor_id()) + which;

    return bpf_map_lookup_elem(l->inner, &index);
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
