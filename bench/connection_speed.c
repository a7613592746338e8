/*
 * What connections cost in the store: bytes of each, the time to book them, and how long pdtt-report takes to answer from
 * them, its start included. The site: so many connections a day of 50 users, most of them over within seconds, some that
 * stay open all the time and never rest. Prints a table; nothing but the directory that is named is touched.
 */
#include "bench/command.h"
#include "bench/sample.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "sql/store.h"

#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { INTERVAL_SEC = 60, DAY_SEC = 86400, USERS = 50, REMOTES = 2000, OPEN_MOST = 4000, ROUNDS = 21, ARGUMENTS = 6 };

struct command {
    const char *directory, *report;
    unsigned days, per_day, open;
};

struct site {
    struct store *store;
    const struct command *command;
    struct store_connection *all; /* those that stay first */
    char (*cgroups)[64];
    struct store_usage usage[USERS]; /* of the interval */
    uint64_t cookie, epoch;
    double *book_ms;
    size_t n_booked;
};

static const char *const questions[][ARGUMENTS] = {
    {"--by", "user", "--since", "1d"},    {"--by", "process", "--since", "1d"},
    {"--by", "remote", "--since", "1d"},  {"--by", "user,process,remote", "--since", "1d"},
    {"--by", "process", "--since", "6d"}, {"--connections", "--top", "20", "--since", "1d"},
};

extern char **environ;

/* ---- options ---- */

COMMAND_TEXT(directory, directory)
COMMAND_TEXT(report, report)
COMMAND_NUMBER(days, days, 1, 365)
COMMAND_NUMBER(per_day, per_day, 1, 1000000)
COMMAND_NUMBER(open, open, 1, OPEN_MOST)

#define USAGE                                                                                                          \
    "connection_speed --directory DIR --report PROGRAM [--days N] [--per-day N] [--open N]\nWhat records of "          \
    "connections cost in the store."

static const struct option_row rows[] = {
    {"directory", 0, "DIR", "where the database is made; it must not hold one", NULL, set_directory},
    {"report", 0, "PROGRAM", "the pdtt-report to measure", NULL, set_report},
    {"days", 0, "N", "days until now (7)", NULL, set_days},
    {"per-day", 0, "N", "connections that begin in a day (5000)", NULL, set_per_day},
    {"open", 0, "N", "connections that stay open and move something in each minute (200)", NULL, set_open},
    COMMAND_HELP,
};

/* ---- the site ---- */

static int64_t chance(int64_t most)
{
    return random() % most;
}

static void begin(struct site *s, struct store_connection *c, char *cgroup, int64_t at_sec)
{
    static const char *const comms[] = {"rsync",   "sshd", "curl",           "globus-gridftp-",
                                        "python3", "java", "git-remote-http"};
    int64_t session = chance(400), remote = chance(REMOTES);

    snprintf(cgroup, sizeof(*s->cgroups), "/user.slice/user-%d.slice/session-%d.scope", (int)(60000 + session % USERS),
             (int)session);
    *c = (struct store_connection){
        .cookie = ++s->cookie,
        .started_boot_ns = s->cookie * UINT64_C(17000000123),
        .start_ms = at_sec * 1000,
        .protocol = chance(8) ? 6 : 17,
        .family = AF_INET,
        .initiative = chance(2) ? STORE_INITIATIVE_OUT : STORE_INITIATIVE_IN,
        .local = {192, 0, 2, 1},
        .remote = {198, 51, (unsigned char)(remote / 250), (unsigned char)(remote % 250)},
        .local_port = (uint16_t)(32768 + chance(28000)),
        .remote_port = chance(3) ? 443 : 22,
        .uid = 60000 + session % USERS,
        .gid = 60000 + session % 10,
        .pid = 1000 + chance(4000000),
        .comm = comms[chance(array_length(comms))],
        .cgroup = cgroup,
        .srtt_us = 200 + chance(50000),
    };
}

/* The ledger has a little more than what connections hold. */
static void move(struct site *s, struct store_connection *c, int64_t most)
{
    struct store_usage *usage = &s->usage[c->uid - 60000];
    int64_t tx = chance(most), rx = chance(most);

    c->n.tx_bytes += tx;
    c->n.rx_bytes += rx;
    c->n.tx_packets += tx / 1400 + 1;
    c->n.rx_packets += rx / 1400 + 1;
    c->n.tx_payload_bytes += tx * 96 / 100;
    c->n.rx_payload_bytes += rx * 96 / 100;
    usage->n.tx_bytes += tx + 52;
    usage->n.rx_bytes += rx + 52;
}

static int book(struct site *s, int64_t at_sec, size_t n)
{
    struct store_interval i = {.ledger = 1,
                               .epoch = ++s->epoch,
                               .start_sec = at_sec,
                               .end_sec = at_sec + INTERVAL_SEC,
                               .duration_ms = INTERVAL_SEC * 1000,
                               .connections = s->all,
                               .n_connections = n};

    for (int k = 0; k < USERS; k++) {
        i.counted.tx_bytes += s->usage[k].n.tx_bytes;
        i.counted.rx_bytes += s->usage[k].n.rx_bytes;
    }
    int64_t start = clock_boottime_ns();
    int r = store_book_interval(s->store, &i, s->usage, USERS);
    s->book_ms[s->n_booked++] = (double)(clock_boottime_ns() - start) / NSEC_PER_MSEC;
    if (r < 0)
        log_error("%s", store_why(s->store));
    return r;
}

static int live(struct site *s, int64_t until_sec)
{
    const struct command *c = s->command;
    int64_t start = until_sec - (int64_t)c->days * DAY_SEC, begun = 0;

    for (size_t i = 0; i < c->open; i++)
        begin(s, &s->all[i], s->cgroups[i], start);
    for (int64_t t = start; t < until_sec; t += INTERVAL_SEC) {
        int64_t due = (t + INTERVAL_SEC - start) * c->per_day / DAY_SEC;
        size_t n = c->open;

        for (int k = 0; k < USERS; k++)
            s->usage[k] =
                (struct store_usage){.uid = 60000 + k, .gid = 60000 + k % 10, .protocol = 6, .family = AF_INET};
        for (size_t i = 0; i < c->open; i++)
            move(s, &s->all[i], 2000000);
        for (; begun < due && n < c->open + OPEN_MOST; begun++, n++) {
            begin(s, &s->all[n], s->cgroups[n], t);
            move(s, &s->all[n], chance(20) ? 60000 : 300000000);
            s->all[n].end_ms = (t + 1 + chance(50)) * 1000;
            s->all[n].ended = "closed";
        }
        int r = book(s, t, n);
        if (r < 0)
            return r;
    }
    return store_flush(s->store);
}

static int make(const struct command *c, const char *path)
{
    struct store_policy policy = {.timezone = "UTC", .connections_sec = STORE_FOREVER};
    cleanup_free struct store_connection *all = calloc(c->open + OPEN_MOST, sizeof(*all));
    cleanup_free char(*cgroups)[64] = calloc(c->open + OPEN_MOST, sizeof(*cgroups));
    cleanup_free double *ms = calloc((size_t)c->days * DAY_SEC / INTERVAL_SEC + 1, sizeof(*ms));
    cleanup_free char *why = NULL;
    struct site s = {.command = c, .all = all, .cgroups = cgroups, .book_ms = ms};

    if (!all || !cgroups || !ms)
        return -ENOMEM;
    for (int level = 0; level < STORE_LEVELS; level++)
        policy.retention_sec[level] = level == STORE_RAW ? 2 * DAY_SEC : STORE_FOREVER;
    int r = store_open(path, STORE_WRITE, &s.store, &why);
    if (r == 0)
        r = store_set_policy(s.store, &policy);
    if (r < 0)
        log_error("%s", why ? why : store_why(s.store));
    else
        r = live(&s, clock_realtime_sec() / 300 * 300);
    struct spread spread = sample_spread(ms, s.n_booked);
    store_close(s.store);
    if (r == 0)
        printf("| booking an interval with %u connections that moved and %.1f new ones, durably | %.2f ms | |\n",
               c->open, (double)c->per_day * INTERVAL_SEC / DAY_SEC, spread.median);
    return r;
}

/* ---- reports ---- */

static int run_once(const struct command *c, const char *path, const char *const *question, double *ret_ms,
                    double *ret_cpu_ms)
{
    char *argv[ARGUMENTS + 6] = {(char *)c->report, (char *)"-d", (char *)path};
    posix_spawn_file_actions_t actions;
    int status = 0;
    pid_t pid;

    for (size_t i = 0; i < ARGUMENTS && question[i]; i++)
        argv[3 + i] = (char *)question[i];
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    int64_t start = clock_boottime_ns();
    int error = posix_spawn(&pid, c->report, &actions, NULL, argv, environ);
    struct rusage used = {0};
    if (!error && wait4(pid, &status, 0, &used) < 0)
        error = errno;
    *ret_cpu_ms = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
                  (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
    *ret_ms = (double)(clock_boottime_ns() - start) / NSEC_PER_MSEC;
    posix_spawn_file_actions_destroy(&actions);
    if (!error && !status)
        return 0;
    log_error("%s failed: %s", c->report, error ? strerror(error) : "see its line above");
    return -EIO;
}

static int measure(const struct command *c, const char *path)
{
    for (size_t q = 0; q < array_length(questions); q++) {
        double ms[ROUNDS], cpu_ms[ROUNDS];
        for (size_t i = 0; i < ROUNDS; i++) {
            int r = run_once(c, path, questions[q], &ms[i], &cpu_ms[i]);
            if (r < 0)
                return r;
        }
        struct spread spread = sample_spread(ms, ROUNDS);
        printf("| `");
        for (size_t i = 0; i < ARGUMENTS && questions[q][i]; i++)
            printf("%s%s", i ? " " : "", questions[q][i]);
        printf("` | %.0f ms (%.0f to %.0f) | %.0f ms |\n", spread.median, spread.low, spread.high,
               sample_spread(cpu_ms, ROUNDS).median);
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct command c = {.days = 7, .per_day = 5000, .open = 200};
    cleanup_free char *path = NULL;
    struct stat st;

    log_init("connection_speed");
    command_read(rows, array_length(rows), argc, argv, USAGE, &c);
    if (!c.directory || !c.report) {
        log_error("--directory and --report are needed");
        return 2;
    }
    if (asprintf(&path, "%s/pdtt.db", c.directory) < 0)
        return EXIT_FAILURE;
    if (stat(path, &st) == 0) {
        log_error("%s is there already; name an empty directory", path);
        return EXIT_FAILURE;
    }
    printf("| %u days, %u connections a day, %u always open | time | of the processor |\n|---|---|---|\n", c.days,
           c.per_day, c.open);
    if (make(&c, path) < 0 || stat(path, &st) < 0)
        return EXIT_FAILURE;
    printf("| database | %.1f MB | |\n", (double)st.st_size / 1e6);
    return measure(&c, path) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
