#include "common/escape.h"

#include "common/cleanup.h"
#include "tests/support/unit.h"

#include <string.h>

static void assert_becomes(char *(*escape)(const char *), const char *text, const char *expected)
{
    cleanup_free char *got = escape(text);

    ck_assert_ptr_nonnull(got);
    ck_assert_str_eq(got, expected);
}

START_TEST(printable_text_stays_as_it_is)
{
    assert_becomes(escape_terminal, "", "");
    assert_becomes(escape_terminal, "alice", "alice");
    assert_becomes(escape_terminal, "Zoë 日本 😀", "Zoë 日本 😀");
}
END_TEST

START_TEST(escape_sequences_never_reach_a_terminal)
{
    assert_becomes(escape_terminal, "\x1b[31mroot\x1b]0;x\a", "\\x1b[31mroot\\x1b]0;x\\x07");
    assert_becomes(escape_terminal, "a\tb\nc\rd\x7f", "a\\x09b\\x0ac\\x0dd\\x7f");
    assert_becomes(escape_terminal,
                   "\xc2\x9b"
                   "2J",
                   "\\u009b2J"); /* C1 CSI in UTF-8 */
    assert_becomes(escape_terminal,
                   "\x9b"
                   "2J",
                   "\\x9b2J"); /* and as the byte that 8-bit terminals obey */
}
END_TEST

START_TEST(text_that_hides_or_reverses_itself_is_shown_in_numbers)
{
    assert_becomes(escape_terminal, "user\u202eecila", "user\\u202eecila");
    assert_becomes(escape_terminal, "a\u200bb\ufeffc\u2066d", "a\\u200bb\\ufeffc\\u2066d");
    assert_becomes(escape_terminal, "x\U000e0041", "x\\U000e0041");
}
END_TEST

START_TEST(what_is_no_utf8_is_shown_byte_by_byte)
{
    assert_becomes(escape_terminal, "\xff\xfe", "\\xff\\xfe");
    assert_becomes(escape_terminal, "\xc0\xaf", "\\xc0\\xaf");                   /* overlong "/" */
    assert_becomes(escape_terminal, "\xe0\x9f\xbf", "\\xe0\\x9f\\xbf");          /* overlong */
    assert_becomes(escape_terminal, "\xed\xa0\x80", "\\xed\\xa0\\x80");          /* surrogate */
    assert_becomes(escape_terminal, "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* above U+10FFFF */
    assert_becomes(escape_terminal, "ab\xe2\x82", "ab\\xe2\\x82");               /* cut off by the end */
    assert_becomes(escape_terminal, "\xe2\x82z", "\\xe2\\x82z");
}
END_TEST

START_TEST(no_two_texts_look_the_same)
{
    assert_becomes(escape_terminal, "\\x1b", "\\\\x1b");
    assert_becomes(escape_terminal, "DOM\\alice", "DOM\\\\alice");
}
END_TEST

START_TEST(every_byte_and_pair_of_bytes_comes_out_harmless)
{
    for (int a = 1; a < 256; a++) {
        for (int b = 1; b < 256; b++) {
            char text[3] = {(char)a, (char)b, '\0'};
            cleanup_free char *got = escape_terminal(text);

            for (const unsigned char *s = (const unsigned char *)got; *s; s++)
                ck_assert_msg(*s >= 0x20 && *s != 0x7f, "bytes %02x %02x became %s", a, b, got);
        }
    }
}
END_TEST

START_TEST(a_csv_field_is_quoted_only_where_it_must_be)
{
    assert_becomes(escape_csv, "alice", "alice");
    assert_becomes(escape_csv, "", "");
    assert_becomes(escape_csv, "a b", "a b");
    assert_becomes(escape_csv, "a,b", "\"a,b\"");
    assert_becomes(escape_csv, "a;b", "\"a;b\"");
    assert_becomes(escape_csv, " a", "\" a\"");
    assert_becomes(escape_csv, "a ", "\"a \"");
}
END_TEST

START_TEST(quotes_in_a_csv_field_are_doubled)
{
    assert_becomes(escape_csv, "\"", "\"\"\"\"");
    assert_becomes(escape_csv, "say \"hi\"", "\"say \"\"hi\"\"\"");
}
END_TEST

START_TEST(a_csv_record_stays_one_line)
{
    assert_becomes(escape_csv, "a\nb\rc\x1b", "a\\x0ab\\x0dc\\x1b");
}
END_TEST

START_TEST(a_spreadsheet_runs_no_field)
{
    assert_becomes(escape_csv, "=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0");
    assert_becomes(escape_csv, "=1,2", "\"'=1,2\"");
    assert_becomes(escape_csv, "+1", "'+1");
    assert_becomes(escape_csv, "-1", "'-1");
    assert_becomes(escape_csv, "@SUM(A1)", "'@SUM(A1)");
    assert_becomes(escape_csv, "\t=1", "'\\x09=1");
    assert_becomes(escape_csv, "\uff1dcmd", "'\uff1dcmd");
    assert_becomes(escape_csv, "a=b", "a=b");
}
END_TEST

START_TEST(a_tsv_field_has_no_tab_and_no_formula)
{
    assert_becomes(escape_tsv, "a\tb\nc", "a\\x09b\\x0ac");
    assert_becomes(escape_tsv, "=cmd", "'=cmd");
    assert_becomes(escape_tsv, "a,\"b", "a,\"b");
    assert_becomes(escape_tsv, "\"=1+1\"", "'\"=1+1\"");
}
END_TEST

START_TEST(json_text_is_valid_utf8_whatever_came_in)
{
    assert_becomes(escape_utf8, "Zoë\x1b\n", "Zoë\x1b\n");
    assert_becomes(escape_utf8,
                   "a\xff"
                   "b",
                   "a\uFFFDb");
    assert_becomes(escape_utf8, "\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD");
    assert_becomes(escape_utf8, "\xe2\x82", "\uFFFD\uFFFD");
}
END_TEST

START_TEST(a_json_document_says_the_same_and_moves_no_cursor)
{
    assert_becomes(escape_json, "{\n  \"a\": \"Zoë \\u001b\"\n}", "{\n  \"a\": \"Zoë \\u001b\"\n}");
    assert_becomes(escape_json,
                   "\"\x7f"
                   "\xc2\x9b\u202e\ufeff\"",
                   "\"\\u007f\\u009b\\u202e\\ufeff\"");
    assert_becomes(escape_json, "\"\U000e0041\U0001f41f\"", "\"\\udb40\\udc41\U0001f41f\"");
    assert_becomes(escape_json, "\xff", "\\ufffd");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("escape");
    TCase *t = tcase_create("escape");
    tcase_set_timeout(t, 60); /* a busy machine */

    tcase_add_test(t, printable_text_stays_as_it_is);
    tcase_add_test(t, escape_sequences_never_reach_a_terminal);
    tcase_add_test(t, text_that_hides_or_reverses_itself_is_shown_in_numbers);
    tcase_add_test(t, what_is_no_utf8_is_shown_byte_by_byte);
    tcase_add_test(t, no_two_texts_look_the_same);
    tcase_add_test(t, every_byte_and_pair_of_bytes_comes_out_harmless);
    tcase_add_test(t, a_csv_field_is_quoted_only_where_it_must_be);
    tcase_add_test(t, quotes_in_a_csv_field_are_doubled);
    tcase_add_test(t, a_csv_record_stays_one_line);
    tcase_add_test(t, a_spreadsheet_runs_no_field);
    tcase_add_test(t, a_tsv_field_has_no_tab_and_no_formula);
    tcase_add_test(t, json_text_is_valid_utf8_whatever_came_in);
    tcase_add_test(t, a_json_document_says_the_same_and_moves_no_cursor);
    suite_add_tcase(suite, t);
    return unit_main(suite);
}
