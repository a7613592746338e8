/* What the watch says after each interval is what pdtt-report --allocations says, and what the test booked. */
#include "collector/allocation_watch.h"
#include "tests/support/levels.h"
#include "tests/support/report.h"
#include "tests/support/unit.h"
#include "tests/support/zone.h"

#include <errno.h>

#define NOVEMBER INT64_C(1793462400) /* 2026-11-01 00:00 in Perth */
#define DAY      INT64_C(86400)
#define MONTH    (30 * DAY)

enum { USERS = 6, PROJECTS = 3, CLASSES = 3 };

static struct store *s;
static struct calendar *perth;
static struct allocation_watch *watch;
static int64_t class_ids[CLASSES] = {STORE_CLASS_EXTERNAL, STORE_CLASS_LOOPBACK};
static uint64_t epoch;

static void set_up(void)
{
    static const char *const names[] = {"internal"};

    place_make();
    s = open_store(STORE_WRITE);
    hurry(s);
    ck_assert_int_eq(calendar_open("Australia/Perth", &perth), 0);
    set_zone(s, "Australia/Perth");
    ck_assert_int_eq(store_sync_classes(s, names, 1, &class_ids[2]), 0);
    watch = allocation_watch_new();
    ck_assert_ptr_nonnull(watch);
    epoch = 0;
}

static void tear_down(void)
{
    allocation_watch_free(watch);
    calendar_close(perth);
    s = store_close(s);
    place_remove();
}

static void allow(const struct store_allocation *v, size_t n)
{
    int r = store_sync_allocations(s, v, n);

    ck_assert_msg(r == 0, "%s", store_why(s));
}

static struct store_allocation of(enum store_subject subject, const char *name, int64_t limit_bytes)
{
    return (struct store_allocation){.subject = subject, .name = name, .limit_bytes = limit_bytes, .billing_day = 1};
}

static size_t look(int64_t now_sec)
{
    size_t n;
    int r = allocation_watch_look(watch, s, now_sec);

    ck_assert_msg(r == 0, "%d: %s", r, store_why(s));
    allocation_watch_all(watch, &n);
    return n;
}

static const struct allocation_state *state(size_t i)
{
    size_t n;
    const struct allocation_state *v = allocation_watch_all(watch, &n);

    ck_assert_uint_lt(i, n);
    return &v[i];
}

/* Books bytes for one user, and looks ten seconds later. */
static int64_t used_after(int64_t start_sec, int64_t uid, int64_t bytes)
{
    struct store_usage row = usage(uid, 100, bytes, 0);

    book(s, ++epoch, start_sec, &row, 1);
    look(start_sec + 10);
    return state(0)->used_bytes;
}

/* ---- against the report ---- */

static int64_t number(const json_t *row, const char *key)
{
    return json_integer_value(json_object_get(row, key));
}

/* A report shows the period as far as it is still known. */
static void expect_what_a_report_says(int64_t now_sec, bool all_is_kept)
{
    struct asked a = {s, perth, now_sec};
    json_t *root = asked_json(&a, "--allocations"), *rows = json_object_get(root, "rows");
    size_t n = look(now_sec);

    ck_assert_uint_eq(json_array_size(rows), n);
    for (size_t i = 0; i < n; i++) {
        const json_t *row = json_array_get(rows, i);
        const struct allocation_state *w = state(i);
        ck_assert_str_eq(json_text_of(row, "name"), w->allocation.name);
        ck_assert_msg(number(row, "used_bytes") == w->used_bytes,
                      "allocation %zu of '%s': the report says %" PRId64 ", the watch %" PRId64, i, w->allocation.name,
                      number(row, "used_bytes"), w->used_bytes);
        if (all_is_kept) {
            ck_assert_int_eq(number(row, "since"), w->period.start_sec);
            ck_assert_int_eq(number(row, "until"), w->period.end_sec);
        }
    }
    json_decref(root);
}

static const char *const only_internal[] = {"internal"}, *const two_classes[] = {"external", "internal"};

static struct store_allocation any_allocation(size_t i)
{
    static const char *const names[] = {"alice", "bob", "carol", "61003", "uid 61004", "nobody here", "physics"};
    static const char *const projects[] = {"physics", "made by a rule", "62002", "alice"};
    struct store_allocation a = of(i % 2 ? STORE_SUBJECT_USER : STORE_SUBJECT_PROJECT, NULL, 1 + random() % 100000);

    a.name =
        i % 2 ? names[(size_t)random() % array_length(names)] : projects[(size_t)random() % array_length(projects)];
    a.period = (enum store_period)(random() % 3);
    a.direction = (enum store_direction)(random() % 3);
    a.billing_day = random() % 2 ? 1 : 1 + (int)(random() % 28);
    if (random() % 3 == 0)
        a.classes = random() % 2 ? (struct store_names){only_internal, 1} : (struct store_names){two_classes, 2};
    return a;
}

static void allow_any(void)
{
    struct store_allocation v[24];

    for (size_t i = 0; i < array_length(v); i++)
        v[i] = any_allocation(i);
    allow(v, array_length(v));
}

/* Mostly the next ten seconds; now and then a night without pdttd, months, or a clock that is set back. */
static int64_t any_next(int64_t at_sec)
{
    switch (random() % 20) {
    case 0:
        return at_sec + random() % (40 * DAY);
    case 1:
        return at_sec - random() % (3 * DAY);
    case 2:
        return at_sec + random() % DAY;
    default:
        return at_sec + 10;
    }
}

static void book_any(int64_t start_sec, int64_t length_sec)
{
    struct store_usage rows[12];
    struct store_interval i = {.ledger = LEDGER,
                               .epoch = ++epoch,
                               .start_sec = start_sec,
                               .end_sec = start_sec + length_sec,
                               .duration_ms = length_sec * 1000};

    for (size_t k = 0; k < array_length(rows); k++) {
        rows[k] = usage(61000 + random() % USERS, 62000 + random() % PROJECTS, random() % 5000 - 500, random() % 3000);
        rows[k].class_id = class_ids[random() % CLASSES];
        rows[k].project = random() % 4 ? NULL : "made by a rule";
        counters_add(&i.counted, &rows[k].n);
    }
    int r = store_book_interval(s, &i, rows, array_length(rows));
    ck_assert_msg(r == 0, "%d: %s", r, store_why(s));
}

/* Names come when they are found, change, and are given to somebody else. */
static void note_any(int64_t now_sec)
{
    static const char *const names[] = {"alice", "bob", "carol"};

    if (random() % 15 == 0)
        store_note_user(s, 61000 + random() % USERS, names[random() % 3], now_sec);
    if (random() % 15 == 0)
        store_note_group(s, 62000 + random() % PROJECTS, random() % 2 ? "physics" : "chemistry", now_sec);
}

START_TEST(it_agrees_with_the_report_to_the_byte)
{
    int64_t at = NOVEMBER + 20 * DAY;

    srandom(1 + (unsigned)_i);
    allow_any();
    for (int step = 0; step < 60; step++) {
        int64_t length = random() % 8 ? 10 : 1 + random() % (2 * DAY);
        book_any(at, length);
        note_any(at);
        if (random() % 20 == 0)
            allow_any();
        expect_what_a_report_says(at + length, true);
        at = any_next(at + length - 10);
    }
}
END_TEST

/* Expiry moves the beginning of a period whose days are gone: a report shows the whole month then. */
START_TEST(it_agrees_when_levels_expire)
{
    struct store_policy p = keep_all("Australia/Perth");
    int64_t at = NOVEMBER + 2 * DAY;

    srandom(100 + (unsigned)_i);
    p.retention_sec[STORE_RAW] = p.retention_sec[STORE_5MIN] = 3600;
    p.retention_sec[STORE_HOUR] = p.retention_sec[STORE_DAY] = 2 * DAY;
    set_policy(s, p);
    for (int step = 0; step < 80; step++, at += 40000) {
        book_any(at, 10);
        if (step % 8)
            continue;
        allow_any(); /* which has it read anew, as an hour of the real clock does */
        expect_what_a_report_says(at + 10, false);
    }
}
END_TEST

/* ---- by itself ---- */

START_TEST(use_grows_with_each_interval_and_begins_anew_with_each_period)
{
    struct store_allocation a = of(STORE_SUBJECT_USER, "uid 61000", 1000);

    allow(&a, 1);
    ck_assert_int_eq(look(NOVEMBER), 1);
    ck_assert_int_eq(state(0)->used_bytes, 0);
    ck_assert_int_eq(used_after(NOVEMBER, 61000, 799), 799);
    ck_assert_int_eq(state(0)->hundredths, 7990);
    ck_assert_int_eq(used_after(NOVEMBER + 10, 61001, 5000), 799); /* somebody else */
    ck_assert_int_eq(used_after(NOVEMBER + 20, 61000, 201), 1000);
    ck_assert_int_eq(state(0)->hundredths, 10000);
    ck_assert(!state(0)->exceeded);
    ck_assert_int_eq(used_after(NOVEMBER + 30, 61000, 1), 1001);
    ck_assert(state(0)->exceeded);
    look(NOVEMBER + MONTH);
    ck_assert_int_eq(state(0)->used_bytes, 0);
    ck_assert_int_eq(state(0)->period.start_sec, NOVEMBER + MONTH);
    ck_assert_int_eq(used_after(NOVEMBER + MONTH, 61000, 7), 7);
}
END_TEST

START_TEST(a_clock_that_is_set_back_shows_the_earlier_period)
{
    struct store_allocation a = of(STORE_SUBJECT_USER, "uid 61000", 1000);

    allow(&a, 1);
    ck_assert_int_eq(used_after(NOVEMBER + MONTH - 10, 61000, 300), 0); /* looked at in December */
    ck_assert_int_eq(used_after(NOVEMBER + MONTH + 50, 61000, 40), 40);
    look(NOVEMBER + MONTH - 5);
    ck_assert_int_eq(state(0)->used_bytes, 300);
    ck_assert_int_eq(state(0)->period.start_sec, NOVEMBER);
}
END_TEST

START_TEST(an_epoch_that_reaches_over_the_end_is_shared_out)
{
    struct store_allocation a = of(STORE_SUBJECT_USER, "uid 61000", 100000);

    allow(&a, 1);
    look(NOVEMBER + MONTH);
    book_span(s, ++epoch, NOVEMBER + MONTH - 600, NOVEMBER + MONTH + 1800, usage(61000, 100, 2400, 0));
    look(NOVEMBER + MONTH + 1800);
    ck_assert_int_eq(state(0)->used_bytes, 1800);
}
END_TEST

START_TEST(the_one_of_which_most_is_used_is_found_by_name)
{
    struct store_allocation v[] = {of(STORE_SUBJECT_USER, "alice", 1000), of(STORE_SUBJECT_PROJECT, "alice", 500),
                                   of(STORE_SUBJECT_USER, "alice", 2000), of(STORE_SUBJECT_USER, "bob", 10)};
    const struct allocation_state *found;

    ck_assert_int_eq(allocation_watch_find(watch, STORE_SUBJECT_USER, "alice", &found), -ENODATA);
    v[2].period = STORE_PERIOD_YEAR;
    allow(v, array_length(v));
    store_note_user(s, 61000, "alice", NOVEMBER);
    used_after(NOVEMBER - DAY, 61000, 1500);
    used_after(NOVEMBER, 61000, 200);
    ck_assert_int_eq(allocation_watch_find(watch, STORE_SUBJECT_USER, "alice", &found), 0);
    ck_assert_int_eq(found->allocation.limit_bytes, 2000);
    ck_assert_int_eq(found->hundredths, 8500);
    ck_assert_int_eq(allocation_watch_find(watch, STORE_SUBJECT_PROJECT, "alice", &found), 0);
    ck_assert_int_eq(found->hundredths, 0);
    ck_assert_int_eq(allocation_watch_find(watch, STORE_SUBJECT_USER, "bob", &found), 0);
    ck_assert_int_eq(allocation_watch_find(watch, STORE_SUBJECT_PROJECT, "bob", &found), -ENOENT);
    ck_assert_int_eq(allocation_watch_find(watch, STORE_SUBJECT_USER, "al", &found), -ENOENT);
}
END_TEST

START_TEST(what_cannot_be_read_is_not_known)
{
    struct store_allocation a = of(STORE_SUBJECT_USER, "alice", 1000);
    const struct allocation_state *found;
    size_t n;

    allow(&a, 1);
    look(NOVEMBER);
    allow(&a, 1); /* so that it is read anew */
    execute(place_path, "PRAGMA ignore_check_constraints = ON; UPDATE allocation SET period = 'week'");
    ck_assert_int_lt(allocation_watch_look(watch, s, NOVEMBER), 0);
    ck_assert_int_eq(allocation_watch_find(watch, STORE_SUBJECT_USER, "alice", &found), -ENODATA);
    allocation_watch_all(watch, &n);
    ck_assert_uint_eq(n, 0);
    allow(&a, 1);
    ck_assert_int_eq(look(NOVEMBER), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("allocation_watch");
    TCase *c = tcase_create("allocation_watch");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, it_agrees_with_the_report_to_the_byte, 0, 8);
    tcase_add_loop_test(c, it_agrees_when_levels_expire, 0, 2);
    tcase_add_test(c, use_grows_with_each_interval_and_begins_anew_with_each_period);
    tcase_add_test(c, a_clock_that_is_set_back_shows_the_earlier_period);
    tcase_add_test(c, an_epoch_that_reaches_over_the_end_is_shared_out);
    tcase_add_test(c, the_one_of_which_most_is_used_is_found_by_name);
    tcase_add_test(c, what_cannot_be_read_is_not_known);
    suite_add_tcase(suite, c);
    return unit_main(suite);
}
