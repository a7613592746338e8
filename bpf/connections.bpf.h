/* The sockops layer: when connections begin and end, and reading those under way. What a record is, flow.bpf.h knows. */
#pragma once

#include "owner.bpf.h"
#include "policy.bpf.h"
#include <bpf/bpf_tracing.h>

static __always_inline void connection_begins(struct bpf_sock_ops *ctx, struct pdtt_owner *o, __u32 bits)
{
    bits |= PDTT_FLOW_FOLLOWED;
    bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG);
    if (!flow_start(o)) { /* begun by a packet that was faster, or when it connected */
        flow_set(o, bits);
        return;
    }
    conn_uid_key_of(ctx, &o->ends);
    flow_begun(o, bpf_get_socket_cookie(ctx), bits);
}

static __always_inline void connection_ends(struct bpf_sock_ops *ctx, struct bpf_sock *sk, struct pdtt_owner *o)
{
    struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
    struct flow_end how = {.end = PDTT_END_TCP,
                           .tcp_state = ctx->args[0],
                           .retransmits = ctx->total_retrans,
                           .srtt_us = ctx->srtt_us >> 3};

    if (tcp)
        how.error = ((struct sock *)tcp)->sk_err;
    conn_uid_forget(&o->ends, o->cookie);
    flow_end(o, &how);
}

SEC("sockops")
int sockops_tracker(struct bpf_sock_ops *ctx)
{
    struct bpf_sock *sk = ctx->sk;
    __u32 op = ctx->op;
    struct pdtt_owner *o = sk ? bpf_sk_storage_get(&sock_owner, sk, 0, 0) : NULL;

    if (!sk || !o)
        return 1;
    if (policies_limit && pacing_callback(ctx, sk))
        return 1;
    if (op == BPF_SOCK_OPS_STATE_CB) {
        if (ctx->args[1] == TCP_CLOSE_STATE)
            connection_ends(ctx, sk, o);
        return 1;
    }
    if (op == BPF_SOCK_OPS_TCP_LISTEN_CB || op == BPF_SOCK_OPS_TCP_CONNECT_CB) {
        owner_forget_since(o); /* what a listener accepts starts with a copy of this */
        flow_reset(o);
    }
    if (op == BPF_SOCK_OPS_TCP_CONNECT_CB || op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB ||
        op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
        connection_begins(ctx, o, op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB ? PDTT_FLOW_IN : PDTT_FLOW_OUT);
    if (op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB || op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
        conn_uid_note(&o->ends, o->identity, o->identity >> 32, o->cookie);
    return 1;
}

/* Counters only grow, so one that is read a moment later than another is of no harm: the next reading has it all. */
static __always_inline void read_live(struct bpf_iter_meta *meta, struct sock *sk, struct pdtt_owner *o)
{
    struct pdtt_connection record;
    struct tcp_sock *tcp;

    flow_describe(o, &record);
    for (int d = 0; d < PDTT_DIRECTIONS; d++) {
        record.n.bytes[d] = o->bytes[d] - o->recorded.bytes[d];
        record.n.packets[d] = o->packets[d] - o->recorded.packets[d];
        record.n.payload[d] = o->payload[d] - o->recorded.payload[d];
    }
    tcp = bpf_skc_to_tcp_sock(sk);
    if (tcp) {
        record.retransmits = tcp->total_retrans;
        record.srtt_us = tcp->srtt_us >> 3;
    }
    bpf_seq_write(meta->seq, &record, sizeof(record));
}

static __always_inline bool flow_is_live(const struct pdtt_owner *o)
{
    return (o->flow & (PDTT_FLOW_BEGUN | PDTT_FLOW_ENDED)) == PDTT_FLOW_BEGUN;
}

SEC("iter/bpf_sk_storage_map")
int live_connections(struct bpf_iter__bpf_sk_storage_map *ctx)
{
    struct pdtt_owner *o = ctx->value;
    struct sock *sk = ctx->sk;

    if (sk && o && flow_is_live(o))
        read_live(ctx->meta, sk, o);
    return 0;
}

/* Where the kernel refuses the other: dearer, a socket comes once for each descriptor, and one that all have closed not at all. */
SEC("iter/task_file")
int live_by_file(struct bpf_iter__task_file *ctx)
{
    struct file *file = ctx->file;
    struct socket *socket = file ? bpf_sock_from_file(file) : NULL;
    struct sock *sk = socket ? socket->sk : NULL;
    struct pdtt_owner *o;

    if (!sk || !is_internet_socket(sk))
        return 0;
    o = bpf_sk_storage_get(&sock_owner, sk, 0, 0);
    if (o && flow_is_live(o))
        read_live(ctx->meta, sk, o);
    return 0;
}
