/* Samples of packets in the store and in reports: what is kept, told, estimated, dropped, and made harmless. */
#include "common/clock.h"
#include "tests/support/report.h"
#include "tests/support/unit.h"

#include <arpa/inet.h>
#include <errno.h>

#define START INT64_C(1795132800) /* 2026-11-20 00:00 UTC */
#define NOW   (START + 3600)
#define EVIL  "e\033[2J,\"|\tx"

static struct store *store;
static struct calendar *utc;
static struct asked a;

static const unsigned char head[] = {0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 192, 0, 2, 1, 198, 51, 100, 7};

static struct store_sample sample_at(int64_t sec, int protocol, int64_t uid)
{
    struct store_sample p = {
        .time_ns = sec * NSEC_PER_SEC + 123456789,
        .interface = "eth0",
        .kind = "socket",
        .tx = true,
        .protocol = protocol,
        .family = AF_INET,
        .src_ip = {192, 0, 2, 1},
        .dst_ip = {198, 51, 100, 7},
        .src_port = 1234,
        .dst_port = 443,
        .packet_len = 40,
        .frame_len = 40,
        .segments = 1,
        .uid = uid,
        .gid = STORE_GID_NONE,
        .head = head,
        .head_len = sizeof(head),
    };

    if (protocol == TCP) {
        p.seq_num = 4000000000;
        p.ack_num = 7;
        p.tcp_flags = 0x12;
    }
    return p;
}

static struct store_sample_source source_of(unsigned char last, int64_t drawn, int64_t bytes_each)
{
    return (struct store_sample_source){
        .address = {192, 0, 2, last},
        .family = AF_INET,
        .drawn = drawn,
        .packets = drawn,
        .packets_squared = drawn,
        .bytes = drawn * bytes_each,
        .bytes_squared = drawn * bytes_each * bytes_each,
        .most_packets = 1,
        .most_bytes = bytes_each,
    };
}

static struct store_sampling sampling_of(int64_t start_sec, int64_t seen, int64_t drawn)
{
    return (struct store_sampling){.start_sec = start_sec,
                                   .end_sec = start_sec + 10,
                                   .rate = 128, /* what was wished for; 1 in 100 was drawn */
                                   .mode = "random",
                                   .seen = seen,
                                   .seen_packets = seen,
                                   .seen_bytes = seen * 1000,
                                   .drawn = drawn};
}

static void fill(void)
{
    struct store_sample samples[] = {sample_at(START + 60, TCP, 1000),
                                     sample_at(START + 61, UDP, STORE_UID_UNATTRIBUTED),
                                     sample_at(START + 62, TCP, 1001)};
    struct store_sample_source sources[] = {source_of(1, 90, 1000), source_of(2, 10, 100)};
    struct store_sampling n = sampling_of(START + 60, 10000, 100);

    samples[2].interface = EVIL;
    samples[2].tx = false;
    n.sources = sources;
    n.n_sources = 2;
    n.samples = samples;
    n.n_samples = 3;
    n.ring_full = 97;
    ck_assert_int_eq(store_note_user(store, 1000, "alice", START), 0);
    ck_assert_int_eq(store_note_user(store, 1001, EVIL, START), 0);
    ck_assert_int_eq(store_book_samples(store, &n), 0);
}

/* Kept for ever, and days begin as in UTC; at most so many samples. */
static struct store_policy policy_of(int64_t samples_most)
{
    struct store_policy p = {.timezone = "UTC", .samples_most = samples_most};

    for (int level = 0; level < STORE_LEVELS; level++)
        p.retention_sec[level] = STORE_FOREVER;
    return p;
}

static void set_up(void)
{
    struct store_policy p = policy_of(0);

    place_make();
    store = open_store(STORE_WRITE);
    ck_assert_int_eq(store_set_policy(store, &p), 0);
    ck_assert_int_eq(calendar_open("UTC", &utc), 0);
    a = (struct asked){store, utc, NOW};
    fill();
}

static void tear_down(void)
{
    calendar_close(utc);
    store_close(store);
    place_remove();
}

static void expect_page(const char *line, const char *expected)
{
    cleanup_free char *text = asked_page(&a, line);

    ck_assert_msg(strcmp(text, expected) == 0, "%s:\n%s", line, text);
}

#define HEADER                                                                                                         \
    "time_ns,interface,direction,kind,user,uid,gid,protocol,family,source,source_port,destination,"                    \
    "destination_port,length,segments,seq_num,ack_num,tcp_flags,head\n"
#define ENDS "192.0.2.1,1234,198.51.100.7,443,40,1,"
#define HEAD "450000280000000040060000c0000201c6336407\n"

START_TEST(packets_are_listed_newest_first_with_all_that_is_known)
{
    expect_page("-f csv --samples --since 2026-11-20", HEADER
                "1795132862123456789,\"e\\x1b[2J,\"\"|\\x09x\",rx,socket,\"e\\x1b[2J,\"\"|\\x09x\",1001,,tcp,4," ENDS
                "4000000000,7,18," HEAD "1795132861123456789,eth0,tx,socket,,,,udp,4," ENDS ",,," HEAD
                "1795132860123456789,eth0,tx,socket,alice,1000,,tcp,4," ENDS "4000000000,7,18," HEAD);
}
END_TEST

START_TEST(filters_and_top_hold)
{
    expect_page("-f csv --samples --since 2026-11-20 --user alice",
                HEADER "1795132860123456789,eth0,tx,socket,alice,1000,,tcp,4," ENDS "4000000000,7,18," HEAD);
    expect_page("-f csv --samples --since 2026-11-20 --proto udp",
                HEADER "1795132861123456789,eth0,tx,socket,,,,udp,4," ENDS ",,," HEAD);
    expect_page("-f csv --samples --since @1795132861 --until @1795132862",
                HEADER "1795132861123456789,eth0,tx,socket,,,,udp,4," ENDS ",,," HEAD);
    cleanup_free char *text = asked_page(&a, "-f csv --samples --since 2026-11-20 --top 1");
    ck_assert_int_eq(strncmp(text, HEADER "1795132862", strlen(HEADER "1795132862")), 0);
    ck_assert_ptr_null(strstr(text, "eth0"));
    asked_failure(&a, "--samples --user nobody_of_this_name", -ENOENT, "unknown user");
}
END_TEST

/* Names of interfaces and users are text from outside. */
START_TEST(no_format_shows_what_a_name_would_do)
{
    static const char *const formats[] = {"table", "json", "csv", "tsv", "log"};

    for (size_t i = 0; i < array_length(formats); i++) {
        cleanup_free char *line = NULL, *text = NULL;

        ck_assert_int_ge(asprintf(&line, "-f %s --samples --since 2026-11-20", formats[i]), 0);
        text = asked_page(&a, line);
        ck_assert_ptr_null(strchr(text, '\033'));
        ck_assert_ptr_nonnull(strstr(text, "[2J"));
    }
    cleanup_free char *text = asked_page(&a, "-P --samples --since 2026-11-20");
    ck_assert_ptr_nonnull(strstr(text, "\\x7c"));
}
END_TEST

START_TEST(a_capture_is_in_order_of_time_from_the_ip_header_on)
{
    cleanup_free char *text = NULL;
    char *words[] = {(char *)"pdtt-report", (char *)"--samples", (char *)"-f",
                     (char *)"pcap",        (char *)"-S",        (char *)"2026-11-20"};
    struct report_options o;
    cleanup_free char *why = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    uint32_t word[4];

    ck_assert_int_eq(report_options_parse(6, words, &(struct report_environment){.database = place_path}, &o), 0);
    ck_assert_int_eq(report_write(store, utc, NOW, &o, out, &why), 0);
    fclose(out);
    report_options_done(&o);
    ck_assert_uint_eq(size, 24 + 3 * (16 + sizeof(head)));
    memcpy(word, text, sizeof(word));
    ck_assert_uint_eq(word[0], 0xa1b23c4d);
    memcpy(word, text + 20, 4);
    ck_assert_uint_eq(word[0], 101);
    memcpy(word, text + 24, sizeof(word));
    ck_assert_uint_eq(word[0], START + 60);
    ck_assert_uint_eq(word[1], 123456789);
    ck_assert_uint_eq(word[2], sizeof(head));
    ck_assert_uint_eq(word[3], 40);
    ck_assert_int_eq(memcmp(text + 40, head, sizeof(head)), 0);
}
END_TEST

START_TEST(sources_are_estimated_by_what_was_really_drawn)
{
    cleanup_free char *text = asked_page(&a, "--by source --since 2026-11-20");
    json_t *root = asked_json(&a, "--by source --since 2026-11-20"), *rows = json_object_get(root, "rows"), *row;

    ck_assert_uint_eq(json_array_size(rows), 2);
    row = json_array_get(rows, 0);
    ck_assert_str_eq(json_text_of(row, "source"), "192.0.2.1");
    ck_assert_int_eq(json_number(row, "drawn"), 90);
    ck_assert_int_eq(json_number(row, "packets"), 9000);
    ck_assert_int_eq(json_number(row, "bytes"), 9000000);
    ck_assert_int_lt(json_number(row, "bytes_low"), 7600000);
    ck_assert_int_gt(json_number(row, "bytes_low"), 7000000);
    ck_assert_int_le(json_number(row, "bytes_high"), 10000000); /* what all sources had */
    row = json_array_get(rows, 1);
    ck_assert_int_eq(json_number(row, "packets"), 1000);
    ck_assert_int_lt(json_number(row, "packets_low"), 500);
    ck_assert_int_gt(json_number(row, "packets_high"), 1800);
    ck_assert_int_eq(json_number(json_object_get(root, "samples"), "lost"), 97);
    json_decref(root);
    ck_assert_ptr_nonnull(strstr(text, "Samples:  100 of 10000 frames drawn, one in 100.0; all were 10000 packets of"));
    ck_assert_ptr_nonnull(strstr(text, "Note:     the details of 97 that were drawn are lost; estimates have them\n"));
}
END_TEST

START_TEST(intervals_of_one_rate_are_scaled_together)
{
    struct store_sample_source source = source_of(1, 1, 1000);
    struct store_sampling n = sampling_of(START + 70, 20, 1), none = sampling_of(START + 80, 80, 0);

    n.sources = &source;
    n.n_sources = 1;
    ck_assert_int_eq(store_book_samples(store, &n), 0);
    ck_assert_int_eq(store_book_samples(store, &none), 0);
    json_t *root = asked_json(&a, "--by source --since 2026-11-20");
    /* 91 of 101 that were drawn of 10100 */
    ck_assert_int_eq(json_number(json_array_get(json_object_get(root, "rows"), 0), "packets"), 9100);
    json_decref(root);
}
END_TEST

START_TEST(samples_expire_and_are_never_more_than_their_limit)
{
    struct store_policy p = policy_of(2);

    ck_assert_int_eq(store_set_policy(store, &p), 0);
    ck_assert_int_eq(store_book_samples(store, NULL), 0);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM packet_sample"), 2);
    ck_assert_int_eq(sql_int("SELECT min(id) FROM packet_sample"), 2);
    p.samples_sec = 3600; /* they are of 2026, or the clock is of before */
    ck_assert_int_eq(store_set_policy(store, &p), 0);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sample_source"), 2);
    if (clock_realtime_sec() > START + 7200) {
        ck_assert_int_eq(store_book_samples(store, NULL), 0);
        ck_assert_int_eq(sql_int("SELECT (SELECT count(*) FROM packet_sample) + (SELECT count(*) FROM sample_source)"
                                 " + (SELECT count(*) FROM sample_interval)"),
                         0);
    }
}
END_TEST

static void expect_bad_usage(const char *option, const char *value)
{
    char *argv[] = {(char *)"pdtt-report", (char *)option, (char *)value, (char *)"--samples"};
    struct report_options o;

    ck_assert_int_lt(
        report_options_parse(value ? 4 : 2, argv, &(struct report_environment){.database = place_path}, &o), 0);
    report_options_done(&o);
}

START_TEST(what_no_packet_has_is_refused)
{
    static const char *const options[][2] = {{"--project", "p"}, {"--class", "external"}, {"--period", "day"},
                                             {"--by", "user"},   {"--unit", "*"},         {"--sort", "total"}};

    for (size_t i = 0; i < array_length(options); i++)
        expect_bad_usage(options[i][0], options[i][1]);
    expect_bad_usage("--format=pcap", NULL);
    expect_bad_usage("--by=source,user", NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("report_samples");
    TCase *c = tcase_create("samples");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, packets_are_listed_newest_first_with_all_that_is_known);
    tcase_add_test(c, filters_and_top_hold);
    tcase_add_test(c, no_format_shows_what_a_name_would_do);
    tcase_add_test(c, a_capture_is_in_order_of_time_from_the_ip_header_on);
    tcase_add_test(c, sources_are_estimated_by_what_was_really_drawn);
    tcase_add_test(c, intervals_of_one_rate_are_scaled_together);
    tcase_add_test(c, samples_expire_and_are_never_more_than_their_limit);
    tcase_add_test(c, what_no_packet_has_is_refused);
    suite_add_tcase(suite, c);
    return unit_main(suite);
}
