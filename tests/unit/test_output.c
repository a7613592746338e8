#include "report/output.h"
#include "tests/support/unit.h"
#include "tests/support/zone.h"

#include "common/cleanup.h"

#include <errno.h>
#include <jansson.h>
#include <locale.h>
#include <string.h>

#define ESC "\033"

/* A user and a project that would harm a terminal, a spreadsheet, a script or a browser. */
static const char *const hostile[] = {
    "a\"b'c",
    "a,b;c",
    "line\nbreak\rreturn",
    ESC "[31mred" ESC "]0;title\a",
    "=cmd|' /C calc'!A0",
    "+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "bad\xff\xfe utf8",
    "\xc2\x9b"
    "31m",
    "\xe2\x80\xae"
    "evil",
    "pipe|d",
    "back\\slash\\x1b",
    "tab\tbed",
    " ",
    "",
    "日本",
    "</script>",
    "delete\x7f",
    "%s%n",
};

static struct row hostile_row(const char *text)
{
    return (struct row){
        .user = (char *)text,
        .uid = 1000,
        .project = (char *)text,
        .family = 4,
        .n = {.tx_bytes = 1536,
              .rx_bytes = 2000000000000,
              .tx_packets = 3,
              .rx_packets = -4,
              .tx_payload_bytes = 5,
              .rx_payload_bytes = 6},
        .total_bytes = 2000000001536,
    };
}

static char *written(const struct output *output, struct report_head *head, const struct row *rows, size_t n)
{
    cleanup_calendar struct calendar *cal = open_zone("Australia/Perth");
    struct rows all = {.v = (struct row *)rows, .n = n};
    struct row totals = rows_sum(&all);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    head->cal = cal;
    ck_assert_int_eq(output_report(output, head, &all, &totals, out), 0);
    fclose(out);
    return text;
}

static struct report_head some_head(void)
{
    return (struct report_head){
        .host = "login1",
        .zone = "Australia/Perth",
        .period = {1793462400, 1795237445}, /* 2026-11-01 00:00 to 2026-11-21 13:04:05 in Perth */
        .effective = {1793462400, 1795237445},
        .coverage = {.expected_ms = 1000000, .seen_ms = 999990},
        .by = STORE_BY_USER | STORE_BY_PROJECT,
    };
}

static size_t count(const char *text, char c)
{
    size_t n = 0;

    for (; *text; text++)
        n += *text == c;
    return n;
}

START_TEST(no_format_for_people_or_spreadsheets_lets_a_control_character_through)
{
    static const struct output *const formats[] = {&output_table,    &output_csv, &output_tsv,
                                                   &output_parsable, &output_log, &output_graph};
    /* header and row; for people a head of three lines, an empty one and the totals; the log has a block */
    static const size_t lines[] = {7, 2, 2, 2, 6, 7};

    for (size_t i = 0; i < array_length(formats); i++) {
        struct store_gap gap = {1793462400, 1793462460, hostile[_i]};
        struct report_head head = some_head();
        struct row row = hostile_row(hostile[_i]);
        cleanup_free char *text = NULL;

        head.host = head.zone = hostile[_i];
        head.gaps = (struct gaps){&gap, 1};
        head.measure = field_for_sort("total", false);
        text = written(formats[i], &head, &row, 1);
        for (const char *s = text; *s; s++)
            ck_assert_msg((unsigned char)*s >= ' ' || *s == '\n' || (*s == '\t' && formats[i] == &output_tsv),
                          "%s lets \\x%02x through", formats[i]->name, (unsigned char)*s);
        ck_assert_ptr_null(strstr(text, "\x7f"));
        ck_assert_ptr_null(strstr(text, "\xc2\x9b"));
        ck_assert_ptr_null(strstr(text, "\xe2\x80\xae"));
        ck_assert_ptr_null(strchr(text, '\xff'));
        ck_assert_uint_eq(count(text, '\n'), lines[i]);
    }
}
END_TEST

/* libsmartcols 2.38 goes on for ever with this one in the C locale, which this program runs in. */
START_TEST(a_table_ends_whatever_the_locale_lacks)
{
    struct report_head head = some_head();
    struct row row = hostile_row("\x9e\x1b}0\u015a\x89<\xc8\xc9\xc8il\x07");
    cleanup_free char *text = written(&output_table, &head, &row, 1);

    ck_assert_ptr_nonnull(strstr(text, "\u015a"));
}
END_TEST

START_TEST(separated_formats_have_as_many_columns_in_rows_as_in_the_header)
{
    struct report_head head = some_head();
    struct row row = hostile_row(hostile[_i]);
    cleanup_free char *tsv = written(&output_tsv, &head, &row, 1);
    cleanup_free char *parsable = written(&output_parsable, &head, &row, 1);

    ck_assert_uint_eq(count(tsv, '\t'), 2 * 9);
    ck_assert_uint_eq(count(parsable, '|'), 2 * 9);
}
END_TEST

/* Reads one RFC 4180 field; returns what follows it. */
static const char *read_csv_field(const char *s, char *ret)
{
    bool quoted = *s == '"';

    for (s += quoted; *s && (quoted || !strchr(",\n", *s)); s++) {
        if (quoted && *s == '"' && *++s != '"')
            break;
        *ret++ = *s;
    }
    *ret = '\0';
    return s;
}

START_TEST(csv_reads_back_as_the_escaped_name_and_never_as_a_formula)
{
    struct report_head head = some_head();
    struct row row = hostile_row(hostile[_i]);
    cleanup_free char *text = written(&output_csv, &head, &row, 1);
    char user[256], uid[256];
    const char *s = read_csv_field(strchr(text, '\n') + 1, user);

    ck_assert_int_eq(*s, ',');
    read_csv_field(s + 1, uid);
    ck_assert_str_eq(uid, "1000");
    ck_assert_msg(!*user || !strchr("=+-@\t\r", *user), "a spreadsheet would run %s", user);
}
END_TEST

START_TEST(json_is_valid_and_holds_the_name_itself)
{
    struct report_head head = some_head();
    struct row row = hostile_row(hostile[_i]);
    cleanup_free char *text = written(&output_json, &head, &row, 1);
    json_error_t error;
    json_t *root = json_loads(text, 0, &error), *first;

    ck_assert_msg(root != NULL, "%s", error.text);
    ck_assert_msg(!strpbrk(text, ESC "\x7f") && !strstr(text, "\xc2\x9b") && !strstr(text, "\xe2\x80\xae"), "%s", text);
    first = json_array_get(json_object_get(root, "rows"), 0);
    if (!strchr(hostile[_i], '\xff'))
        ck_assert_str_eq(json_string_value(json_object_get(first, "user")), hostile[_i]);
    else
        ck_assert_str_eq(json_string_value(json_object_get(first, "user")), "bad\uFFFD\uFFFD utf8");
    json_decref(root);
}
END_TEST

START_TEST(json_has_exactly_the_promised_keys)
{
    struct report_head head = some_head();
    struct row row = hostile_row("alice");
    cleanup_free char *text = written(&output_json, &head, &row, 1);
    json_t *root = json_loads(text, 0, NULL), *expected;

    expected = json_pack("{s:s s:s s:s s:i s:i s:i s:i s:s s:{s:i s:i s:f} s:[] s:[{s:s s:i s:s s:i s:I s:i s:i s:i "
                         "s:i s:I}] s:{s:i s:I s:i s:i "
                         "s:i s:i s:I}}",
                         "jsonversion", "1", "host", "login1", "timezone", "Australia/Perth", "since", 1793462400,
                         "until", 1795237445, "effective_since", 1793462400, "effective_until", 1795237445, "bytes",
                         "wire", "coverage", "expected", 1000, "seen", 999, "percent", 99.99, "gaps", "rows", "user",
                         "alice", "uid", 1000, "project", "alice", "tx_bytes", 1536, "rx_bytes",
                         (json_int_t)2000000000000, "tx_packets", 3, "rx_packets", -4, "tx_payload_bytes", 5,
                         "rx_payload_bytes", 6, "total_bytes", (json_int_t)2000000001536, "totals", "tx_bytes", 1536,
                         "rx_bytes", (json_int_t)2000000000000, "tx_packets", 3, "rx_packets", -4, "tx_payload_bytes",
                         5, "rx_payload_bytes", 6, "total_bytes", (json_int_t)2000000001536);
    ck_assert_ptr_nonnull(expected);
    ck_assert_msg(json_equal(root, expected), "%s", text);
    ck_assert_ptr_nonnull(strstr(text, "99.99\n"));
    json_decref(root);
    json_decref(expected);
}
END_TEST

START_TEST(machine_formats_show_plain_bytes_whatever_the_units)
{
    struct report_head head = some_head();
    struct row row = hostile_row("alice");
    cleanup_free char *text = NULL;

    head.units = UNITS_SI;
    text = written(&output_csv, &head, &row, 1);
    ck_assert_str_eq(text, "user,uid,project,tx_bytes,rx_bytes,tx_packets,rx_packets,tx_payload_bytes,rx_payload_bytes,"
                           "total_bytes\n"
                           "alice,1000,alice,1536,2000000000000,3,-4,5,6,2000000001536\n");
}
END_TEST

START_TEST(a_table_shows_period_host_coverage_and_totals)
{
    struct report_head head = some_head();
    struct row rows[] = {hostile_row("alice"), hostile_row("bob")};
    cleanup_free char *text = written(&output_table, &head, rows, 2);

    ck_assert_str_eq(text, "Period:   2026-11-01 00:00 AWST to 2026-11-21 13:04:05 AWST\n"
                           "Host:     login1, times of Australia/Perth\n"
                           "Coverage: 99.99 %\n"
                           "\n"
                           "USER  PROJECT       TX       RX TX PACKETS RX PACKETS    TOTAL\n"
                           "alice alice   1.50 KiB 1.82 TiB          3         -4 1.82 TiB\n"
                           "bob   bob     1.50 KiB 1.82 TiB          3         -4 1.82 TiB\n"
                           "Total         3.00 KiB 3.64 TiB          6         -8 3.64 TiB\n");
}
END_TEST

START_TEST(a_table_of_payload_says_so_and_leaves_wire_out)
{
    struct report_head head = some_head();
    struct row row = hostile_row("alice");
    cleanup_free char *text = NULL;

    head.payload = true;
    text = written(&output_table, &head, &row, 1);
    ck_assert_ptr_nonnull(strstr(text, "Bytes:    payload"));
    ck_assert_ptr_nonnull(strstr(text, "TX PAYLOAD"));
    ck_assert_ptr_null(strstr(text, "PACKETS"));
}
END_TEST

START_TEST(others_are_named_for_people_and_null_for_scripts)
{
    struct report_head head = some_head();
    struct row others = {.uid = -1, .family = -1, .since_sec = -1, .until_sec = -1, .n_others = 12};
    cleanup_free char *table = written(&output_table, &head, &others, 1);
    cleanup_free char *csv = written(&output_csv, &head, &others, 1);
    cleanup_free char *json = written(&output_json, &head, &others, 1);

    ck_assert_ptr_nonnull(strstr(table, "(12 others)"));
    ck_assert_ptr_nonnull(strstr(csv, "\n(12 others),,,0,"));
    ck_assert_ptr_nonnull(strstr(json, "\"user\": null"));
    ck_assert_ptr_nonnull(strstr(json, "\"others\": 12"));
}
END_TEST

START_TEST(the_uid_of_unattributed_bytes_is_a_value)
{
    struct report_head head = some_head();
    struct row row = {.user = (char *)"(unattributed)", .uid = -1, .project = (char *)"(none)", .family = -1};
    cleanup_free char *csv = written(&output_csv, &head, &row, 1);

    ck_assert_ptr_nonnull(strstr(csv, "\n(unattributed),-1,(none),0,"));
}
END_TEST

START_TEST(nothing_counted_is_said_kindly)
{
    struct report_head head = some_head();
    cleanup_free char *never = NULL, *before = NULL, *json = NULL;

    head.coverage = (struct coverage){.never = true};
    never = written(&output_table, &head, NULL, 0);
    json = written(&output_json, &head, NULL, 0);
    head.coverage = (struct coverage){0};
    before = written(&output_table, &head, NULL, 0);
    ck_assert_ptr_nonnull(strstr(never, "is pdttd running?"));
    ck_assert_ptr_nonnull(strstr(never, "Nothing was booked"));
    ck_assert_ptr_nonnull(strstr(json, "\"percent\": null"));
    ck_assert_ptr_nonnull(strstr(before, "nothing was counted in this period"));
}
END_TEST

START_TEST(gaps_are_counted_summed_and_their_reasons_named_once)
{
    struct report_head head = some_head();
    struct store_gap gaps[] = {{0, 3600, "reboot"}, {7200, 14400, "not running"}, {20000, 20600, "reboot"}};
    cleanup_free char *many = NULL, *one = NULL, *json = NULL;

    head.gaps = (struct gaps){gaps, 3};
    many = written(&output_table, &head, NULL, 0);
    json = written(&output_json, &head, NULL, 0);
    ck_assert_ptr_nonnull(strstr(many, "\nCoverage: 99.99 % (3 gaps, 3 h 10 min: reboot, not running)\n"));
    ck_assert_ptr_nonnull(strstr(json, "\"reason\": \"not running\""));
    gaps[0].end_sec = 2 * 86400 + 59;
    head.gaps.n = 1;
    one = written(&output_table, &head, NULL, 0);
    ck_assert_ptr_nonnull(strstr(one, " (1 gap, 2 d: reboot)\n"));
}
END_TEST

START_TEST(what_lies_in_two_gaps_is_missing_once)
{
    struct report_head head = some_head();
    struct store_gap gaps[] = {
        {0, 7200, "damaged"}, {600, 1200, "not running"}, {5400, 9000, "not running"}, {12000, 12600, "reboot"}};
    cleanup_free char *text = NULL;

    head.gaps = (struct gaps){gaps, 4};
    text = written(&output_table, &head, NULL, 0);
    ck_assert_ptr_nonnull(strstr(text, " (4 gaps, 2 h 40 min: damaged, not running, reboot)\n"));
}
END_TEST

START_TEST(expired_detail_is_announced_with_what_is_shown_instead)
{
    struct report_head head = some_head();
    cleanup_free char *since = NULL, *both = NULL;

    head.effective.since_sec -= 3600;
    since = written(&output_table, &head, NULL, 0);
    ck_assert_ptr_nonnull(strstr(since, "\nNote:     the detail of 2026-11-01 00:00 AWST has expired: showing "
                                        "2026-10-31 23:00 AWST to 2026-11-21 13:04:05 AWST\n"));
    head.effective.until_sec += 55;
    head.n_moved = 3;
    both = written(&output_table, &head, NULL, 0);
    ck_assert_ptr_nonnull(strstr(both, "of 2026-11-01 00:00 AWST and of 2026-11-21 13:04:05 AWST has expired"));
    ck_assert_ptr_nonnull(strstr(both, "\nNote:     the detail of 3 periods has expired"));
}
END_TEST

START_TEST(the_log_is_in_the_form_that_sites_know)
{
    struct report_head head = some_head();
    struct row rows[] = {hostile_row("alice"), {.uid = -1, .family = -1, .n_others = 2}};
    cleanup_free char *text = NULL;

    rows[0].n.rx_packets = 4;
    head.by = STORE_BY_USER;
    text = written(&output_log, &head, rows, 2);
    ck_assert_str_eq(text, "=== Network Statistics Report [2026-11-21 13:04:05] ===\n"
                           "UID: 1000 | Username: alice\n"
                           "  TX: 1536 bytes (3 packets)\n"
                           "  RX: 2000000000000 bytes (4 packets)\n"
                           "  Total: 2000000001536 bytes (7 packets)\n"
                           "---\n"
                           "(2 others)\n"
                           "  TX: 0 bytes (0 packets)\n"
                           "  RX: 0 bytes (0 packets)\n"
                           "  Total: 0 bytes (0 packets)\n"
                           "---\n");
}
END_TEST

START_TEST(a_log_of_payload_has_no_packets)
{
    struct report_head head = some_head();
    struct row row = hostile_row("alice");
    cleanup_free char *text = NULL;

    head.payload = true;
    text = written(&output_log, &head, &row, 1);
    ck_assert_ptr_nonnull(strstr(text, "\nUID: 1000 | Username: alice | Project: alice\n  TX: 5 payload bytes\n"));
    ck_assert_ptr_null(strstr(text, "packets"));
}
END_TEST

START_TEST(a_graph_fills_80_columns_where_there_is_no_terminal)
{
    struct report_head head = some_head();
    struct row rows[] = {hostile_row("alice"), hostile_row("bob"), hostile_row("carol")};
    cleanup_free char *text = NULL;

    rows[0].total_bytes = 4096;
    rows[1].total_bytes = 2048;
    rows[2].total_bytes = -1024;
    head.by = STORE_BY_USER;
    head.measure = field_for_sort("total", false);
    text = written(&output_graph, &head, rows, 3);
    ck_assert_str_eq(strstr(text, "USER"),
                     "USER      TOTAL\n"
                     "alice  4.00 KiB              ###################################################\n"
                     "bob    2.00 KiB              #########################\n"
                     "carol -1.00 KiB #############\n"
                     "Total  5.00 KiB\n");
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
        ck_assert_uint_le(strcspn(line, "\n"), 80);
}
END_TEST

START_TEST(a_graph_draws_blocks_where_the_locale_has_them)
{
    struct report_head head = some_head();
    struct row row = hostile_row("日本");
    cleanup_free char *text = NULL;

    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        return;
    head.by = STORE_BY_USER;
    head.measure = field_for_sort("tx", false);
    text = written(&output_graph, &head, &row, 1);
    ck_assert_ptr_nonnull(strstr(text, "\n日本 1.50 KiB ███"));
}
END_TEST

START_TEST(coverage_is_rounded_down_so_that_100_means_all)
{
    ck_assert(coverage_percent(&(struct coverage){.expected_ms = 100000, .seen_ms = 99999}) == 99.99);
    ck_assert(coverage_percent(&(struct coverage){.expected_ms = 100000, .seen_ms = 100000}) == 100);
    ck_assert(coverage_percent(&(struct coverage){.expected_ms = 100000, .seen_ms = 110000}) == 100);
    ck_assert(coverage_percent(&(struct coverage){.expected_ms = 100000}) == 0);
    ck_assert(coverage_percent(&(struct coverage){0}) == -1);
    ck_assert(coverage_percent(&(struct coverage){.expected_ms = INT64_MAX, .seen_ms = INT64_MAX}) == 100);
}
END_TEST

START_TEST(a_full_disk_is_an_error)
{
    static const char *const names[] = {"table", "json", "csv", "tsv", "log"};

    for (size_t i = 0; i < array_length(names); i++) {
        cleanup_calendar struct calendar *cal = open_zone("UTC");
        cleanup_fclose FILE *full = fopen("/dev/full", "w");
        struct report_head head = some_head();
        struct row row = hostile_row("alice"), totals = row;
        struct rows rows = {.v = &row, .n = 1};

        head.cal = cal;
        ck_assert_ptr_nonnull(full);
        ck_assert_int_eq(output_report(output_find(names[i]), &head, &rows, &totals, full), -ENOSPC);
    }
    ck_assert_ptr_null(output_find("xml"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("output");
    TCase *c = tcase_create("output");

    tcase_add_loop_test(c, no_format_for_people_or_spreadsheets_lets_a_control_character_through, 0,
                        array_length(hostile));
    tcase_add_loop_test(c, separated_formats_have_as_many_columns_in_rows_as_in_the_header, 0, array_length(hostile));
    tcase_add_loop_test(c, csv_reads_back_as_the_escaped_name_and_never_as_a_formula, 0, array_length(hostile));
    tcase_add_loop_test(c, json_is_valid_and_holds_the_name_itself, 0, array_length(hostile));
    tcase_add_test(c, a_table_ends_whatever_the_locale_lacks);
    tcase_add_test(c, json_has_exactly_the_promised_keys);
    tcase_add_test(c, machine_formats_show_plain_bytes_whatever_the_units);
    tcase_add_test(c, a_table_shows_period_host_coverage_and_totals);
    tcase_add_test(c, a_table_of_payload_says_so_and_leaves_wire_out);
    tcase_add_test(c, others_are_named_for_people_and_null_for_scripts);
    tcase_add_test(c, the_uid_of_unattributed_bytes_is_a_value);
    tcase_add_test(c, nothing_counted_is_said_kindly);
    tcase_add_test(c, gaps_are_counted_summed_and_their_reasons_named_once);
    tcase_add_test(c, what_lies_in_two_gaps_is_missing_once);
    tcase_add_test(c, expired_detail_is_announced_with_what_is_shown_instead);
    tcase_add_test(c, the_log_is_in_the_form_that_sites_know);
    tcase_add_test(c, a_log_of_payload_has_no_packets);
    tcase_add_test(c, a_graph_fills_80_columns_where_there_is_no_terminal);
    tcase_add_test(c, a_graph_draws_blocks_where_the_locale_has_them);
    tcase_add_test(c, coverage_is_rounded_down_so_that_100_means_all);
    tcase_add_test(c, a_full_disk_is_an_error);
    suite_add_tcase(suite, c);
    return unit_main(suite);
}
