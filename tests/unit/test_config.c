/* The configuration: what a file means, what is refused, and that the files we ship say what the table says. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "collector/config.h"
#include "common/cleanup.h"
#include "tests/support/unit.h"

static char dir[] = "/tmp/pdtt-config-XXXXXX";
static char path[64];

static void make_dir(void)
{
    strcpy(dir + sizeof(dir) - 7, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/pdtt.conf", dir);
}

static void remove_dir(void)
{
    unlink(path);
    ck_assert_int_eq(rmdir(dir), 0);
}

static void write_file(const char *text)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static struct config *load(const char *text)
{
    struct config *config = NULL;
    char *why = NULL;

    write_file(text);
    int r = config_load(path, &config, &why);
    ck_assert_msg(r == 0, "%d: %s", r, why);
    return config;
}

/* The text is refused with this error and a line that holds what is expected. */
static void refuse(const char *file, int error, const char *expected)
{
    struct config *untouched = (void *)dir, *config = untouched;
    cleanup_free char *why = NULL;
    int r = config_load(file, &config, &why);

    ck_assert_msg(r == error || error == 0, "%s: got %d, expected %d", file, r, error);
    ck_assert_msg(r < 0, "%s was accepted", file);
    ck_assert_ptr_eq(config, untouched);
    ck_assert_ptr_nonnull(why);
    ck_assert_msg(strstr(why, expected), "\"%s\" lacks \"%s\"", why, expected);
    ck_assert_msg(!strchr(why, '\n') && strlen(why) < 1200, "not one line: %s", why);
}

static const char *source(const char *name)
{
    static char full[4096];
    snprintf(full, sizeof(full), "%s/%s", getenv("srcdir") ?: ".", name);
    return full;
}

static char *read_all(const char *file)
{
    char *text = NULL;
    size_t room = 0;
    FILE *f = fopen(file, "r");

    ck_assert_msg(f, "%s: %s", file, strerror(errno));
    ck_assert_msg(getdelim(&text, &room, 0, f) > 0, "%s is empty", file);
    fclose(f);
    return text;
}

static char *print(void (*printer)(FILE *out))
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);

    printer(f);
    fclose(f);
    return text;
}

static void expect_defaults(const struct config *c)
{
    ck_assert_str_eq(c->database, "/var/lib/pdtt/pdtt.db");
    ck_assert_str_eq(c->pin_path, "/sys/fs/bpf/pdtt");
    ck_assert_str_eq(c->cgroup, "auto");
    ck_assert_uint_eq(c->interval_sec, 10);
    ck_assert_uint_eq(c->limit_accounts, 16384);
    ck_assert_int_eq(c->layer_syscall, CONFIG_LAYER_AUTO);
    ck_assert_uint_eq(c->limit_connections, 65536);
    ck_assert_uint_eq(c->limit_policies, 256);
    ck_assert_int_eq(c->layer_sockops, CONFIG_LAYER_AUTO);
    ck_assert_uint_eq(c->n_classes, 1);
    ck_assert_str_eq(c->classes[0].name, "internal");
    ck_assert_uint_eq(c->classes[0].n_networks, 2);
    ck_assert_str_eq(c->timezone, "local");
    static const int64_t days[CONFIG_LEVELS] = {2, 14, 90, 3 * 365};
    for (int level = CONFIG_LEVEL_RAW; level < CONFIG_LEVEL_MONTH; level++)
        ck_assert_int_eq(c->retention_sec[level], days[level] * 86400);
    ck_assert_int_eq(c->retention_sec[CONFIG_LEVEL_MONTH], INT64_MAX);
    ck_assert_int_eq(c->retention_connections_sec, 7 * 86400);
    ck_assert_uint_eq(c->samples_rate, 0);
    ck_assert_int_eq(c->samples_mode, CONFIG_SAMPLES_RANDOM);
    ck_assert_int_eq(c->samples_buffer_bytes, 1 << 20);
    ck_assert_int_eq(c->samples_retention_sec, 86400);
    ck_assert_uint_eq(c->samples_max, 1000000);
    ck_assert_uint_eq(c->policy_lapse.when_sec, 300);
    ck_assert_uint_eq(c->policy_lapse.others_sec, POLICY_LAPSE_NEVER);
    ck_assert_uint_eq(c->policy_events_rate, 10);
    ck_assert_int_eq(c->policy_events_retention_sec, 7 * 86400);
    ck_assert_uint_eq(c->policy_events_max, 100000);
    ck_assert_int_eq(c->max_size_bytes, INT64_C(2) << 30);
    ck_assert_uint_eq(c->n_projects, 0);
    ck_assert_uint_eq(c->n_allocations, 0);
    ck_assert_str_eq(c->log_file, "");
    ck_assert_str_eq(c->log_per_user_prefix, "");
    ck_assert_str_eq(c->serve_admin_group, "pdtt");
    ck_assert_uint_eq(c->notify_command.n, 0);
    ck_assert_str_eq(c->notify_user, "nobody");
    ck_assert_uint_eq(c->notify_timeout_sec, 10);
    ck_assert_uint_eq(c->n_notify_at, 3);
    ck_assert_uint_eq(c->notify_at[2], 100);
}

START_TEST(defaults_are_those_of_the_contract)
{
    struct config *c = NULL;
    ck_assert_int_eq(config_default(&c), 0);
    ck_assert_ptr_null(c->path);
    expect_defaults(c);
    ck_assert_ptr_null(config_free(c));
    ck_assert_ptr_null(config_free(NULL));
}
END_TEST

START_TEST(an_empty_file_means_all_defaults)
{
    struct config *c = load("");
    expect_defaults(c);
    ck_assert_str_eq(c->path, path);
    config_free(c);
}
END_TEST

START_TEST(every_supported_key_is_read_into_its_own_field)
{
    struct config *c = load("database = \"/d/x.db\"; pin_path = \"/p\"; cgroup = \"/c\"; interval = \"5min\";\n"
                            "limits = { accounts = 1048576; connections = 16; };\n"
                            "layers = { syscall = \"on\"; sockops = \"off\"; };\n"
                            "classes = ( { name = \"a\"; networks = ( \"192.0.2.0/24\" ); } );");
    ck_assert_str_eq(c->database, "/d/x.db");
    ck_assert_str_eq(c->pin_path, "/p");
    ck_assert_str_eq(c->cgroup, "/c");
    ck_assert_uint_eq(c->interval_sec, 300);
    ck_assert_uint_eq(c->limit_accounts, 1048576);
    ck_assert_int_eq(c->layer_syscall, CONFIG_LAYER_ON);
    ck_assert_uint_eq(c->limit_connections, 16);
    ck_assert_int_eq(c->layer_sockops, CONFIG_LAYER_OFF);
    ck_assert_uint_eq(c->n_classes, 1);
    ck_assert_str_eq(c->classes[0].name, "a");
    config_free(c);
}
END_TEST

START_TEST(networks_are_in_network_byte_order_with_their_prefix)
{
    struct config *c =
        load("classes = ( { name = \"a\"; networks = ( \"192.0.2.128/25\", \"2001:db8:ff00::/40\" ); } );");
    const struct config_network *v4 = &c->classes[0].networks[0], *v6 = &c->classes[0].networks[1];
    static const uint8_t v4_bytes[16] = {192, 0, 2, 128}, v6_bytes[16] = {0x20, 1, 0x0d, 0xb8, 0xff};

    ck_assert_int_eq(v4->family, AF_INET);
    ck_assert_uint_eq(v4->prefix_len, 25);
    ck_assert_mem_eq(v4->address, v4_bytes, 16);
    ck_assert_int_eq(v6->family, AF_INET6);
    ck_assert_uint_eq(v6->prefix_len, 40);
    ck_assert_mem_eq(v6->address, v6_bytes, 16);
    config_free(c);
}
END_TEST

START_TEST(rules_and_allocations_are_read_into_their_own_fields)
{
    struct config *c = load("projects = ( { name = \"p\"; groups = ( \"g\", \"5000\" ); users = ( \"u\" );\n"
                            "  units = ( \"/a/*\" ); allocation = { period = \"quarter\"; limit = \"1 KiB\";\n"
                            "  classes = ( \"external\" ); direction = \"tx\"; billing_day = 7; }; } );\n"
                            "allocations = ( { user = \"v\"; period = \"year\"; limit = \"2 kB\"; },\n"
                            "  { project = \"q\"; period = \"month\"; limit = \"1\"; direction = \"rx\"; } );");
    const struct config_project *p = c->projects;
    ck_assert_uint_eq(c->n_projects, 1);
    ck_assert_str_eq(p->name, "p");
    ck_assert_uint_eq(p->groups.n, 2);
    ck_assert_str_eq(p->groups.v[1], "5000");
    ck_assert_str_eq(p->users.v[0], "u");
    ck_assert_str_eq(p->units.v[0], "a/*");
    ck_assert_int_eq(p->allocation->period, CONFIG_PERIOD_QUARTER);
    ck_assert_int_eq(p->allocation->limit_bytes, 1024);
    ck_assert_int_eq(p->allocation->direction, CONFIG_DIRECTION_TX);
    ck_assert_str_eq(p->allocation->classes.v[0], "external");
    ck_assert_uint_eq(p->allocation->billing_day, 7);
    ck_assert_uint_eq(c->n_allocations, 2);
    ck_assert_str_eq(c->allocations[0].user, "v");
    ck_assert_ptr_null(c->allocations[0].project);
    ck_assert_int_eq(c->allocations[0].period, CONFIG_PERIOD_YEAR);
    ck_assert_int_eq(c->allocations[0].limit_bytes, 2000);
    ck_assert_int_eq(c->allocations[0].direction, CONFIG_DIRECTION_BOTH);
    ck_assert_uint_eq(c->allocations[0].billing_day, 1);
    ck_assert_str_eq(c->allocations[1].project, "q");
    ck_assert_int_eq(c->allocations[1].direction, CONFIG_DIRECTION_RX);
    config_free(c);
}
END_TEST

START_TEST(retention_size_zone_and_logs_are_read_into_their_own_fields)
{
    struct config *c = load("timezone = \"UTC\"; max_size = \"0\"; retention = { raw = \"1h\"; five_minute = \"2h\";\n"
                            "hour = \"3h\"; day = \"4h\"; month = \"5h\"; connections = \"6h\"; };\n"
                            "log = { file = \"/l/f\"; per_user_prefix = \"/l/\"; };");
    ck_assert_str_eq(c->timezone, "UTC");
    ck_assert_int_eq(c->max_size_bytes, 0);
    for (int level = CONFIG_LEVEL_RAW; level < CONFIG_LEVELS; level++)
        ck_assert_int_eq(c->retention_sec[level], (level + 1) * 3600);
    ck_assert_int_eq(c->retention_connections_sec, 6 * 3600);
    ck_assert_str_eq(c->log_file, "/l/f");
    ck_assert_str_eq(c->log_per_user_prefix, "/l/");
    config_free(c);
}
END_TEST

START_TEST(notices_are_read_into_their_own_fields)
{
    struct config *c =
        load("notify = { command = ( \"/n\", \"{name} \\\"\", \"-\" ); user = \"u\"; timeout = \"1s\"; at = [ 5 ]; };");

    ck_assert_uint_eq(c->notify_command.n, 3);
    ck_assert_str_eq(c->notify_command.v[1], "{name} \"");
    ck_assert_str_eq(c->notify_user, "u");
    ck_assert_uint_eq(c->notify_timeout_sec, 1);
    ck_assert_uint_eq(c->n_notify_at, 1);
    ck_assert_uint_eq(c->notify_at[0], 5);
    config_free(c);
}
END_TEST

/* Beside the configuration, which names it without a directory. */
static void write_networks(int n)
{
    char file[128];
    snprintf(file, sizeof(file), "%s/networks", dir);
    FILE *f = fopen(file, "w");
    for (int i = 0; i < n; i++)
        fprintf(f, "10.%d.%d.0/24 # %d\n", i / 256, i % 256, i);
    fclose(f);
}

START_TEST(a_file_of_networks_may_hold_all_that_fit_and_one_more_is_named_by_its_line)
{
    static const char text[] = "classes = ( { name = \"a\"; networks_file = \"networks\"; } );";
    char file[128];

    write_networks(CONFIG_MAX_NETWORKS);
    struct config *c = load(text);
    ck_assert_uint_eq(c->classes[0].n_networks, CONFIG_MAX_NETWORKS);
    ck_assert_uint_eq(c->classes[0].networks[16383].address[1], 63);
    config_free(c);
    write_networks(CONFIG_MAX_NETWORKS + 1);
    refuse(path, -EINVAL, "/networks:16385: value '10.64.0.0/24': makes more than 16384 networks in all");
    snprintf(file, sizeof(file), "%s/networks", dir);
    unlink(file);
}
END_TEST

START_TEST(intervals_are_those_that_divide_an_hour)
{
    for (unsigned sec = 0; sec <= 3700; sec++) {
        char text[64];
        snprintf(text, sizeof(text), "interval = \"%us\";", sec);
        if (sec >= 1 && sec <= 3600 && 3600 % sec == 0) {
            struct config *c = load(text);
            ck_assert_uint_eq(c->interval_sec, sec);
            config_free(c);
        } else if (sec % 10 == 0 || sec < 60) {
            write_file(text);
            refuse(path, -EINVAL, "interval");
        }
    }
}
END_TEST

/* tests/corpus/config/good-*: accepted; bad-*: refused with what stands behind "# expect: ". */
START_TEST(the_corpus_of_good_files_is_accepted)
{
    glob_t files;
    ck_assert_int_eq(glob(source("tests/corpus/config/good-*.conf"), 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct config *c = NULL;
        cleanup_free char *why = NULL;
        ck_assert_msg(config_load(files.gl_pathv[i], &c, &why) == 0, "%s", why);
        config_free(c);
    }
    globfree(&files);
}
END_TEST

static void expectation_of(const char *file, char expected[static 512])
{
    FILE *f = fopen(file, "r");
    char line[512];

    expected[0] = 0;
    while (!expected[0] && fgets(line, sizeof(line), f))
        sscanf(line, "# expect: %511[^\n]", expected);
    fclose(f);
    ck_assert_msg(expected[0], "%s says nowhere \"# expect: \"", file);
}

START_TEST(the_corpus_of_bad_files_is_refused_with_file_line_value_and_remedy)
{
    glob_t files;
    char expected[512];

    ck_assert_int_eq(glob(source("tests/corpus/config/bad-*.conf"), 0, NULL, &files), 0);
    ck_assert_uint_gt(files.gl_pathc, 60);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        expectation_of(files.gl_pathv[i], expected);
        refuse(files.gl_pathv[i], 0, expected);
    }
    globfree(&files);
}
END_TEST

START_TEST(a_missing_file_is_an_error_when_named_and_defaults_when_not)
{
    struct config *c = NULL;
    cleanup_free char *why = NULL;

    refuse(path, -ENOENT, "pdtt.conf: cannot be opened: No such file or directory; create it");
    ck_assert_int_eq(config_load_or_default(path, &c, &why), 0);
    expect_defaults(c);
    ck_assert_ptr_null(c->path);
    config_free(c);
}
END_TEST

START_TEST(a_link_that_leads_nowhere_is_not_a_missing_file)
{
    struct config *c = NULL;
    cleanup_free char *why = NULL;

    ck_assert_int_eq(symlink("nowhere", path), 0);
    ck_assert_int_eq(config_load_or_default(path, &c, &why), -ENOENT);
    ck_assert_ptr_nonnull(why);
}
END_TEST

START_TEST(what_is_no_regular_file_is_refused_at_once)
{
    refuse(dir, -EISDIR, "is a directory");
    refuse("/dev/zero", -EINVAL, "is not a regular file");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    refuse(path, -EINVAL, "is not a regular file"); /* nobody writes to it: it must not wait */
}
END_TEST

START_TEST(a_file_over_a_mebibyte_is_refused)
{
    write_file("");
    ck_assert_int_eq(truncate(path, (1 << 20) + 1), 0);
    refuse(path, -EFBIG, "larger than 1 MiB");
}
END_TEST

/* In a child: root reads everything, so it becomes somebody else, and a process cannot come back from that. */
START_TEST(an_unreadable_file_is_refused_with_the_remedy)
{
    int status;

    write_file("");
    ck_assert_int_eq(chmod(path, 0), 0);
    ck_assert_int_eq(chmod(dir, 0755), 0);
    pid_t child = fork();
    if (child == 0) {
        struct config *c;
        char *why = NULL;
        if (getuid() == 0 && setuid(65534) < 0)
            _exit(2);
        _exit(config_load(path, &c, &why) == -EACCES && why && strstr(why, "be root, or let this user") ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(a_value_of_many_lines_or_great_length_is_quoted_in_one_line)
{
    char text[8000] = "interval = \"";
    memset(text + strlen(text), 'x', 5000);
    strcat(text, "\";");
    write_file(text);
    refuse(path, -EINVAL, "xxx\": is not a duration");
    write_file("interval = \"10s\nhello\n\";");
    refuse(path, -EINVAL, "value \"10s?hello?\": is not a duration");
}
END_TEST

START_TEST(two_hundred_and_fifty_classes_are_accepted_and_one_more_is_not)
{
    for (int n = 250; n <= 251; n++) {
        FILE *f = fopen(path, "w");
        fputs("classes = (\n", f);
        for (int i = 0; i < n; i++)
            fprintf(f, "%s{ name = \"c%d\"; networks = ( \"10.%d.0.0/16\" ); }\n", i ? "," : "", i, i);
        fputs(");\n", f);
        fclose(f);
        if (n == 251) {
            refuse(path, -EINVAL, "holds 251 classes, more than 250");
            continue;
        }
        struct config *c = NULL;
        char *why = NULL;
        ck_assert_int_eq(config_load(path, &c, &why), 0);
        ck_assert_uint_eq(c->n_classes, 250);
        config_free(c);
    }
}
END_TEST

START_TEST(the_file_we_ship_is_the_one_the_table_yields)
{
    cleanup_free char *shipped = read_all(source("etc/pdtt.conf")), *generated = print(config_print_defaults);
    ck_assert_msg(strcmp(shipped, generated) == 0,
                  "etc/pdtt.conf differs: run \"tests/unit/test_config --print-defaults > etc/pdtt.conf\"");
    struct config *c = load(generated);
    expect_defaults(c);
    config_free(c);
}
END_TEST

/* What is commented out there must not be refused either, once somebody removes the sign. */
START_TEST(the_file_we_ship_is_accepted_with_all_comment_signs_removed_from_its_keys)
{
    cleanup_free char *generated = print(config_print_defaults);
    FILE *f = fopen(path, "w");

    for (char *line = strtok(generated, "\n"); line; line = strtok(NULL, "\n")) {
        char *sign = strstr(line, "# ");
        size_t n = strlen(line);
        if (sign && (line[n - 1] == ';' || line[n - 1] == '{'))
            memmove(sign, sign + 2, strlen(sign + 2) + 1);
        fprintf(f, "%s\n", line);
    }
    fclose(f);
    struct config *c = NULL;
    cleanup_free char *why = NULL;
    ck_assert_msg(config_load(path, &c, &why) == 0, "%s", why);
    expect_defaults(c);
    config_free(c);
}
END_TEST

START_TEST(the_manual_has_the_entries_of_the_table)
{
    cleanup_free char *manual = read_all(source("man/pdtt.conf.5")), *generated = print(config_print_manual);
    ck_assert_msg(strstr(manual, generated),
                  "man/pdtt.conf.5 differs: put what \"tests/unit/test_config --print-manual\" prints in its place");
}
END_TEST

static Suite *config_suite(void)
{
    const TTest *const tests[] = {
        defaults_are_those_of_the_contract,
        an_empty_file_means_all_defaults,
        every_supported_key_is_read_into_its_own_field,
        networks_are_in_network_byte_order_with_their_prefix,
        rules_and_allocations_are_read_into_their_own_fields,
        retention_size_zone_and_logs_are_read_into_their_own_fields,
        notices_are_read_into_their_own_fields,
        a_file_of_networks_may_hold_all_that_fit_and_one_more_is_named_by_its_line,
        intervals_are_those_that_divide_an_hour,
        the_corpus_of_good_files_is_accepted,
        the_corpus_of_bad_files_is_refused_with_file_line_value_and_remedy,
        a_missing_file_is_an_error_when_named_and_defaults_when_not,
        a_link_that_leads_nowhere_is_not_a_missing_file,
        what_is_no_regular_file_is_refused_at_once,
        a_file_over_a_mebibyte_is_refused,
        an_unreadable_file_is_refused_with_the_remedy,
        a_value_of_many_lines_or_great_length_is_quoted_in_one_line,
        two_hundred_and_fifty_classes_are_accepted_and_one_more_is_not,
        the_file_we_ship_is_the_one_the_table_yields,
        the_file_we_ship_is_accepted_with_all_comment_signs_removed_from_its_keys,
        the_manual_has_the_entries_of_the_table,
    };
    Suite *suite = suite_create("config");
    TCase *tcase = tcase_create("config");

    tcase_add_checked_fixture(tcase, make_dir, remove_dir);
    tcase_set_timeout(tcase, 30);
    for (size_t i = 0; i < array_length(tests); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--print-defaults") == 0)
        config_print_defaults(stdout);
    else if (argc > 1 && strcmp(argv[1], "--print-manual") == 0)
        config_print_manual(stdout);
    else
        return unit_main(config_suite());
    return EXIT_SUCCESS;
}
