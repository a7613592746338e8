/* What is due to be told of allocations, and that it is told once, with who runs the command played by the test. */
#include "collector/allocation_watch.h"
#include "collector/notice_words.h"
#include "collector/notices.h"
#include "tests/support/levels.h"
#include "tests/support/unit.h"
#include "tests/support/zone.h"

#include <errno.h>

#define NOVEMBER INT64_C(1793462400) /* 2026-11-01 00:00 in Perth */
#define MONTH    (INT64_C(30) * 86400)
#define ALICE    61000
#define BOB      61001

static struct store *s;
static struct allocation_watch *watch;
static struct notices *notices;
static uint64_t epoch;

/* What was asked since the last expect_told(): "alice 80 82; " */
static char told[1024];
static uint64_t asked_id;
static int refusal; /* what asking gives */

static int ask(uint64_t id, const char *const words[NOTICE_WORDS], void *userdata)
{
    size_t n = strlen(told);

    if (refusal < 0)
        return refusal;
    asked_id = id;
    snprintf(told + n, sizeof(told) - n, "%s %s %s; ", words[NOTICE_NAME], words[NOTICE_THRESHOLD],
             words[NOTICE_PERCENT]);
    return 0;
}

static void expect_told(const char *expected)
{
    ck_assert_str_eq(told, expected);
    told[0] = '\0';
}

static void begin(void)
{
    static const unsigned at[] = {80, 90, 100};

    s = open_store(STORE_WRITE);
    hurry(s);
    set_zone(s, "Australia/Perth");
    watch = allocation_watch_new();
    ck_assert_ptr_nonnull(watch);
    ck_assert_int_eq(notices_new(&(struct notices_options){.ask = ask}, &notices), 0);
    ck_assert_int_eq(notices_set_thresholds(notices, at, array_length(at)), 0);
}

static void end(void)
{
    notices = notices_free(notices);
    watch = allocation_watch_free(watch);
    s = store_close(s);
}

static void restart(void)
{
    end();
    begin();
}

static void allow(const struct store_allocation *v, size_t n)
{
    int r = store_sync_allocations(s, v, n);

    ck_assert_msg(r == 0, "%s", store_why(s));
}

static struct store_allocation of(const char *name, int64_t limit_bytes)
{
    return (struct store_allocation){
        .subject = STORE_SUBJECT_USER, .name = name, .limit_bytes = limit_bytes, .billing_day = 1};
}

static void set_up(void)
{
    struct store_allocation a = of("alice", 10000);

    place_make();
    epoch = 0;
    refusal = 0;
    told[0] = '\0';
    begin();
    store_note_user(s, ALICE, "alice", NOVEMBER);
    store_note_user(s, BOB, "bob", NOVEMBER);
    allow(&a, 1);
}

static void tear_down(void)
{
    end();
    place_remove();
}

static void look(int64_t now_sec)
{
    ck_assert_int_eq(allocation_watch_look(watch, s, now_sec), 0);
    notices_look(notices, s, watch, now_sec);
}

static void move_bytes(int64_t uid, int64_t start_sec, int64_t bytes)
{
    struct store_usage row = usage(uid, 100, bytes, 0);

    book(s, ++epoch, start_sec, &row, 1);
    look(start_sec + 10);
}

static void settle(bool well)
{
    struct notifier_outcome outcome = {.id = asked_id, .told = well, .how = "exit status 1"};

    notices_settle(notices, s, watch, &outcome, NOVEMBER);
}

START_TEST(each_threshold_is_told_once)
{
    move_bytes(ALICE, NOVEMBER, 7999);
    expect_told("");
    move_bytes(ALICE, NOVEMBER + 10, 1);
    expect_told("alice 80 80; ");
    settle(true);
    move_bytes(ALICE, NOVEMBER + 20, 999);
    expect_told("");
    move_bytes(ALICE, NOVEMBER + 30, 1);
    expect_told("alice 90 90; ");
    settle(true);
    move_bytes(ALICE, NOVEMBER + 40, 1000);
    expect_told("alice 100 100; ");
    settle(true);
    move_bytes(ALICE, NOVEMBER + 50, 90000);
    expect_told("");
    ck_assert_uint_eq(notices_counts(notices).told, 3);
    ck_assert_uint_eq(notices_counts(notices).over, 1);
}
END_TEST

START_TEST(of_several_at_once_the_highest_is_told)
{
    move_bytes(ALICE, NOVEMBER, 9500);
    expect_told("alice 90 95; ");
    settle(true);
    look(NOVEMBER + 20);
    expect_told("");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM notice WHERE told_sec NOT NULL AND told_with = 90"), 2);
    ck_assert_int_eq(sql_int("SELECT attempts FROM notice WHERE threshold = 80"), 0);
}
END_TEST

START_TEST(a_new_period_begins_anew)
{
    move_bytes(ALICE, NOVEMBER, 8500);
    settle(true);
    expect_told("alice 80 85; ");
    move_bytes(ALICE, NOVEMBER + MONTH, 8100);
    expect_told("alice 80 81; ");
    settle(true);
    look(NOVEMBER + MONTH - 5); /* the clock was set back */
    expect_told("");
    look(NOVEMBER + MONTH + 30);
    expect_told("");
}
END_TEST

START_TEST(a_restart_repeats_nothing)
{
    move_bytes(ALICE, NOVEMBER, 8500);
    settle(true);
    expect_told("alice 80 85; ");
    restart();
    look(NOVEMBER + 20);
    expect_told("");
    move_bytes(ALICE, NOVEMBER + 20, 600);
    expect_told("alice 90 91; ");
}
END_TEST

START_TEST(whoever_was_told_when_pdttd_died_is_told_again_at_most_twice)
{
    move_bytes(ALICE, NOVEMBER, 8500);
    expect_told("alice 80 85; ");
    for (int again = 0; again < 2; again++) {
        restart();
        look(NOVEMBER + 20);
        expect_told("alice 80 85; ");
    }
    restart();
    look(NOVEMBER + 20);
    expect_told("");
}
END_TEST

START_TEST(one_that_fails_is_tried_three_times_once_after_each_interval)
{
    move_bytes(ALICE, NOVEMBER, 8500);
    for (int attempt = 1; attempt <= STORE_NOTICE_ATTEMPTS; attempt++) {
        expect_told("alice 80 85; ");
        settle(false);
        expect_told("");
        look(NOVEMBER + 10 + attempt);
    }
    expect_told("");
    ck_assert_uint_eq(notices_counts(notices).failed, 3);
    restart();
    look(NOVEMBER + 60);
    expect_told("");
    move_bytes(ALICE, NOVEMBER + 60, 600); /* the next one has its own three */
    expect_told("alice 90 91; ");
    settle(true);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM notice WHERE told_sec NOT NULL"), 2);
}
END_TEST

START_TEST(a_higher_one_that_is_reached_meanwhile_takes_the_place_of_one_that_failed)
{
    move_bytes(ALICE, NOVEMBER, 8500);
    settle(false);
    expect_told("alice 80 85; ");
    move_bytes(ALICE, NOVEMBER + 20, 1500);
    settle(true);
    expect_told("alice 100 100; ");
    look(NOVEMBER + 60);
    expect_told("");
}
END_TEST

START_TEST(a_limit_that_is_raised_repeats_nothing_in_the_same_period)
{
    struct store_allocation raised = of("alice", 20000);

    move_bytes(ALICE, NOVEMBER, 9500);
    settle(true);
    expect_told("alice 90 95; ");
    allow(&raised, 1);
    look(NOVEMBER + 20);
    move_bytes(ALICE, NOVEMBER + 20, 8600);
    expect_told("");
    move_bytes(ALICE, NOVEMBER + 30, 2000);
    expect_told("alice 100 100; ");
}
END_TEST

START_TEST(another_order_of_allocations_repeats_nothing)
{
    struct store_allocation v[] = {of("bob", 100), of("alice", 10000)};

    move_bytes(ALICE, NOVEMBER, 8500);
    settle(true);
    expect_told("alice 80 85; ");
    allow(v, 2);
    look(NOVEMBER + 20);
    expect_told("");
}
END_TEST

START_TEST(one_is_told_at_a_time)
{
    struct store_allocation v[] = {of("alice", 1000), of("bob", 1000)};

    allow(v, 2);
    move_bytes(BOB, NOVEMBER, 0);
    struct store_usage rows[] = {usage(ALICE, 100, 800, 0), usage(BOB, 100, 900, 0)};
    book(s, ++epoch, NOVEMBER + 10, rows, 2);
    look(NOVEMBER + 20);
    expect_told("alice 80 80; ");
    look(NOVEMBER + 30);
    expect_told("");
    ck_assert(notices_counts(notices).asked);
    settle(true);
    expect_told("bob 90 90; ");
    settle(true);
    ck_assert(!notices_counts(notices).asked);
}
END_TEST

START_TEST(an_answer_to_another_question_is_none)
{
    move_bytes(ALICE, NOVEMBER, 8500);
    asked_id += 7;
    settle(true);
    ck_assert(notices_counts(notices).asked);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM notice WHERE told_sec NOT NULL"), 0);
}
END_TEST

START_TEST(nobody_is_told_before_the_store_has_it)
{
    execute(place_path, "ALTER TABLE notice RENAME TO elsewhere");
    move_bytes(ALICE, NOVEMBER, 8500);
    expect_told("");
    execute(place_path, "ALTER TABLE elsewhere RENAME TO notice");
    look(NOVEMBER + 20);
    expect_told("alice 80 85; ");
}
END_TEST

START_TEST(an_outcome_that_cannot_be_stored_is_kept_until_it_can)
{
    move_bytes(ALICE, NOVEMBER, 8500);
    expect_told("alice 80 85; ");
    execute(place_path, "ALTER TABLE notice RENAME TO elsewhere");
    settle(true);
    look(NOVEMBER + 20);
    expect_told("");
    execute(place_path, "ALTER TABLE elsewhere RENAME TO notice");
    look(NOVEMBER + 30);
    expect_told("");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM notice WHERE told_sec NOT NULL"), 1);
}
END_TEST

START_TEST(who_runs_the_command_may_be_gone)
{
    refusal = -EPIPE;
    move_bytes(ALICE, NOVEMBER, 8500);
    ck_assert(notices_counts(notices).gone);
    refusal = 0;
    look(NOVEMBER + 20);
    expect_told("");
    restart();
    look(NOVEMBER + 30);
    expect_told("alice 80 85; ");
}
END_TEST

START_TEST(nothing_is_begun_after_a_stop)
{
    notices_stop(notices);
    move_bytes(ALICE, NOVEMBER, 8500);
    expect_told("");
}
END_TEST

START_TEST(other_thresholds_hold_from_then_on)
{
    static const unsigned at[] = {50, 85, 95};

    move_bytes(ALICE, NOVEMBER, 8600);
    settle(true);
    expect_told("alice 80 86; ");
    ck_assert_int_eq(notices_set_thresholds(notices, at, array_length(at)), 0);
    look(NOVEMBER + 20);
    settle(true);
    expect_told("alice 85 86; ");
    move_bytes(ALICE, NOVEMBER + 20, 950);
    expect_told("alice 95 95; ");
}
END_TEST

/* ---- words ---- */

static const char *const words[NOTICE_WORDS] = {
    [NOTICE_KIND] = "project",   [NOTICE_NAME] = "{percent} $(id) \"'\\\n",
    [NOTICE_THRESHOLD] = "80",   [NOTICE_PERCENT] = "82",
    [NOTICE_USED_BYTES] = "820", [NOTICE_LIMIT_BYTES] = "1000",
    [NOTICE_PERIOD] = "month",   [NOTICE_DIRECTION] = "both",
    [NOTICE_CLASSES] = "all",    [NOTICE_SINCE_SEC] = "1000",
    [NOTICE_UNTIL_SEC] = "2000",
};

static const struct {
    const char *argument, *expected;
} arguments[] = {
    {"", ""},
    {"plain { } {} {1} {Name} {name", "plain { } {} {1} {Name} {name"},
    {"{kind}{percent}", "project82"},
    {"{{name}}", "{{percent} $(id) \"'\\\n}"},
    {"a {used_bytes} of {limit_bytes} in {period} from {since_sec} to {until_sec}, {direction} {classes} {threshold} %",
     "a 820 of 1000 in month from 1000 to 2000, both all 80 %"},
};

START_TEST(words_are_put_in_once_and_are_text)
{
    cleanup_free char *text = notice_fill_in(arguments[_i].argument, words);

    ck_assert_str_eq(text, arguments[_i].expected);
}
END_TEST

START_TEST(words_that_stand_for_nothing_are_found)
{
    size_t length = 0;
    const char *unknown = notice_unknown_word("x {name} {nam} {kind}", &length);

    ck_assert_msg(unknown && length == 5 && strncmp(unknown, "{nam}", 5) == 0, "%s", unknown);
    ck_assert_ptr_null(notice_unknown_word("{name} {} {\"json\": 1}", &length));
}
END_TEST

START_TEST(variables_have_their_name_in_capitals)
{
    cleanup_free char *name = notice_variable(NOTICE_NAME, "a=b"), *used = notice_variable(NOTICE_USED_BYTES, "820");

    ck_assert_str_eq(name, "PDTT_NAME=a=b");
    ck_assert_str_eq(used, "PDTT_USED_BYTES=820");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        each_threshold_is_told_once,
        of_several_at_once_the_highest_is_told,
        a_new_period_begins_anew,
        a_restart_repeats_nothing,
        whoever_was_told_when_pdttd_died_is_told_again_at_most_twice,
        one_that_fails_is_tried_three_times_once_after_each_interval,
        a_higher_one_that_is_reached_meanwhile_takes_the_place_of_one_that_failed,
        a_limit_that_is_raised_repeats_nothing_in_the_same_period,
        another_order_of_allocations_repeats_nothing,
        one_is_told_at_a_time,
        an_answer_to_another_question_is_none,
        nobody_is_told_before_the_store_has_it,
        an_outcome_that_cannot_be_stored_is_kept_until_it_can,
        who_runs_the_command_may_be_gone,
        nothing_is_begun_after_a_stop,
        other_thresholds_hold_from_then_on,
    };
    Suite *suite = suite_create("notices");
    TCase *c = tcase_create("notices"), *w = tcase_create("words");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_set_timeout(c, 60);
    for (size_t i = 0; i < array_length(tests); i++)
        tcase_add_test(c, tests[i]);
    tcase_add_loop_test(w, words_are_put_in_once_and_are_text, 0, array_length(arguments));
    tcase_add_test(w, words_that_stand_for_nothing_are_found);
    tcase_add_test(w, variables_have_their_name_in_capitals);
    suite_add_tcase(suite, c);
    suite_add_tcase(suite, w);
    return unit_main(suite);
}
