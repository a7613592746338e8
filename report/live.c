#include "report/report.h"

#include "common/cleanup.h"
#include "common/clock.h"

#include <poll.h>
#include <signal.h>
#include <time.h>

#define CLEAR "\033[H\033[2J"

static volatile sig_atomic_t asked_to_stop;

static void ask_to_stop(int signal)
{
    asked_to_stop = 1;
}

static void set_handlers(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/*
 * Sleeps until the wall clock's next multiple of every_sec, as the collector books, or a signal. Both signals are
 * blocked elsewhere, so that none is lost between the look at asked_to_stop and the sleep.
 */
static void sleep_until_next(unsigned every_sec, const sigset_t *unblocked)
{
    int64_t now = clock_realtime_ns(), left = clock_next_multiple(now, every_sec * NSEC_PER_SEC) - now;
    struct timespec rest = {.tv_sec = left / NSEC_PER_SEC, .tv_nsec = left % NSEC_PER_SEC};

    ppoll(NULL, 0, &rest, unblocked);
}

static int write_all(const struct report_options *o, const sigset_t *unblocked, FILE *out, live_look_fn look,
                     void *userdata)
{
    bool terminal = fileno(out) >= 0 && isatty(fileno(out));

    for (size_t n = 1; !asked_to_stop; n++) {
        int r;

        if (terminal)
            fputs(CLEAR, out);
        else if (n > 1 && (o->output == &output_table || o->graph))
            fputc('\n', out);
        r = look(o, out, userdata);
        if (r < 0 || n == o->count)
            return r;
        sleep_until_next(o->every_sec, unblocked);
    }
    return 0;
}

int live_repeat(const struct report_options *o, FILE *out, live_look_fn look, void *userdata)
{
    struct report_options live = *o;
    sigset_t stopping, before;
    int r;

    if (!live.since)
        live.since = "today";
    sigemptyset(&stopping);
    sigaddset(&stopping, SIGINT);
    sigaddset(&stopping, SIGTERM);
    sigprocmask(SIG_BLOCK, &stopping, &before);
    asked_to_stop = 0;
    set_handlers(ask_to_stop);
    r = write_all(&live, &before, out, look, userdata);
    set_handlers(SIG_DFL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return r;
}

struct reading {
    struct store *store;
    const struct calendar *cal;
    char **ret_why;
};

static int look_into_store(const struct report_options *o, FILE *out, void *userdata)
{
    const struct reading *reading = userdata;

    return report_write(reading->store, reading->cal, clock_realtime_sec(), o, out, reading->ret_why);
}

int live_run(struct store *s, const struct calendar *cal, const struct report_options *o, FILE *out, char **ret_why)
{
    struct reading reading = {s, cal, ret_why};

    return live_repeat(o, out, look_into_store, &reading);
}
