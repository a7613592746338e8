/*
 * Policies: what is done with a packet before anything is accounted, so that what is dropped is not billed. The flags of the
 * epoch name the rule set, and are read once for each packet: it sees one set as a whole. Whatever cannot be read or looked up
 * lets the packet through, and is counted.
 */
#pragma once

#include "charge.bpf.h"
#include "policy_shared.bpf.h"

const volatile __u32 policies_limit =
    0; /* policies that may be in force, a multiple of 64; 0: none, and no code for them */

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1); /* set at load, as are all below */
    __type(key, __u32);
    __type(value, struct pdtt_policy_row);
} policy_rows SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct pdtt_policy_vector);
} policy_vectors SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
} policy_words SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct pdtt_policy_ports);
} policy_ports SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 1);
    __type(key, struct pdtt_policy_value);
    __type(value, __u32);
} policy_values SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_SK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct pdtt_policy_decision);
} policy_decision SEC(".maps");

#include "pacing.bpf.h"

static __always_inline const struct pdtt_policy_vector *policy_vector_at(__u32 id)
{
    return bpf_map_lookup_elem(&policy_vectors, &id);
}

static __always_inline const __u64 *policy_word_at(__u32 index)
{
    return bpf_map_lookup_elem(&policy_words, &index);
}

static __always_inline const struct pdtt_policy_row *policy_row_at(__u32 index)
{
    return bpf_map_lookup_elem(&policy_rows, &index);
}

#include "policy_search.h"

/* What cgroup_skb programs may return; at ingress, and where the sender is to get EPERM, the first two. */
#define VERDICT_DROP         0
#define VERDICT_PASS         1
#define VERDICT_DROP_QUIETLY 2 /* NET_XMIT_DROP: as if a queue were full */
#define VERDICT_PASS_MARKED  3 /* NET_XMIT_CN: TCP slows down as for an ECN mark */

/* A packet that is judged, and what is known of who sent it or gets it. */
struct policy_packet {
    __u64 identity;
    __u64 digest; /* of what the search depends on, where its result is to be remembered; else 0 */
    __u32 bytes, packets;
    __u32 unit, tag;
    __u8 direction, set, protocol;
    bool by_process; /* else it has no project */
    bool searched;
};

/* What policy_search_anew() is told in one number. */
#define HOW_TX         1u /* enum pdtt_direction */
#define HOW_BY_PROCESS 2u
#define HOW_SET_1      PDTT_EPOCH_POLICY_SET /* as the flags have it */

/* ---- counting ---- */

static __always_inline bool verdict_drops(__u32 verdict)
{
    return verdict == VERDICT_DROP || verdict == VERDICT_DROP_QUIETLY;
}

static __noinline int policy_count(__u32 id, const struct policy_packet *p, __u32 verdict)
{
    struct pdtt_policy_stats *s = bpf_map_lookup_elem(&stats_map, &id);

    if (!s)
        return 0;
    __sync_fetch_and_add(&s->packets_total, p->packets);
    __sync_fetch_and_add(&s->bytes_total, p->bytes);
    if (p->searched)
        __sync_fetch_and_add(&s->policy_lookups, 1);
    if (verdict_drops(verdict)) {
        __sync_fetch_and_add(&s->packets_blocked, p->packets);
        __sync_fetch_and_add(&s->bytes_blocked, p->bytes);
        return 0;
    }
    __sync_fetch_and_add(&s->packets_allowed, p->packets);
    if (verdict == VERDICT_PASS_MARKED)
        __sync_fetch_and_add(&s->packets_marked, p->packets);
    return 0;
}

static __always_inline void policy_unreadable(void)
{
    __u32 all = 0;
    struct pdtt_policy_stats *s = bpf_map_lookup_elem(&stats_map, &all);

    if (s)
        __sync_fetch_and_add(&s->parse_errors, 1);
}

/* ---- the vectors of a packet's parts ---- */

static __always_inline __u32 policy_value(const struct policy_packet *p, __u32 part, __u32 value, __u32 none)
{
    struct pdtt_policy_value key = {.which = PDTT_POLICY_VALUE(p->set, part), .value = value};
    __u32 *vector = bpf_map_lookup_elem(&policy_values, &key);

    return vector ? *vector : none;
}

/* Unit, user, group: the first that belongs to a project decides, also for one that no rule names. */
static __always_inline __u32 policy_project(const struct policy_packet *p, __u32 none)
{
    struct pdtt_policy_value key = {.which = PDTT_POLICY_VALUE(p->set, PDTT_POLICY_UNIT_PROJECT), .value = p->unit};
    __u32 *vector;

    if (!p->by_process)
        return none;
    vector = p->unit ? bpf_map_lookup_elem(&policy_values, &key) : NULL;
    if (!vector) {
        key = (struct pdtt_policy_value){PDTT_POLICY_VALUE(p->set, PDTT_POLICY_UID_PROJECT), (__u32)p->identity};
        vector = bpf_map_lookup_elem(&policy_values, &key);
    }
    if (!vector) {
        key = (struct pdtt_policy_value){PDTT_POLICY_VALUE(p->set, PDTT_POLICY_GID_PROJECT), p->identity >> 32};
        vector = bpf_map_lookup_elem(&policy_values, &key);
    }
    return vector ? *vector : none;
}

static __noinline int policy_network(struct __sk_buff *skb, __u32 which, __u32 offset)
{
    bool ipv6 = which & 1;
    struct pdtt_policy_network key = {.prefix_len = 32 + (ipv6 ? 128 : 32), .which = which};
    __u32 *vector;
    long error;

    if (ipv6)
        error = bpf_skb_load_bytes(skb, offset, key.address, 16);
    else
        error = bpf_skb_load_bytes(skb, offset, key.address, 4);
    if (error)
        return -1;
    vector = bpf_map_lookup_elem(&policy_networks, &key);
    return vector ? (int)(*vector & 0x7fffffff) : 0;
}

static __always_inline __u32 policy_port(const struct policy_packet *p, const struct pdtt_policy_head *head, __u32 part,
                                         __u32 port, __u32 none)
{
    __u32 index = PDTT_POLICY_PORTS_AT(p->set, part) + (port >> 2);
    const struct pdtt_policy_ports *ports = bpf_map_lookup_elem(&policy_ports, &index);
    __u32 vector = ports ? ports->vector[port & 3] : 0;

    return vector ? head->first_vector + vector : none;
}

#define IPV4_FRAGMENT_OFFSET 0x1fff

static __always_inline bool protocol_has_ports(__u8 protocol)
{
    return protocol == PROTOCOL_TCP || protocol == 17 || protocol == 33 || protocol == PROTOCOL_SCTP || protocol == 136;
}

/* The transport protocol and where its header begins, 0: nowhere (a later fragment). -1: unreadable. */
static __noinline int policy_transport(struct __sk_buff *skb, __u8 *ret_protocol)
{
    __u8 version = 0, protocol = 0;
    __u16 fragment = 0;

    if (packet_is_ipv6(skb))
        return ipv6_header_size(skb, ret_protocol) & 0xffff;
    if (bpf_skb_load_bytes(skb, 0, &version, 1) || bpf_skb_load_bytes(skb, 9, &protocol, 1) ||
        bpf_skb_load_bytes(skb, 6, &fragment, 2))
        return -1;
    *ret_protocol = protocol;
    return fragment & bpf_htons(IPV4_FRAGMENT_OFFSET) ? 0 : (version & 15) * 4;
}

#define NAMED(head, part) ((head)->parts & 1u << (part))

/* False: the packet cannot be read. */
static __always_inline bool policy_addresses(struct __sk_buff *skb, const struct pdtt_policy_head *head,
                                             const struct policy_packet *p, __u32 *ids)
{
    bool ipv6 = packet_is_ipv6(skb), rx = p->direction == PDTT_RX;
    __u32 source = ipv6 ? 8 : IPV4_SOURCE, destination = ipv6 ? 24 : IPV4_DESTINATION;
    int vector;

    if (NAMED(head, PDTT_POLICY_REMOTE)) {
        vector = policy_network(skb, PDTT_POLICY_NETWORK(p->set, PDTT_POLICY_REMOTE, ipv6), rx ? source : destination);
        if (vector < 0)
            return false;
        ids[PDTT_POLICY_REMOTE] = vector;
    }
    if (NAMED(head, PDTT_POLICY_LOCAL)) {
        vector = policy_network(skb, PDTT_POLICY_NETWORK(p->set, PDTT_POLICY_LOCAL, ipv6), rx ? destination : source);
        if (vector < 0)
            return false;
        ids[PDTT_POLICY_LOCAL] = vector;
    }
    return true;
}

static __always_inline bool policy_ports_of(struct __sk_buff *skb, const struct pdtt_policy_head *head,
                                            const struct policy_packet *p, int offset, __u32 *ids)
{
    __u32 none = head->zero;
    __u16 ports[2];

    if (offset <= 0 || !protocol_has_ports(p->protocol) ||
        !(NAMED(head, PDTT_POLICY_REMOTE_PORT) || NAMED(head, PDTT_POLICY_LOCAL_PORT)))
        return true;
    if (bpf_skb_load_bytes(skb, offset, ports, sizeof(ports)))
        return false;
    ids[PDTT_POLICY_REMOTE_PORT] =
        policy_port(p, head, PDTT_POLICY_REMOTE_PORT, bpf_ntohs(ports[p->direction == PDTT_TX]), none);
    ids[PDTT_POLICY_LOCAL_PORT] =
        policy_port(p, head, PDTT_POLICY_LOCAL_PORT, bpf_ntohs(ports[p->direction == PDTT_RX]), none);
    return true;
}

static __always_inline void policy_who(const struct pdtt_policy_head *head, const struct policy_packet *p, __u32 *ids)
{
    __u32 none = head->zero;

    ids[PDTT_POLICY_DIRECTION] = head->direction[p->direction & 1];
    if (NAMED(head, PDTT_POLICY_PROTOCOL))
        ids[PDTT_POLICY_PROTOCOL] = policy_value(p, PDTT_POLICY_PROTOCOL, p->protocol, none);
    if (NAMED(head, PDTT_POLICY_CLASS))
        ids[PDTT_POLICY_CLASS] = policy_value(p, PDTT_POLICY_CLASS, p->tag & PDTT_CLASS_MAX, none);
    if (NAMED(head, PDTT_POLICY_UID))
        ids[PDTT_POLICY_UID] = policy_value(p, PDTT_POLICY_UID, (__u32)p->identity, none);
    if (NAMED(head, PDTT_POLICY_GID))
        ids[PDTT_POLICY_GID] = policy_value(p, PDTT_POLICY_GID, p->identity >> 32, none);
    if (NAMED(head, PDTT_POLICY_UNIT) && p->unit)
        ids[PDTT_POLICY_UNIT] = policy_value(p, PDTT_POLICY_UNIT, p->unit, none);
    if (NAMED(head, PDTT_POLICY_PROJECT))
        ids[PDTT_POLICY_PROJECT] = policy_project(p, none);
}

static __noinline int policy_vectors_of(struct __sk_buff *skb, const struct pdtt_policy_head *head,
                                        struct policy_packet *p, __u32 *ids)
{
    __u32 none = head->zero;
    int offset;

    for (int part = 0; part < PDTT_POLICY_PARTS; part++)
        ids[part] = none;
    offset = policy_transport(skb, &p->protocol);
    if (offset < 0 || !policy_addresses(skb, head, p, ids) || !policy_ports_of(skb, head, p, offset, ids))
        return -1;
    policy_who(head, p, ids);
    return 0;
}

/* ---- what lapses ---- */

/* Of a rule that may: nobody has renewed what it depends on. Numbers alone, and by itself for the verifier, as the search. */
__noinline int policy_has_lapsed(__u32 rule, __u32 set)
{
    const struct pdtt_policy *policy = bpf_map_lookup_elem(&policy_map, &rule);
    const struct pdtt_policy_head *head = bpf_map_lookup_elem(&policy_sets, &set);
    __u64 renewed_ns;

    if (!policy || !head)
        return 0;
    renewed_ns = *(const volatile __u64 *)&head->renewed_ns[policy->lapses & (PDTT_POLICY_RENEWED - 1)];
    return (__s64)(bpf_ktime_get_ns() - renewed_ns) > (__s64)policy->lapse_ns;
}

/* The rule without the word that it may lapse. */
static __always_inline __u32 policy_rule_of(__u32 found)
{
    return found == PDTT_POLICY_NONE ? found : found & (PDTT_POLICY_LAPSES - 1);
}

/* One that was remembered. */
static __always_inline bool policy_is_over(__u32 found, __u32 set)
{
    return found & PDTT_POLICY_LAPSES && found != PDTT_POLICY_NONE && policy_has_lapsed(policy_rule_of(found), set);
}

/* ---- the search ---- */

/*
 * The rule that decides with PDTT_POLICY_LAPSES where it may lapse, PDTT_POLICY_NONE: none does. Those that observe are counted on
 * the way, and then POLICY_OBSERVED is set: it is not to be remembered. Neither is what was found behind one that has lapsed.
 * Below 0: the packet cannot be read.
 */
#define POLICY_OBSERVED 0x10000u

static __always_inline int policy_search_packet(const struct pdtt_policy_head *head, const struct policy_packet *p,
                                                const __u32 *ids, bool loopback)
{
    struct policy_search s = {.head = head};
    __u32 observed = head->zero & POLICY_OBSERVED, rule = head->zero;
    __u64 best = POLICY_BEST_NONE ^ head->zero;

    s.loopback = (loopback ? POLICY_ON_LOOPBACK : 0) | (__u32)head->zero;
    if (!policy_search_begin(&s, ids))
        return -1;
    for (__u32 i = 0; i < POLICY_TURNS(policies_limit); i++) {
        enum policy_turn turn = policy_search_turn(&s, &rule);
        const struct pdtt_policy *policy;

        if (turn == POLICY_AT_END)
            return (best & 0xffff) | observed;
        if (turn == POLICY_GO_ON)
            continue;
        policy = bpf_map_lookup_elem(&policy_map, &rule);
        if (!policy)
            return -1;
        if (policy->lapses && policy_has_lapsed(rule, p->set)) {
            observed = ~head->zero & POLICY_OBSERVED;
            continue;
        }
        if (policy->action != PDTT_POLICY_OBSERVE) {
            best = policy_better(&s, best, policy->rank, rule | (policy->lapses & PDTT_POLICY_LAPSES));
            policy_search_leave_word(&s);
            continue;
        }
        if (!policy_sees(best, policy->rank))
            continue;
        policy_count(policy->id, p, VERDICT_PASS);
        observed = ~head->zero & POLICY_OBSERVED;
    }
    return -1;
}

/* ---- what is done ---- */

/* A token bucket in virtual time: what is let through moves its clock on by what it takes at the rate. */
static __always_inline __u32 policy_limit(const struct pdtt_policy *policy, const struct policy_packet *p)
{
    __u64 burst_ns = policy->burst_ns, cost = p->bytes * NSEC_PER_SEC / (policy->rate ?: 1), now = bpf_ktime_get_ns();
    __u64 marking_ns = p->direction == PDTT_TX && p->protocol == PROTOCOL_TCP ? policy->marking_ns : 0;
    __u32 id = policy->id, verdict = p->direction == PDTT_TX ? VERDICT_DROP_QUIETLY : VERDICT_DROP;
    struct policy_bucket *bucket = bpf_map_lookup_elem(&policy_buckets, &id);
    __s64 ahead;

    if (!bucket)
        return VERDICT_PASS;
    bpf_spin_lock(&bucket->lock);
    ahead = bucket->time_ns - now;
    if (ahead < -(__s64)burst_ns)
        ahead = -(__s64)burst_ns;
    if (ahead <= 0)
        verdict = VERDICT_PASS;
    else if (ahead <= (__s64)marking_ns)
        verdict = VERDICT_PASS_MARKED;
    if (!verdict_drops(verdict)) {
        bucket->time_ns = now + ahead + cost;
        bucket->used_ns += cost;
    }
    pace_adjust(bucket, policy, ahead, now);
    bpf_spin_unlock(&bucket->lock);
    return verdict;
}

static __noinline int policy_act(__u32 rule, const struct policy_packet *p)
{
    const struct pdtt_policy *policy = rule == PDTT_POLICY_NONE ? NULL : bpf_map_lookup_elem(&policy_map, &rule);
    __u32 verdict = VERDICT_PASS;

    if (policy) {
        if (policy->action == PDTT_POLICY_BLOCK)
            verdict = VERDICT_DROP;
        else if (policy->action == PDTT_POLICY_LIMIT)
            verdict = policy_limit(policy, p);
        policy_count(policy->id, p, verdict);
    }
    policy_count(0, p, verdict);
    return verdict;
}

/*
 * Not static: the verifier then goes through it once by itself, whatever it is called with, instead of anew for each state of
 * its callers. On Linux 5.10 such a function takes numbers alone.
 */
__noinline int policy_search_anew(struct __sk_buff *skb, __u32 how, __u64 identity, __u64 unit_and_tag,
                                  __u64 bytes_and_packets)
{
    struct policy_packet p = {
        .direction = how & HOW_TX,
        .set = (how & HOW_SET_1) != 0,
        .bytes = bytes_and_packets >> 32,
        .packets = (__u32)bytes_and_packets,
        .identity = identity,
        .unit = unit_and_tag >> 32,
        .tag = (__u32)unit_and_tag,
        .by_process = (how & HOW_BY_PROCESS) != 0,
        .searched = true,
    };
    __u32 set = p.set;
    const struct pdtt_policy_head *head = bpf_map_lookup_elem(&policy_sets, &set);
    __u32 ids[PDTT_POLICY_PARTS];

    if (!policies_limit || !head) /* the verifier comes here also where nothing calls it */
        return -1;
    if (policy_vectors_of(skb, head, &p, ids) < 0)
        return -1;
    return policy_search_packet(head, &p, ids, skb->ifindex == LOOPBACK_IFINDEX);
}

/* ---- what a socket remembers ---- */

/* Of all that the search depends on and that can change while a TCP connection lives. */
static __always_inline __u64 policy_digest(const struct pdtt_policy_head *head, const struct policy_packet *p)
{
    __u64 digest = p->identity * 0x9e3779b97f4a7c15ULL;

    digest = (digest ^ (digest >> 32) ^ head->generation) * 0xbf58476d1ce4e5b9ULL;
    digest = (digest ^ (digest >> 29) ^ ((__u64)p->unit << 32 | p->tag << 2 | p->by_process << 1 | p->set)) *
             0x94d049bb133111ebULL;
    return (digest | 0x10000) & ~0xffffULL; /* never 0 */
}

static __always_inline void policy_forget(struct bpf_sock *sk)
{
    struct pdtt_policy_decision *d = policies_limit ? bpf_sk_storage_get(&policy_decision, sk, 0, 0) : NULL;

    if (d)
        d->decided[PDTT_RX] = d->decided[PDTT_TX] = 0;
}

/* That of a TCP connection, whose addresses and ports stay what they are. NULL: this is none. */
static __always_inline struct pdtt_policy_decision *policy_memory(struct bpf_sock *sk, const struct pdtt_owner *o)
{
    if (!sk || !o || o->protocol != PROTOCOL_TCP || sk->state == TCP_LISTEN_STATE)
        return NULL;
    return bpf_sk_storage_get(&policy_decision, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
}

#include "policy_events.bpf.h"

/* ---- the whole of it ---- */

/* What the ledger would charge the packet to. */
static __always_inline void policy_sender(struct __sk_buff *skb, const struct ledger *l, struct bpf_sock *sk,
                                          struct pdtt_owner *o, struct policy_packet *p)
{
    if (!o) {
        p->identity = IDENTITY(sk && bpf_sk_fullsock(sk) ? bpf_get_socket_uid(skb) : PDTT_NO_ID, PDTT_NO_ID);
        p->protocol = packet_protocol(skb);
        p->tag = packet_tag(skb, l->epoch, p->direction);
        return;
    }
    p->identity = o->identity;
    p->protocol = o->protocol;
    p->unit = o->unit;
    p->by_process = !(o->flags & PDTT_OWNER_KERNEL);
    p->tag = sk && sk->state == TCP_LISTEN_STATE ? packet_tag(skb, l->epoch, p->direction)
                                                 : owner_tag(skb, l, o, p->direction);
}

#define POLICY_UNKNOWN -2 /* search for it */
#define POLICY_EXEMPT  -3 /* loopback, which no rule names */

/* Who sent or gets the packet, and the rule that its socket remembers for it. */
static __noinline int policy_recall(struct __sk_buff *skb, struct pdtt_epoch *epoch, struct policy_packet *p)
{
    __u32 set = p->set;
    const struct pdtt_policy_head *head = bpf_map_lookup_elem(&policy_sets, &set);
    struct ledger l = {.epoch = epoch};
    struct bpf_sock *sk = skb->sk;
    struct pdtt_policy_decision *d;
    struct pdtt_owner *o = NULL;
    __u64 known;

    if (!head || (skb->ifindex == LOOPBACK_IFINDEX && !head->loopback))
        return POLICY_EXEMPT;
    if (sk)
        o = bpf_sk_storage_get(&sock_owner, sk, 0, 0);
    if (o && o->flags & PDTT_OWNER_SUBFLOW)
        o = owner_of_subflow(sk) ?: o;
    policy_sender(skb, &l, sk, o, p);
    d = policy_memory(sk, o);
    if (!d)
        return POLICY_UNKNOWN;
    p->digest = policy_digest(head, p);
    known = d->decided[p->direction & 1];
    if ((known & ~0xffffULL) != p->digest || policy_is_over(known & 0xffff, set))
        return POLICY_UNKNOWN;
    return known & 0xffff;
}

/* The id of a rule that limits; 0: it does not. */
static __always_inline __u32 policy_limit_of(__u32 rule)
{
    const struct pdtt_policy *policy = rule == PDTT_POLICY_NONE ? NULL : bpf_map_lookup_elem(&policy_map, &rule);

    return policy && policy->action == PDTT_POLICY_LIMIT ? policy->id : 0;
}

static __noinline int policy_remember(struct __sk_buff *skb, const struct policy_packet *p, __u32 rule)
{
    struct bpf_sock *sk = skb->sk;
    struct pdtt_policy_decision *d = sk ? bpf_sk_storage_get(&policy_decision, sk, 0, 0) : NULL;

    if (d && !(rule & POLICY_OBSERVED))
        d->decided[p->direction & 1] = p->digest | rule;
    if (sk && p->direction == PDTT_TX)
        pace_for(sk, policy_limit_of(policy_rule_of(rule & 0xffff)));
    return 0;
}

/* Inlined in the program itself: with a function more between it and the search the stack would not do. */
static __always_inline __u32 policy_judge(struct __sk_buff *skb, struct pdtt_epoch *epoch, __u32 direction, __u32 flags,
                                          __u64 bytes, __u64 packets)
{
    struct policy_packet p = {
        .direction = direction, .set = (flags & PDTT_EPOCH_POLICY_SET) != 0, .bytes = bytes, .packets = packets};
    int rule = policy_recall(skb, epoch, &p);
    __u32 verdict;

    if (rule == POLICY_EXEMPT)
        return VERDICT_PASS;
    if (rule == POLICY_UNKNOWN) {
        rule = policy_search_anew(skb, direction | (p.set ? HOW_SET_1 : 0) | (p.by_process ? HOW_BY_PROCESS : 0),
                                  p.identity, (__u64)p.unit << 32 | p.tag, bytes << 32 | (__u32)packets);
        p.searched = true;
        if (p.digest && rule >= 0)
            policy_remember(skb, &p, rule);
    }
    if (rule < 0) {
        policy_unreadable();
        rule = PDTT_POLICY_NONE;
    }
    rule = policy_rule_of(rule & 0xffff);
    verdict = policy_act(rule, &p);
    if (verdict_drops(verdict))
        policy_tell(skb, &p, rule);
    return verdict;
}
