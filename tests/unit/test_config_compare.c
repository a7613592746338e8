/* What differs between two configurations, and where pdttd listens by one that is broken. */
#include <errno.h>
#include <string.h>

#include "collector/config.h"
#include "common/cleanup.h"
#include "common/places.h"
#include "tests/support/unit.h"

static char dir[32], path[64], networks[64], told[1024];

static void make_dir(void)
{
    strcpy(dir, "/tmp/pdtt-config-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/pdtt.conf", dir);
    snprintf(networks, sizeof(networks), "%s/networks", dir);
    *told = '\0';
}

static void remove_dir(void)
{
    unlink(path);
    unlink(networks);
    ck_assert_int_eq(rmdir(dir), 0);
}

static void write_file(const char *file, const char *text)
{
    FILE *f = fopen(file, "w");

    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static struct config *load(const char *text)
{
    struct config *config = NULL;
    cleanup_free char *why = NULL;

    write_file(path, text);
    ck_assert_msg(config_load(path, &config, &why) == 0, "%s", why);
    return config;
}

/* "key: before -> after (line)|" */
static int tell(const struct config_change *change, void *userdata)
{
    size_t n = strlen(told);

    snprintf(told + n, sizeof(told) - n, "%s: %s -> %s (%s)|", change->key, change->before, change->after,
             change->origin ? strrchr(change->origin, ':') + 1 : "default");
    return 0;
}

static const char *compare(const char *before, const char *after)
{
    struct config *a = load(before), *b = load(after);

    *told = '\0';
    ck_assert_int_eq(config_compare(a, b, tell, NULL), 0);
    config_free(a);
    config_free(b);
    return told;
}

START_TEST(what_is_written_in_another_way_is_no_change)
{
    ck_assert_str_eq(compare("interfaces = (\"a\", \"b\"); limits = { accounts = 64; };",
                             "# comment\ninterfaces = [ \"a\",\n \"b\" ];\nlimits : { accounts : 0x40 }\n"),
                     "");
    ck_assert_str_eq(compare("", "interval = \"10s\";"), "");
}
END_TEST

START_TEST(a_changed_key_is_told_with_both_values_and_its_line)
{
    ck_assert_str_eq(compare("interval = \"10s\";", "\ninterval = \"30s\";\n"), "interval: \"10s\" -> \"30s\" (2)|");
    ck_assert_str_eq(compare("limits = { accounts = 64; };", ""), "limits.accounts: 64 -> 16384 (default)|");
    ck_assert_str_eq(compare("classes = ();", "classes = ( { name = \"a\"; networks = ( \"10.0.0.0/8\" ); } );"),
                     "classes: (  ) -> ( { name = \"a\"; networks = ( \"10.0.0.0/8\" ); } ) (1)|");
}
END_TEST

START_TEST(other_contents_of_a_file_of_networks_are_a_change)
{
    const char *text = "classes = ( { name = \"a\"; networks_file = \"networks\"; } );";
    struct config *a, *b;

    write_file(networks, "10.0.0.0/8\n");
    a = load(text);
    ck_assert_str_eq(compare(text, text), "");
    write_file(networks, "10.0.0.0/9\n");
    b = load(text);
    ck_assert_int_eq(config_compare(a, b, tell, NULL), 0);
    ck_assert_msg(strncmp(told, "classes: ", 9) == 0, "%s", told);
    config_free(a);
    config_free(b);
}
END_TEST

/* What is found in a file of this text; released by the caller. */
static char *find(const char *text)
{
    char *control = NULL;
    cleanup_free char *why = NULL;

    write_file(path, text);
    ck_assert_msg(config_find_control(path, &control, &why) == 0, "%s", why);
    return control;
}

START_TEST(the_socket_is_found_also_in_a_broken_file)
{
    static const char *const texts[] = {
        "control = \"/x/y\";",
        "\n\n  control : \"/x/y\"\nintervall = 5;",
        "control=\"/x/y\"; classes = (",
        "database = \"/never/closed;\n\tcontrol = \"/x/y\";\n",
        "# control = \"/comment\";\ncontrols = 5;\ncontrol = \"/x/y\";\n}",
    };

    for (size_t i = 0; i < array_length(texts); i++) {
        cleanup_free char *control = find(texts[i]);
        ck_assert_msg(strcmp(control, "/x/y") == 0, "%s: %s", texts[i], control);
    }
}
END_TEST

START_TEST(a_broken_file_that_names_no_socket_has_the_default)
{
    cleanup_free char *broken = find("interval = \"10s"), *empty = find("");

    ck_assert_str_eq(broken, DEFAULT_CONTROL);
    ck_assert_str_eq(empty, DEFAULT_CONTROL);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_said)
{
    char *control = NULL;
    cleanup_free char *why = NULL;

    ck_assert_int_eq(config_find_control(path, &control, &why), -ENOENT);
    ck_assert_ptr_null(control);
    ck_assert_ptr_nonnull(strstr(why, path));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_is_written_in_another_way_is_no_change,        a_changed_key_is_told_with_both_values_and_its_line,
        other_contents_of_a_file_of_networks_are_a_change,  the_socket_is_found_also_in_a_broken_file,
        a_broken_file_that_names_no_socket_has_the_default, a_file_that_is_not_there_is_said,
    };
    Suite *suite = suite_create("config_compare");
    TCase *tcase = tcase_create("config_compare");

    tcase_add_checked_fixture(tcase, make_dir, remove_dir);
    for (size_t i = 0; i < array_length(tests); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
