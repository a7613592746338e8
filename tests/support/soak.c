/*
 * soak DATABASE INTERVALS: drains and books that many intervals as pdttd does, from a ledger that is filled as if accounts had
 * been active, by a clock that goes ten seconds each time. Prints what was moved, and what memory it had after a tenth of them
 * and at the end; fails if that has grown. For valgrind, and for what would take a pdttd weeks.
 */
#include "bench/filling.h"
#include "collector/drain.h"
#include "common/cleanup.h"
#include "common/clock.h"

#include <inttypes.h>
#include <malloc.h>
#include <string.h>

enum { ACCOUNTS = 20, INTERVAL_SEC = 10, MOST_GROWN_HEAP = 256 << 10, MOST_GROWN_RSS = 4 << 20 };

/* ---- the clock, in place of common/clock.c's */

static int64_t now_ns = 1700000000 * NSEC_PER_SEC, booted_ns = 1690000000 * NSEC_PER_SEC;

int64_t __wrap_clock_realtime_ns(void);
int64_t __wrap_clock_realtime_sec(void);
int64_t __wrap_clock_boottime_ns(void);

int64_t __wrap_clock_realtime_ns(void)
{
    return now_ns;
}
int64_t __wrap_clock_realtime_sec(void)
{
    return now_ns / NSEC_PER_SEC;
}
int64_t __wrap_clock_boottime_ns(void)
{
    return now_ns - booted_ns;
}

/* ---- memory ---- */

struct memory {
    uint64_t heap, rss; /* bytes: allocated, and resident of the process's own */
};

static struct memory memory_now(void)
{
    cleanup_fclose FILE *status = fopen("/proc/self/status", "re");
    struct memory ret = {.heap = mallinfo2().uordblks + mallinfo2().hblkhd};
    char line[128];

    while (status && fgets(line, sizeof(line), status))
        if (sscanf(line, "RssAnon: %" SCNu64, &ret.rss) == 1)
            break;
    ret.rss *= 1024;
    return ret;
}

/* ---- intervals ---- */

static uint64_t sent; /* as the store was told, of all intervals */

static void note_booked(const struct store_interval *interval, const struct store_usage *rows, size_t n, void *userdata)
{
    sent += (uint64_t)interval->counted.tx_bytes;
}

static int drain_one(struct filling *f, const struct drain *d)
{
    const struct drain_settings settings = {.generation = 1};
    int r = filling_fill(f);

    now_ns += INTERVAL_SEC * NSEC_PER_SEC;
    return r < 0 ? r : drain_interval(d, &settings);
}

static int soak(struct filling *f, struct store *s, long n, struct memory *ret_early)
{
    const struct drain d = {.ledger = filling_ledger(f), .store = s, .booked = note_booked};
    int r = 0;

    for (long i = 0; i < n && r == 0; i++) {
        r = drain_one(f, &d);
        if (i == n / 10)
            *ret_early = memory_now();
    }
    return r < 0 ? r : store_flush(s);
}

static int judge(long n, const struct memory *early)
{
    const struct memory late = memory_now();
    bool flat = late.heap <= early->heap + MOST_GROWN_HEAP && late.rss <= early->rss + MOST_GROWN_RSS;

    printf("%ld intervals, %" PRIu64 " bytes sent; after a tenth of them heap %" PRIu64 " KiB, resident %" PRIu64
           " KiB; at the end %" PRIu64 " KiB, %" PRIu64 " KiB\n",
           n, sent, early->heap >> 10, early->rss >> 10, late.heap >> 10, late.rss >> 10);
    return flat ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    cleanup_free char *why = NULL;
    struct filling *f = NULL;
    struct store *s = NULL;
    struct memory early = {};
    long n = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
    int r = n > 0 ? store_open(argv[1], STORE_WRITE, &s, &why) : -EINVAL, ret = EXIT_FAILURE;

    if (r == 0)
        r = filling_open(ACCOUNTS, 0, &f, &why);
    if (r == 0)
        r = soak(f, s, n, &early);
    if (r == 0)
        ret = judge(n, &early);
    else
        fprintf(stderr, "soak: %s\n", why ? why : s && *store_why(s) ? store_why(s) : strerror(-r));
    filling_close(f);
    store_close(s);
    return ret;
}
