/* Questions about what moves now: pages fit together and hold each row once, and lines say what JSON says. */
#include "serve/now.h"
#include "tests/support/unit.h"

#include "common/cleanup.h"

#include <string.h>

static struct live_model *m;
static const struct now_moment moment = {1764085123456, 1764085100, 1};
static const struct membership root = {.uid = 0, .admin = true};

static void moved(const char *user, int64_t rx, int64_t tx)
{
    const char *texts[LIVE_HEADINGS] = {[LIVE_USER] = user};

    ck_assert_int_eq(live_model_add(m, LIVE_ACCOUNTS, 1000, texts, (struct live_bytes){rx, tx}), 0);
}

/* user-0 moves most, 250 of them. */
static void set_up(void)
{
    m = live_model_new();
    live_model_begin(m, 1000);
    live_model_begin(m, 2000);
    for (int i = 0; i < 250; i++) {
        char name[16];

        sprintf(name, "user-%d", i);
        moved(name, 1000 - i, 5);
    }
}

static void tear_down(void)
{
    m = live_model_free(m);
}

static int parse(const char *query, bool paged, struct now_question *ret)
{
    cleanup_free char *target = NULL;
    cleanup_free char *why = NULL;
    struct request request;
    int r;

    ck_assert_int_ge(asprintf(&target, "/api/v1/current%s", query), 0);
    ck_assert_int_eq(request_parse(target, &request, &why), 0);
    r = now_parse(&request, &root, paged, ret, &why);
    ck_assert_msg(r == 0 || why, "%s is refused without a word", query);
    request_done(&request);
    return r;
}

/* What is answered to a page's question. */
static char *ask(const char *query, char next[static PAGE_CURSOR_MAX])
{
    struct now_question q;
    char *text;

    ck_assert_int_eq(parse(query, true, &q), 0);
    text = now_render(&q, m, &moment, next);
    ck_assert_ptr_nonnull(text);
    now_done(&q);
    return text;
}

static json_t *ask_json(const char *query)
{
    char next[PAGE_CURSOR_MAX];
    cleanup_free char *text = ask(query, next);
    json_t *json = json_loads(text, 0, NULL), *told = json_object_get(json, "next");

    ck_assert_ptr_nonnull(told);
    ck_assert_str_eq(json_is_null(told) ? "" : json_string_value(told), next);
    return json;
}

static const char *orders[] = {"rate", "rx", "tx", "total", "name"};

START_TEST(pages_hold_each_row_once)
{
    bool seen[250] = {false};
    char query[128] = "", cursor[PAGE_CURSOR_MAX] = "";
    int n = 0, pages = 0;

    do {
        json_t *json, *row;
        size_t i;

        sprintf(query, "?sort=%s&limit=60%s%s", orders[_i], *cursor ? "&cursor=" : "", cursor);
        json = ask_json(query);
        json_array_foreach (json_object_get(json, "rows"), i, row) {
            int user = atoi(json_string_value(json_object_get(row, "name")) + strlen("user-"));

            ck_assert_msg(!seen[user], "user-%d is told twice", user);
            ck_assert(_i == 2 || _i == 4 || user == n);
            seen[user] = true;
            n++;
        }
        ck_assert_int_eq(json_integer_value(json_object_get(json, "left_out")), pages < 4 ? 190 : 240);
        ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(json, "sum"), "tx_bytes")), 250 * 5);
        snprintf(cursor, sizeof(cursor), "%s", json_string_value(json_object_get(json, "next")) ?: "");
        pages++;
        json_decref(json);
    } while (*cursor);
    ck_assert_int_eq(n, 250);
    ck_assert_int_eq(pages, 5);
}
END_TEST

START_TEST(a_page_after_the_last_is_empty)
{
    json_t *json = ask_json("?cursor=0-0-1000");

    ck_assert_int_eq(json_array_size(json_object_get(json, "rows")), 0);
    ck_assert(json_is_null(json_object_get(json, "next")));
    json_decref(json);
}
END_TEST

START_TEST(lines_say_what_json_says)
{
    char next[PAGE_CURSOR_MAX];
    cleanup_free char *csv = ask("?format=csv&limit=2", next);
    cleanup_free char *tsv = NULL;

    ck_assert_str_eq(csv, "name,rx_rate,tx_rate,rx_bytes,tx_bytes\nuser-0,1000,5,1000,5\nuser-1,999,5,999,5\n");
    ck_assert_str_eq(next, "0-0-2");
    tsv = ask("?format=tsv&limit=1&cursor=0-0-f9", next);
    ck_assert_str_eq(tsv, "name\trx_rate\ttx_rate\trx_bytes\ttx_bytes\nuser-249\t751\t5\t751\t5\n");
    ck_assert_str_eq(next, "");
}
END_TEST

START_TEST(a_name_is_one_cell_of_one_line)
{
    const char *texts[LIVE_HEADINGS] = {[LIVE_USER] = "eve", [LIVE_PROCESS] = "=1+2,\"x\"\nroot"};
    char next[PAGE_CURSOR_MAX];
    cleanup_free char *csv = NULL;

    ck_assert_int_eq(live_model_add(m, LIVE_CONNECTIONS, 1000, texts, (struct live_bytes){7, 8}), 0);
    csv = ask("?by=process&format=csv", next);
    ck_assert_str_eq(csv, "name,user,rx_rate,tx_rate,rx_bytes,tx_bytes\n\"'=1+2,\"\"x\"\"\\x0aroot\",eve,7,8,7,8\n");
}
END_TEST

START_TEST(a_stream_has_no_pages)
{
    static const char *const of_pages[] = {"?cursor=0-0-1", "?format=csv", "?format=json"};
    char next[PAGE_CURSOR_MAX];
    cleanup_free char *text = NULL;
    struct now_question q;

    for (size_t i = 0; i < array_length(of_pages); i++) {
        ck_assert_int_eq(parse(of_pages[i], false, &q), -EINVAL);
        ck_assert_int_eq(parse(of_pages[i], true, &q), 0);
        now_done(&q);
    }
    ck_assert_int_eq(parse("?limit=1&sort=name", false, &q), 0);
    text = now_render(&q, m, &moment, next);
    ck_assert_ptr_nonnull(strstr(text, "\"user-0\""));
    ck_assert_ptr_null(strstr(text, "\"next\""));
    now_done(&q);
}
END_TEST

START_TEST(other_pages_formats_and_orders_are_other_questions)
{
    static const char *const queries[] = {"", "?cursor=0-0-1", "?limit=7", "?format=csv", "?sort=name", "?by=class"};
    struct now_question q[array_length(queries)];

    for (size_t i = 0; i < array_length(queries); i++) {
        ck_assert_int_eq(parse(queries[i], true, &q[i]), 0);
        for (size_t k = 0; k < i; k++)
            ck_assert_str_ne(q[i].key, q[k].key);
    }
    for (size_t i = 0; i < array_length(queries); i++)
        now_done(&q[i]);
}
END_TEST

static const char *const wrong[] = {"?cursor=",   "?cursor=1", "?cursor=0-0-x", "?format=table",
                                    "?sort=user", "?limit=0",  "?limit=1001"};

START_TEST(a_wrong_question_is_refused)
{
    struct now_question q;

    ck_assert_int_eq(parse(wrong[_i], true, &q), -EINVAL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("serve_now");
    TCase *c = tcase_create("questions");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_loop_test(c, pages_hold_each_row_once, 0, array_length(orders));
    tcase_add_test(c, a_page_after_the_last_is_empty);
    tcase_add_test(c, lines_say_what_json_says);
    tcase_add_test(c, a_name_is_one_cell_of_one_line);
    tcase_add_test(c, a_stream_has_no_pages);
    tcase_add_test(c, other_pages_formats_and_orders_are_other_questions);
    tcase_add_loop_test(c, a_wrong_question_is_refused, 0, array_length(wrong));
    suite_add_tcase(suite, c);
    return unit_main(suite);
}
