/* What a user may have at a time, with a clock that is passed in. */
#include "serve/limits.h"
#include "tests/support/unit.h"

#include "common/clock.h"

static struct limits *limits;

static void set_up(void)
{
    limits = calloc(1, sizeof(*limits));
    ck_assert_ptr_nonnull(limits);
}

static void tear_down(void)
{
    free(limits);
}

START_TEST(a_user_has_so_many_connections_and_others_have_theirs)
{
    for (int i = 0; i < LIMIT_CONNECTIONS; i++)
        ck_assert(limits_connect(limits, 1000, LIMIT_CONNECTIONS, 0));
    ck_assert(!limits_connect(limits, 1000, LIMIT_CONNECTIONS, 0));
    ck_assert(limits_connect(limits, 1001, LIMIT_CONNECTIONS, 0));
    limits_disconnect(limits, 1000);
    ck_assert(limits_connect(limits, 1000, LIMIT_CONNECTIONS, 0));
    ck_assert(!limits_connect(limits, 1000, LIMIT_CONNECTIONS, 0));
}
END_TEST

START_TEST(all_together_have_a_limit_too)
{
    int n = 0;

    for (int uid = 0; uid < LIMIT_USERS; uid++)
        for (int i = 0; i < LIMIT_CONNECTIONS; i++)
            n += limits_connect(limits, uid, LIMIT_CONNECTIONS, 0);
    ck_assert_int_eq(n, LIMIT_ALL_CONNECTIONS);
}
END_TEST

START_TEST(questions_come_back_with_time)
{
    int n = 0;

    for (int i = 0; i < 2 * LIMIT_BURST; i++) {
        if (limits_ask(limits, 7, 1000) != LIMIT_GRANTED)
            continue;
        n++;
        limits_give_up(limits, 7);
    }
    ck_assert_int_eq(n, LIMIT_BURST);
    ck_assert_int_eq(limits_ask(limits, 7, 1000), LIMIT_TOO_FAST);
    ck_assert_int_eq(limits_ask(limits, 8, 1000), LIMIT_GRANTED);
    for (int i = 0; i < LIMIT_PER_SEC; i++) {
        ck_assert_int_eq(limits_ask(limits, 7, 1000 + NSEC_PER_SEC), LIMIT_GRANTED);
        limits_give_up(limits, 7);
    }
    ck_assert_int_eq(limits_ask(limits, 7, 1000 + NSEC_PER_SEC), LIMIT_TOO_FAST);
    ck_assert_int_eq(limits_ask(limits, 7, INT64_MAX), LIMIT_GRANTED);
}
END_TEST

START_TEST(so_many_wait_and_so_many_are_answered)
{
    for (int i = 0; i < LIMIT_WAITING; i++)
        ck_assert_int_eq(limits_ask(limits, 7, 0), LIMIT_GRANTED);
    ck_assert_int_eq(limits_ask(limits, 7, 0), LIMIT_TOO_MANY);
    for (int i = 0; i < LIMIT_RUNNING; i++) {
        ck_assert(limits_may_run(limits, 7));
        limits_run(limits, 7);
    }
    ck_assert(!limits_may_run(limits, 7));
    ck_assert_uint_eq(limits_running(limits, 7), LIMIT_RUNNING);
    limits_done(limits, 7);
    ck_assert(limits_may_run(limits, 7));
    ck_assert_int_eq(limits_ask(limits, 7, 0), LIMIT_GRANTED);
}
END_TEST

START_TEST(whoever_is_idle_is_forgotten_for_others)
{
    for (int uid = 0; uid < LIMIT_USERS; uid++)
        ck_assert(limits_ask(limits, uid, 0) == LIMIT_GRANTED);
    ck_assert_int_eq(limits_ask(limits, LIMIT_USERS, 0), LIMIT_TOO_MANY);
    for (int uid = 0; uid < LIMIT_USERS; uid++)
        limits_give_up(limits, uid);
    ck_assert_int_eq(limits_ask(limits, LIMIT_USERS, 0), LIMIT_TOO_MANY); /* what they asked is not forgotten yet */
    ck_assert_int_eq(limits_ask(limits, LIMIT_USERS, NSEC_PER_SEC), LIMIT_GRANTED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("serve_limits");
    TCase *c = tcase_create("limits");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, a_user_has_so_many_connections_and_others_have_theirs);
    tcase_add_test(c, all_together_have_a_limit_too);
    tcase_add_test(c, questions_come_back_with_time);
    tcase_add_test(c, so_many_wait_and_so_many_are_answered);
    tcase_add_test(c, whoever_is_idle_is_forgotten_for_others);
    suite_add_tcase(suite, c);
    return unit_main(suite);
}
