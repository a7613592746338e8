#include "common/log.h"

#include "tests/support/capture.h"
#include "tests/support/unit.h"

#include <sys/stat.h>

START_TEST(a_line_begins_with_the_program)
{
    struct capture c;

    unsetenv("JOURNAL_STREAM");
    log_init("pdttd");
    capture_start(&c);
    log_error("%s: %d", "x.conf", 7);
    log_warning("careful");
    log_info("hello");
    ck_assert_str_eq(capture_end(&c), "pdttd: x.conf: 7\npdttd: warning: careful\npdttd: hello\n");
}
END_TEST

START_TEST(a_message_stays_one_harmless_line)
{
    struct capture c;

    log_init("pdttd");
    capture_start(&c);
    log_error("user %s", "a\x1b[2J\nroot: all is well");
    log_info("from a library\n");
    ck_assert_str_eq(capture_end(&c), "pdttd: user a\\x1b[2J\\x0aroot: all is well\npdttd: from a library\n");
}
END_TEST

START_TEST(debug_lines_are_written_only_when_asked_for)
{
    struct capture c;

    log_init("pdttd");
    capture_start(&c);
    log_debug("one");
    log_set_debug(1);
    log_debug("two");
    ck_assert_str_eq(capture_end(&c), "pdttd: debug: two\n");
}
END_TEST

START_TEST(lines_for_the_journal_carry_their_priority)
{
    struct capture c;
    struct stat st;
    char stream[64];

    capture_start(&c);
    ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
    snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_init("pdttd");
    log_error("bad");
    log_info("good");
    ck_assert_str_eq(capture_end(&c), "<3>bad\n<6>good\n");
}
END_TEST

START_TEST(logging_keeps_errno)
{
    struct capture c;

    log_init("pdttd");
    capture_start(&c);
    errno = ENOENT;
    log_error("%m");
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_str_eq(capture_end(&c), "pdttd: No such file or directory\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *t = tcase_create("log");

    tcase_add_test(t, a_line_begins_with_the_program);
    tcase_add_test(t, a_message_stays_one_harmless_line);
    tcase_add_test(t, debug_lines_are_written_only_when_asked_for);
    tcase_add_test(t, lines_for_the_journal_carry_their_priority);
    tcase_add_test(t, logging_keeps_errno);
    suite_add_tcase(suite, t);
    return unit_main(suite);
}
