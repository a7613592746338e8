#include "serve/authorise.h"

#include "common/cleanup.h"
#include "report/options_words.h"

#include <stdarg.h>
#include <string.h>

static int refuse(char **ret_why, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(char **ret_why, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (vasprintf(ret_why, format, args) < 0)
        *ret_why = NULL;
    va_end(args);
    return -EACCES;
}

/* "1001", or as reports show a uid without a name: "uid 1001". */
static bool is_number(const char *text, int64_t number)
{
    const char *digits = strncmp(text, "uid ", 4) == 0 ? text + 4 : text;
    size_t n = strspn(digits, "0123456789");

    return n > 0 && n <= 10 && !digits[n] && strtoll(digits, NULL, 10) == number;
}

static bool is_self(const struct membership *m, const char *text)
{
    return (m->name && strcmp(text, m->name) == 0) || is_number(text, m->uid);
}

static bool belongs_to(const struct membership *m, const char *project)
{
    for (size_t i = 0; i < m->n_projects; i++)
        if (strcmp(m->projects[i], project) == 0)
            return true;
    return false;
}

/* ---- what is refused ---- */

static int check_users(const struct membership *m, const struct name_list *users, char **ret_why)
{
    for (size_t i = 0; i < users->n; i++)
        if (!is_self(m, users->v[i]))
            return refuse(ret_why,
                          "option --user: '%s': only root and administrators see other users; leave it out for your "
                          "own rows, or name a project of yours",
                          users->v[i]);
    return 0;
}

static int check_projects(const struct membership *m, const struct name_list *projects, char **ret_why)
{
    for (size_t i = 0; i < projects->n; i++)
        if (!belongs_to(m, projects->v[i]))
            return refuse(ret_why,
                          "option --project: '%s': you do not belong to a project of this name; only its members, "
                          "root and administrators see it",
                          projects->v[i]);
    return 0;
}

/* The paths of other people's units say which jobs they run. */
static int check_units(const struct report_options *o, char **ret_why)
{
    if (!(o->by & STORE_BY_UNIT) && o->unit_globs.n == 0)
        return 0;
    return refuse(ret_why,
                  "option --%s: units of a whole project are for root and administrators; add --user with "
                  "your name for your own",
                  o->unit_globs.n ? "unit" : "by unit");
}

/* ---- what is granted ---- */

static int grant_projects(const char *const *names, size_t n, struct grant *ret)
{
    ret->projects = calloc(n + 1, sizeof(*ret->projects));
    if (!ret->projects)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        ret->projects[i] = names[i];
    ret->viewer.projects = (struct store_names){ret->projects, n};
    return 0;
}

static int grant_allocations(const struct membership *m, const struct report_options *o, struct grant *ret,
                             char **ret_why)
{
    int r = check_users(m, &o->users, ret_why);

    if (r == 0)
        r = check_projects(m, &o->projects, ret_why);
    return r < 0 ? r : grant_projects((const char *const *)m->projects, m->n_projects, ret);
}

static int grant_usage(const struct membership *m, struct report_options *o, struct grant *ret, char **ret_why)
{
    int r = check_users(m, &o->users, ret_why);

    if (r < 0)
        return r;
    if (o->users.n > 0 || o->projects.n == 0) {
        list_done(&o->users); /* the viewer says who, by uid and name at once */
        return 0;
    }
    r = check_projects(m, &o->projects, ret_why);
    if (r == 0)
        r = check_units(o, ret_why);
    return r < 0 ? r : grant_projects((const char *const *)o->projects.v, o->projects.n, ret);
}

int authorise(const struct membership *m, struct report_options *o, struct grant *ret, char **ret_why)
{
    int r;

    *ret = (struct grant){.viewer = {.uid = m->uid, .name = m->name}};
    if (o->by & FIELD_SOURCE)
        return refuse(
            ret_why,
            "option --by: 'source' is estimated from packets of everybody, which pdtt-serve does not hand out; "
            "ask the database itself, as somebody who may read it");
    if (m->uid == 0 || m->admin)
        return 0;
    if (o->audit)
        return refuse(ret_why, "option --audit: it is of the whole host; only root and administrators see it");
    if (o->by & FIELD_POLICY)
        return refuse(ret_why, "option --by: policies are of the whole host; only root and administrators see them");
    r = o->allocations ? grant_allocations(m, o, ret, ret_why) : grant_usage(m, o, ret, ret_why);
    if (r < 0)
        grant_done(ret);
    else
        o->viewer = &ret->viewer;
    return r;
}

void grant_done(struct grant *grant)
{
    free(grant->projects);
    *grant = (struct grant){0};
}

void membership_done(struct membership *m)
{
    free(m->name);
    for (size_t i = 0; i < m->n_projects; i++)
        free(m->projects[i]);
    free(m->projects);
    *m = (struct membership){0};
}
