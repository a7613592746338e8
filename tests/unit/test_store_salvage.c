/* What a salvaged database says of what it lacks: rows that are gone from a copy of a sound one. */
#include "tests/support/levels.h"
#include "tests/support/unit.h"

#define START       INT64_C(1795132800) /* a midnight */
#define EPOCHS      120                 /* of ten seconds */
#define EPOCH_BYTES 1000
#define ALL_BYTES   (EPOCHS * EPOCH_BYTES)
#define ROLLED      90 /* of them, in three buckets of five minutes */

static struct store_salvage found;

static int64_t start_of(int64_t epoch)
{
    return START + 10 * (epoch - 1);
}

/* A database of 120 epochs, the last thirty of which are in the raw level alone, as if its writer had been killed. */
static void make_it(void)
{
    struct store *s = open_store(STORE_WRITE);
    cleanup_free char *copy = NULL;

    hurry(s);
    set_zone(s, "UTC");
    for (int64_t epoch = 1; epoch <= EPOCHS; epoch++) {
        if (epoch == ROLLED + 1) {
            flush(s);
            s->rollup.five_minutes = start_of(epoch); /* what follows is not due */
        }
        book_span(s, (uint64_t)epoch, start_of(epoch), start_of(epoch + 1), usage(1000 + epoch % 2, 100, 700, 300));
    }
    ck_assert_int_gt(asprintf(&copy, "VACUUM INTO '%s'", place_beside(".old")), 0);
    execute(place_path, copy);
    store_close(s);
    unlink(place_path);
    unlink(place_beside("-wal"));
    unlink(place_beside("-shm"));
}

static void still_alive(void) {}

/* Salvages what is left after damage; a new database is in place then, and nobody has it open. */
static void salvage_after(const char *damage)
{
    struct store *s;

    execute(place_beside(".old"), damage);
    s = open_store(STORE_WRITE);
    hurry(s);
    set_zone(s, "UTC");
    int r = store_salvage(s, place_beside(".old"), still_alive, &found);
    ck_assert_msg(r == 0, "%d: %s", r, store_why(s));
    ck_assert(found.readable);
    ck_assert_int_eq(asked(s, 0, INT64_MAX) * 10 / 7, found.bytes); /* of 10 bytes 7 are sent ones */
    store_close(s);
}

static void expect_lost(int64_t bytes, int64_t intervals, int64_t gaps)
{
    ck_assert_int_eq(found.bytes_lost, bytes);
    ck_assert_int_eq(found.intervals_lost, intervals);
    ck_assert_int_eq(found.gaps, gaps);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM gap WHERE reason = 'damaged'"), gaps);
}

/* Number of the only gap, in epochs */
static void expect_gap(int64_t from_epoch, int64_t to_epoch)
{
    ck_assert_int_eq(sql_int("SELECT start_sec FROM gap WHERE reason = 'damaged'"), start_of(from_epoch));
    ck_assert_int_eq(sql_int("SELECT end_sec FROM gap WHERE reason = 'damaged'"), start_of(to_epoch + 1));
}

static void set_up(void)
{
    place_make();
    make_it();
}

START_TEST(the_copy_is_as_the_tests_need_it)
{
    salvage_after("SELECT 1");
    expect_lost(0, 0, 0);
    ck_assert_int_eq(found.bytes, ALL_BYTES);
    ck_assert_int_eq(found.holes, 0);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM interval"), EPOCHS);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM bucket WHERE level = 1 AND seen_ms = 300000"), 4);
}
END_TEST

START_TEST(rows_after_the_watermark_are_lost_to_the_byte)
{
    salvage_after("DELETE FROM usage_raw WHERE interval IN (100, 101, 102)");
    expect_lost(3 * EPOCH_BYTES, 0, 1);
    expect_gap(100, 102);
    ck_assert_int_eq(found.bytes, ALL_BYTES - 3 * EPOCH_BYTES);
}
END_TEST

START_TEST(what_another_level_has_is_not_lost)
{
    static const char *const damages[] = {
        "DELETE FROM usage_raw WHERE interval BETWEEN 10 AND 50",
        "DELETE FROM usage_raw WHERE interval <= 90; DELETE FROM usage_5min",
        "DELETE FROM usage_raw WHERE interval <= 90; DELETE FROM usage_5min; DELETE FROM usage_hour",
        "DELETE FROM usage_5min; DELETE FROM usage_hour; DELETE FROM usage_day; DELETE FROM usage_month",
    };

    salvage_after(damages[_i]);
    expect_lost(0, 0, 0);
    ck_assert_int_eq(found.bytes, ALL_BYTES);
}
END_TEST

START_TEST(what_no_level_has_is_lost_in_its_five_minutes)
{
    salvage_after("DELETE FROM usage_raw WHERE interval BETWEEN 31 AND 60;"
                  "DELETE FROM usage_5min WHERE start_sec = 1795133100; DELETE FROM usage_hour;"
                  "DELETE FROM usage_day; DELETE FROM usage_month");
    expect_lost(30 * EPOCH_BYTES, 0, 1);
    expect_gap(31, 60);
    ck_assert_int_eq(found.bytes, ALL_BYTES - 30 * EPOCH_BYTES);
}
END_TEST

START_TEST(what_a_coarser_level_has_of_some_is_taken_off)
{
    salvage_after("DELETE FROM usage_raw WHERE interval <= 60; DELETE FROM usage_5min WHERE start_sec < 1795133400;"
                  "DELETE FROM usage_hour WHERE user = (SELECT id FROM user WHERE uid = 1001);"
                  "DELETE FROM usage_day; DELETE FROM usage_month");
    /* Five minutes have the last 30 epochs of 90, the hour the 45 of one user, and reports take the hour: 45 are lost. */
    expect_lost(45 * EPOCH_BYTES, 0, 1);
    ck_assert_int_eq(found.bytes, ALL_BYTES - 45 * EPOCH_BYTES);
    expect_gap(1, 60);
}
END_TEST

START_TEST(intervals_that_are_gone_leave_a_gap)
{
    salvage_after("DELETE FROM usage_raw WHERE interval BETWEEN 95 AND 99;"
                  "DELETE FROM interval WHERE id BETWEEN 95 AND 99");
    expect_lost(0, 5, 1);
    expect_gap(95, 99);
    ck_assert_int_eq(found.bytes, ALL_BYTES - 5 * EPOCH_BYTES);
}
END_TEST

START_TEST(intervals_whose_five_minutes_are_rolled_up_leave_none)
{
    salvage_after("DELETE FROM usage_raw WHERE interval BETWEEN 25 AND 95;"
                  "DELETE FROM interval WHERE id BETWEEN 25 AND 95");
    expect_lost(0, 71, 1);
    expect_gap(91, 95);
    ck_assert_int_eq(found.bytes, ALL_BYTES - 5 * EPOCH_BYTES);
}
END_TEST

START_TEST(the_newest_five_minutes_may_be_rolled_up_in_part)
{
    salvage_after("UPDATE bucket SET seen_ms = 200000 WHERE level = 1 AND start_sec = 1795133400;"
                  "DELETE FROM usage_raw WHERE interval BETWEEN 85 AND 95;"
                  "DELETE FROM interval WHERE id BETWEEN 85 AND 95");
    expect_lost(0, 11, 1);
    expect_gap(85, 95);
}
END_TEST

START_TEST(intervals_at_the_end_are_known_by_how_far_the_ledger_was_booked)
{
    salvage_after("DELETE FROM usage_raw WHERE interval > 110; DELETE FROM interval WHERE id > 110");
    expect_lost(0, 10, 1);
    expect_gap(111, 119); /* when the last one began is known, not how long it was */
}
END_TEST

START_TEST(a_gap_that_was_noted_is_not_noted_again)
{
    salvage_after("DELETE FROM usage_raw WHERE interval = 100; DELETE FROM interval WHERE id BETWEEN 102 AND 103");
    ck_assert_int_eq(found.gaps, 2);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM gap WHERE reason = 'damaged'"), 2);
    ck_assert_int_eq(unlink(place_beside(".old")), 0);
    ck_assert_int_eq(rename(place_path, place_beside(".old")), 0);
    unlink(place_beside("-wal"));
    unlink(place_beside("-shm"));
    salvage_after("SELECT 1");
    ck_assert_int_eq(found.gaps, 0);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM gap WHERE reason = 'damaged'"), 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_salvage");
    TCase *c = tcase_create("loss");

    tcase_add_checked_fixture(c, set_up, place_remove);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, the_copy_is_as_the_tests_need_it);
    tcase_add_test(c, rows_after_the_watermark_are_lost_to_the_byte);
    tcase_add_loop_test(c, what_another_level_has_is_not_lost, 0, 4);
    tcase_add_test(c, what_no_level_has_is_lost_in_its_five_minutes);
    tcase_add_test(c, what_a_coarser_level_has_of_some_is_taken_off);
    tcase_add_test(c, intervals_that_are_gone_leave_a_gap);
    tcase_add_test(c, intervals_whose_five_minutes_are_rolled_up_leave_none);
    tcase_add_test(c, the_newest_five_minutes_may_be_rolled_up_in_part);
    tcase_add_test(c, intervals_at_the_end_are_known_by_how_far_the_ledger_was_booked);
    tcase_add_test(c, a_gap_that_was_noted_is_not_noted_again);
    suite_add_tcase(suite, c);
    return unit_main(suite);
}
