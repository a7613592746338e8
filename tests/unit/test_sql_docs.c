/* Each query of docs/sql.md is run over a small database and must print what the page shows below it. */
#include "tests/support/connections.h"
#include "tests/support/unit.h"

#include <sqlite3.h>
#include <time.h>

#define ALICE    61001
#define BOB      61002
#define NOVEMBER INT64_C(1793462400) /* 2026-11-01 00:00 in Perth */
#define DAY      INT64_C(86400)
#define MIB      INT64_C(1048576)

enum { QUERIES = 17, MOST_TEXT = 65536 };

static int64_t internal;
static uint64_t epoch;

static void book_row(struct store *s, int64_t start_sec, struct store_usage row)
{
    book(s, ++epoch, start_sec, &row, 1);
}

static struct store_usage moved(int64_t uid, int64_t gid, int64_t class_id, int64_t tx_bytes, int64_t rx_bytes)
{
    struct store_usage row = usage(uid, gid, tx_bytes, rx_bytes);

    row.class_id = class_id;
    return row;
}

static void make_classes_and_names(struct store *s)
{
    static const char *const classes[] = {"internal"};

    ck_assert_int_eq(store_sync_classes(s, classes, 1, &internal), 0);
    ck_assert_int_eq(store_note_user(s, ALICE, "alice", NOVEMBER - 30 * DAY), 0);
    ck_assert_int_eq(store_note_user(s, BOB, "bob", NOVEMBER - 30 * DAY), 0);
    ck_assert_int_eq(store_note_group(s, 62001, "pawsey0001", NOVEMBER - 30 * DAY), 0);
    ck_assert_int_eq(store_note_group(s, 62002, "pawsey0002", NOVEMBER - 30 * DAY), 0);
}

static struct store_connection connection_of(uint64_t cookie, int64_t uid, int64_t start_sec, const char *remote,
                                             const char *comm)
{
    struct store_connection c = connection(cookie, start_sec, remote, comm);

    c.uid = uid;
    c.gid = 62001;
    return c;
}

/* Two copies by rsync and a download on 2 November, beside a login that is open since the day before. */
static void book_connections_of_november(struct store *s, int64_t at_sec)
{
    struct store_connection c[] = {connection_of(1, ALICE, NOVEMBER + 7200, "2001:db8::7", "sshd"),
                                   connection_of(2, ALICE, at_sec, "203.0.113.7", "rsync"),
                                   connection_of(3, ALICE, at_sec + 1, "203.0.113.7", "rsync"),
                                   connection_of(4, BOB, at_sec + 2, "203.0.113.7", "curl")};
    struct store_usage row = moved(ALICE, 62001, internal, 40 * MIB, 2 * MIB);
    struct store_interval i;

    c[0].initiative = STORE_INITIATIVE_IN;
    c[0].local_port = 22;
    c[0].remote_port = 50122;
    c[0].cgroup = "/system.slice/ssh.service";
    move(&c[0], 1000, 2000);
    move(&c[1], 30 * MIB, MIB);
    move(&c[2], 10 * MIB, MIB);
    move(&c[3], 1024, MIB);
    c[1].retransmits = 7;
    end(&c[1], at_sec + 5, "closed");
    end(&c[2], at_sec + 4, "closed");
    end(&c[3], at_sec + 5, "reset");
    i = interval_of(++epoch, at_sec, &row, c, array_length(c));
    book_interval(s, &i, row);
}

/* A scanner that was dropped, and alice held to her rate. */
static void book_with_policies(struct store *s, int64_t at_sec, struct store_usage row)
{
    const struct store_meter policies[] = {
        {.source = "scan", .identity = 1, .n = {.rx_bytes = 52000, .rx_packets = 1000}},
        {.source = "alice-outside",
         .identity = 2,
         .n = {.tx_bytes = 800 * MIB, .rx_bytes = 3 * MIB, .tx_packets = 560000, .rx_packets = 2100}},
    };
    struct store_interval i = interval_of(++epoch, at_sec, &row, NULL, 0);

    i.policies = policies;
    i.n_policies = array_length(policies);
    book_interval(s, &i, row);
}

static void book_policy_events(struct store *s, int64_t at_sec)
{
    const struct store_policy_event events[] = {
        {.time_ns = at_sec * INT64_C(1000000000),
         .policy = "scan",
         .action = "block",
         .protocol = 6,
         .family = AF_INET,
         .src_ip = {203, 0, 113, 7},
         .dst_ip = {198, 51, 100, 1},
         .src_port = 40000,
         .dst_port = 23,
         .packet_size = 60,
         .packets = 1,
         .uid = STORE_UID_UNATTRIBUTED},
        {.time_ns = (at_sec + 1) * INT64_C(1000000000),
         .policy = "scan",
         .action = "block",
         .protocol = 6,
         .family = AF_INET,
         .src_ip = {203, 0, 113, 9},
         .dst_ip = {198, 51, 100, 1},
         .src_port = 40001,
         .dst_port = 22,
         .packet_size = 60,
         .packets = 1,
         .uid = ALICE},
    };

    ck_assert_int_eq(store_book_policy_events(s, events, array_length(events)), 0);
}

static void make_database(void)
{
    struct store_policy policy = {
        .timezone = "Australia/Perth",
        .retention_sec = {STORE_FOREVER, STORE_FOREVER, STORE_FOREVER, STORE_FOREVER, STORE_FOREVER},
    };
    struct store_allocation allocation = {
        .subject = STORE_SUBJECT_PROJECT, .name = "pawsey0001", .limit_bytes = 1000 * MIB, .billing_day = 1};
    struct store_usage job;
    struct store *s = open_store(STORE_WRITE);

    ck_assert_int_eq(store_set_policy(s, &policy), 0);
    make_classes_and_names(s);
    book_row(s, NOVEMBER - 20 * DAY, moved(ALICE, 62001, STORE_CLASS_EXTERNAL, 700 * MIB, 20 * MIB));
    book_row(s, NOVEMBER - 3 * DAY, moved(BOB, 62002, STORE_CLASS_EXTERNAL, 5 * MIB, 900 * MIB));
    ck_assert_int_eq(store_note_user(s, BOB, "carol", NOVEMBER), 0);
    ck_assert_int_eq(store_put_gap(s, NOVEMBER + 3600, NOVEMBER + 7200, "reboot"), 0);
    book_row(s, NOVEMBER + 7200, moved(ALICE, 62001, STORE_CLASS_EXTERNAL, 900 * MIB, 10 * MIB));
    book_connections_of_november(s, NOVEMBER + DAY);
    job = moved(BOB, 62001, STORE_CLASS_EXTERNAL, 60 * MIB, 1 * MIB);
    job.family = AF_INET6;
    ck_assert_int_eq(store_unit_id(s, "system.slice/slurmd.service/job_17", &job.unit), 0);
    book_row(s, NOVEMBER + 2 * DAY, job);
    job = moved(BOB, 62002, internal, 8 * MIB, 0);
    job.protocol = UDP;
    book_with_policies(s, NOVEMBER + 2 * DAY + 10, job);
    book_policy_events(s, NOVEMBER + 2 * DAY + 10);
    ck_assert_int_eq(store_sync_allocations(s, &allocation, 1), 0);
    store_close(s);
}

/* ---- the page ---- */

static char page[MOST_TEXT];

static void read_page(void)
{
    char path[512];
    FILE *f;
    size_t n;

    snprintf(path, sizeof(path), "%s/docs/sql.md", getenv("srcdir") ?: ".");
    f = fopen(path, "r");
    ck_assert_msg(f != NULL, "%s cannot be read", path);
    n = fread(page, 1, sizeof(page) - 1, f);
    ck_assert(n < sizeof(page) - 1);
    page[n] = '\0';
    fclose(f);
}

/* Cuts the block that begins after from: up to its fence. Returns what follows that. */
static char *cut_block(char *from, char **ret_block)
{
    char *end = strstr(from, "\n```\n");

    *ret_block = from;
    if (strncmp(from, "```\n", 4) == 0) { /* an empty one */
        *from = '\0';
        return from + 4;
    }
    ck_assert_ptr_nonnull(end);
    end[1] = '\0';
    return end + strlen("\n```\n");
}

/* The query of this number and what stands below it. */
static void find_query(int number, char **ret_sql, char **ret_result)
{
    char heading[16], *at;

    read_page();
    snprintf(heading, sizeof(heading), "\n## %d. ", number);
    at = strstr(page, heading);
    ck_assert_msg(at != NULL, "the page has no query %d", number);
    at = strstr(at, "\n```sql\n");
    ck_assert_ptr_nonnull(at);
    at = cut_block(at + strlen("\n```sql\n"), ret_sql);
    ck_assert_msg(strncmp(at, "```\n", 4) == 0, "query %d has no result below it", number);
    cut_block(at + 4, ret_result);
}

/* ---- the answer ---- */

static void put_row(FILE *out, sqlite3_stmt *stmt, bool heading)
{
    for (int i = 0; i < sqlite3_column_count(stmt); i++) {
        const char *text = heading ? sqlite3_column_name(stmt, i) : (const char *)sqlite3_column_text(stmt, i);

        fprintf(out, "%s%s", i ? "|" : "", text ? text : "");
    }
    fputc('\n', out);
}

/* As sqlite3 -header prints it: the names of the columns, and the rows. */
static char *answer_of(const char *sql)
{
    char *ret = NULL;
    size_t size;
    FILE *out = open_memstream(&ret, &size);
    sqlite3 *db;
    sqlite3_stmt *stmt;
    int rc;

    ck_assert_int_eq(sqlite3_open_v2(place_path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
    put_row(out, stmt, true);
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
        put_row(out, stmt, false);
    ck_assert_msg(rc == SQLITE_DONE, "%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    fclose(out);
    return ret;
}

static void set_up(void)
{
    ck_assert_int_eq(setenv("TZ", "Australia/Perth", 1), 0); /* start_time is that of whoever asks */
    tzset();
    place_make();
    make_database();
}

START_TEST(each_query_of_the_page_prints_what_stands_below_it)
{
    char *sql, *result;
    cleanup_free char *answer = NULL;

    find_query(_i, &sql, &result);
    answer = answer_of(sql);
    ck_assert_msg(strcmp(answer, result) == 0, "query %d prints\n%s", _i, answer);
}
END_TEST

START_TEST(the_page_has_seventeen_queries)
{
    size_t n = 0;

    read_page();
    for (const char *s = page; (s = strstr(s, "\n```sql\n")); s++)
        n++;
    ck_assert_uint_eq(n, QUERIES);
}
END_TEST

/* ---- the list of columns ---- */

#define SUMS "tx_bytes rx_bytes tx_packets rx_packets tx_payload_bytes rx_payload_bytes total_bytes "

/* What "| `VIEW` | ..." names in backticks, and SUMS for what it stands for. */
static void read_columns(const char *view, FILE *out)
{
    char start[64], *at;

    read_page();
    at = strstr(page, "\n## Columns\n");
    ck_assert_ptr_nonnull(at);
    snprintf(start, sizeof(start), "\n| `%s` | ", view);
    at = strstr(at, start);
    ck_assert_msg(at != NULL, "the page has no columns of %s", view);
    at += strlen(start);
    *strchr(at, '\n') = '\0';
    for (size_t n; *at; at += n) {
        n = 1;
        if (strncmp(at, "SUMS", strlen("SUMS")) == 0) {
            fputs(SUMS, out);
            n = strlen("SUMS");
        } else if (*at == '`') {
            size_t length = strcspn(at + 1, "`");

            fprintf(out, "%.*s ", (int)length, at + 1);
            n = length + 2;
        }
    }
}

static char *page_columns(const char *view)
{
    char *ret = NULL;
    size_t size;
    FILE *out = open_memstream(&ret, &size);

    read_columns(view, out);
    fclose(out);
    return ret;
}

START_TEST(the_page_names_each_column_of_each_view)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;
    size_t n = 0;

    ck_assert_int_eq(sqlite3_open_v2(place_path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db,
                                        "SELECT v.name, group_concat(c.name, ' ') || ' ' FROM sqlite_schema v "
                                        "CROSS JOIN pragma_table_info(v.name) c WHERE v.type = 'view' GROUP BY v.name",
                                        -1, &stmt, NULL),
                     SQLITE_OK);
    for (; sqlite3_step(stmt) == SQLITE_ROW; n++) {
        cleanup_free char *named = page_columns((const char *)sqlite3_column_text(stmt, 0));

        ck_assert_str_eq(named, (const char *)sqlite3_column_text(stmt, 1));
    }
    ck_assert_uint_gt(n, 10);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sql_docs");
    TCase *c = tcase_create("sql_docs");

    tcase_add_checked_fixture(c, set_up, place_remove);
    tcase_set_timeout(c, 30);
    tcase_add_loop_test(c, each_query_of_the_page_prints_what_stands_below_it, 1, QUERIES + 1);
    tcase_add_test(c, the_page_has_seventeen_queries);
    tcase_add_test(c, the_page_names_each_column_of_each_view);
    suite_add_tcase(suite, c);
    return unit_main(suite);
}
