/* What a database must be to be opened, who may open it, and what is said to those who may not. */
#include "tests/support/store.h"
#include "tests/support/unit.h"

#include <errno.h>
#include <signal.h>

static void create(void)
{
    store_close(open_store(STORE_WRITE));
}

START_TEST(a_writer_creates_what_the_design_promises)
{
    char host[256] = "";
    struct stat st;
    struct store *s;

    umask(0);
    s = open_store(STORE_WRITE);
    gethostname(host, sizeof(host) - 1);
    ck_assert_str_eq(store_host(s), host);
    ck_assert_int_eq(stat(place_path, &st), 0);
    ck_assert_int_eq(st.st_mode & 07777, 0640);
    ck_assert_int_eq(stat(place_beside("-wal"), &st), 0);
    ck_assert_int_eq(st.st_mode & 07777, 0640);
    ck_assert_int_eq(sql_int("PRAGMA application_id"), STORE_APPLICATION_ID);
    ck_assert_int_eq(sql_int("PRAGMA user_version"), 9);
    ck_assert_int_eq(sql_int("PRAGMA page_size"), 4096);
    ck_assert_int_eq(sql_int("PRAGMA auto_vacuum"), 2);
    ck_assert_int_eq(sql_int("SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
                             " AND name NOT LIKE 'sqlite%' AND NOT strict"),
                     0);
    store_close(s);
}
END_TEST

START_TEST(closing_leaves_the_log_for_readers_and_takes_the_lock_away)
{
    create();
    ck_assert_int_eq(access(place_beside("-wal"), F_OK), 0);
    ck_assert_int_eq(access(place_beside("-shm"), F_OK), 0);
    ck_assert_int_ne(access(place_beside("-lock"), F_OK), 0);
    ck_assert_int_ne(access(place_beside("-new"), F_OK), 0);
}
END_TEST

START_TEST(what_was_booked_is_there_after_close_and_open)
{
    struct store_usage row = usage(1000, 1000, 700, 300);
    struct store *s = open_store(STORE_WRITE);
    uint64_t epoch;

    book(s, 5, 1000, &row, 1);
    store_close(s);
    s = open_store(STORE_WRITE);
    ck_assert_int_eq(store_last_epoch(s, LEDGER, &epoch), 0);
    ck_assert_uint_eq(epoch, 5);
    store_close(s);
    ck_assert_int_eq(sql_int("SELECT sum(total_bytes) FROM v_usage"), 1000);
}
END_TEST

START_TEST(closing_nothing_is_no_error)
{
    ck_assert_ptr_null(store_close(NULL));
}
END_TEST

START_TEST(a_path_with_the_signs_of_a_uri_is_a_path)
{
    struct store *s;
    char *why = NULL;

    snprintf(place_path, sizeof(place_path), "%s/a?mode=memory#%%41 b.db", place_directory);
    ck_assert_int_eq(store_open(place_path, STORE_WRITE, &s, &why), 0);
    store_close(s);
    ck_assert_int_eq(access(place_path, F_OK), 0);
    ck_assert_int_eq(store_open(place_path, STORE_READ, &s, &why), 0);
    store_close(s);
}
END_TEST

START_TEST(a_reader_creates_nothing)
{
    expect_refused(place_path, STORE_READ, -ENOENT, "no such database");
    ck_assert_int_ne(access(place_path, F_OK), 0);
    ck_assert_int_ne(access(place_beside("-lock"), F_OK), 0);
}
END_TEST

START_TEST(a_missing_directory_is_named_and_not_made)
{
    char path[160], directory[128];

    snprintf(directory, sizeof(directory), "%s/missing", place_directory);
    snprintf(path, sizeof(path), "%s/pdtt.db", directory);
    expect_refused(path, STORE_WRITE, -ENOENT, "missing does not exist");
    expect_refused(path, STORE_READ, -ENOENT, "missing does not exist");
    ck_assert_int_ne(access(directory, F_OK), 0);
}
END_TEST

START_TEST(a_directory_is_not_a_database)
{
    ck_assert_int_eq(mkdir(place_path, 0755), 0);
    expect_refused(place_path, STORE_WRITE, -EBADMSG, "is not a file");
    expect_refused(place_path, STORE_READ, -EBADMSG, "is not a file");
}
END_TEST

/* What must be refused by its contents, whoever opens it, and left as it is. */
static const struct {
    const char *bytes;
    size_t n;
    const char *says;
} bad_contents[] = {
    {"", 0, "zero bytes"},
    {"hello", 5, "not an SQLite database"},
    {"It was a dark and stormy night; the rain fell in torrents, except at occasional intervals.", 90,
     "not an SQLite database"},
    {"SQLite format 3\0and then it was cut off", 39, "pdtt.db"},
};

START_TEST(a_file_that_is_no_database_is_refused_and_left_alone)
{
    struct stat st;

    place_write(place_path, bad_contents[_i].bytes, bad_contents[_i].n);
    expect_refused(place_path, STORE_READ, -EBADMSG, bad_contents[_i].says);
    expect_refused(place_path, STORE_WRITE, -EBADMSG, bad_contents[_i].says);
    ck_assert_int_eq(stat(place_path, &st), 0);
    ck_assert_int_eq(st.st_size, bad_contents[_i].n);
}
END_TEST

START_TEST(another_programs_database_is_refused_and_left_alone)
{
    struct stat before, after;

    execute(place_path, "CREATE TABLE t (x); INSERT INTO t VALUES (1)");
    ck_assert_int_eq(stat(place_path, &before), 0);
    expect_refused(place_path, STORE_READ, -EBADMSG, "not one of PDTT");
    expect_refused(place_path, STORE_WRITE, -EBADMSG, "not one of PDTT");
    ck_assert_int_eq(stat(place_path, &after), 0);
    ck_assert_int_eq(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
    ck_assert_int_eq(sql_int("SELECT journal_mode = 'delete' FROM pragma_journal_mode"), 1);
}
END_TEST

START_TEST(a_newer_schema_is_refused_by_both)
{
    create();
    execute(place_path, "PRAGMA user_version = 4711");
    expect_refused(place_path, STORE_READ, -ENOTSUP, "schema 4711, newer than");
    expect_refused(place_path, STORE_WRITE, -ENOTSUP, "schema 4711, newer than");
}
END_TEST

START_TEST(a_reader_refuses_an_older_schema_that_it_may_not_migrate)
{
    create();
    execute(place_path, "PRAGMA user_version = 0");
    expect_refused(place_path, STORE_READ, -ENOTSUP, "older than");
}
END_TEST

/* What store_check() says of the file, which it must leave as it is. */
static void expect_check(int expected, const char *text)
{
    cleanup_free char *why = NULL;
    int64_t version = sql_int("PRAGMA user_version");

    ck_assert_int_eq(store_check(place_path, &why), expected);
    ck_assert_msg(expected == 0 ? !why : why && strstr(why, text), "%s", why);
    ck_assert_int_eq(sql_int("PRAGMA user_version"), version);
}

START_TEST(a_check_tells_what_the_next_start_would_do_and_does_nothing)
{
    cleanup_free char *why = NULL;

    create();
    expect_check(0, NULL);
    execute(place_path, "PRAGMA user_version = 1");
    expect_check(1, "has the older schema 1, which will be brought to");
    execute(place_path, "PRAGMA user_version = 4711");
    expect_check(-ENOTSUP, "schema 4711, newer than");
    place_write(place_path, "", 0);
    ck_assert_int_eq(store_check(place_path, &why), -EBADMSG);
    unlink(place_path);
    free(take_ptr(why));
    ck_assert_int_eq(store_check(place_path, &why), -ENOENT);
    ck_assert_int_lt(access(place_path, F_OK), 0);
}
END_TEST

START_TEST(a_unit_has_the_path_that_it_was_given)
{
    cleanup_free char *path = NULL, *why = NULL;
    struct store *s;
    int64_t id;

    ck_assert_int_eq(store_open(place_path, STORE_WRITE, &s, &why), 0);
    ck_assert_int_eq(store_unit_id(s, "batch/job_1", &id), 0);
    ck_assert_int_eq(store_unit_path(s, id, &path), 0);
    ck_assert_str_eq(path, "batch/job_1");
    ck_assert_int_eq(store_unit_path(s, id + 1, &why), -ENOENT);
    ck_assert_ptr_null(why);
    store_close(s);
}
END_TEST

START_TEST(a_database_with_a_missing_table_is_refused)
{
    create();
    execute(place_path, "DROP TABLE usage_raw");
    expect_refused(place_path, STORE_WRITE, -EBADMSG, "usage_raw");
}
END_TEST

/* ---- one writer ---- */

/* A child that holds the store open until it is killed; returns when it does. */
static pid_t start_writer(void)
{
    int ready[2];
    char byte;

    ck_assert_int_eq(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct store *s;
        char *why;
        if (store_open(place_path, STORE_WRITE, &s, &why) == 0 && write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void kill_writer(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

START_TEST(a_second_writer_is_told_the_pid_of_the_first)
{
    pid_t pid = start_writer();
    char text[32], link[160];

    snprintf(text, sizeof(text), "process %d ", pid);
    expect_refused(place_path, STORE_WRITE, -EEXIST, text);
    snprintf(link, sizeof(link), "%s/other", place_directory);
    ck_assert_int_eq(symlink(".", link), 0);
    strcat(link, "/pdtt.db");
    expect_refused(link, STORE_WRITE, -EEXIST, text); /* a link to the directory leads to the same lock */
    kill_writer(pid);
}
END_TEST

static void expect_trick_refused(const char *part)
{
    cleanup_free char *why = NULL;

    expect_refused(place_path, STORE_WRITE, -EACCES, part);
    ck_assert_int_eq(store_check(place_path, &why), -EACCES);
}

static const char *const beside[] = {"", "-wal", "-shm", "-journal", "-lock"};

START_TEST(a_symbolic_link_in_place_of_a_file_is_not_written_through)
{
    char target[192];
    struct stat st;

    create();
    snprintf(target, sizeof(target), "%s.target", place_path);
    if (!*beside[_i])
        ck_assert_int_eq(rename(place_path, target), 0);
    else
        place_write(target, "", 0);
    unlink(place_beside(beside[_i]));
    ck_assert_int_eq(symlink(target, place_beside(beside[_i])), 0);
    ck_assert_int_eq(stat(target, &st), 0);
    expect_trick_refused("is a symbolic link, which is not followed");
    struct stat after;
    ck_assert_int_eq(stat(target, &after), 0);
    ck_assert(after.st_size == st.st_size && after.st_mtime == st.st_mtime);
}
END_TEST

START_TEST(a_file_with_a_second_name_is_not_written)
{
    create();
    if (access(place_beside(beside[_i]), F_OK) < 0)
        place_write(place_beside(beside[_i]), "", 0);
    ck_assert_int_eq(link(place_beside(beside[_i]), place_beside(".other")), 0);
    expect_trick_refused("has 2 names (hard links)");
}
END_TEST

START_TEST(a_file_that_others_may_write_to_is_not_written)
{
    create();
    if (access(place_beside(beside[_i]), F_OK) < 0)
        place_write(place_beside(beside[_i]), "", 0);
    ck_assert_int_eq(chmod(place_beside(beside[_i]), 0666), 0);
    expect_trick_refused("(mode 0666); chmod go-w it");
}
END_TEST

START_TEST(a_directory_that_others_may_write_to_holds_no_database)
{
    create();
    ck_assert_int_eq(chmod(place_directory, 01777), 0);
    expect_trick_refused("others may write to the directory");
    ck_assert_int_eq(chmod(place_directory, 02770), 0);
    if (geteuid() == 0)
        ck_assert_int_eq(chown(place_directory, 0, NOBODY), 0);
    ck_assert_int_eq(chmod(place_directory, 02770), 0);
    expect_trick_refused("others may write to the directory");
}
END_TEST

START_TEST(what_belongs_to_somebody_else_is_not_written)
{
    if (geteuid() != 0)
        return;
    create();
    ck_assert_int_eq(chown(place_path, NOBODY, NOBODY), 0);
    expect_trick_refused("belongs to user 65534");
    ck_assert_int_eq(chown(place_path, 0, 0), 0);
    ck_assert_int_eq(chown(place_directory, NOBODY, NOBODY), 0);
    expect_trick_refused("belongs to user 65534, who could exchange what is in it");
}
END_TEST

START_TEST(the_lock_of_a_killed_writer_is_no_obstacle)
{
    kill_writer(start_writer());
    ck_assert_int_eq(access(place_beside("-lock"), F_OK), 0);
    create();
}
END_TEST

START_TEST(a_refused_writer_leaves_the_lock_of_the_first)
{
    pid_t pid = start_writer();

    expect_refused(place_path, STORE_WRITE, -EEXIST, "writing it already");
    expect_refused(place_path, STORE_WRITE, -EEXIST, "writing it already");
    kill_writer(pid);
}
END_TEST

START_TEST(a_crash_while_creating_leaves_nothing_in_the_way)
{
    place_write(place_beside("-new"), "half", 4);
    place_write(place_beside("-new-wal"), "half", 4);
    create();
    ck_assert_int_eq(sql_int("SELECT count(*) FROM class"), 2);
}
END_TEST

START_TEST(the_log_of_a_removed_database_is_not_replayed_into_a_new_one)
{
    struct store_usage row = usage(1000, 1000, 700, 300);
    pid_t pid = fork();

    if (pid == 0) {
        struct store *s = open_store(STORE_WRITE);
        _exit(try_book(s, 1, 1000, &row, 1) == 0 ? 0 : 1); /* without close, so that the log stays full */
    }
    waitpid(pid, NULL, 0);
    ck_assert_int_eq(unlink(place_path), 0);
    create();
    ck_assert_int_eq(sql_int("SELECT count(*) FROM interval"), 0);
    ck_assert_int_eq(sql_int("SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
}
END_TEST

/* ---- readers with no right to write ---- */

/* As the installer does, with nobody's group instead of pdtt. */
static void give_to_group(void)
{
    ck_assert_int_eq(chown(place_directory, 0, NOBODY), 0);
    ck_assert_int_eq(chmod(place_directory, 02750), 0);
}

static int64_t read_total;

static int add_total(const struct store_row *row, void *userdata)
{
    read_total += row->n.tx_bytes + row->n.rx_bytes;
    return 0;
}

/* Exit status: 0 all 1000 bytes were read, 1 nobody could not be, 2 not opened, 3 no answer, 4 another answer, 5 could
 * write. */
static int read_as_nobody(void)
{
    struct store_bucket all = {0, INT64_MAX};
    struct store_query q = {.buckets = &all, .n_buckets = 1};
    struct store *s;
    char *why;

    if (!become_nobody())
        return 1;
    if (store_open(place_path, STORE_READ, &s, &why) < 0)
        return 2 + 0 * fprintf(stderr, "%s\n", why);
    if (store_query_usage(s, &q, add_total, NULL) < 0)
        return 3 + 0 * fprintf(stderr, "%s\n", store_why(s));
    store_close(s);
    if (store_open(place_path, STORE_WRITE, &s, &why) != -EACCES)
        return 5;
    return read_total == 1000 ? 0 : 4;
}

static struct store *book_a_thousand(void)
{
    struct store_usage row = usage(1000, 1000, 700, 300);
    struct store *s;

    give_to_group();
    s = open_store(STORE_WRITE);
    book(s, 1, 1000, &row, 1);
    return s;
}

START_TEST(a_reader_without_write_permission_reads_beside_the_writer)
{
    struct store *s = book_a_thousand();

    ck_assert_int_eq(in_child(read_as_nobody), 0);
    store_close(s);
}
END_TEST

START_TEST(a_reader_without_write_permission_reads_after_the_writer_ended)
{
    store_close(book_a_thousand());
    ck_assert_int_eq(in_child(read_as_nobody), 0);
}
END_TEST

static int book_and_die(void)
{
    book_a_thousand();
    return 0;
}

START_TEST(a_reader_without_write_permission_reads_after_the_writer_was_killed)
{
    ck_assert_int_eq(in_child(book_and_die), 0);
    ck_assert_int_eq(in_child(read_as_nobody), 0);
}
END_TEST

START_TEST(a_copy_without_log_and_index_is_readable)
{
    store_close(book_a_thousand());
    unlink(place_beside("-wal"));
    unlink(place_beside("-shm"));
    ck_assert_int_eq(in_child(read_as_nobody), 0);
    ck_assert_int_ne(access(place_beside("-wal"), F_OK), 0);
}
END_TEST

START_TEST(a_copy_with_an_empty_log_is_readable)
{
    store_close(book_a_thousand());
    unlink(place_beside("-shm"));
    ck_assert_int_eq(in_child(read_as_nobody), 0);
}
END_TEST

START_TEST(a_copy_with_the_index_alone_is_readable)
{
    store_close(book_a_thousand());
    unlink(place_beside("-wal"));
    ck_assert_int_eq(in_child(read_as_nobody), 0);
}
END_TEST

static int refused_for_the_index(void)
{
    if (!become_nobody())
        return 1;
    expect_refused(place_path, STORE_READ, -EACCES, "index");
    return 0;
}

START_TEST(a_full_log_without_index_is_not_passed_over)
{
    ck_assert_int_eq(in_child(book_and_die), 0);
    unlink(place_beside("-shm"));
    ck_assert_int_eq(in_child(refused_for_the_index), 0);
}
END_TEST

static int refused_everything(void)
{
    if (!become_nobody())
        return 1;
    expect_refused(place_path, STORE_READ, -EACCES, "group");
    expect_refused(place_path, STORE_WRITE, -EACCES, "group");
    return 0;
}

START_TEST(who_may_not_enter_the_directory_is_told_so)
{
    create();
    ck_assert_int_eq(in_child(refused_everything), 0);
}
END_TEST

START_TEST(who_may_not_read_the_file_is_told_so)
{
    create();
    ck_assert_int_eq(chmod(place_directory, 0755), 0);
    ck_assert_int_eq(in_child(refused_everything), 0);
}
END_TEST

START_TEST(a_reader_is_refused_every_kind_of_writing)
{
    struct store_usage row = usage(1000, 1000, 700, 300);
    const char *name = "internal";
    struct store *s;
    int64_t id;

    create();
    s = open_store(STORE_READ);
    ck_assert_int_eq(try_book(s, 1, 1000, &row, 1), -EROFS);
    ck_assert_int_eq(store_note_user(s, 1000, "alice", 1000), -EROFS);
    ck_assert_int_eq(store_note_group(s, 1000, "alice", 1000), -EROFS);
    ck_assert_int_eq(store_sync_classes(s, &name, 1, &id), -EROFS);
    ck_assert_int_eq(store_put_gap(s, 1, 2, "reboot"), -EROFS);
    ck_assert_int_eq(store_put_layer_state(s, "cgroup", "on", "", 1), -EROFS);
    store_close(s);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
    TCase *c = tcase_create(name);

    tcase_add_checked_fixture(c, place_make, place_remove);
    suite_add_tcase(suite, c);
    return c;
}

static void add_contents(Suite *suite)
{
    TCase *c = add_case(suite, "contents");

    tcase_add_test(c, a_writer_creates_what_the_design_promises);
    tcase_add_test(c, closing_leaves_the_log_for_readers_and_takes_the_lock_away);
    tcase_add_test(c, what_was_booked_is_there_after_close_and_open);
    tcase_add_test(c, closing_nothing_is_no_error);
    tcase_add_test(c, a_path_with_the_signs_of_a_uri_is_a_path);
    tcase_add_test(c, a_reader_creates_nothing);
    tcase_add_test(c, a_missing_directory_is_named_and_not_made);
    tcase_add_test(c, a_directory_is_not_a_database);
    tcase_add_loop_test(c, a_file_that_is_no_database_is_refused_and_left_alone, 0, array_length(bad_contents));
    tcase_add_test(c, another_programs_database_is_refused_and_left_alone);
    tcase_add_test(c, a_newer_schema_is_refused_by_both);
    tcase_add_test(c, a_reader_refuses_an_older_schema_that_it_may_not_migrate);
    tcase_add_test(c, a_check_tells_what_the_next_start_would_do_and_does_nothing);
    tcase_add_test(c, a_unit_has_the_path_that_it_was_given);
    tcase_add_test(c, a_database_with_a_missing_table_is_refused);
    tcase_add_test(c, a_reader_is_refused_every_kind_of_writing);
}

static void add_writers(Suite *suite)
{
    TCase *c = add_case(suite, "writers");

    tcase_add_test(c, a_second_writer_is_told_the_pid_of_the_first);
    tcase_add_test(c, the_lock_of_a_killed_writer_is_no_obstacle);
    tcase_add_loop_test(c, a_symbolic_link_in_place_of_a_file_is_not_written_through, 0, array_length(beside));
    tcase_add_loop_test(c, a_file_with_a_second_name_is_not_written, 0, array_length(beside));
    tcase_add_loop_test(c, a_file_that_others_may_write_to_is_not_written, 0, array_length(beside));
    tcase_add_test(c, a_directory_that_others_may_write_to_holds_no_database);
    tcase_add_test(c, what_belongs_to_somebody_else_is_not_written);
    tcase_add_test(c, a_refused_writer_leaves_the_lock_of_the_first);
    tcase_add_test(c, a_crash_while_creating_leaves_nothing_in_the_way);
    tcase_add_test(c, the_log_of_a_removed_database_is_not_replayed_into_a_new_one);
}

/* Only root can make files that it then may not read. */
static void add_readers(Suite *suite)
{
    TCase *c = add_case(suite, "readers");

    tcase_add_test(c, a_reader_without_write_permission_reads_beside_the_writer);
    tcase_add_test(c, a_reader_without_write_permission_reads_after_the_writer_ended);
    tcase_add_test(c, a_reader_without_write_permission_reads_after_the_writer_was_killed);
    tcase_add_test(c, a_copy_without_log_and_index_is_readable);
    tcase_add_test(c, a_copy_with_an_empty_log_is_readable);
    tcase_add_test(c, a_copy_with_the_index_alone_is_readable);
    tcase_add_test(c, a_full_log_without_index_is_not_passed_over);
    tcase_add_test(c, who_may_not_enter_the_directory_is_told_so);
    tcase_add_test(c, who_may_not_read_the_file_is_told_so);
}

int main(void)
{
    Suite *suite = suite_create("store_open");

    add_contents(suite);
    add_writers(suite);
    if (geteuid() == 0)
        add_readers(suite);
    else
        printf("skip - readers without write permission: needs root\n");
    return unit_main(suite);
}
