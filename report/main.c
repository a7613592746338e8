#include "config.h"

#include "common/calendar.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
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

/* Days and months are those of the site that keeps the database, whoever asks from wherever. */
static int open_calendar(struct store *s, struct calendar **ret_cal)
{
    const char *zone = store_zone(s);
    int r;

    if (!*zone)
        zone = "local"; /* nothing was booked yet */
    r = calendar_open(zone, ret_cal);
    if (r < 0)
        log_error("time zone '%s' of the database: %s; is tzdata installed?", zone, strerror(-r));
    return r;
}

static int run(const struct report_options *o)
{
    cleanup_free char *why = NULL;
    struct calendar *cal = NULL;
    struct store *s = NULL;
    int status = EXIT_FAILURE, r = store_open(o->database, STORE_READ, &s, &why);

    if (r < 0)
        return finish(r == -EINVAL ? -EIO : r, why); /* of a file, not of the command line */
    if (open_calendar(s, &cal) >= 0) {
        r = o->live ? live_run(s, cal, o, stdout, &why) : report_write(s, cal, clock_realtime_sec(), o, stdout, &why);
        status = finish(r, why);
    }
    calendar_close(cal);
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
    struct report_options o;
    int status;

    setlocale(LC_CTYPE, ""); /* widths of names in a table; numbers stay as they are */
    log_init("pdtt-report");
    if (report_options_parse(argc, argv, getenv("PDTT_DATABASE"), &o) < 0)
        status = EXIT_USAGE;
    else if (o.help || o.version)
        status = print_and_flush(o.version);
    else
        status = run(&o);
    report_options_done(&o);
    return status;
}
