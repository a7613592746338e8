/* Names: asked by a worker, so that a service that hangs delays nothing but names. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "collector/names.h"
#include "collector/names_table.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "tests/support/unit.h"

#define HANGING_ID 13
#define NOBODYS_ID 404
#define FAILING_ID 500

static atomic_int n_lookups;
static atomic_int n_hanging;
static atomic_int n_at_gate;
static _Atomic int64_t fake_now_ns;
static _Atomic bool gate_is_open; /* lookups of gated_user() wait for it */

static int64_t fake_clock(void)
{
    return atomic_load(&fake_now_ns);
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static int fake_user(uint32_t uid, char **ret_name)
{
    atomic_fetch_add(&n_lookups, 1);
    if (uid == HANGING_ID) {
        atomic_fetch_add(&n_hanging, 1);
        for (;;)
            pause();
    }
    if (uid == NOBODYS_ID)
        return -ENOENT;
    if (uid == FAILING_ID)
        return -EIO;
    return asprintf(ret_name, "user%u", uid) < 0 ? -ENOMEM : 0;
}

static int fake_group(uint32_t gid, char **ret_name)
{
    atomic_fetch_add(&n_lookups, 1);
    return asprintf(ret_name, "group%u", gid) < 0 ? -ENOMEM : 0;
}

static int fake_uid(const char *name, uint32_t *ret_uid)
{
    if (strcmp(name, "nobody-here") == 0)
        return -ENOENT;
    if (strcmp(name, "failing") == 0)
        return -EIO;
    *ret_uid = (uint32_t)strlen(name);
    return 0;
}

static int gated_user(uint32_t uid, char **ret_name)
{
    atomic_fetch_add(&n_at_gate, 1);
    while (!atomic_load(&gate_is_open))
        pause_ms(1);
    return fake_user(uid, ret_name);
}

static struct names *start(void)
{
    struct names *n = NULL;
    struct names_options options = {fake_user,          fake_group,      fake_clock,
                                    .refresh_sec = 600, .retry_sec = 30, .max_pending = 8};
    ck_assert_int_eq(names_start_with(&options, &n), 0);
    return n;
}

static bool is_readable(const struct names *n, int timeout_ms)
{
    struct pollfd p = {.fd = names_fd(n), .events = POLLIN};
    return poll(&p, 1, timeout_ms) == 1;
}

static void expect_answer(struct names *n, enum names_kind kind, uint32_t id, const char *name)
{
    struct names_answer a;

    ck_assert_msg(is_readable(n, 5000), "no answer about %u", id);
    ck_assert(names_take(n, &a));
    ck_assert_int_eq(a.kind, kind);
    ck_assert_uint_eq(a.id, id);
    ck_assert_str_eq(a.name, name);
}

static void wait_for(atomic_int *counter, int value)
{
    for (int ms = 0; ms < 5000 && atomic_load(counter) < value; ms++)
        pause_ms(1);
    ck_assert_int_ge(atomic_load(counter), value);
}

START_TEST(users_and_groups_of_the_same_number_are_answered_apart)
{
    struct names *n = start();
    ck_assert_int_eq(names_ask_user(n, 7), 0);
    ck_assert_int_eq(names_ask_group(n, 7), 0);
    expect_answer(n, NAMES_USER, 7, "user7");
    expect_answer(n, NAMES_GROUP, 7, "group7");
    names_stop(n);
}
END_TEST

START_TEST(an_id_without_an_entry_is_answered_by_an_empty_name)
{
    struct names *n = start();
    ck_assert_int_eq(names_ask_user(n, NOBODYS_ID), 0);
    expect_answer(n, NAMES_USER, NOBODYS_ID, "");
    names_stop(n);
}
END_TEST

START_TEST(the_descriptor_is_readable_exactly_while_answers_wait)
{
    struct names *n = start();
    struct names_answer a;

    ck_assert(!is_readable(n, 0));
    ck_assert(!names_take(n, &a));
    names_ask_user(n, 1);
    names_ask_user(n, 2);
    wait_for(&n_lookups, 2);
    ck_assert_uint_eq(names_waiting(n), 2);
    expect_answer(n, NAMES_USER, 1, "user1");
    expect_answer(n, NAMES_USER, 2, "user2");
    ck_assert_uint_eq(names_waiting(n), 0);
    ck_assert(!is_readable(n, 0));
    ck_assert(!names_take(n, &a));
    names_stop(n);
}
END_TEST

START_TEST(a_name_is_asked_once_until_the_refresh_time_has_passed)
{
    struct names *n = start();

    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(names_ask_user(n, 1), 0);
    expect_answer(n, NAMES_USER, 1, "user1");
    atomic_store(&fake_now_ns, 599 * NSEC_PER_SEC);
    names_ask_user(n, 1);
    ck_assert(!is_readable(n, 30));
    ck_assert_int_eq(atomic_load(&n_lookups), 1);
    atomic_store(&fake_now_ns, 600 * NSEC_PER_SEC);
    names_ask_user(n, 1);
    expect_answer(n, NAMES_USER, 1, "user1");
    ck_assert_int_eq(atomic_load(&n_lookups), 2);
    names_stop(n);
}
END_TEST

START_TEST(a_failing_service_gives_no_answer_and_is_asked_again_soon)
{
    struct names *n = start();

    names_ask_user(n, FAILING_ID);
    wait_for(&n_lookups, 1);
    names_ask_user(n, 1);
    expect_answer(n, NAMES_USER, 1, "user1"); /* it came second: the first has ended without an answer */
    ck_assert_uint_eq(names_waiting(n), 0);
    names_ask_user(n, FAILING_ID);
    ck_assert(!is_readable(n, 30));
    ck_assert_int_eq(atomic_load(&n_lookups), 2);
    atomic_store(&fake_now_ns, 30 * NSEC_PER_SEC);
    names_ask_user(n, FAILING_ID);
    wait_for(&n_lookups, 3);
    names_stop(n);
}
END_TEST

START_TEST(too_many_questions_are_refused_and_accepted_later)
{
    struct names *n = NULL;
    struct names_options options = {gated_user, fake_group, fake_clock, .max_pending = 4};
    struct names_answer a;

    ck_assert_int_eq(names_start_with(&options, &n), 0);
    for (uint32_t id = 1; id <= 4; id++)
        ck_assert_int_eq(names_ask_user(n, id), 0);
    ck_assert_int_eq(names_ask_user(n, 5), -ENOBUFS);
    ck_assert_int_eq(names_ask_user(n, 4), 0); /* under way: nothing new */
    atomic_store(&gate_is_open, true);
    wait_for(&n_lookups, 4);
    ck_assert_int_eq(names_ask_user(n, 5), -ENOBUFS); /* answers that nobody takes count as well */
    for (int i = 0; i < 4; i++)
        ck_assert(is_readable(n, 5000) && names_take(n, &a));
    ck_assert_int_eq(names_ask_user(n, 5), 0);
    expect_answer(n, NAMES_USER, 5, "user5");
    names_stop(n);
}
END_TEST

static int64_t elapsed_ms(int64_t since_ns)
{
    return (clock_boottime_ns() - since_ns) / NSEC_PER_MSEC;
}

START_TEST(a_lookup_that_hangs_holds_up_neither_questions_nor_the_stop)
{
    struct names *n = start();
    struct names_answer a;

    names_ask_user(n, HANGING_ID);
    wait_for(&n_hanging, 1);
    int64_t start_ns = clock_boottime_ns();
    ck_assert_int_eq(names_ask_user(n, 1), 0);
    ck_assert_int_eq(names_ask_user(n, HANGING_ID), 0);
    ck_assert(!names_take(n, &a));
    ck_assert_ptr_null(names_stop(n));
    ck_assert_int_lt(elapsed_ms(start_ns), 1000);
}
END_TEST

START_TEST(a_worker_that_is_late_ends_after_the_stop_without_touching_what_is_gone)
{
    struct names *n = NULL;
    struct names_options options = {.find_user = gated_user, .now_ns = fake_clock};

    ck_assert_int_eq(names_start_with(&options, &n), 0);
    names_ask_user(n, 1);
    names_ask_user(n, 2);
    wait_for(&n_at_gate, 1);
    names_stop(n);
    atomic_store(&gate_is_open, true);
    wait_for(&n_lookups, 1);
    pause_ms(50); /* a use after free would be found by the sanitizer here */
    ck_assert_int_eq(atomic_load(&n_lookups), 1);
}
END_TEST

START_TEST(stopping_with_answers_not_taken_and_stopping_nothing_are_fine)
{
    struct names *n = start();
    names_ask_user(n, 1);
    names_ask_group(n, 2);
    wait_for(&n_lookups, 2);
    ck_assert_ptr_null(names_stop(n));
    ck_assert_ptr_null(names_stop(NULL));
}
END_TEST

static sigset_t worker_mask;

static int note_mask(uint32_t uid, char **ret_name)
{
    pthread_sigmask(SIG_SETMASK, NULL, &worker_mask);
    return fake_user(uid, ret_name);
}

START_TEST(each_question_for_an_id_has_one_answer_even_when_the_service_fails)
{
    static const struct {
        const char *name;
        int error;
        uint32_t id;
    } expected[] = {{"alice", 0, 5}, {"nobody-here", -ENOENT, 0}, {"failing", -EIO, 0}, {"alice", 0, 5}};
    struct names_options options = {.find_uid = fake_uid, .find_gid = fake_uid, .now_ns = fake_clock};
    struct names *n = NULL;
    struct names_answer a;

    ck_assert_int_eq(names_start_with(&options, &n), 0);
    for (size_t i = 0; i < array_length(expected); i++)
        ck_assert_int_eq(names_find_user(n, expected[i].name), 0);
    ck_assert_int_eq(names_find_group(n, "staff"), 0);
    for (size_t i = 0; i < array_length(expected); i++) {
        ck_assert(is_readable(n, 5000) && names_take(n, &a));
        ck_assert_int_eq(a.kind, NAMES_UID);
        ck_assert_str_eq(a.name, expected[i].name);
        ck_assert_int_eq(a.error, expected[i].error);
        ck_assert_uint_eq(a.id, expected[i].id);
    }
    expect_answer(n, NAMES_GID, 5, "staff");
    names_stop(n);
}
END_TEST

START_TEST(the_worker_takes_none_of_the_signals_of_the_daemon)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD, SIGALRM};
    struct names *n = NULL;
    struct names_options options = {.find_user = note_mask};
    sigset_t before, after;

    pthread_sigmask(SIG_SETMASK, NULL, &before);
    ck_assert_int_eq(names_start_with(&options, &n), 0);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    names_ask_user(n, 1);
    expect_answer(n, NAMES_USER, 1, "user1");
    for (size_t i = 0; i < array_length(signals); i++) {
        ck_assert(sigismember(&worker_mask, signals[i]));
        ck_assert_int_eq(sigismember(&before, signals[i]), sigismember(&after, signals[i]));
    }
    names_stop(n);
}
END_TEST

START_TEST(the_services_of_this_host_know_root_and_not_an_id_that_nobody_has)
{
    struct names *n = NULL;
    uint32_t nobodys = 3999999999;

    ck_assert_int_eq(names_start(&n), 0);
    names_ask_user(n, 0);
    expect_answer(n, NAMES_USER, 0, "root");
    names_ask_group(n, 0);
    expect_answer(n, NAMES_GROUP, 0, "root");
    ck_assert_ptr_null(getpwuid(nobodys));
    names_ask_user(n, nobodys);
    expect_answer(n, NAMES_USER, nobodys, "");
    names_stop(n);
}
END_TEST

START_TEST(a_hundred_thousand_ids_are_told_apart_in_the_table)
{
    struct names_table t = {0};
    for (uint32_t id = 0; id < 100000; id++) {
        ck_assert(names_table_is_due(&t, NAMES_USER, id, 0));
        ck_assert_int_eq(names_table_mark(&t, NAMES_USER, id, 0), 0);
        names_table_settle(&t, NAMES_USER, id, 1000 + id);
    }
    for (uint32_t id = 0; id < 100000; id++) {
        ck_assert(!names_table_is_due(&t, NAMES_USER, id, 999 + id));
        ck_assert(names_table_is_due(&t, NAMES_USER, id, 1000 + id));
        ck_assert(names_table_is_due(&t, NAMES_GROUP, id, 0));
    }
    names_table_free(&t);
}
END_TEST

START_TEST(a_full_table_says_so_and_forgets_what_is_due)
{
    struct names_table t = {0};
    uint32_t id = 0;
    int64_t now_ns = 0, later_ns = 3600 * NSEC_PER_SEC;

    for (; names_table_mark(&t, NAMES_USER, id, now_ns) == 0; id++)
        names_table_settle(&t, NAMES_USER, id, later_ns);
    ck_assert_uint_eq(id, NAMES_TABLE_MAX / 4 * 3);
    ck_assert_int_eq(names_table_mark(&t, NAMES_USER, id, now_ns), -ENOBUFS);
    ck_assert_int_eq(names_table_mark(&t, NAMES_USER, id, later_ns), 0);
    ck_assert_uint_eq(t.n_used, 1);
    names_table_free(&t);
}
END_TEST

static void forget(void)
{
    atomic_store(&n_lookups, 0);
    atomic_store(&n_hanging, 0);
    atomic_store(&n_at_gate, 0);
    atomic_store(&fake_now_ns, 0);
    atomic_store(&gate_is_open, false);
}

int main(void)
{
    const TTest *const tests[] = {
        users_and_groups_of_the_same_number_are_answered_apart,
        an_id_without_an_entry_is_answered_by_an_empty_name,
        the_descriptor_is_readable_exactly_while_answers_wait,
        a_name_is_asked_once_until_the_refresh_time_has_passed,
        a_failing_service_gives_no_answer_and_is_asked_again_soon,
        too_many_questions_are_refused_and_accepted_later,
        a_lookup_that_hangs_holds_up_neither_questions_nor_the_stop,
        a_worker_that_is_late_ends_after_the_stop_without_touching_what_is_gone,
        stopping_with_answers_not_taken_and_stopping_nothing_are_fine,
        each_question_for_an_id_has_one_answer_even_when_the_service_fails,
        the_worker_takes_none_of_the_signals_of_the_daemon,
        the_services_of_this_host_know_root_and_not_an_id_that_nobody_has,
        a_hundred_thousand_ids_are_told_apart_in_the_table,
        a_full_table_says_so_and_forgets_what_is_due,
    };
    Suite *suite = suite_create("names");
    TCase *tcase = tcase_create("names");

    tcase_add_checked_fixture(tcase, forget, NULL);
    tcase_set_timeout(tcase, 30);
    for (size_t i = 0; i < array_length(tests); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
