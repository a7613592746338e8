/* Policies in the store: the list that was given, and what each let pass and dropped, once and at every level. */
#include "tests/support/levels.h"
#include "tests/support/unit.h"

#include <errno.h>
#include <time.h>

#define START INT64_C(1800000000) /* the start of five minutes */

static void set_up(void)
{
    place_make();
}

static void tear_down(void)
{
    place_remove();
}

static struct store_meter policy(const char *name, uint64_t identity, int64_t passed, int64_t dropped)
{
    return (struct store_meter){
        .source = name,
        .identity = identity,
        .n = {.tx_bytes = passed * 100, .rx_bytes = dropped * 100, .tx_packets = passed, .rx_packets = dropped}};
}

static void read_at(struct store *s, uint64_t epoch, int64_t start_sec, const struct store_meter *policies, size_t n)
{
    struct store_usage row = usage(1000, 100, 1, 0);
    struct store_interval i = {.ledger = LEDGER,
                               .epoch = epoch,
                               .start_sec = start_sec,
                               .end_sec = start_sec + 10,
                               .duration_ms = 10000,
                               .counted = row.n,
                               .policies = policies,
                               .n_policies = n};

    ck_assert_int_eq(store_book_interval(s, &i, &row, 1), 0);
}

static void read_one(struct store *s, uint64_t epoch, struct store_meter m)
{
    read_at(s, epoch, START + 10 * (int64_t)epoch, &m, 1);
}

static int add(const struct store_meter_row *row, void *userdata)
{
    struct store_counters *sum = userdata;

    sum->tx_packets += row->n.tx_packets;
    sum->rx_packets += row->n.rx_packets;
    return 0;
}

static struct store_counters ask(struct store *s)
{
    struct store_counters sum = {0};
    struct store_bucket ever = {0, INT64_MAX};

    ck_assert_int_eq(store_query_policies(s, &ever, 1, add, &sum), 0);
    return sum;
}

START_TEST(an_interval_adds_what_a_policy_is_ahead_at_every_level)
{
    struct store *s = open_store(STORE_WRITE);
    char sql[128];

    set_zone(s, "UTC");
    for (int i = 1; i <= 100; i++) {
        struct store_meter both[] = {policy("scan", 7, 0, 3 * i), policy("bulk", 8, i, 0)};

        read_at(s, (uint64_t)i, START + 10 * i, both, 2);
    }
    ck_assert_int_eq(ask(s).rx_packets, 300); /* some rolled up, some not */
    ck_assert_int_eq(ask(s).tx_packets, 100);
    store_close(s);
    for (int level = STORE_RAW; level < STORE_LEVELS; level++) {
        snprintf(sql, sizeof(sql), "SELECT sum(packets_dropped) FROM policy_usage WHERE level = %d", level);
        ck_assert_int_eq(sql_int(sql), 300);
    }
    ck_assert_int_eq(sql_int("SELECT sum(bytes_dropped) FROM v_policy WHERE policy = 'scan'"), 30000);
    ck_assert_int_eq(sql_int("SELECT sum(packets_total) FROM v_policy WHERE policy = 'bulk'"), 100);
}
END_TEST

START_TEST(a_name_that_comes_again_begins_at_nothing)
{
    struct store *s = open_store(STORE_WRITE);
    struct store_meter gone = policy("scan", 7, 0, 50);

    read_one(s, 1, policy("scan", 7, 0, 40));
    gone.last = true;
    read_one(s, 2, gone);
    read_one(s, 3, policy("scan", 9, 0, 5));
    ck_assert_int_eq(ask(s).rx_packets, 55);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM policy_meter"), 1);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM policy_name"), 1);
    store_close(s);
}
END_TEST

static int note_meter(const struct store_meter *meter, void *userdata)
{
    *(struct store_counters *)userdata = meter->n;
    ck_assert_str_eq(meter->source, "scan");
    ck_assert_uint_eq(meter->identity, UINT64_MAX - 6);
    return 0;
}

START_TEST(a_restart_goes_on_from_the_last_reading)
{
    struct store *s = open_store(STORE_WRITE);
    struct store_counters last = {0};

    read_one(s, 1, policy("scan", UINT64_MAX - 6, 2, 40));
    store_close(s);
    s = open_store(STORE_WRITE);
    ck_assert_int_eq(store_query_policy_meters(s, note_meter, &last), 0);
    ck_assert_int_eq(last.rx_packets, 40);
    ck_assert_int_eq(last.tx_bytes, 200);
    store_close(s);
}
END_TEST

START_TEST(what_expires_goes_with_the_usage_of_its_level)
{
    struct store_policy keep = keep_all("UTC");
    struct store *s = open_store(STORE_WRITE);

    keep.retention_sec[STORE_RAW] = 3600;
    set_policy(s, keep);
    for (int i = 1; i <= 1000; i++)
        read_one(s, (uint64_t)i, policy("scan", 7, 0, i));
    flush(s);
    ck_assert_int_lt(sql_int("SELECT count(*) FROM policy_usage WHERE level = 0"), 500);
    ck_assert_int_eq(ask(s).rx_packets, 1000);
    store_close(s);
}
END_TEST

/* ---- the list ---- */

static int join(const struct store_kept_policy *p, void *userdata)
{
    char *text = userdata;

    snprintf(text + strlen(text), 200 - strlen(text), "%s|%s|%s|%lld ", p->name, p->words, p->origin,
             (long long)p->since_sec);
    return 0;
}

START_TEST(a_list_is_replaced_as_a_whole_or_not_at_all)
{
    const struct store_kept_policy first[] = {{"b", "b action=block", STORE_POLICY_PDTTCTL, 10},
                                              {"a", "a action=allow", STORE_POLICY_CONNECTION, 11}};
    const struct store_kept_policy twice[] = {{"c", "c action=block", STORE_POLICY_PDTTCTL, 12},
                                              {"c", "c action=allow", STORE_POLICY_PDTTCTL, 12}};
    struct store *s = open_store(STORE_WRITE);
    char text[200] = "";

    ck_assert_int_eq(store_keep_policies(s, first, 2), 0);
    ck_assert_int_lt(store_keep_policies(s, twice, 2), 0);
    store_close(s);
    s = open_store(STORE_WRITE);
    ck_assert_int_eq(store_query_kept_policies(s, join, text), 0);
    ck_assert_str_eq(text, "b|b action=block|pdttctl|10 a|a action=allow|connection|11 ");
    ck_assert_int_eq(store_keep_policies(s, NULL, 0), 0);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM policy"), 0);
    store_close(s);
}
END_TEST

/* ---- what they tell ---- */

static int64_t now_ns(void)
{
    return (int64_t)time(NULL) * INT64_C(1000000000);
}

static void tell(struct store *s, const char *policy, int64_t time_ns, size_t n)
{
    struct store_policy_event events[300];

    for (size_t i = 0; i < n; i++)
        events[i] = (struct store_policy_event){.time_ns = time_ns + (int64_t)i,
                                                .policy = policy,
                                                .action = "block",
                                                .protocol = 17,
                                                .family = AF_INET6,
                                                .src_ip = {0x20, 1, 0xd, 0xb8, [15] = 7},
                                                .dst_ip = {0xfd, [15] = 1},
                                                .src_port = 4711,
                                                .dst_port = 53,
                                                .packet_size = 128,
                                                .packets = 1,
                                                .uid = i % 2 ? STORE_UID_UNATTRIBUTED : 1000};
    ck_assert_int_eq(store_book_policy_events(s, events, n), 0);
}

static int show(const struct store_policy_event_row *e, void *userdata)
{
    char *text = userdata;

    snprintf(text + strlen(text), 400 - strlen(text), "%s %s %s %d %d [%s]:%d [%s]:%d %lld %s;", e->policy, e->action,
             e->direction, e->family, e->protocol, e->src_ip, e->src_port, e->dst_ip, e->dst_port,
             (long long)e->packet_size, e->user ? e->user : "nobody");
    return 0;
}

START_TEST(what_a_policy_told_is_found_by_its_name_and_time)
{
    struct store *s = open_store(STORE_WRITE);
    int64_t now = now_ns();
    char text[400] = "";

    tell(s, "scan", now, 2);
    tell(s, "x'; DROP TABLE policy_event; --", now + 10, 1);
    ck_assert_int_eq(store_query_policy_events(s, 0, "scan", 10, show, text), 0);
    ck_assert_str_eq(text, "scan block rx 6 17 [2001:db8::7]:4711 [fd00::1]:53 128 nobody;"
                           "scan block rx 6 17 [2001:db8::7]:4711 [fd00::1]:53 128 uid 1000;");
    text[0] = '\0';
    ck_assert_int_eq(store_query_policy_events(s, now + 1, NULL, 1, show, text), 0);
    ck_assert_str_eq(text,
                     "x'; DROP TABLE policy_event; -- block rx 6 17 [2001:db8::7]:4711 [fd00::1]:53 128 uid 1000;");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM v_policy_event"), 3);
    store_close(s);
}
END_TEST

START_TEST(what_they_told_expires_and_stays_below_its_number)
{
    struct store *s = open_store(STORE_WRITE);
    struct store_policy keep = keep_all("UTC");

    keep.policy_events_sec = 3600;
    keep.policy_events_most = 100;
    tell(s, "old", now_ns() - INT64_C(7200) * 1000000000, 50);
    set_policy(s, keep);
    tell(s, "new", now_ns(), 60);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM v_policy_event WHERE policy = 'old'"), 0);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM v_policy_event"), 60);
    tell(s, "new", now_ns(), 300);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM v_policy_event"), 100);
    store_close(s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_policies");
    TCase *tcase = tcase_create("store_policies");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, an_interval_adds_what_a_policy_is_ahead_at_every_level);
    tcase_add_test(tcase, a_name_that_comes_again_begins_at_nothing);
    tcase_add_test(tcase, a_restart_goes_on_from_the_last_reading);
    tcase_add_test(tcase, what_expires_goes_with_the_usage_of_its_level);
    tcase_add_test(tcase, a_list_is_replaced_as_a_whole_or_not_at_all);
    tcase_add_test(tcase, what_a_policy_told_is_found_by_its_name_and_time);
    tcase_add_test(tcase, what_they_told_expires_and_stays_below_its_number);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
