/* What somebody who may not see all is answered: own rows, projects without the names of others, and never more. */
#include "tests/support/connections.h"
#include "tests/support/unit.h"

#include <errno.h>

#define PHYSICS   100
#define CHEMISTRY 200
#define ALICE     1000
#define BOB       1001

static struct store *s;
static char answer[4096];

static int add_line(const struct store_row *row, void *userdata)
{
    size_t length = strlen(answer);

    snprintf(answer + length, sizeof(answer) - length, "%s %lld %s %s %lld\n", row->user ? row->user : "-",
             (long long)row->uid, row->project ? row->project : "-", row->unit ? row->unit : "-",
             (long long)row->n.tx_bytes);
    return 0;
}

/* alice and bob in physics, alice in chemistry too, bob in a rule's project and in a unit, and what is nobody's. */
static void book_a_small_world(void)
{
    int64_t job, other_job;

    place_make();
    s = open_store(STORE_WRITE);
    ck_assert_int_eq(store_unit_id(s, "slurm/job_1", &job), 0);
    ck_assert_int_eq(store_unit_id(s, "slurm/job_2", &other_job), 0);
    struct store_usage rows[] = {
        usage(ALICE, PHYSICS, 1000, 0),
        usage(ALICE, CHEMISTRY, 2000, 0),
        usage(BOB, PHYSICS, 4000, 0),
        usage(BOB, CHEMISTRY, 8000, 0),
        usage(ALICE, PHYSICS, 16000, 0),
        usage(STORE_UID_UNATTRIBUTED, STORE_GID_NONE, 32000, 0),
        usage(STORE_UID_OVERFLOW, STORE_GID_NONE, 64000, 0),
    };
    rows[1].unit = other_job;
    rows[3].unit = job;
    rows[4].project = "shared";
    rows[5].kind = STORE_KIND_UNATTRIBUTED;
    rows[6].kind = STORE_KIND_OVERFLOW;
    rows[6].protocol = rows[6].family = 0;
    book(s, 1, 1000, rows, array_length(rows));
    store_note_user(s, ALICE, "alice", 1005);
    store_note_user(s, BOB, "bob", 1005);
    store_note_group(s, PHYSICS, "physics", 1005);
    store_note_group(s, CHEMISTRY, "chemistry", 1005);
}

static void tear_down(void)
{
    s = store_close(s);
    place_remove();
}

static const struct store_bucket all_time = {0, INT64_MAX};
static const struct store_viewer bob = {.uid = BOB, .name = "bob"};

#define NAMES(...)                                                                                                     \
    (struct store_names)                                                                                               \
    {                                                                                                                  \
        .v = (const char *const[]){__VA_ARGS__}, .n = array_length(((const char *const[]){__VA_ARGS__}))               \
    }
#define BOB_OF(...) (&(const struct store_viewer){.uid = BOB, .name = "bob", .projects = NAMES(__VA_ARGS__)})

static int ask(struct store_query q)
{
    q.buckets = &all_time;
    q.n_buckets = 1;
    answer[0] = '\0';
    return store_query_usage(s, &q, add_line, NULL);
}

#define EXPECT(lines, ...)                                                                                             \
    do {                                                                                                               \
        int r_ = ask((struct store_query){__VA_ARGS__});                                                               \
        ck_assert_msg(r_ == 0, "%d: %s", r_, store_why(s));                                                            \
        ck_assert_str_eq(answer, lines);                                                                               \
    } while (0)

START_TEST(own_rows_are_all_that_is_seen_whatever_is_asked)
{
    EXPECT("- -1 - - 12000\n", .viewer = &bob);
    EXPECT("bob 1001 - - 12000\n", .by = STORE_BY_USER, .viewer = &bob);
    EXPECT("- -1 chemistry - 8000\n- -1 physics - 4000\n", .by = STORE_BY_PROJECT, .viewer = &bob);
    EXPECT("- -1 physics - 4000\n", .by = STORE_BY_PROJECT, .projects = NAMES("physics"), .viewer = &bob);
    EXPECT("- -1 - (none) 4000\n- -1 - slurm/job_1 8000\n", .by = STORE_BY_UNIT, .viewer = &bob);
    EXPECT("- -1 - - 8000\n", .units = NAMES("*"), .viewer = &bob);
    EXPECT("", .units = NAMES("slurm/job_2"), .viewer = &bob);
}
END_TEST

START_TEST(no_filter_by_user_finds_somebody_else)
{
    static const char *const others[] = {"alice", "1000", "uid 1000", "(unattributed)", "(overflow)", "-1", "-2"};

    for (size_t i = 0; i < array_length(others); i++) {
        EXPECT("", .by = STORE_BY_USER, .users = NAMES(others[i]), .viewer = &bob);
        EXPECT("", .users = NAMES(others[i]), .viewer = BOB_OF("physics", "shared"));
        EXPECT("bob 1001 - - 12000\n", .by = STORE_BY_USER, .users = NAMES(others[i], "bob"), .viewer = &bob);
    }
}
END_TEST

START_TEST(of_a_project_others_are_one_row_without_a_name)
{
    EXPECT("(others) -3 - - 1000\nbob 1001 - - 12000\n", .by = STORE_BY_USER, .viewer = BOB_OF("physics"));
    EXPECT("(others) -3 physics - 1000\nbob 1001 physics - 4000\n", .by = STORE_BY_USER | STORE_BY_PROJECT,
           .projects = NAMES("physics"), .viewer = BOB_OF("physics"));
    EXPECT("- -1 - - 5000\n", .projects = NAMES("physics"), .viewer = BOB_OF("physics"));
    EXPECT("- -1 - - 13000\n", .viewer = BOB_OF("physics")); /* nobody asks who, and yet it matters */
    EXPECT("- -1 shared - 16000\n", .by = STORE_BY_PROJECT, .projects = NAMES("shared"), .viewer = BOB_OF("shared"));
    EXPECT("bob 1001 - - 4000\n", .by = STORE_BY_USER, .users = NAMES("bob"), .projects = NAMES("physics"),
           .viewer = BOB_OF("physics"));
}
END_TEST

START_TEST(units_of_others_are_not_told)
{
    EXPECT("(others) -3 - (none) 2000\nbob 1001 - (none) 4000\nbob 1001 - slurm/job_1 8000\n",
           .by = STORE_BY_USER | STORE_BY_UNIT, .viewer = BOB_OF("chemistry"));
    EXPECT("", .units = NAMES("slurm/job_2"), .viewer = BOB_OF("chemistry"));
}
END_TEST

static int add_connection(const struct store_connection_row *row, void *userdata)
{
    size_t length = strlen(answer);

    snprintf(answer + length, sizeof(answer) - length, "%s %s %s\n", row->user, row->process, row->remote);
    return 0;
}

static int add_process(const struct store_row *row, void *userdata)
{
    size_t length = strlen(answer);

    snprintf(answer + length, sizeof(answer) - length, "%s %s %s %lld\n", row->user ? row->user : "-", row->process,
             row->remote, (long long)row->n.tx_bytes);
    return 0;
}

/* Nobody learns what programs others run and whom they talk to, also not in a project of which all bytes are seen. */
START_TEST(connections_of_others_are_not_told)
{
    struct store_connection c[] = {connection(1, 1000, "203.0.113.7", "rsync"),
                                   connection(2, 1000, "203.0.113.8", "scp")};
    struct store_query q = {.buckets = &all_time, .n_buckets = 1, .connections = true, .viewer = BOB_OF("physics")};

    c[0].uid = BOB;
    move(&c[0], 300, 0);
    move(&c[1], 700, 0);
    book_connections(s, 2, 1010, c, 2); /* and alice moves 1000 bytes more */
    ck_assert_int_eq(ask((struct store_query){.by = STORE_BY_USER}), 0);
    answer[0] = '\0';
    ck_assert_int_eq(store_query_connections(s, &q, add_connection, NULL), 0);
    ck_assert_str_eq(answer, "bob rsync 203.0.113.7\n");
    q.by = STORE_BY_USER | STORE_BY_PROCESS | STORE_BY_REMOTE;
    answer[0] = '\0';
    ck_assert_int_eq(store_query_usage(s, &q, add_process, NULL), 0);
    ck_assert_str_eq(answer, "(others) (other) (other) 2000\n"
                             "bob (other) (other) 11700\n"
                             "bob rsync 203.0.113.7 300\n");
    q.users = NAMES("alice");
    answer[0] = '\0';
    ck_assert_int_eq(store_query_connections(s, &q, add_connection, NULL), 0);
    ck_assert_int_eq(store_query_usage(s, &q, add_process, NULL), 0);
    ck_assert_str_eq(answer, "");
}
END_TEST

START_TEST(a_project_of_somebody_else_stays_closed)
{
    EXPECT("", .projects = NAMES("shared"), .viewer = BOB_OF("physics"));
    EXPECT("", .projects = NAMES("(none)"), .viewer = BOB_OF("physics"));
    EXPECT("- -1 chemistry - 8000\n", .by = STORE_BY_PROJECT, .projects = NAMES("chemistry"),
           .viewer = BOB_OF("physics"));
}
END_TEST

START_TEST(who_never_moved_a_byte_sees_nothing)
{
    static const struct store_viewer carol = {.uid = 1002, .name = "carol"}, nameless = {.uid = 1003};

    EXPECT("", .viewer = &carol);
    EXPECT("", .by = STORE_BY_USER | STORE_BY_PROJECT | STORE_BY_UNIT, .viewer = &carol);
    EXPECT("", .viewer = &nameless);
    EXPECT("", .viewer = (&(const struct store_viewer){.uid = 1002, .name = "carol", .projects = NAMES("unknown")}));
}
END_TEST

START_TEST(a_recycled_uid_does_not_show_who_had_it_before)
{
    static const struct store_viewer dave = {.uid = ALICE, .name = "dave"}, nameless = {.uid = ALICE};
    struct store_usage later = usage(ALICE, PHYSICS, 7, 0);

    EXPECT("", .by = STORE_BY_USER, .viewer = &dave);
    EXPECT("", .by = STORE_BY_USER, .viewer = &nameless);
    store_note_user(s, ALICE, "dave", 2000);
    book(s, 2, 3000, &later, 1);
    EXPECT("dave 1000 - - 7\n", .by = STORE_BY_USER, .viewer = &dave);
    EXPECT("dave 1000 - - 7\n", .by = STORE_BY_USER, .users = NAMES("1000"), .viewer = &dave);
    EXPECT("", .by = STORE_BY_USER, .users = NAMES("alice"), .viewer = &dave);
}
END_TEST

START_TEST(a_name_of_before_does_not_open_the_rows_of_its_uid)
{
    static const struct store_viewer new_alice = {.uid = 2000, .name = "alice"};

    EXPECT("", .by = STORE_BY_USER, .viewer = &new_alice);
    EXPECT("", .by = STORE_BY_USER, .users = NAMES("alice"), .viewer = &new_alice);
}
END_TEST

START_TEST(rows_without_a_name_yet_are_of_their_uid)
{
    static const struct store_viewer eve = {.uid = 1004, .name = "eve"}, nameless = {.uid = 1004};
    struct store_usage row = usage(1004, PHYSICS, 9, 0);

    book(s, 2, 3000, &row, 1);
    EXPECT("uid 1004 1004 - - 9\n", .by = STORE_BY_USER, .viewer = &eve);
    EXPECT("uid 1004 1004 - - 9\n", .by = STORE_BY_USER, .viewer = &nameless);
}
END_TEST

START_TEST(coarse_levels_hide_the_same)
{
    ck_assert_int_eq(store_flush(s), 0);
    EXPECT("- -1 - - 12000\n", .viewer = &bob);
    EXPECT("bob 1001 - - 12000\n", .by = STORE_BY_USER, .viewer = &bob);
    EXPECT("(others) -3 - - 1000\nbob 1001 - - 12000\n", .by = STORE_BY_USER, .viewer = BOB_OF("physics"));
}
END_TEST

static void add_own(Suite *suite)
{
    TCase *c = tcase_create("own rows");

    tcase_add_checked_fixture(c, book_a_small_world, tear_down);
    tcase_add_test(c, own_rows_are_all_that_is_seen_whatever_is_asked);
    tcase_add_test(c, no_filter_by_user_finds_somebody_else);
    tcase_add_test(c, who_never_moved_a_byte_sees_nothing);
    tcase_add_test(c, a_recycled_uid_does_not_show_who_had_it_before);
    tcase_add_test(c, a_name_of_before_does_not_open_the_rows_of_its_uid);
    tcase_add_test(c, rows_without_a_name_yet_are_of_their_uid);
    suite_add_tcase(suite, c);
}

static void add_projects(Suite *suite)
{
    TCase *c = tcase_create("projects");

    tcase_add_checked_fixture(c, book_a_small_world, tear_down);
    tcase_add_test(c, of_a_project_others_are_one_row_without_a_name);
    tcase_add_test(c, units_of_others_are_not_told);
    tcase_add_test(c, connections_of_others_are_not_told);
    tcase_add_test(c, a_project_of_somebody_else_stays_closed);
    tcase_add_test(c, coarse_levels_hide_the_same);
    suite_add_tcase(suite, c);
}

int main(void)
{
    Suite *suite = suite_create("store_viewer");

    add_own(suite);
    add_projects(suite);
    return unit_main(suite);
}
