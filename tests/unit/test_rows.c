#include "report/fields.h"
#include "tests/support/unit.h"

#include "common/cleanup.h"

static void add(struct rows *rows, size_t bucket, const char *user, int64_t bytes)
{
    static const char *const labels[] = {"first", "second", "third"};
    struct row row = {
        .bucket = bucket,
        .period = labels[bucket],
        .since_sec = (int64_t)bucket * 100,
        .until_sec = (int64_t)bucket * 100 + 100,
        .user = (char *)user,
        .uid = user ? user[0] : -1,
        .family = -1,
        .n = {.tx_bytes = bytes,
              .rx_bytes = 1,
              .tx_packets = 2,
              .rx_packets = 3,
              .tx_payload_bytes = 4,
              .rx_payload_bytes = 5},
        .total_bytes = bytes + 1,
    };

    ck_assert_int_eq(rows_add(rows, &row), 0);
}

/* "alice=11 bob=21": users and totals in order, others as their number. */
static const char *text_of(const struct rows *rows)
{
    static char buf[512];
    size_t used = 0;

    buf[0] = '\0';
    for (size_t i = 0; i < rows->n; i++) {
        const struct row *row = &rows->v[i];
        char others[32];

        snprintf(others, sizeof(others), "+%zu", row->n_others);
        used += (size_t)snprintf(buf + used, sizeof(buf) - used, "%s%s=%lld", i ? " " : "",
                                 row->n_others ? others
                                 : row->user   ? row->user
                                               : "-",
                                 (long long)row->total_bytes);
    }
    return buf;
}

static struct rows some_rows(void)
{
    struct rows rows = {0};

    add(&rows, 0, "bob", 20);
    add(&rows, 0, "alice", 10);
    add(&rows, 1, "alice", 30);
    add(&rows, 1, "carol", -40);
    add(&rows, 1, "bob", 5);
    return rows;
}

static void assert_same_counters(const struct row *a, const struct row *b)
{
    ck_assert_mem_eq(&a->n, &b->n, sizeof(a->n));
    ck_assert_int_eq(a->total_bytes, b->total_bytes);
}

START_TEST(rows_keep_copies_of_their_texts)
{
    struct rows rows = {0};
    char name[] = "alice";

    add(&rows, 0, name, 1);
    name[0] = 'X';
    ck_assert_str_eq(rows.v[0].user, "alice");
    rows_done(&rows);
    ck_assert_uint_eq(rows.n, 0);
}
END_TEST

START_TEST(bytes_sort_descending_and_texts_ascending)
{
    struct rows rows = some_rows();

    rows_sort(&rows, field_for_sort("total", false), false);
    ck_assert_str_eq(text_of(&rows), "alice=31 bob=21 alice=11 bob=6 carol=-39");
    rows_sort(&rows, field_for_sort("user", false), false);
    ck_assert_str_eq(text_of(&rows), "alice=11 alice=31 bob=21 bob=6 carol=-39");
    rows_sort(&rows, field_for_sort("total", false), true);
    ck_assert_str_eq(text_of(&rows), "bob=21 alice=11 alice=31 bob=6 carol=-39");
    rows_done(&rows);
}
END_TEST

START_TEST(equal_rows_have_a_defined_order)
{
    struct rows rows = {0};

    add(&rows, 0, "b", 1);
    add(&rows, 0, NULL, 1);
    add(&rows, 0, "a", 1);
    rows_sort(&rows, field_for_sort("total", false), false);
    ck_assert_str_eq(text_of(&rows), "-=2 a=2 b=2");
    rows_done(&rows);
}
END_TEST

START_TEST(the_same_group_twice_becomes_one_row)
{
    struct rows rows = some_rows();
    struct row before, after;

    add(&rows, 0, "bob", 100);
    before = rows_sum(&rows);
    rows_merge(&rows);
    after = rows_sum(&rows);
    ck_assert_uint_eq(rows.n, 5);
    ck_assert_int_eq(rows.v[1].total_bytes, 122);
    assert_same_counters(&before, &after);
    rows_done(&rows);
}
END_TEST

START_TEST(two_people_of_one_uid_stay_two_rows)
{
    struct rows rows = {0};

    add(&rows, 0, "ann", 1);
    add(&rows, 0, "al", 1); /* the helper takes the first letter for the uid */
    rows_merge(&rows);
    ck_assert_uint_eq(rows.n, 2);
    rows_done(&rows);
}
END_TEST

START_TEST(others_hold_what_the_top_leaves_out)
{
    for (size_t top = 1; top <= 6; top++) {
        struct rows rows = some_rows();
        struct row before = rows_sum(&rows), after;

        rows_sort(&rows, field_for_sort("total", false), false);
        rows_top(&rows, top, false);
        after = rows_sum(&rows);
        ck_assert_uint_eq(rows.n, top < 5 ? top + 1 : 5);
        assert_same_counters(&before, &after);
        rows_done(&rows);
    }
}
END_TEST

START_TEST(others_say_how_many_they_are_and_have_no_dimensions)
{
    struct rows rows = some_rows();

    rows_sort(&rows, field_for_sort("total", false), false);
    rows_top(&rows, 2, false);
    ck_assert_str_eq(text_of(&rows), "alice=31 bob=21 +3=-22");
    ck_assert_ptr_null(rows.v[2].user);
    ck_assert_ptr_null(rows.v[2].period);
    ck_assert_int_eq(rows.v[2].uid, -1);
    rows_done(&rows);
}
END_TEST

START_TEST(the_top_of_each_period_has_others_of_its_own)
{
    struct rows rows = some_rows();

    rows_sort(&rows, field_for_sort("total", false), true);
    rows_top(&rows, 1, true);
    ck_assert_str_eq(text_of(&rows), "bob=21 +1=11 alice=31 +2=-33");
    ck_assert_str_eq(rows.v[1].period, "first");
    ck_assert_str_eq(rows.v[3].period, "second");
    ck_assert_int_eq(rows.v[3].since_sec, 100);
    rows_done(&rows);
}
END_TEST

START_TEST(no_top_leaves_all_rows)
{
    struct rows rows = some_rows(), none = {0};

    rows_top(&rows, 0, false);
    ck_assert_uint_eq(rows.n, 5);
    rows_top(&none, 3, true);
    rows_merge(&none);
    ck_assert_uint_eq(none.n, 0);
    rows_done(&rows);
    rows_done(&none);
}
END_TEST

START_TEST(every_field_can_be_sorted_by_its_key)
{
    for (size_t i = 0; i < n_fields; i++) {
        const struct field *found = field_for_sort(fields[i].key, false);

        if (fields[i].dim & FIELD_OTHER_REPORTS || fields[i].view == FIELD_PEOPLE)
            ck_assert_ptr_ne(found, &fields[i]);
        else
            ck_assert_ptr_eq(found, &fields[i]);
    }
    ck_assert_str_eq(field_for_sort("tx", true)->key, "tx_payload_bytes");
    ck_assert_str_eq(field_for_sort("proto", true)->key, "protocol");
    ck_assert_ptr_null(field_for_sort("bytes", false));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rows");
    TCase *c = tcase_create("rows");

    tcase_add_test(c, rows_keep_copies_of_their_texts);
    tcase_add_test(c, bytes_sort_descending_and_texts_ascending);
    tcase_add_test(c, equal_rows_have_a_defined_order);
    tcase_add_test(c, the_same_group_twice_becomes_one_row);
    tcase_add_test(c, two_people_of_one_uid_stay_two_rows);
    tcase_add_test(c, others_hold_what_the_top_leaves_out);
    tcase_add_test(c, others_say_how_many_they_are_and_have_no_dimensions);
    tcase_add_test(c, the_top_of_each_period_has_others_of_its_own);
    tcase_add_test(c, no_top_leaves_all_rows);
    tcase_add_test(c, every_field_can_be_sorted_by_its_key);
    suite_add_tcase(suite, c);
    return unit_main(suite);
}
