#include "config.h"

#include "common/calendar.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "report/fullscreen.h"
#include "report/remote.h"
#include "report/report.h"

#include <locale.h>
#include <string.h>

/* Part of the contract with scripts. */
enum { EXIT_USAGE = 2, EXIT_EXCEEDED = 3 };

static int finish(int r, const char *why)
{
    if (r >= 0)
        return r == REPORT_EXCEEDED ? EXIT_EXCEEDED : EXIT_SUCCESS;
    if (r != -EPIPE) /* "pdtt-report | head" has what it wanted */
        log_error("%s", why ? why : strerror(-r));
    return r == -EINVAL ? EXIT_USAGE : EXIT_FAILURE;
}

/* ---- pdtt-serve ---- */

struct asking {
    struct remote *remote;
    char **why;
};

static int look_at_remote(const struct report_options *o, FILE *out, void *userdata)
{
    const struct asking *asking = userdata;

    return remote_write(asking->remote, o, out, asking->why);
}

/* closed: why the database cannot be read, NULL if it was not tried. */
static int run_remote(int argc, char **argv, const struct report_options *o, const char *closed)
{
    cleanup_free char *why = NULL;
    struct remote *remote = NULL;
    struct asking asking = {.why = &why};
    int r = remote_open(argc, argv, o, &remote, &why);

    asking.remote = remote;
    if (r >= 0)
        r = o->live ? live_repeat(o, stdout, look_at_remote, &asking) : look_at_remote(o, stdout, &asking);
    remote_close(remote);
    if ((r == -ECONNREFUSED || r == -ENOTSUP) && closed)
        log_error("%s; and %s", closed, why ? why : strerror(-r));
    else
        return finish(r, why);
    return EXIT_FAILURE;
}

/* ---- the database ---- */

static int run_store(struct store *s, const struct report_options *o)
{
    cleanup_free char *why = NULL;
    struct calendar *cal = NULL;
    int r = report_open_calendar(s, &cal, &why);

    if (r < 0)
        log_error("%s", why ? why : strerror(-r));
    else
        r = o->live ? live_run(s, cal, o, stdout, &why) : report_write(s, cal, clock_realtime_sec(), o, stdout, &why);
    calendar_close(cal);
    return !cal ? EXIT_FAILURE : finish(r, why);
}

/* Not for a database that is broken or of another version: whoever may read it should know. */
static bool is_closed(int r)
{
    return r == -EACCES || r == -ENOENT;
}

static int run(int argc, char **argv, const struct report_options *o)
{
    cleanup_free char *why = NULL;
    struct store *s = NULL;
    int r, status;

    if (o->live)
        fullscreen_try(o);
    if (o->asks == REPORT_ASKS_SOCKET)
        return run_remote(argc, argv, o, NULL);
    r = store_open(o->database, STORE_READ, &s, &why);
    if (r < 0 && o->asks == REPORT_ASKS_EITHER && is_closed(r))
        return run_remote(argc, argv, o, why);
    if (r < 0)
        return finish(r == -EINVAL ? -EIO : r, why); /* of a file, not of the command line */
    status = run_store(s, o);
    store_close(s);
    return status;
}

/* What --help and --version print can meet a full disk too. */
static int print_and_flush(bool version)
{
    if (version)
        puts("pdtt-report " PACKAGE_VERSION);
    else
        report_print_help(stdout);
    return finish(fflush(stdout) == 0 ? 0 : -errno, NULL);
}

int main(int argc, char **argv)
{
    const struct report_environment environment = {getenv("PDTT_DATABASE"), getenv("PDTT_SOCKET")};
    struct report_options o;
    int status;

    setlocale(LC_CTYPE, ""); /* widths of names in a table; numbers stay as they are */
    log_init("pdtt-report");
    if (report_options_parse(argc, argv, &environment, &o) < 0)
        status = EXIT_USAGE;
    else if (o.help || o.version)
        status = print_and_flush(o.version);
    else
        status = run(argc, argv, &o);
    report_options_done(&o);
    return status;
}
