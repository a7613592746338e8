#include "report/ask.h"

#include "common/cleanup.h"
#include "common/options.h"

#include <ctype.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

/* A number that getpwuid() takes; names may begin with digits, so the whole text counts. */
static bool is_id(const char *text, unsigned long *ret)
{
    char *end;

    if (!isdigit((unsigned char)*text))
        return false;
    errno = 0;
    *ret = strtoul(text, &end, 10);
    return !*end && !errno && *ret <= UINT32_MAX;
}

static bool host_knows_user(const char *name)
{
    unsigned long uid;

    return getpwnam(name) || (is_id(name, &uid) && getpwuid((uid_t)uid));
}

static bool host_knows_group(const char *name)
{
    unsigned long gid;

    return getgrnam(name) || (is_id(name, &gid) && getgrgid((gid_t)gid));
}

/* The filters of a question: what can be unknown in each, and where rows carry it. */
struct filter {
    const char *noun;
    size_t names; /* in struct store_query */
    size_t text;  /* in struct store_row */
    unsigned dim;
    bool (*host_knows)(const char *); /* NULL: the store's own list is all there is */
};

static const struct filter filters[] = {
    {"user", offsetof(struct store_query, users), offsetof(struct store_row, user), STORE_BY_USER, host_knows_user},
    {"project", offsetof(struct store_query, projects), offsetof(struct store_row, project), STORE_BY_PROJECT,
     host_knows_group},
    {"class", offsetof(struct store_query, classes), offsetof(struct store_row, class_name), STORE_BY_CLASS, NULL},
    {"protocol", offsetof(struct store_query, protocols), offsetof(struct store_row, protocol), STORE_BY_PROTOCOL,
     NULL},
};

static struct store_names *names_of(struct store_query *query, const struct filter *filter)
{
    return (struct store_names *)((char *)query + filter->names);
}

/* The filter that holds name, and its place there. */
static const struct filter *filter_of(struct store_query *query, const char *name, size_t *ret_index)
{
    for (size_t i = 0; i < array_length(filters); i++) {
        const struct store_names *names = names_of(query, &filters[i]);

        for (size_t j = 0; j < names->n; j++) {
            if (strcmp(names->v[j], name) != 0)
                continue;
            *ret_index = j;
            return &filters[i];
        }
    }
    return NULL;
}

/* ---- "did you mean" ---- */

struct candidates {
    char **v;
    size_t n;
    size_t text; /* in struct store_row */
};

static int collect_candidate(const struct store_row *row, void *userdata)
{
    struct candidates *c = userdata;
    const char *text = *(const char *const *)((const char *)row + c->text);
    char **v = text ? reallocarray(c->v, c->n + 1, sizeof(*v)) : NULL;

    if (!v)
        return 0;
    c->v = v;
    v[c->n] = strdup(text);
    c->n += v[c->n] != NULL;
    return 0;
}

/* Says which name is unknown and, if the same period has a similar one, which. Failures only cost the suggestion. */
static int complain_unknown(struct store *s, const struct store_query *query, const struct filter *filter,
                            const char *name, char **ret_why)
{
    struct candidates c = {.text = filter->text};
    struct store_query all = {.buckets = query->buckets, .n_buckets = query->n_buckets, .by = filter->dim};
    const char *nearest = NULL;
    int n;

    if (store_query_usage(s, &all, collect_candidate, &c) >= 0 && c.n > 0)
        nearest = options_nearest(name, (const char *const *)c.v, c.n);
    if (nearest)
        n = asprintf(ret_why, "unknown %s '%s', did you mean '%s'?", filter->noun, name, nearest);
    else
        n = asprintf(ret_why, "unknown %s '%s': nothing was ever booked for it%s", filter->noun, name,
                     filter->host_knows ? " and this host does not know it" : "");
    for (size_t i = 0; i < c.n; i++)
        free(c.v[i]);
    free(c.v);
    return n < 0 ? -ENOMEM : -ENOENT;
}

/* ---- asking ---- */

/*
 * The store does not know a name of the question: takes it out if the host does. Returns 1 if there is something left
 * to ask, 0 if the answer is empty.
 */
static int leave_out(struct store *s, struct store_query *query, char **ret_why)
{
    cleanup_free char *name = store_unknown_name(s) ? strdup(store_unknown_name(s)) : NULL;
    const struct filter *filter;
    struct store_names *names;
    size_t index;

    filter = name ? filter_of(query, name, &index) : NULL;
    if (!filter)
        return (*ret_why = strdup(store_why(s))) ? -ENOENT : -ENOMEM;
    if (!filter->host_knows || !filter->host_knows(name))
        return complain_unknown(s, query, filter, name, ret_why);
    names = names_of(query, filter);
    names->n--;
    ((const char **)names->v)[index] = names->v[names->n];
    return names->n > 0;
}

struct counted {
    store_row_fn fn;
    void *userdata;
    int stopped; /* what fn returned, to tell it from the store's own failures */
};

static int pass_row(const struct store_row *row, void *userdata)
{
    struct counted *c = userdata;

    return c->stopped = c->fn(row, c->userdata);
}

static int ask(struct store *s, struct store_query *query, struct counted *c, char **ret_why)
{
    for (;;) {
        int r = store_query_usage(s, query, pass_row, c);

        if (c->stopped)
            return c->stopped;
        if (r == -ENOENT)
            r = leave_out(s, query, ret_why);
        else if (r < 0)
            return (*ret_why = strdup(store_why(s))) ? r : -ENOMEM;
        else
            return 0;
        if (r <= 0)
            return r;
    }
}

/* A list of the question's own: leave_out() takes names out of it. */
static int copy_names(const struct name_list *list, struct store_names *ret)
{
    const char **v = calloc(list->n + 1, sizeof(*v));

    if (!v)
        return -ENOMEM;
    for (size_t i = 0; i < list->n; i++)
        v[i] = list->v[i];
    *ret = (struct store_names){v, list->n};
    return 0;
}

int ask_usage(struct store *s, const struct report_options *o, const struct store_bucket *buckets, size_t n_buckets,
              store_row_fn fn, void *userdata, char **ret_why)
{
    struct store_query query = {.buckets = buckets, .n_buckets = n_buckets, .by = o->by};
    const struct name_list *lists[] = {&o->users, &o->projects, &o->classes, &o->protocols};
    struct counted c = {fn, userdata, 0};
    int r = 0;

    _Static_assert(array_length(lists) == array_length(filters), "a list of names for each filter");
    for (size_t i = 0; r >= 0 && i < array_length(filters); i++)
        r = copy_names(lists[i], names_of(&query, &filters[i]));
    if (r >= 0)
        r = ask(s, &query, &c, ret_why);
    for (size_t i = 0; i < array_length(filters); i++)
        free((void *)names_of(&query, &filters[i])->v);
    return r;
}
