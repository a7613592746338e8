/*
 * How long pdtt-report takes to answer from a large database, its start included, and how long the same answer takes in
 * plain SQL over the raw level. Before a figure is believed both have given the same bytes.
 */
#include "bench/command.h"
#include "bench/sample.h"
#include "common/calendar.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"

#include <fcntl.h>
#include <jansson.h>
#include <spawn.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/wait.h>

enum { ROUNDS_MAX = 201, ARGUMENTS_MAX = 8, ARGUMENT_SIZE = 64, DAY_SEC = 86400, MONTHS = 60 };

struct command {
    const char *database, *report, *json;
    unsigned rounds;
};

/* What the questions are about, taken from the database. */
struct subject {
    sqlite3 *db; /* stays open, as pdttd's does: the log's index lives as long as somebody has it open */
    struct calendar *calendar;
    char user[ARGUMENT_SIZE];
    int64_t first_raw_sec, last_sec;
};

enum question_id { START, USER_30_DAYS, USER_TREND, MONTH, THIS_MONTH, YESTERDAY, TREND, QUESTIONS };

/* In the arguments: %u the user, %m the last whole month, %n this one, %t that in which the trend begins. */
static const struct question {
    const char *name, *label, *arguments[ARGUMENTS_MAX];
    double target_ms; /* 0: none */
} questions[QUESTIONS] = {
    [START] = {"start", "`--version`: what starting takes", {"--version"}, 0},
    [USER_30_DAYS] = {"user_30_days", "`--user X --since 30d`", {"--user", "%u", "--since", "30d"}, 2},
    [USER_TREND] = {"user_trend",
                    "60 months of a user, `--period month`",
                    {"--user", "%u", "--since", "%t", "--period", "month"},
                    0},
    [MONTH] = {"month",
               "a month, all users x projects",
               {"--since", "%m", "--until", "%m", "--by", "user,project"},
               45},
    [THIS_MONTH] = {"this_month",
                    "this month until now, all users x projects",
                    {"--since", "%n", "--by", "user,project"},
                    0},
    [YESTERDAY] = {"yesterday",
                   "yesterday, all users x projects",
                   {"--since", "yesterday", "--until", "yesterday", "--by", "user,project"},
                   0},
    [TREND] = {"trend", "60 months, `--period month`", {"--since", "%t", "--period", "month"}, 100},
};

struct answer {
    double ms[ROUNDS_MAX];
};

/* ---- options ---- */

COMMAND_TEXT(database, database)
COMMAND_TEXT(report, report)
COMMAND_TEXT(json, json)
COMMAND_NUMBER(rounds, rounds, 1, ROUNDS_MAX)

#define USAGE                                                                                                          \
    "report_speed --database FILE --report PROGRAM --json FILE [--rounds N]\nHow long pdtt-report takes to answer "    \
    "from a large database."

static const struct option_row rows[] = {
    {"database", 0, "FILE", "made by make_database a moment ago", NULL, set_database},
    {"report", 0, "PROGRAM", "the pdtt-report to measure", NULL, set_report},
    {"rounds", 0, "N", "how often each question is asked (31)", NULL, set_rounds},
    {"json", 0, "FILE", "where the figures go", NULL, set_json},
    COMMAND_HELP,
};

/* ---- SQL ---- */

static int fail_sql(sqlite3 *db)
{
    log_error("%s: %s", sqlite3_db_filename(db, "main"), sqlite3_errmsg(db));
    return -EIO;
}

/* The first row: n numbers, then a text if ret_text is given. */
static int ask_sql(sqlite3 *db, const char *sql, int64_t a, int64_t b, const char *text, int64_t *ret, int n,
                   char *ret_text)
{
    sqlite3_stmt *stmt;

    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        return fail_sql(db);
    sqlite3_bind_int64(stmt, 1, a);
    sqlite3_bind_int64(stmt, 2, b);
    sqlite3_bind_text(stmt, 3, text, -1, SQLITE_STATIC);
    int rc = sqlite3_step(stmt);
    for (int i = 0; i < n && rc == SQLITE_ROW; i++)
        ret[i] = sqlite3_column_int64(stmt, i);
    if (ret_text && rc == SQLITE_ROW)
        snprintf(ret_text, ARGUMENT_SIZE, "%s", (const char *)sqlite3_column_text(stmt, n));
    sqlite3_finalize(stmt);
    return rc == SQLITE_ROW ? 0 : fail_sql(db);
}

static int find_subject(const struct command *command, struct subject *ret)
{
    int64_t found[2];
    int r = calendar_open("local", &ret->calendar);

    if (r < 0) {
        log_error("the local time zone cannot be read: %s", strerror(-r));
        return r;
    }
    if (sqlite3_open_v2(command->database, &ret->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        return fail_sql(ret->db);
    r = ask_sql(ret->db,
                "SELECT (SELECT min(start_sec) FROM interval), (SELECT max(end_sec) FROM interval),"
                " (SELECT name FROM user WHERE uid > 0 ORDER BY id LIMIT 1 OFFSET (SELECT count(*) / 2 FROM user))",
                0, 0, NULL, found, 2, ret->user);
    ret->first_raw_sec = found[0];
    ret->last_sec = found[1];
    return r;
}

/* ---- the program ---- */

extern char **environ;

/* month 0 is the one that contains at_sec, 1 the one before. */
static void name_month(const struct calendar *c, int64_t at_sec, int months_before, char ret[static CALENDAR_LABEL_MAX])
{
    int64_t t = calendar_start(c, CALENDAR_MONTH, at_sec);

    while (months_before-- > 0)
        t = calendar_start(c, CALENDAR_MONTH, t - 1);
    calendar_format(c, CALENDAR_MONTH, t, ret);
}

static void expand(const struct subject *s, const char *argument, char ret[static ARGUMENT_SIZE])
{
    if (strcmp(argument, "%u") == 0)
        snprintf(ret, ARGUMENT_SIZE, "%s", s->user);
    else if (strcmp(argument, "%n") == 0)
        name_month(s->calendar, s->last_sec, 0, ret);
    else if (strcmp(argument, "%m") == 0)
        name_month(s->calendar, s->last_sec, 1, ret);
    else if (strcmp(argument, "%t") == 0)
        name_month(s->calendar, s->last_sec, MONTHS - 1, ret);
    else
        snprintf(ret, ARGUMENT_SIZE, "%s", argument);
}

/* Starts the program with its output to fd, waits for its end, and tells how long that took. */
static int run_program(char *const *argv, int fd, double *ret_ms)
{
    posix_spawn_file_actions_t actions;
    int status = 0;
    pid_t pid;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
    int64_t start_ns = clock_boottime_ns();
    int error = posix_spawn(&pid, argv[0], &actions, NULL, argv, environ);
    if (!error && waitpid(pid, &status, 0) < 0)
        error = errno;
    *ret_ms = (double)(clock_boottime_ns() - start_ns) / NSEC_PER_MSEC;
    posix_spawn_file_actions_destroy(&actions);
    if (error || status) {
        log_error("%s %s ... failed: %s", argv[0], argv[1], error ? strerror(error) : "see its line above");
        return -EIO;
    }
    return 0;
}

/* more: arguments after those of the question, NULL terminated; may be NULL. */
static int ask_program(const struct command *command, const struct subject *s, const char *const *arguments,
                       const char *const *more, int fd, double *ret_ms)
{
    char texts[ARGUMENTS_MAX][ARGUMENT_SIZE];
    char *argv[2 * ARGUMENTS_MAX + 4] = {(char *)command->report, "--database", (char *)command->database};
    size_t n = 3;

    for (size_t i = 0; i < ARGUMENTS_MAX && arguments[i]; i++) {
        expand(s, arguments[i], texts[i]);
        argv[n++] = texts[i];
    }
    while (more && *more)
        argv[n++] = (char *)*more++;
    return run_program(argv, fd, ret_ms);
}

static int measure(const struct command *command, const struct subject *s, struct answer *answers)
{
    cleanup_close int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int r = 0;

    /* The first round only warms up. */
    for (unsigned round = 0; round <= command->rounds && r == 0; round++)
        for (int q = 0; q < QUESTIONS && r == 0; q++)
            r = ask_program(command, s, questions[q].arguments, NULL, null, &answers[q].ms[round ? round - 1 : 0]);
    return r;
}

/* ---- the same in plain SQL ---- */

#define RAW                                                                                                            \
    " FROM usage_raw r JOIN interval i ON i.id = r.interval JOIN account a ON a.id = r.account"                        \
    " JOIN user u ON u.id = a.user JOIN project p ON p.id = a.project"                                                 \
    " WHERE i.start_sec >= ?1 AND i.start_sec < ?2"
#define TOTALS(rows) "SELECT sum(tx), sum(rx) FROM (" rows ")"
#define SUMS         "sum(r.tx_bytes) AS tx, sum(r.rx_bytes) AS rx"

enum peer_id { PEER_USER, PEER_UID, PEER_DAY, PEERS };

static const struct peer {
    const char *name, *label, *sql;
    enum question_id question;
    int64_t seconds;
} peers[PEERS] = {
    [PEER_USER] = {"sql_user", "a user by name, 30 days",
                   TOTALS("SELECT p.name, " SUMS RAW " AND u.name = ?3 GROUP BY p.name"), USER_30_DAYS, 30 * DAY_SEC},
    [PEER_UID] = {"sql_uid", "a user by uid, which is in the key, 30 days",
                  TOTALS("SELECT p.name, " SUMS RAW
                         " AND r.uid = (SELECT uid FROM user WHERE name = ?3) GROUP BY p.name"),
                  USER_30_DAYS, 30 * DAY_SEC},
    [PEER_DAY] = {"sql_day", "a day, all users x projects",
                  TOTALS("SELECT u.name, p.name, " SUMS RAW " GROUP BY u.name, p.name"), YESTERDAY, DAY_SEC},
};

/* The totals that the program gives for the same time. */
static int program_totals(const struct command *command, const struct subject *s, const struct peer *peer,
                          int64_t since_sec, int64_t until_sec, int64_t ret[static 2])
{
    static const char *const of_user[ARGUMENTS_MAX] = {"--user", "%u"}, *const of_all[ARGUMENTS_MAX] = {NULL};
    cleanup_fclose FILE *out = tmpfile();
    char since[ARGUMENT_SIZE], until[ARGUMENT_SIZE];
    const char *more[] = {"--since", since, "--until", until, "--format", "json", NULL};
    double ms;

    if (!out)
        return -errno;
    snprintf(since, sizeof(since), "@%lld", (long long)since_sec);
    snprintf(until, sizeof(until), "@%lld", (long long)until_sec);
    int r = ask_program(command, s, strstr(peer->sql, "?3") ? of_user : of_all, more, fileno(out), &ms);
    if (r < 0)
        return r;
    rewind(out);
    json_t *json = json_loadf(out, 0, NULL);
    json_t *totals = json_object_get(json, "totals");
    ret[0] = json_integer_value(json_object_get(totals, "tx_bytes"));
    ret[1] = json_integer_value(json_object_get(totals, "rx_bytes"));
    json_decref(json);
    return 0;
}

/* One run: it takes thousands of times as long, and the answer to the program's figures is a ratio. */
static int measure_peer(const struct command *command, const struct subject *s, const struct peer *peer, double *ret_ms)
{
    /* Off the boundaries of hours, so that the program has to look into every level. */
    int64_t until = s->last_sec - 1230, since = until - peer->seconds, by_sql[2], by_program[2];

    if (since < s->first_raw_sec) {
        log_error("%s has less than %lld days of raw; make it with --raw-days", command->database,
                  (long long)peer->seconds / DAY_SEC + 1);
        return -EINVAL;
    }
    int r = program_totals(command, s, peer, since, until, by_program);
    int64_t start_ns = clock_boottime_ns();
    if (r == 0)
        r = ask_sql(s->db, peer->sql, since, until, s->user, by_sql, 2, NULL);
    *ret_ms = (double)(clock_boottime_ns() - start_ns) / NSEC_PER_MSEC;
    if (r < 0 || (memcmp(by_sql, by_program, sizeof(by_sql)) == 0 && by_sql[0] > 0))
        return r;
    log_error("%s: pdtt-report tells %lld and %lld bytes, SQL over raw %lld and %lld", peer->label,
              (long long)by_program[0], (long long)by_program[1], (long long)by_sql[0], (long long)by_sql[1]);
    return -EPROTO;
}

/* ---- output ---- */

static const char *const tables[] = {"usage_raw", "usage_5min", "usage_hour", "usage_day", "usage_month"};

/* In pages, whose number is in pageno of an aggregate: its pgsize has 32 bits. */
static json_t *level_sizes(sqlite3 *db)
{
    json_t *levels = json_array();

    for (size_t i = 0; i < array_length(tables); i++) {
        int64_t found[2];

        if (ask_sql(db,
                    "SELECT ncell, pageno * (SELECT page_size FROM pragma_page_size) FROM dbstat WHERE name = ?3 AND "
                    "aggregate = 1",
                    0, 0, tables[i], found, 2, NULL) < 0) {
            json_decref(levels);
            return NULL;
        }
        double each = (double)found[1] / (double)(found[0] ? found[0] : 1);
        printf("    %-12s %10lld rows of %.1f bytes\n", tables[i], (long long)found[0], each);
        json_array_append_new(levels, json_pack("{s:s, s:I, s:f}", "table", tables[i], "rows", (json_int_t)found[0],
                                                "bytes_per_row", each));
    }
    return levels;
}

static json_t *json_of_answer(const struct question *q, struct answer *a, unsigned rounds)
{
    struct spread ms = sample_spread(a->ms, rounds);

    printf("    %-45s %8.2f ms (quartiles %.2f %.2f)\n", q->label, ms.median, ms.low, ms.high);
    return json_pack("{s:s, s:s, s:f, s:f, s:f, s:f}", "name", q->name, "label", q->label, "target_ms", q->target_ms,
                     "median_ms", ms.median, "low_ms", ms.low, "high_ms", ms.high);
}

static json_t *json_of_peer(const struct peer *p, double ms, struct answer *answers, unsigned rounds)
{
    double program_ms = sample_spread(answers[p->question].ms, rounds).median;

    printf("    SQL over raw, %-31s %8.0f ms, %.0f times as long\n", p->label, ms, ms / program_ms);
    return json_pack("{s:s, s:s, s:s, s:f, s:f}", "name", p->name, "label", p->label, "question",
                     questions[p->question].name, "ms", ms, "times", ms / program_ms);
}

static int write_json(const struct command *command, json_t *json)
{
    int r = json_dump_file(json, command->json, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) < 0 ? -EIO : 0;

    if (r < 0)
        log_error("cannot write %s", command->json);
    return r;
}

static int run(const struct command *command, struct subject *s, struct answer *answers)
{
    double peer_ms[PEERS];
    json_t *levels = level_sizes(s->db), *of_questions = json_array(), *of_peers = json_array();
    int r = levels ? 0 : -EIO;

    for (int p = 0; p < PEERS && r == 0; p++)
        r = measure_peer(command, s, &peers[p], &peer_ms[p]);
    if (r == 0)
        r = measure(command, s, answers);
    for (int q = 0; q < QUESTIONS && r == 0; q++)
        json_array_append_new(of_questions, json_of_answer(&questions[q], &answers[q], command->rounds));
    for (int p = 0; p < PEERS && r == 0; p++)
        json_array_append_new(of_peers, json_of_peer(&peers[p], peer_ms[p], answers, command->rounds));
    json_t *json = json_pack("{s:i, s:o*, s:o, s:o}", "rounds", (int)command->rounds, "levels", levels, "questions",
                             of_questions, "peers", of_peers);
    if (r == 0)
        r = write_json(command, json);
    json_decref(json);
    return r;
}

int main(int argc, char **argv)
{
    struct command command = {.rounds = 31};
    struct subject subject = {0};
    static struct answer answers[QUESTIONS];

    log_init("report_speed");
    command_read(rows, array_length(rows), argc, argv, USAGE, &command);
    if (!command.database || !command.report || !command.json)
        command_incomplete(rows, array_length(rows), USAGE);
    int r = find_subject(&command, &subject);
    if (r == 0)
        r = run(&command, &subject, answers);
    sqlite3_close(subject.db);
    calendar_close(subject.calendar);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
