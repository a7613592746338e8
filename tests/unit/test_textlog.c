/* The text logs: the form of the documents, names that come late or are hostile, files that cannot be written. */
#include "collector/textlog.h"
#include "common/cleanup.h"
#include "tests/support/unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define AT INT64_C(1761575400) /* 2025-10-27 14:30:00 UTC */

static char dir[64], file[96], prefix[96];
static struct textlog *text_log;

static void set_up(void)
{
    strcpy(dir, "/tmp/pdtt-textlog-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(file, sizeof(file), "%s/all.log", dir);
    snprintf(prefix, sizeof(prefix), "%s/pdtt-", dir);
    ck_assert_int_eq(textlog_open(&text_log), 0);
    ck_assert_int_eq(textlog_configure(text_log, file, prefix, "UTC"), 0);
}

static void tear_down(void)
{
    char command[128];

    text_log = textlog_close(text_log);
    snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    ck_assert_int_eq(system(command), 0);
}

static struct store_usage moved(int64_t uid, int64_t tx, int64_t rx, int64_t tx_packets, int64_t rx_packets)
{
    return (struct store_usage){
        .uid = uid, .n = {.tx_bytes = tx, .rx_bytes = rx, .tx_packets = tx_packets, .rx_packets = rx_packets}};
}

/* What the file holds once all that was handed over is written; "" when there is none. */
static const char *contents(const char *path)
{
    static char text[65536];
    cleanup_close int fd = -1;

    text_log = textlog_close(text_log);
    fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static const char *below(const char *name)
{
    static char path[160];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

START_TEST(a_report_has_the_form_of_the_documents)
{
    struct store_usage rows[] = {moved(1000, 2048, 4096, 15, 20)};
    ck_assert_int_eq(textlog_note_name(text_log, 1000, "user"), 0);
    ck_assert_int_eq(textlog_add(text_log, AT, rows, 1), 0);
    static const char expected[] = "=== Network Statistics Report [2025-10-27 14:30:00] ===\n"
                                   "UID: 1000 | Username: user\n"
                                   "  TX: 2048 bytes (15 packets)\n"
                                   "  RX: 4096 bytes (20 packets)\n"
                                   "  Total: 6144 bytes (35 packets)\n"
                                   "---\n";
    ck_assert_str_eq(contents(file), expected);
    ck_assert_str_eq(contents(below("pdtt-user.log")), expected);
}
END_TEST

START_TEST(users_are_added_up_and_who_moved_nothing_is_left_out)
{
    struct store_usage rows[] = {moved(2000, 7, 0, 1, 0), moved(1000, 1, 2, 3, 4), moved(1500, 0, 0, 0, 0),
                                 moved(1000, 10, -2, 30, 0), moved(STORE_UID_UNATTRIBUTED, 5, 5, 1, 1)};
    ck_assert_int_eq(textlog_note_name(text_log, 1000, "a"), 0);
    ck_assert_int_eq(textlog_note_name(text_log, 2000, "b"), 0);
    ck_assert_int_eq(textlog_add(text_log, AT, rows, 5), 0);
    const char *text = contents(file);
    ck_assert_ptr_nonnull(strstr(text, "UID: 1000 | Username: a\n  TX: 11 bytes (33 packets)\n  RX: 0 bytes (4 pack"));
    ck_assert_ptr_nonnull(strstr(text, "UID: 2000 | Username: b\n"));
    ck_assert_ptr_nonnull(strstr(text, "UID: -1 | Username: (unattributed)\n"));
    ck_assert_ptr_null(strstr(text, "1500"));
    ck_assert_str_eq(contents(below("pdtt-(unattributed).log")), "");
    ck_assert_str_eq(contents(below("pdtt-uid--1.log")), "");
}
END_TEST

START_TEST(a_report_waits_for_its_names_until_the_next_one)
{
    struct store_usage rows[] = {moved(1000, 1, 0, 1, 0), moved(1001, 1, 0, 1, 0)};
    ck_assert_int_eq(textlog_add(text_log, AT, rows, 2), 0);
    ck_assert_int_eq(textlog_note_name(text_log, 1000, "alice"), 0);
    ck_assert_int_eq(textlog_flush(text_log, false), 0);
    nanosleep(&(struct timespec){0, 50000000}, NULL);
    ck_assert_int_lt(access(file, F_OK), 0);
    ck_assert_int_eq(textlog_note_name(text_log, 1001, ""), 0); /* the services know nobody */
    ck_assert_int_eq(textlog_flush(text_log, false), 0);
    ck_assert_int_eq(textlog_add(text_log, AT + 10, (struct store_usage[]){moved(1002, 1, 0, 1, 0)}, 1), 0);
    ck_assert_int_eq(textlog_add(text_log, AT + 20, NULL, 0), 0);
    const char *text = contents(file);
    ck_assert_ptr_nonnull(strstr(text, "Username: alice\n"));
    ck_assert_ptr_nonnull(strstr(text, "UID: 1001 | Username: uid 1001\n"));
    ck_assert_ptr_nonnull(strstr(text, "[2025-10-27 14:30:10] ===\nUID: 1002 | Username: uid 1002\n"));
    ck_assert_ptr_null(strstr(text, "14:30:20")); /* nothing moved, nothing said */
    ck_assert_str_ne(contents(below("pdtt-uid-1002.log")), "");
}
END_TEST

START_TEST(no_name_of_a_user_is_a_path_and_no_two_are_one_file)
{
    static const struct {
        const char *name, *path;
    } cases[] = {
        {"alice", "/l/alice.log"},
        {"a.b-c_d@e+f", "/l/a.b-c_d@e+f.log"},
        {"../../etc/cron.d/x", "/l/%2E.%2F..%2Fetc%2Fcron.d%2Fx.log"},
        {".hidden", "/l/%2Ehidden.log"},
        {"a%2Fb", "/l/a%252Fb.log"},
        {"a b\n\x1b", "/l/a%20b%0A%1B.log"},
        {"\xc3\xa9", "/l/%C3%A9.log"},
        {"", "/l/uid-7.log"},
        {"uid-7", "/l/%75id-7.log"},
        {NULL, "/l/uid-7.log"},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_free char *path = textlog_user_path("/l/", 7, cases[i].name);
        ck_assert_str_eq(path, cases[i].path);
    }
}
END_TEST

START_TEST(a_name_cannot_forge_a_line)
{
    struct store_usage rows[] = {moved(1000, 1, 0, 1, 0)};
    ck_assert_int_eq(textlog_note_name(text_log, 1000, "x\nUID: 0 | Username: root\x1b[2J"), 0);
    ck_assert_int_eq(textlog_add(text_log, AT, rows, 1), 0);
    const char *text = contents(file);
    ck_assert_ptr_null(strstr(text, "\nUID: 0"));
    ck_assert_ptr_null(strchr(text, '\x1b'));
}
END_TEST

/* One report to where it cannot go, and what is said of it */
static void expect_complaint(const char *path, const char *expected)
{
    struct store_usage rows[] = {moved(1000, 1, 0, 1, 0)};
    cleanup_free char *complaint = NULL;

    ck_assert_int_eq(textlog_configure(text_log, path, "", "UTC"), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(textlog_add(text_log, AT + i, rows, 1), 0);
        ck_assert_int_eq(textlog_flush(text_log, true), 0);
    }
    for (int ms = 0; ms < 5000 && !complaint; ms++) {
        nanosleep(&(struct timespec){0, 1000000}, NULL);
        complaint = textlog_take_complaint(text_log);
    }
    ck_assert_msg(complaint && strstr(complaint, expected) && strstr(complaint, path), "%s", complaint);
    nanosleep(&(struct timespec){0, 20000000}, NULL);
    ck_assert_ptr_null(textlog_take_complaint(text_log)); /* three failures, said once */
}

START_TEST(a_link_is_not_followed)
{
    ck_assert_int_eq(symlink(below("target"), file), 0);
    expect_complaint(file, "is a symbolic link");
    ck_assert_int_lt(access(below("target"), F_OK), 0);
}
END_TEST

START_TEST(what_is_no_file_is_refused_without_waiting)
{
    ck_assert_int_eq(mkfifo(file, 0600), 0);
    expect_complaint(file, "");
}
END_TEST

START_TEST(a_device_is_refused)
{
    expect_complaint("/dev/full", "is no regular file");
}
END_TEST

START_TEST(a_directory_that_is_missing_is_told_with_the_remedy)
{
    expect_complaint("/nowhere/at/all.log", "its directory does not exist; make it");
}
END_TEST

START_TEST(of_many_logs_that_cannot_be_written_one_is_told)
{
    struct store_usage rows[] = {moved(1000, 1, 0, 1, 0), moved(1001, 1, 0, 1, 0)};
    cleanup_free char *complaint = NULL;

    ck_assert_int_eq(textlog_configure(text_log, file, "/nowhere/", "UTC"), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(textlog_add(text_log, AT + i, rows, 2), 0);
        ck_assert_int_eq(textlog_flush(text_log, true), 0);
        nanosleep(&(struct timespec){0, 50000000}, NULL);
        complaint = complaint ?: textlog_take_complaint(text_log);
        ck_assert(i == 0 || !textlog_take_complaint(text_log)); /* also not that the log of all is written */
    }
    ck_assert_msg(complaint && strstr(complaint, "/nowhere/uid-1000.log"), "%s", complaint);
}
END_TEST

START_TEST(that_writing_is_possible_again_is_said_too)
{
    struct store_usage rows[] = {moved(1000, 1, 0, 1, 0)};
    cleanup_free char *complaint = NULL;

    ck_assert_int_eq(mkdir(file, 0700), 0);
    expect_complaint(file, "directory");
    ck_assert_int_eq(rmdir(file), 0);
    ck_assert_int_eq(textlog_add(text_log, AT + 9, rows, 1), 0);
    ck_assert_int_eq(textlog_flush(text_log, true), 0);
    for (int ms = 0; ms < 5000 && !complaint; ms++) {
        nanosleep(&(struct timespec){0, 1000000}, NULL);
        complaint = textlog_take_complaint(text_log);
    }
    ck_assert_msg(complaint && strstr(complaint, "written again"), "%s", complaint);
    ck_assert_ptr_nonnull(strstr(contents(file), "14:30:09"));
}
END_TEST

START_TEST(a_file_that_was_moved_away_is_made_anew_and_belongs_to_nobody_else)
{
    struct store_usage rows[] = {moved(1000, 1, 0, 1, 0)};
    struct stat st;

    umask(0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(textlog_add(text_log, AT + i, rows, 1), 0);
        ck_assert_int_eq(textlog_flush(text_log, true), 0);
        for (int ms = 0; ms < 5000 && access(file, F_OK) < 0; ms++)
            nanosleep(&(struct timespec){0, 1000000}, NULL);
        ck_assert_int_eq(stat(file, &st), 0);
        ck_assert_int_eq(st.st_mode & 0777, 0640);
        if (i == 0)
            ck_assert_int_eq(rename(file, below("all.log.1")), 0);
    }
    ck_assert_ptr_nonnull(strstr(contents(file), "14:30:01"));
    ck_assert_ptr_nonnull(strstr(contents(below("all.log.1")), "14:30:00"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_report_has_the_form_of_the_documents,
        users_are_added_up_and_who_moved_nothing_is_left_out,
        a_report_waits_for_its_names_until_the_next_one,
        no_name_of_a_user_is_a_path_and_no_two_are_one_file,
        a_name_cannot_forge_a_line,
        a_link_is_not_followed,
        what_is_no_file_is_refused_without_waiting,
        a_device_is_refused,
        a_directory_that_is_missing_is_told_with_the_remedy,
        of_many_logs_that_cannot_be_written_one_is_told,
        that_writing_is_possible_again_is_said_too,
        a_file_that_was_moved_away_is_made_anew_and_belongs_to_nobody_else,
    };
    Suite *suite = suite_create("textlog");
    TCase *tcase = tcase_create("textlog");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 30);
    for (size_t i = 0; i < array_length(tests); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
