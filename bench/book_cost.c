/*
 * What booking 100,000 accounts takes of an interval, with the writing of the coarser levels and the dropping of what
 * expired, and how fast rows are inserted compared with a database in memory.
 */
#include "bench/command.h"
#include "bench/sample.h"
#include "bench/site.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "sql/statement.h"

#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Five minutes have 30 intervals; raw is kept for as long, so that each later booking drops an interval. */
enum {
    ACCOUNTS_MAX = 1000000,
    INTERVAL_SEC = 10,
    CYCLE = 30,
    CYCLES_MAX = 20,
    INSERT_ROUNDS_MAX = 101,
    FIRST_SEC = 1800000000,
    STRIDE = 61909
};

static size_t n_accounts = 100000;

struct command {
    const char *directory, *json;
    unsigned cycles, rounds;
};

struct costs {
    double first_ms;                      /* every account is new */
    double plain_ms[CYCLE];               /* no other work */
    double steady_ms[CYCLES_MAX * CYCLE]; /* drops an interval each time, and flushes once a cycle */
    double flush_ms[CYCLES_MAX];          /* those that flushed */
    double disk_ms[INSERT_ROUNDS_MAX], memory_ms[INSERT_ROUNDS_MAX]; /* the inserts alone */
    double append_ms[INSERT_ROUNDS_MAX];                             /* the same rows at the end of a file, and fsync */
    double bytes_per_row;
};

/* ---- options ---- */

static int set_accounts(void *target, const char *argument)
{
    long n = 0;
    int r = command_read_number(argument, 1, ACCOUNTS_MAX, &n);

    if (r == 0)
        n_accounts = (size_t)n;
    return r;
}

COMMAND_TEXT(directory, directory)
COMMAND_TEXT(json, json)
COMMAND_NUMBER(cycles, cycles, 1, CYCLES_MAX)
COMMAND_NUMBER(rounds, rounds, 1, INSERT_ROUNDS_MAX)

#define USAGE                                                                                                          \
    "book_cost --directory DIR --json FILE [--accounts N] [--cycles N] [--rounds N]\nWhat booking 100,000 accounts "   \
    "takes of an interval."

static const struct option_row rows[] = {
    {"directory", 0, "DIR", "where the databases are made; it must have 1 GB", NULL, set_directory},
    {"accounts", 0, "N", "how many are booked in each interval (100000)", NULL, set_accounts},
    {"cycles", 0, "N", "for how many times five minutes is booked (2)", NULL, set_cycles},
    {"rounds", 0, "N", "how often an interval is inserted on disk and in memory (15)", NULL, set_rounds},
    {"json", 0, "FILE", "where the figures go", NULL, set_json},
    COMMAND_HELP,
};

/* ---- booking, by the store ---- */

/* In no order, as the ledger has them: a prime number of accounts lies between neighbours. */
static void invent(const struct site *site, struct site_random *random, struct store_usage *usage)
{
    for (size_t i = 0; i < n_accounts; i++) {
        const struct site_account *a = &site->accounts[i];

        usage[i * STRIDE % n_accounts] = (struct store_usage){
            .uid = SITE_FIRST_UID + a->user,
            .gid = SITE_FIRST_GID + a->project,
            .class_id = a->class_id,
            .protocol = a->protocol,
            .family = a->family == 4 ? AF_INET : AF_INET6,
            .n = site_move(random, a, INTERVAL_SEC),
        };
    }
}

static void add(struct store_counters *to, const struct store_counters *n)
{
    to->tx_bytes += n->tx_bytes;
    to->rx_bytes += n->rx_bytes;
    to->tx_packets += n->tx_packets;
    to->rx_packets += n->rx_packets;
    to->tx_payload_bytes += n->tx_payload_bytes;
    to->rx_payload_bytes += n->rx_payload_bytes;
}

static int book(struct store *s, uint64_t epoch, struct store_usage *usage, double *ret_ms)
{
    struct store_interval interval = {
        .ledger = 1,
        .epoch = epoch,
        .start_sec = FIRST_SEC + (int64_t)(epoch - 1) * INTERVAL_SEC,
        .end_sec = FIRST_SEC + (int64_t)epoch * INTERVAL_SEC,
        .duration_ms = INTERVAL_SEC * 1000,
    };

    for (size_t i = 0; i < n_accounts; i++)
        add(&interval.counted, &usage[i].n);
    int64_t start_ns = clock_boottime_ns();
    int r = store_book_interval(s, &interval, usage, n_accounts);
    *ret_ms = (double)(clock_boottime_ns() - start_ns) / NSEC_PER_MSEC;
    if (r < 0)
        log_error("%s", store_why(s));
    return r;
}

/*
 * FIRST_SEC begins five minutes, whose last interval is number 30: the flush comes with the first of the next ones.
 * Cycle 0 drops nothing, for nothing has expired; cycle 1 is not measured, since it drops while raw is still growing.
 */
static int book_cycles(const struct command *command, struct store *s, const struct site *site,
                       struct store_usage *usage, struct costs *costs)
{
    struct site_random random = {1};
    double ms;

    for (unsigned i = 0; i < (command->cycles + 2) * CYCLE; i++) {
        invent(site, &random, usage);
        int r = book(s, i + 1, usage, &ms);

        if (r < 0)
            return r;
        if (i == 0)
            costs->first_ms = ms;
        if (i < CYCLE)
            costs->plain_ms[i] = ms;
        if (i < 2 * CYCLE)
            continue;
        costs->steady_ms[i - 2 * CYCLE] = ms;
        if (i % CYCLE == 0)
            costs->flush_ms[i / CYCLE - 2] = ms;
    }
    return 0;
}

static int measure_booking(const struct command *command, const char *path, const struct site *site,
                           struct store_usage *usage, struct costs *costs)
{
    struct store_policy policy = {.timezone = "UTC", .retention_sec = {(CYCLE + 2) * INTERVAL_SEC}};
    static const char *const classes[] = {"internal"};
    cleanup_free char *why = NULL;
    struct store *s = NULL;
    int64_t internal;
    int r = store_open(path, STORE_WRITE, &s, &why);

    for (int level = STORE_5MIN; level < STORE_LEVELS; level++)
        policy.retention_sec[level] = STORE_FOREVER;
    if (r < 0) {
        log_error("%s", why);
        return r;
    }
    if (r == 0)
        r = store_sync_classes(s, classes, 1, &internal);
    if (r == 0)
        r = store_set_policy(s, &policy);
    if (r < 0)
        log_error("%s", store_why(s));
    else
        r = book_cycles(command, s, site, usage, costs);
    store_close(s);
    return r;
}

/* ---- the same inserts alone ---- */

static int fail_sql(sqlite3 *db)
{
    log_error("inserting: %s", sqlite3_errmsg(db));
    return -EIO;
}

static int execute(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail_sql(db);
}

/* The statement's parameters are numbered in the order of their names in the text: interval, uid, account, counters. */
static int insert_all(sqlite3 *db, sqlite3_stmt *stmt, int64_t interval, const struct store_usage *usage)
{
    for (size_t i = 0; i < n_accounts; i++) {
        const struct store_counters *n = &usage[i].n;
        const int64_t values[] = {interval,      usage[i].uid,  (int64_t)i + 1,      n->tx_bytes,        n->rx_bytes,
                                  n->tx_packets, n->rx_packets, n->tx_payload_bytes, n->rx_payload_bytes};

        for (size_t k = 0; k < array_length(values); k++)
            sqlite3_bind_int64(stmt, (int)k + 1, values[k]);
        int rc = sqlite3_step(stmt);
        sqlite3_reset(stmt);
        if (rc != SQLITE_DONE)
            return fail_sql(db);
    }
    return 0;
}

static int insert_interval(sqlite3 *db, int64_t interval, const struct store_usage *usage, double *ret_ms)
{
    sqlite3_stmt *stmt;

    if (sqlite3_prepare_v2(db, statement_rows[STATEMENT_USAGE_INSERT].sql, -1, &stmt, NULL) != SQLITE_OK)
        return fail_sql(db);
    int64_t start_ns = clock_boottime_ns();
    int r = execute(db, "BEGIN IMMEDIATE");
    if (r == 0)
        r = insert_all(db, stmt, interval, usage);
    if (r == 0)
        r = execute(db, "COMMIT");
    *ret_ms = (double)(clock_boottime_ns() - start_ns) / NSEC_PER_MSEC;
    sqlite3_finalize(stmt);
    return r;
}

/* What else is in the key is numbered in the order of the rows. */
static int compare_uids(const void *a, const void *b)
{
    const struct store_usage *ua = a, *ub = b;

    return (ua->uid > ub->uid) - (ua->uid < ub->uid);
}

/* The table as the store made it, without anything else. */
static int copy_table(sqlite3 *from, sqlite3 *to)
{
    sqlite3_stmt *stmt;
    int r;

    if (sqlite3_prepare_v2(from, "SELECT sql FROM sqlite_schema WHERE name = 'usage_raw'", -1, &stmt, NULL) !=
        SQLITE_OK)
        return fail_sql(from);
    if (sqlite3_step(stmt) == SQLITE_ROW)
        r = execute(to, (const char *)sqlite3_column_text(stmt, 0));
    else
        r = fail_sql(from);
    sqlite3_finalize(stmt);
    return r;
}

/* What any file could be: the nine numbers of a row, one after the other. */
static int append_interval(int fd, int64_t interval, const struct store_usage *usage, double *ret_ms)
{
    cleanup_free int64_t(*rows_out)[9] = calloc(n_accounts, sizeof(*rows_out));
    size_t size = n_accounts * sizeof(*rows_out);
    int64_t start_ns = clock_boottime_ns();

    if (!rows_out)
        return -ENOMEM;
    for (size_t i = 0; i < n_accounts; i++) {
        const struct store_counters *n = &usage[i].n;
        const int64_t values[9] = {interval,      usage[i].uid,  (int64_t)i + 1,      n->tx_bytes,        n->rx_bytes,
                                   n->tx_packets, n->rx_packets, n->tx_payload_bytes, n->rx_payload_bytes};

        memcpy(rows_out[i], values, sizeof(values));
    }
    if (write(fd, rows_out, size) != (ssize_t)size || fsync(fd) < 0)
        return -EIO;
    *ret_ms = (double)(clock_boottime_ns() - start_ns) / NSEC_PER_MSEC;
    return 0;
}

static int insert_rounds(const struct command *command, sqlite3 *disk, sqlite3 *memory, int file,
                         const struct site *site, struct store_usage *usage, struct costs *costs)
{
    struct site_random random = {2};
    int r = copy_table(disk, memory);

    if (r == 0)
        r = execute(disk, "PRAGMA synchronous = FULL; PRAGMA cache_size = -4096; DELETE FROM usage_raw;");
    for (unsigned i = 0; i < command->rounds && r == 0; i++) {
        invent(site, &random, usage);
        qsort(usage, n_accounts, sizeof(*usage), compare_uids);
        r = insert_interval(disk, i + 1, usage, &costs->disk_ms[i]);
        if (r == 0)
            r = insert_interval(memory, i + 1, usage, &costs->memory_ms[i]);
        if (r == 0)
            r = append_interval(file, i + 1, usage, &costs->append_ms[i]);
    }
    return r;
}

/* Of what was booked, by the pages that are in use. */
static int bytes_per_row(sqlite3 *db, double *ret)
{
    sqlite3_stmt *stmt;

    if (sqlite3_prepare_v2(db,
                           "SELECT 1.0 * (SELECT sum(pgsize) FROM dbstat WHERE name = 'usage_raw')"
                           " / (SELECT count(*) FROM usage_raw)",
                           -1, &stmt, NULL) != SQLITE_OK)
        return fail_sql(db);
    int rc = sqlite3_step(stmt);
    *ret = sqlite3_column_double(stmt, 0);
    sqlite3_finalize(stmt);
    return rc == SQLITE_ROW ? 0 : fail_sql(db);
}

static int measure_inserts(const struct command *command, const char *path, const struct site *site,
                           struct store_usage *usage, struct costs *costs)
{
    sqlite3 *disk = NULL, *memory = NULL;
    int r = sqlite3_open(path, &disk) == SQLITE_OK ? 0 : fail_sql(disk);

    if (r == 0)
        r = sqlite3_open(":memory:", &memory) == SQLITE_OK ? 0 : fail_sql(memory);
    if (r == 0)
        r = bytes_per_row(disk, &costs->bytes_per_row);
    cleanup_free char *appended = NULL;
    if (r == 0 && asprintf(&appended, "%s/append.bin", command->directory) < 0)
        r = -ENOMEM;
    cleanup_close int file = r < 0 ? -1 : open(appended, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (r == 0)
        r = file < 0 ? -errno : insert_rounds(command, disk, memory, file, site, usage, costs);
    sqlite3_close(disk);
    sqlite3_close(memory);
    return r;
}

/* ---- output ---- */

static double mean(const double *values, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += values[i];
    return n ? sum / (double)n : 0;
}

static double rows_per_sec(double ms)
{
    return (double)n_accounts / ms * 1000;
}

static json_t *json_of_costs(struct costs *c, const struct command *command)
{
    size_t n = (size_t)command->cycles * CYCLE;
    double each_ms = mean(c->steady_ms, n), percent = each_ms / (INTERVAL_SEC * 1000) * 100;
    struct spread plain = sample_spread(c->plain_ms + 1, CYCLE - 1), steady = sample_spread(c->steady_ms, n);
    struct spread flush = sample_spread(c->flush_ms, command->cycles);
    struct spread disk = sample_spread(c->disk_ms, command->rounds);
    struct spread memory = sample_spread(c->memory_ms, command->rounds);

    printf("booking %zu accounts: %.1f ms the first time, then %.1f ms (quartiles %.1f %.1f)\n", n_accounts,
           c->first_ms, plain.median, plain.low, plain.high);
    printf("    and dropping as many that expired: %.1f ms (quartiles %.1f %.1f); with the coarser levels, once in %d: "
           "%.0f ms\n",
           steady.median, steady.low, steady.high, CYCLE, flush.median);
    printf("    on average %.1f ms: %.2f %% of an interval of %d s\n", each_ms, percent, INTERVAL_SEC);
    printf("inserts: %.0f rows/s by the store, %.0f alone, %.0f alone in memory: %.2f and %.2f of memory\n",
           rows_per_sec(plain.median), rows_per_sec(disk.median), rows_per_sec(memory.median),
           memory.median / plain.median, memory.median / disk.median);
    struct spread append = sample_spread(c->append_ms, command->rounds);
    printf("    %.0f rows/s appended to a file with fsync; %.1f bytes a row of raw\n", rows_per_sec(append.median),
           c->bytes_per_row);
    return json_pack("{s:i, s:i, s:i, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "accounts",
                     (int)n_accounts, "interval_sec", INTERVAL_SEC, "bookings", (int)n, "rounds", (int)command->rounds,
                     "first_ms", c->first_ms, "plain_ms", plain.median, "steady_ms", steady.median, "flush_ms",
                     flush.median, "mean_ms", each_ms, "percent", percent, "disk_ms", disk.median, "memory_ms",
                     memory.median, "booked_of_memory", memory.median / plain.median, "append_ms", append.median,
                     "bytes_per_row", c->bytes_per_row);
}

static int run(const struct command *command)
{
    cleanup_free char *path = NULL;
    cleanup_free struct store_usage *usage = calloc(n_accounts, sizeof(*usage));
    struct site site = {0};
    static struct costs costs;
    int r = usage && asprintf(&path, "%s/book.db", command->directory) >= 0 ? 0 : -ENOMEM;

    if (r == 0)
        r = site_make(n_accounts / 6 + 1, STORE_CLASS_LOOPBACK + 1, &site);
    if (r == 0)
        r = measure_booking(command, path, &site, usage, &costs);
    if (r == 0)
        r = measure_inserts(command, path, &site, usage, &costs);
    site_done(&site);
    if (r < 0)
        return r;
    json_t *json = json_of_costs(&costs, command);
    if (json_dump_file(json, command->json, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) < 0) {
        log_error("cannot write %s", command->json);
        r = -EIO;
    }
    json_decref(json);
    return r;
}

int main(int argc, char **argv)
{
    struct command command = {.cycles = 2, .rounds = 15};

    log_init("book_cost");
    command_read(rows, array_length(rows), argc, argv, USAGE, &command);
    if (!command.directory || !command.json)
        command_incomplete(rows, array_length(rows), USAGE);
    return run(&command) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
