/* Booking: exactly once, all or nothing, nothing lost when it fails, and never into a file that is no longer there. */
#include "tests/support/store.h"
#include "tests/support/victim.h"

#include <errno.h>
#include <sys/resource.h>

static struct store *s;

static void open_place(void)
{
    place_make();
    s = open_store(STORE_WRITE);
}

static void close_place(void)
{
    s = store_close(s);
    place_remove();
}

static int64_t intervals(void)
{
    return sql_int("SELECT count(*) FROM interval");
}

static uint64_t last_epoch(uint64_t ledger)
{
    uint64_t epoch = UINT64_MAX;

    ck_assert_int_eq(store_last_epoch(s, ledger, &epoch), 0);
    return epoch;
}

/* ---- exactly once ---- */

START_TEST(an_epoch_is_booked_once)
{
    struct store_usage row = usage(1000, 1000, 700, 300);

    book(s, 7, 1000, &row, 1);
    ck_assert_int_eq(try_book(s, 7, 1010, &row, 1), -EALREADY);
    ck_assert_int_eq(try_book(s, 6, 1010, &row, 1), -EALREADY);
    ck_assert_int_eq(intervals(), 1);
    ck_assert_int_eq(sql_int("SELECT sum(tx_bytes) FROM usage_raw"), 700);
    ck_assert_uint_eq(last_epoch(LEDGER), 7);
}
END_TEST

START_TEST(a_refused_epoch_creates_no_account)
{
    struct store_usage row = usage(1000, 1000, 700, 300), other = usage(2000, 2000, 1, 1);

    book(s, 7, 1000, &row, 1);
    ck_assert_int_eq(try_book(s, 7, 1010, &other, 1), -EALREADY);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM account WHERE uid = 2000"), 0);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM user WHERE uid = 2000"), 0);
    book(s, 8, 1010, &other, 1);
    ck_assert_int_eq(sql_int("SELECT sum(tx_bytes) FROM v_usage WHERE uid = 2000"), 1);
}
END_TEST

START_TEST(an_epoch_may_jump_forward)
{
    book(s, 3, 1000, NULL, 0);
    book(s, 4000000000000, 1010, NULL, 0);
    ck_assert_uint_eq(last_epoch(LEDGER), 4000000000000);
}
END_TEST

START_TEST(epoch_zero_is_refused_because_it_means_none)
{
    ck_assert_uint_eq(last_epoch(LEDGER), 0);
    ck_assert_int_eq(try_book(s, 0, 1000, NULL, 0), -EINVAL);
    ck_assert_int_eq(intervals(), 0);
}
END_TEST

START_TEST(ledgers_count_their_epochs_apart)
{
    struct store_interval other = {.ledger = 1, .epoch = 1, .start_sec = 1010, .end_sec = 1020};

    book(s, 9, 1000, NULL, 0);
    ck_assert_int_eq(store_book_interval(s, &other, NULL, 0), 0);
    ck_assert_int_eq(store_book_interval(s, &other, NULL, 0), -EALREADY);
    ck_assert_uint_eq(last_epoch(LEDGER), 9);
    ck_assert_uint_eq(last_epoch(1), 1);
    ck_assert_uint_eq(last_epoch(2), 0);
}
END_TEST

START_TEST(a_clock_step_makes_no_two_intervals_collide)
{
    struct store_usage row = usage(1000, 1000, 5, 0);
    struct store_interval back = {.ledger = LEDGER, .epoch = 3, .start_sec = 1010, .end_sec = 400};

    book(s, 1, 1000, &row, 1);
    book(s, 2, 1000, &row, 1);
    ck_assert_int_eq(store_book_interval(s, &back, &row, 1), 0);
    book(s, 4, 400, &row, 1);
    ck_assert_int_eq(sql_int("SELECT sum(tx_bytes) FROM v_usage"), 20);
    ck_assert_int_eq(sql_int("SELECT group_concat(epoch) = '1,2,3,4' FROM (SELECT epoch FROM interval ORDER BY id)"),
                     1);
}
END_TEST

/* Books as fast as it can until it is killed; the parent reads how far it came from the store alone. */
static void book_for_ever(int tell, void *next)
{
    struct store *mine = open_store(STORE_WRITE);

    for (uint64_t epoch = *(uint64_t *)next;; epoch++) {
        struct store_usage rows[] = {usage(1000, 1000, 3, 0), usage((int64_t)epoch, 1000, 4, 0)};
        if (try_book(mine, epoch, (int64_t)epoch, rows, 2) != 0)
            _exit(1);
        victim_tell(tell);
    }
}

START_TEST(a_writer_killed_at_any_instant_leaves_whole_intervals)
{
    s = store_close(s);
    for (int round = 0; round < 12; round++) {
        s = open_store(STORE_WRITE);
        uint64_t next = last_epoch(LEDGER) + 1;
        s = store_close(s);
        victim_kill(victim_start(book_for_ever, &next), 1 + round % 4, 777000 * round);
    }
    s = open_store(STORE_WRITE);
    ck_assert_uint_ge(last_epoch(LEDGER), 12);
    ck_assert_int_eq(intervals(), last_epoch(LEDGER));
    ck_assert_int_eq(sql_int("SELECT sum(tx_bytes) FROM usage_raw"), 7 * last_epoch(LEDGER));
    ck_assert_int_eq(sql_int("SELECT sum(tx_bytes) FROM v_usage"), 7 * last_epoch(LEDGER));
}
END_TEST

/* ---- what a row becomes ---- */

START_TEST(rows_of_one_account_are_added_and_left_as_they_were)
{
    struct store_usage rows[] = {usage(1000, 1000, 5, 1), usage(999, 1000, 1, 0), usage(1000, 1000, 6, 2)};
    int64_t sum = 0;

    book(s, 1, 1000, rows, 3);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM usage_raw"), 2);
    ck_assert_int_eq(sql_int("SELECT tx_bytes * 10 + rx_bytes FROM v_usage WHERE uid = 1000"), 113);
    for (size_t i = 0; i < 3; i++)
        sum += rows[i].n.tx_bytes;
    ck_assert_int_eq(sum, 12);
}
END_TEST

START_TEST(rows_that_add_up_to_nothing_are_left_out)
{
    struct store_usage rows[] = {usage(1000, 1000, 0, 0), usage(1001, 1000, 5, 0), usage(1001, 1000, -5, 0)};

    book(s, 1, 1000, rows, 3);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM usage_raw"), 0);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM account"), 0);
    ck_assert_int_eq(intervals(), 1);
}
END_TEST

START_TEST(a_transfer_may_be_negative)
{
    struct store_usage rows[] = {usage(0, 0, -900, 0), usage(1000, 1000, 900, 0)};

    book(s, 1, 1000, rows, 2);
    ck_assert_int_eq(sql_int("SELECT sum(tx_bytes) FROM v_usage"), 0);
    ck_assert_int_eq(sql_int("SELECT sum(tx_bytes) FROM v_usage WHERE uid = 0"), -900);
}
END_TEST

START_TEST(each_part_of_an_account_keeps_rows_apart)
{
    struct store_usage rows[9];

    for (size_t i = 0; i < array_length(rows); i++)
        rows[i] = usage(1000, 1000, 1 << i, 0);
    rows[1].uid = 1001;
    rows[2].gid = 1001;
    rows[3].unit = 1;
    rows[4].class_id = STORE_CLASS_LOOPBACK;
    rows[5].protocol = UDP;
    rows[6].family = AF_INET6;
    rows[7].kind = STORE_KIND_KERNEL;
    rows[8].family = 0;
    book(s, 1, 1000, rows, array_length(rows));
    ck_assert_int_eq(sql_int("SELECT count(*) FROM usage_raw"), 9);
    ck_assert_int_eq(sql_int("SELECT sum(tx_bytes) FROM v_usage"), 511);
    ck_assert_int_eq(sql_int("SELECT sum(tx_bytes) FROM v_usage WHERE family = 6"), 64);
    ck_assert_int_eq(sql_int("SELECT sum(tx_bytes) FROM v_usage WHERE kind = 'kernel' AND family = 4"), 128);
}
END_TEST

START_TEST(an_account_is_created_once_also_by_the_next_writer)
{
    struct store_usage rows[600];

    for (int round = 1; round <= 4; round++) {
        for (size_t i = 0; i < array_length(rows); i++)
            rows[i] = usage((int64_t)(i * 7919 % 600), (int64_t)i % 3, 10, 0);
        book(s, (uint64_t)round, 1000 * round, rows, array_length(rows));
        if (round == 2) {
            store_close(s);
            s = open_store(STORE_WRITE);
        }
    }
    ck_assert_int_eq(sql_int("SELECT count(*) FROM account"), 600);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM user WHERE uid >= 0"), 600);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM usage_raw"), 2400);
    ck_assert_int_eq(sql_int("SELECT sum(tx_bytes) FROM v_usage"), 24000);
}
END_TEST

START_TEST(the_sum_of_the_rows_is_what_the_interval_counted)
{
    struct store_usage rows[200];

    srandom(4711);
    for (uint64_t epoch = 1; epoch <= 20; epoch++) {
        for (size_t i = 0; i < array_length(rows); i++) {
            rows[i] = usage(random() % 20, random() % 5, random() % 100000 - 1000, random() % 100000);
            rows[i].class_id = random() % 2;
            rows[i].protocol = random() % 2 ? TCP : UDP;
            rows[i].n.tx_payload_bytes = random() % 1000;
            rows[i].n.rx_payload_bytes = random() % 1000;
        }
        book(s, epoch, 1000 + 10 * (int64_t)epoch, rows, array_length(rows));
    }
    ck_assert_int_eq(sql_int("SELECT count(*) FROM interval i WHERE (tx_bytes, rx_bytes, tx_packets, rx_packets,"
                             " tx_payload_bytes, rx_payload_bytes) = (SELECT sum(tx_bytes), sum(rx_bytes),"
                             " sum(tx_packets), sum(rx_packets), sum(tx_payload_bytes), sum(rx_payload_bytes)"
                             " FROM usage_raw r WHERE r.interval = i.id)"),
                     20);
}
END_TEST

/* ---- when it cannot be written ---- */

static void rename_it(void)
{
    ck_assert_int_eq(rename(place_path, place_beside(".old")), 0);
}
static void delete_it(void)
{
    ck_assert_int_eq(unlink(place_path), 0);
}
static void delete_log(void)
{
    ck_assert_int_eq(unlink(place_beside("-wal")), 0);
}
static void empty_it(void)
{
    ck_assert_int_eq(truncate(place_path, 0), 0);
}

static void replace_it(void)
{
    rename_it();
    place_write(place_path, "another file", 12);
}

static void replace_log(void)
{
    ck_assert_int_eq(rename(place_beside("-wal"), place_beside(".old")), 0);
    place_write(place_beside("-wal"), "", 0);
}

static void (*const misfortunes[])(void) = {rename_it, delete_it, replace_it, empty_it, delete_log, replace_log};

START_TEST(a_file_that_was_moved_deleted_replaced_or_emptied_is_not_written)
{
    struct store_usage row = usage(1000, 1000, 700, 300);

    book(s, 1, 1000, &row, 1);
    misfortunes[_i]();
    bool emptied = misfortunes[_i] == empty_it;
    ck_assert_int_eq(try_book(s, 2, 1010, &row, 1), emptied ? -EBADMSG : -ESTALE);
    ck_assert_ptr_nonnull(strstr(store_why(s), "pdtt.db"));
    ck_assert_ptr_nonnull(strstr(store_why(s), emptied ? "emptied" : "moved, deleted or replaced"));
    ck_assert_int_eq(store_is_damaged(s), emptied);
}
END_TEST

START_TEST(a_file_that_was_put_back_is_written_again)
{
    struct store_usage row = usage(1000, 1000, 700, 300);

    rename_it();
    ck_assert_int_eq(try_book(s, 1, 1000, &row, 1), -ESTALE);
    ck_assert_int_eq(rename(place_beside(".old"), place_path), 0);
    book(s, 1, 1000, &row, 1);
    ck_assert_int_eq(intervals(), 1);
}
END_TEST

/* Holds the write lock in another process until it is killed. */
static pid_t start_blocker(void)
{
    int ready[2];
    char byte;

    ck_assert_int_eq(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        sqlite3 *db;
        if (sqlite3_open(place_path, &db) == SQLITE_OK &&
            sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK && write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

START_TEST(a_blocked_booking_names_the_blocker_and_is_booked_later)
{
    struct store_usage rows[] = {usage(1000, 1000, 5, 0), usage(1000, 1000, 6, 0)};
    pid_t pid = start_blocker();
    char text[32];

    snprintf(text, sizeof(text), "process %d ", pid);
    ck_assert_int_eq(try_book(s, 1, 1000, rows, 2), -EBUSY);
    ck_assert_msg(strstr(store_why(s), text) != NULL, "%s", store_why(s));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    book(s, 1, 1000, rows, 2);
    ck_assert_int_eq(sql_int("SELECT sum(tx_bytes) FROM v_usage"), 11);
}
END_TEST

START_TEST(a_long_reader_blocks_no_booking)
{
    struct store_usage row = usage(1000, 1000, 700, 300);
    struct store *reader = open_store(STORE_READ);
    struct store_coverage coverage;

    book(s, 1, 1000, &row, 1);
    ck_assert_int_eq(store_begin_read(reader), 0);
    ck_assert_int_eq(store_query_coverage(reader, 0, 10000, &coverage), 0);
    book(s, 2, 1010, &row, 1);
    ck_assert_int_eq(store_query_coverage(reader, 0, 10000, &coverage), 0);
    ck_assert_int_eq(coverage.seen_ms, 10000);
    store_end_read(reader);
    ck_assert_int_eq(store_query_coverage(reader, 0, 10000, &coverage), 0);
    ck_assert_int_eq(coverage.seen_ms, 20000);
    store_close(reader);
}
END_TEST

/* RLIMIT_FSIZE stands for a full disk: the same writes fail in the same places. */
static void limit_files_to(rlim_t bytes)
{
    struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};

    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(a_full_disk_loses_nothing)
{
    enum { ROWS = 3000 };
    struct store_usage *rows = calloc(ROWS, sizeof(*rows)), first = usage(1, 1, 1, 0);

    for (size_t i = 0; i < ROWS; i++)
        rows[i] = usage((int64_t)i, 1000, 10, 0);
    book(s, 1, 1000, &first, 1);
    limit_files_to(160 * 1024);
    ck_assert_int_eq(try_book(s, 2, 1010, rows, ROWS), -ENOSPC);
    ck_assert_msg(strstr(store_why(s), "pdtt.db") != NULL, "%s", store_why(s));
    limit_files_to(RLIM_INFINITY);
    ck_assert_uint_eq(last_epoch(LEDGER), 1);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM account"), 1);
    book(s, 2, 1010, rows, ROWS);
    ck_assert_int_eq(sql_int("SELECT sum(tx_bytes) FROM v_usage"), 1 + 10 * ROWS);
    ck_assert_int_eq(sql_int("SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
    free(rows);
}
END_TEST

START_TEST(creating_on_a_full_disk_leaves_no_half_database)
{
    char path[160];

    snprintf(path, sizeof(path), "%s/second.db", place_directory);
    limit_files_to(8192);
    expect_refused(path, STORE_WRITE, -ENOSPC, "second.db");
    limit_files_to(RLIM_INFINITY);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

/* ---- names of classes, layers, gaps ---- */

START_TEST(a_class_keeps_its_id_for_ever)
{
    const char *first[] = {"internal", "site", "loopback", "external"}, *second[] = {"new", "site", "internal"};
    int64_t ids[4], again[3];

    ck_assert_int_eq(store_sync_classes(s, first, 4, ids), 0);
    ck_assert_int_eq(ids[2], STORE_CLASS_LOOPBACK);
    ck_assert_int_eq(ids[3], STORE_CLASS_EXTERNAL);
    ck_assert_int_ne(ids[0], ids[1]);
    ck_assert_int_gt(ids[0], 1);
    ck_assert_int_eq(store_sync_classes(s, second, 3, again), 0);
    ck_assert_int_eq(again[1], ids[1]);
    ck_assert_int_eq(again[2], ids[0]);
    ck_assert_int_eq(store_sync_classes(s, NULL, 0, NULL), 0);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM class"), 5);
}
END_TEST

START_TEST(the_state_of_a_layer_makes_a_row_when_it_changes)
{
    ck_assert_int_eq(store_put_layer_state(s, "syscall", "on", "", 100), 0);
    ck_assert_int_eq(store_put_layer_state(s, "cgroup", "on", NULL, 100), 0);
    ck_assert_int_eq(store_put_layer_state(s, "syscall", "on", "", 200), 0);
    ck_assert_int_eq(store_put_layer_state(s, "syscall", "off", "no BTF; payload is not counted", 300), 0);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM layer_state"), 3);
    ck_assert_int_eq(sql_int("SELECT first_sec * 1000 + last_sec FROM layer_state WHERE layer = 'syscall'"), 100200);
    ck_assert_int_eq(sql_int("SELECT detail LIKE 'no BTF%' FROM layer_state ORDER BY id DESC"), 1);
}
END_TEST

START_TEST(a_gap_is_recorded)
{
    ck_assert_int_eq(store_put_gap(s, 100, 200, "reboot"), 0);
    ck_assert_int_eq(sql_int("SELECT end_sec - start_sec FROM gap WHERE reason = 'reboot'"), 100);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
    TCase *c = tcase_create(name);

    tcase_add_checked_fixture(c, open_place, close_place);
    tcase_set_timeout(c, 60);
    suite_add_tcase(suite, c);
    return c;
}

static void add_once(Suite *suite)
{
    TCase *c = add_case(suite, "exactly once");

    tcase_add_test(c, an_epoch_is_booked_once);
    tcase_add_test(c, a_refused_epoch_creates_no_account);
    tcase_add_test(c, an_epoch_may_jump_forward);
    tcase_add_test(c, epoch_zero_is_refused_because_it_means_none);
    tcase_add_test(c, ledgers_count_their_epochs_apart);
    tcase_add_test(c, a_clock_step_makes_no_two_intervals_collide);
    tcase_add_test(c, a_writer_killed_at_any_instant_leaves_whole_intervals);
}

static void add_rows(Suite *suite)
{
    TCase *c = add_case(suite, "rows");

    tcase_add_test(c, rows_of_one_account_are_added_and_left_as_they_were);
    tcase_add_test(c, rows_that_add_up_to_nothing_are_left_out);
    tcase_add_test(c, a_transfer_may_be_negative);
    tcase_add_test(c, each_part_of_an_account_keeps_rows_apart);
    tcase_add_test(c, an_account_is_created_once_also_by_the_next_writer);
    tcase_add_test(c, the_sum_of_the_rows_is_what_the_interval_counted);
    tcase_add_test(c, a_class_keeps_its_id_for_ever);
    tcase_add_test(c, the_state_of_a_layer_makes_a_row_when_it_changes);
    tcase_add_test(c, a_gap_is_recorded);
}

static void add_failures(Suite *suite)
{
    TCase *c = add_case(suite, "failures");

    tcase_add_loop_test(c, a_file_that_was_moved_deleted_replaced_or_emptied_is_not_written, 0,
                        array_length(misfortunes));
    tcase_add_test(c, a_file_that_was_put_back_is_written_again);
    tcase_add_test(c, a_blocked_booking_names_the_blocker_and_is_booked_later);
    tcase_add_test(c, a_long_reader_blocks_no_booking);
    tcase_add_test(c, a_full_disk_loses_nothing);
    tcase_add_test(c, creating_on_a_full_disk_leaves_no_half_database);
}

int main(void)
{
    Suite *suite = suite_create("store_book");

    add_once(suite);
    add_rows(suite);
    add_failures(suite);
    return unit_main(suite);
}
