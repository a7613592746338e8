/* Allocations: what the configuration says is what reports read, and what the view says is used. */
#include "tests/support/levels.h"
#include "tests/support/unit.h"
#include "tests/support/zone.h"

#include <errno.h>
#include <time.h>

static struct store *s;

static void open_place(void)
{
    place_make();
    s = open_store(STORE_WRITE);
    hurry(s);
}

static void close_place(void)
{
    s = store_close(s);
    place_remove();
}

static char told[1024];

static int tell(const struct store_allocation *a, void *userdata)
{
    size_t n = strlen(told);

    n += (size_t)snprintf(told + n, sizeof(told) - n, "%lld %d '%s' %d %lld %d %d:", (long long)a->id, a->subject,
                          a->name, a->period, (long long)a->limit_bytes, a->direction, a->billing_day);
    for (size_t i = 0; i < a->classes.n; i++)
        n += (size_t)snprintf(told + n, sizeof(told) - n, " %s", a->classes.v[i]);
    snprintf(told + n, sizeof(told) - n, "\n");
    return 0;
}

static const char *all(void)
{
    told[0] = '\0';
    ck_assert_int_eq(store_query_allocations(s, tell, NULL), 0);
    return told;
}

static const char *const outside[] = {"external", "internal"};

static const struct store_allocation two[] = {
    {.subject = STORE_SUBJECT_PROJECT,
     .name = "pawsey0001",
     .period = STORE_PERIOD_QUARTER,
     .limit_bytes = INT64_C(10) << 40,
     .direction = STORE_DIRECTION_TX,
     .classes = {outside, 2},
     .billing_day = 15},
    {.subject = STORE_SUBJECT_USER, .name = "o'brien", .limit_bytes = 0, .billing_day = 1},
};

START_TEST(what_is_synced_is_read_and_replaces_what_was)
{
    ck_assert_str_eq(all(), "");
    ck_assert_int_eq(store_sync_allocations(s, two, 2), 0);
    ck_assert_str_eq(all(), "1 0 'pawsey0001' 1 10995116277760 1 15: external internal\n2 1 'o'brien' 0 0 0 1:\n");
    ck_assert_int_eq(store_sync_allocations(s, two + 1, 1), 0);
    ck_assert_str_eq(all(), "1 1 'o'brien' 0 0 0 1:\n");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM allocation_class"), 0);
    ck_assert_int_eq(store_sync_allocations(s, NULL, 0), 0);
    ck_assert_str_eq(all(), "");
}
END_TEST

static const struct {
    struct store_allocation allocation;
    const char *says;
} nonsense[] = {
    {{.name = "x", .billing_day = 29}, "'x' cannot begin on day 29"},
    {{.name = "x", .billing_day = 0}, "'x' cannot begin on day 0"},
    {{.name = "x", .billing_day = 1, .limit_bytes = -1}, "'x' cannot be -1 bytes"},
    {{.name = "", .billing_day = 1}, "names no project"},
    {{.name = NULL, .subject = STORE_SUBJECT_USER, .billing_day = 1}, "names no user"},
    {{.name = "x", .period = (enum store_period)7, .billing_day = 1}, "no known"},
};

START_TEST(nonsense_is_refused_and_what_was_stays)
{
    struct store_allocation bad[] = {two[0], nonsense[_i].allocation};

    ck_assert_int_eq(store_sync_allocations(s, two, 2), 0);
    ck_assert_int_eq(store_sync_allocations(s, bad, 2), -EINVAL);
    ck_assert_msg(strstr(store_why(s), nonsense[_i].says) != NULL, "%s", store_why(s));
    ck_assert_int_eq(sql_int("SELECT count(*) FROM allocation"), 2);
}
END_TEST

/* The view knows only the present, so what it is to count is booked around now. */
START_TEST(the_view_tells_what_is_used_in_the_period_that_runs)
{
    cleanup_calendar struct calendar *c = open_zone("local");
    struct store_usage rows[] = {usage(1000, 100, 1000, 10), usage(1000, 100, 2000, 20), usage(1001, 100, 4000, 40)};
    int64_t now = (int64_t)time(NULL), month = calendar_start(c, CALENDAR_MONTH, now);
    int64_t year = calendar_start(c, CALENDAR_YEAR, now);
    static const char *const inside[] = {"internal"};
    struct store_allocation a[] = {
        {.name = "physics", .limit_bytes = 10000, .billing_day = 1},
        {.name = "physics",
         .limit_bytes = 100,
         .billing_day = 1,
         .direction = STORE_DIRECTION_RX,
         .classes = {inside, 1}},
        {.name = "alice",
         .subject = STORE_SUBJECT_USER,
         .limit_bytes = 0,
         .billing_day = 1,
         .direction = STORE_DIRECTION_TX},
        {.name = "physics", .period = STORE_PERIOD_YEAR, .limit_bytes = 1, .billing_day = 1},
    };
    int64_t ids[1];

    ck_assert_int_eq(store_sync_classes(s, inside, 1, ids), 0);
    rows[1].class_id = ids[0];
    set_zone(s, "local");
    book(s, 1, year - 86400, rows, 3); /* last year */
    book(s, 2, month, rows, 3);
    store_note_user(s, 1000, "alice", now);
    store_note_group(s, 100, "physics", now);
    flush(s);
    book(s, 3, month + 10, rows, 3); /* in memory only */
    ck_assert_int_eq(store_sync_allocations(s, a, 4), 0);
    ck_assert_int_eq(sql_int("SELECT used_bytes FROM v_allocation WHERE id = 1"), 2 * 7070);
    ck_assert_int_eq(sql_int("SELECT used_bytes FROM v_allocation WHERE id = 2"), 2 * 20);
    ck_assert_int_eq(sql_int("SELECT used_bytes FROM v_allocation WHERE id = 3"), 2 * 3000);
    ck_assert_int_eq(sql_int("SELECT used_bytes FROM v_allocation WHERE id = 4"), 2 * 7070);
    ck_assert_int_eq(sql_int("SELECT remaining_bytes FROM v_allocation WHERE id = 1"), 10000 - 2 * 7070);
    ck_assert_int_eq(sql_int("SELECT used_percent = 141.4 FROM v_allocation WHERE id = 1"), 1);
    ck_assert_int_eq(sql_int("SELECT used_percent IS NULL FROM v_allocation WHERE id = 3"), 1);
    ck_assert_int_eq(sql_int("SELECT classes = 'internal' FROM v_allocation WHERE id = 2"), 1);
    ck_assert_int_eq(sql_int("SELECT since_sec FROM v_allocation WHERE id = 1"), month);
    ck_assert_int_eq(sql_int("SELECT since_sec FROM v_allocation WHERE id = 4"), year);
}
END_TEST

START_TEST(periods_begin_on_their_billing_day)
{
    cleanup_calendar struct calendar *c = open_zone("local");
    struct calendar_time now;
    struct store_allocation a = {.name = "x", .limit_bytes = 1};

    calendar_civil(c, (int64_t)time(NULL), &now);
    for (a.billing_day = 1; a.billing_day <= 28; a.billing_day += 9) {
        int back = now.day < a.billing_day;
        for (int period = STORE_PERIOD_MONTH; period <= STORE_PERIOD_YEAR; period++) {
            static const int lengths[] = {1, 3, 12};
            int months = now.year * 12 + now.month - 1 - back, begin = months / lengths[period] * lengths[period];
            a.period = (enum store_period)period;
            ck_assert_int_eq(store_sync_allocations(s, &a, 1), 0);
            ck_assert_int_eq(sql_int("SELECT since_sec FROM v_allocation"),
                             instant(c, begin / 12, begin % 12 + 1, a.billing_day, 0, 0));
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_allocation");
    TCase *c = tcase_create("allocation");

    tcase_add_checked_fixture(c, open_place, close_place);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, what_is_synced_is_read_and_replaces_what_was);
    tcase_add_loop_test(c, nonsense_is_refused_and_what_was_stays, 0, array_length(nonsense));
    tcase_add_test(c, the_view_tells_what_is_used_in_the_period_that_runs);
    tcase_add_test(c, periods_begin_on_their_billing_day);
    suite_add_tcase(suite, c);
    return unit_main(suite);
}
