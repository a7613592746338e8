/*
 * The atomic operations that return what was there before. Kernels before 5.12 have only the one that adds, so the same
 * source is compiled twice: as it is, and with PDTT_NO_FETCH, where a spin lock around a plain read and write takes
 * their place. All of them are off the path of the common packet: one per account and epoch, one per socket and epoch, one
 * per change of owner. One lock for all is therefore enough; it is held for a few instructions and keeps interrupts out.
 */
#pragma once

#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>
#include <stdbool.h>

/* One store, which the compiler leaves where it stands among the others of its kind. */
#define WRITE_ONCE(at, value) (*(volatile typeof(at) *)&(at) = (value))

#ifdef PDTT_NO_FETCH

/* A map of its own: neither what user space maps nor what is the inner map of another may hold a lock. */
struct guard {
    struct bpf_spin_lock lock;
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct guard);
} guard SEC(".maps");

static __always_inline struct guard *find_guard(void)
{
    __u32 zero = 0;

    return bpf_map_lookup_elem(&guard, &zero);
}

/* Adds one and returns what was there before. */
static __always_inline __u32 atomic_next(__u32 *at)
{
    struct guard *g = find_guard();
    __u32 before = -1;

    if (!g)
        return before; /* no such number: the caller treats it as none left */
    bpf_spin_lock(&g->lock);
    before = *at;
    *at = before + 1;
    bpf_spin_unlock(&g->lock);
    return before;
}

/* Puts value there unless somebody changed before meanwhile. */
static __always_inline void atomic_replace(__u64 *at, __u64 before, __u64 value)
{
    struct guard *g = find_guard();

    if (!g)
        return;
    bpf_spin_lock(&g->lock);
    if (*at == before)
        *at = value;
    bpf_spin_unlock(&g->lock);
}

/*
 * Puts value there and returns what was there before. Those who add do not take the lock: what they add in between stays,
 * because the difference is added, atomically, instead of the value being written.
 */
static __always_inline __u64 atomic_swap(__u64 *at, __u64 value)
{
    struct guard *g = find_guard();
    __u64 before = value;

    if (!g)
        return before;
    bpf_spin_lock(&g->lock);
    before = *at;
    __sync_fetch_and_add(at, value - before);
    bpf_spin_unlock(&g->lock);
    return before;
}

/* Sets bits that are set in no other way, and returns what was there before. Others may add other bits meanwhile. */
static __always_inline __u32 atomic_or(__u32 *at, __u32 bits)
{
    struct guard *g = find_guard();
    __u32 before = bits;

    if (!g)
        return before;
    bpf_spin_lock(&g->lock);
    before = *at;
    __sync_fetch_and_add(at, bits & ~before);
    bpf_spin_unlock(&g->lock);
    return before;
}

/* Puts value where 0 was; false: something else was there. */
static __always_inline bool atomic_claim(__u32 *at, __u32 value)
{
    struct guard *g = find_guard();
    bool claimed = false;

    if (!g)
        return claimed;
    bpf_spin_lock(&g->lock);
    if (*at == 0) {
        *at = value;
        claimed = true;
    }
    bpf_spin_unlock(&g->lock);
    return claimed;
}

#else

static __always_inline __u32 atomic_next(__u32 *at)
{
    return __sync_fetch_and_add(at, 1);
}

static __always_inline void atomic_replace(__u64 *at, __u64 before, __u64 value)
{
    __sync_val_compare_and_swap(at, before, value);
}

static __always_inline __u64 atomic_swap(__u64 *at, __u64 value)
{
    return __sync_lock_test_and_set(at, value);
}

static __always_inline __u32 atomic_or(__u32 *at, __u32 bits)
{
    return __sync_fetch_and_or(at, bits);
}

static __always_inline bool atomic_claim(__u32 *at, __u32 value)
{
    return __sync_val_compare_and_swap(at, 0, value) == 0;
}

#endif
