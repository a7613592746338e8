/* From every earlier schema to this one, with data: no byte lost, and nobody sees half of it. */
#include "tests/support/levels.h"
#include "tests/support/unit.h"

#include <errno.h>
#include <signal.h>

/* tests/fixtures/schema1.sql, as the program of schema 1 wrote it: 24 epochs of 6 accounts. */
#define FIXTURE_TX INT64_C(5423753)
/* schema2.sql: the same as the program of schema 2 had it, and 40 more epochs, the last 8 of them not rolled up. */
#define FIXTURE_2_TX INT64_C(10393273)
#define NEWEST       9

static void load(const char *fixture)
{
    char path[4096];
    cleanup_free char *sql = NULL;
    size_t n = 0;
    sqlite3 *db;
    char *error = NULL;

    snprintf(path, sizeof(path), "%s/tests/fixtures/%s", getenv("srcdir") ?: ".", fixture);
    cleanup_fclose FILE *f = fopen(path, "re");
    ck_assert_msg(f && getdelim(&sql, &n, '\0', f) > 0, "cannot read %s", path);
    ck_assert_int_eq(sqlite3_open(place_path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &error) == SQLITE_OK, "%s", error);
    ck_assert_int_eq(sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void make_old(void)
{
    place_make();
    load("schema1.sql");
}

/* How many bytes of the fixture's sum the database lacks or has too much, in raw and by every way to ask for them. */
static int64_t asked_of(int64_t tx)
{
    struct store *s = open_store(STORE_READ);
    int64_t sum = asked(s, 0, INT64_MAX);

    store_close(s);
    ck_assert_int_eq(sql_int("SELECT sum(tx_bytes) FROM v_month"), tx);
    return sum - tx;
}

START_TEST(a_database_of_schema_2_keeps_its_levels_and_gains_connections)
{
    static const char *const kept[] = {
        "SELECT sum(tx_bytes) FROM usage_raw",
        "SELECT sum(tx_bytes) FROM usage_5min",
        "SELECT sum(rx_bytes) FROM usage_hour",
        "SELECT sum(rx_packets) FROM usage_day",
        "SELECT sum(tx_bytes) FROM usage_month",
        "SELECT sum(seen_ms) + sum(end_sec) FROM bucket",
        "SELECT count(*) FROM unit",
        "SELECT sum(limit_bytes) FROM allocation",
        "SELECT sum(length(name)) FROM class",
        "SELECT sum(length(name)) FROM user",
        "SELECT rolled FROM rollup",
        "SELECT sum(tx_bytes) FROM v_usage WHERE project = 'astro'",
        "SELECT sum(tx_bytes) FROM v_day WHERE class = 'internal' AND family = 6",
    };
    int64_t before[array_length(kept)];

    place_remove();
    place_make();
    load("schema2.sql");
    for (size_t i = 0; i < array_length(kept); i++)
        before[i] = sql_int(kept[i]);
    ck_assert_int_eq(before[0], FIXTURE_2_TX);
    ck_assert_int_lt(before[1], FIXTURE_2_TX);
    struct store *s = open_store(STORE_WRITE);
    for (size_t i = 0; i < array_length(kept); i++)
        ck_assert_msg(sql_int(kept[i]) == before[i], "%s: %" PRId64 " was %" PRId64, kept[i], sql_int(kept[i]),
                      before[i]);
    ck_assert_int_eq(sql_int("PRAGMA user_version"), NEWEST);
    ck_assert_int_eq(asked_of(FIXTURE_2_TX), 0);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM v_connection"), 0);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM v_interface_day"), 0);
    struct store_connection c = {.cookie = 7,
                                 .started_boot_ns = 5,
                                 .protocol = TCP,
                                 .family = AF_INET,
                                 .uid = 1000,
                                 .gid = 100,
                                 .comm = "rsync",
                                 .cgroup = "/",
                                 .n = {.tx_bytes = 3}};
    struct store_usage row = usage(1000, 100, 5, 0);
    struct store_interval i = {.ledger = 99,
                               .epoch = 41,
                               .start_sec = 1800000000,
                               .end_sec = 1800000010,
                               .duration_ms = 10000,
                               .counted = row.n,
                               .connections = &c,
                               .n_connections = 1};
    ck_assert_int_eq(store_book_interval(s, &i, &row, 1), 0);
    ck_assert_int_eq(sql_int("SELECT tx_bytes FROM v_connection WHERE process = 'rsync' AND ended IS NULL"), 3);
    flush(s);
    store_close(s);
    ck_assert_int_eq(asked_of(FIXTURE_2_TX + 5), 0);
    expect_equal_levels();
    ck_assert_int_eq(sql_int("SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM pragma_foreign_key_check"), 0);
}
END_TEST

START_TEST(a_database_of_schema_1_keeps_every_byte_name_and_gap)
{
    static const char *const kept[] = {
        "SELECT sum(tx_bytes) FROM usage_raw",
        "SELECT sum(rx_bytes) FROM usage_raw",
        "SELECT sum(rx_payload_bytes) FROM usage_raw",
        "SELECT count(*) FROM usage_raw",
        "SELECT count(*) * 1000 + max(id) FROM interval",
        "SELECT sum(duration_ms) FROM interval",
        "SELECT sum(length(name)) + count(*) FROM user",
        "SELECT sum(length(name)) + count(*) FROM project",
        "SELECT sum(last_epoch) FROM ledger",
        "SELECT sum(end_sec - start_sec) FROM gap",
        "SELECT count(*) FROM layer_state",
        "SELECT sum(tx_bytes) FROM v_usage WHERE user = 'alice'",
        "SELECT sum(tx_bytes) FROM v_user_day WHERE user = 'o''brien'",
    };
    int64_t before[array_length(kept)];

    for (size_t i = 0; i < array_length(kept); i++)
        before[i] = sql_int(kept[i]);
    ck_assert_int_eq(before[0], FIXTURE_TX);
    struct store *s = open_store(STORE_WRITE);
    ck_assert_int_eq(sql_int("PRAGMA user_version"), NEWEST);
    ck_assert_str_eq(store_host(s), "datamover1");
    /* Before anything is rolled up all answers come from raw. */
    ck_assert_int_eq(asked(s, 0, INT64_MAX), FIXTURE_TX);
    ck_assert_int_eq(sql_int("SELECT sum(tx_bytes) FROM v_user_month"), FIXTURE_TX);
    set_zone(s, "Australia/Perth");
    flush(s);
    expect_equal_levels();
    expect_a_tiling();
    ck_assert_int_eq(level_sum(STORE_MONTH, "tx_bytes"), FIXTURE_TX);
    ck_assert_int_eq(sql_int("SELECT count(DISTINCT label) FROM bucket WHERE level = 4"), 2);
    for (size_t i = 0; i < array_length(kept); i++)
        ck_assert_msg(sql_int(kept[i]) == before[i], "%s: %" PRId64 " was %" PRId64, kept[i], sql_int(kept[i]),
                      before[i]);
    ck_assert_int_eq(asked(s, 0, INT64_MAX), FIXTURE_TX);
    ck_assert_int_eq(sql_int("SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM pragma_foreign_key_check"), 0);
    store_close(s);
}
END_TEST

START_TEST(a_migrated_database_goes_on)
{
    struct store *s = open_store(STORE_WRITE);
    struct store_usage row = usage(1000, 100, 5, 0);
    uint64_t epoch;
    int64_t newest = sql_int("SELECT max(id) FROM interval");

    ck_assert_int_eq(store_last_epoch(s, LEDGER, &epoch), 0);
    ck_assert_uint_eq(epoch, 13);
    ck_assert_int_eq(try_book(s, 13, 1800000000, &row, 1), -EALREADY);
    book(s, 14, 1800000000, &row, 1);
    ck_assert_int_eq(sql_int("SELECT max(id) FROM interval"), newest + 1);
    store_close(s);
    s = open_store(STORE_READ);
    ck_assert_int_eq(asked(s, 0, INT64_MAX), FIXTURE_TX + 5);
    store_close(s);
    ck_assert_int_eq(level_sum(STORE_MONTH, "tx_bytes"), FIXTURE_TX + 5);
}
END_TEST

/* Frames sent past IP, which an older program could not have booked, get their name in a database that it made. */
START_TEST(a_migrated_database_names_packet_sockets)
{
    struct store *s = open_store(STORE_WRITE);
    struct store_usage row = usage(1000, 100, 5, 0);

    row.protocol = STORE_PROTOCOL_PACKET;
    row.family = AF_PACKET;
    book(s, 14, 1800000000, &row, 1);
    ck_assert_int_eq(sql_int("SELECT tx_bytes FROM v_usage WHERE protocol = 'packet' AND family = 0"), 5);
    ck_assert_int_eq(sql_int("SELECT sum(tx_bytes) FROM v_user_month"), FIXTURE_TX + 5);
    store_close(s);
}
END_TEST

START_TEST(a_new_reader_of_an_old_database_is_told_what_to_do)
{
    expect_refused(place_path, STORE_READ, -ENOTSUP,
                   "has schema 1, older than this program's 9; start the new pdttd once");
    ck_assert_int_eq(sql_int("PRAGMA user_version"), 1);
}
END_TEST

/* The statement by which a report of schema 1 asks; it must not answer from what raw still has. */
START_TEST(an_old_reader_that_stays_fails_instead_of_answering_in_part)
{
    static const char old_question[] =
        "SELECT sum(r.tx_bytes) FROM interval i INDEXED BY interval_start"
        " CROSS JOIN usage_raw r ON r.interval = i.id WHERE i.start_sec >= 0 AND i.start_sec < 9000000000";
    sqlite3 *db;
    sqlite3_stmt *stmt;

    ck_assert_int_eq(sqlite3_open_v2(place_path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, old_question, -1, &stmt, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_column_int64(stmt, 0), FIXTURE_TX);
    /* A snapshot that is open across the migration stays the old one. */
    struct store *s = open_store(STORE_WRITE);
    ck_assert_int_eq(sqlite3_column_int64(stmt, 0), FIXTURE_TX);
    sqlite3_reset(stmt);
    ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ERROR);
    ck_assert_msg(strstr(sqlite3_errmsg(db), "interval_start") != NULL, "%s", sqlite3_errmsg(db));
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    store_close(s);
}
END_TEST

/* One that is left makes the last step fail at every site that has the schema before. */
START_TEST(a_database_of_the_schema_before_gets_its_views_anew)
{
    store_close(open_store(STORE_WRITE));
    execute(place_path, "DROP VIEW v_policy_event; DROP TABLE policy_event; PRAGMA user_version = 8");
    store_close(open_store(STORE_WRITE));
    ck_assert_int_eq(sql_int("PRAGMA user_version"), NEWEST);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM v_policy_event"), 0);
}
END_TEST

START_TEST(a_reader_that_stays_is_told_of_a_newer_schema)
{
    store_close(open_store(STORE_WRITE));
    struct store *s = open_store(STORE_READ);

    ck_assert_int_eq(asked(s, 0, INT64_MAX), FIXTURE_TX);
    sql_int("PRAGMA user_version = 10");
    ck_assert_int_eq(store_begin_read(s), -ENOTSUP);
    ck_assert_msg(strstr(store_why(s), "has schema 10, newer than this program's 9") != NULL, "%s", store_why(s));
    sql_int("PRAGMA user_version = 9");
    ck_assert_int_eq(asked(s, 0, INT64_MAX), FIXTURE_TX);
    store_close(s);
}
END_TEST

/* Asks without a pause while another process migrates, rolls up and goes on booking. */
START_TEST(readers_during_the_migration_see_all_or_are_refused)
{
    int asked_times = 0, refused = 0, status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        struct store *s = NULL;
        char *why = NULL;
        usleep(20000);
        if (store_open(place_path, STORE_WRITE, &s, &why) < 0 || store_flush(s) < 0)
            _exit(1);
        usleep(20000);
        store_close(s);
        _exit(0);
    }
    while (waitpid(pid, &status, WNOHANG) == 0 || refused + asked_times < 20) {
        struct store *s = NULL;
        cleanup_free char *why = NULL;
        int r = store_open(place_path, STORE_READ, &s, &why);
        if (r == 0) {
            ck_assert_int_eq(asked(s, 0, INT64_MAX), FIXTURE_TX);
            store_close(s);
            asked_times++;
        } else {
            ck_assert_msg(r == -ENOTSUP, "%d: %s", r, why);
            refused++;
        }
    }
    ck_assert_int_eq(status, 0);
    ck_assert_int_gt(refused, 0);
    ck_assert_int_gt(asked_times, 0);
}
END_TEST

START_TEST(a_migration_that_is_killed_leaves_the_old_schema_or_the_new)
{
    for (int i = 0; i < 30; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            struct store *s = NULL;
            char *why = NULL;
            if (store_open(place_path, STORE_WRITE, &s, &why) == 0)
                store_flush(s);
            pause();
        }
        usleep(300 * (unsigned)i);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        int64_t version = sql_int("PRAGMA user_version");
        ck_assert(version == 1 || version == NEWEST);
        ck_assert_int_eq(sql_int("SELECT sum(tx_bytes) FROM usage_raw"), FIXTURE_TX);
        ck_assert_int_eq(sql_int("SELECT sum(tx_bytes) FROM v_usage"), FIXTURE_TX);
        ck_assert_int_eq(sql_int("SELECT count(*) FROM sqlite_schema WHERE name = 'interval_2'"), 0);
        if (version == NEWEST) {
            struct store *s = open_store(STORE_READ);
            ck_assert_int_eq(asked(s, 0, INT64_MAX), FIXTURE_TX);
            store_close(s);
            place_remove();
            make_old();
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_migrate");
    TCase *c = tcase_create("migrate");

    tcase_add_checked_fixture(c, make_old, place_remove);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, a_database_of_schema_2_keeps_its_levels_and_gains_connections);
    tcase_add_test(c, a_database_of_schema_1_keeps_every_byte_name_and_gap);
    tcase_add_test(c, a_migrated_database_goes_on);
    tcase_add_test(c, a_migrated_database_names_packet_sockets);
    tcase_add_test(c, a_new_reader_of_an_old_database_is_told_what_to_do);
    tcase_add_test(c, an_old_reader_that_stays_fails_instead_of_answering_in_part);
    tcase_add_test(c, a_database_of_the_schema_before_gets_its_views_anew);
    tcase_add_test(c, a_reader_that_stays_is_told_of_a_newer_schema);
    tcase_add_test(c, readers_during_the_migration_see_all_or_are_refused);
    tcase_add_test(c, a_migration_that_is_killed_leaves_the_old_schema_or_the_new);
    suite_add_tcase(suite, c);
    return unit_main(suite);
}
