/* Which rule an account's project comes from: order of the kinds, names that come late, change or go. */
#include "collector/projects.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "tests/support/unit.h"

#include <string.h>

#define SEC NSEC_PER_SEC

static struct config *config;
static struct projects *projects;

static struct config *read_rules(const char *text)
{
    char path[] = "/tmp/pdtt-projects-XXXXXX";
    struct config *c = NULL;
    cleanup_free char *why = NULL;
    cleanup_close int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    int r = config_load(path, &c, &why);
    unlink(path);
    ck_assert_msg(r == 0, "%s", why);
    return c;
}

static void rules(const char *text)
{
    config = read_rules(text);
    ck_assert_int_eq(projects_new(config, NULL, &projects), 0);
}

static void tear_down(void)
{
    projects = projects_free(projects);
    config = config_free(config);
}

static void known(enum projects_key key, const char *name, uint32_t id)
{
    projects_answer(projects, key, name, 0, id, 0);
}

/* The project of the account, "" for that of its group */
static const char *project_of(uint32_t unit, int64_t uid, int64_t gid)
{
    struct projects_match match;

    return projects_find(projects, unit, uid, gid, &match) ? match.rule->name : "";
}

static const char three[] = "projects = ("
                            "  { name = \"by-group\"; groups = ( \"staff\" ); },"
                            "  { name = \"by-user\"; users = ( \"alice\" ); },"
                            "  { name = \"by-unit\"; units = ( \"*/job_*\" ); } );";

START_TEST(a_unit_goes_before_a_user_and_a_user_before_a_group_whatever_the_order_of_the_file)
{
    rules(three);
    known(PROJECTS_GROUP, "staff", 50);
    known(PROJECTS_USER, "alice", 1000);
    ck_assert_int_eq(projects_note_unit(projects, 7, "batch/job_1"), 0);
    ck_assert_str_eq(project_of(7, 1000, 50), "by-unit");
    ck_assert_str_eq(project_of(0, 1000, 50), "by-user");
    ck_assert_str_eq(project_of(0, 1001, 50), "by-group");
    ck_assert_str_eq(project_of(0, 1001, 51), "");
    ck_assert_str_eq(project_of(7, 1001, 51), "by-unit");
}
END_TEST

START_TEST(a_uid_is_not_taken_for_a_gid_of_the_same_number)
{
    rules(three);
    known(PROJECTS_GROUP, "staff", 1000);
    known(PROJECTS_USER, "alice", 50);
    ck_assert_str_eq(project_of(0, 1000, 1), "");
    ck_assert_str_eq(project_of(0, 1, 50), "");
    ck_assert_str_eq(project_of(0, 50, 1), "by-user");
}
END_TEST

START_TEST(who_has_no_uid_or_gid_matches_no_rule)
{
    rules("projects = ( { name = \"p\"; users = ( \"0\" ); groups = ( \"4294967294\" ); } );");
    ck_assert_str_eq(project_of(0, -1, -1), "");
    ck_assert_str_eq(project_of(0, -2, -1), "");
    ck_assert_str_eq(project_of(0, 0, -1), "p");
    ck_assert_str_eq(project_of(0, -1, 4294967294), "p");
}
END_TEST

START_TEST(numbers_are_ids_at_once_and_are_never_asked_for)
{
    struct projects_match match;
    rules("projects = ( { name = \"p\"; users = ( \"1000\" ); }, { name = \"q\"; users = ( \"4294967295\" ); } );");
    ck_assert_str_eq(project_of(0, 1000, 1), "p");
    ck_assert_uint_eq(projects_unanswered(projects), 1); /* no uid, so it is a name: somebody may be called so */
    ck_assert(projects_tell_unknown(projects, &match));
    ck_assert_str_eq(match.text, "4294967295");
    ck_assert(!projects_tell_unknown(projects, &match));
}
END_TEST

START_TEST(of_two_names_of_one_id_the_rule_that_stands_first_wins)
{
    rules("projects = ( { name = \"p\"; users = ( \"alias\" ); }, { name = \"q\"; users = ( \"1000\" ); } );");
    ck_assert_str_eq(project_of(0, 1000, 1), "q");
    known(PROJECTS_USER, "alias", 1000);
    ck_assert_str_eq(project_of(0, 1000, 1), "p");
}
END_TEST

START_TEST(a_unit_is_matched_by_whole_directories_and_the_first_rule_in_the_file)
{
    struct projects_match match;
    rules(
        "projects = ( { name = \"p\"; units = ( \"/a/*\", \"b/[xy]?\" ); }, { name = \"q\"; units = ( \"*/*\" ); } );");
    ck_assert(projects_match_unit(projects, "a/1", &match));
    ck_assert_str_eq(match.rule->name, "p");
    ck_assert_str_eq(match.text, "a/*");
    ck_assert(projects_match_unit(projects, "b/x1", &match));
    ck_assert_str_eq(match.rule->name, "p");
    ck_assert(projects_match_unit(projects, "b/z1", &match));
    ck_assert_str_eq(match.rule->name, "q");
    ck_assert(!projects_match_unit(projects, "a", &match));
    ck_assert(!projects_match_unit(projects, "a/b/c", &match));
    ck_assert(!projects_match_unit(projects, "", &match));
}
END_TEST

START_TEST(a_unit_that_no_rule_names_any_more_falls_to_the_user)
{
    rules(three);
    known(PROJECTS_USER, "alice", 1000);
    ck_assert(!projects_knows_unit(projects, 9));
    ck_assert_int_eq(projects_note_unit(projects, 9, "elsewhere/x"), 0);
    ck_assert(projects_knows_unit(projects, 9));
    ck_assert_str_eq(project_of(9, 1000, 50), "by-user");
}
END_TEST

/* ---- names that come late ---- */

static char asked[256];
static int room;

static int note_question(enum projects_key key, const char *name, void *userdata)
{
    if (room-- <= 0)
        return -ENOBUFS;
    strcat(strcat(asked, key == PROJECTS_USER ? " u:" : " g:"), name);
    return 0;
}

/* What is asked at this time */
static const char *questions(int64_t now_ns)
{
    asked[0] = '\0';
    room = 100;
    projects_ask(projects, now_ns, note_question, NULL);
    return asked;
}

START_TEST(a_name_is_asked_once_at_a_time_soon_again_when_missing_and_later_when_found)
{
    rules(three);
    ck_assert_str_eq(questions(0), " g:staff u:alice");
    ck_assert_uint_eq(projects_unanswered(projects), 2);
    ck_assert_str_eq(questions(3600 * SEC), ""); /* the service hangs: nothing piles up */
    projects_answer(projects, PROJECTS_GROUP, "staff", -ENOENT, 0, 0);
    projects_answer(projects, PROJECTS_USER, "alice", 0, 1000, 0);
    ck_assert_uint_eq(projects_unanswered(projects), 0);
    ck_assert_str_eq(questions(29 * SEC), "");
    ck_assert_str_eq(questions(30 * SEC), " g:staff");
    ck_assert_str_eq(questions(600 * SEC), " u:alice");
}
END_TEST

START_TEST(what_found_no_room_among_the_questions_is_asked_next_time)
{
    rules(three);
    asked[0] = '\0';
    room = 1;
    projects_ask(projects, 0, note_question, NULL);
    ck_assert_str_eq(asked, " g:staff");
    ck_assert_str_eq(questions(0), " u:alice");
}
END_TEST

START_TEST(a_service_that_fails_takes_no_known_id_away_and_a_deleted_user_loses_it)
{
    rules(three);
    known(PROJECTS_USER, "alice", 1000);
    projects_answer(projects, PROJECTS_USER, "alice", -EIO, 0, 0);
    ck_assert_str_eq(project_of(0, 1000, 1), "by-user");
    projects_answer(projects, PROJECTS_USER, "alice", 0, 2000, 0);
    ck_assert_str_eq(project_of(0, 1000, 1), "");
    ck_assert_str_eq(project_of(0, 2000, 1), "by-user");
    projects_answer(projects, PROJECTS_USER, "alice", -ENOENT, 0, 0);
    ck_assert_str_eq(project_of(0, 2000, 1), "");
    projects_answer(projects, PROJECTS_USER, "somebody", 0, 2000, 0); /* of rules that were */
    ck_assert_str_eq(project_of(0, 2000, 1), "");
}
END_TEST

START_TEST(an_unknown_name_is_told_once_until_it_was_known_again)
{
    struct projects_match match;
    rules("projects = ( { name = \"p\"; users = ( \"alice\" ); } );");
    projects_answer(projects, PROJECTS_USER, "alice", -ENOENT, 0, 0);
    ck_assert(projects_tell_unknown(projects, &match));
    ck_assert_str_eq(match.rule->name, "p");
    ck_assert_str_eq(match.text, "alice");
    ck_assert(!projects_tell_unknown(projects, &match));
    known(PROJECTS_USER, "alice", 1000);
    ck_assert(!projects_tell_unknown(projects, &match));
    projects_answer(projects, PROJECTS_USER, "alice", -ENOENT, 0, 0);
    ck_assert(projects_tell_unknown(projects, &match));
}
END_TEST

START_TEST(rules_that_are_read_again_know_the_ids_that_were_known)
{
    struct projects *after;
    struct config *changed = read_rules("projects = ( { name = \"new\"; users = ( \"alice\", \"bob\" ); } );");
    rules(three);
    known(PROJECTS_USER, "alice", 1000);
    ck_assert_int_eq(projects_new(changed, projects, &after), 0);
    tear_down();
    projects = after;
    config = changed;
    ck_assert_str_eq(project_of(0, 1000, 1), "new");
    ck_assert_str_eq(questions(0), " u:alice u:bob");
}
END_TEST

START_TEST(sixty_thousand_names_are_found_as_fast_as_a_few)
{
    size_t room_bytes = 2000000, used = 0;
    cleanup_free char *text = malloc(room_bytes);
    used += (size_t)sprintf(text, "projects = ( ");
    for (int i = 0; i < 60; i++) {
        used += (size_t)sprintf(text + used, "%s{ name = \"p%d\"; users = ( ", i ? ", " : "", i);
        for (int k = 0; k < 1000; k++)
            used += (size_t)sprintf(text + used, "%s\"%d\"", k ? "," : "", 1000 + i * 1000 + k);
        used += (size_t)sprintf(text + used, " ); }");
    }
    sprintf(text + used, " );");
    rules(text);
    int64_t before_ns = clock_boottime_ns();
    for (int64_t uid = 0; uid < 100000; uid++) {
        struct projects_match match;
        bool found = projects_find(projects, 0, uid, 1, &match);
        ck_assert_int_eq(found, uid >= 1000 && uid < 61000);
    }
    ck_assert_int_lt(clock_boottime_ns() - before_ns, SEC); /* a drain of 100,000 accounts; about 10 ms */
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_unit_goes_before_a_user_and_a_user_before_a_group_whatever_the_order_of_the_file,
        a_uid_is_not_taken_for_a_gid_of_the_same_number,
        who_has_no_uid_or_gid_matches_no_rule,
        numbers_are_ids_at_once_and_are_never_asked_for,
        of_two_names_of_one_id_the_rule_that_stands_first_wins,
        a_unit_is_matched_by_whole_directories_and_the_first_rule_in_the_file,
        a_unit_that_no_rule_names_any_more_falls_to_the_user,
        a_name_is_asked_once_at_a_time_soon_again_when_missing_and_later_when_found,
        what_found_no_room_among_the_questions_is_asked_next_time,
        a_service_that_fails_takes_no_known_id_away_and_a_deleted_user_loses_it,
        an_unknown_name_is_told_once_until_it_was_known_again,
        rules_that_are_read_again_know_the_ids_that_were_known,
        sixty_thousand_names_are_found_as_fast_as_a_few,
    };
    Suite *suite = suite_create("projects");
    TCase *tcase = tcase_create("projects");

    tcase_add_checked_fixture(tcase, NULL, tear_down);
    tcase_set_timeout(tcase, 60);
    for (size_t i = 0; i < array_length(tests); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
