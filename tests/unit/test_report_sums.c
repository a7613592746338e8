/*
 * Whatever is asked: rows add up to the totals, and rows, periods and filters of one range to the same bytes. Random
 * bytes on random accounts, some of them negative, questions of all dimensions and periods, with and without --top.
 */
#include "tests/support/connections.h"
#include "tests/support/report.h"
#include "tests/support/unit.h"
#include "tests/support/zone.h"

#define NOVEMBER INT64_C(1793462400) /* 2026-11-01 00:00 in Perth */
#define NOW      (NOVEMBER + 3 * 86400)

enum { EPOCHS = 60, ACCOUNTS = 5, QUESTIONS = 150, CONNECTIONS = 12, BOTH = 1 << 9, OF_CONNECTIONS = 3 << 7 };

static const char *const dims[] = {"user", "project", "class", "proto", "family", "unit", "host", "process", "remote"};
static const char *const periods[] = {"",
                                      "--period interval",
                                      "--period 5min",
                                      "--period hour",
                                      "--period day",
                                      "--period week",
                                      "--period month",
                                      "--period quarter",
                                      "--period year"};
static const char *const columns[] = {"tx_bytes",   "rx_bytes",         "tx_packets",
                                      "rx_packets", "tx_payload_bytes", "rx_payload_bytes"};

static struct store *store;
static struct calendar *perth;

static struct store_usage random_usage(const int64_t *units, const int64_t *classes)
{
    struct store_usage u = usage(61001 + random() % 3, 62001 + random() % 2, random() % 100000 - 5000, random() % 9000);

    u.unit = units[random() % 3];
    u.class_id = classes[random() % 2];
    u.protocol = random() % 2 ? TCP : UDP;
    u.family = random() % 2 ? AF_INET : AF_INET6;
    u.n.tx_payload_bytes = random() % 1000;
    u.n.rx_payload_bytes = random() % 1000 - 500;
    return u;
}

/* Some connection moves something, as if its packets were not all of what its account moved. */
static void move_connections(struct store_connection *c)
{
    for (int k = 0; k < CONNECTIONS / 2; k++)
        move(&c[random() % CONNECTIONS], random() % 20000, random() % 2000);
}

static void begin_connections(struct store_connection *c, const int64_t *units, const int64_t *classes)
{
    static const char *const comms[] = {"rsync", "", "curl"}, *const remotes[] = {"203.0.113.7", "2001:db8::7", "::1"};

    for (uint64_t k = 0; k < CONNECTIONS; k++) {
        struct store_usage u = random_usage(units, classes);

        c[k] = connection(k, NOVEMBER, remotes[random() % 3], comms[random() % 3]);
        c[k].uid = u.uid;
        c[k].gid = u.gid;
        c[k].unit = u.unit;
        c[k].class_id = u.class_id;
        c[k].protocol = u.protocol;
    }
}

static void book_both(uint64_t epoch, int64_t at, struct store_usage *rows, struct store_connection *c)
{
    struct store_interval i = interval_of(epoch, at, &rows[0], c, CONNECTIONS);

    move_connections(c);
    i.counted = (struct store_counters){0};
    for (size_t k = 0; k < ACCOUNTS; k++)
        counters_add(&i.counted, &rows[k].n);
    ck_assert_int_eq(store_book_interval(store, &i, rows, ACCOUNTS), 0);
}

/* Intervals of ten seconds, somewhere in the three days, in order of time; some of them share their start. */
static void set_up(void)
{
    int64_t units[3] = {0}, classes[2], at = NOVEMBER;
    struct store_connection connections[CONNECTIONS];

    srandom(20261101);
    place_make();
    store = open_store(STORE_WRITE);
    ck_assert_int_eq(calendar_open("Australia/Perth", &perth), 0);
    ck_assert_int_eq(
        store_set_policy(store, &(struct store_policy){.timezone = "Australia/Perth",
                                                       .retention_sec = {STORE_FOREVER, STORE_FOREVER, STORE_FOREVER,
                                                                         STORE_FOREVER, STORE_FOREVER}}),
        0);
    ck_assert_int_eq(store_unit_id(store, "a/job_1", &units[1]), 0);
    ck_assert_int_eq(store_unit_id(store, "a/job_2", &units[2]), 0);
    ck_assert_int_eq(store_sync_classes(store, (const char *const[]){"internal", "external"}, 2, classes), 0);
    begin_connections(connections, units, classes);
    for (uint64_t epoch = 1; epoch <= EPOCHS; epoch++) {
        struct store_usage rows[ACCOUNTS];

        for (size_t i = 0; i < ACCOUNTS; i++)
            rows[i] = random_usage(units, classes);
        book_both(epoch, at, rows, connections);
        at += random() % 10 ? 10 + random() % 8000 : 0;
        if (epoch == EPOCHS * 3 / 4)
            ck_assert_int_eq(store_flush(store), 0); /* the last ones are not rolled up */
    }
    ck_assert_int_lt(at, NOW);
}

static void tear_down(void)
{
    calendar_close(perth);
    store_close(store);
    place_remove();
}

static json_t *ask(const char *line)
{
    struct asked a = {store, perth, NOW};

    return asked_json(&a, line);
}

static int64_t total(const json_t *root, const char *column)
{
    return json_number(json_object_get(root, "totals"), column);
}

static void expect_rows_add_up(const json_t *root, const char *line)
{
    for (size_t c = 0; c < array_length(columns); c++) {
        int64_t sum = 0;
        json_t *row;
        size_t i;

        json_array_foreach (json_object_get(root, "rows"), i, row)
            sum += json_number(row, columns[c]);
        ck_assert_msg(sum == total(root, columns[c]), "%s: rows of %s add up to %lld, not to %lld", line, columns[c],
                      (long long)sum, (long long)total(root, columns[c]));
    }
}

/* The same bytes as the range without any dimension. */
static void expect_same_totals(const json_t *root, const json_t *whole, const char *line)
{
    for (size_t c = 0; c < array_length(columns); c++)
        ck_assert_msg(total(root, columns[c]) == total(whole, columns[c]), "%s: %s is %lld, not %lld", line, columns[c],
                      (long long)total(root, columns[c]), (long long)total(whole, columns[c]));
}

/* "--by user,class" of the dimensions whose bits are set; "" for none. */
static char *by_of(unsigned bits)
{
    char *ret = NULL;
    size_t size;
    FILE *out = open_memstream(&ret, &size);

    for (size_t i = 0, n = 0; i < array_length(dims); i++)
        if (bits & (1u << i))
            fprintf(out, "%s%s", n++ ? "," : "--by ", dims[i]);
    fclose(out);
    return ret;
}

static void expect_sums(unsigned bits, const char *period, const char *range, const char *filter, size_t top)
{
    cleanup_free char *by = by_of(bits), *line = NULL, *whole_line = NULL;
    json_t *root, *whole;

    if (bits & OF_CONNECTIONS && strcmp(period, "--period interval") == 0)
        period = "--period 5min";
    ck_assert_int_ge(asprintf(&line, "%s %s %s %s", range, filter, by, period), 0);
    if (top > 0) {
        char *longer = NULL;

        ck_assert_int_ge(asprintf(&longer, "%s --top %zu", line, top), 0);
        free(line);
        line = longer;
    }
    root = ask(line);
    /* Of connections a range is shown in whole five minutes. */
    ck_assert_int_ge(asprintf(&whole_line, "--since @%lld --until @%lld %s --by family",
                              (long long)json_number(root, "effective_since"),
                              (long long)json_number(root, "effective_until"), filter),
                     0);
    whole = ask(whole_line);
    expect_rows_add_up(root, line);
    expect_same_totals(root, whole, line);
    json_decref(root);
    json_decref(whole);
}

START_TEST(every_dimension_and_period_adds_up)
{
    for (unsigned bits = 0; bits < 1u << array_length(dims); bits++)
        expect_sums(bits, periods[bits % array_length(periods)], "--since 2026-11-01", "", 0);
    for (size_t i = 0; i < array_length(periods); i++)
        expect_sums(BOTH - 1, periods[i], "--since 2026-11-01", "", 0);
}
END_TEST

START_TEST(random_questions_add_up)
{
    static const char *const filters[] = {"",
                                          "",
                                          "-u 61001",
                                          "-u 61002,61003 --proto tcp",
                                          "-A 62001",
                                          "--unit *job*",
                                          "--class internal",
                                          "-u 61001 --class external"};

    srandom(7);
    for (int k = 0; k < QUESTIONS; k++) {
        int64_t since = NOVEMBER + random() % (2 * 86400), until = since + 1 + random() % 86400;
        cleanup_free char *range = NULL;

        ck_assert_int_ge(asprintf(&range, "--since @%lld --until @%lld", (long long)since, (long long)until), 0);
        expect_sums((unsigned)random() % BOTH, periods[(size_t)random() % array_length(periods)], range,
                    filters[(size_t)random() % array_length(filters)], (size_t)random() % 4);
    }
}
END_TEST

START_TEST(ranges_that_adjoin_add_up_to_the_whole)
{
    json_t *whole = ask("--since @1793462400 --until @1793721600 --by user");

    srandom(11);
    for (int k = 0; k < 20; k++) {
        int64_t middle = NOVEMBER + random() % (3 * 86400);
        cleanup_free char *before = NULL, *after = NULL;
        json_t *first, *second;

        ck_assert_int_ge(asprintf(&before, "--since @%lld --until @%lld", (long long)NOVEMBER, (long long)middle), 0);
        ck_assert_int_ge(asprintf(&after, "--since @%lld --until @%lld", (long long)middle, (long long)NOW), 0);
        first = ask(before);
        second = ask(after);
        for (size_t c = 0; c < array_length(columns); c++)
            ck_assert_int_eq(total(first, columns[c]) + total(second, columns[c]), total(whole, columns[c]));
        json_decref(first);
        json_decref(second);
    }
    json_decref(whole);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("report_sums");
    TCase *c = tcase_create("sums");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, every_dimension_and_period_adds_up);
    tcase_add_test(c, random_questions_add_up);
    tcase_add_test(c, ranges_that_adjoin_add_up_to_the_whole);
    suite_add_tcase(suite, c);
    return unit_main(suite);
}
