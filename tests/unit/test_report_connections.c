/* Reports from connections: what they say of each, what no connection holds, and how far back they go. */
#include "tests/support/connections.h"
#include "tests/support/report.h"
#include "tests/support/unit.h"

#include <errno.h>

#define START INT64_C(1795132800) /* 2026-11-20 00:00 UTC */
#define NOW   (START + 3600)

static struct store *store;
static struct calendar *utc;
static struct asked a;

/*
 * Uid 1000 moves more than its two connections, uid 1001 has none; the second connection is open. One of the names is
 * what nobody would like to see on a terminal.
 */
static void fill(void)
{
    struct store_connection c[] = {connection(1, START + 1, "203.0.113.7", "rsync"),
                                   connection(2, START + 2, "2001:db8::7", "\033[2J,\"|\tevil\n"),
                                   connection(3, START + 3, "203.0.113.7", "(other)")};
    struct store_usage rows[] = {usage(1000, 100, 10000, 2000), usage(1001, 100, 500, 50)};
    struct store_interval i = interval_of(1, START, &rows[0], c, 3);

    ck_assert_int_eq(store_note_user(store, 1000, "alice", START), 0);
    ck_assert_int_eq(store_unit_id(store, "a/job_1", &c[0].unit), 0);
    rows[1].protocol = UDP;
    move(&c[0], 6000, 100);
    c[0].retransmits = 3;
    c[0].srtt_us = 1250;
    end(&c[0], START + 63, "closed");
    move(&c[1], 1000, 1000);
    c[1].initiative = STORE_INITIATIVE_IN;
    c[1].pid = 0;
    c[1].cgroup = "/\033]0;x\a";
    move(&c[2], 100, 0);
    end(&c[2], START + 4, "reset");
    i.other_connections = (struct store_counters){.tx_bytes = 300};
    i.other_connections_count = 2;
    ck_assert_int_eq(store_book_interval(store, &i, rows, 2), 0);
    move(&c[1], 20, 30);
    rows[0] = usage(1000, 100, 70, 80);
    i = interval_of(2, START + 300, &rows[0], c, 3);
    ck_assert_int_eq(store_book_interval(store, &i, rows, 1), 0);
}

static void set_up(void)
{
    place_make();
    store = open_store(STORE_WRITE);
    hurry(store);
    set_zone(store, "UTC");
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

/* The page must be this, to the letter. */
static void expect_page(const char *line, const char *expected)
{
    cleanup_free char *text = asked_page(&a, line);

    ck_assert_msg(strcmp(text, expected) == 0, "%s:\n%s", line, text);
}

START_TEST(rows_of_processes_and_remotes_add_up_to_the_ledger)
{
    expect_page("-f csv --by process --since 2026-11-20 --sort process",
                "process,tx_bytes,rx_bytes,tx_packets,rx_packets,tx_payload_bytes,rx_payload_bytes,total_bytes\n"
                "\"\\x1b[2J,\"\"|\\x09evil\\x0a\",1020,1030,10,10,0,0,2050\n"
                "\"\"\"(other)\"\"\",100,0,1,0,0,0,100\n"
                "(other),3450,1000,34,9,0,0,4450\n"
                "rsync,6000,100,60,1,0,0,6100\n");
    expect_page(
        "-P --by user,remote --since 2026-11-20 --sort remote",
        "user|uid|remote|tx_bytes|rx_bytes|tx_packets|rx_packets|tx_payload_bytes|rx_payload_bytes|total_bytes\n"
        "alice|1000|(other)|2950|950|29|9|0|0|3900\n"
        "uid 1001|1001|(other)|500|50|5|0|0|0|550\n"
        "alice|1000|2001:db8::7|1020|1030|10|10|0|0|2050\n"
        "alice|1000|203.0.113.7|6100|100|61|1|0|0|6200\n");
    expect_page("-f tsv --by remote,proto --since 2026-11-20 --until @1795133100 --user alice --top 1",
                "remote\tprotocol\ttx_bytes\trx_bytes\ttx_packets\trx_packets\ttx_payload_bytes\trx_payload_bytes\t"
                "total_bytes\n"
                "203.0.113.7\ttcp\t6100\t100\t61\t1\t0\t0\t6200\n"
                "(2 others)\t\t3900\t1900\t39\t19\t0\t0\t5800\n");
}
END_TEST

START_TEST(filters_and_periods_hold_for_what_no_connection_holds_too)
{
    expect_page("-f csv --by process --since 2026-11-20 --user 1001",
                "process,tx_bytes,rx_bytes,tx_packets,rx_packets,tx_payload_bytes,rx_payload_bytes,total_bytes\n"
                "(other),500,50,5,0,0,0,550\n");
    expect_page("-f csv --by process --since 2026-11-20 --proto udp --payload",
                "process,tx_bytes,rx_bytes,tx_packets,rx_packets,tx_payload_bytes,rx_payload_bytes,total_bytes\n"
                "(other),500,50,5,0,0,0,0\n");
    expect_page("-f csv --by unit --unit *job* --since 2026-11-20",
                "unit,tx_bytes,rx_bytes,tx_packets,rx_packets,tx_payload_bytes,rx_payload_bytes,total_bytes\n");
    json_t *root = asked_json(&a, "--by remote --period 5min --since 2026-11-20 --proto tcp");
    ck_assert_uint_eq(json_array_size(json_object_get(root, "rows")), 5);
    ck_assert_int_eq(json_number(json_object_get(root, "totals"), "tx_bytes"), 10070);
    json_decref(root);
}
END_TEST

START_TEST(the_head_says_how_much_connections_hold)
{
    cleanup_free char *text = asked_page(&a, "--by process --since 2026-11-20 --units bytes");
    json_t *root = asked_json(&a, "--by process --since 2026-11-20"), *held = json_object_get(root, "connections");

    ck_assert_msg(strstr(text,
                         "\nDetail:   64.96 % of the bytes are of recorded connections, (other) is the rest; 300 of"
                         " it of connections beyond the limit (2 began)\n") != NULL,
                  "%s", text);
    ck_assert_ptr_null(strchr(text, '\033'));
    ck_assert_int_eq(json_number(held, "held_bytes"), 8250);
    ck_assert_int_eq(json_number(held, "other_bytes"), 4450);
    ck_assert_int_eq(json_number(held, "since"), START);
    ck_assert_int_eq(json_number(json_object_get(held, "beyond_limit"), "connections"), 2);
    json_decref(root);
}
END_TEST

/* In the middle of five minutes both the connections and the ledger are those of all of them. */
START_TEST(a_range_is_widened_to_five_minutes)
{
    json_t *root = asked_json(&a, "--by process --since @1795132810 --until @1795132900");
    cleanup_free char *text = asked_page(&a, "--by process --since @1795132810 --until @1795132900");

    ck_assert_int_eq(json_number(root, "effective_since"), START);
    ck_assert_int_eq(json_number(root, "effective_until"), START + 300);
    ck_assert_int_eq(json_number(json_object_get(root, "totals"), "tx_bytes"), 10500);
    ck_assert_ptr_nonnull(strstr(text, "Note:     what connections move is kept by five minutes: showing 2026-11-20"));
    json_decref(root);
    asked_failure(&a, "--by process --since @1795132810 --until @1795132900 --user nosuchperson", -ENOENT,
                  "unknown user 'nosuchperson'");
}
END_TEST

START_TEST(a_connection_is_listed_with_all_that_is_known_of_it)
{
    expect_page("--connections -f csv --since 2026-11-20 --sort start",
                "user,uid,project,unit,process,pid,cgroup,class,protocol,family,initiative,local_address,local_port,"
                "remote_address,remote_port,start,end,duration_ms,tx_bytes,rx_bytes,tx_packets,rx_packets,"
                "tx_payload_bytes,rx_payload_bytes,total_bytes,retransmits,srtt_us,ended\n"
                "alice,1000,gid 100,a/job_1,rsync,4242,/user.slice,external,tcp,4,out,192.0.2.1,40000,203.0.113.7,443,"
                "1795132801,1795132863,62000,6000,100,60,1,0,0,6100,3,1250,closed\n"
                "alice,1000,gid 100,(none),\"\\x1b[2J,\"\"|\\x09evil\\x0a\",,\"/\\x1b]0;x\\x07\",external,tcp,6,in,"
                "2001:db8::1,40000,2001:db8::7,443,1795132802,,308000,1020,1030,10,10,0,0,2050,0,,\n"
                "alice,1000,gid 100,(none),(other),4242,/user.slice,external,tcp,4,out,192.0.2.1,40000,203.0.113.7,443,"
                "1795132803,1795132804,1000,100,0,1,0,0,0,100,0,,reset\n");
}
END_TEST

START_TEST(the_list_is_for_people_too_and_sorted_and_cut)
{
    cleanup_free char *text = asked_page(&a, "--connections --since 2026-11-20 --sort duration --top 2");
    const char *table = strstr(text, "\nUSER");

    ck_assert_ptr_nonnull(table);
    ck_assert_ptr_nonnull(strstr(table, " \\x1b[2J,\"|\\x09evil\\x0a "));
    ck_assert_ptr_nonnull(strstr(table, "5 min 08 s"));
    ck_assert_ptr_nonnull(strstr(table, "[2001:db8::1]:40000 [2001:db8::7]:443 2026-11-20 00:00:02"));
    ck_assert_ptr_nonnull(strstr(table, "1 min 02 s"));
    ck_assert_ptr_nonnull(strstr(table, "1.25 ms"));
    ck_assert_ptr_nonnull(strstr(table, "\n(1 other)"));
    ck_assert_ptr_null(strchr(text, '\033'));
    json_t *root = asked_json(&a, "--connections --since 2026-11-20 --top 1");
    ck_assert_uint_eq(json_array_size(json_object_get(root, "rows")), 2);
    ck_assert_int_eq(json_number(json_object_get(root, "totals"), "total_bytes"), 8250);
    json_decref(root);
    asked_failure(&a, "--connections --since 2026-11-20 --user nosuchperson", -ENOENT, "unknown user 'nosuchperson'");
}
END_TEST

START_TEST(only_connections_that_were_open_in_the_range_are_listed)
{
    static const struct {
        const char *range;
        size_t n;
    } ranges[] = {
        {"--since @1795132700 --until @1795132801", 0}, {"--since @1795132700 --until @1795132802", 1},
        {"--since @1795132804 --until @1795132805", 3}, {"--since @1795132805 --until @1795132806", 2},
        {"--since @1795132863 --until @1795132864", 2}, {"--since @1795132864 --until @1795132865", 1},
        {"--since @1795136000 --until @1795136001", 1}, {"--since 2026-11-20 --unit *job*", 1},
        {"--since 2026-11-20 --proto udp", 0},
    };

    for (size_t i = 0; i < array_length(ranges); i++) {
        cleanup_free char *line = NULL;
        ck_assert_int_ge(asprintf(&line, "--connections %s", ranges[i].range), 0);
        json_t *root = asked_json(&a, line);
        ck_assert_msg(json_array_size(json_object_get(root, "rows")) == ranges[i].n, "%s", line);
        json_decref(root);
    }
}
END_TEST

START_TEST(the_text_log_tells_each_connection)
{
    expect_page("--connections -f log --since 2026-11-20 --until @1795136400 --sort start",
                "=== Per-Connection Statistics [2026-11-20 01:00:00] ===\n"
                "UID: 1000 | Username: alice | Protocol: tcp\n"
                "Process: rsync (PID: 4242)\n"
                "  Source: 192.0.2.1:40000\n"
                "  Destination: 203.0.113.7:443\n"
                "  Start: 2026-11-20 00:00:01 | Duration: 1 min 02 s | Ended: closed\n"
                "  TX: 6000 bytes (60 packets)\n"
                "  RX: 100 bytes (1 packets)\n"
                "  Total: 6100 bytes (61 packets)\n"
                "---\n"
                "UID: 1000 | Username: alice | Protocol: tcp\n"
                "Process: \\x1b[2J,\"|\\x09evil\\x0a\n"
                "  Source: [2001:db8::7]:443\n"
                "  Destination: [2001:db8::1]:40000\n"
                "  Start: 2026-11-20 00:00:02 | Duration: 5 min 08 s | Ended: open\n"
                "  TX: 1020 bytes (10 packets)\n"
                "  RX: 1030 bytes (10 packets)\n"
                "  Total: 2050 bytes (20 packets)\n"
                "---\n"
                "UID: 1000 | Username: alice | Protocol: tcp\n"
                "Process: (other) (PID: 4242)\n"
                "  Source: 192.0.2.1:40000\n"
                "  Destination: 203.0.113.7:443\n"
                "  Start: 2026-11-20 00:00:03 | Duration: 1.0 s | Ended: reset\n"
                "  TX: 100 bytes (1 packets)\n"
                "  RX: 0 bytes (0 packets)\n"
                "  Total: 100 bytes (1 packets)\n"
                "---\n");
}
END_TEST

/* Two hours later connections are kept for one hour, raw for less. */
static void grow_old(void)
{
    struct store_policy p = keep_all("UTC");
    struct store_usage row = usage(1000, 100, 1000, 0);

    p.connections_sec = 3600;
    p.retention_sec[STORE_RAW] = 600;
    set_policy(store, p);
    for (uint64_t epoch = 3; epoch < 723; epoch++) {
        struct store_connection c = connection(2, START + 2, "203.0.113.7", "rsync");
        ck_assert_int_eq(store_unit_id(store, "a/job_2", &c.unit), 0);
        move(&c, 2000 + (int64_t)epoch * 600, 2000);
        struct store_interval i = interval_of(epoch, START + 10 * (int64_t)epoch, &row, &c, 1);
        book_interval(store, &i, row);
    }
    a.now_sec = START + 7230;
}

START_TEST(what_is_not_kept_any_more_is_refused_or_left_out)
{
    grow_old();
    asked_failure(&a, "--by process --since 2026-11-20", -ERANGE, "keeps connections since 2026-11-20 01:0");
    asked_failure(&a, "--connections --since 2026-11-20", -ERANGE, "(retention.connections)");
    cleanup_free char *text = asked_page(&a, "--by process"); /* which is this month */
    ck_assert_ptr_nonnull(strstr(text, "Note:     connections of an earlier time are not kept any more\n"));
    ck_assert_ptr_nonnull(strstr(text, "Detail:   60.00 % of the bytes"));
    asked_failure(&a, "--by unit --period interval --since @1795137300", -ERANGE, "keeps single intervals");
}
END_TEST

/* Raw is gone after ten minutes, connections after an hour: half an hour ago units are those of connections. */
START_TEST(units_of_connections_outlive_raw_data)
{
    grow_old();
    expect_page("-f csv --by unit --since @1795138200 --until @1795138500",
                "unit,tx_bytes,rx_bytes,tx_packets,rx_packets,tx_payload_bytes,rx_payload_bytes,total_bytes\n"
                "a/job_2,18000,0,180,0,0,0,18000\n"
                "(other),12000,0,120,0,0,0,12000\n");
    cleanup_free char *text = asked_page(&a, "--by process --unit *job* --since @1795138200 --until @1795138500");
    ck_assert_ptr_nonnull(strstr(text, "Detail:   connections only: units of that time are known of nothing else\n"));
    ck_assert_ptr_null(strstr(text, "\n(other)"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("report_connections");
    TCase *c = tcase_create("connections");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, rows_of_processes_and_remotes_add_up_to_the_ledger);
    tcase_add_test(c, filters_and_periods_hold_for_what_no_connection_holds_too);
    tcase_add_test(c, the_head_says_how_much_connections_hold);
    tcase_add_test(c, a_range_is_widened_to_five_minutes);
    tcase_add_test(c, a_connection_is_listed_with_all_that_is_known_of_it);
    tcase_add_test(c, the_list_is_for_people_too_and_sorted_and_cut);
    tcase_add_test(c, only_connections_that_were_open_in_the_range_are_listed);
    tcase_add_test(c, the_text_log_tells_each_connection);
    tcase_add_test(c, what_is_not_kept_any_more_is_refused_or_left_out);
    tcase_add_test(c, units_of_connections_outlive_raw_data);
    suite_add_tcase(suite, c);
    return unit_main(suite);
}
