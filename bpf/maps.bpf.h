/* Every map of the kernel side. Sizes marked "set at load" come from the configuration. */
#pragma once

#include "pdtt_abi.h"
#include "vmlinux_min.h"
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

/* Set before load, constant afterwards: the verifier folds them away. */
const volatile __u32 ledger_slots = 2;
const volatile __u32 ledger_cpus = 1;
const volatile __u8 truth_enabled = 0;
const volatile __u32 connections_limit = 0; /* 0: no records of connections */
const volatile __s32 slot_error = 0; /* tests: what entering an account into the slots map gives; 0: what it gives */

struct {
    __uint(type, BPF_MAP_TYPE_SK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
    __type(key, int);
    __type(value, struct pdtt_owner);
} sock_owner SEC(".maps");

struct ledger_inner {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 2); /* set at load: PDTT_LEDGER_ELEMENTS() */
    __type(key, __u32);
    __type(value, struct pdtt_counters);
};
struct ledger_inner ledger_0 SEC(".maps");
struct ledger_inner ledger_1 SEC(".maps");

/* The name users know. Its one slot selects the active epoch: swapping it is how an epoch is sealed. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 1);
    __type(key, __u32);
    __array(values, struct ledger_inner);
} user_stats_map SEC(".maps")
= {.values = {&ledger_0}};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 2); /* set at load: 2 * slots */
    __type(key, __u32);
    __type(value, struct pdtt_slot);
} accounts SEC(".maps");

/*
 * Grows with the accounts in use; an entry is looked up once per socket and epoch, then cached in the socket. Entries stay
 * when an epoch is cleared: pdttd sweeps stale ones out before they can fill the map.
 */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 2); /* set at load: 2 * slots */
    __type(key, struct pdtt_account);
    __type(value, __u64);
} slots SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 65536);
    __type(key, struct pdtt_class_v4);
    __type(value, __u32);
} classes_v4 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 65536);
    __type(key, struct pdtt_class_v6);
    __type(value, __u32);
} classes_v6 SEC(".maps");

/* cgroup id -> unit, for the cgroups that a project rule names; pdttd keeps it in step with the cgroup tree. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 16384);
    __type(key, __u64);
    __type(value, __u32);
} units SEC(".maps");

/* Records of connections that have ended, and of what a datagram socket has with others than its first remote. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 1); /* set at load */
    __type(key, struct pdtt_flow_key);
    __type(value, struct pdtt_connection);
} conn_stats_map SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct pdtt_room);
} conn_room SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, PDTT_STATS);
    __type(key, __u32);
    __type(value, __u64);
} stats SEC(".maps");

/* Test only: every packet, never swapped, never transferred. The ledger must add up to it. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct pdtt_counters);
} truth SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct pdtt_layout);
} layout SEC(".maps");

static __always_inline void stat_bump(__u32 stat)
{
    __u64 *count = bpf_map_lookup_elem(&stats, &stat);

    if (count)
        __sync_fetch_and_add(count, 1);
}
