/* pdtt-live: who fills the link now, on a full screen. A program of its own, so that reports load no screen library. */
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/options.h"
#include "common/places.h"
#include "live/screen.h"
#include "live/source.h"
#include <config.h>

#include <locale.h>
#include <signal.h>
#include <string.h>

struct command {
    const char *database, *control;
    struct live_state state;
    enum units_style units;
    bool database_given, control_given, help, version;
};

static volatile sig_atomic_t asked_to_stop;

static void ask_to_stop(int signal)
{
    asked_to_stop = 1;
}

/* ---- the table of options ---- */

static int set_database(void *target, const char *argument)
{
    struct command *c = target;

    c->database = argument;
    c->database_given = true;
    return 0;
}

static int set_control(void *target, const char *argument)
{
    struct command *c = target;

    c->control = argument;
    c->control_given = true;
    return 0;
}

static int set_by(void *target, const char *argument)
{
    if (live_heading_find(argument, &((struct command *)target)->state.heading))
        return 0;
    return options_complain("not one of user, project, class, unit, process, remote, connection");
}

static int set_every(void *target, const char *argument)
{
    char *end;
    unsigned long seconds = strtoul(argument, &end, 10);

    if (end == argument || *end || seconds < 1 || seconds > LIVE_SLOWEST_SEC)
        return options_complain("not a number of seconds from 1 to %d", LIVE_SLOWEST_SEC);
    ((struct command *)target)->state.interval_sec = (unsigned)seconds;
    return 0;
}

static int set_units(void *target, const char *argument)
{
    if (units_style_find(argument, &((struct command *)target)->units))
        return 0;
    return options_complain("not one of auto, si, bytes");
}

static int set_version(void *target, const char *argument)
{
    ((struct command *)target)->version = true;
    return 0;
}

static int set_help(void *target, const char *argument)
{
    ((struct command *)target)->help = true;
    return 0;
}

static const struct option_row rows[] = {
    {.group = "What to show"},
    {"by", 'b', "DIM", "begin with a row for each user, project, class, unit, process, remote or connection", NULL,
     set_by},
    {"every", 0, "SEC", "seconds between two looks, 1 to 60 (default: 1)", NULL, set_every},
    {"units", 0, "U", "auto (KiB, MiB, ...), si (kB, MB, ...), bytes", NULL, set_units},
    {.group = "Whom to ask"},
    {"control", 0, "PATH", "pdttd's control socket (default: " DEFAULT_CONTROL ")", NULL, set_control},
    {"database", 'd', "PATH",
     "the database instead, or with --control when pdttd cannot be asked: as fresh as the last booking", NULL,
     set_database},
    {.group = "Other"},
    {"version", 'V', NULL, "print the version", NULL, set_version},
    {"help", 'h', NULL, "print this help", NULL, set_help},
};

/* ---- the loop ---- */

/* pdttd where it may be asked, else the database. What is said of pdttd is kept for when the database fails as well. */
static int open_source(const struct command *c, struct live_source **ret_source, char **ret_why)
{
    cleanup_free char *of_pdttd = NULL;
    cleanup_free char *of_database = NULL;
    int r;

    if ((c->control_given || !c->database_given) && live_source_open_peek(c->control, ret_source, &of_pdttd) == 0)
        return 0;
    r = live_source_open_store(c->database, ret_source, &of_database);
    if (r < 0 && asprintf(ret_why, "%s%s%s", of_pdttd ? of_pdttd : "", of_pdttd ? "; and " : "",
                          of_database ? of_database : strerror(-r)) < 0)
        *ret_why = NULL;
    return r;
}

struct view {
    struct live_model *model;
    struct live_source *source;
    struct live_state state;
    enum units_style units;
    char host[65];
    char *trouble; /* why the last sample failed */
    int64_t next_ns;
};

/* A source that fails for a while is told on the screen, and asked again. */
static int take_sample(struct view *v)
{
    char *why = NULL;
    int r;

    v->source->connections = live_set_of(v->state.heading) == LIVE_CONNECTIONS;
    r = live_source_sample(v->source, v->model, &why);
    if (r == -ENOMEM)
        return r;
    free(v->trouble);
    v->trouble = why;
    return 0;
}

static int draw(struct view *v)
{
    struct live_banner banner = {.host = v->host, .source = v->source->kind->name, .trouble = v->trouble};

    return screen_draw(v->model, &v->state, &banner, v->units);
}

static int wait_ms(const struct view *v, int64_t now_ns)
{
    return v->next_ns > now_ns ? (int)((v->next_ns - now_ns) / NSEC_PER_MSEC) + 1 : 0;
}

/* What connections move is not asked for until somebody wants to see it. */
static void take_key(struct view *v)
{
    enum live_set before = live_set_of(v->state.heading);

    live_state_key(&v->state, screen_key(wait_ms(v, clock_boottime_ns())), screen_page());
    if (live_set_of(v->state.heading) != before)
        v->next_ns = 0;
}

static int run_view(struct view *v)
{
    int r = 0;

    while (r == 0 && !v->state.quit && !asked_to_stop) {
        int64_t now_ns = clock_boottime_ns();

        if (now_ns >= v->next_ns && !v->state.paused) {
            r = take_sample(v);
            v->next_ns = now_ns + v->state.interval_sec * NSEC_PER_SEC;
        } else if (now_ns >= v->next_ns) {
            v->next_ns = now_ns + v->state.interval_sec * NSEC_PER_SEC;
        }
        if (r == 0)
            r = draw(v);
        if (r == 0)
            take_key(v);
    }
    return r;
}

static int run(const struct command *c)
{
    struct view v = {.state = c->state, .units = c->units, .model = live_model_new()};
    struct sigaction stop = {.sa_handler = ask_to_stop};
    cleanup_free char *why = NULL;
    int r = v.model ? open_source(c, &v.source, &why) : -ENOMEM;

    if (r == 0)
        r = screen_open();
    if (r == -ENOTTY)
        log_error("no terminal that can show a full screen (TERM=%s); pdtt-report --live | cat prints tables",
                  getenv("TERM") ? getenv("TERM") : "");
    else if (r < 0)
        log_error("%s", why ? why : strerror(-r));
    if (r == 0) {
        gethostname(v.host, sizeof(v.host) - 1);
        sigaction(SIGTERM, &stop, NULL);
        sigaction(SIGINT, &stop, NULL);
        r = run_view(&v);
        screen_close();
    }
    free(v.trouble);
    live_source_close(v.source);
    live_model_free(v.model);
    return r;
}

static int print_and_flush(bool version)
{
    if (version)
        puts("pdtt-live " PACKAGE_VERSION);
    else
        options_print_help(stdout, "pdtt-live [OPTION]...\nWho moves how much over the network right now; see h there.",
                           rows, array_length(rows));
    return fflush(stdout) == 0 ? 0 : -errno;
}

int main(int argc, char **argv)
{
    const char *database = getenv("PDTT_DATABASE");
    struct command c = {
        .database = database ? database : DEFAULT_DATABASE, .control = DEFAULT_CONTROL, .state = {.interval_sec = 1}};

    setlocale(LC_ALL, "");
    setlocale(LC_NUMERIC, "C");
    log_init("pdtt-live");
    if (options_parse(rows, array_length(rows), argc, argv, &c, NULL) < 0)
        return 2;
    return (c.help || c.version ? print_and_flush(c.version) : run(&c)) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
