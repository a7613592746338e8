/* Who may ask what: the rule of own rows, without a socket and without users. */
#include "serve/directory.h"
#include "serve/question.h"
#include "tests/support/unit.h"

#include "common/cleanup.h"

#include <string.h>

static char *projects_of_bob[] = {(char *)"physics", (char *)"shared"};
static const struct membership bob = {.uid = 1001, .name = (char *)"bob", .projects = projects_of_bob, .n_projects = 2};
static const struct membership root = {.uid = 0, .name = (char *)"root"};
static const struct membership admin = {.uid = 1002, .name = (char *)"staff", .admin = true};
static const struct membership nobody = {.uid = 4000000000};

struct asked {
    struct request request;
    struct question question;
    struct grant grant;
    char *why;
    int r;
};

static void ask(const struct membership *who, const char *query, struct asked *a)
{
    cleanup_free char *target = NULL;

    *a = (struct asked){0};
    ck_assert_int_ge(asprintf(&target, "/?%s", query), 0);
    ck_assert_int_eq(request_parse(target, &a->request, &a->why), 0);
    ck_assert_msg(question_parse(&a->request, NULL, &a->question, &a->why) == 0, "%s: %s", query, a->why);
    a->r = authorise(who, &a->question.options, &a->grant, &a->why);
}

static void done(struct asked *a)
{
    grant_done(&a->grant);
    question_done(&a->question);
    request_done(&a->request);
    free(a->why);
}

/* ---- who sees all ---- */

START_TEST(root_and_administrators_ask_what_they_like)
{
    static const char *const queries[] = {"", "user=alice", "project=secret&by=unit", "user=alice&unit=*",
                                          "allocations=1&user=alice"};
    static const struct membership *const all[] = {&root, &admin};
    struct asked a;

    for (size_t i = 0; i < array_length(queries); i++) {
        ask(all[i % 2], queries[i], &a);
        ck_assert_int_eq(a.r, 0);
        ck_assert_ptr_null(a.question.options.viewer);
        done(&a);
    }
    ask(&root, "user=alice,bob", &a);
    ck_assert_uint_eq(a.question.options.users.n, 2);
    done(&a);
}
END_TEST

/* ---- own rows ---- */

static const char *const own[] = {
    "",
    "user=bob",
    "user=1001",
    "user=uid+1001",
    "user=bob&user=1001",
    "by=user",
    "by=user,project,class,proto,family,unit,host",
    "unit=*",
    "class=external&proto=tcp&payload=1&period=day&top=3&sort=tx",
    "user=bob&project=secret", /* own rows in a project that was left */
    "user=bob&by=unit",
    "format=csv",
};

START_TEST(without_a_project_the_question_is_about_own_rows)
{
    struct asked a;

    ask(&bob, own[_i], &a);
    ck_assert_msg(a.r == 0, "%s: %s", own[_i], a.why ? a.why : "?");
    ck_assert_ptr_nonnull(a.question.options.viewer);
    ck_assert_int_eq(a.question.options.viewer->uid, 1001);
    ck_assert_str_eq(a.question.options.viewer->name, "bob");
    ck_assert_uint_eq(a.question.options.viewer->projects.n, 0);
    ck_assert_uint_eq(a.question.options.users.n, 0);
    done(&a);
}
END_TEST

START_TEST(who_has_no_name_and_no_group_sees_what_the_uid_has)
{
    struct asked a;

    ask(&nobody, "by=user", &a);
    ck_assert_int_eq(a.r, 0);
    ck_assert_int_eq(a.question.options.viewer->uid, 4000000000);
    ck_assert_ptr_null(a.question.options.viewer->name);
    done(&a);
    ask(&nobody, "user=4000000000", &a);
    ck_assert_int_eq(a.r, 0);
    ck_assert_ptr_nonnull(a.question.options.viewer);
    done(&a);
}
END_TEST

/* ---- projects ---- */

START_TEST(own_projects_are_seen_as_a_whole)
{
    struct asked a;

    ask(&bob, "project=physics&by=user", &a);
    ck_assert_int_eq(a.r, 0);
    ck_assert_uint_eq(a.question.options.viewer->projects.n, 1);
    ck_assert_str_eq(a.question.options.viewer->projects.v[0], "physics");
    ck_assert_uint_eq(a.question.options.projects.n, 1);
    done(&a);
    ask(&bob, "project=physics,shared&period=day", &a);
    ck_assert_uint_eq(a.question.options.viewer->projects.n, 2);
    done(&a);
    ask(&bob, "allocations=1", &a);
    ck_assert_int_eq(a.r, 0);
    ck_assert_uint_eq(a.question.options.viewer->projects.n, 2);
    done(&a);
    ask(&bob, "allocations=1&project=shared", &a);
    ck_assert_int_eq(a.r, 0);
    done(&a);
}
END_TEST

/* ---- refusals ---- */

static const struct {
    const char *query, *part;
} refusals[] = {
    {"user=alice", "option --user: 'alice'"},
    {"audit=1", "option --audit"},
    {"by=policy", "option --by: policies are of the whole host"},
    {"by=source", "option --by: 'source'"},
    {"user=bob,alice", "'alice'"},
    {"user=bob&user=alice", "'alice'"},
    {"user=alice&project=physics", "'alice'"},
    {"user=1000", "'1000'"},
    {"user=01001x", "'01001x'"},
    {"user=uid+1000", "'uid 1000'"},
    {"user=%62ob%20", "'bob '"},
    {"user=BOB", "'BOB'"},
    {"user=b*", "'b*'"},
    {"user=%25", "'%'"},
    {"user=(others)", "'(others)'"},
    {"user=(unattributed)", "'(unattributed)'"},
    {"user=-1", "'-1'"},
    {"user=18446744073709552617", "'18446744073709552617'"}, /* 2^64 + 1001 */
    {"user=4294968297", "'4294968297'"},                     /* 2^32 + 1001 */
    {"project=secret", "option --project: 'secret'"},
    {"project=physics,secret", "'secret'"},
    {"project=physics&project=secret", "'secret'"},
    {"project=PHYSICS", "'PHYSICS'"},
    {"project=100", "'100'"},
    {"project=gid+100", "'gid 100'"},
    {"project=(none)", "'(none)'"},
    {"project=physic?", "'physic?'"},
    {"project=physics&by=unit", "units of a whole project"},
    {"project=physics&unit=*", "units of a whole project"},
    {"allocations=1&user=alice", "'alice'"},
    {"allocations=1&project=secret", "'secret'"},
    {"allocations=1&user=bob&project=secret", "'secret'"},
};

START_TEST(whatever_is_of_others_is_refused_in_one_line)
{
    struct asked a;

    ask(&bob, refusals[_i].query, &a);
    ck_assert_msg(a.r == -EACCES, "%s: %d", refusals[_i].query, a.r);
    ck_assert_msg(a.why && strstr(a.why, refusals[_i].part), "%s: \"%s\"", refusals[_i].query, a.why ? a.why : "");
    ck_assert_ptr_null(strchr(a.why, '\n'));
    done(&a);
}
END_TEST

START_TEST(a_refusal_does_not_tell_what_exists)
{
    struct asked a, b;
    char *name;

    ask(&bob, "project=secret", &a);
    ask(&bob, "project=absent", &b);
    while ((name = strstr(b.why, "absent")))
        memcpy(name, "secret", 6);
    ck_assert_str_eq(a.why, b.why);
    done(&a);
    done(&b);
}
END_TEST

/* ---- memberships ---- */

static char *users_of_rule[] = {(char *)"bob", (char *)"1005"}, *groups_of_rule[] = {(char *)"hpc", (char *)"300"};
static struct config_project rules[] = {
    {.name = (char *)"by_user", .users = {users_of_rule, 2}},
    {.name = (char *)"by_group", .groups = {groups_of_rule, 2}},
    {.name = (char *)"by_unit"},
};
static const struct config config = {.projects = rules, .n_projects = 3, .serve_admin_group = (char *)"pdtt"};

static struct membership decided(int64_t uid, const char *name, struct identity_group *groups, size_t n)
{
    const struct identity identity = {.uid = uid, .name = (char *)name, .groups = groups, .n_groups = n};
    struct membership m;

    ck_assert_int_eq(membership_decide(&config, &identity, &m), 0);
    return m;
}

static bool has(const struct membership *m, const char *project)
{
    for (size_t i = 0; i < m->n_projects; i++)
        if (strcmp(m->projects[i], project) == 0)
            return true;
    return false;
}

START_TEST(projects_are_those_of_rules_and_groups)
{
    struct identity_group groups[] = {{100, (char *)"users"}, {200, (char *)"hpc"}, {201, NULL}};
    struct membership m = decided(1001, "bob", groups, 3);

    ck_assert(has(&m, "by_user") && has(&m, "by_group") && has(&m, "users") && has(&m, "hpc"));
    ck_assert(!has(&m, "by_unit"));
    ck_assert_uint_eq(m.n_projects, 4);
    ck_assert(!m.admin);
    membership_done(&m);
}
END_TEST

START_TEST(rules_may_name_users_and_groups_by_number)
{
    struct identity_group groups[] = {{300, NULL}};
    struct membership m = decided(1005, NULL, groups, 1);

    ck_assert(has(&m, "by_user") && has(&m, "by_group"));
    ck_assert_uint_eq(m.n_projects, 2);
    membership_done(&m);
    m = decided(100, "1006", NULL, 0);
    ck_assert_uint_eq(m.n_projects, 0);
    membership_done(&m);
}
END_TEST

START_TEST(administrators_are_members_of_their_group_now)
{
    struct identity_group groups[] = {{100, (char *)"users"}, {999, (char *)"pdtt"}};
    struct membership m = decided(1001, "bob", groups, 2);
    struct config without = config;
    const struct identity identity = {.uid = 1001, .name = (char *)"bob", .groups = groups, .n_groups = 2};

    ck_assert(m.admin);
    membership_done(&m);
    m = decided(1001, "pdtt", groups, 1); /* a user of that name is no member */
    ck_assert(!m.admin);
    membership_done(&m);
    m = decided(0, NULL, NULL, 0);
    ck_assert(m.admin);
    membership_done(&m);
    without.serve_admin_group = (char *)"";
    ck_assert_int_eq(membership_decide(&without, &identity, &m), 0);
    ck_assert(!m.admin);
    membership_done(&m);
}
END_TEST

START_TEST(what_stands_in_parentheses_is_nobodys_project)
{
    struct identity_group groups[] = {{100, (char *)"(none)"}, {101, (char *)"(others)"}};
    struct membership m = decided(1001, "eve", groups, 2);

    ck_assert_uint_eq(m.n_projects, 0);
    membership_done(&m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("serve_authorise");
    TCase *c = tcase_create("questions");

    tcase_add_test(c, root_and_administrators_ask_what_they_like);
    tcase_add_loop_test(c, without_a_project_the_question_is_about_own_rows, 0, array_length(own));
    tcase_add_test(c, who_has_no_name_and_no_group_sees_what_the_uid_has);
    tcase_add_test(c, own_projects_are_seen_as_a_whole);
    tcase_add_loop_test(c, whatever_is_of_others_is_refused_in_one_line, 0, array_length(refusals));
    tcase_add_test(c, a_refusal_does_not_tell_what_exists);
    suite_add_tcase(suite, c);
    c = tcase_create("memberships");
    tcase_add_test(c, projects_are_those_of_rules_and_groups);
    tcase_add_test(c, rules_may_name_users_and_groups_by_number);
    tcase_add_test(c, administrators_are_members_of_their_group_now);
    tcase_add_test(c, what_stands_in_parentheses_is_nobodys_project);
    suite_add_tcase(suite, c);
    return unit_main(suite);
}
