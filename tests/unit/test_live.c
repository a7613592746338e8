/* What the live view shows, without a screen: rates, totals, the past, filters, orders, keys, and lines of any width. */
#include "common/cleanup.h"
#include "common/columns.h"
#include "live/keys.h"
#include "live/lines.h"
#include "tests/support/unit.h"

#include <locale.h>
#include <string.h>

static struct live_model *m;
static struct live_view view;

static void set_up(void)
{
    ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
    m = live_model_new();
    ck_assert_ptr_nonnull(m);
}

static void tear_down(void)
{
    live_view_done(&view);
    m = live_model_free(m);
}

static void moved(const char *user, const char *project, int64_t rx, int64_t tx)
{
    const char *texts[LIVE_HEADINGS] = {[LIVE_USER] = user, [LIVE_PROJECT] = project};

    ck_assert_int_eq(live_model_add(m, LIVE_ACCOUNTS, 1, texts, (struct live_bytes){rx, tx}), 0);
}

static void carried(const char *user, const char *process, int64_t rx)
{
    const char *texts[LIVE_HEADINGS] = {[LIVE_USER] = user, [LIVE_PROCESS] = process};

    ck_assert_int_eq(live_model_add(m, LIVE_CONNECTIONS, 1, texts, (struct live_bytes){rx, 0}), 0);
}

static void moved_of(int64_t uid, const char *user, const char *project, int64_t tx)
{
    const char *texts[LIVE_HEADINGS] = {[LIVE_USER] = user, [LIVE_PROJECT] = project};

    ck_assert_int_eq(live_model_add(m, LIVE_ACCOUNTS, uid, texts, (struct live_bytes){0, tx}), 0);
}

static void look_with(const struct live_sight *sight, enum live_heading heading)
{
    live_view_done(&view);
    ck_assert_int_eq(live_model_view(m, sight, heading, LIVE_BY_RATE, NULL, &view), 0);
}

static void look(enum live_heading heading, enum live_order order, const char *filter)
{
    live_view_done(&view);
    ck_assert_int_eq(live_model_view(m, NULL, heading, order, filter, &view), 0);
}

/* ---- the model ---- */

START_TEST(a_rate_is_what_moved_over_the_time_of_its_sample)
{
    live_model_begin(m, 1000);
    live_model_begin(m, 3000);
    moved("alice", "p1", 4000, 1000);
    look(LIVE_USER, LIVE_BY_RATE, NULL);
    ck_assert_uint_eq(view.n, 1);
    ck_assert(view.rows[0].rx_rate == 2000 && view.rows[0].tx_rate == 500);
    ck_assert_int_eq(view.rows[0].total.rx, 4000);
    ck_assert(view.rows[0].past[LIVE_PAST - 1] == 2500);
}
END_TEST

START_TEST(a_first_sample_has_bytes_and_no_rate)
{
    live_model_begin(m, 1000);
    moved("alice", "p1", 4000, 1000);
    look(LIVE_USER, LIVE_BY_RATE, NULL);
    ck_assert(view.rows[0].rx_rate == 0);
    ck_assert_int_eq(view.rows[0].total.rx, 4000);
}
END_TEST

START_TEST(flows_of_one_text_are_one_row_and_rows_add_up_to_the_sum)
{
    live_model_begin(m, 1000);
    live_model_begin(m, 2000);
    moved("alice", "p1", 10, 1);
    moved("alice", "p2", 20, 2);
    moved("bob", "p1", 40, 4);
    look(LIVE_PROJECT, LIVE_BY_NAME, NULL);
    ck_assert_uint_eq(view.n, 2);
    ck_assert_str_eq(view.rows[0].text, "p1");
    ck_assert_int_eq(view.rows[0].total.rx, 50);
    ck_assert_int_eq(view.sum.total.rx, 70);
    ck_assert(view.sum.rx_rate == 70 && view.sum.tx_rate == 7);
    look(LIVE_USER, LIVE_BY_RATE, NULL);
    ck_assert_str_eq(view.rows[0].text, "bob");
}
END_TEST

START_TEST(the_past_moves_on_and_ends)
{
    live_model_begin(m, 0);
    live_model_begin(m, 1000);
    moved("alice", "p1", 100, 0);
    live_model_begin(m, 2000);
    look(LIVE_USER, LIVE_BY_RATE, NULL);
    ck_assert(view.rows[0].rx_rate == 0);
    ck_assert(view.rows[0].past[LIVE_PAST - 2] == 100);
    for (int i = 0; i < LIVE_PAST; i++)
        live_model_begin(m, 3000 + 1000 * i);
    look(LIVE_USER, LIVE_BY_RATE, NULL);
    for (int i = 0; i < LIVE_PAST; i++)
        ck_assert(view.rows[0].past[i] == 0);
    ck_assert_int_eq(view.rows[0].total.rx, 100);
}
END_TEST

START_TEST(a_filter_leaves_rows_out_and_the_sum_whole)
{
    live_model_begin(m, 1000);
    moved("alice", "p1", 1, 0);
    moved("bob", "p1", 2, 0);
    look(LIVE_USER, LIVE_BY_RATE, "ALI");
    ck_assert_uint_eq(view.n, 1);
    ck_assert_uint_eq(view.left_out, 1);
    ck_assert_int_eq(view.sum.total.rx, 3);
}
END_TEST

START_TEST(accounts_and_connections_are_never_added_up)
{
    live_model_begin(m, 1000);
    moved("alice", "p1", 7, 0);
    carried("alice", "scp", 7);
    look(LIVE_USER, LIVE_BY_RATE, NULL);
    ck_assert_int_eq(view.sum.total.rx, 7);
    look(LIVE_PROCESS, LIVE_BY_RATE, NULL);
    ck_assert_int_eq(view.sum.total.rx, 7);
    ck_assert_str_eq(view.rows[0].user, "alice");
}
END_TEST

START_TEST(who_sees_their_own_sees_no_other_uid_name_or_sum)
{
    const struct live_sight own = {.own = true, .nameless = true, .uid = 1, .user = "alice"};

    live_model_begin(m, 1000);
    moved_of(1, "alice", "p1", 10);
    moved_of(1, "predecessor", "p1", 200);
    moved_of(2, "alice", "p1", 3000);
    moved_of(-1, "(unattributed)", "p1", 40000);
    look_with(&own, LIVE_USER);
    ck_assert_uint_eq(view.n, 1);
    ck_assert_str_eq(view.rows[0].text, "alice");
    ck_assert_int_eq(view.rows[0].total.tx, 10);
    ck_assert_int_eq(view.sum.total.tx, 10);
}
END_TEST

START_TEST(who_sees_a_project_sees_its_others_as_one)
{
    const char *projects[] = {"p1"};
    const struct live_sight sight = {
        .nameless = true, .uid = 1, .user = "alice", .projects = projects, .n_projects = 1};

    live_model_begin(m, 1000);
    moved_of(1, "alice", "p1", 10);
    moved_of(1, "alice", "p2", 200);
    moved_of(2, "bob", "p1", 3000);
    moved_of(3, "carol", "p1", 40000);
    look_with(&sight, LIVE_USER);
    ck_assert_uint_eq(view.n, 2);
    ck_assert_str_eq(view.rows[0].text, LIVE_OTHERS);
    ck_assert_int_eq(view.rows[0].total.tx, 43000);
    ck_assert_int_eq(view.rows[1].total.tx, 10);
    ck_assert_int_eq(view.sum.total.tx, 43010);
}
END_TEST

START_TEST(a_process_of_two_users_names_none)
{
    live_model_begin(m, 1000);
    carried("alice", "scp", 7);
    carried("bob", "scp", 7);
    look(LIVE_PROCESS, LIVE_BY_RATE, NULL);
    ck_assert_uint_eq(view.n, 1);
    ck_assert_ptr_null(view.rows[0].user);
    look(LIVE_PROCESS, LIVE_BY_RATE, "bob");
    ck_assert_uint_eq(view.n, 0);
}
END_TEST

START_TEST(flows_at_rest_are_let_go_and_their_bytes_stay)
{
    char name[32];

    live_model_begin(m, 0);
    for (int i = 0; i <= LIVE_MOST_FLOWS; i++) {
        snprintf(name, sizeof(name), "user%d", i);
        moved(name, "p1", 1, 0);
    }
    for (int i = 1; i <= LIVE_PAST + 1; i++)
        live_model_begin(m, 1000 * i);
    look(LIVE_USER, LIVE_BY_RATE, NULL);
    ck_assert_uint_eq(view.n, 0);
    ck_assert_int_eq(view.sum.total.rx, LIVE_MOST_FLOWS + 1);
}
END_TEST

/* ---- lines ---- */

static const struct live_row busy = {
    .text = "al\033[31mice", .user = "bob", .total = {1048576, 1024}, .rx_rate = 2048, .tx_rate = 0};

START_TEST(a_line_fits_any_width_and_holds_no_control_character)
{
    for (size_t width = 1; width < 200; width++) {
        for (int heading = 0; heading < LIVE_HEADINGS; heading++) {
            struct live_look look = {.heading = heading, .width = width, .utf8 = true};
            cleanup_free char *row = live_row_line(&look, &busy);
            cleanup_free char *title = live_title_line(&look);

            ck_assert_ptr_null(strchr(row, '\033'));
            if (width >= 12) {
                ck_assert_uint_le(columns_of(row), width);
                ck_assert_uint_eq(columns_of(row), columns_of(title));
            }
        }
    }
}
END_TEST

START_TEST(a_wide_line_has_all_columns)
{
    struct live_look look = {.heading = LIVE_PROCESS, .width = 120, .utf8 = true};
    cleanup_free char *title = live_title_line(&look);
    cleanup_free char *row = live_row_line(&look, &busy);

    ck_assert_ptr_nonnull(strstr(title, "PROCESS"));
    ck_assert_ptr_nonnull(strstr(title, "PAST"));
    ck_assert_ptr_nonnull(strstr(row, "2.00 KiB/s"));
    ck_assert_ptr_nonnull(strstr(row, "1.00 MiB"));
    ck_assert_ptr_nonnull(strstr(row, "bob"));
}
END_TEST

START_TEST(a_sparkline_shows_whatever_moved)
{
    double past[LIVE_PAST] = {[LIVE_PAST - 3] = 1, [LIVE_PAST - 2] = 1000000, [LIVE_PAST - 1] = 0};
    cleanup_free char *letters = live_sparkline(past, 4, false);
    cleanup_free char *blocks = live_sparkline(past, 4, true);

    ck_assert_str_eq(letters, " .@ ");
    ck_assert_str_eq(blocks, " ▁█ ");
}
END_TEST

/* ---- keys ---- */

static struct live_state pressed(const char *keys)
{
    struct live_state s = {.interval_sec = 1};

    for (; *keys; keys++)
        live_state_key(&s, (unsigned char)*keys, 10);
    return s;
}

START_TEST(keys_choose_what_is_shown)
{
    ck_assert_int_eq(pressed("p").heading, LIVE_PROCESS);
    ck_assert_int_eq(pressed("pc").heading, LIVE_CONNECTION);
    ck_assert_int_eq(pressed("cu").heading, LIVE_USER);
    ck_assert_int_eq(pressed("ss").order, LIVE_BY_TX_RATE);
    ck_assert_int_eq(pressed("sssss").order, LIVE_BY_RATE);
    ck_assert(pressed(" ").paused && !pressed("  ").paused);
    ck_assert(pressed("q").quit && !pressed("x").quit);
    ck_assert(pressed("h").help && !pressed("h?").help);
    ck_assert_uint_eq(pressed("++-").interval_sec, 2);
    ck_assert_uint_eq(pressed("--").interval_sec, 1);
}
END_TEST

START_TEST(a_filter_is_typed_ended_and_taken_back)
{
    struct live_state s = pressed("/quip\b");

    ck_assert(s.typing && !s.quit);
    ck_assert_str_eq(s.filter, "qui");
    ck_assert_str_eq(pressed("/abc\n").filter, "abc");
    ck_assert(!pressed("/abc\n").typing);
    ck_assert_str_eq(pressed("/abc\033").filter, "");
    ck_assert_str_eq(pressed("/abc\n\033").filter, "");
    ck_assert_uint_lt(strlen(pressed("/0123456789012345678901234567890123456789012345678901234567890123456789").filter),
                      sizeof(s.filter));
}
END_TEST

START_TEST(rows_scroll_and_never_before_the_first)
{
    struct live_state s = {.interval_sec = 1};

    live_state_key(&s, LIVE_KEY_UP, 10);
    ck_assert_uint_eq(s.first, 0);
    live_state_key(&s, LIVE_KEY_PAGE_DOWN, 10);
    live_state_key(&s, LIVE_KEY_DOWN, 10);
    ck_assert_uint_eq(s.first, 11);
    live_state_key(&s, LIVE_KEY_PAGE_UP, 10);
    live_state_key(&s, LIVE_KEY_PAGE_UP, 10);
    ck_assert_uint_eq(s.first, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("live");
    TCase *model = tcase_create("model"), *lines = tcase_create("lines"), *keys = tcase_create("keys");

    tcase_add_checked_fixture(model, set_up, tear_down);
    tcase_add_test(model, a_rate_is_what_moved_over_the_time_of_its_sample);
    tcase_add_test(model, a_first_sample_has_bytes_and_no_rate);
    tcase_add_test(model, flows_of_one_text_are_one_row_and_rows_add_up_to_the_sum);
    tcase_add_test(model, the_past_moves_on_and_ends);
    tcase_add_test(model, a_filter_leaves_rows_out_and_the_sum_whole);
    tcase_add_test(model, accounts_and_connections_are_never_added_up);
    tcase_add_test(model, who_sees_their_own_sees_no_other_uid_name_or_sum);
    tcase_add_test(model, who_sees_a_project_sees_its_others_as_one);
    tcase_add_test(model, a_process_of_two_users_names_none);
    tcase_add_test(model, flows_at_rest_are_let_go_and_their_bytes_stay);
    suite_add_tcase(suite, model);
    tcase_add_checked_fixture(lines, set_up, tear_down);
    tcase_add_test(lines, a_line_fits_any_width_and_holds_no_control_character);
    tcase_add_test(lines, a_wide_line_has_all_columns);
    tcase_add_test(lines, a_sparkline_shows_whatever_moved);
    suite_add_tcase(suite, lines);
    tcase_add_test(keys, keys_choose_what_is_shown);
    tcase_add_test(keys, a_filter_is_typed_ended_and_taken_back);
    tcase_add_test(keys, rows_scroll_and_never_before_the_first);
    suite_add_tcase(suite, keys);
    return unit_main(suite);
}
