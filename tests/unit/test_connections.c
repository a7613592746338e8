/* Connections in the store: what is booked of them, once, whatever is given again and whoever dies when. */
#include "tests/support/connections.h"
#include "tests/support/unit.h"

#include <errno.h>

#define START INT64_C(1795132800) /* 2026-11-20 00:00 UTC */

static void make(void)
{
    place_make();
    struct store *s = open_store(STORE_WRITE);
    hurry(s);
    set_zone(s, "UTC");
    store_close(s);
}

static struct store *reopen(struct store *s)
{
    store_close(s);
    s = open_store(STORE_WRITE);
    hurry(s);
    return s;
}

START_TEST(a_connection_is_stored_with_all_that_is_known_of_it)
{
    struct store *s = open_store(STORE_WRITE);
    struct store_connection c = connection(77, START, "2001:db8::203:7", "rsync");

    ck_assert_int_eq(store_note_user(s, 1000, "alice", START), 0);
    ck_assert_int_eq(store_note_group(s, 100, "physics", START), 0);
    move(&c, 5000, 700);
    c.retransmits = 3;
    c.srtt_us = 1250;
    end(&c, START + 4, "reset");
    book_connections(s, 1, START, &c, 1);
    ck_assert_int_eq(sql_int("SELECT user = 'alice' AND uid = 1000 AND project = 'physics' AND class = 'external'"
                             " AND protocol = 'tcp' AND family = 6 AND initiative = 'out'"
                             " AND local_address = '2001:db8::1' AND local_port = 40000"
                             " AND remote_address = '2001:db8::203:7' AND remote_port = 443 AND pid = 4242"
                             " AND process = 'rsync' AND cgroup = '/user.slice' AND ended = 'reset'"
                             " AND duration_ms = 4000 AND tx_bytes = 5000 AND rx_bytes = 700 AND tx_packets = 50"
                             " AND rx_packets = 7 AND retransmits = 3 AND srtt_us = 1250 FROM v_connection"),
                     1);
    ck_assert_int_eq(sql_int("SELECT start = datetime(1795132800, 'unixepoch', 'localtime')"
                             " AND end = datetime(1795132804, 'unixepoch', 'localtime') FROM v_connection"),
                     1);
    expect_equal_connections();
    store_close(s);
}
END_TEST

START_TEST(each_interval_books_what_the_connection_moved_in_it)
{
    struct store *s = open_store(STORE_WRITE);
    struct store_connection c[] = {connection(1, START, "203.0.113.7", "scp"),
                                   connection(2, START, "203.0.113.8", "curl")};

    move(&c[0], 100, 10);
    book_connections(s, 1, START, c, 2);
    move(&c[0], 200, 20);
    move(&c[1], 7, 0);
    book_connections(s, 2, START + 300, c, 2);
    book_connections(s, 3, START + 600, c, 2); /* nothing moved: no row */
    move(&c[0], 400, 40);
    end(&c[0], START + 905, "closed");
    book_connections(s, 4, START + 900, c, 2);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM connection_usage"), 4);
    ck_assert_int_eq(sql_int("SELECT tx_bytes * 1000 + rx_bytes FROM connection_usage WHERE start_sec = 1795132800"),
                     100010);
    ck_assert_int_eq(sql_int("SELECT u.tx_bytes FROM connection_usage u JOIN connection c ON c.id = u.connection"
                             " WHERE start_sec = 1795133100 AND cookie = 1"),
                     200);
    ck_assert_int_eq(sql_int("SELECT tx_bytes FROM v_connection WHERE process = 'scp'"), 700);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM v_connection WHERE ended IS NULL AND end IS NULL"), 1);
    expect_equal_connections();
    store_close(s);
}
END_TEST

START_TEST(a_state_that_is_given_again_books_nothing)
{
    struct store *s = open_store(STORE_WRITE);
    struct store_connection c = connection(1, START, "203.0.113.7", "scp"), before;
    struct store_usage row = usage(1000, 100, 1, 1);
    struct store_interval again = interval_of(1, START, &row, &c, 1);

    move(&c, 100, 10);
    book_connections(s, 1, START, &c, 1);
    ck_assert_int_eq(store_book_interval(s, &again, &row, 1), -EALREADY);
    book_connections(s, 2, START + 10, &c, 1);
    s = reopen(s);
    book_connections(s, 3, START + 20, &c, 1);
    before = c;
    move(&c, 11, 1);
    book_connections(s, 4, START + 30, &c, 1);
    book_connections(s, 5, START + 40, &before, 1); /* older than what is stored: changes nothing */
    book_connections(s, 6, START + 50, (struct store_connection[]){c, c}, 2);
    move(&c, 50, 5);
    end(&c, START + 65, "closed");
    for (uint64_t epoch = 7; epoch < 10; epoch++) {
        book_connections(s, epoch, START + 10 * (int64_t)epoch, &c, 1);
        s = reopen(s); /* the kernel's record outlived the one that booked it */
    }
    ck_assert_int_eq(sql_int("SELECT count(*) FROM connection"), 1);
    ck_assert_int_eq(sql_int("SELECT sum(tx_bytes) * 1000 + sum(rx_bytes) FROM connection_usage"), 161016);
    ck_assert_int_eq(sql_int("SELECT end_ms FROM v_connection WHERE ended = 'closed'"), (START + 65) * 1000);
    expect_equal_connections();
    store_close(s);
}
END_TEST

START_TEST(equal_cookies_of_two_boots_and_two_remotes_of_a_socket_are_different_connections)
{
    struct store *s = open_store(STORE_WRITE);
    struct store_connection c[] = {
        connection(5, START, "203.0.113.7", "dns"), connection(5, START, "203.0.113.8", "dns"),
        connection(5, START, "203.0.113.7", "dns"), connection(5, START, "203.0.113.7", "dns")};

    c[2].remote_port = 53;
    c[3].started_boot_ns++;
    for (int i = 0; i < 4; i++)
        move(&c[i], 10 << i, 0);
    book_connections(s, 1, START, c, 4);
    book_connections(s, 2, START + 10, c, 4);
    ck_assert_int_eq(sql_int("SELECT count(DISTINCT tx_bytes) FROM v_connection"), 4);
    ck_assert_int_eq(sql_int("SELECT sum(tx_bytes) FROM connection_usage"), 150);
    expect_equal_connections();
    store_close(s);
}
END_TEST

START_TEST(what_vanished_with_a_reboot_ends_as_lost_when_it_was_seen_last)
{
    struct store *s = open_store(STORE_WRITE);
    struct store_connection c[] = {connection(1, START, "203.0.113.7", "scp"),
                                   connection(2, START, "203.0.113.8", "ssh")};
    struct store_usage row = usage(1000, 100, 1000, 1000);

    move(&c[0], 100, 0);
    move(&c[1], 1, 0);
    book_connections(s, 1, START, c, 2);
    book_connections(s, 2, START + 10, c, 1); /* only what changed was given: nothing is lost by that */
    ck_assert_int_eq(sql_int("SELECT count(*) FROM v_connection WHERE ended IS NULL"), 2);
    s = reopen(s);
    struct store_connection after = connection(1, START + 400, "203.0.113.9", "curl");
    after.started_boot_ns = 17;
    move(&after, 30, 0);
    struct store_interval i = interval_of(1, START + 400, &row, &after, 1);
    i.ledger = 1;
    book_interval(s, &i, row);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM v_connection WHERE ended = 'lost'"), 2);
    ck_assert_int_eq(sql_int("SELECT count(DISTINCT end_ms) * 0 + max(end_ms) FROM v_connection WHERE ended = 'lost'"),
                     (START + 20) * 1000);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM v_connection WHERE ended IS NULL AND process = 'curl'"), 1);
    expect_equal_connections();
    store_close(s);
}
END_TEST

START_TEST(a_connection_that_outlives_its_ledger_goes_on_and_one_taken_for_lost_opens_again)
{
    struct store *s = open_store(STORE_WRITE);
    struct store_connection c[] = {connection(1, START, "203.0.113.7", "scp"),
                                   connection(2, START, "203.0.113.8", "ssh")};
    struct store_usage row = usage(1000, 100, 1000, 1000);

    move(&c[0], 100, 0);
    move(&c[1], 1, 0);
    book_connections(s, 1, START, c, 2);
    move(&c[0], 5, 0);
    struct store_interval i = interval_of(1, START + 10, &row, c, 1);
    i.ledger = 1;
    book_interval(s, &i, row);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM v_connection WHERE ended IS NULL AND process = 'scp'"), 1);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM v_connection WHERE ended = 'lost' AND process = 'ssh'"), 1);
    move(&c[1], 6, 0);
    i = interval_of(2, START + 20, &row, c, 2);
    i.ledger = 1;
    i.connections_all = true;
    book_interval(s, &i, row);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM v_connection WHERE ended IS NULL"), 2);
    ck_assert_int_eq(sql_int("SELECT tx_bytes FROM v_connection WHERE process = 'ssh'"), 7);
    i = interval_of(3, START + 30, &row, c, 1);
    i.ledger = 1;
    i.connections_all = true;
    book_interval(s, &i, row);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM v_connection WHERE ended = 'lost' AND process = 'ssh'"), 1);
    expect_equal_connections();
    store_close(s);
}
END_TEST

START_TEST(a_connection_belongs_to_whom_it_was_last_given_for)
{
    struct store *s = open_store(STORE_WRITE);
    struct store_connection c = connection(1, START, "203.0.113.7", "sshd");

    c.uid = c.gid = 0;
    move(&c, 100, 10);
    book_connections(s, 1, START, &c, 1);
    c.uid = 1000;
    c.gid = 100;
    c.project = "astro";
    c.comm = "sftp-server";
    c.pid = 5000;
    book_connections(s, 2, START + 10, &c, 1); /* it need not move anything for that */
    ck_assert_int_eq(sql_int("SELECT uid = 1000 AND project = 'astro' AND process = 'sftp-server' AND pid = 5000"
                             " FROM v_connection"),
                     1);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM process"), 1);
    s = reopen(s);
    c.comm = "scp";
    move(&c, 1, 1);
    book_connections(s, 3, START + 20, &c, 1);
    ck_assert_int_eq(sql_int("SELECT process = 'scp' AND tx_bytes = 101 FROM v_connection"), 1);
    expect_equal_connections();
    store_close(s);
}
END_TEST

START_TEST(what_a_long_epoch_moved_is_shared_out_as_the_ledger_is)
{
    struct store *s = open_store(STORE_WRITE);
    struct store_connection c = connection(1, START, "203.0.113.7", "scp");
    struct store_usage row = usage(1000, 100, 3001, 7);
    struct store_interval i = interval_of(1, START, &row, &c, 1);

    move(&c, 3001, 7);
    i.end_sec = START + 900;
    i.duration_ms = 900000;
    i.other_connections = (struct store_counters){.rx_bytes = 100};
    i.other_connections_count = 4;
    book_interval(s, &i, row);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM connection_usage"), 3);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM connection_usage u JOIN interval i ON i.start_sec = u.start_sec"
                             " WHERE u.tx_bytes = i.tx_bytes AND u.rx_bytes = i.rx_bytes"),
                     3);
    ck_assert_int_eq(sql_int("SELECT sum(rx_bytes) * 10 + sum(connections) FROM connection_excess"), 1004);
    expect_equal_connections();
    store_close(s);
}
END_TEST

START_TEST(what_is_beyond_the_limit_is_kept_by_five_minutes)
{
    struct store *s = open_store(STORE_WRITE);
    struct store_usage row = usage(1000, 100, 1000, 1000);

    for (uint64_t epoch = 1; epoch <= 3; epoch++) {
        struct store_interval i = interval_of(epoch, START + 290 * ((int64_t)epoch - 1), &row, NULL, 0);
        i.other_connections = (struct store_counters){.tx_bytes = 10, .tx_packets = 1};
        i.other_connections_count = 5 - (int64_t)epoch;
        book_interval(s, &i, row);
    }
    ck_assert_int_eq(sql_int("SELECT tx_bytes * 10 + connections FROM connection_excess WHERE start_sec = 1795132800"),
                     207);
    ck_assert_int_eq(sql_int("SELECT tx_bytes * 10 + connections FROM connection_excess WHERE start_sec > 1795132800"),
                     102);
    store_close(s);
}
END_TEST

START_TEST(a_booking_that_fails_books_no_connection)
{
    struct store *s = open_store(STORE_WRITE);
    struct store_connection c = connection(1, START, "203.0.113.7", "scp");
    struct store_usage row = usage(1000, 100, 1000, 1000);
    struct store_interval i = interval_of(2, START + 10, &row, &c, 1);
    sqlite3 *db;

    move(&c, 100, 0);
    book_connections(s, 1, START, &c, 1);
    move(&c, 10, 0);
    ck_assert_int_eq(sqlite3_open(place_path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(store_book_interval(s, &i, &row, 1), -EBUSY);
    ck_assert_int_eq(sqlite3_exec(db,
                                  "CREATE TRIGGER no BEFORE INSERT ON connection_usage BEGIN"
                                  " SELECT raise(ABORT, 'no'); END; COMMIT",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    ck_assert_int_lt(store_book_interval(s, &i, &row, 1), 0);
    ck_assert_int_eq(sqlite3_exec(db, "DROP TRIGGER no", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    ck_assert_int_eq(store_book_interval(s, &i, &row, 1), 0);
    ck_assert_int_eq(sql_int("SELECT tx_bytes FROM v_connection"), 110);
    expect_equal_connections();
    store_close(s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("connections");
    TCase *c = tcase_create("connections");

    tcase_add_checked_fixture(c, make, place_remove);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, a_connection_is_stored_with_all_that_is_known_of_it);
    tcase_add_test(c, each_interval_books_what_the_connection_moved_in_it);
    tcase_add_test(c, a_state_that_is_given_again_books_nothing);
    tcase_add_test(c, equal_cookies_of_two_boots_and_two_remotes_of_a_socket_are_different_connections);
    tcase_add_test(c, what_vanished_with_a_reboot_ends_as_lost_when_it_was_seen_last);
    tcase_add_test(c, a_connection_that_outlives_its_ledger_goes_on_and_one_taken_for_lost_opens_again);
    tcase_add_test(c, a_connection_belongs_to_whom_it_was_last_given_for);
    tcase_add_test(c, what_a_long_epoch_moved_is_shared_out_as_the_ledger_is);
    tcase_add_test(c, what_is_beyond_the_limit_is_kept_by_five_minutes);
    tcase_add_test(c, a_booking_that_fails_books_no_connection);
    suite_add_tcase(suite, c);
    return unit_main(suite);
}
