/* From a command line to the page, over a real database. */
#include "tests/support/capture.h"
#include "tests/support/report.h"
#include "tests/support/unit.h"
#include "tests/support/zone.h"

#include <signal.h>

#define ALICE    61001
#define BOB      61002
#define CAROL    61003
#define PROJECT  62001
#define NOVEMBER INT64_C(1793462400) /* 2026-11-01 00:00 in Perth */
#define NOW      (NOVEMBER + 10 * 86400)

static struct store *store;
static struct calendar *perth;

static void book_bytes(uint64_t epoch, int64_t start_sec, int64_t uid, int64_t tx_bytes)
{
    struct store_usage row = usage(uid, PROJECT, tx_bytes, tx_bytes / 10);

    row.n.tx_payload_bytes = tx_bytes / 2;
    book(store, epoch, start_sec, &row, 1);
}

static void set_up(void)
{
    place_make();
    store = open_store(STORE_WRITE);
    ck_assert_int_eq(store_note_user(store, ALICE, "alice", NOVEMBER), 0);
    ck_assert_int_eq(store_note_user(store, BOB, "bob", NOVEMBER), 0);
    ck_assert_int_eq(store_note_group(store, PROJECT, "pawsey0001", NOVEMBER), 0);
    ck_assert_int_eq(calendar_open("Australia/Perth", &perth), 0);
}

static void tear_down(void)
{
    calendar_close(perth);
    store_close(store);
    place_remove();
}

/* The last ten seconds of October, the first of November, two later days, and a transfer that is negative. */
static void book_some(void)
{
    book_bytes(1, NOVEMBER - 10, ALICE, 1000);
    book_bytes(2, NOVEMBER, ALICE, 20000);
    book_bytes(3, NOVEMBER + 86400, BOB, 300000);
    book_bytes(4, NOVEMBER + 3 * 86400, ALICE, -500);
    book_bytes(5, NOVEMBER + 3 * 86400 + 10, CAROL, 7000);
}

static struct asked asked(void)
{
    return (struct asked){store, perth, NOW};
}

static char *run(const char *line, int *ret_r, char **ret_why)
{
    struct asked a = asked();

    return asked_text(&a, line, ret_r, ret_why);
}

static json_t *report(const char *line)
{
    struct asked a = asked();

    return asked_json(&a, line);
}

static int64_t total_of(const char *line, const char *key)
{
    json_t *root = report(line);
    int64_t ret = json_number(json_object_get(root, "totals"), key);

    json_decref(root);
    return ret;
}

static size_t rows_of(const char *line)
{
    json_t *root = report(line);
    size_t n = json_array_size(json_object_get(root, "rows"));

    json_decref(root);
    return n;
}

static void expect_failure(const char *line, int error, const char *part)
{
    struct asked a = asked();

    asked_failure(&a, line, error, part);
}

/* ---- figures ---- */

START_TEST(a_month_is_half_open_in_local_time)
{
    book_some();
    ck_assert_int_eq(total_of("--since 2026-10 --until 2026-10", "tx_bytes"), 1000);
    ck_assert_int_eq(total_of("--since 2026-11 --until 2026-11", "tx_bytes"), 20000 + 300000 - 500 + 7000);
    ck_assert_int_eq(total_of("", "tx_bytes"), 20000 + 300000 - 500 + 7000);
    ck_assert_int_eq(total_of("--since 2026-11-01 --until 2026-11-01", "tx_bytes"), 20000);
}
END_TEST

START_TEST(what_was_booked_within_this_very_second_is_there)
{
    book_bytes(1, NOW, ALICE, 1000);
    ck_assert_int_eq(total_of("", "tx_bytes"), 1000);
    ck_assert_int_eq(total_of("--since 30d --period day", "tx_bytes"), 1000);
}
END_TEST

START_TEST(filters_leave_only_what_they_name)
{
    book_some();
    ck_assert_int_eq(total_of("-u alice --since 30d", "tx_bytes"), 1000 + 20000 - 500);
    ck_assert_int_eq(total_of("-u alice,bob --since 30d", "tx_bytes"), 1000 + 20000 - 500 + 300000);
    ck_assert_int_eq(total_of("-u alice -u 61002 --since 30d", "tx_bytes"), 1000 + 20000 - 500 + 300000);
    ck_assert_int_eq(total_of("-A pawsey0001 --proto tcp --class external", "tx_bytes"), 326500);
    ck_assert_int_eq(total_of("--proto udp", "tx_bytes"), 0);
}
END_TEST

START_TEST(rows_add_up_to_the_totals_and_periods_to_the_range)
{
    static const char *const lines[] = {
        "--since 30d",
        "--since 30d --by family",
        "--since 30d --by user,project,class,proto,family",
        "--since 30d --top 1",
        "--since 30d --period day",
        "--since 30d --period week --by user --top 1",
        "--since 30d --period hour --sort total --top 2",
        "--since 30d --period 5min --by user,proto",
        "--since 30d --period quarter --payload",
    };
    static const char *const keys[] = {"tx_bytes", "rx_bytes", "tx_packets", "tx_payload_bytes", "total_bytes"};
    json_t *root = report(lines[_i]), *row, *everything;
    size_t i;

    json_decref(root);
    book_some();
    root = report(lines[_i]);
    everything = report("--since 30d");
    for (size_t k = 0; k < array_length(keys); k++) {
        int64_t sum = 0, total = json_number(json_object_get(root, "totals"), keys[k]);

        json_array_foreach (json_object_get(root, "rows"), i, row)
            sum += json_number(row, keys[k]);
        ck_assert_int_eq(sum, total);
        if (strcmp(keys[k], "total_bytes") != 0) /* which --payload changes */
            ck_assert_int_eq(total, json_number(json_object_get(everything, "totals"), keys[k]));
    }
    json_decref(root);
    json_decref(everything);
}
END_TEST

START_TEST(totals_are_payload_when_asked)
{
    book_some();
    ck_assert_int_eq(total_of("-u bob", "total_bytes"), 330000);
    ck_assert_int_eq(total_of("-u bob --payload", "total_bytes"), 150000);
}
END_TEST

/* 90 packets of scan a day are dropped, and 5 of bulk beside 100 that pass. Meters go on. */
static void book_policies(uint64_t epoch, int64_t start_sec, int64_t days)
{
    const struct store_meter policies[] = {
        {.source = "bulk",
         .identity = 1,
         .n = {.tx_bytes = 100000 * days, .rx_bytes = 5000 * days, .tx_packets = 100 * days, .rx_packets = 5 * days}},
        {.source = "scan", .identity = 2, .n = {.rx_bytes = 5400 * days, .rx_packets = 90 * days}},
    };
    struct store_usage row = usage(ALICE, PROJECT, 1, 0);
    struct store_interval i = {.ledger = LEDGER,
                               .epoch = epoch,
                               .start_sec = start_sec,
                               .end_sec = start_sec + 10,
                               .duration_ms = 10000,
                               .counted = row.n,
                               .policies = policies,
                               .n_policies = array_length(policies)};

    ck_assert_int_eq(store_book_interval(store, &i, &row, 1), 0);
}

START_TEST(policies_have_rows_of_their_own_that_add_up)
{
    cleanup_free char *why = NULL, *table = NULL;
    json_t *root;
    int r;

    for (int day = 0; day < 3; day++)
        book_policies((uint64_t)day + 1, NOVEMBER + day * 86400, day + 1);
    root = report("--by policy");
    ck_assert_uint_eq(json_array_size(json_object_get(root, "rows")), 2);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(json_object_get(root, "rows"), 0), "policy")),
                     "bulk");
    json_decref(root);
    ck_assert_int_eq(total_of("--by policy", "packets_dropped"), 285);
    ck_assert_int_eq(total_of("--by policy", "packets_passed"), 300);
    ck_assert_int_eq(total_of("--by policy", "total_bytes"), 3 * (105000 + 5400));
    ck_assert_int_eq(total_of("--by policy --since 2026-11-02 --until 2026-11-02", "bytes_dropped"), 5000 + 5400);
    ck_assert_uint_eq(rows_of("--by policy --period day"), 6);
    table = run("--by policy --sort packets_dropped", &r, &why);
    ck_assert_msg(r == 0, "%s", why);
    ck_assert_msg(strstr(table, "scan") < strstr(table, "bulk"), "%s", table);
    ck_assert_ptr_null(strstr(table, "TX"));
}
END_TEST

START_TEST(a_quiet_day_between_others_has_a_row)
{
    book_some();
    ck_assert_uint_eq(rows_of("--period day"), 4);                    /* 1 to 4 November: nothing was counted later */
    ck_assert_uint_eq(rows_of("--period day --by user"), 4);          /* alice, bob, alice, carol */
    ck_assert_uint_eq(rows_of("--period day -u bob --since 30d"), 5); /* the last day of October too */
}
END_TEST

START_TEST(rows_have_the_dimensions_that_were_asked_for_and_no_others)
{
    json_t *root, *row;

    book_some();
    root = report("--by class,family --period month");
    row = json_array_get(json_object_get(root, "rows"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(row, "period")), "2026-11");
    ck_assert_int_eq(json_number(row, "since"), NOVEMBER);
    ck_assert_int_eq(json_number(row, "until"), NOW + 1); /* the second that is running belongs to it */
    ck_assert_str_eq(json_string_value(json_object_get(row, "class")), "external");
    ck_assert_int_eq(json_number(row, "family"), 4);
    ck_assert_ptr_null(json_object_get(row, "user"));
    ck_assert_ptr_null(json_object_get(row, "uid"));
    ck_assert_ptr_null(json_object_get(row, "protocol"));
    json_decref(root);
}
END_TEST

START_TEST(a_name_that_nobody_noted_is_shown_by_its_number)
{
    json_t *root, *row;

    book_some();
    root = report("-u 61003");
    row = json_array_get(json_object_get(root, "rows"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(row, "user")), "uid 61003");
    json_decref(root);
}
END_TEST

START_TEST(each_interval_can_have_a_row)
{
    json_t *root, *rows;

    book_some();
    book_bytes(6, NOVEMBER + 3 * 86400 + 10, BOB, 11); /* after a clock that was set back */
    root = report("--since 30d --period interval");
    rows = json_object_get(root, "rows");
    ck_assert_uint_eq(json_array_size(rows), 5);
    ck_assert_str_eq(json_text_of(json_array_get(rows, 0), "period"), "2026-10-31 23:59:50");
    ck_assert_int_eq(json_number(json_array_get(rows, 0), "tx_bytes"), 1000);
    ck_assert_int_eq(json_number(json_array_get(rows, 4), "tx_bytes"), 7011);
    ck_assert_int_eq(json_number(json_object_get(root, "totals"), "tx_bytes"), total_of("--since 30d", "tx_bytes"));
    json_decref(root);
    ck_assert_uint_eq(rows_of("--since 2026-11-05 --period interval"), 0);
}
END_TEST

START_TEST(the_host_is_a_column)
{
    json_t *root;

    book_some();
    root = report("--by host,user --top 1");
    ck_assert_str_eq(json_text_of(json_array_get(json_object_get(root, "rows"), 0), "host"), store_host(store));
    json_decref(root);
    ck_assert_uint_eq(rows_of("--by host"), 1);
    ck_assert_uint_eq(rows_of("--by host --period day"), 4);
}
END_TEST

START_TEST(units_are_shown_and_filtered_by_globs)
{
    struct store_usage row = usage(ALICE, PROJECT, 500, 0), other = usage(ALICE, PROJECT, 30, 0);
    json_t *root, *rows;

    ck_assert_int_eq(store_unit_id(store, "system.slice/slurmd/job_17", &row.unit), 0);
    ck_assert_int_eq(store_unit_id(store, "system.slice/slurmd/job_18", &other.unit), 0);
    book(store, 1, NOVEMBER, &row, 1);
    book(store, 2, NOVEMBER + 10, &other, 1);
    book_bytes(3, NOVEMBER + 20, BOB, 1);
    root = report("--by unit,user");
    rows = json_object_get(root, "rows");
    ck_assert_uint_eq(json_array_size(rows), 3);
    ck_assert_str_eq(json_text_of(json_array_get(rows, 0), "unit"), "system.slice/slurmd/job_17");
    ck_assert_str_eq(json_text_of(json_array_get(rows, 2), "unit"), "(none)");
    json_decref(root);
    ck_assert_int_eq(total_of("--unit *job_17", "tx_bytes"), 500);
    ck_assert_int_eq(total_of("--unit *job_17,*job_18 --by family", "tx_bytes"), 530);
    ck_assert_int_eq(total_of("--unit * -u bob", "tx_bytes"), 0);
    ck_assert_int_eq(total_of("--unit (none)", "tx_bytes"), 1);
    ck_assert_int_eq(total_of("--unit *job_19", "tx_bytes"), 0);
}
END_TEST

START_TEST(units_and_intervals_whose_raw_data_has_expired_are_refused_with_the_remedy)
{
    struct store_policy policy = {.timezone = "Australia/Perth",
                                  .retention_sec = {3600, 86400, 90 * 86400, STORE_FOREVER, STORE_FOREVER}};

    ck_assert_int_eq(store_set_policy(store, &policy), 0);
    for (int64_t i = 0; i < 8; i++)
        book_bytes((uint64_t)i + 1, NOVEMBER + i * 3600, ALICE, 1000);
    ck_assert_int_eq(sql_int("SELECT min(start_sec) > 1793462400 FROM interval"), 1);
    ck_assert_int_eq(total_of("--since 2026-11-01 --until 2026-11-01", "tx_bytes"), 8000);
    expect_failure("--since 2026-11-01 --by unit", -ERANGE, "ask with --since @");
    expect_failure("--since 2026-11-01 --unit x", -ERANGE, "ask with --since @");
    expect_failure("--since 2026-11-01 --period interval", -ERANGE, "ask with --since @");
    ck_assert_uint_eq(rows_of("--since @1793487600 --until @1793491200 --period interval"), 1);
}
END_TEST

START_TEST(expired_edges_move_outward_and_are_announced)
{
    struct store_policy policy = {.timezone = "Australia/Perth",
                                  .retention_sec = {3600, 3600, 7200, STORE_FOREVER, STORE_FOREVER}};
    cleanup_free char *why = NULL, *table = NULL;
    json_t *root;
    int r;

    ck_assert_int_eq(store_set_policy(store, &policy), 0);
    for (int64_t i = 0; i < 28; i++)
        book_bytes((uint64_t)i + 1, NOVEMBER + i * 3600, ALICE, 1000);
    ck_assert_int_eq(store_flush(store), 0);
    root = report("--since 2026-11-01T10:20 --until 2026-11-01");
    ck_assert_int_eq(json_number(root, "since"), NOVEMBER + 37200);
    ck_assert_int_eq(json_number(root, "effective_since"), NOVEMBER);
    ck_assert_int_eq(json_number(root, "effective_until"), NOVEMBER + 86400);
    ck_assert_int_eq(json_number(json_object_get(root, "totals"), "tx_bytes"), 24000);
    json_decref(root);
    table = run("--since 2026-11-01T10:20 --until 2026-11-01", &r, &why);
    ck_assert_ptr_nonnull(strstr(table, "the detail of 2026-11-01 10:20 AWST has expired: showing 2026-11-01 00:00 AWST"
                                        " to 2026-11-02 00:00 AWST"));
    root = report("--since 2026-11-01 --until 2026-11-01 --period hour");
    ck_assert_uint_eq(json_array_size(json_object_get(root, "rows")), 1);
    ck_assert_int_eq(json_number(json_object_get(root, "totals"), "tx_bytes"), 24000);
    json_decref(root);
}
END_TEST

/* ---- names ---- */

START_TEST(an_unknown_user_is_refused_with_the_nearest_name)
{
    book_some();
    expect_failure("-u alcie", -ENOENT, "unknown user 'alcie', did you mean 'alice'?");
    expect_failure("-u qqqqqqqqqq", -ENOENT, "unknown user 'qqqqqqqqqq'");
    expect_failure("-u alice,qqqqqqqqqq", -ENOENT, "unknown user 'qqqqqqqqqq'");
    expect_failure("-A pawsey001", -ENOENT, "unknown project 'pawsey001', did you mean 'pawsey0001'?");
    expect_failure("--class intern", -ENOENT, "unknown class 'intern'");
    expect_failure("--proto tpc", -ENOENT, "unknown protocol 'tpc', did you mean 'tcp'?");
}
END_TEST

START_TEST(a_user_of_this_host_who_moved_nothing_is_an_empty_report)
{
    book_some();
    ck_assert_uint_eq(rows_of("-u root"), 0);
    ck_assert_uint_eq(rows_of("-u 0 -A root"), 0);
    ck_assert_uint_eq(rows_of("-u root,alice,daemon"), 1);
    ck_assert_uint_eq(rows_of("-u alice -A root"), 0);
}
END_TEST

/* ---- coverage ---- */

static void expect_coverage(const char *line, int64_t expected, int64_t seen)
{
    json_t *root = report(line), *coverage = json_object_get(root, "coverage");

    ck_assert_int_eq(json_number(coverage, "expected"), expected);
    ck_assert_int_eq(json_number(coverage, "seen"), seen);
    json_decref(root);
}

START_TEST(what_was_not_counted_is_missing_from_the_coverage)
{
    book_some();
    expect_coverage("--since 2026-11-01 --until @1793462410", 10, 10);
    expect_coverage("--since 2026-11-01 --until @1793462420", 20, 10);
    expect_coverage("", 10 * 86400, 40);
    expect_coverage("--since 2026-01 --until @1793462400", 10, 10); /* not expected before the first interval */
    expect_coverage("--since 2026-01 --until 2026-01", 0, 0);
}
END_TEST

START_TEST(a_range_that_begins_or_ends_within_an_interval_misses_nothing)
{
    for (int64_t i = 0; i < 6; i++)
        book_bytes((uint64_t)i + 1, NOVEMBER + i * 10, ALICE, 1000);
    expect_coverage("--since @1793462405 --until @1793462435", 30, 30); /* of 10 to 40, whose intervals begin in it */
    expect_coverage("--since @1793462405 --until @1793462408", 0, 0);   /* nothing begins in it */
    expect_coverage("--since @1793462401 --until @1793462500", 90, 50); /* what comes after a minute is missing */
}
END_TEST

START_TEST(seconds_of_which_a_part_was_counted_are_not_missing)
{
    struct store_usage row = usage(ALICE, PROJECT, 1000, 0);
    struct store_interval i = {
        .ledger = LEDGER, .epoch = 1, .start_sec = NOVEMBER, .end_sec = NOVEMBER + 10, .duration_ms = 8200};

    i.counted = row.n;
    ck_assert_int_eq(store_book_interval(store, &i, &row, 1), 0);
    expect_coverage("--since 2026-11-01 --until @1793462410", 10, 10);
    i = (struct store_interval){.ledger = LEDGER,
                                .epoch = 2,
                                .start_sec = NOVEMBER + 10,
                                .end_sec = NOVEMBER + 20,
                                .duration_ms = 8000,
                                .counted = row.n};
    ck_assert_int_eq(store_book_interval(store, &i, &row, 1), 0);
    expect_coverage("--since 2026-11-01 --until @1793462420", 20, 16);
}
END_TEST

START_TEST(gaps_of_the_range_are_named)
{
    json_t *root, *gap;

    book_some();
    ck_assert_int_eq(store_put_gap(store, NOVEMBER - 100, NOVEMBER + 50, "reboot"), 0);
    ck_assert_int_eq(store_put_gap(store, NOVEMBER + 500, NOVEMBER + 560, "not running"), 0);
    root = report("");
    ck_assert_uint_eq(json_array_size(json_object_get(root, "gaps")), 2);
    gap = json_array_get(json_object_get(root, "gaps"), 0);
    ck_assert_int_eq(json_number(gap, "since"), NOVEMBER); /* cut to the range */
    ck_assert_int_eq(json_number(gap, "until"), NOVEMBER + 50);
    ck_assert_str_eq(json_text_of(gap, "reason"), "reboot");
    json_decref(root);
    root = report("--since 2026-11-02");
    ck_assert_uint_eq(json_array_size(json_object_get(root, "gaps")), 0);
    json_decref(root);
}
END_TEST

START_TEST(the_interval_that_is_being_counted_is_not_missing)
{
    book_bytes(1, NOW - 25, ALICE, 1000);
    book_bytes(2, NOW - 15, ALICE, 1000);
    expect_coverage("", 20, 20);
}
END_TEST

START_TEST(an_empty_database_is_said_kindly)
{
    cleanup_free char *why = NULL, *text = NULL;
    int r;

    text = run("", &r, &why);
    ck_assert_int_eq(r, 0);
    ck_assert_ptr_nonnull(strstr(text, "no interval yet; is pdttd running?"));
    expect_coverage("--period day", 0, 0);
}
END_TEST

/* ---- live ---- */

START_TEST(a_live_report_ends_after_count_blocks)
{
    cleanup_free char *why = NULL, *text = NULL;
    int r, blocks = 0;

    book_some();
    text = run("--live --every 1 --count 2 --since @0", &r, &why);
    ck_assert_int_eq(r, 0);
    for (const char *s = text; (s = strstr(s, "Period:")); s++)
        blocks++;
    ck_assert_int_eq(blocks, 2);
    ck_assert_ptr_null(strchr(text, '\033'));
}
END_TEST

START_TEST(a_live_report_ends_well_when_interrupted)
{
    cleanup_free char *why = NULL, *text = NULL;
    pid_t parent = getpid(), child = fork();
    int r;

    if (child == 0) {
        usleep(300000);
        kill(parent, SIGINT);
        _exit(0);
    }
    text = run("--live --every 3600", &r, &why);
    ck_assert_int_eq(r, 0);
    waitpid(child, NULL, 0);
}
END_TEST

/* ---- command line ---- */

static const struct refusal {
    const char *words[3], *part;
} refusals[] = {
    {{"--audit", "--by", "user"}, "does not go with --audit"},
    {{"--audit", "--allocations"}, "ask for one after the other"},
    {{"--by=policy", "--user", "alice"}, "option --user: does not go with --by policy"},
    {{"--by=policy", "--payload"}, "option --payload: does not go with --by policy"},
    {{"--by=policy", "--live"}, "option --live: does not go with --by policy"},
    {{"--by=policy,user"}, "policy stands alone"},
    {{"--graph", "--format", "csv"}, "leave out --format"},
    {{"--check"}, "works with --allocations only"},
    {{"--allocations", "--by", "user"}, "does not go with --allocations"},
    {{"--allocations", "--payload"}, "does not go with --allocations"},
    {{"--allocations", "--live"}, "does not go with --allocations"},
    {{"--allocations", "--graph"}, "does not go with --allocations"},
    {{"--by=process", "--period=interval"}, "kept by five minutes"},
    {{"--connections", "--by=user"}, "does not go with --connections"},
    {{"--connections", "--period=day"}, "does not go with --connections"},
    {{"--allocations", "--connections"}, "does not go with --allocations"},
    {{"--sort", "duration"}, "no such column"},
    {{"--database", "postgresql://db/pdtt"}, "not yet supported"},
    {{"--by", "users"}, "'users' is not one of user, project"},
    {{"--by", "user,"}, "'' is not one of"},
    {{"--period", "fortnight"}, "5min, hour"},
    {{"--format", "xml"}, "not one of table"},
    {{"--units", "kib"}, "auto, si, bytes"},
    {{"--user", ""}, "a name is missing"},
    {{"--user", "a,,b"}, "a name is missing"},
    {{"--top", "0"}, "from 1 up"},
    {{"--top", "-1"}, "from 1 up"},
    {{"--top", "3x"}, "from 1 up"},
    {{"--top", "99999999999999999999"}, "from 1 up"},
    {{"--sort", "size"}, "not one of total"},
    {{"--sort", "class"}, "add it to --by"},
    {{"--sort", "period"}, "add --period"},
    {{"--count", "3"}, "works with --live only"},
    {{"--every", "3"}, "works with --live only"},
    {{"--live", "--until", "now"}, "ends now"},
    {{"--live", "--every", "0"}, "from 1 up"},
    {{"--live", "--every", "2d"}, "outside"},
    {{"--database", ""}, "empty"},
    {{"--perod", "day"}, "did you mean --period?"},
    {{"alice"}, "unexpected operand 'alice'"},
};

START_TEST(what_is_not_supported_or_wrong_is_refused_in_one_line)
{
    char *argv[5] = {(char *)"pdtt-report"};
    struct report_options o;
    struct capture c;
    const char *said;
    int argc = 1, r;

    for (size_t i = 0; i < 3 && refusals[_i].words[i]; i++)
        argv[argc++] = (char *)refusals[_i].words[i];
    capture_start(&c);
    r = report_options_parse(argc, argv, &(struct report_environment){0}, &o);
    said = capture_end(&c);
    report_options_done(&o);
    ck_assert_int_eq(r, -EINVAL);
    ck_assert_msg(strstr(said, refusals[_i].part) != NULL, "\"%s\" does not say \"%s\"", said, refusals[_i].part);
    ck_assert_ptr_eq(strchr(said, '\n'), said + strlen(said) - 1);
}
END_TEST

static struct report_options parsed(int argc, const char *const *argv, const char *database)
{
    struct report_options o;

    ck_assert_int_eq(report_options_parse(argc, (char **)argv, &(struct report_environment){.database = database}, &o),
                     0);
    return o;
}

START_TEST(defaults_are_what_support_staff_expect)
{
    struct report_options o = parsed(1, (const char *[]){"pdtt-report", NULL}, NULL);

    ck_assert_uint_eq(o.by, STORE_BY_USER | STORE_BY_PROJECT);
    ck_assert_str_eq(o.sort_field->key, "total_bytes");
    ck_assert_ptr_eq(o.output, &output_table);
    ck_assert_str_eq(o.database, "/var/lib/pdtt/pdtt.db");
    o = parsed(1, (const char *[]){"pdtt-report", NULL}, "/elsewhere.db");
    ck_assert_str_eq(o.database, "/elsewhere.db");
    o = parsed(3, (const char *[]){"pdtt-report", "-d", "/here.db", NULL}, "/elsewhere.db");
    ck_assert_str_eq(o.database, "/here.db");
    o = parsed(2, (const char *[]){"pdtt-report", "--live", NULL}, NULL);
    ck_assert_uint_eq(o.by, STORE_BY_USER);
    o = parsed(3, (const char *[]){"pdtt-report", "-p", "day", NULL}, NULL);
    ck_assert_uint_eq(o.by, 0);
    ck_assert(o.by_period);
}
END_TEST

START_TEST(an_impossible_period_is_bad_usage_and_writes_nothing)
{
    expect_failure("--since 2026-02-30", -EINVAL, "option --since: '2026-02-30'");
    expect_failure("--since tomorrow", -EINVAL, "lies in the future");
    expect_failure("--since 1970 --period 5min", -EINVAL, "choose longer periods");
}
END_TEST

static void add_tests_of_figures(Suite *suite)
{
    TCase *c = tcase_create("figures");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, a_month_is_half_open_in_local_time);
    tcase_add_test(c, what_was_booked_within_this_very_second_is_there);
    tcase_add_test(c, filters_leave_only_what_they_name);
    tcase_add_loop_test(c, rows_add_up_to_the_totals_and_periods_to_the_range, 0, 9);
    tcase_add_test(c, totals_are_payload_when_asked);
    tcase_add_test(c, policies_have_rows_of_their_own_that_add_up);
    tcase_add_test(c, a_quiet_day_between_others_has_a_row);
    tcase_add_test(c, each_interval_can_have_a_row);
    tcase_add_test(c, the_host_is_a_column);
    tcase_add_test(c, units_are_shown_and_filtered_by_globs);
    tcase_add_test(c, units_and_intervals_whose_raw_data_has_expired_are_refused_with_the_remedy);
    tcase_add_test(c, expired_edges_move_outward_and_are_announced);
    tcase_add_test(c, rows_have_the_dimensions_that_were_asked_for_and_no_others);
    tcase_add_test(c, a_name_that_nobody_noted_is_shown_by_its_number);
    tcase_add_test(c, an_unknown_user_is_refused_with_the_nearest_name);
    tcase_add_test(c, a_user_of_this_host_who_moved_nothing_is_an_empty_report);
    tcase_add_test(c, what_was_not_counted_is_missing_from_the_coverage);
    tcase_add_test(c, a_range_that_begins_or_ends_within_an_interval_misses_nothing);
    tcase_add_test(c, seconds_of_which_a_part_was_counted_are_not_missing);
    tcase_add_test(c, gaps_of_the_range_are_named);
    tcase_add_test(c, the_interval_that_is_being_counted_is_not_missing);
    tcase_add_test(c, an_empty_database_is_said_kindly);
    tcase_add_test(c, a_live_report_ends_after_count_blocks);
    tcase_add_test(c, a_live_report_ends_well_when_interrupted);
    tcase_add_test(c, an_impossible_period_is_bad_usage_and_writes_nothing);
    suite_add_tcase(suite, c);
}

int main(void)
{
    Suite *suite = suite_create("report");
    TCase *c = tcase_create("command line");

    add_tests_of_figures(suite);
    tcase_add_loop_test(c, what_is_not_supported_or_wrong_is_refused_in_one_line, 0, array_length(refusals));
    tcase_add_test(c, defaults_are_what_support_staff_expect);
    suite_add_tcase(suite, c);
    return unit_main(suite);
}
