/* Answers: every byte in one row, names of their time, nothing read that need not be. */
#include "tests/support/store.h"
#include "tests/support/unit.h"

#include <errno.h>

static struct store *s;

static void open_place(void)
{
    place_make();
    s = open_store(STORE_WRITE);
}

static void close_place(void)
{
    s = store_close(s);
    place_remove();
}

/* ---- answers as text: one line a row, dimensions that were not asked for are "-" ---- */

static char answer[8192];
static size_t answer_length;
static struct store_counters answer_sum;

static int add_line(const struct store_row *row, void *userdata)
{
    answer_length += (size_t)snprintf(
        answer + answer_length, answer_length < sizeof(answer) ? sizeof(answer) - answer_length : 0,
        "%zu %s %lld %s %s %s %d %lld %lld\n", row->bucket, row->user ? row->user : "-", (long long)row->uid,
        row->project ? row->project : "-", row->class_name ? row->class_name : "-", row->protocol ? row->protocol : "-",
        row->family, (long long)row->n.tx_bytes, (long long)row->n.rx_bytes);
    answer_sum.tx_bytes += row->n.tx_bytes;
    answer_sum.rx_bytes += row->n.rx_bytes;
    answer_sum.tx_packets += row->n.tx_packets;
    answer_sum.rx_packets += row->n.rx_packets;
    answer_sum.tx_payload_bytes += row->n.tx_payload_bytes;
    answer_sum.rx_payload_bytes += row->n.rx_payload_bytes;
    return 0;
}

static const struct store_bucket all_time = {0, INT64_MAX};

static int ask(struct store_query q)
{
    if (!q.buckets) {
        q.buckets = &all_time;
        q.n_buckets = 1;
    }
    answer[answer_length = 0] = '\0';
    answer_sum = (struct store_counters){0};
    return store_query_usage(s, &q, add_line, NULL);
}

#define NAMES(...)                                                                                                     \
    (struct store_names)                                                                                               \
    {                                                                                                                  \
        .v = (const char *const[]){__VA_ARGS__}, .n = array_length(((const char *const[]){__VA_ARGS__}))               \
    }
#define EXPECT(lines, ...)                                                                                             \
    do {                                                                                                               \
        int r_ = ask((struct store_query){__VA_ARGS__});                                                               \
        ck_assert_msg(r_ == 0, "%d: %s", r_, store_why(s));                                                            \
        ck_assert_str_eq(answer, lines);                                                                               \
    } while (0)

/* alice and bob on a network, carol on loopback, and what nobody could be named for. */
static void book_a_small_world(void)
{
    struct store_usage rows[] = {
        usage(1000, 100, 1000, 1),
        usage(1000, 200, 2000, 2),
        usage(1001, 100, 4000, 4),
        usage(1002, 100, 8000, 8),
        usage(STORE_UID_UNATTRIBUTED, STORE_GID_NONE, 16000, 16),
        usage(STORE_UID_OVERFLOW, STORE_GID_NONE, 32000, 32),
    };

    rows[1].protocol = UDP;
    rows[1].family = AF_INET6;
    rows[3].class_id = STORE_CLASS_LOOPBACK;
    rows[4].kind = STORE_KIND_UNATTRIBUTED;
    rows[4].protocol = 253;
    rows[5].kind = STORE_KIND_OVERFLOW;
    rows[5].protocol = rows[5].family = 0;
    book(s, 1, 1000, rows, array_length(rows));
    store_note_user(s, 1000, "alice", 1005);
    store_note_user(s, 1001, "bob", 1005);
    store_note_group(s, 100, "physics", 1005);
}

START_TEST(an_empty_store_has_no_answer)
{
    EXPECT("", .by = STORE_BY_USER);
    EXPECT("", .by = 0);
}
END_TEST

START_TEST(without_dimensions_there_is_one_row)
{
    book_a_small_world();
    EXPECT("0 - -1 - - - -1 63000 63\n", .by = 0);
}
END_TEST

START_TEST(rows_carry_names_or_say_that_there_is_none)
{
    book_a_small_world();
    EXPECT("0 (overflow) -2 - - - -1 32000 32\n0 (unattributed) -1 - - - -1 16000 16\n0 alice 1000 - - - -1 3000 3\n"
           "0 bob 1001 - - - -1 4000 4\n0 uid 1002 1002 - - - -1 8000 8\n",
           .by = STORE_BY_USER);
    EXPECT("0 - -1 (none) - - -1 48000 48\n0 - -1 gid 200 - - -1 2000 2\n0 - -1 physics - - -1 13000 13\n",
           .by = STORE_BY_PROJECT);
    EXPECT("0 - -1 - external - -1 55000 55\n0 - -1 - loopback - -1 8000 8\n", .by = STORE_BY_CLASS);
    EXPECT("0 - -1 - - (none) -1 32000 32\n0 - -1 - - proto 253 -1 16000 16\n0 - -1 - - tcp -1 13000 13\n"
           "0 - -1 - - udp -1 2000 2\n",
           .by = STORE_BY_PROTOCOL);
    EXPECT("0 - -1 - - - 0 32000 32\n0 - -1 - - - 4 29000 29\n0 - -1 - - - 6 2000 2\n", .by = STORE_BY_FAMILY);
    EXPECT("0 alice 1000 gid 200 external udp 6 2000 2\n0 alice 1000 physics external tcp 4 1000 1\n", .by = 31,
           .users = NAMES("alice"));
}
END_TEST

START_TEST(filters_take_names_numbers_and_what_reports_show)
{
    book_a_small_world();
    EXPECT("0 - -1 - - - -1 3000 3\n", .users = NAMES("alice"));
    EXPECT("0 - -1 - - - -1 3000 3\n", .users = NAMES("1000"));
    EXPECT("0 - -1 - - - -1 7000 7\n", .users = NAMES("alice", "1001", "alice"));
    EXPECT("0 - -1 - - - -1 8000 8\n", .users = NAMES("uid 1002"));
    EXPECT("0 - -1 - - - -1 32000 32\n", .users = NAMES("(overflow)"));
    EXPECT("0 - -1 - - - -1 16000 16\n", .users = NAMES("(unattributed)"));
    EXPECT("0 - -1 - - - -1 13000 13\n", .projects = NAMES("physics"));
    EXPECT("0 - -1 - - - -1 2000 2\n", .projects = NAMES("gid 200"));
    EXPECT("0 - -1 - - - -1 48000 48\n", .projects = NAMES("(none)"));
    EXPECT("0 - -1 - - - -1 8000 8\n", .classes = NAMES("loopback"));
    EXPECT("0 - -1 - - - -1 8000 8\n", .classes = NAMES("1"));
    EXPECT("0 - -1 - - - -1 2000 2\n", .protocols = NAMES("udp"));
    EXPECT("0 - -1 - - - -1 18000 18\n", .protocols = NAMES("17", "proto 253"));
    EXPECT("", .protocols = NAMES("sctp"));
    EXPECT("0 - -1 - - - -1 1000 1\n", .users = NAMES("alice"), .projects = NAMES("physics"));
    EXPECT("", .users = NAMES("bob"), .projects = NAMES("200"));
    EXPECT("0 - -1 - - - -1 5000 5\n", .projects = NAMES("physics"), .classes = NAMES("external"));
}
END_TEST

static const struct {
    struct store_query query;
    const char *unknown;
} unknowns[] = {
    {{.users = {(const char *const[]){"alice", "mallory"}, 2}}, "mallory"},
    {{.users = {(const char *const[]){"4711"}, 1}}, "4711"},
    {{.users = {(const char *const[]){""}, 1}}, ""},
    {{.users = {(const char *const[]){"' OR 1=1 --"}, 1}}, "' OR 1=1 --"},
    {{.users = {(const char *const[]){"al%"}, 1}}, "al%"},
    {{.projects = {(const char *const[]){"alchemy"}, 1}}, "alchemy"},
    {{.classes = {(const char *const[]){"inside"}, 1}}, "inside"},
    {{.protocols = {(const char *const[]){"tpc"}, 1}}, "tpc"},
    {{.protocols = {(const char *const[]){"256"}, 1}}, "256"},
    {{.protocols = {(const char *const[]){"99999999999999999999"}, 1}}, "99999999999999999999"},
};

START_TEST(an_unknown_name_is_told)
{
    book_a_small_world();
    ck_assert_ptr_null(store_unknown_name(s));
    ck_assert_int_eq(ask(unknowns[_i].query), -ENOENT);
    ck_assert_str_eq(store_unknown_name(s), unknowns[_i].unknown);
    ck_assert_ptr_nonnull(strstr(store_why(s), unknowns[_i].unknown));
    ck_assert_str_eq(answer, "");
    EXPECT("0 - -1 - - - -1 63000 63\n", .by = 0);
    ck_assert_ptr_null(store_unknown_name(s));
}
END_TEST

/* ---- people change ---- */

START_TEST(a_recycled_uid_is_two_people)
{
    struct store_usage row = usage(1000, 100, 1, 0);

    book(s, 1, 1000, &row, 1);
    store_note_user(s, 1000, "alice", 1005);
    row.n.tx_bytes = 10;
    book(s, 2, 2000, &row, 1);
    store_note_user(s, 1000, "bob", 2005);
    row.n.tx_bytes = 100;
    book(s, 3, 2004, &row, 1); /* began before the name changed */
    row.n.tx_bytes = 1000;
    book(s, 4, 2005, &row, 1);
    EXPECT("0 alice 1000 - - - -1 111 0\n0 bob 1000 - - - -1 1000 0\n", .by = STORE_BY_USER);
    EXPECT("0 - -1 - - - -1 111 0\n", .users = NAMES("alice"));
    EXPECT("0 - -1 - - - -1 1000 0\n", .users = NAMES("bob"));
    EXPECT("0 - -1 - - - -1 1111 0\n", .users = NAMES("1000"));
    ck_assert_int_eq(sql_int("SELECT count(*) FROM user WHERE uid = 1000"), 2);
}
END_TEST

START_TEST(names_survive_the_next_writer_and_a_clock_that_steps_back)
{
    struct store_usage row = usage(1000, 100, 1, 0);

    store_note_user(s, 1000, "alice", 5000);
    store_note_user(s, 1000, "bob", 6000);
    store_close(s);
    s = open_store(STORE_WRITE);
    book(s, 1, 6000, &row, 1);
    store_note_user(s, 1000, "carol", 3000);
    book(s, 2, 3000, &row, 1);
    book(s, 3, 2990, &row, 1);
    EXPECT("0 alice 1000 - - - -1 1 0\n0 bob 1000 - - - -1 1 0\n0 carol 1000 - - - -1 1 0\n", .by = STORE_BY_USER);
}
END_TEST

START_TEST(a_user_whose_name_comes_back_is_one_row)
{
    struct store_usage row = usage(1000, 100, 1, 0);
    static const char *const names[] = {"alice", "bob", "alice"};

    for (int i = 0; i < 3; i++) {
        store_note_user(s, 1000, names[i], 1000 * (i + 1));
        book(s, (uint64_t)i + 1, 1000 * (i + 1), &row, 1);
    }
    EXPECT("0 alice 1000 - - - -1 2 0\n0 bob 1000 - - - -1 1 0\n", .by = STORE_BY_USER);
    EXPECT("0 - -1 - - - -1 2 0\n", .users = NAMES("alice"));
}
END_TEST

START_TEST(one_name_of_two_uids_is_two_rows)
{
    struct store_usage rows[] = {usage(1000, 100, 1, 0), usage(2000, 100, 10, 0)};

    book(s, 1, 1000, rows, 2);
    store_note_user(s, 1000, "alice", 1005);
    store_note_user(s, 2000, "alice", 1005);
    EXPECT("0 alice 1000 - - - -1 1 0\n0 alice 2000 - - - -1 10 0\n", .by = STORE_BY_USER);
    EXPECT("0 - -1 - - - -1 11 0\n", .users = NAMES("alice"));
}
END_TEST

START_TEST(a_deleted_user_keeps_the_name)
{
    struct store_usage row = usage(1000, 100, 1, 0);

    store_note_user(s, 1000, "alice", 1000);
    ck_assert_int_eq(store_note_user(s, 1000, "", 2000), 0);
    book(s, 1, 3000, &row, 1);
    EXPECT("0 alice 1000 - - - -1 1 0\n", .by = STORE_BY_USER);
}
END_TEST

START_TEST(a_renamed_group_is_two_projects)
{
    struct store_usage row = usage(1000, 100, 1, 0);

    book(s, 1, 1000, &row, 1);
    store_note_group(s, 100, "physics", 1005);
    store_note_group(s, 100, "biology", 2000);
    row.n.tx_bytes = 10;
    book(s, 2, 2000, &row, 1);
    EXPECT("0 - -1 biology - - -1 10 0\n0 - -1 physics - - -1 1 0\n", .by = STORE_BY_PROJECT);
    EXPECT("0 - -1 - - - -1 1 0\n", .projects = NAMES("physics"));
}
END_TEST

START_TEST(a_name_that_is_confirmed_makes_no_new_person)
{
    store_note_user(s, 1000, "alice", 1000);
    store_note_user(s, 1000, "alice", 1600);
    store_note_user(s, 1000, "alice", 200000);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM user WHERE uid = 1000"), 1);
    ck_assert_int_eq(sql_int("SELECT first_seen = 1000 AND last_seen = 200000 FROM user WHERE uid = 1000"), 1);
}
END_TEST

START_TEST(the_special_numbers_take_no_names)
{
    ck_assert_int_eq(store_note_user(s, STORE_UID_OVERFLOW, "mallory", 1000), -EINVAL);
    ck_assert_int_eq(store_note_group(s, STORE_GID_NONE, "mallory", 1000), -EINVAL);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM user WHERE name = 'mallory'"), 0);
}
END_TEST

static const char *const hostile_names[] = {
    "Robert'); DROP TABLE usage_raw; --",
    "\"quoted\"",
    "\x1b[2J\x1b]0;title\a",
    "line\nbreak\r\ttab",
    "=cmd|' /C calc'!A0",
    "\xff\xfe not UTF-8 \xc3",
    "%s%n%1$d",
    "NULL",
    "1001",
    "-1",
    "'",
    "\\",
    "\xe2\x80\xae"
    "evil",
};

START_TEST(a_hostile_name_is_only_a_name)
{
    struct store_usage rows[] = {usage(1000, 100, 1, 0), usage(1001, 101, 10, 0)};
    const char *name = hostile_names[_i];
    char expected[256];

    book(s, 1, 1000, rows, 2);
    ck_assert_int_eq(store_note_user(s, 1000, name, 1005), 0);
    ck_assert_int_eq(store_note_group(s, 100, name, 1005), 0);
    ck_assert_int_eq(store_put_gap(s, 1, 2, name), 0);
    ck_assert_int_eq(store_put_layer_state(s, name, name, name, 1), 0);
    snprintf(expected, sizeof(expected), "0 %s 1000 %s - - -1 1 0\n", name, name);
    EXPECT(expected, .by = STORE_BY_USER | STORE_BY_PROJECT, .users = NAMES(name));
    EXPECT(expected, .by = STORE_BY_USER | STORE_BY_PROJECT, .projects = NAMES(name));
    EXPECT("0 - -1 - - - -1 11 0\n", .by = 0);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM usage_raw"), 2);
}
END_TEST

/* ---- buckets, sums, plans ---- */

START_TEST(an_interval_belongs_to_the_bucket_in_which_it_began)
{
    static const struct store_bucket buckets[] = {{1000, 1010}, {1010, 1020}, {1020, 1020}, {1030, 2000}};
    struct store_usage row = usage(1000, 100, 1, 0);
    static const int64_t starts[] = {999, 1000, 1009, 1010, 1025, 1030, 1999, 2000};

    for (size_t i = 0; i < array_length(starts); i++) {
        row.n.tx_bytes = 1 << i;
        book(s, i + 1, starts[i], &row, 1);
    }
    EXPECT("0 - -1 - - - -1 6 0\n1 - -1 - - - -1 8 0\n3 - -1 - - - -1 96 0\n", .buckets = buckets,
           .n_buckets = array_length(buckets));
    ck_assert_int_eq(store_query_usage(s, &(struct store_query){.buckets = buckets}, add_line, NULL), 0);
}
END_TEST

/* When interval number epoch begins: at 20:00 UTC, from 26 January 1970 on. */
static int64_t evening(uint64_t epoch)
{
    return 86400 * (24 + (int64_t)epoch) + 20 * 3600;
}

static void book_a_random_world(void)
{
    struct store_usage rows[150];

    srandom(12345);
    for (uint64_t epoch = 1; epoch <= 12; epoch++) {
        for (size_t i = 0; i < array_length(rows); i++) {
            rows[i] = usage(random() % 15 - 2, random() % 6 - 1, random() % 100000 - 20000, random() % 100000);
            rows[i].class_id = random() % 3;
            rows[i].protocol = (int)(random() % 200);
            rows[i].family = random() % 2 ? AF_INET : AF_INET6;
            rows[i].n.tx_payload_bytes = random() % 1000;
            rows[i].n.rx_payload_bytes = random() % 1000;
        }
        book(s, epoch, evening(epoch), rows, array_length(rows));
        store_note_user(s, (int64_t)epoch, epoch % 2 ? "odd" : "even", evening(epoch) + 5);
        store_note_user(s, 3, epoch % 2 ? "odd" : "even", evening(epoch) + 6);
    }
}

START_TEST(rows_of_any_dimensions_add_up_to_what_was_counted)
{
    struct store_bucket buckets[] = {{0, 2500000}, {2500000, 2800000}, {2800000, INT64_MAX}};

    book_a_random_world();
    ck_assert_int_eq(
        ask((struct store_query){.by = (unsigned)_i, .buckets = buckets, .n_buckets = array_length(buckets)}), 0);
    ck_assert_int_eq(answer_sum.tx_bytes, sql_int("SELECT sum(tx_bytes) FROM interval"));
    ck_assert_int_eq(answer_sum.rx_bytes, sql_int("SELECT sum(rx_bytes) FROM interval"));
    ck_assert_int_eq(answer_sum.tx_packets, sql_int("SELECT sum(tx_packets) FROM interval"));
    ck_assert_int_eq(answer_sum.rx_packets, sql_int("SELECT sum(rx_packets) FROM interval"));
    ck_assert_int_eq(answer_sum.tx_payload_bytes, sql_int("SELECT sum(tx_payload_bytes) FROM interval"));
    ck_assert_int_eq(answer_sum.rx_payload_bytes, sql_int("SELECT sum(rx_payload_bytes) FROM interval"));
}
END_TEST

START_TEST(each_of_two_filters_leaves_what_the_view_says)
{
    book_a_random_world();
    ck_assert_int_eq(ask((struct store_query){.users = NAMES("odd"), .by = STORE_BY_USER}), 0);
    ck_assert_int_eq(answer_sum.tx_bytes, sql_int("SELECT sum(tx_bytes) FROM v_usage WHERE user = 'odd'"));
    ck_assert_int_eq(ask((struct store_query){.users = NAMES("3"), .classes = NAMES("loopback")}), 0);
    ck_assert_int_eq(answer_sum.tx_bytes,
                     sql_int("SELECT sum(tx_bytes) FROM v_usage WHERE uid = 3 AND class = 'loopback'"));
    /* Ids of different dimensions must not be taken for each other: this user's is that of the class loopback. */
    ck_assert_int_eq(ask((struct store_query){.users = NAMES("(unattributed)"), .classes = NAMES("external")}), 0);
    ck_assert_int_eq(answer_sum.tx_bytes,
                     sql_int("SELECT sum(tx_bytes) FROM v_usage WHERE uid = -1 AND class = 'external'"));
}
END_TEST

struct day_sum {
    const char *view, *column;
    struct store_bucket bucket;
    const char *label;
    int64_t seen;
};

static int compare_with_view(const struct store_row *row, void *userdata)
{
    struct day_sum *d = userdata;
    sqlite3_stmt *stmt;
    cleanup_free char *sql = NULL;

    ck_assert_int_gt(asprintf(&sql, "SELECT tx_bytes, rx_bytes FROM %s WHERE %s = ?1 AND user = ?2 AND uid = ?3",
                              d->view, d->column),
                     0);
    ck_assert_int_eq(sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL), SQLITE_OK);
    sqlite3_bind_text(stmt, 1, d->label, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, row->user, -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 3, row->uid);
    ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_column_int64(stmt, 0), row->n.tx_bytes);
    ck_assert_int_eq(sqlite3_column_int64(stmt, 1), row->n.rx_bytes);
    ck_assert_int_eq(sqlite3_step(stmt), SQLITE_DONE);
    sqlite3_finalize(stmt);
    d->seen++;
    return 0;
}

/* In a zone 8 hours east the evening of 31 January is the 1st of February. */
START_TEST(the_views_of_days_and_months_agree_with_the_queries)
{
    struct day_sum views[] = {
        {"v_user_day", "day", {31 * 86400 - 8 * 3600, 32 * 86400 - 8 * 3600}, "1970-02-01", 0},
        {"v_user_month", "month", {0, 31 * 86400 - 8 * 3600}, "1970-01", 0},
    };

    struct store_policy policy = {.timezone = "AWST-8"};
    for (int level = 0; level < STORE_LEVELS; level++)
        policy.retention_sec[level] = STORE_FOREVER;
    ck_assert_int_eq(store_set_policy(s, &policy), 0);
    book_a_random_world();
    for (size_t i = 0; i < array_length(views); i++) {
        struct store_query q = {.buckets = &views[i].bucket, .n_buckets = 1, .by = STORE_BY_USER};
        ck_assert_int_eq(store_query_usage(s, &q, compare_with_view, &views[i]), 0);
        ck_assert_int_gt(views[i].seen, 10);
    }
}
END_TEST

static int count_to_two(const struct store_row *row, void *userdata)
{
    return ++*(int *)userdata == 2 ? -ECANCELED : 0;
}

START_TEST(a_callback_that_has_enough_ends_the_query)
{
    struct store_query q = {.buckets = &all_time, .n_buckets = 1, .by = STORE_BY_USER};
    int n = 0;

    book_a_small_world();
    ck_assert_int_eq(store_query_usage(s, &q, count_to_two, &n), -ECANCELED);
    ck_assert_int_eq(n, 2);
    EXPECT("0 - -1 - - - -1 63000 63\n", .by = 0);
}
END_TEST

/* The plan of a statement, as lines. */
static const char *plan_of(enum statement_id id)
{
    static char plan[4096];
    cleanup_free char *sql = NULL;
    sqlite3_stmt *stmt;
    size_t n = 0;

    ck_assert_int_gt(asprintf(&sql, "EXPLAIN QUERY PLAN %s", statement_rows[id].sql), 0);
    ck_assert_int_eq(sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL), SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW)
        n += (size_t)snprintf(plan + n, sizeof(plan) - n, "%s\n", sqlite3_column_text(stmt, 3));
    sqlite3_finalize(stmt);
    return plan;
}

START_TEST(a_question_about_a_user_seeks_by_bucket_and_user)
{
    for (int level = STORE_5MIN; level < STORE_LEVELS; level++) {
        const char *plan = plan_of((enum statement_id)(STATEMENT_USER_RAW + level));
        ck_assert_msg(strstr(plan, "USING PRIMARY KEY (start_sec=? AND user=?)") && !strstr(plan, "SCAN"), "%s", plan);
    }
    const char *plan = plan_of(STATEMENT_USER_RAW);
    ck_assert_msg(strstr(plan, "SEARCH r USING PRIMARY KEY (interval=? AND uid=?)") && !strstr(plan, "SCAN"), "%s",
                  plan);
}
END_TEST

START_TEST(no_question_scans_the_ledger)
{
    for (int level = STORE_5MIN; level < STORE_LEVELS; level++) {
        const char *plan = plan_of((enum statement_id)(STATEMENT_ALL_RAW + level));
        ck_assert_msg(strstr(plan, "USING PRIMARY KEY (start_sec=?)") && !strstr(plan, "SCAN"), "%s", plan);
    }
    const char *plan = plan_of(STATEMENT_ALL_RAW);
    ck_assert_msg(strstr(plan, "SEARCH r USING PRIMARY KEY (interval=?)") && !strstr(plan, "SCAN"), "%s", plan);
    plan = plan_of(STATEMENT_PIECE_INTERVALS);
    ck_assert_msg(strstr(plan, "USING INDEX interval_begin (start_sec>? AND start_sec<?"), "%s", plan);
    ck_assert_msg(strstr(plan_of(STATEMENT_PIECE_UNROLLED), "USING INTEGER PRIMARY KEY (rowid>?)"), "%s", plan);
}
END_TEST

START_TEST(an_account_is_found_by_its_index)
{
    const char *plan = plan_of(STATEMENT_ACCOUNT_FIND);

    ck_assert_msg(strstr(plan, "SEARCH account USING COVERING INDEX"), "%s", plan);
    ck_assert_ptr_nonnull(strstr(plan_of(STATEMENT_USER_AT), "SEARCH user USING INDEX user_uid (uid=?)"));
}
END_TEST

/* ---- coverage and snapshots ---- */

START_TEST(coverage_tells_what_was_counted)
{
    struct store_coverage c;

    ck_assert_int_eq(store_query_coverage(s, 0, 1000000, &c), 0);
    ck_assert(c.first_sec == 0 && c.last_sec == 0 && c.seen_ms == 0);
    for (uint64_t epoch = 1; epoch <= 5; epoch++)
        book(s, epoch, 1000 + 10 * (int64_t)epoch, NULL, 0);
    ck_assert_int_eq(store_query_coverage(s, 1020, 1040, &c), 0);
    ck_assert_int_eq(c.first_sec, 1010);
    ck_assert_int_eq(c.last_sec, 1060);
    ck_assert_int_eq(c.seen_ms, 20000);
}
END_TEST

START_TEST(questions_within_a_snapshot_agree)
{
    struct store_usage row = usage(1000, 100, 1, 0);
    struct store *writer = s;

    book(writer, 1, 1000, &row, 1);
    s = open_store(STORE_READ);
    ck_assert_int_eq(store_begin_read(s), 0);
    ck_assert_int_eq(store_begin_read(s), -EALREADY);
    EXPECT("0 - -1 - - - -1 1 0\n", .by = 0);
    book(writer, 2, 1010, &row, 1);
    EXPECT("0 - -1 - - - -1 1 0\n", .by = 0);
    EXPECT("0 uid 1000 1000 - - - -1 1 0\n", .by = STORE_BY_USER);
    store_end_read(s);
    store_end_read(s);
    EXPECT("0 - -1 - - - -1 2 0\n", .by = 0);
    store_close(s);
    s = writer;
}
END_TEST

START_TEST(a_reader_beside_a_busy_writer_sees_whole_intervals)
{
    pid_t pid = fork();

    if (pid == 0) {
        for (uint64_t epoch = 1; epoch <= 150; epoch++) {
            struct store_usage rows[] = {usage(1000, 100, 5, 0), usage(1001, 100, -2, 0)};
            if (try_book(s, epoch, 1000, rows, 2) != 0)
                _exit(1);
        }
        _exit(0);
    }
    struct store *writer = s;
    int status = -1;
    s = open_store(STORE_READ);
    while (waitpid(pid, &status, WNOHANG) == 0) {
        ck_assert_int_eq(ask((struct store_query){.by = STORE_BY_USER}), 0);
        ck_assert_int_eq(answer_sum.tx_bytes % 3, 0);
    }
    ck_assert_int_eq(status, 0);
    EXPECT("0 - -1 - - - -1 450 0\n", .by = 0);
    store_close(s);
    s = writer;
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
    TCase *c = tcase_create(name);

    tcase_add_checked_fixture(c, open_place, close_place);
    tcase_set_timeout(c, 60);
    suite_add_tcase(suite, c);
    return c;
}

static void add_names(Suite *suite)
{
    TCase *c = add_case(suite, "names");

    tcase_add_test(c, rows_carry_names_or_say_that_there_is_none);
    tcase_add_test(c, filters_take_names_numbers_and_what_reports_show);
    tcase_add_loop_test(c, an_unknown_name_is_told, 0, array_length(unknowns));
    tcase_add_test(c, a_recycled_uid_is_two_people);
    tcase_add_test(c, names_survive_the_next_writer_and_a_clock_that_steps_back);
    tcase_add_test(c, a_user_whose_name_comes_back_is_one_row);
    tcase_add_test(c, one_name_of_two_uids_is_two_rows);
    tcase_add_test(c, a_deleted_user_keeps_the_name);
    tcase_add_test(c, a_renamed_group_is_two_projects);
    tcase_add_test(c, a_name_that_is_confirmed_makes_no_new_person);
    tcase_add_test(c, the_special_numbers_take_no_names);
    tcase_add_loop_test(c, a_hostile_name_is_only_a_name, 0, array_length(hostile_names));
}

static void add_sums(Suite *suite)
{
    TCase *c = add_case(suite, "sums");

    tcase_add_test(c, an_empty_store_has_no_answer);
    tcase_add_test(c, without_dimensions_there_is_one_row);
    tcase_add_test(c, an_interval_belongs_to_the_bucket_in_which_it_began);
    tcase_add_loop_test(c, rows_of_any_dimensions_add_up_to_what_was_counted, 0, 32);
    tcase_add_test(c, each_of_two_filters_leaves_what_the_view_says);
    tcase_add_test(c, the_views_of_days_and_months_agree_with_the_queries);
    tcase_add_test(c, a_callback_that_has_enough_ends_the_query);
    tcase_add_test(c, coverage_tells_what_was_counted);
}

static void add_plans(Suite *suite)
{
    TCase *c = add_case(suite, "plans and snapshots");

    tcase_add_test(c, a_question_about_a_user_seeks_by_bucket_and_user);
    tcase_add_test(c, no_question_scans_the_ledger);
    tcase_add_test(c, an_account_is_found_by_its_index);
    tcase_add_test(c, questions_within_a_snapshot_agree);
    tcase_add_test(c, a_reader_beside_a_busy_writer_sees_whole_intervals);
}

int main(void)
{
    Suite *suite = suite_create("store_query");

    add_names(suite);
    add_sums(suite);
    add_plans(suite);
    return unit_main(suite);
}
