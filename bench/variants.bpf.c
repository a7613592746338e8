/*
 * What the packet programs are measured against. "empty" is what the kernel takes for running any pair of programs.
 * "ip_accounting" counts packets and bytes of a cgroup in two elements of an array for each direction, as systemd does.
 * "hash" is the ledger that was not chosen: the same socket storage, classes and attribution, but an account's counters
 * are found in a per-CPU hash, keyed by account, instead of by a slot number that the socket remembers.
 */
#include "vmlinux_min.h"

#include "ledger.bpf.h"
#include "owner.bpf.h"
#include "packet.bpf.h"

char LICENSE[] SEC("license")
= "GPL";

struct hash_inner {
    __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
    __uint(max_entries, 16384);
    __type(key, struct pdtt_account);
    __type(value, struct pdtt_counters);
};
struct hash_inner hash_0 SEC(".maps"); /* BPF_F_NO_PREALLOC is set at load for the second kind of hash */

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 1);
    __type(key, __u32);
    __array(values, struct hash_inner);
} hash_stats_map SEC(".maps")
= {.values = {&hash_0}};

/* A hash has no element that could carry the epoch's settings, so they need a map of their own. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct pdtt_epoch);
} hash_epoch SEC(".maps");

SEC("cgroup_skb/ingress")
int empty_ingress(struct __sk_buff *skb)
{
    return 1;
}

SEC("cgroup_skb/egress")
int empty_egress(struct __sk_buff *skb)
{
    return 1;
}

struct ip_accounting {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 2); /* packets, bytes */
    __type(key, __u32);
    __type(value, __u64);
};
struct ip_accounting ip_accounting_rx SEC(".maps");
struct ip_accounting ip_accounting_tx SEC(".maps");

static __always_inline void ip_add(void *map, __u32 key, __u64 n)
{
    __u64 *count = bpf_map_lookup_elem(map, &key);

    if (count)
        __sync_fetch_and_add(count, n);
}

static __always_inline int ip_account(void *map, const struct __sk_buff *skb)
{
    ip_add(map, 0, 1);
    ip_add(map, 1, skb->len);
    return 1;
}

SEC("cgroup_skb/ingress")
int ip_accounting_ingress(struct __sk_buff *skb)
{
    return ip_account(&ip_accounting_rx, skb);
}

SEC("cgroup_skb/egress")
int ip_accounting_egress(struct __sk_buff *skb)
{
    return ip_account(&ip_accounting_tx, skb);
}

static __noinline struct pdtt_owner *hash_adopt(struct __sk_buff *skb, struct bpf_sock *sk)
{
    struct pdtt_owner owner = {
        .identity = IDENTITY(bpf_get_socket_uid(skb), PDTT_NO_ID),
        .protocol = sk->protocol,
        .flags = PDTT_OWNER_KERNEL,
    };

    return bpf_sk_storage_get(&sock_owner, sk, &owner, BPF_SK_STORAGE_GET_F_CREATE);
}

static __noinline struct pdtt_counters *hash_add_account(void *inner, struct pdtt_account *account)
{
    struct pdtt_counters none = {};

    if (bpf_map_update_elem(inner, account, &none, BPF_NOEXIST))
        stat_bump(PDTT_STAT_SLOT_OTHER);
    return bpf_map_lookup_elem(inner, account);
}

static __always_inline void hash_count(struct pdtt_account *account, __u32 direction, __u64 bytes, __u64 packets)
{
    struct pdtt_counters *c;
    __u32 zero = 0;
    void *inner = bpf_map_lookup_elem(&hash_stats_map, &zero);

    if (!inner)
        return;
    c = bpf_map_lookup_elem(inner, account);
    if (!c)
        c = hash_add_account(inner, account);
    if (!c)
        return;
    __sync_fetch_and_add(&c->bytes[direction], bytes);
    __sync_fetch_and_add(&c->packets[direction], packets);
}

/* Follows count_packet() of the real programs step by step, the ways apart that a flood does not take. */
static __always_inline int hash_packet(struct __sk_buff *skb, __u32 direction)
{
    __u32 segments = skb->gso_segs ? skb->gso_segs : 1, zero = 0, tag;
    __u64 bytes = packet_wire_bytes(skb, segments);
    struct pdtt_epoch *epoch = bpf_map_lookup_elem(&hash_epoch, &zero);
    struct bpf_sock *sk = skb->sk;
    struct pdtt_account account;
    struct pdtt_owner *o;

    if (sk)
        sk = bpf_sk_fullsock(sk);
    if (!epoch || !sk)
        return 1;
    o = bpf_sk_storage_get(&sock_owner, sk, 0, 0);
    if (!o)
        o = hash_adopt(skb, sk);
    if (!o || sk->state == TCP_LISTEN_STATE)
        return 1;
    tag = packet_tag(skb, epoch, direction);
    owner_account(o, tag, &account);
    owner_charged(o, tag, direction, bytes, segments);
    hash_count(&account, direction, bytes, segments);
    return 1;
}

SEC("cgroup_skb/ingress")
int hash_ingress(struct __sk_buff *skb)
{
    return hash_packet(skb, PDTT_RX);
}

SEC("cgroup_skb/egress")
int hash_egress(struct __sk_buff *skb)
{
    return hash_packet(skb, PDTT_TX);
}
