/*
 * A database that somebody else wrote: our schema with any values in it (even inputs), or our file with any of its bytes
 * changed (odd ones). One report over it fails with a line, or prints nothing that does harm; pdttd books into it, or says
 * why not.
 */
#include "tests/fuzz/ask.h"

#include <sqlite3.h>

#define MOST_CHANGES 16

/* ?1 a text, ?2 a number; which of the rows is the number's to say. */
static const char *const changes[] = {
    "UPDATE user SET name = ?1 WHERE id % 4 = abs(?2 % 4)",
    "UPDATE user SET uid = ?2, valid_from = ?2 WHERE id % 4 = length(?1) % 4",
    "UPDATE project SET name = ?1 WHERE id % 4 = abs(?2 % 4)",
    "UPDATE class SET name = ?1 WHERE id % 3 = abs(?2 % 3)",
    "UPDATE protocol SET name = ?1 WHERE id = 6",
    "UPDATE account SET class = ?2, protocol = ?2 % 300, family = ?2 % 7 WHERE id % 3 = length(?1) % 3",
    "UPDATE account SET user = ?2 % 9, project = ?2 % 7, kind = ?2 % 5 WHERE id % 3 = length(?1) % 3",
    "INSERT OR REPLACE INTO unit VALUES (1, ?1)",
    "UPDATE account SET unit = 1",
    "UPDATE meta SET value = ?1 WHERE key = 'host'",
    "UPDATE zone SET name = ?1",
    "UPDATE zone SET from_sec = ?2",
    "UPDATE gap SET reason = ?1, start_sec = ?2",
    "UPDATE gap SET end_sec = ?2",
    "UPDATE bucket SET label = ?1 WHERE level = abs(?2 % 5)",
    "UPDATE bucket SET start_sec = ?2 WHERE rowid IS NULL OR level = length(?1) % 5",
    "UPDATE bucket SET end_sec = ?2 WHERE level = length(?1) % 5",
    "UPDATE bucket SET seen_ms = ?2, whole = ?2 % 3",
    "UPDATE rollup SET rolled = ?2",
    "UPDATE interval SET start_sec = ?2 WHERE id % 3 = length(?1) % 3",
    "UPDATE interval SET end_sec = ?2 WHERE id % 3 = length(?1) % 3",
    "UPDATE interval SET duration_ms = ?2, tx_bytes = ?2",
    "UPDATE usage_raw SET tx_bytes = ?2, rx_packets = ?2 WHERE account % 3 = length(?1) % 3",
    "UPDATE usage_raw SET rx_bytes = ?2, tx_payload_bytes = ?2 WHERE account % 3 = length(?1) % 3",
    "UPDATE usage_5min SET tx_bytes = ?2, rx_bytes = ?2 WHERE user % 3 = length(?1) % 3",
    "UPDATE usage_hour SET tx_bytes = ?2, family = ?2 % 9 WHERE user % 3 = length(?1) % 3",
    "UPDATE usage_day SET rx_bytes = ?2, class = ?2 % 9 WHERE user % 3 = length(?1) % 3",
    "UPDATE usage_month SET tx_bytes = ?2, rx_bytes = ?2 WHERE user % 3 = length(?1) % 3",
    "UPDATE usage_month SET start_sec = ?2 WHERE user % 3 = length(?1) % 3",
    "UPDATE allocation SET name = ?1, limit_bytes = abs(?2 % 1000000000000)",
    "UPDATE allocation SET limit_bytes = ?2",
    "UPDATE allocation SET period = CASE abs(?2 % 3) WHEN 0 THEN 'quarter' WHEN 1 THEN 'year' ELSE 'month' END",
    "UPDATE layer_state SET state = ?1, detail = ?1",
    "PRAGMA user_version = 2",
    "UPDATE connection SET start_ms = ?2, pid = ?2 WHERE id % 2 = length(?1) % 2",
    "UPDATE connection SET end_ms = ?2, ended = ?1, srtt_us = ?2",
    "UPDATE connection SET last_sec = ?2, tx_bytes = ?2, retransmits = ?2",
    "UPDATE connection SET local_port = ?2, remote_port = ?2, account = ?2 % 9, initiative = ?2",
    "UPDATE connection_usage SET tx_bytes = ?2, rx_bytes = ?2",
    "UPDATE connection_usage SET start_sec = ?2",
    "INSERT OR REPLACE INTO connection_excess VALUES (?2 % 100000000000, ?2, ?2, ?2, ?2, ?2, ?2, ?2)",
    "UPDATE process SET name = ?1, cgroup = ?1",
    "UPDATE address SET address = ?1 WHERE id % 2 = abs(?2 % 2)",
    "UPDATE interface SET name = ?1 WHERE id = 1",
    "UPDATE interface SET first_sec = ?2, last_sec = ?2",
    "UPDATE interface_usage SET tx_bytes = ?2, rx_bytes = ?2 WHERE level % 3 = length(?1) % 3",
    "UPDATE OR IGNORE interface_usage SET kind = ?1, rx_packets = ?2",
    "UPDATE interface_meter SET tx_bytes = ?2",
    "UPDATE layer_state SET first_sec = ?2",
    "UPDATE layer_state SET last_sec = ?2",
};

static const char *const questions[][10] = {
    {"pdtt-report", "--since", "2025-01-01", "--by", "user,project,class,proto,family", NULL},
    {"pdtt-report", "--since", "60d", "--period", "day", "--format", "csv", "--by", "user", NULL},
    {"pdtt-report", "--since", "2026-11-01", "--period", "5min", "--format", "tsv", NULL},
    {"pdtt-report", "--since", "60d", "--format", "json", "--by", "user,project,class,proto", NULL},
    {"pdtt-report", "-P", "--since", "2026-09", "--top", "1", NULL},
    {"pdtt-report", "--allocations", NULL},
    {"pdtt-report", "--graph", "--since", "60d", "--period", "month", NULL},
    {"pdtt-report", "--format", "log", "--since", "60d", NULL},
    {"pdtt-report", "--connections", "--since", "60d", NULL},
    {"pdtt-report", "--connections", "--since", "60d", "--format", "json", NULL},
    {"pdtt-report", "--by", "process", "--since", "60d", "--format", "json", NULL},
    {"pdtt-report", "--by", "remote", "--since", "60d", "--period", "day", NULL},
    {"pdtt-report", "--audit", "--since", "60d", NULL},
    {"pdtt-report", "--audit", "--since", "60d", "--period", "month", "--format", "json", NULL},
};

static struct calendar *calendar;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    place_make();
    if (calendar_open("UTC", &calendar) < 0)
        abort();
    return 0;
}

static void change_values(struct input *in)
{
    sqlite3 *db;

    place_renew(pattern, pattern_size);
    if (sqlite3_open(place_path, &db) != SQLITE_OK)
        abort();
    sqlite3_exec(db, "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; BEGIN", NULL, NULL, NULL);
    for (int i = 0; i < MOST_CHANGES && in->size > 0; i++) {
        const char *sql = changes[take_number(in, 1) % array_length(changes)];
        int64_t number = (int64_t)take_number(in, take_number(in, 1) % 9);
        cleanup_free char *text = take_text(in);
        sqlite3_stmt *stmt = NULL;
        if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
            continue; /* of another version of the schema */
        sqlite3_bind_text(stmt, 1, text, -1, SQLITE_TRANSIENT);
        sqlite3_bind_int64(stmt, 2, number);
        sqlite3_step(stmt); /* what the schema itself refuses nobody can have written */
        sqlite3_finalize(stmt);
    }
    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    sqlite3_close(db);
}

static void change_bytes(struct input *in)
{
    cleanup_free uint8_t *bytes = malloc(pattern_size);
    size_t size = pattern_size;

    assert(bytes);
    memcpy(bytes, pattern, pattern_size);
    while (in->size > 0) {
        size_t at = take_number(in, 3) % pattern_size, n = take_number(in, 1) % 16;
        if (n == 15)
            size = at;
        else
            for (; n > 0 && in->size > 0; n--, at++)
                bytes[at % pattern_size] = (uint8_t)take_number(in, 1);
    }
    place_renew(bytes, size);
}

static void read_once(const char *const *question)
{
    cleanup_free char *why = NULL;
    struct store *s = NULL;
    int argc = 0;

    if (store_open(place_path, STORE_READ, &s, &why) < 0) {
        require_reason(why);
        return;
    }
    while (question[argc])
        argc++;
    assert(ask_with(s, calendar, argc, (char **)question) == 0);
    store_close(s);
}

static void write_once(void)
{
    cleanup_free char *why = NULL;
    struct store *s = NULL;

    if (store_open(place_path, STORE_WRITE, &s, &why) < 0) {
        require_reason(why);
        return;
    }
    struct store_usage row = {.uid = 1000, .gid = 100, .protocol = 6, .family = 2, .n = {.tx_bytes = 1}};
    struct store_interval i = {.ledger = 8,
                               .epoch = 1,
                               .start_sec = PLACE_NOW,
                               .end_sec = PLACE_NOW + 10,
                               .duration_ms = 10000,
                               .counted = {.tx_bytes = 1}};
    if (store_book_interval(s, &i, &row, 1) < 0)
        require_reason(store_why(s));
    store_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    uint64_t kind = take_number(&in, 1);
    const char *const *question = questions[kind / 4 % array_length(questions)];

    if (kind & 1)
        change_bytes(&in);
    else
        change_values(&in);
    if (kind & 2)
        write_once();
    else
        read_once(question);
    return 0;
}
