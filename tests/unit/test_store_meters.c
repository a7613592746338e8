/* Meters beside the ledger: what they are ahead is booked once, at every level, and kept as long as usage is. */
#include "tests/support/levels.h"
#include "tests/support/unit.h"

#include <errno.h>

#define ETH   INT64_C(4711)
#define START INT64_C(1800000000) /* the start of five minutes */

static void set_up(void)
{
    place_make();
}

static void tear_down(void)
{
    place_remove();
}

static struct store_meter meter(const char *source, const char *kind, int64_t tx_bytes, int64_t rx_packets)
{
    return (struct store_meter){
        .source = source, .kind = kind, .identity = ETH, .n = {.tx_bytes = tx_bytes, .rx_packets = rx_packets}};
}

static int try_read(struct store *s, uint64_t epoch, int64_t start_sec, int64_t end_sec,
                    const struct store_meter *meters, size_t n)
{
    struct store_usage row = usage(1000, 100, 1, 0);
    struct store_interval i = {.ledger = LEDGER,
                               .epoch = epoch,
                               .start_sec = start_sec,
                               .end_sec = end_sec,
                               .duration_ms = (end_sec - start_sec) * 1000,
                               .counted = row.n,
                               .meters = meters,
                               .n_meters = n};

    return store_book_interval(s, &i, &row, 1);
}

static void read_at(struct store *s, uint64_t epoch, int64_t start_sec, struct store_meter m)
{
    ck_assert_int_eq(try_read(s, epoch, start_sec, start_sec + 10, &m, 1), 0);
}

struct sum {
    const char *kind;
    int64_t tx_bytes, rx_packets;
};

static int add(const struct store_meter_row *row, void *userdata)
{
    struct sum *sum = userdata;

    if (strcmp(row->kind, sum->kind) != 0)
        return 0;
    sum->tx_bytes += row->n.tx_bytes;
    sum->rx_packets += row->n.rx_packets;
    return 0;
}

static struct sum ask(struct store *s, const char *kind)
{
    struct sum sum = {.kind = kind};
    struct store_bucket ever = {0, INT64_MAX};

    ck_assert_int_eq(store_query_meters(s, &ever, 1, add, &sum), 0);
    return sum;
}

static int64_t at_level(int level)
{
    char sql[128];

    snprintf(sql, sizeof(sql), "SELECT coalesce(sum(tx_bytes), 0) FROM interface_usage WHERE level = %d", level);
    return sql_int(sql);
}

START_TEST(an_interval_adds_what_a_meter_is_ahead)
{
    struct store *s = open_store(STORE_WRITE);

    read_at(s, 1, START, meter("eth0", "kernel", 1000, 10));
    read_at(s, 2, START + 10, meter("eth0", "kernel", 1000, 10));
    read_at(s, 3, START + 20, meter("eth0", "kernel", 1600, 12));
    ck_assert_int_eq(ask(s, "kernel").tx_bytes, 1600);
    ck_assert_int_eq(ask(s, "kernel").rx_packets, 12);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM interface_usage WHERE level = 0"),
                     2); /* what adds nothing makes no row */
    store_close(s);
}
END_TEST

START_TEST(a_reading_of_an_epoch_that_is_booked_already_adds_nothing)
{
    struct store *s = open_store(STORE_WRITE);
    struct store_meter m = meter("eth0", "socket", 500, 1);

    read_at(s, 1, START, m);
    m.n.tx_bytes = 900;
    ck_assert_int_eq(try_read(s, 1, START, START + 10, &m, 1), -EALREADY);
    ck_assert_int_eq(ask(s, "socket").tx_bytes, 500);
    read_at(s, 2, START + 10, m);
    ck_assert_int_eq(ask(s, "socket").tx_bytes, 900);
    store_close(s);
}
END_TEST

START_TEST(what_nobody_read_for_a_while_comes_with_the_next_reading)
{
    struct store *s = open_store(STORE_WRITE);

    read_at(s, 1, START, meter("eth0", "socket", 500, 1));
    ck_assert_int_eq(try_read(s, 2, START + 10, START + 20, NULL, 0), 0);
    store_close(s);
    s = open_store(STORE_WRITE);
    read_at(s, 3, START + 20, meter("eth0", "socket", 800, 3));
    ck_assert_int_eq(ask(s, "socket").tx_bytes, 800);
    store_close(s);
}
END_TEST

START_TEST(a_meter_that_went_back_adds_nothing_and_goes_on_from_there)
{
    struct store *s = open_store(STORE_WRITE);

    read_at(s, 1, START, meter("eth0", "kernel", 1000, 0));
    read_at(s, 2, START + 10, meter("eth0", "kernel", 40, 0));
    read_at(s, 3, START + 20, meter("eth0", "kernel", 50, 0));
    ck_assert_int_eq(ask(s, "kernel").tx_bytes, 1010);
    store_close(s);
}
END_TEST

START_TEST(every_level_has_the_same_sum_and_no_question_counts_twice)
{
    struct store *s = open_store(STORE_WRITE);

    set_zone(s, "UTC");
    for (int i = 0; i < 100; i++)
        read_at(s, (uint64_t)i + 1, START + 10 * i, meter("eth0", "socket", 7 * (i + 1), 0));
    ck_assert_int_eq(ask(s, "socket").tx_bytes, 700); /* some rolled up, some not */
    flush(s);
    for (int level = STORE_RAW; level < STORE_LEVELS; level++)
        ck_assert_int_eq(at_level(level), 700);
    read_at(s, 101, START + 1000, meter("eth0", "socket", 710, 0));
    ck_assert_int_eq(ask(s, "socket").tx_bytes, 710);
    store_close(s);
    for (int level = STORE_RAW; level < STORE_LEVELS; level++)
        ck_assert_int_eq(at_level(level), 710);
    ck_assert_int_eq(sql_int("SELECT sum(tx_bytes) FROM v_interface_day WHERE interface = 'eth0'"), 710);
}
END_TEST

START_TEST(a_long_epoch_shares_its_meters_out_to_the_byte)
{
    struct store *s = open_store(STORE_WRITE);
    struct store_meter m = meter("eth0", "kernel", 1000003, 0);

    set_zone(s, "UTC");
    ck_assert_int_eq(try_read(s, 1, START + 17, START + 1717, &m, 1), 0);
    ck_assert_int_gt(sql_int("SELECT count(*) FROM interface_usage WHERE level = 0"), 3);
    ck_assert_int_eq(ask(s, "kernel").tx_bytes, 1000003);
    store_close(s);
}
END_TEST

START_TEST(an_interface_that_went_nameless_ends_under_the_name_it_had)
{
    struct store *s = open_store(STORE_WRITE);
    struct store_meter last = meter(NULL, "socket", 90, 0), unknown = meter(NULL, "socket", 5, 0);

    read_at(s, 1, START, meter("eth7", "socket", 60, 0));
    last.last = true;
    read_at(s, 2, START + 10, last);
    ck_assert_int_eq(sql_int("SELECT sum(tx_bytes) FROM v_interface_day WHERE interface = 'eth7'"), 90);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM interface_meter"), 0);
    unknown.identity = 5;
    read_at(s, 3, START + 20, unknown);
    ck_assert_int_eq(ask(s, "socket").tx_bytes, 90);
    store_close(s);
}
END_TEST

START_TEST(a_new_name_goes_on_with_the_same_meter)
{
    struct store *s = open_store(STORE_WRITE);

    read_at(s, 1, START, meter("eth0", "socket", 60, 0));
    read_at(s, 2, START + 10, meter("uplink", "socket", 100, 0));
    ck_assert_int_eq(sql_int("SELECT sum(tx_bytes) FROM v_interface_day WHERE interface = 'eth0'"), 60);
    ck_assert_int_eq(sql_int("SELECT sum(tx_bytes) FROM v_interface_day WHERE interface = 'uplink'"), 40);
    store_close(s);
}
END_TEST

START_TEST(what_expires_goes_with_the_usage_of_its_level)
{
    struct store_policy policy = keep_all("UTC");
    struct store *s = open_store(STORE_WRITE);

    policy.retention_sec[STORE_RAW] = 3600;
    policy.retention_sec[STORE_5MIN] = 7200;
    set_policy(s, policy);
    for (int i = 0; i < 1500; i++)
        read_at(s, (uint64_t)i + 1, START + 10 * i, meter("eth0", "socket", i + 1, 0));
    flush(s);
    ck_assert_int_lt(at_level(STORE_RAW), 500);
    ck_assert_int_lt(at_level(STORE_5MIN), 1000);
    ck_assert_int_eq(at_level(STORE_DAY), 1500);
    ck_assert_int_eq(ask(s, "socket").tx_bytes, 1500);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM interface_usage WHERE level = 0 AND key NOT IN"
                             " (SELECT id FROM interval)"),
                     0);
    store_close(s);
}
END_TEST

static Suite *meters_suite(void)
{
    const TTest *const tests[] = {
        an_interval_adds_what_a_meter_is_ahead,
        a_reading_of_an_epoch_that_is_booked_already_adds_nothing,
        what_nobody_read_for_a_while_comes_with_the_next_reading,
        a_meter_that_went_back_adds_nothing_and_goes_on_from_there,
        every_level_has_the_same_sum_and_no_question_counts_twice,
        a_long_epoch_shares_its_meters_out_to_the_byte,
        an_interface_that_went_nameless_ends_under_the_name_it_had,
        a_new_name_goes_on_with_the_same_meter,
        what_expires_goes_with_the_usage_of_its_level,
    };
    Suite *suite = suite_create("store_meters");
    TCase *tcase = tcase_create("store_meters");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    for (size_t i = 0; i < array_length(tests); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return unit_main(meters_suite());
}
