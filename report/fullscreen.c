#include "report/fullscreen.h"

#include "common/cleanup.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

enum { SLOWEST_SEC = 60 };

static const struct {
    unsigned by;
    const char *word;
} views[] = {
    {STORE_BY_USER, "user"}, {STORE_BY_PROJECT, "project"}, {STORE_BY_CLASS, "class"},
    {STORE_BY_UNIT, "unit"}, {STORE_BY_PROCESS, "process"}, {STORE_BY_REMOTE, "remote"},
};

static const char *view_of(const struct report_options *o)
{
    for (size_t i = 0; i < array_length(views); i++)
        if (views[i].by == o->by)
            return views[i].word;
    return NULL;
}

/* What only a report can answer. */
static bool asks_a_report(const struct report_options *o)
{
    return o->users.n || o->projects.n || o->classes.n || o->protocols.n || o->unit_globs.n || o->since || o->top ||
           o->sort || o->payload || o->graph || o->connections || o->count || o->period != REPORT_NO_PERIOD ||
           o->output != &output_table || o->every_sec > SLOWEST_SEC;
}

static bool terminal_can(void)
{
    const char *term = getenv("TERM");

    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

/* Whoever may ask neither is still answered by pdtt-serve, with tables. */
static bool may_ask(const struct report_options *o)
{
    if (o->asks == REPORT_ASKS_SOCKET)
        return false;
    return access(o->control, R_OK | W_OK) == 0 || access(o->database, R_OK) == 0;
}

/* The one that was installed, or built, with this program. */
static int find_program(char **ret_path)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (n < 0)
        return -errno;
    self[n] = '\0';
    *strrchr(self, '/') = '\0';
    return asprintf(ret_path, "%s/pdtt-live", self) < 0 ? -ENOMEM : 0;
}

void fullscreen_try(const struct report_options *o)
{
    cleanup_free char *program = NULL;
    const char *view = view_of(o), *arguments[12];
    char every[16];
    size_t n = 0;

    if (!view || asks_a_report(o) || !terminal_can() || !may_ask(o) || find_program(&program) < 0)
        return;
    snprintf(every, sizeof(every), "%u", o->every_given ? o->every_sec : 1);
    arguments[n++] = program;
    arguments[n++] = "--by";
    arguments[n++] = view;
    arguments[n++] = "--every";
    arguments[n++] = every;
    arguments[n++] = "--units";
    arguments[n++] = units_style_word(o->units);
    if (o->asks == REPORT_ASKS_DATABASE) {
        arguments[n++] = "--database";
        arguments[n++] = o->database;
    }
    if (o->control_given) {
        arguments[n++] = "--control";
        arguments[n++] = o->control;
    }
    arguments[n] = NULL;
    execv(program, (char *const *)arguments);
}
