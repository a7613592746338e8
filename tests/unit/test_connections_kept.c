/* How long connections are kept: in time, within the quota, and what of them stays meanwhile. */
#include "tests/support/connections.h"
#include "tests/support/unit.h"

#define START INT64_C(1795132800) /* 2026-11-20 00:00 UTC */
#define HOUR  INT64_C(3600)

static struct store *s;
static uint64_t epoch, cookie;

static void set_up(void)
{
    place_make();
    s = open_store(STORE_WRITE);
    hurry(s);
    epoch = cookie = 0;
}

static void tear_down(void)
{
    s = store_close(s);
    place_remove();
}

static struct store_policy keep_connections(int64_t seconds)
{
    struct store_policy p = keep_all("UTC");

    p.connections_sec = seconds;
    return p;
}

/* Each minute n connections come and go that moved 100 bytes each, and idle is still there. */
static int64_t live(int64_t t, int64_t until_sec, size_t n, struct store_connection *idle)
{
    struct store_connection all[64];
    struct store_usage row = usage(1000, 100, 10000, 0);
    char remote[32];

    for (; t < until_sec; t += 60) {
        all[0] = *idle;
        for (size_t i = 1; i <= n; i++) {
            snprintf(remote, sizeof(remote), "198.51.100.%d", (int)(++cookie % 250));
            all[i] = connection(1000 + cookie, t, remote, cookie % 3 ? "curl" : "wget");
            move(&all[i], 100, 0);
            end(&all[i], t + 5, "closed");
        }
        struct store_interval i = interval_of(++epoch, t, &row, all, n + 1);
        i.end_sec = t + 60;
        i.duration_ms = 60000;
        i.other_connections = (struct store_counters){.rx_bytes = 7};
        book_interval(s, &i, row);
    }
    return t;
}

START_TEST(connections_expire_after_their_retention_and_open_ones_stay)
{
    struct store_connection idle = connection(1, START, "203.0.113.7", "ssh");
    int64_t t;

    move(&idle, 50, 0);
    set_policy(s, keep_connections(2 * HOUR));
    t = live(START, START + 8 * HOUR, 3, &idle);
    ck_assert_int_le(t - sql_int("SELECT min(start_sec) FROM connection_usage"), 2 * HOUR + 600);
    ck_assert_int_ge(t - sql_int("SELECT min(start_sec) FROM connection_usage"), 2 * HOUR);
    ck_assert_int_ge(sql_int("SELECT min(start_ms) / 1000 FROM connection WHERE ended IS NOT NULL"),
                     t - 2 * HOUR - 600);
    ck_assert_int_ge(sql_int("SELECT min(start_sec) FROM connection_excess"), t - 2 * HOUR - 600);
    ck_assert_int_eq(sql_int("SELECT tx_bytes FROM v_connection WHERE ended IS NULL"), 50);
    ck_assert_int_eq(sql_int("SELECT min(start_sec) - 300 = (SELECT dropped_sec FROM connection_kept)"
                             " FROM connection_usage"),
                     1);
    expect_sound_connections();
    /* Once it ends it is kept as long as any other. */
    end(&idle, t, "closed");
    t = live(t, t + HOUR, 1, &idle);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM v_connection WHERE process = 'ssh' AND ended = 'closed'"), 1);
    idle = connection(2, t, "203.0.113.8", "rsync");
    live(t, t + 3 * HOUR, 1, &idle);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM v_connection WHERE process = 'ssh'"), 0);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM address WHERE address = '203.0.113.7'"), 0);
    expect_sound_connections();
}
END_TEST

START_TEST(what_is_lost_is_kept_as_long_as_what_ended_then)
{
    struct store_connection idle = connection(1, START, "203.0.113.7", "ssh");
    struct store_usage row = usage(1000, 100, 10000, 0);
    int64_t t;

    move(&idle, 50, 0);
    set_policy(s, keep_connections(2 * HOUR));
    t = live(START, START + 5 * HOUR, 1, &idle);
    struct store_interval i = interval_of(1, t, &row, NULL, 0);
    i.ledger = 1;
    book_interval(s, &i, row);
    idle = connection(3, t, "203.0.113.8", "rsync");
    t = live(t + 10, t + HOUR, 1, &idle);
    ck_assert_int_eq(sql_int("SELECT end_ms / 1000 FROM v_connection WHERE ended = 'lost'"), START + 5 * HOUR);
    live(t, t + 2 * HOUR, 1, &idle);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM v_connection WHERE ended = 'lost'"), 0);
}
END_TEST

START_TEST(the_ledger_does_not_depend_on_how_long_connections_are_kept)
{
    struct store_connection idle = connection(1, START, "203.0.113.7", "ssh");

    set_policy(s, keep_connections(HOUR));
    live(START, START + 8 * HOUR, 3, &idle);
    ck_assert_int_eq(asked(s, 0, INT64_MAX), (int64_t)epoch * 10000);
    flush(s);
    expect_equal_levels();
}
END_TEST

START_TEST(the_quota_drops_the_oldest_of_raw_and_connections_first_and_says_so)
{
    struct store_connection idle = connection(1, START, "203.0.113.7", "ssh");
    struct store_policy p = keep_connections(0);

    p.max_size_bytes = 900 * 1024;
    set_policy(s, p);
    live(START, START + 24 * HOUR, 30, &idle);
    cleanup_free char *notice = store_notice(s);
    ck_assert_ptr_nonnull(notice);
    ck_assert_msg(strstr(notice, "the oldest fine-grained data and connections are dropped") != NULL, "%s", notice);
    ck_assert_int_le((sql_int("PRAGMA page_count") - sql_int("PRAGMA freelist_count")) * 4096,
                     p.max_size_bytes + 200 * 1024);
    ck_assert_int_gt(sql_int("SELECT dropped_sec FROM connection_kept"), START);
    ck_assert_int_gt(sql_int("SELECT count(*) FROM connection"), 300);
    /* Neither is dropped far ahead of the other, and the coarser levels are whole. */
    ck_assert_int_le(
        llabs(sql_int("SELECT min(start_sec) FROM interval") - sql_int("SELECT min(start_sec) FROM connection_usage")),
        HOUR);
    ck_assert_int_eq(asked(s, 0, INT64_MAX), (int64_t)epoch * 10000);
    ck_assert_int_eq(sql_int("SELECT min(start_sec) FROM usage_5min"), START);
    expect_sound_connections();
}
END_TEST

/* Widths as on a host that moves data: rows of connections, and with all their tables and indexes. It prints them. */
START_TEST(a_connection_is_as_small_as_promised)
{
    enum { EACH = 500, INTERVALS = 20 };
    static struct store_connection c[EACH];
    static char remotes[EACH][32], cgroups[EACH][64];
    static const char *const comms[] = {"rsync", "sshd", "curl", "globus-gridftp-", "python3"};
    struct store_usage row = usage(1000, 100, 10000, 0);

    set_zone(s, "UTC");
    srandom(3);
    for (int k = 0; k < INTERVALS; k++) {
        for (int i = 0; i < EACH; i++) {
            snprintf(remotes[i], sizeof(remotes[i]), "203.0.%d.%d", (int)(random() % 8), (int)(random() % 250));
            int session = (int)(random() % 300);
            snprintf(cgroups[i], sizeof(cgroups[i]), "/user.slice/user-%d.slice/session-%d.scope", 1000 + session % 50,
                     session);
            c[i] = connection(++cookie * 3, START + 300 * k, remotes[i], comms[random() % 5]);
            c[i].started_boot_ns = UINT64_C(864000000000000) + cookie * 60123456789;
            c[i].cgroup = cgroups[i];
            c[i].remote_port = random() % 3 ? 443 : 22;
            c[i].local_port = (uint16_t)(32768 + random() % 28000);
            c[i].pid = 1000 + random() % 3000000;
            c[i].n.tx_bytes = random() % (i % 10 ? 100000 : 300000000);
            c[i].n.rx_bytes = random() % (i % 7 ? 100000 : 300000000);
            c[i].n.tx_packets = c[i].n.tx_bytes / 1400 + 3;
            c[i].n.rx_packets = c[i].n.rx_bytes / 1400 + 3;
            c[i].n.tx_payload_bytes = c[i].n.tx_bytes * 96 / 100;
            c[i].n.rx_payload_bytes = c[i].n.rx_bytes * 96 / 100;
            c[i].srtt_us = 200 + random() % 50000;
            end(&c[i], START + 300 * k + 9, "closed");
        }
        struct store_interval i = interval_of(++epoch, START + 300 * k, &row, c, EACH);
        book_interval(s, &i, row);
    }
    int64_t pages = sql_int("SELECT sum(pgsize) FROM dbstat WHERE name GLOB 'connection*' OR name IN ('process',"
                            " 'address') OR name GLOB 'sqlite_autoindex_process*' OR name GLOB"
                            " 'sqlite_autoindex_address*'");
    int64_t usages = sql_int("SELECT 10 * sum(pgsize) / 10000 FROM dbstat WHERE name = 'connection_usage'");
    int64_t rows = sql_int("SELECT 10 * sum(pgsize) / 10000 FROM dbstat WHERE name = 'connection'");
    int64_t all = 10 * pages / (EACH * INTERVALS);

    printf("connection: %.1f bytes a row, connection_usage: %.1f; in all, with indexes, addresses and processes: %.1f"
           " bytes a connection that lives five minutes\n",
           (double)rows / 10, (double)usages / 10, (double)all / 10);
    ck_assert_int_le(rows, 1250);
    ck_assert_int_le(usages, 450);
    ck_assert_int_le(all, 2400);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("connections_kept");
    TCase *c = tcase_create("kept");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_set_timeout(c, 120);
    tcase_add_test(c, connections_expire_after_their_retention_and_open_ones_stay);
    tcase_add_test(c, what_is_lost_is_kept_as_long_as_what_ended_then);
    tcase_add_test(c, the_ledger_does_not_depend_on_how_long_connections_are_kept);
    tcase_add_test(c, the_quota_drops_the_oldest_of_raw_and_connections_first_and_says_so);
    tcase_add_test(c, a_connection_is_as_small_as_promised);
    suite_add_tcase(suite, c);
    return unit_main(suite);
}
