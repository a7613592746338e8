/* A database in a directory of its own, for the tests of sql/. Each test runs in a process of its own (libcheck forks).
 */
#pragma once

#include "common/cleanup.h"
#include "sql/store.h"
#include "sql/store_internal.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define LEDGER UINT64_C(0xfeedfacecafebeef) /* has the highest bit, which SQLite's numbers do not */
#define NOBODY 65534
#define TCP    6
#define UDP    17

static char place_directory[64], place_path[128];

static inline void place_make(void)
{
    strcpy(place_directory, "/tmp/pdtt-store-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(place_directory));
    snprintf(place_path, sizeof(place_path), "%s/pdtt.db", place_directory);
}

static inline int place_remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

static inline void place_remove(void)
{
    nftw(place_directory, place_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* place_path with a suffix; valid until the fourth call after. */
static inline const char *place_beside(const char *suffix)
{
    static char names[4][192];
    static unsigned next;
    char *name = names[next++ % 4];

    snprintf(name, sizeof(names[0]), "%s%s", place_path, suffix);
    return name;
}

static inline void place_write(const char *path, const void *bytes, size_t n)
{
    cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, n), n);
}

static inline struct store *open_store(enum store_mode mode)
{
    struct store *s = NULL;
    char *why = NULL;
    int r = store_open(place_path, mode, &s, &why);

    ck_assert_msg(r == 0, "store_open: %d: %s", r, why ? why : "");
    return s;
}

/* store_open() must fail with error, leave ret_store alone and say one line that names the file and holds part. */
static inline void expect_refused(const char *path, enum store_mode mode, int error, const char *part)
{
    struct store *s = (struct store *)place_path;
    cleanup_free char *why = NULL;
    int r = store_open(path, mode, &s, &why);

    ck_assert_int_eq(r, error);
    ck_assert_ptr_eq(s, (struct store *)place_path);
    ck_assert_ptr_nonnull(why);
    ck_assert_msg(strstr(why, part) != NULL, "\"%s\" does not say \"%s\"", why, part);
    ck_assert_msg(strstr(why, strrchr(path, '/') + 1) != NULL, "\"%s\" does not name the file", why);
    ck_assert_msg(strchr(why, '\n') == NULL, "\"%s\" is more than a line", why);
}

static inline void execute(const char *path, const char *sql)
{
    sqlite3 *db;
    char *error = NULL;

    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &error) == SQLITE_OK, "%s: %s", sql, error);
    sqlite3_close(db);
}

/* One number by a connection of its own, as an administrator would ask. */
static inline int64_t sql_int(const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;

    ck_assert_int_eq(sqlite3_open_v2(place_path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
    int rc = sqlite3_step(stmt);
    int64_t value = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : -1;
    ck_assert_msg(rc == SQLITE_ROW || rc == SQLITE_DONE, "%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return value;
}

static inline struct store_usage usage(int64_t uid, int64_t gid, int64_t tx_bytes, int64_t rx_bytes)
{
    return (struct store_usage){
        .uid = uid,
        .gid = gid,
        .protocol = TCP,
        .family = AF_INET,
        .n = {.tx_bytes = tx_bytes, .rx_bytes = rx_bytes, .tx_packets = tx_bytes / 100, .rx_packets = rx_bytes / 100},
    };
}

/* Books rows for ten seconds from start_sec and returns what the store says. */
static inline int try_book(struct store *s, uint64_t epoch, int64_t start_sec, struct store_usage *rows, size_t n)
{
    struct store_interval i = {
        .ledger = LEDGER, .epoch = epoch, .start_sec = start_sec, .end_sec = start_sec + 10, .duration_ms = 10000};

    for (size_t k = 0; k < n; k++) {
        i.counted.tx_bytes += rows[k].n.tx_bytes;
        i.counted.rx_bytes += rows[k].n.rx_bytes;
        i.counted.tx_packets += rows[k].n.tx_packets;
        i.counted.rx_packets += rows[k].n.rx_packets;
        i.counted.tx_payload_bytes += rows[k].n.tx_payload_bytes;
        i.counted.rx_payload_bytes += rows[k].n.rx_payload_bytes;
    }
    return store_book_interval(s, &i, rows, n);
}

static inline void book(struct store *s, uint64_t epoch, int64_t start_sec, struct store_usage *rows, size_t n)
{
    int r = try_book(s, epoch, start_sec, rows, n);

    ck_assert_msg(r == 0, "booking epoch %llu: %d: %s", (unsigned long long)epoch, r, store_why(s));
}

/* Runs fn in a child and returns its exit status; fn ends with 0, or with the line of what went wrong. */
static inline int in_child(int (*fn)(void))
{
    int status;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        _exit(fn());
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* For a child: becomes a user who owns nothing. */
static inline bool become_nobody(void)
{
    return setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0;
}
