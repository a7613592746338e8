/* Records of connections as the kernel side writes them, and what the store gets. */
#include "collector/connections.h"
#include "tests/support/unit.h"

#include <errno.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define EPOCH 100

static const struct connections_moment now = {
    .boot_ns = 5000000000, .wall_offset_ns = 1000000000000000000, .epoch = EPOCH};

static struct pdtt_connection tcp(uint64_t cookie, uint64_t started_ns)
{
    return (struct pdtt_connection){
        .cookie = cookie,
        .serial = started_ns,
        .started_ns = started_ns,
        .ends = {.protocol = IPPROTO_TCP, .family = AF_INET, .local_port = 22, .remote_port = 40000},
    };
}

static struct pdtt_connection ended(int error, int state)
{
    struct pdtt_connection c = tcp(1, 1000);

    c.end = PDTT_END_TCP;
    c.error = error;
    c.tcp_state = state;
    c.ended_ns = 4000000000;
    return c;
}

/* A further remote of a datagram socket. */
static struct pdtt_connection further(uint64_t last_epoch)
{
    struct pdtt_connection c = tcp(1, 1000);

    c.serial = 0;
    c.ends.protocol = IPPROTO_UDP;
    c.last_epoch = last_epoch;
    c.last_ns = 3000000000;
    return c;
}

static void expect_ended(struct pdtt_connection c, const char *word)
{
    const char *found = connections_ended(&c, EPOCH);

    ck_assert_ptr_ne(found, NULL);
    ck_assert_str_eq(found, word);
}

START_TEST(how_a_connection_ended_is_what_the_kernel_noted)
{
    expect_ended(ended(0, BPF_TCP_LAST_ACK), "closed");
    expect_ended(ended(0, BPF_TCP_FIN_WAIT2), "closed");
    expect_ended(ended(0, BPF_TCP_CLOSING), "closed");
    expect_ended(ended(0, BPF_TCP_ESTABLISHED), "reset");
    expect_ended(ended(0, BPF_TCP_CLOSE_WAIT), "reset");
    expect_ended(ended(0, BPF_TCP_SYN_SENT), "aborted");
    expect_ended(ended(ECONNRESET, BPF_TCP_ESTABLISHED), "reset");
    expect_ended(ended(EPIPE, BPF_TCP_CLOSE_WAIT), "reset");
    expect_ended(ended(ECONNREFUSED, BPF_TCP_SYN_SENT), "refused");
    expect_ended(ended(ETIMEDOUT, BPF_TCP_SYN_SENT), "timeout");
    expect_ended(ended(ETIMEDOUT, BPF_TCP_FIN_WAIT1), "timeout");
    expect_ended(ended(EHOSTUNREACH, BPF_TCP_SYN_SENT), "unreachable");
    expect_ended(ended(EPROTO, BPF_TCP_ESTABLISHED), "error");
}
END_TEST

START_TEST(one_under_way_has_no_end)
{
    struct pdtt_connection c = tcp(1, 1000);
    struct store_connection s;

    connections_describe(&c, &now, &s);
    ck_assert_ptr_eq(s.ended, NULL);
    ck_assert_int_eq(s.end_ms, 0);
    ck_assert(!connections_settled(&c, &now));
}
END_TEST

START_TEST(what_ended_a_moment_ago_stays_for_its_last_packets)
{
    struct pdtt_connection c = ended(0, BPF_TCP_LAST_ACK);

    ck_assert(connections_settled(&c, &now));
    c.ended_ns = now.boot_ns - 1000000;
    ck_assert(!connections_settled(&c, &now));
}
END_TEST

/* A program adds to an entry until it was silent for the idle epochs: pdttd may remove it one later, never at once. */
START_TEST(a_further_remote_goes_an_epoch_after_programs_gave_it_up)
{
    struct pdtt_connection in_use = further(EPOCH - PDTT_FLOW_IDLE_EPOCHS);
    struct pdtt_connection given_up = further(EPOCH - PDTT_FLOW_IDLE_EPOCHS - 1);
    struct pdtt_connection settled = further(EPOCH - PDTT_FLOW_IDLE_EPOCHS - 2);
    struct store_connection s;

    ck_assert_ptr_eq(connections_ended(&in_use, EPOCH), NULL);
    ck_assert(!connections_settled(&in_use, &now));
    expect_ended(given_up, "idle");
    ck_assert(!connections_settled(&given_up, &now));
    expect_ended(settled, "idle");
    ck_assert(connections_settled(&settled, &now));
    connections_describe(&settled, &now, &s);
    ck_assert_int_eq(s.end_ms, 1000000003000); /* its last packets, not when it was given up */
}
END_TEST

START_TEST(the_store_gets_all_that_the_record_has)
{
    struct pdtt_connection c = ended(0, BPF_TCP_LAST_ACK);
    struct store_connection s;

    c.n = (struct pdtt_counters){.bytes = {1, 2}, .packets = {3, 4}, .payload = {5, 6}};
    c.identity = 1000 | UINT64_C(2000) << 32;
    c.unit = 7;
    c.class_id = 8;
    c.pid = 9;
    c.retransmits = 10;
    c.srtt_us = 11;
    c.flow = PDTT_FLOW_IN | PDTT_FLOW_BEGUN;
    memcpy(c.comm, "sshd", 5);
    memcpy(c.ends.local, (unsigned char[]){192, 0, 2, 1}, 4);
    memcpy(c.ends.remote, (unsigned char[]){192, 0, 2, 2}, 4);
    connections_describe(&c, &now, &s);
    ck_assert_int_eq(s.start_ms, 1000000000000);
    ck_assert_int_eq(s.end_ms, 1000000004000);
    ck_assert_uint_eq(s.cookie, 1);
    ck_assert_uint_eq(s.started_boot_ns, 1000);
    ck_assert_int_eq(s.n.rx_bytes, 1);
    ck_assert_int_eq(s.n.tx_bytes, 2);
    ck_assert_int_eq(s.n.rx_packets, 3);
    ck_assert_int_eq(s.n.tx_packets, 4);
    ck_assert_int_eq(s.n.rx_payload_bytes, 5);
    ck_assert_int_eq(s.n.tx_payload_bytes, 6);
    ck_assert_int_eq(s.uid, 1000);
    ck_assert_int_eq(s.gid, 2000);
    ck_assert_int_eq(s.unit, 7);
    ck_assert_int_eq(s.class_id, 8);
    ck_assert_int_eq(s.pid, 9);
    ck_assert_int_eq(s.retransmits, 10);
    ck_assert_int_eq(s.srtt_us, 11);
    ck_assert_int_eq(s.initiative, STORE_INITIATIVE_IN);
    ck_assert_int_eq(s.protocol, IPPROTO_TCP);
    ck_assert_int_eq(s.family, AF_INET);
    ck_assert_uint_eq(s.local_port, 22);
    ck_assert_uint_eq(s.remote_port, 40000);
    ck_assert_int_eq(s.local[3], 1);
    ck_assert_int_eq(s.remote[3], 2);
    ck_assert_str_eq(s.comm, "sshd");
}
END_TEST

START_TEST(ids_that_nobody_has_are_the_stores)
{
    struct pdtt_connection c = tcp(1, 1000);
    struct store_connection s;

    c.identity = PDTT_NO_ID | (uint64_t)PDTT_NO_ID << 32;
    connections_describe(&c, &now, &s);
    ck_assert_int_eq(s.uid, STORE_UID_UNATTRIBUTED);
    ck_assert_int_eq(s.gid, STORE_GID_NONE);
}
END_TEST

START_TEST(one_that_ended_while_it_was_read_is_there_once_and_has_ended)
{
    struct pdtt_connection live = tcp(1, 1000), other = tcp(2, 1000), again = tcp(1, 2000), last = ended(0, 0);
    struct pdtt_connection all[] = {live, other, again, last, live};

    ck_assert_uint_eq(connections_unique(all, 5), 3);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(all[i].end, all[i].cookie == 1 && all[i].started_ns == 1000 ? PDTT_END_TCP : PDTT_END_OPEN);
}
END_TEST

START_TEST(of_two_readings_of_a_live_one_that_which_is_ahead_is_kept)
{
    struct pdtt_connection early = tcp(1, 1000), late = tcp(1, 1000);

    early.n.packets[PDTT_TX] = 5;
    late.n.packets[PDTT_TX] = 6;
    struct pdtt_connection all[] = {early, late, early};

    ck_assert_uint_eq(connections_unique(all, 3), 1);
    ck_assert_uint_eq(all[0].n.packets[PDTT_TX], 6);
    ck_assert_uint_eq(connections_unique(all, 0), 0);
}
END_TEST

START_TEST(remotes_of_a_socket_are_flows_of_their_own)
{
    struct pdtt_connection a = further(EPOCH), b = further(EPOCH), port = further(EPOCH);

    b.ends.remote[0] = 1;
    port.ends.remote_port++;
    struct pdtt_connection all[] = {a, b, port};

    ck_assert_uint_eq(connections_unique(all, 3), 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("connection_records");
    TCase *c = tcase_create("connection_records");

    tcase_add_test(c, how_a_connection_ended_is_what_the_kernel_noted);
    tcase_add_test(c, one_under_way_has_no_end);
    tcase_add_test(c, what_ended_a_moment_ago_stays_for_its_last_packets);
    tcase_add_test(c, a_further_remote_goes_an_epoch_after_programs_gave_it_up);
    tcase_add_test(c, the_store_gets_all_that_the_record_has);
    tcase_add_test(c, ids_that_nobody_has_are_the_stores);
    tcase_add_test(c, one_that_ended_while_it_was_read_is_there_once_and_has_ended);
    tcase_add_test(c, of_two_readings_of_a_live_one_that_which_is_ahead_is_kept);
    tcase_add_test(c, remotes_of_a_socket_are_flows_of_their_own);
    suite_add_tcase(suite, c);
    return unit_main(suite);
}
