/*
 * conn_uid_map: which account a connection has, by its addresses. The programs that see connections begin and end keep
 * it (sockops_tracker), those on the interfaces read it: a frame that arrives has addresses and no socket. A plain hash:
 * an entry is never pushed out unseen, and what finds no room is counted by cause.
 */
#pragma once

#include "maps.bpf.h"
#include <bpf/bpf_endian.h>

#define CONN_FAMILY_INET  2
#define CONN_FAMILY_INET6 10
#define CONN_E2BIG        -7
#define CONN_ENOMEM       -12

/* Whether keys hold the cookie of the network namespace; set before load, alike in every object that uses the map. */
const volatile __u8 conn_uid_netns = 0;

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 65536);
    __type(key, struct pdtt_conn_key);
    __type(value, struct pdtt_conn_uid);
} conn_uid_map SEC(".maps");

static __always_inline void conn_put_address(__u8 *to, __u32 a, __u32 b, __u32 c, __u32 d)
{
    __u32 *words = (__u32 *)to;

    words[0] = a;
    words[1] = b;
    words[2] = c;
    words[3] = d;
}

/*
 * The key of a sockops program's connection. Addresses and ports are those of the established connection: call it from
 * the ESTABLISHED callbacks on. False: neither IPv4 nor IPv6.
 */
static __always_inline bool conn_uid_key_of(struct bpf_sock_ops *sock_ops, struct pdtt_conn_key *ret_key)
{
    /* volatile, or clang merges reads of two branches into one from a computed offset, which the verifier refuses. */
    volatile struct bpf_sock_ops *ctx = sock_ops;
    __u32 mapped = bpf_htonl(0xffff);

    __builtin_memset(ret_key, 0, sizeof(*ret_key));
    if (conn_uid_netns)
        ret_key->netns = bpf_get_netns_cookie(sock_ops);
    ret_key->protocol = 6;
    ret_key->local_port = ctx->local_port;
    ret_key->remote_port = bpf_ntohl(ctx->remote_port);
    if (ctx->family == CONN_FAMILY_INET) {
        ret_key->family = CONN_FAMILY_INET;
        conn_put_address(ret_key->local, ctx->local_ip4, 0, 0, 0);
        conn_put_address(ret_key->remote, ctx->remote_ip4, 0, 0, 0);
        return true;
    }
    if (ctx->family != CONN_FAMILY_INET6)
        return false;
    if (ctx->remote_ip6[0] == 0 && ctx->remote_ip6[1] == 0 && ctx->remote_ip6[2] == mapped) {
        ret_key->family = CONN_FAMILY_INET;
        conn_put_address(ret_key->local, ctx->local_ip6[3], 0, 0, 0);
        conn_put_address(ret_key->remote, ctx->remote_ip6[3], 0, 0, 0);
        return true;
    }
    ret_key->family = CONN_FAMILY_INET6;
    conn_put_address(ret_key->local, ctx->local_ip6[0], ctx->local_ip6[1], ctx->local_ip6[2], ctx->local_ip6[3]);
    conn_put_address(ret_key->remote, ctx->remote_ip6[0], ctx->remote_ip6[1], ctx->remote_ip6[2], ctx->remote_ip6[3]);
    return true;
}

/*
 * Enters a connection, or gives it another account (a passed socket, a daemon that becomes its user). cookie is that of
 * the socket. A later connection of the same addresses takes the place of one that still says goodbye.
 */
static __always_inline void conn_uid_note(const struct pdtt_conn_key *key, __u32 uid, __u32 gid, __u64 cookie)
{
    struct pdtt_conn_uid value = {.uid = uid, .gid = gid, .cookie = cookie};
    long error = bpf_map_update_elem(&conn_uid_map, key, &value, BPF_ANY);

    if (error)
        stat_bump(error == CONN_E2BIG    ? PDTT_STAT_CONN_UID_FULL
                  : error == CONN_ENOMEM ? PDTT_STAT_CONN_UID_ENOMEM
                                         : PDTT_STAT_CONN_UID_OTHER);
}

/* Removes the entry that this socket noted; one that a later connection of the same addresses noted stays. */
static __always_inline void conn_uid_forget(const struct pdtt_conn_key *key, __u64 cookie)
{
    struct pdtt_conn_uid *value = bpf_map_lookup_elem(&conn_uid_map, key);

    if (value && value->cookie == cookie)
        bpf_map_delete_elem(&conn_uid_map, key);
}
