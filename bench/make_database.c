/* A database as a site's has it after years, made in minutes: five levels that agree, each as long as it would be kept.
 */
#include "bench/command.h"
#include "bench/levels.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"

#include <string.h>
#include <sys/statvfs.h>

enum { DAY_SEC = 86400, KEEP_5MIN_DAYS = 14, KEEP_HOUR_DAYS = 90, KEEP_DAY_MONTHS = 36 };
/* For what it takes on disk at most. */
enum { RAW_ROW_BYTES = 42, SUM_ROW_BYTES = 60, INTERVAL_BYTES = 120 };

struct command {
    const char *database, *timezone;
    int64_t users, months, raw_days, raw_rows, interval_sec, until_sec;
};

/* ---- options ---- */

/* A number from least to most, in millions with an M, in thousands with a k. */
static int set_number(const char *argument, int64_t least, int64_t most, int64_t *ret)
{
    char *end;
    int64_t n = strtoll(argument, &end, 10);
    int64_t unit = *end == 'M' ? 1000000 : *end == 'k' ? 1000 : 1;

    if (end == argument || (unit > 1 && *++end) || *end || n < 0 || n > most / unit || n * unit < least)
        return options_complain("is not a number from %lld to %lld", (long long)least, (long long)most);
    *ret = n * unit;
    return 0;
}

static int set_database(void *target, const char *argument)
{
    ((struct command *)target)->database = argument;
    return 0;
}

static int set_timezone(void *target, const char *argument)
{
    ((struct command *)target)->timezone = argument;
    return 0;
}

static int set_users(void *target, const char *argument)
{
    return set_number(argument, 2, 1000000, &((struct command *)target)->users);
}

static int set_months(void *target, const char *argument)
{
    return set_number(argument, 2, 1200, &((struct command *)target)->months);
}

static int set_rows(void *target, const char *argument)
{
    return set_number(argument, 1, INT64_C(10000000000), &((struct command *)target)->raw_rows);
}

static int set_raw_days(void *target, const char *argument)
{
    return set_number(argument, 1, 366, &((struct command *)target)->raw_days);
}

static int set_until(void *target, const char *argument)
{
    return set_number(argument, 1000000000, INT64_C(10000000000), &((struct command *)target)->until_sec);
}

static int set_small(void *target, const char *argument)
{
    struct command *c = target;

    c->users = 100;
    c->raw_rows = 500000;
    c->interval_sec = 60;
    return 0;
}

#define USAGE "make_database --database FILE [OPTION]...\nMakes a database as a site's has it after years."

static const struct option_row rows[] = {
    {"database", 0, "FILE", "which to create", NULL, set_database},
    {"small", 0, NULL, "100 users, intervals of a minute, half a million rows; for a try, in seconds", NULL, set_small},
    {"users", 0, "N", "how many users there are, with six accounts each (1000)", NULL, set_users},
    {"months", 0, "N", "for how long they have been counted (60)", NULL, set_months},
    {"rows", 0, "N", "rows of the raw level, such as 500k (142M)", NULL, set_rows},
    {"raw-days", 0, "N", "for how long raw is kept (31: longer than the default, for a large database)", NULL,
     set_raw_days},
    {"until", 0, "SECONDS", "the time in UTC seconds since 1970 at which it ends, for the same again (now)", NULL,
     set_until},
    {"timezone", 0, "ZONE", "the site's (local)", NULL, set_timezone},
    COMMAND_HELP,
};

/* ---- what it will be ---- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t months_before(const struct calendar *c, int64_t at_sec, int64_t months)
{
    int64_t t = calendar_start(c, CALENDAR_MONTH, at_sec);

    while (months-- > 0)
        t = calendar_start(c, CALENDAR_MONTH, t - 1);
    return t;
}

static struct levels_plan make_plan(const struct command *command, const struct calendar *c)
{
    int64_t until = command->until_sec - command->until_sec % command->interval_sec;
    struct levels_plan plan = {
        .calendar = c, .until_sec = until, .interval_sec = command->interval_sec, .raw_rows = command->raw_rows};
    int64_t *since = plan.kept_since_sec, first = months_before(c, until, command->months - 1);

    /* No level is kept longer than the next coarser one. */
    since[STORE_MONTH] = first;
    since[STORE_DAY] = months_before(c, until, KEEP_DAY_MONTHS);
    since[STORE_HOUR] = calendar_start(c, CALENDAR_DAY, until - KEEP_HOUR_DAYS * DAY_SEC);
    since[STORE_5MIN] = calendar_start(c, CALENDAR_DAY, until - KEEP_5MIN_DAYS * DAY_SEC);
    since[STORE_RAW] = calendar_start(c, CALENDAR_DAY, until - command->raw_days * DAY_SEC);
    for (int level = STORE_RAW; level < STORE_MONTH; level++) {
        if (since[level] < first)
            since[level] = first;
        since[level + 1] = earlier(since[level], since[level + 1]);
    }
    return plan;
}

/* -ENOSPC rather than a full disk after minutes. */
static int check_space(const struct levels_plan *plan, const char *path, const int64_t expected[static STORE_LEVELS])
{
    cleanup_free char *copy = strdup(path);
    struct statvfs fs;
    char *slash = copy ? strrchr(copy, '/') : NULL;
    int64_t needed = expected[STORE_RAW] * RAW_ROW_BYTES +
                     (plan->until_sec - plan->kept_since_sec[STORE_RAW]) / plan->interval_sec * INTERVAL_BYTES;

    if (slash)
        slash[slash == copy] = '\0';
    for (int level = STORE_5MIN; level < STORE_LEVELS; level++)
        needed += expected[level] * SUM_ROW_BYTES;
    if (!copy || statvfs(slash ? copy : ".", &fs) < 0) {
        log_error("%s cannot be created: %s; name a file in a directory that exists", path, strerror(errno));
        return -errno;
    }
    if ((int64_t)fs.f_bavail * (int64_t)fs.f_frsize > needed)
        return 0;
    log_error("%s may need %lld MB, and its file system has %lld MB left; make room, or use --rows or --small", path,
              (long long)needed / 1000000, (long long)fs.f_bavail * (long long)fs.f_frsize / 1000000);
    return -ENOSPC;
}

/* ---- making it ---- */

struct progress {
    int64_t expected, start_ns;
    int told_percent;
};

static int64_t sum(const int64_t n[static STORE_LEVELS])
{
    int64_t all = 0;

    for (int level = 0; level < STORE_LEVELS; level++)
        all += n[level];
    return all;
}

static void tell(const int64_t done[static STORE_LEVELS], void *userdata)
{
    struct progress *p = userdata;
    int percent = (int)(sum(done) * 100 / p->expected);

    if (percent < p->told_percent + 10)
        return;
    p->told_percent = percent - percent % 10;
    printf("%3d %%: %6.1f million rows of raw, %5.1f of the coarser levels, %.0f s\n", p->told_percent,
           (double)done[STORE_RAW] / 1e6, (double)(sum(done) - done[STORE_RAW]) / 1e6,
           (double)(clock_boottime_ns() - p->start_ns) / NSEC_PER_SEC);
    fflush(stdout);
}

static int fill(const struct levels_plan *plan, struct bulk *bulk, int64_t ret_rows[static STORE_LEVELS])
{
    int r = bulk_put_site(bulk, plan->site, calendar_zone(plan->calendar), plan->kept_since_sec[STORE_MONTH],
                          plan->until_sec, plan->interval_sec);

    if (r == 0)
        r = levels_fill(plan, bulk, ret_rows);
    return r < 0 ? r : bulk_finish(bulk);
}

static int make_in(const struct levels_plan *plan, struct bulk *bulk, const char *path)
{
    int64_t made[STORE_LEVELS];
    int64_t start_ns = ((struct progress *)plan->userdata)->start_ns;
    int r = fill(plan, bulk, made);

    if (r == 0)
        printf("%s: %lld rows of raw, %lld of five minutes, %lld of hours, %lld of days, %lld of months, in %.1f s\n",
               path, (long long)made[STORE_RAW], (long long)made[STORE_5MIN], (long long)made[STORE_HOUR],
               (long long)made[STORE_DAY], (long long)made[STORE_MONTH],
               (double)(clock_boottime_ns() - start_ns) / NSEC_PER_SEC);
    return r;
}

static int make(const struct command *command, struct levels_plan *plan)
{
    struct progress progress = {.start_ns = clock_boottime_ns()};
    int64_t expected[STORE_LEVELS], internal;
    struct bulk *bulk = NULL;
    struct site site = {0};
    int r = site_make((size_t)command->users, STORE_CLASS_LOOPBACK + 1, &site);

    plan->site = &site;
    plan->progress = tell;
    plan->userdata = &progress;
    if (r == 0 && (r = levels_expect(plan, expected)) < 0)
        log_error("%lld users are too few for %lld rows of raw; use more --users or less --rows",
                  (long long)command->users, (long long)command->raw_rows);
    if (r == 0)
        r = check_space(plan, command->database, expected);
    if (r == 0 && (r = bulk_create(command->database, &bulk, &internal)) == 0) {
        progress.expected = sum(expected);
        r = make_in(plan, bulk, command->database);
        bulk_close(bulk);
        if (r < 0)
            unlink(command->database);
    }
    site_done(&site);
    return r;
}

int main(int argc, char **argv)
{
    struct command command = {.timezone = "local",
                              .users = 1000,
                              .months = 60,
                              .raw_days = 31,
                              .raw_rows = 142000000,
                              .interval_sec = 10,
                              .until_sec = clock_realtime_sec()};
    struct calendar *c = NULL;

    log_init("make_database");
    command_read(rows, array_length(rows), argc, argv, USAGE, &command);
    if (!command.database)
        command_incomplete(rows, array_length(rows), USAGE);
    int r = calendar_open(command.timezone, &c);
    if (r < 0) {
        log_error("option --timezone: '%s' cannot be used: %s; name a zone such as Australia/Perth", command.timezone,
                  strerror(-r));
        return 2;
    }
    struct levels_plan plan = make_plan(&command, c);
    r = make(&command, &plan);
    calendar_close(c);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
