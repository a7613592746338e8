/*
 * Pacing: a TCP connection whose packets a limit decides sends at the rate of the limit by itself (SO_MAX_PACING_RATE), so that
 * the bucket need not hold it up. All connections of one bucket have the same share, which the bucket finds out: it grows while
 * less goes through than the limit allows, and shrinks while more does, whatever the connections are and whoever else sends.
 * Only programs that hold the socket's lock may set the option: sockops at the callbacks, and the iterator over TCP sockets.
 * Nothing here is needed for a limit to hold, and nothing is accounted here.
 */
#pragma once

#include "ledger.bpf.h"
#include "pdtt_policy.h"

#define NSEC_PER_SEC 1000000000ULL

struct {
    __uint(type, BPF_MAP_TYPE_SK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct pdtt_policy_pacing);
} policy_pacing SEC(".maps");

/* ---- the share, in the bucket and under its lock ---- */

#define PACE_WINDOW_NS (1ULL << 27)  /* 134 ms */
#define PACE_LEAST     4096          /* bytes a second, where the limit is not below it: a few packets */
#define PACE_MOST      0xfffffffeULL /* the same; the option has 32 bits, of which the largest says "unlimited" */

/* Wire bytes are more than those that TCP paces, and what else a single connection falls short by is made up for as well. */
static __always_inline __u64 pace_most(__u64 rate)
{
    __u64 most = rate + (rate >> 3);

    return most < PACE_MOST ? most : PACE_MOST;
}

/*
 * What the rate's time should be used of in took_ns: a little more than all of it while there is credit, which evens out senders
 * that are fast and slow in turns, as BBR, and a little less when there is nearly none left, so that the bucket has no reason to
 * mark or to drop. ahead_ns is below 0 while there is credit, -burst_ns at least.
 */
static __always_inline __u64 pace_aim(__u64 took_ns, __s64 ahead_ns, __u64 burst_ns)
{
    __s64 over = ahead_ns + (__s64)(burst_ns >> 3);

    if (over < -(__s64)PACE_WINDOW_NS)
        over = -(__s64)PACE_WINDOW_NS;
    if (over > (__s64)PACE_WINDOW_NS)
        over = PACE_WINDOW_NS;
    return took_ns - (((__s64)took_ns * over) >> 30); /* an eighth less or more at most */
}

/*
 * How fast the fastest connection was. While nearly all of the rate is used a share that is much more would hold nobody up
 * when they grow: they would run into the bucket before it had come down.
 */
static __always_inline __u64 pace_fastest(struct policy_bucket *b, __u64 took_ns)
{
    __u64 fastest = b->fastest > b->fastest_before ? b->fastest : b->fastest_before;

    if (took_ns >= PACE_WINDOW_NS) {
        b->fastest_before = b->fastest;
        b->fastest = 0;
    }
    return fastest;
}

static __always_inline __u64 pace_share(__u64 share, __u64 used_ns, __u64 aim_ns)
{
    if (used_ns > aim_ns)
        return share * aim_ns / used_ns;                           /* below 2^63: 2^32 bytes times 2^31 ns */
    return share + share * (aim_ns - used_ns) / (used_ns + 1) / 2; /* carefully: who sends less may want to */
}

/* For each packet, ahead_ns before it; a window ends early where much more goes through than the limit allows. */
static __always_inline void pace_adjust(struct policy_bucket *b, const struct pdtt_policy *policy, __s64 ahead_ns,
                                        __u64 now)
{
    __u64 took = now - b->window_ns, used = b->used_ns, most = pace_most(policy->rate), share = b->share;
    __u64 least = policy->rate >> 8, aim, fastest;

    if (took < PACE_WINDOW_NS && (used < PACE_WINDOW_NS >> 1 || used < 2 * took))
        return;
    b->window_ns = now;
    b->used_ns = 0;
    fastest = pace_fastest(b, took);
    if (!share || took > 16 * PACE_WINDOW_NS || used < took - (took >> 2)) {
        b->share = most;
        return;
    }
    aim = pace_aim(took, ahead_ns, policy->burst_ns);
    share = pace_share(share, used, aim);
    if (fastest && share > fastest + (fastest >> 2))
        share = fastest + (fastest >> 2);
    if (least < PACE_LEAST)
        least = PACE_LEAST;
    if (share < least)
        share = least;
    b->share = share < most ? share : most;
}

/* ---- the option ---- */

#define SOL_SOCKET_LEVEL 1
#define MAX_PACING_RATE  47
#define PACE_UNLIMITED   0xffffffffu

/* Bytes a second that the socket shall send at by its limit; 0: it has none (any more). */
static __always_inline __u64 pace_wanted(const struct pdtt_policy_pacing *p)
{
    struct policy_bucket *bucket;
    struct ledger l;
    __u32 id = p->id;
    __u64 share;

    if (!id || !ledger_open(&l) || !(*(volatile __u32 *)&l.epoch->flags & PDTT_EPOCH_POLICIES))
        return 0;
    bucket = bpf_map_lookup_elem(&policy_buckets, &id);
    share = bucket ? *(volatile __u64 *)&bucket->share : 0;
    return share < PACE_MOST ? share : 0; /* faster than the option can say: the bucket alone holds it */
}

/*
 * What to set, 0: nothing. has is what the socket has; if that is not what was put there the application has set it since, and
 * that is what it gets back. A rate that the application set and that is smaller stays.
 */
static __always_inline __u32 pace_change(struct pdtt_policy_pacing *p, __u64 has)
{
    __u64 wanted = pace_wanted(p), own = p->put && has == p->put ? p->own : has, rate = own;

    if (wanted && wanted < own)
        rate = wanted;
    p->own = own;
    if (rate == own) {
        p->put = 0;
        if (has == own)
            return 0;
        return own > PACE_MOST ? PACE_UNLIMITED : own;
    }
    if (p->put == has && rate - has + (has >> 6) < has >> 5) /* less than a 64th more or less */
        return 0;
    p->put = rate;
    return rate;
}

/* A macro, because the helper takes another kind of context in each kind of program. */
#define PACE(context, tcp, p)                                                                                          \
    ({                                                                                                                 \
        __u32 rate_ = pace_change(p, ((struct sock *)(tcp))->sk_max_pacing_rate);                                      \
                                                                                                                       \
        if (rate_)                                                                                                     \
            bpf_setsockopt(context, SOL_SOCKET_LEVEL, MAX_PACING_RATE, &rate_, sizeof(rate_));                         \
    })

/* Whether a limit is in force, so that connections are worth a callback for each round trip. */
static __always_inline bool pacing_in_use(void)
{
    __u32 set;
    const struct pdtt_policy_head *head = policies_limit ? policy_in_force(&set) : NULL;

    return head && head->parts & PDTT_POLICY_LIMITS;
}

/* Of the egress program, when it has found which rule decides: whom the connection is paced for from now on, 0: nobody. */
static __always_inline void pace_for(struct bpf_sock *sk, __u32 id)
{
    struct pdtt_policy_pacing *p = bpf_sk_storage_get(&policy_pacing, sk, 0, id ? BPF_SK_STORAGE_GET_F_CREATE : 0);

    if (p)
        p->id = id;
}

/* Tells the bucket how fast the connection was, by what was acknowledged. */
static __always_inline void pace_tell(struct pdtt_policy_pacing *p, __u64 bytes_acked)
{
    __u64 now = bpf_ktime_get_ns(), took = now - p->since_ns, rate;
    struct policy_bucket *bucket;
    __u32 id = p->id;

    if (took < PACE_WINDOW_NS)
        return;
    rate = took < 16 * PACE_WINDOW_NS ? (bytes_acked - p->since_bytes) * NSEC_PER_SEC / took : 0;
    p->since_ns = now;
    p->since_bytes = bytes_acked;
    bucket = bpf_map_lookup_elem(&policy_buckets, &id);
    if (bucket && bucket->fastest < rate)
        bucket->fastest = rate;
}

static __always_inline void pace_connection(struct bpf_sock_ops *ctx, struct bpf_sock *sk)
{
    struct pdtt_policy_pacing *p = bpf_sk_storage_get(&policy_pacing, sk, 0, 0);
    struct tcp_sock *tcp = p ? bpf_skc_to_tcp_sock(sk) : NULL;

    if (!tcp)
        return;
    if (p->id)
        pace_tell(p, ctx->bytes_acked);
    PACE(ctx, tcp, p);
}

/* True: there is nothing else to do at this callback. */
static __always_inline bool pacing_callback(struct bpf_sock_ops *ctx, struct bpf_sock *sk)
{
    if (ctx->op == BPF_SOCK_OPS_RTT_CB) {
        pace_connection(ctx, sk);
        return true;
    }
    if ((ctx->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB || ctx->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB) &&
        pacing_in_use()) {
        bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_RTT_CB_FLAG);
        pace_connection(ctx, sk);
    }
    return false;
}

/* ---- connections that are older than the list ---- */

#define SOL_TCP_LEVEL         6
#define TCP_SOCK_OPS_CB_FLAGS 1008 /* from Linux 6.12 on; before it what follows is done anew by each run */

static __always_inline void pace_follow(struct tcp_sock *tcp)
{
    __u32 flags = 0;

    if (bpf_getsockopt(tcp, SOL_TCP_LEVEL, TCP_SOCK_OPS_CB_FLAGS, &flags, sizeof(flags)) ||
        flags & BPF_SOCK_OPS_RTT_CB_FLAG)
        return;
    flags |= BPF_SOCK_OPS_RTT_CB_FLAG;
    bpf_setsockopt(tcp, SOL_TCP_LEVEL, TCP_SOCK_OPS_CB_FLAGS, &flags, sizeof(flags));
}

/* Of the network namespace that the reader is in. Only sockets that the ledger follows, which are those below its cgroup. */
SEC("iter/tcp")
int pace_connections(struct bpf_iter__tcp *ctx)
{
    struct sock_common *common = ctx->sk_common;
    struct tcp_sock *tcp = common ? bpf_skc_to_tcp_sock(common) : NULL;
    struct pdtt_policy_pacing *p;

    if (!tcp || !bpf_sk_storage_get(&sock_owner, (struct sock *)tcp, 0, 0))
        return 0;
    if (pacing_in_use())
        pace_follow(tcp);
    p = bpf_sk_storage_get(&policy_pacing, (struct sock *)tcp, 0, 0);
    if (p)
        PACE(tcp, tcp, p);
    return 0;
}
