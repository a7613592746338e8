/* What draining the ledger costs, step by step: the collector's own functions on a ledger of real maps and a store on
 * disk. */
#include "bench/command.h"
#include "bench/filling.h"
#include "bench/lock_time.h"
#include "bench/sample.h"
#include "collector/drain.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"

#include <jansson.h>
#include <string.h>
#include <time.h>

/* Of a large ledger fewer rounds do: it is filled anew for each, and the machine's noise is a smaller part of it. */
enum { ROUNDS_MAX = 101, INTERVAL_SEC = 10, LARGE = 1000000, LARGE_ROUNDS = 5 };
enum step { STEP_SWAP, STEP_READ, STEP_BOOK, STEP_CLEAR, STEP_ALL, STEP_CPU, STEPS };

static const char *const step_names[STEPS] = {"swap", "read", "book", "clear", "all", "cpu"};
static const uint32_t sizes[] = {1000, 10000, 100000, LARGE};

struct command {
    const char *directory, *json;
    unsigned rounds, most;
};

struct drain_costs {
    uint32_t accounts;
    unsigned rounds;
    double ms[STEPS][ROUNDS_MAX];
    double first_ms; /* all steps of the first drain, which meets every account anew */
    double lock_ms;  /* the writer's lock, once */
    uint64_t kernel_bytes, user_bytes;
};

/* ---- options ---- */

COMMAND_TEXT(directory, directory)
COMMAND_TEXT(json, json)
COMMAND_NUMBER(rounds, rounds, 1, ROUNDS_MAX)
COMMAND_NUMBER(most, most, sizes[0], LARGE)

#define USAGE                                                                                                          \
    "drain_cost --directory DIR --json FILE [--rounds N] [--most N]\nWhat draining the ledger costs, step by step. "   \
    "Root."

static const struct option_row rows[] = {
    {"directory", 0, "DIR", "where the database is made", NULL, set_directory},
    {"rounds", 0, "N", "how often each ledger is drained", NULL, set_rounds},
    {"most", 0, "N", "accounts of the largest ledger (1000000)", NULL, set_most},
    {"json", 0, "FILE", "where the figures go", NULL, set_json},
    COMMAND_HELP,
};

/* ---- one drain ---- */

/* Ends a step: notes the time since the last one ended. */
static void lap(int64_t *at_ns, double *ret_ms)
{
    int64_t now_ns = clock_boottime_ns();

    *ret_ms = (double)(now_ns - *at_ns) / NSEC_PER_MSEC;
    *at_ns = now_ns;
}

static int book(struct ledger *ledger, int half, struct store *store, const struct ledger_row *rows_read, size_t n,
                const struct ledger_row *counted)
{
    const struct pdtt_epoch *epoch = ledger_epoch(ledger, half);
    cleanup_free struct store_usage *usage = calloc(n, sizeof(*usage));
    struct store_usage sum;
    struct store_interval interval = {
        .ledger = ledger_layout(ledger)->ledger,
        .epoch = epoch->epoch,
        .start_sec = epoch->start_ns / NSEC_PER_SEC,
        .end_sec = epoch->start_ns / NSEC_PER_SEC + INTERVAL_SEC,
        .duration_ms = INTERVAL_SEC * 1000,
    };

    if (!usage)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        drain_usage_of_row(&rows_read[i], &usage[i]);
    drain_usage_of_row(counted, &sum);
    interval.counted = sum.n;
    return store_book_interval(store, &interval, usage, n);
}

/* What all of it takes of a core, which a busy machine or a slow disk does not change. */
static double cpu_ms(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)(used.tv_sec * NSEC_PER_SEC + used.tv_nsec) / NSEC_PER_MSEC;
}

/* The steps of drain_interval() one after the other, so that each can be timed. */
static int drain_once(struct ledger *ledger, struct store *store, uint32_t accounts, double ret_ms[static STEPS])
{
    int half = ledger_active(ledger), r;
    const struct pdtt_epoch *epoch = ledger_epoch(ledger, half);
    struct ledger_start next = {.epoch = epoch->epoch + 1, .start_ns = epoch->start_ns + INTERVAL_SEC * NSEC_PER_SEC};
    cleanup_free struct ledger_row *rows_read = NULL;
    struct ledger_row counted;
    size_t n = 0;
    int64_t at_ns = clock_boottime_ns(), start_ns = at_ns;
    double cpu_start_ms = cpu_ms();

    r = ledger_swap(ledger, &next);
    lap(&at_ns, &ret_ms[STEP_SWAP]);
    if (r == 0)
        r = ledger_read(ledger, half, &rows_read, &n, &counted);
    lap(&at_ns, &ret_ms[STEP_READ]);
    if (r == 0)
        r = n == accounts ? book(ledger, half, store, rows_read, n, &counted) : -EPROTO;
    lap(&at_ns, &ret_ms[STEP_BOOK]);
    if (r == 0)
        r = ledger_clear(ledger, half);
    lap(&at_ns, &ret_ms[STEP_CLEAR]);
    lap(&start_ns, &ret_ms[STEP_ALL]);
    ret_ms[STEP_CPU] = cpu_ms() - cpu_start_ms;
    return r;
}

/* What the process has for itself, the mapped ledger not counted. */
static uint64_t anonymous_bytes(void)
{
    cleanup_fclose FILE *status = fopen("/proc/self/status", "re");
    unsigned long kib = 0;
    char line[128];

    while (status && fgets(line, sizeof(line), status))
        if (sscanf(line, "RssAnon: %lu kB", &kib) == 1)
            break;
    return (uint64_t)kib * 1024;
}

static int drain_rounds(struct filling *filling, struct store *store, struct drain_costs *costs)
{
    double ms[STEPS];

    for (unsigned round = 0; round <= costs->rounds; round++) {
        int r = filling_fill(filling);

        if (r == 0)
            r = drain_once(filling_ledger(filling), store, costs->accounts, ms);
        if (r < 0)
            return r;
        if (round == 0)
            costs->first_ms = ms[STEP_ALL];
        for (int step = 0; step < STEPS && round > 0; step++)
            costs->ms[step][round - 1] = ms[step];
    }
    costs->kernel_bytes = filling_kernel_bytes(filling);
    costs->user_bytes = anonymous_bytes();
    return 0;
}

static int drain_watched(struct filling *filling, struct store *store, struct drain_costs *costs)
{
    double ms[STEPS];
    int r = filling_fill(filling);

    if (r < 0)
        return r;
    lock_time_start();
    r = drain_once(filling_ledger(filling), store, costs->accounts, ms);
    costs->lock_ms = lock_time_stop_ms() - ms[STEP_CLEAR];
    return r;
}

static int measure(const struct command *command, struct drain_costs *costs)
{
    struct filling *filling = NULL;
    struct store *store = NULL;
    cleanup_free char *why = NULL, *path = NULL;
    int r = asprintf(&path, "%s/drain-%u.db", command->directory, costs->accounts) < 0 ? -ENOMEM : 0;

    if (r == 0)
        r = store_open(path, STORE_WRITE, &store, &why);
    if (r == 0)
        r = filling_open(costs->accounts, 0, &filling, &why);
    if (r == 0)
        r = drain_rounds(filling, store, costs);
    if (r == 0)
        r = drain_watched(filling, store, costs);
    if (r < 0)
        log_error("cannot drain %u accounts: %s", costs->accounts,
                  why                          ? why
                  : store && *store_why(store) ? store_why(store)
                                               : strerror(-r));
    filling_close(filling);
    store_close(store);
    return r;
}

/* ---- output ---- */

static void print_costs(struct drain_costs *costs)
{
    printf("%u accounts, first time %.1f ms, then:\n", costs->accounts, costs->first_ms);
    for (int step = 0; step < STEPS; step++) {
        struct spread ms = sample_spread(costs->ms[step], costs->rounds);

        printf("    %-6s %9.3f ms (quartiles %.3f %.3f), %7.3f us an account\n", step_names[step], ms.median, ms.low,
               ms.high, ms.median * 1000 / costs->accounts);
    }
    printf("    writer lock %.1f ms; kernel %.1f MiB, pdttd's own %.1f MiB\n", costs->lock_ms,
           (double)costs->kernel_bytes / (1 << 20), (double)costs->user_bytes / (1 << 20));
    fflush(stdout);
}

static json_t *json_of_costs(struct drain_costs *costs)
{
    json_t *steps = json_object();

    for (int step = 0; step < STEPS; step++) {
        struct spread ms = sample_spread(costs->ms[step], costs->rounds);

        json_object_set_new(steps, step_names[step],
                            json_pack("{s:f, s:f, s:f}", "median_ms", ms.median, "low_ms", ms.low, "high_ms", ms.high));
    }
    return json_pack("{s:i, s:i, s:f, s:f, s:I, s:I, s:o}", "accounts", (int)costs->accounts, "rounds",
                     (int)costs->rounds, "first_ms", costs->first_ms, "lock_ms", costs->lock_ms, "kernel_bytes",
                     (json_int_t)costs->kernel_bytes, "user_bytes", (json_int_t)costs->user_bytes, "steps", steps);
}

static int run(const struct command *command)
{
    json_t *all = json_array();
    int r = lock_time_watch();

    for (size_t i = 0; i < array_length(sizes) && sizes[i] <= command->most && r == 0; i++) {
        static struct drain_costs costs; /* large */

        costs = (struct drain_costs){.accounts = sizes[i], .rounds = command->rounds};
        if (sizes[i] == LARGE && costs.rounds > LARGE_ROUNDS)
            costs.rounds = LARGE_ROUNDS;

        r = measure(command, &costs);
        if (r < 0)
            break;
        print_costs(&costs);
        json_array_append_new(all, json_of_costs(&costs));
    }
    all = json_pack("{s:i, s:i, s:o}", "rounds", (int)command->rounds, "interval_sec", INTERVAL_SEC, "drains", all);
    if (r == 0 && json_dump_file(all, command->json, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) < 0) {
        log_error("cannot write %s", command->json);
        r = -EIO;
    }
    json_decref(all);
    return r;
}

int main(int argc, char **argv)
{
    struct command command = {.rounds = 9, .most = LARGE};

    log_init("drain_cost");
    command_read(rows, array_length(rows), argc, argv, USAGE, &command);
    if (!command.directory || !command.json)
        command_incomplete(rows, array_length(rows), USAGE);
    return run(&command) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
