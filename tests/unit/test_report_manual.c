/* The manual page and the completion of pdtt-report have the options and choices of its table, and no others. */
#include "report/options_words.h"
#include "tests/support/unit.h"

#include "common/cleanup.h"

#include <ctype.h>
#include <string.h>

static const struct option_row *rows;
static size_t n_rows;
static char *manual, *completion;

static char *contents_of(const char *name)
{
    cleanup_free char *path = NULL;
    char *ret = NULL;
    size_t size = 0;
    FILE *f;

    ck_assert_int_ge(asprintf(&path, "%s/%s", getenv("srcdir") ?: ".", name), 0);
    f = fopen(path, "r");
    ck_assert_msg(f != NULL, "%s cannot be read", path);
    ck_assert_int_gt(getdelim(&ret, &size, '\0', f), 0);
    fclose(f);
    return ret;
}

static void set_up(void)
{
    rows = report_option_rows(&n_rows);
    manual = contents_of("man/pdtt-report.1");
    for (char *s = manual; (s = strstr(s, "\\-"));) /* roff writes "-" so */
        memmove(s, s + 1, strlen(s));
    completion = contents_of("etc/completion/pdtt-report");
}

static void tear_down(void)
{
    free(manual);
    free(completion);
}

/* text holds word, and no letter, digit or dash goes on with it. */
static bool has_word(const char *text, const char *word)
{
    for (const char *s = text; (s = strstr(s, word)); s++) {
        char after = s[strlen(word)];

        if (!isalnum((unsigned char)after) && after != '-' && after != '_')
            return true;
    }
    return false;
}

static bool is_reserved(const struct option_row *row)
{
    return strcmp(row->help, "not yet supported") == 0;
}

START_TEST(every_option_has_its_entry_in_the_manual)
{
    for (size_t i = 0; i < n_rows; i++) {
        char option[64];

        if (rows[i].long_name) {
            snprintf(option, sizeof(option), "--%s", rows[i].long_name);
            ck_assert_msg(has_word(manual, option), "the manual lacks %s", option);
        }
        if (rows[i].letter) {
            snprintf(option, sizeof(option), "-%c", rows[i].letter);
            ck_assert_msg(has_word(manual, option), "the manual lacks %s", option);
        }
    }
}
END_TEST

static bool is_option(const char *name, size_t length)
{
    for (size_t i = 0; i < n_rows; i++)
        if (rows[i].long_name && strlen(rows[i].long_name) == length && strncmp(rows[i].long_name, name, length) == 0)
            return true;
    return false;
}

static void expect_known_options(const char *text, const char *where)
{
    for (const char *s = text; (s = strstr(s, "--"));) {
        size_t length = strspn(s += 2, "abcdefghijklmnopqrstuvwxyz-");

        if (*s == '-') /* a line */
            continue;
        ck_assert_msg(length == 0 || is_option(s, length), "%s has --%.*s, which is no option", where, (int)length, s);
    }
}

START_TEST(the_manual_names_no_option_that_there_is_not)
{
    expect_known_options(manual, "the manual");
}
END_TEST

START_TEST(the_completion_offers_every_option_that_works)
{
    for (size_t i = 0; i < n_rows; i++) {
        char option[64];

        if (!rows[i].long_name)
            continue;
        snprintf(option, sizeof(option), "--%s", rows[i].long_name);
        ck_assert_msg(has_word(completion, option) != is_reserved(&rows[i]), "the completion and %s", option);
    }
}
END_TEST

START_TEST(the_choices_of_each_option_are_in_the_manual_and_the_completion)
{
    static const char *const choices[] = {WORDS_DIMS, WORDS_PERIODS, WORDS_STYLES, WORDS_FORMATS};

    for (size_t i = 0; i < array_length(choices); i++) {
        cleanup_free char *list = strdup(choices[i]);
        char *rest = NULL;

        for (char *word = strtok_r(list, ", ", &rest); word; word = strtok_r(NULL, ", ", &rest)) {
            ck_assert_msg(has_word(manual, word), "the manual lacks %s", word);
            ck_assert_msg(has_word(completion, word), "the completion lacks %s", word);
        }
    }
}
END_TEST

START_TEST(help_is_grouped_and_names_every_option)
{
    cleanup_free char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    report_print_help(out);
    fclose(out);
    for (size_t i = 0; i < n_rows; i++) {
        ck_assert_msg(!rows[i].group || strstr(text, rows[i].group), "--help lacks the group %s", rows[i].group);
        ck_assert_msg(!rows[i].long_name || strstr(text, rows[i].long_name), "--help lacks --%s", rows[i].long_name);
    }
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
        ck_assert_msg(strcspn(line, "\n") <= 80, "--help has a line of more than 80 columns: %.80s", line);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("report_manual");
    TCase *c = tcase_create("manual");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, every_option_has_its_entry_in_the_manual);
    tcase_add_test(c, the_manual_names_no_option_that_there_is_not);
    tcase_add_test(c, the_completion_offers_every_option_that_works);
    tcase_add_test(c, the_choices_of_each_option_are_in_the_manual_and_the_completion);
    tcase_add_test(c, help_is_grouped_and_names_every_option);
    suite_add_tcase(suite, c);
    return unit_main(suite);
}
