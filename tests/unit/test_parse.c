/* The parser of frames that the programs on the interfaces use, on frames made by hand. */
#include "bpf/parse.h"
#include "tests/support/unit.h"

#include <string.h>

#define MOST 512

struct frame {
    unsigned char bytes[MOST];
    size_t n;
};

static void put(struct frame *f, const void *bytes, size_t n)
{
    if (f->n + n > MOST) /* an assertion for each byte would take minutes */
        abort();
    memcpy(f->bytes + f->n, bytes, n);
    f->n += n;
}

static void put8(struct frame *f, unsigned value)
{
    unsigned char byte = (unsigned char)value;

    put(f, &byte, 1);
}

static void put16(struct frame *f, unsigned value)
{
    put8(f, value >> 8);
    put8(f, value);
}

static void put_zeros(struct frame *f, size_t n)
{
    while (n--)
        put8(f, 0);
}

static void put_ethernet(struct frame *f, unsigned type)
{
    put_zeros(f, 12);
    put16(f, type);
}

/* header and payload in bytes; fragment as in the header: flags and offset. */
static void put_ipv4(struct frame *f, unsigned header, unsigned payload, unsigned fragment, unsigned protocol)
{
    static const unsigned char addresses[] = {10, 0, 0, 1, 10, 0, 0, 2};

    put8(f, 0x40 | header / 4);
    put8(f, 0);
    put16(f, header + payload);
    put16(f, 7);
    put16(f, fragment);
    put8(f, 64);
    put8(f, protocol);
    put16(f, 0);
    put(f, addresses, sizeof(addresses));
    put_zeros(f, header - 20);
}

static void put_ipv6(struct frame *f, unsigned payload, unsigned next)
{
    put8(f, 0x60);
    put_zeros(f, 3);
    put16(f, payload);
    put8(f, next);
    put8(f, 64);
    put_zeros(f, 15);
    put8(f, 1);
    put_zeros(f, 15);
    put8(f, 2);
}

static void put_tcp(struct frame *f, unsigned header)
{
    put16(f, 1234);
    put16(f, 80);
    put_zeros(f, 8);
    put8(f, header / 4 << 4);
    put_zeros(f, header - 13);
}

static void put_udp(struct frame *f, unsigned payload)
{
    put16(f, 5353);
    put16(f, 53);
    put16(f, 8 + payload);
    put16(f, 0);
    put_zeros(f, payload);
}

static void put_extension(struct frame *f, unsigned next, unsigned size)
{
    put8(f, next);
    put8(f, size / 8 - 1);
    put_zeros(f, size - 2);
}

/* Of readable bytes; the rest of the frame is there but not in reach. */
static enum parse_result parse_some(const struct frame *f, size_t readable, struct parse_output *ret)
{
    /* A copy of its own size, so that a sanitizer sees any byte that is read beyond. */
    unsigned char *copy = malloc(readable ? readable : 1);
    struct parse_input in = {.frame_size = (__u32)f->n, .link_size = 14, .type_offset = 12};

    memcpy(copy, f->bytes, readable);
    in.data = copy;
    in.end = copy + readable;
    enum parse_result result = parse_frame(&in, ret);
    free(copy);
    return result;
}

static enum parse_result parse(const struct frame *f, struct parse_output *ret)
{
    return parse_some(f, f->n, ret);
}

static void expect_ports(const struct parse_output *p, unsigned source, unsigned destination)
{
    ck_assert(p->has_ports);
    ck_assert_uint_eq(p->source_port, source);
    ck_assert_uint_eq(p->destination_port, destination);
}

START_TEST(tcp_over_ipv4_with_options_gives_addresses_ports_and_headers)
{
    struct frame f = {0};
    struct parse_output p;

    put_ethernet(&f, 0x0800);
    put_ipv4(&f, 24, 32, 0x4000, 6);
    put_tcp(&f, 32);
    ck_assert_int_eq(parse(&f, &p), PARSE_IP);
    ck_assert_uint_eq(p.link_size, 14);
    ck_assert_uint_eq(p.headers_size, 24 + 32);
    ck_assert_uint_eq(p.family, 2);
    ck_assert_uint_eq(p.protocol, 6);
    ck_assert_int_eq(memcmp(p.source, "\x0a\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0", 16), 0);
    ck_assert_int_eq(memcmp(p.destination, "\x0a\0\0\2\0\0\0\0\0\0\0\0\0\0\0\0", 16), 0);
    expect_ports(&p, 1234, 80);
}
END_TEST

START_TEST(tags_of_vlans_are_passed_one_in_the_other)
{
    static const unsigned tags[][4] = {
        {0x8100, 0}, {0x88a8, 0x8100, 0}, {0x9100, 0x8100, 0}, {0x88a8, 0x8100, 0x8100, 0}};

    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        struct frame f = {0};
        struct parse_output p;
        unsigned n = 0;

        put_zeros(&f, 12);
        for (; n < 4 && tags[i][n]; n++) {
            put16(&f, tags[i][n]);
            put16(&f, 100 + n);
        }
        put16(&f, 0x0800);
        put_ipv4(&f, 20, 10, 0, 17);
        put_udp(&f, 2);
        ck_assert_int_eq(parse(&f, &p), PARSE_IP);
        ck_assert_uint_eq(p.link_size, 14 + 4 * n);
        ck_assert_uint_eq(p.headers_size, 28);
        expect_ports(&p, 5353, 53);
    }
}
END_TEST

START_TEST(more_tags_than_there_can_be_are_malformed)
{
    struct frame f = {0};
    struct parse_output p;

    put_zeros(&f, 12);
    for (int i = 0; i < 4; i++) {
        put16(&f, 0x8100);
        put16(&f, 1);
    }
    put16(&f, 0x0800);
    put_ipv4(&f, 20, 10, 0, 17);
    put_udp(&f, 2);
    ck_assert_int_eq(parse(&f, &p), PARSE_BAD);
}
END_TEST

START_TEST(extension_headers_are_passed_up_to_the_transport)
{
    struct frame f = {0};
    struct parse_output p;

    put_ethernet(&f, 0x86dd);
    put_ipv6(&f, 8 + 24 + 16 + 20 + 8 + 12, 0);
    put_extension(&f, 43, 8);
    put_extension(&f, 60, 24);
    put_extension(&f, 51, 16);
    put8(&f, 44); /* AH counts in words of 4 bytes, less 2 */
    put8(&f, 20 / 4 - 2);
    put_zeros(&f, 18);
    put8(&f, 17); /* an atomic fragment: the first and the last */
    put_zeros(&f, 7);
    put_udp(&f, 4);
    ck_assert_int_eq(parse(&f, &p), PARSE_IP);
    ck_assert_uint_eq(p.protocol, 17);
    ck_assert_uint_eq(p.headers_size, 40 + 8 + 24 + 16 + 20 + 8 + 8);
    ck_assert(!p.later_fragment);
    expect_ports(&p, 5353, 53);
    ck_assert_uint_eq(p.source[15], 1);
    ck_assert_uint_eq(p.destination[15], 2);
}
END_TEST

START_TEST(neighbour_discovery_is_told_from_other_icmp)
{
    static const unsigned types[] = {128, 132, 133, 135, 136, 137, 138};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct frame f = {0}, v4 = {0};
        struct parse_output p;

        put_ethernet(&f, 0x86dd);
        put_ipv6(&f, 8, 58);
        put8(&f, types[i]);
        put_zeros(&f, 7 + 10); /* padding behind it */
        ck_assert_int_eq(parse(&f, &p), PARSE_IP);
        ck_assert_int_eq(p.neighbours, types[i] >= 133 && types[i] <= 137);
        ck_assert_uint_eq(p.ip_size, 48);
        put_ethernet(&v4, 0x0800);
        put_ipv4(&v4, 20, 8, 0, 58);
        put8(&v4, types[i]);
        put_zeros(&v4, 7);
        ck_assert_int_eq(parse(&v4, &p), PARSE_IP);
        ck_assert(!p.neighbours);
        ck_assert_uint_eq(p.ip_size, 28);
    }
}
END_TEST

START_TEST(later_fragments_have_no_ports_and_first_ones_do)
{
    for (unsigned offset = 0; offset < 2; offset++) {
        struct frame v4 = {0}, v6 = {0};
        struct parse_output p;

        put_ethernet(&v4, 0x0800);
        put_ipv4(&v4, 20, 16, 0x2000 | offset * 185, 17);
        put_udp(&v4, 8);
        ck_assert_int_eq(parse(&v4, &p), PARSE_IP);
        ck_assert_int_eq(p.later_fragment, offset);
        ck_assert_int_eq(p.has_ports, !offset);
        put_ethernet(&v6, 0x86dd);
        put_ipv6(&v6, 8 + 16, 44);
        put8(&v6, 17);
        put8(&v6, 0);
        put16(&v6, offset * 1448 | 1);
        put_zeros(&v6, 4);
        put_udp(&v6, 8);
        ck_assert_int_eq(parse(&v6, &p), PARSE_IP);
        ck_assert_int_eq(p.later_fragment, offset);
        ck_assert_int_eq(p.has_ports, !offset);
    }
}
END_TEST

START_TEST(another_protocol_is_no_error)
{
    struct frame f = {0};
    struct parse_output p;

    put_ethernet(&f, 0x0806);
    put_zeros(&f, 28);
    ck_assert_int_eq(parse(&f, &p), PARSE_NOT_IP);
    ck_assert_uint_eq(p.link_size, 14);
}
END_TEST

START_TEST(padding_behind_a_packet_is_not_part_of_it)
{
    struct frame f = {0};
    struct parse_output p;

    put_ethernet(&f, 0x0800);
    put_ipv4(&f, 20, 20, 0, 6);
    put_tcp(&f, 20);
    put_zeros(&f, 6);
    ck_assert_int_eq(parse(&f, &p), PARSE_IP);
    f.bytes[14 + 20 + 12] = 6 << 4; /* now the header of TCP would reach into the padding */
    ck_assert_int_eq(parse(&f, &p), PARSE_BAD);
}
END_TEST

/* Offsets behind Ethernet's header, in frames of 20 + 20 bytes of IPv4 and TCP or 40 + 8 of IPv6 and UDP. */
static const struct {
    bool ipv6;
    unsigned offset, value;
} contradictions[] = {
    {false, 0, 0x65},  /* IPv6 in a frame of IPv4 */
    {false, 0, 0x44},  /* a header of 16 bytes */
    {false, 0, 0x4f},  /* of 60, more than there is */
    {false, 3, 19},    /* a length less than the header */
    {false, 3, 60},    /* a length of more than the frame */
    {false, 32, 0x40}, /* TCP's header of 16 bytes */
    {false, 32, 0xf0}, /* of 60 */
    {true, 0, 0x45},   /* IPv4 in a frame of IPv6 */
    {true, 5, 60},     /* a length of more than the frame */
    {true, 5, 4},      /* ... and less than UDP's header */
    {true, 6, 0},      /* UDP's ports as a hop-by-hop header that leads nowhere */
};

START_TEST(headers_that_contradict_each_other_are_malformed)
{
    for (size_t i = 0; i < sizeof(contradictions) / sizeof(contradictions[0]); i++) {
        struct frame f = {0};
        struct parse_output p;

        put_ethernet(&f, contradictions[i].ipv6 ? 0x86dd : 0x0800);
        if (contradictions[i].ipv6) {
            put_ipv6(&f, 8, 17);
            put_udp(&f, 0);
        } else {
            put_ipv4(&f, 20, 20, 0, 6);
            put_tcp(&f, 20);
        }
        ck_assert_int_eq(parse(&f, &p), PARSE_IP);
        f.bytes[14 + contradictions[i].offset] = (unsigned char)contradictions[i].value;
        ck_assert_msg(parse(&f, &p) == PARSE_BAD, "contradiction %zu is noticed", i);
    }
}
END_TEST

/* The whole frame is short: malformed. Only what can be read of it is: more is asked for. */
START_TEST(each_length_is_enough_too_short_or_too_little_in_reach)
{
    struct frame f = {0};
    struct parse_output p;
    size_t headers;

    put_ethernet(&f, 0x8100);
    put16(&f, 5);
    put16(&f, 0x86dd);
    put_ipv6(&f, 16 + 20 + 30, 0);
    put_extension(&f, 6, 16);
    put_tcp(&f, 20);
    headers = f.n;
    put_zeros(&f, 30);
    for (size_t n = 0; n <= f.n; n++)
        ck_assert_int_eq(parse_some(&f, n, &p), n < headers ? PARSE_MORE : PARSE_IP);
    for (size_t n = 0; n < f.n; n++) {
        struct frame cut = f;

        cut.n = n;
        ck_assert_int_eq(parse(&cut, &p), PARSE_BAD);
        ck_assert_uint_le(p.link_size, n);
    }
}
END_TEST

START_TEST(a_super_packet_may_say_any_length)
{
    struct frame f = {0};
    struct parse_output p;
    struct parse_input in = {.data = f.bytes, .link_size = 14, .type_offset = 12, .super_packet = true};

    put_ethernet(&f, 0x0800);
    put_ipv4(&f, 20, 20, 0, 6);
    put_tcp(&f, 20);
    f.bytes[16] = f.bytes[17] = 0;
    in.end = f.bytes + f.n;
    in.frame_size = 70000;
    ck_assert_int_eq(parse_frame(&in, &p), PARSE_IP);
    ck_assert_uint_eq(p.headers_size, 40);
}
END_TEST

START_TEST(without_a_link_layer_the_version_tells_the_family)
{
    struct frame f = {0};
    struct parse_output p;
    struct parse_input in = {.data = f.bytes};

    put_ipv6(&f, 8, 17);
    put_udp(&f, 0);
    in.end = f.bytes + f.n;
    in.frame_size = (__u32)f.n;
    ck_assert_int_eq(parse_frame(&in, &p), PARSE_IP);
    ck_assert_uint_eq(p.link_size, 0);
    ck_assert_uint_eq(p.family, 10);
}
END_TEST

/* Noise behind a valid beginning: whatever it says, it is read within its bounds and gets an answer. */
START_TEST(any_bytes_get_an_answer_within_their_bounds)
{
    static const unsigned types[] = {0x0800, 0x86dd, 0x8100, 0x88a8, 0x0806};
    unsigned state = 20250101;
    size_t answers[4] = {0};

    for (int round = 0; round < 20000; round++) {
        struct frame f = {0};
        struct parse_output p;

        put_ethernet(&f, types[round % 5]);
        for (size_t n = (state = state * 1103515245 + 12345) >> 16 & 127; n; n--)
            put8(&f, (state = state * 1103515245 + 12345) >> 16);
        if (f.n > 14 && round & 8)
            f.bytes[14] = round % 5 == 1 ? 0x60 : 0x45;
        answers[parse_some(&f, f.n - (round & 16 ? f.n / 3 : 0), &p)]++;
        ck_assert_uint_le(p.link_size + p.headers_size, 4096 + 64);
    }
    for (int i = 0; i < 4; i++)
        ck_assert_uint_gt(answers[i], 0);
}
END_TEST

static Suite *parse_suite(void)
{
    const TTest *const tests[] = {
        tcp_over_ipv4_with_options_gives_addresses_ports_and_headers,
        tags_of_vlans_are_passed_one_in_the_other,
        more_tags_than_there_can_be_are_malformed,
        extension_headers_are_passed_up_to_the_transport,
        neighbour_discovery_is_told_from_other_icmp,
        later_fragments_have_no_ports_and_first_ones_do,
        another_protocol_is_no_error,
        padding_behind_a_packet_is_not_part_of_it,
        headers_that_contradict_each_other_are_malformed,
        each_length_is_enough_too_short_or_too_little_in_reach,
        a_super_packet_may_say_any_length,
        without_a_link_layer_the_version_tells_the_family,
        any_bytes_get_an_answer_within_their_bounds,
    };
    Suite *suite = suite_create("parse");
    TCase *tcase = tcase_create("parse");

    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return unit_main(parse_suite());
}
