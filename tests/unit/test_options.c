#include "common/options.h"

#include "common/cleanup.h"
#include "tests/support/capture.h"
#include "tests/support/unit.h"

struct target {
    bool foreground;
    char since[64], user[64];
};

static int set_foreground(void *target, const char *argument)
{
    ((struct target *)target)->foreground = true;
    return 0;
}

static int set_since(void *target, const char *argument)
{
    if (strcmp(argument, "never") == 0)
        return options_complain("not a time, try %s", "30d");
    snprintf(((struct target *)target)->since, sizeof(((struct target *)target)->since), "%s", argument);
    return 0;
}

static int set_user(void *target, const char *argument)
{
    if (strcmp(argument, "huge") == 0)
        return -ENOMEM;
    snprintf(((struct target *)target)->user, sizeof(((struct target *)target)->user), "%s", argument);
    return 0;
}

static const struct option_row rows[] = {
    {.group = "Filters"},
    {"user", 'u', "U[,U]", "only these users", NULL, set_user},
    {"since", 'S', "T",
     "start of the period: 30d, yesterday, 2026-11, 2026-11-01, or an instant written as @ and seconds since 1970",
     NULL, set_since},
    {"foreground", 'f', NULL, "stay", "Running", set_foreground},
    {"sort-by-something-long", 0, "FIELD", "order of rows", NULL, set_user},
};

/* Parses the words (the program's name is put first) and returns what was said on stderr. */
static int parse(struct target *target, int *ret_first_operand, const char **ret_said, const char *const *words,
                 size_t n)
{
    static struct capture capture;
    char *argv[16] = {(char *)"/usr/bin/pdtt-report"};
    int r;

    for (size_t i = 0; i < n; i++)
        argv[i + 1] = (char *)words[i];
    memset(target, 0, sizeof(*target));
    capture_start(&capture);
    r = options_parse(rows, array_length(rows), (int)n + 1, argv, target, ret_first_operand);
    *ret_said = capture_end(&capture);
    return r;
}

#define WORDS(...) (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)

#define ASSERT_SAYS(expected, ...)                                                                                     \
    do {                                                                                                               \
        struct target target_;                                                                                         \
        const char *said_;                                                                                             \
        ck_assert_int_eq(parse(&target_, NULL, &said_, WORDS(__VA_ARGS__)), -EINVAL);                                  \
        ck_assert_str_eq(said_, "pdtt-report: " expected " (see pdtt-report --help)\n");                               \
    } while (0)

START_TEST(every_way_to_write_an_option_is_understood)
{
    struct target t;
    const char *said;

    ck_assert_int_eq(parse(&t, NULL, &said, WORDS("--since", "-30d", "--user=alice", "-f")), 0);
    ck_assert_str_eq(t.since, "-30d");
    ck_assert_str_eq(t.user, "alice");
    ck_assert(t.foreground);
    ck_assert_int_eq(parse(&t, NULL, &said, WORDS("-fSnow", "-u", "bob")), 0);
    ck_assert_str_eq(t.since, "now");
    ck_assert_str_eq(t.user, "bob");
    ck_assert(t.foreground);
    ck_assert_int_eq(parse(&t, NULL, &said, WORDS("--sin=today", "--user=")), 0);
    ck_assert_str_eq(t.since, "today");
    ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(a_refused_value_is_named_with_its_option_and_reason)
{
    ASSERT_SAYS("option --since: 'never': not a time, try 30d", "-S", "never");
}
END_TEST

START_TEST(a_failure_without_a_reason_is_explained_by_its_errno)
{
    struct target t;
    const char *said;

    ck_assert_int_eq(parse(&t, NULL, &said, WORDS("-uhuge")), -ENOMEM);
    ck_assert_str_eq(said, "pdtt-report: option --user: 'huge': Cannot allocate memory (see pdtt-report --help)\n");
}
END_TEST

START_TEST(a_misspelt_option_gets_the_nearest_one)
{
    ASSERT_SAYS("unknown option --sicne, did you mean --since?", "--sicne=1d");
    ASSERT_SAYS("unknown option --forground, did you mean --foreground?", "--forground");
    ASSERT_SAYS("unknown option --xyz", "--xyz");
    ASSERT_SAYS("unknown option -z", "-z");
    ASSERT_SAYS("option --s: more than one option begins like this", "--s");
}
END_TEST

START_TEST(missing_and_needless_values_are_named)
{
    ASSERT_SAYS("option --user: needs U[,U]", "--user");
    ASSERT_SAYS("option --since: needs T", "-S");
    ASSERT_SAYS("option --foreground: 'yes': takes no value", "--foreground=yes");
}
END_TEST

START_TEST(operands_are_refused_unless_asked_for)
{
    struct target t;
    const char *said;
    int first = -1;

    ASSERT_SAYS("unexpected operand 'alice'", "-f", "alice");
    ck_assert_int_eq(parse(&t, &first, &said, WORDS("x", "-f", "y")), 0);
    ck_assert_int_eq(first, 2);
    ck_assert(t.foreground);
}
END_TEST

START_TEST(a_complaint_is_one_harmless_line)
{
    ASSERT_SAYS("unexpected operand 'a\\x1b[2J\\x0ab'", "a\x1b[2J\nb");
}
END_TEST

START_TEST(help_is_grouped_aligned_and_fits_80_columns)
{
    cleanup_free char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    options_print_help(out, "Usage: pdtt-report [options]", rows, array_length(rows));
    fclose(out);
    ck_assert_str_eq(text, "Usage: pdtt-report [options]\n"
                           "\n"
                           "Filters\n"
                           "  -u, --user U[,U]  only these users\n"
                           "  -S, --since T     start of the period: 30d, yesterday, 2026-11, 2026-11-01, or\n"
                           "                    an instant written as @ and seconds since 1970\n"
                           "\n"
                           "Running\n"
                           "  -f, --foreground  stay\n"
                           "      --sort-by-something-long FIELD\n"
                           "                    order of rows\n");
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
        ck_assert_uint_le(strcspn(line, "\n"), 80);
}
END_TEST

START_TEST(nearest_is_at_most_a_third_wrong)
{
    static const char *const words[] = {"interval", "pin_path", "database", "limits"};

    ck_assert_str_eq(options_nearest("intervall", words, 4), "interval");
    ck_assert_str_eq(options_nearest("intreval", words, 4), "interval");
    ck_assert_str_eq(options_nearest("limit", words, 4), "limits");
    ck_assert_ptr_null(options_nearest("inter", words, 4));
    ck_assert_ptr_null(options_nearest("x", words, 4));
    ck_assert_ptr_null(options_nearest("", words, 4));
    ck_assert_ptr_null(options_nearest("interval", words, 0));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("options");
    TCase *t = tcase_create("options");

    tcase_add_test(t, every_way_to_write_an_option_is_understood);
    tcase_add_test(t, a_refused_value_is_named_with_its_option_and_reason);
    tcase_add_test(t, a_failure_without_a_reason_is_explained_by_its_errno);
    tcase_add_test(t, a_misspelt_option_gets_the_nearest_one);
    tcase_add_test(t, missing_and_needless_values_are_named);
    tcase_add_test(t, operands_are_refused_unless_asked_for);
    tcase_add_test(t, a_complaint_is_one_harmless_line);
    tcase_add_test(t, help_is_grouped_aligned_and_fits_80_columns);
    tcase_add_test(t, nearest_is_at_most_a_third_wrong);
    suite_add_tcase(suite, t);
    return unit_main(suite);
}
