/*
 * Any bytes as a frame, whole or in part: the parser that the programs on the interfaces use (bpf/parse.h, the same C) gives
 * one of its answers, reads nothing that is not there, and what it says of headers lies within the frame. The input begins
 * with the size of the link layer's header, the offset of the EtherType in it, flags, how much more there is than can be read
 * and where to cut.
 */
#include "bpf/parse.h"
#include "tests/fuzz/fuzz.h"

#define SUPER_PACKET 1
#define MOST_LINK    63 /* what the parser takes of a link layer's header */

struct frame {
    const uint8_t *bytes;
    size_t readable;
    struct parse_input in; /* but data and end */
};

/* A copy of its own size, so that the sanitizer sees any byte that is read beyond. */
static enum parse_result parse_some(const struct frame *f, size_t readable, struct parse_output *ret)
{
    cleanup_free uint8_t *copy = malloc(readable ? readable : 1);
    struct parse_input in = f->in;

    assert(copy);
    if (readable)
        memcpy(copy, f->bytes, readable);
    in.data = copy;
    in.end = copy + readable;
    memset(ret, 0xa5, sizeof(*ret));
    return parse_frame(&in, ret);
}

static bool all_zero(const uint8_t *bytes, size_t n)
{
    while (n > 0 && bytes[n - 1] == 0)
        n--;
    return n == 0;
}

static void require_bounds(const struct frame *f, enum parse_result result, const struct parse_output *p)
{
    assert(result == PARSE_IP || result == PARSE_NOT_IP || result == PARSE_MORE || result == PARSE_BAD);
    assert(p->link_size <= f->in.frame_size && p->link_size <= MOST_LINK + 4 * PARSE_MAX_TAGS);
    assert((uint32_t)p->link_size + p->headers_size <= PARSE_MAX_OFFSET + 40);
    assert(result != PARSE_MORE || f->in.frame_size > f->readable);
    assert(!p->has_ports || !p->later_fragment);
    assert(p->has_ports || (!p->source_port && !p->destination_port));
}

static bool is_icmpv6(const struct parse_output *p)
{
    return p->family == PARSE_FAMILY_INET6 && p->protocol == PARSE_ICMPV6 && !p->later_fragment;
}

static void require_packet(const struct frame *f, const struct parse_output *p)
{
    bool v4 = p->family == PARSE_FAMILY_INET;

    assert(v4 || p->family == PARSE_FAMILY_INET6);
    assert(p->headers_size >= (v4 ? 20 : 40));
    assert((uint32_t)p->link_size + p->headers_size <= f->in.frame_size);
    assert(p->ip_size >= p->headers_size && (uint32_t)p->link_size + p->ip_size <= f->in.frame_size);
    assert(!p->neighbours || is_icmpv6(p));
    assert(!v4 || (all_zero(p->source + 4, 12) && all_zero(p->destination + 4, 12)));
    assert(p->has_ports == (!p->later_fragment && (p->protocol == PARSE_TCP || parse_has_ports(p->protocol))));
}

static bool same(const struct parse_output *a, const struct parse_output *b)
{
    return a->link_size == b->link_size && a->headers_size == b->headers_size && a->family == b->family &&
           a->protocol == b->protocol && a->later_fragment == b->later_fragment && a->has_ports == b->has_ports &&
           a->ip_size == b->ip_size && a->neighbours == b->neighbours && a->source_port == b->source_port &&
           a->destination_port == b->destination_port && memcmp(a->source, b->source, 16) == 0 &&
           memcmp(a->destination, b->destination, 16) == 0;
}

/* As it is of every interface that there is; the parser is safe without, but then looks behind the headers for the type. */
static bool type_is_in_header(const struct frame *f)
{
    return !f->in.link_size || (f->in.type_offset & MOST_LINK) + 2 <= (f->in.link_size & MOST_LINK);
}

/* Whoever sees less of a frame asks for more or says the same; behind the headers only the type of ICMPv6 is looked at. */
static void require_prefix(const struct frame *f, size_t cut, enum parse_result result, const struct parse_output *p)
{
    struct parse_output less;
    enum parse_result of_less = parse_some(f, cut, &less);

    assert(of_less == PARSE_MORE || (of_less == result && same(p, &less)));
    if (result != PARSE_IP || !type_is_in_header(f))
        return;
    cut = (size_t)p->link_size + p->headers_size + is_icmpv6(p);
    if (cut <= f->readable)
        assert(parse_some(f, cut, &less) == PARSE_IP && same(p, &less));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    struct frame f = {.in = {.link_size = (__u16)take_number(&in, 1), .type_offset = (__u16)take_number(&in, 1)}};
    struct parse_output p;
    enum parse_result result;
    size_t more, cut;

    f.in.super_packet = take_number(&in, 1) & SUPER_PACKET;
    more = take_number(&in, 2);
    cut = take_number(&in, 1);
    f.bytes = in.data;
    f.readable = in.size;
    f.in.frame_size = (__u32)(f.readable + more);
    result = parse_some(&f, f.readable, &p);
    require_bounds(&f, result, &p);
    if (result == PARSE_IP)
        require_packet(&f, &p);
    require_prefix(&f, cut < f.readable ? cut : f.readable, result, &p);
    return 0;
}
