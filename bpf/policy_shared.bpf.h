/*
 * What of policies the programs of the cgroup and those of the interfaces share: the maps that both use, and when a policy may
 * tell of a packet that it dropped.
 */
#pragma once

#include "maps.bpf.h"
#include "pdtt_policy.h"

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 2);
    __type(key, __u32);
    __type(value, struct pdtt_policy_head);
} policy_sets SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 1); /* set at load, as are all below */
    __type(key, struct pdtt_policy_network);
    __type(value, __u32);
} policy_networks SEC(".maps");

/* The rules of both sets, by bit. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct pdtt_policy);
} policy_map SEC(".maps");

/* struct pdtt_policy_bucket with its lock. */
struct policy_bucket {
    struct bpf_spin_lock lock;
    __u32 padding;
    __u64 time_ns;
    __u64 told_ns;
    __u64 window_ns, used_ns;
    __u64 share, fastest, fastest_before;
    char name[PDTT_POLICY_NAME];
};
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct policy_bucket);
} policy_buckets SEC(".maps");
_Static_assert(sizeof(struct policy_bucket) == sizeof(struct pdtt_policy_bucket), "what user space sees");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct pdtt_policy_stats);
} stats_map SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096); /* set at load */
} ring_buffer SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct pdtt_policy_telling);
} policy_telling SEC(".maps");

/* The set in force, and which, by the flags that a packet's own programs read: both change in one step. NULL: none is. */
static __always_inline const struct pdtt_policy_head *policy_in_force(__u32 *ret_set)
{
    __u32 zero = 0;
    void *inner = bpf_map_lookup_elem(&user_stats_map, &zero);
    const struct pdtt_epoch *epoch = inner ? bpf_map_lookup_elem(inner, &zero) : NULL;
    __u32 flags = epoch ? *(const volatile __u32 *)&epoch->flags : 0;

    if (!(flags & PDTT_EPOCH_POLICIES))
        return NULL;
    *ret_set = (flags & PDTT_EPOCH_POLICY_SET) != 0;
    return bpf_map_lookup_elem(&policy_sets, ret_set);
}

/* Virtual time, as in policy_limit(). The look before the lock keeps a flood from waiting for it on all CPUs. */
static __always_inline bool policy_may_tell(struct policy_bucket *bucket, const struct pdtt_policy_telling *how)
{
    __u64 gap_ns = how->gap_ns, now = bpf_ktime_get_ns(), latest = now + how->burst_ns - gap_ns;
    bool may = false;

    if (*(volatile __u64 *)&bucket->told_ns > latest)
        return false;
    bpf_spin_lock(&bucket->lock);
    if (bucket->told_ns < now)
        bucket->told_ns = now;
    if (bucket->told_ns <= latest) {
        bucket->told_ns += gap_ns;
        may = true;
    }
    bpf_spin_unlock(&bucket->lock);
    return may;
}

enum policy_heard { POLICY_TOLD, POLICY_HELD, POLICY_UNHEARD };

static __always_inline void policy_count_event(__u32 id, __u32 packets, enum policy_heard heard)
{
    struct pdtt_policy_stats *s = bpf_map_lookup_elem(&stats_map, &id);

    if (!s)
        return;
    if (heard == POLICY_TOLD)
        __sync_fetch_and_add(&s->packets_told, packets);
    else if (heard == POLICY_HELD)
        __sync_fetch_and_add(&s->packets_held, packets);
    else
        __sync_fetch_and_add(&s->packets_unheard, packets);
}

/* Of the policy and of all together. */
static __noinline int policy_count_events(__u32 id, __u32 packets, __u32 heard)
{
    policy_count_event(id, packets, heard);
    policy_count_event(0, packets, heard);
    return 0;
}
