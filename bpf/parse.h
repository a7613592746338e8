/*
 * A frame's headers: where its network layer begins, what a socket is known by, and whether it is malformed. The same C for
 * the programs on the interfaces and for user space, which tests it: no helper calls, no state, every byte is checked
 * against the end before it is read. RFC 791, RFC 8200, IEEE 802.1Q and 802.1ad.
 */
#pragma once

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

#define PARSE_ETHERTYPE_IPV4  0x0800
#define PARSE_ETHERTYPE_IPV6  0x86dd
#define PARSE_ETHERTYPE_VLAN  0x8100
#define PARSE_ETHERTYPE_QINQ  0x88a8
#define PARSE_ETHERTYPE_QINQ9 0x9100 /* before 802.1ad had a number of its own */

#define PARSE_MAX_TAGS        3
#define PARSE_MAX_EXTENSIONS  5    /* each more costs the verifier half as much again */
#define PARSE_MAX_OFFSET      4095 /* a bound for the verifier; no frame's headers come near it */

#define PARSE_FAMILY_INET     2
#define PARSE_FAMILY_INET6    10

enum parse_result {
    PARSE_IP,     /* all of it is filled in */
    PARSE_NOT_IP, /* another protocol, such as ARP; only link_size is */
    PARSE_MORE,   /* the frame goes on where data ends: get more of it and parse again */
    PARSE_BAD,    /* malformed: too short for its headers, or they contradict each other */
};

struct parse_input {
    const __u8 *data, *end; /* what can be read of the frame, from its link layer's header on */
    __u32 frame_size;       /* all of it, which may be more */
    __u16 link_size;        /* of the link layer's header: 14, 0 where there is none */
    __u16 type_offset;      /* of the EtherType in it; not used without a header */
    bool super_packet;      /* of several segments: the length in its IP header may be anything */
};

struct parse_output {
    __u16 link_size;     /* bytes before the network layer, tags included */
    __u16 headers_size;  /* IP with its extensions and TCP or UDP: what each segment of a super-packet repeats */
    __u32 ip_size;       /* from the network layer on, without padding behind it */
    __u8 family;         /* PARSE_FAMILY_* */
    __u8 protocol;       /* behind all extensions */
    bool later_fragment; /* not the first: it has no ports */
    bool has_ports;
    bool neighbours;                     /* neighbour discovery, which for IPv6 is what ARP is: RFC 4861 */
    __u16 source_port, destination_port; /* host order */
    __u8 source[16], destination[16];    /* network order; IPv4 in the first 4 bytes, the rest 0 */
};

struct parse_cursor {
    const struct parse_input *in;
    __u32 offset; /* of the next header */
    __u32 limit;  /* no header may reach beyond it */
};

/*
 * Past a header. For the verifier any offset is like any other from there on, or it would follow each way through the
 * extension headers by itself: 300,000 steps instead of a few thousand.
 */
static __always_inline bool parse_skip(struct parse_cursor *c, __u32 size)
{
    __u32 offset = c->offset + size;

    if (offset > c->limit || offset > PARSE_MAX_OFFSET)
        return false;
#ifdef __bpf__
    asm volatile("%0 &= 4095" : "+r"(offset));
#endif
    c->offset = offset;
    return true;
}

static __always_inline __u16 parse_be16(const __u8 *p)
{
    return (__u16)(p[0] << 8 | p[1]);
}

/* The next size bytes; NULL when they are not there, and *ret_result says why. The cursor stays. */
static __always_inline const __u8 *parse_peek(const struct parse_cursor *c, __u32 size, enum parse_result *ret_result)
{
    const __u8 *p;

    *ret_result = PARSE_BAD;
    if (c->offset > PARSE_MAX_OFFSET || c->offset + size > c->limit)
        return NULL;
    p = c->in->data + c->offset;
    if (p + size <= c->in->end)
        return p;
    *ret_result = PARSE_MORE;
    return NULL;
}

static __always_inline bool parse_is_tag(__u16 type)
{
    return type == PARSE_ETHERTYPE_VLAN || type == PARSE_ETHERTYPE_QINQ || type == PARSE_ETHERTYPE_QINQ9;
}

/* Past the link layer's header and its tags; PARSE_IP and the EtherType. */
static __always_inline enum parse_result parse_link(struct parse_cursor *c, __u16 *ret_type)
{
    enum parse_result result;
    const __u8 *p;
    __u16 type;

    if (!c->in->link_size) {
        p = parse_peek(c, 1, &result);
        if (!p)
            return result;
        *ret_type = p[0] >> 4 == 6 ? PARSE_ETHERTYPE_IPV6 : PARSE_ETHERTYPE_IPV4;
        return PARSE_IP;
    }
    c->offset = c->in->type_offset & 0x3f;
    p = parse_peek(c, 2, &result);
    if (!p)
        return result;
    type = parse_be16(p);
    c->offset = c->in->link_size & 0x3f;
    for (int i = 0; i < PARSE_MAX_TAGS && parse_is_tag(type); i++) {
        p = parse_peek(c, 4, &result);
        if (!p)
            return result;
        type = parse_be16(p + 2);
        c->offset += 4;
    }
    *ret_type = type;
    return PARSE_IP;
}

static __always_inline void parse_copy(__u8 *to, const __u8 *from, int size)
{
    for (int i = 0; i < size; i++)
        to[i] = from[i];
}

static __always_inline enum parse_result parse_ipv4(struct parse_cursor *c, struct parse_output *out)
{
    enum parse_result result;
    const __u8 *p = parse_peek(c, 20, &result);
    __u32 header, total;

    if (!p)
        return result;
    header = (p[0] & 15) * 4;
    total = parse_be16(p + 2);
    if (p[0] >> 4 != 4 || header < 20)
        return PARSE_BAD;
    if (!c->in->super_packet) {
        if (total < header || c->offset + total > c->limit)
            return PARSE_BAD;
        c->limit = c->offset + total; /* what follows is padding */
    }
    out->family = PARSE_FAMILY_INET;
    out->protocol = p[9];
    out->later_fragment = (parse_be16(p + 6) & 0x1fff) != 0;
    parse_copy(out->source, p + 12, 4);
    parse_copy(out->destination, p + 16, 4);
    return parse_skip(c, header) ? PARSE_IP : PARSE_BAD;
}

#define PARSE_HEADER_FRAGMENT 44
#define PARSE_HEADER_AH       51

static __always_inline bool parse_is_extension(__u8 next)
{
    return next == 0 || next == 43 || next == PARSE_HEADER_FRAGMENT || next == PARSE_HEADER_AH || next == 60 ||
           next == 135 || next == 139 || next == 140;
}

/* Behind a later fragment's header comes data, not a header. */
static __always_inline enum parse_result parse_extensions(struct parse_cursor *c, struct parse_output *out)
{
    enum parse_result result;
    const __u8 *p;

    for (int i = 0; i < PARSE_MAX_EXTENSIONS; i++) {
        __u8 header = out->protocol;
        __u32 size;

        if (out->later_fragment || !parse_is_extension(header))
            return PARSE_IP;
        p = parse_peek(c, 8, &result);
        if (!p)
            return result;
        out->protocol = p[0];
        size = 8 + p[1] * 8;
        if (header == PARSE_HEADER_FRAGMENT) {
            out->later_fragment = (parse_be16(p + 2) & 0xfff8) != 0;
            size = 8;
        } else if (header == PARSE_HEADER_AH) {
            size = (p[1] + 2) * 4;
        }
        if (!parse_skip(c, size))
            return PARSE_BAD;
    }
    return parse_is_extension(out->protocol) ? PARSE_BAD : PARSE_IP;
}

static __always_inline enum parse_result parse_ipv6(struct parse_cursor *c, struct parse_output *out)
{
    enum parse_result result;
    const __u8 *p = parse_peek(c, 40, &result);
    __u32 total;

    if (!p)
        return result;
    total = 40 + parse_be16(p + 4);
    if (p[0] >> 4 != 6)
        return PARSE_BAD;
    if (!c->in->super_packet && total > 40) { /* a length of 0: a jumbogram, or nothing */
        if (c->offset + total > c->limit)
            return PARSE_BAD;
        c->limit = c->offset + total;
    }
    out->family = PARSE_FAMILY_INET6;
    out->protocol = p[6];
    parse_copy(out->source, p + 8, 16);
    parse_copy(out->destination, p + 24, 16);
    c->offset += 40;
    return parse_extensions(c, out);
}

#define PARSE_ICMPV6  58
#define PARSE_TCP     6
#define PARSE_UDP     17
#define PARSE_DCCP    33
#define PARSE_SCTP    132
#define PARSE_UDPLITE 136

/* Sizes are constants at each place: the verifier does not know that a size and a protocol belong together. */
static __always_inline enum parse_result parse_tcp(struct parse_cursor *c, struct parse_output *out)
{
    enum parse_result result;
    const __u8 *p = parse_peek(c, 20, &result);
    __u32 size;

    if (!p)
        return result;
    size = (p[12] >> 4) * 4;
    if (size < 20 || !parse_skip(c, size))
        return PARSE_BAD;
    out->source_port = parse_be16(p);
    out->destination_port = parse_be16(p + 2);
    out->has_ports = true;
    return PARSE_IP;
}

static __always_inline bool parse_has_ports(__u8 protocol)
{
    return protocol == PARSE_UDP || protocol == PARSE_UDPLITE || protocol == PARSE_SCTP || protocol == PARSE_DCCP;
}

#define PARSE_ROUTER_SOLICITATION 133
#define PARSE_REDIRECT            137

/* One that ends before its type is the kernel's to refuse. */
static __always_inline enum parse_result parse_icmpv6(struct parse_cursor *c, struct parse_output *out)
{
    enum parse_result result;
    const __u8 *p = parse_peek(c, 1, &result);

    if (!p)
        return result == PARSE_MORE ? PARSE_MORE : PARSE_IP;
    out->neighbours = p[0] >= PARSE_ROUTER_SOLICITATION && p[0] <= PARSE_REDIRECT;
    return PARSE_IP;
}

static __always_inline enum parse_result parse_transport(struct parse_cursor *c, struct parse_output *out)
{
    enum parse_result result;
    const __u8 *p;

    if (out->later_fragment)
        return PARSE_IP;
    if (out->protocol == PARSE_TCP)
        return parse_tcp(c, out);
    if (out->protocol == PARSE_ICMPV6 && out->family == PARSE_FAMILY_INET6)
        return parse_icmpv6(c, out);
    if (!parse_has_ports(out->protocol))
        return PARSE_IP;
    p = parse_peek(c, 8, &result);
    if (!p)
        return result;
    out->source_port = parse_be16(p);
    out->destination_port = parse_be16(p + 2);
    out->has_ports = true;
    return parse_skip(c, out->protocol == PARSE_SCTP ? 12 : 8) ? PARSE_IP : PARSE_BAD;
}

/* Fills in all of *out. What it says of a malformed frame is how far it came. */
static __always_inline enum parse_result parse_frame(const struct parse_input *in, struct parse_output *out)
{
    struct parse_cursor c = {.in = in, .limit = in->frame_size};
    enum parse_result result;
    __u16 type = 0;

    __builtin_memset(out, 0, sizeof(*out));
    result = parse_link(&c, &type);
    out->link_size = c.offset < in->frame_size ? c.offset : in->frame_size;
    if (result != PARSE_IP)
        return result;
    if (type != PARSE_ETHERTYPE_IPV4 && type != PARSE_ETHERTYPE_IPV6)
        return parse_is_tag(type) ? PARSE_BAD : PARSE_NOT_IP;
    result = type == PARSE_ETHERTYPE_IPV4 ? parse_ipv4(&c, out) : parse_ipv6(&c, out);
    if (result == PARSE_IP)
        result = parse_transport(&c, out);
    out->headers_size = c.offset - out->link_size;
    out->ip_size = c.limit - out->link_size;
    return result;
}
