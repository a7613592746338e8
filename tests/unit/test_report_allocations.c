/* pdtt-report --allocations, from the command line to the page, over a real database. */
#include "tests/support/report.h"
#include "tests/support/unit.h"
#include "tests/support/zone.h"

#define ALICE    61001
#define BOB      61002
#define PROJECT  62001
#define NOVEMBER INT64_C(1793462400) /* 2026-11-01 00:00 in Perth */
#define DAY      INT64_C(86400)
#define NOW      (NOVEMBER + 10 * DAY)

static struct store *store;
static struct calendar *perth;
static int64_t internal;

static void book_bytes(uint64_t epoch, int64_t start_sec, int64_t uid, int64_t class_id, int64_t tx, int64_t rx)
{
    struct store_usage row = usage(uid, PROJECT, tx, rx);

    row.class_id = class_id;
    book(store, epoch, start_sec, &row, 1);
}

/* October and November of alice, who is all of the project but bob's 70 bytes. */
static void set_up(void)
{
    static const char *const names[] = {"internal"};

    place_make();
    store = open_store(STORE_WRITE);
    ck_assert_int_eq(calendar_open("Australia/Perth", &perth), 0);
    ck_assert_int_eq(store_note_user(store, ALICE, "alice", NOVEMBER), 0);
    ck_assert_int_eq(store_note_user(store, BOB, "bob", NOVEMBER), 0);
    ck_assert_int_eq(store_note_group(store, PROJECT, "pawsey0001", NOVEMBER), 0);
    ck_assert_int_eq(store_sync_classes(store, names, 1, &internal), 0);
    book_bytes(1, NOVEMBER - 20 * DAY, ALICE, STORE_CLASS_EXTERNAL, 5000, 0);
    book_bytes(2, NOVEMBER, ALICE, STORE_CLASS_EXTERNAL, 600, 40);
    book_bytes(3, NOVEMBER + 5 * DAY, ALICE, internal, 300, 0);
    book_bytes(4, NOVEMBER + 6 * DAY, BOB, STORE_CLASS_EXTERNAL, 70, 0);
}

static void tear_down(void)
{
    calendar_close(perth);
    store_close(store);
    place_remove();
}

static struct asked asked(void)
{
    return (struct asked){store, perth, NOW};
}

static struct store_allocation of(enum store_subject subject, const char *name, int64_t limit_bytes)
{
    return (struct store_allocation){.subject = subject, .name = name, .limit_bytes = limit_bytes, .billing_day = 1};
}

static void allow(const struct store_allocation *allocations, size_t n)
{
    int r = store_sync_allocations(store, allocations, n);

    ck_assert_msg(r == 0, "%s", store_why(store));
}

static void allow_one(struct store_allocation allocation)
{
    allow(&allocation, 1);
}

static json_t *ask(const char *line)
{
    struct asked a = asked();
    cleanup_free char *full = NULL;

    ck_assert_int_ge(asprintf(&full, "--allocations %s", line), 0);
    return asked_json(&a, full);
}

static int64_t number_of(const char *line, size_t row, const char *key)
{
    json_t *root = ask(line), *rows = json_object_get(root, "rows");
    int64_t ret = json_number(json_array_get(rows, row), key);

    ck_assert_uint_lt(row, json_array_size(rows));
    json_decref(root);
    return ret;
}

static void expect_text(const char *line, size_t row, const char *key, const char *expected)
{
    json_t *root = ask(line), *rows = json_object_get(root, "rows");

    ck_assert_uint_lt(row, json_array_size(rows));
    ck_assert_str_eq(json_text_of(json_array_get(rows, row), key), expected);
    json_decref(root);
}

/* What "--allocations --check" says. */
static int checked(void)
{
    struct asked a = asked();
    cleanup_free char *why = NULL, *text = NULL;
    int r;

    text = asked_text(&a, "--allocations --check", &r, &why);
    return r;
}

START_TEST(a_project_used_what_its_users_moved_in_the_period)
{
    allow_one(of(STORE_SUBJECT_PROJECT, "pawsey0001", 2000));
    ck_assert_int_eq(number_of("", 0, "used_bytes"), 600 + 40 + 300 + 70);
    ck_assert_int_eq(number_of("", 0, "remaining_bytes"), 2000 - 1010);
    expect_text("", 0, "period", "2026-11");
    expect_text("", 0, "classes", "all");
    expect_text("", 0, "direction", "both");
    ck_assert_int_eq(number_of("", 0, "since"), NOVEMBER);
    ck_assert_int_eq(number_of("", 0, "until"), NOVEMBER + 30 * DAY);
}
END_TEST

START_TEST(only_its_classes_and_its_direction_count)
{
    static const char *const external[] = {"external"}, *const both[] = {"external", "internal"};
    struct store_allocation a[] = {of(STORE_SUBJECT_USER, "alice", 10000), of(STORE_SUBJECT_USER, "alice", 10000),
                                   of(STORE_SUBJECT_USER, "alice", 10000)};

    a[0].classes = (struct store_names){external, 1};
    a[1].classes = (struct store_names){both, 2};
    a[1].direction = STORE_DIRECTION_TX;
    a[2].direction = STORE_DIRECTION_RX;
    allow(a, 3);
    ck_assert_int_eq(number_of("", 0, "used_bytes"), 640);
    ck_assert_int_eq(number_of("", 1, "used_bytes"), 900);
    ck_assert_int_eq(number_of("", 2, "used_bytes"), 40);
    expect_text("", 1, "classes", "external,internal");
    expect_text("", 1, "direction", "tx");
}
END_TEST

START_TEST(a_subject_that_nothing_was_booked_on_used_nothing)
{
    struct store_allocation a[] = {of(STORE_SUBJECT_PROJECT, "new-project", 1000),
                                   of(STORE_SUBJECT_USER, "nobody-yet", 1000)};

    allow(a, 2);
    ck_assert_int_eq(number_of("", 0, "used_bytes"), 0);
    ck_assert_int_eq(number_of("", 1, "used_bytes"), 0);
    expect_text("", 0, "state", "ok");
    ck_assert_int_eq(checked(), 0);
}
END_TEST

START_TEST(check_tells_exceeded_from_used_up)
{
    allow_one(of(STORE_SUBJECT_USER, "alice", 940));
    ck_assert_int_eq(number_of("", 0, "used_bytes"), 940);
    ck_assert_int_eq(checked(), 0);
    allow_one(of(STORE_SUBJECT_USER, "alice", 939));
    ck_assert_int_eq(checked(), REPORT_EXCEEDED);
    ck_assert_int_eq(number_of("", 0, "remaining_bytes"), -1);
    expect_text("", 0, "state", "exceeded");
}
END_TEST

START_TEST(without_check_an_exceeded_allocation_is_no_failure)
{
    struct asked a = asked();
    cleanup_free char *why = NULL, *text = NULL;
    int r;

    allow_one(of(STORE_SUBJECT_USER, "alice", 1));
    text = asked_text(&a, "--allocations", &r, &why);
    ck_assert_int_eq(r, 0);
    ck_assert_ptr_nonnull(strstr(text, "exceeded"));
}
END_TEST

START_TEST(since_and_until_choose_the_periods)
{
    struct store_allocation a = of(STORE_SUBJECT_USER, "alice", 1000);

    allow_one(a);
    expect_text("--until 2026-10", 0, "period", "2026-10");
    ck_assert_int_eq(number_of("--until 2026-10", 0, "used_bytes"), 5000);
    expect_text("--since 2026-09-15", 0, "period", "2026-09");
    expect_text("--since 2026-09-15", 2, "period", "2026-11");
    ck_assert_int_eq(number_of("--since 2026-09-15", 1, "used_bytes"), 5000);
    a.period = STORE_PERIOD_YEAR;
    allow_one(a);
    expect_text("", 0, "period", "2026");
    ck_assert_int_eq(number_of("", 0, "used_bytes"), 5940);
    a.period = STORE_PERIOD_MONTH;
    a.billing_day = 7; /* after alice moved anything */
    allow_one(a);
    expect_text("", 0, "period", "2026-11-07 to 2026-12-06");
    ck_assert_int_eq(number_of("", 0, "used_bytes"), 0);
    ck_assert_int_eq(number_of("--until 2026-11-06", 0, "used_bytes"), 5940);
}
END_TEST

START_TEST(a_forecast_says_its_basis)
{
    allow_one(of(STORE_SUBJECT_USER, "alice", 1000));
    /* 300 bytes in the 7 days before the 11th, 20 days are left */
    ck_assert_int_eq(number_of("", 0, "forecast_bytes"), 940 + 300 * 20 / 7);
    expect_text("", 0, "forecast_basis", "at the rate of the last 7 days");
    expect_text("", 0, "state", "forecast to exceed");
    expect_text("--until 2026-10", 0, "forecast_basis", "the period is over");
    ck_assert_int_eq(number_of("--until 2026-10", 0, "forecast_bytes"), 5000);
    ck_assert_int_eq(checked(), 0); /* a forecast is no excess */
}
END_TEST

START_TEST(names_leave_only_their_allocations)
{
    struct store_allocation a[] = {of(STORE_SUBJECT_PROJECT, "pawsey0001", 1000), of(STORE_SUBJECT_USER, "alice", 1000),
                                   of(STORE_SUBJECT_USER, "bob", 1000)};
    struct asked question = asked();
    json_t *root;

    allow(a, 3);
    root = ask("-u bob");
    ck_assert_uint_eq(json_array_size(json_object_get(root, "rows")), 1);
    json_decref(root);
    root = ask("-u bob -A pawsey0001");
    ck_assert_uint_eq(json_array_size(json_object_get(root, "rows")), 2);
    json_decref(root);
    asked_failure(&question, "--allocations -u carol", -ENOENT, "no allocation is configured for user 'carol'");
    asked_failure(&question, "--allocations -A alice", -ENOENT, "no allocation is configured for project 'alice'");
}
END_TEST

START_TEST(all_formats_say_the_same)
{
    static const char *const formats[] = {"-f table --units bytes", "-f csv", "-f tsv", "-P", "-f log", "-f json"};
    struct asked a = asked();

    allow_one(of(STORE_SUBJECT_PROJECT, "pawsey0001", 4040));
    for (size_t i = 0; i < array_length(formats); i++) {
        cleanup_free char *line = NULL, *text = NULL;

        ck_assert_int_ge(asprintf(&line, "--allocations %s", formats[i]), 0);
        text = asked_page(&a, line);
        ck_assert_msg(strstr(text, "pawsey0001") && strstr(text, "4040") && strstr(text, "1010") &&
                          strstr(text, "3030") && strstr(text, "2026-11"),
                      "%s: %s", formats[i], text);
        ck_assert_msg(strstr(text, i == 5 ? "25.0" : "25.00"), "%s: %s", formats[i], text);
        ck_assert_ptr_nonnull(strstr(text, "at the rate of the last 7 days"));
    }
}
END_TEST

START_TEST(none_configured_is_said_kindly)
{
    struct asked a = asked();
    cleanup_free char *text = asked_page(&a, "--allocations");

    ck_assert_ptr_nonnull(strstr(text, "No allocation is configured"));
    ck_assert_int_eq(checked(), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("report_allocations");
    TCase *c = tcase_create("allocations");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_set_timeout(c, 30);
    tcase_add_test(c, a_project_used_what_its_users_moved_in_the_period);
    tcase_add_test(c, only_its_classes_and_its_direction_count);
    tcase_add_test(c, a_subject_that_nothing_was_booked_on_used_nothing);
    tcase_add_test(c, check_tells_exceeded_from_used_up);
    tcase_add_test(c, without_check_an_exceeded_allocation_is_no_failure);
    tcase_add_test(c, since_and_until_choose_the_periods);
    tcase_add_test(c, a_forecast_says_its_basis);
    tcase_add_test(c, names_leave_only_their_allocations);
    tcase_add_test(c, all_formats_say_the_same);
    tcase_add_test(c, none_configured_is_said_kindly);
    suite_add_tcase(suite, c);
    return unit_main(suite);
}
