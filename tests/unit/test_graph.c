#include "report/graph.h"
#include "tests/support/unit.h"

#include "common/cleanup.h"

#include <string.h>

static void expect_bar(const struct graph_scale *scale, int64_t value, const char *expected)
{
    cleanup_free char *bar = graph_bar(scale, value);

    ck_assert_str_eq(bar, expected);
}

/* Columns that a bar takes: its characters, whatever their bytes. */
static size_t columns_of(const char *bar)
{
    size_t n = 0;

    for (; *bar; bar++)
        n += (*bar & 0xc0) != 0x80;
    return n;
}

START_TEST(the_longest_bar_fills_the_columns)
{
    int64_t values[] = {1000, 500, 250, 0};
    struct graph_scale ascii = graph_scale(values, 4, 8, false), blocks = graph_scale(values, 4, 8, true);

    expect_bar(&ascii, 1000, "########");
    expect_bar(&ascii, 500, "####");
    expect_bar(&ascii, 250, "##");
    expect_bar(&ascii, 0, "");
    expect_bar(&blocks, 1000, "████████");
    expect_bar(&blocks, 500, "████");
}
END_TEST

START_TEST(blocks_show_eighths_of_a_column)
{
    int64_t values[] = {64};
    struct graph_scale scale = graph_scale(values, 1, 8, true);

    expect_bar(&scale, 8, "█");
    expect_bar(&scale, 9, "█▏");
    expect_bar(&scale, 12, "█▌");
    expect_bar(&scale, 15, "█▉");
}
END_TEST

START_TEST(what_is_not_zero_leaves_a_trace)
{
    int64_t values[] = {INT64_MAX, 1, -1};
    struct graph_scale ascii = graph_scale(values, 2, 40, false), blocks = graph_scale(values, 3, 40, true);

    expect_bar(&ascii, 1, "#");
    expect_bar(&blocks, 1, " ▏");
    expect_bar(&blocks, -1, "█");
}
END_TEST

START_TEST(values_below_zero_lie_left_of_the_zero_line_on_the_same_scale)
{
    int64_t values[] = {300, -100, 150};
    struct graph_scale ascii = graph_scale(values, 3, 8, false), blocks = graph_scale(values, 3, 8, true);

    expect_bar(&ascii, 300, "  ######");
    expect_bar(&ascii, 150, "  ###");
    expect_bar(&ascii, -100, "##");
    expect_bar(&ascii, -50, " #");
    expect_bar(&ascii, 0, "");
    expect_bar(&blocks, -25, " ▐");
    expect_bar(&blocks, -75, "▐█");
}
END_TEST

START_TEST(where_all_is_below_zero_all_columns_are)
{
    int64_t values[] = {-300, -100};
    struct graph_scale scale = graph_scale(values, 2, 6, false);

    expect_bar(&scale, -300, "######");
    expect_bar(&scale, -100, "    ##");
}
END_TEST

START_TEST(where_all_is_zero_there_is_no_bar)
{
    int64_t values[] = {0, 0};
    struct graph_scale scale = graph_scale(values, 2, 6, true);

    expect_bar(&scale, 0, "");
}
END_TEST

START_TEST(no_bar_is_wider_than_the_columns)
{
    srandom(7);
    for (int k = 0; k < 3000; k++) {
        int64_t values[3];
        size_t columns = 2 + (size_t)random() % 120;
        struct graph_scale scale;

        for (size_t i = 0; i < 3; i++)
            values[i] = (int64_t)(((uint64_t)random() << 33 ^ (uint64_t)random() << 12) >> (random() % 60)) *
                        (random() % 2 ? 1 : -1);
        values[0] = k % 50 == 0 ? INT64_MIN : k % 50 == 1 ? INT64_MAX : values[0];
        scale = graph_scale(values, 3, columns, k % 2);
        ck_assert_uint_eq(scale.below + scale.above, columns);
        for (size_t i = 0; i < 3; i++) {
            cleanup_free char *bar = graph_bar(&scale, values[i]);

            ck_assert_uint_le(columns_of(bar), columns);
            ck_assert(values[i] >= 0 || columns_of(bar) <= scale.below);
            ck_assert(values[i] == 0 || *bar);
        }
    }
}
END_TEST

static Suite *graph_suite(void)
{
    Suite *suite = suite_create("graph");
    TCase *c = tcase_create("graph");

    tcase_add_test(c, the_longest_bar_fills_the_columns);
    tcase_add_test(c, blocks_show_eighths_of_a_column);
    tcase_add_test(c, what_is_not_zero_leaves_a_trace);
    tcase_add_test(c, values_below_zero_lie_left_of_the_zero_line_on_the_same_scale);
    tcase_add_test(c, where_all_is_below_zero_all_columns_are);
    tcase_add_test(c, where_all_is_zero_there_is_no_bar);
    tcase_add_test(c, no_bar_is_wider_than_the_columns);
    suite_add_tcase(suite, c);
    return suite;
}

int main(void)
{
    return unit_main(graph_suite());
}
