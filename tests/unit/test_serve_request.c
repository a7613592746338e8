/* From the target of a request to the options of a report: what is taken, and what is refused in one line. */
#include "serve/question.h"
#include "tests/support/unit.h"

#include "common/cleanup.h"

#include <string.h>

static struct request parsed(const char *target)
{
    struct request request;
    char *why = NULL;
    int r = request_parse(target, &request, &why);

    ck_assert_msg(r == 0, "%s: %s", target, why ? why : "?");
    return request;
}

static void expect_no_request(const char *target, int error)
{
    struct request request;
    cleanup_free char *why = NULL;

    ck_assert_msg(request_parse(target, &request, &why) == error, "%s", target);
    ck_assert_ptr_nonnull(why);
    ck_assert_ptr_null(strchr(why, '\n'));
}

/* ---- requests ---- */

START_TEST(a_target_is_a_path_and_parameters)
{
    struct request r = parsed("/api/v1/report?user=alice&since=2026-11&&by=user,class&payload");

    ck_assert_str_eq(r.path, "/api/v1/report");
    ck_assert_uint_eq(r.n, 4);
    ck_assert_str_eq(r.parameters[0].name, "user");
    ck_assert_str_eq(r.parameters[0].value, "alice");
    ck_assert_str_eq(r.parameters[2].value, "user,class");
    ck_assert_str_eq(r.parameters[3].name, "payload");
    ck_assert_str_eq(r.parameters[3].value, "");
    request_done(&r);
    r = parsed("/");
    ck_assert_uint_eq(r.n, 0);
    request_done(&r);
}
END_TEST

START_TEST(bytes_are_decoded_once)
{
    struct request r = parsed("/?a%3d=%26%3d+%2B%25%32%35&b==&%c3%a4=%ff%1b");

    ck_assert_str_eq(r.parameters[0].name, "a=");
    ck_assert_str_eq(r.parameters[0].value, "&= +%25");
    ck_assert_str_eq(r.parameters[1].value, "=");
    ck_assert_str_eq(r.parameters[2].name, "\xc3\xa4");
    ck_assert_str_eq(r.parameters[2].value, "\xff\x1b");
    request_done(&r);
}
END_TEST

START_TEST(a_path_is_never_decoded)
{
    struct request r = parsed("/api/v1/%72eport");

    ck_assert_str_eq(r.path, "/api/v1/%72eport");
    request_done(&r);
}
END_TEST

START_TEST(what_is_no_target_is_refused)
{
    static const char *const targets[] = {
        "",         "*",    "report",    "http://x/api/v1/report", "/a?b=%",   "/a?b=%1", "/a?b=%zz",
        "/a?b=%0g", "/a?%", "/a?b=%00c", "/a?user%00=bob",         "/a?b=c#d", "/#"};

    for (size_t i = 0; i < array_length(targets); i++)
        expect_no_request(targets[i], -EINVAL);
}
END_TEST

START_TEST(more_parameters_than_anybody_needs_are_refused)
{
    char target[1024] = "/?";
    struct request r;

    for (int i = 0; i < REQUEST_MOST_PARAMETERS; i++)
        strcat(target, "a=b&");
    r = parsed(target);
    ck_assert_uint_eq(r.n, REQUEST_MOST_PARAMETERS);
    request_done(&r);
    strcat(target, "a");
    expect_no_request(target, -E2BIG);
}
END_TEST

/* ---- questions ---- */

static int ask(const char *query, struct question *ret, char **ret_why)
{
    cleanup_free char *target = NULL;
    struct request request;
    int r;

    ck_assert_int_ge(asprintf(&target, "/api/v1/report?%s", query), 0);
    request = parsed(target);
    *ret_why = NULL;
    r = question_parse(&request, NULL, ret, ret_why);
    /* Texts are borrowed; a test looks at what was copied or parsed. */
    request_done(&request);
    return r;
}

static struct question asked(const char *query)
{
    struct question q;
    char *why;
    int r = ask(query, &q, &why);

    ck_assert_msg(r == 0, "%s: %s", query, why ? why : "?");
    return q;
}

START_TEST(parameters_are_the_options_of_the_report)
{
    struct question q = asked("user=alice,bob&user=carol&project=p&class=external&proto=tcp&period=day&top=3&sort=tx");

    ck_assert_uint_eq(q.options.users.n, 3);
    ck_assert_str_eq(q.options.users.v[2], "carol");
    ck_assert_uint_eq(q.options.projects.n, 1);
    ck_assert_int_eq(q.options.period, CALENDAR_DAY);
    ck_assert_uint_eq(q.options.top, 3);
    ck_assert_uint_eq(q.options.by, 0);
    question_done(&q);
    q = asked("payload=1&by=user&allocations=0&check=no&graph=false");
    ck_assert(q.options.payload && !q.options.allocations && !q.options.graph);
    ck_assert_uint_eq(q.options.by, STORE_BY_USER);
    question_done(&q);
}
END_TEST

START_TEST(json_is_the_format_unless_another_is_asked_for)
{
    static const struct {
        const char *query;
        const struct output *output;
        const char *media_type;
    } formats[] = {
        {"", &output_json, "application/json"},
        {"format=csv", &output_csv, "text/csv; charset=utf-8"},
        {"format=tsv", &output_tsv, "text/tab-separated-values; charset=utf-8"},
        {"format=table", &output_table, "text/plain; charset=utf-8"},
        {"format=log", &output_log, "text/plain; charset=utf-8"},
        {"parsable=1", &output_parsable, "text/plain; charset=utf-8"},
        {"graph=1", &output_graph, "text/plain; charset=utf-8"},
    };

    for (size_t i = 0; i < array_length(formats); i++) {
        struct question q = asked(formats[i].query);

        ck_assert_ptr_eq(q.options.output, formats[i].output);
        ck_assert_str_eq(question_media_type(&q), formats[i].media_type);
        ck_assert_uint_eq(q.options.most_rows, QUESTION_MOST_ROWS);
        question_done(&q);
    }
}
END_TEST

START_TEST(a_graph_knows_what_it_is_for)
{
    struct question q = asked("graph=1&width=132&utf8=1&terminal=1&colours=0");

    ck_assert_uint_eq(q.target.width, 132);
    ck_assert(q.target.utf8 && q.target.terminal && !q.target.colours);
    question_done(&q);
}
END_TEST

static const struct {
    const char *query, *part;
} refusals[] = {
    {"foo=1", "unknown parameter 'foo'"},
    {"usr=bob", "did you mean 'user'?"},
    {"USER=bob", "unknown parameter"},
    {"use=bob", "unknown parameter"}, /* no abbreviations: they could mean something else tomorrow */
    {"u=bob", "unknown parameter"},
    {"=bob", "unknown parameter ''"},
    {"database=/etc/shadow", "unknown parameter"},
    {"socket=/run/x", "unknown parameter"},
    {"live=1", "unknown parameter"},
    {"samples=1", "hands out no packets"},
    {"every=1", "unknown parameter"},
    {"count=1", "unknown parameter"},
    {"help=1", "unknown parameter"},
    {"version=1", "unknown parameter"},
    {"sql=SELECT+1", "unknown parameter"},
    {"user=", "a name is missing"},
    {"user=a,,b", "a name is missing"},
    {"format=xml", "not one of"},
    {"by=everything", "not one of"},
    {"top=0", "not a number"},
    {"top=1e9", "not a number"},
    {"payload=maybe", "write 1"},
    {"width=0", "not a number from 1 to 1000"},
    {"width=-1", "not a number from 1 to 1000"},
    {"width=100000", "not a number from 1 to 1000"},
    {"check=1", "works with --allocations only"},
    {"allocations=1&by=user", "does not go with --allocations"},
    {"graph=1&format=csv", "is for people"},
    {"sort=period", "no periods to sort by"},
    {"sort=';DROP TABLE user;--", "not one of"},
};

START_TEST(what_is_wrong_is_refused_in_one_line)
{
    struct question q;
    cleanup_free char *why = NULL;
    int r = ask(refusals[_i].query, &q, &why);

    question_done(&q);
    ck_assert_msg(r == -EINVAL, "%s: %d", refusals[_i].query, r);
    ck_assert_msg(why && strstr(why, refusals[_i].part), "%s: \"%s\"", refusals[_i].query, why ? why : "");
    ck_assert_ptr_null(strchr(why, '\n'));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("serve_request");
    TCase *c = tcase_create("requests");

    tcase_add_test(c, a_target_is_a_path_and_parameters);
    tcase_add_test(c, bytes_are_decoded_once);
    tcase_add_test(c, a_path_is_never_decoded);
    tcase_add_test(c, what_is_no_target_is_refused);
    tcase_add_test(c, more_parameters_than_anybody_needs_are_refused);
    suite_add_tcase(suite, c);
    c = tcase_create("questions");
    tcase_add_test(c, parameters_are_the_options_of_the_report);
    tcase_add_test(c, json_is_the_format_unless_another_is_asked_for);
    tcase_add_test(c, a_graph_knows_what_it_is_for);
    tcase_add_loop_test(c, what_is_wrong_is_refused_in_one_line, 0, array_length(refusals));
    suite_add_tcase(suite, c);
    return unit_main(suite);
}
