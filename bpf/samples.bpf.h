/*
 * Samples of packets: every N-th or, by chance, one in N. Off, and then nothing here is loaded: the rate is a constant before
 * the verifier looks, so what hangs on it is dead code and its maps are not made.
 */
#pragma once

#include "maps.bpf.h"
#include "parse.h"
#include <bpf/bpf_endian.h>

/* Set before load. 0: no samples. */
const volatile __u32 sample_rate = 0;
const volatile __u64 sample_chance = 0; /* of 2^32; 0: every sample_rate-th */
const volatile __u64 sample_wake = 0;   /* bytes in the ring from which pdttd is woken */

/* Set by pdttd at each drain: which half of the counts is in use. */
__u32 sample_half = 0;

/* A ring keeps the order of all CPUs and needs no room for each. Linux has it since 5.8, so older buffers are not needed. */
struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096); /* set at load */
} packet_events SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct pdtt_sampling);
} sample_counter SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, PDTT_SAMPLE_SOURCES);
    __type(key, struct pdtt_source);
    __type(value, struct pdtt_drawn);
} packet_count SEC(".maps");

/* A frame that may be drawn. */
struct sample_frame {
    const struct parse_output *parsed;
    __u32 ifindex, direction, kind;
    __u32 segments, frame_len;
};

static __always_inline __u64 sample_wire_bytes(const struct sample_frame *f)
{
    return f->frame_len + (__u64)(f->segments - 1) * f->parsed->headers_size;
}

static __always_inline struct pdtt_sampling *sample_counters(void)
{
    __u32 zero = 0;

    return bpf_map_lookup_elem(&sample_counter, &zero);
}

/* Counts the frame as seen; whether it is drawn. Programs of one CPU do not interrupt each other: plain additions do. */
static __always_inline bool sample_draw(struct pdtt_sampling *c, const struct sample_frame *f)
{
    __u32 half = sample_half & 1;

    c->n[half].seen++;
    c->n[half].packets += f->segments;
    c->n[half].bytes += sample_wire_bytes(f);
    if (sample_chance)
        return bpf_get_prandom_u32() < sample_chance;
    if (++c->since_last < sample_rate)
        return false;
    c->since_last = 0;
    return true;
}

static __always_inline void sample_add(struct pdtt_drawn *d, __u64 packets, __u64 bytes)
{
    __sync_fetch_and_add(&d->drawn, 1);
    __sync_fetch_and_add(&d->packets, packets);
    __sync_fetch_and_add(&d->packets_squared, packets * packets);
    __sync_fetch_and_add(&d->bytes, bytes);
    __sync_fetch_and_add(&d->bytes_squared, bytes * bytes);
    if (packets > d->most_packets)
        d->most_packets = packets;
    if (bytes > d->most_bytes)
        d->most_bytes = bytes;
}

/*
 * By source only what is drawn: an entry for each packet would cost every one of them a look-up, and how many there were of all
 * is counted exactly beside it. It is counted whether the ring has room or not, so a full ring costs details and no estimate.
 */
static __always_inline void sample_count_source(struct pdtt_sampling *c, __u32 half, const struct sample_frame *f)
{
    struct pdtt_source key = {.family = f->parsed->family, .half = half};
    struct pdtt_drawn none = {}, *d;

    __builtin_memcpy(key.address, f->parsed->source, sizeof(key.address));
    d = bpf_map_lookup_elem(&packet_count, &key);
    if (!d) {
        bpf_map_update_elem(&packet_count, &key, &none, BPF_NOEXIST); /* another CPU may have been faster */
        d = bpf_map_lookup_elem(&packet_count, &key);
    }
    if (d)
        sample_add(d, f->segments, sample_wire_bytes(f));
    else
        c->n[half].sources_full++;
}

static __always_inline __u8 sample_type(__u8 protocol)
{
    switch (protocol) {
    case PARSE_TCP:
        return PDTT_PACKET_TCP;
    case PARSE_UDP:
        return PDTT_PACKET_UDP;
    case 1:
    case 58:
        return PDTT_PACKET_ICMP;
    default:
        return PDTT_PACKET_OTHER;
    }
}

static __always_inline void sample_fill(struct packet_info *e, const struct sample_frame *f)
{
    const struct parse_output *p = f->parsed;

    e->time_ns = bpf_ktime_get_boot_ns();
    __builtin_memcpy(e->src_ip, p->source, sizeof(e->src_ip));
    __builtin_memcpy(e->dst_ip, p->destination, sizeof(e->dst_ip));
    e->packet_len = sample_wire_bytes(f);
    e->frame_len = f->frame_len;
    e->seq_num = e->ack_num = 0;
    e->ifindex = f->ifindex;
    e->uid = e->gid = PDTT_NO_ID;
    e->src_port = p->source_port;
    e->dst_port = p->destination_port;
    e->segments = f->segments;
    e->protocol = p->protocol;
    e->packet_type = sample_type(p->protocol);
    e->tcp_flags = 0;
    e->family = p->family;
    e->direction = f->direction;
    e->kind = f->kind;
    e->head_len = 0;
    __builtin_memset(e->padding, 0, sizeof(e->padding));
    __builtin_memset(e->head, 0, sizeof(e->head));
}

static __always_inline __u32 sample_be32(const __u8 *p)
{
    return (__u32)p[0] << 24 | (__u32)p[1] << 16 | (__u32)p[2] << 8 | p[3];
}

#define SAMPLE_MOST_EXTENSIONS 2
#define SAMPLE_TCP_WITHIN      63 /* IPv4 with all its options, IPv6 with two short extensions */

/* The same number; the verifier of Linux 5.10 does not see its bound where clang compares another register. */
static __always_inline __u32 sample_bounded(__u32 offset)
{
    asm volatile("%0 &= 63" : "+r"(offset));
    return offset;
}

/* How much of a frame is copied, as the verifier of Linux 5.10 sees it too: 1 to PDTT_SAMPLE_HEAD. */
static __always_inline __u64 sample_head_size(__u32 frame_len)
{
    __u64 size = frame_len;

    asm volatile("if %0 s> 0 goto +1\n"
                 "%0 = 1\n"
                 "if %0 s<= %1 goto +1\n"
                 "%0 = %1\n"
                 : "+r"(size)
                 : "i"(PDTT_SAMPLE_HEAD));
    return size;
}

/* Where the TCP header begins in what was copied; beyond SAMPLE_TCP_WITHIN where that cannot be said. */
static __always_inline __u32 sample_tcp_offset(const struct packet_info *e)
{
    __u32 offset = 40;
    __u8 next = e->head[6];

    if (e->family == PARSE_FAMILY_INET)
        return (e->head[0] & 15) * 4;
    for (int i = 0; i < SAMPLE_MOST_EXTENSIONS && next != PARSE_TCP; i++) {
        const __u8 *header;

        if (offset > SAMPLE_TCP_WITHIN)
            break;
        header = &e->head[sample_bounded(offset)];
        offset += next == PARSE_HEADER_AH ? (header[1] + 2) * 4 : 8 + header[1] * 8;
        next = header[0];
    }
    return next == PARSE_TCP ? offset : SAMPLE_TCP_WITHIN + 1;
}

static __always_inline void sample_fill_tcp(struct packet_info *e)
{
    const __u8 *tcp;
    __u32 offset;

    if (e->protocol != PARSE_TCP || !e->src_port)
        return;
    offset = sample_tcp_offset(e);
    if (offset > SAMPLE_TCP_WITHIN || offset + 14 > e->head_len)
        return;
    tcp = &e->head[sample_bounded(offset)];
    e->seq_num = sample_be32(tcp + 4);
    e->ack_num = sample_be32(tcp + 8);
    e->tcp_flags = tcp[13];
}

/* Wakes pdttd only where the ring fills up: else it reads at each drain. */
static __always_inline void sample_submit(struct packet_info *e)
{
    __u64 waiting = bpf_ringbuf_query(&packet_events, BPF_RB_AVAIL_DATA);

    bpf_ringbuf_submit(e, waiting >= sample_wake ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

/* The record for a drawn frame, but for its account and its first bytes; NULL: no room. */
static __always_inline struct packet_info *sample_reserve(struct pdtt_sampling *c, __u32 half,
                                                          const struct sample_frame *f)
{
    struct packet_info *e = bpf_ringbuf_reserve(&packet_events, sizeof(*e), 0);

    c->n[half].drawn++;
    sample_count_source(c, half, f);
    if (e)
        sample_fill(e, f);
    else
        c->n[half].ring_full++;
    return e;
}
