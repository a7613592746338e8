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

/*
 * Questions may be asked by several threads, so not with getpwnam(3). An entry that is larger than the buffer exists
 * all the same (ERANGE).
 */
enum { ENTRY_MAX = 4096 };

static bool host_knows_user(const char *name)
{
    struct passwd entry, *found = NULL;
    char buf[ENTRY_MAX];
    unsigned long uid;

    if (getpwnam_r(name, &entry, buf, sizeof(buf), &found) == ERANGE || found)
        return true;
    return is_id(name, &uid) && (getpwuid_r((uid_t)uid, &entry, buf, sizeof(buf), &found) == ERANGE || found);
}

static bool host_knows_group(const char *name)
{
    struct group entry, *found = NULL;
    char buf[ENTRY_MAX];
    unsigned long gid;

    if (getgrnam_r(name, &entry, buf, sizeof(buf), &found) == ERANGE || found)
        return true;
    return is_id(name, &gid) && (getgrgid_r((gid_t)gid, &entry, buf, sizeof(buf), &found) == ERANGE || found);
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
    struct store_query all = {
        .buckets = query->buckets, .n_buckets = query->n_buckets, .by = filter->dim, .viewer = query->viewer};
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

int ask_keep_why(struct store *s, int r, char **ret_why)
{
    const char *why = r == -ENOMEM ? NULL : store_why(s);

    *ret_why = why && *why ? strdup(why) : NULL;
    return r;
}

struct report_head ask_head(const struct calendar *cal, const struct report_options *o, unsigned by)
{
    return (struct report_head){
        .cal = cal,
        .by = by,
        .measure = o->measure,
        .payload = o->payload,
        .units = o->units,
        .served = o->served,
        .viewer = o->viewer,
        .target = o->target,
        .page = o->page,
    };
}

int ask_snapshot(struct store *s, ask_snapshot_fn read, void *userdata, char **ret_why)
{
    int r = store_begin_read(s);

    if (r < 0)
        return ask_keep_why(s, r, ret_why);
    r = read(s, userdata, ret_why);
    store_end_read(s);
    return r;
}

/* A question in the course of being asked. */
struct asking {
    struct store_query query; /* its lists are its own: leave_out() takes names out of them */
    bool booked;              /* as ask_booked() */
    store_row_fn fn;          /* NULL: connections or samples are asked for */
    store_connection_fn connection_fn;
    store_sample_fn sample_fn;
    void *userdata;
    int stopped; /* what fn returned, to tell it from the store's own failures */
};

/* Who sees only some users and projects is not told which others there are. */
static bool hides(const struct store_query *query, const struct filter *filter)
{
    return query->viewer && filter->dim & (STORE_BY_USER | STORE_BY_PROJECT);
}

/*
 * The store does not know a name of the question: takes it out if the host does. Returns 1 if there is something left
 * to ask, 0 if the answer is empty.
 */
static int leave_out(struct store *s, struct asking *a, char **ret_why)
{
    cleanup_free char *name = store_unknown_name(s) ? strdup(store_unknown_name(s)) : NULL;
    const struct filter *filter;
    struct store_names *names;
    size_t index;

    filter = name ? filter_of(&a->query, name, &index) : NULL;
    if (!filter)
        return ask_keep_why(s, -ENOENT, ret_why);
    if (!a->booked && !hides(&a->query, filter) && !(filter->host_knows && filter->host_knows(name)))
        return complain_unknown(s, &a->query, filter, name, ret_why);
    names = names_of(&a->query, filter);
    names->n--;
    ((const char **)names->v)[index] = names->v[names->n];
    return names->n > 0;
}

static int pass_row(const struct store_row *row, void *userdata)
{
    struct asking *a = userdata;

    return a->stopped = a->fn(row, a->userdata);
}

static int pass_connection(const struct store_connection_row *row, void *userdata)
{
    struct asking *a = userdata;

    return a->stopped = a->connection_fn(row, a->userdata);
}

static int pass_sample(const struct store_sample_row *row, void *userdata)
{
    struct asking *a = userdata;

    return a->stopped = a->sample_fn(row, a->userdata);
}

static int ask_once(struct store *s, struct asking *a)
{
    if (a->sample_fn)
        return store_query_samples(s, &a->query, pass_sample, a);
    return a->fn ? store_query_usage(s, &a->query, pass_row, a)
                 : store_query_connections(s, &a->query, pass_connection, a);
}

static int ask(struct store *s, struct asking *a, char **ret_why)
{
    for (;;) {
        int r = ask_once(s, a);

        if (a->stopped)
            return a->stopped;
        if (r == -ENOENT)
            r = leave_out(s, a, ret_why);
        else if (r < 0)
            return ask_keep_why(s, r, ret_why);
        else
            return 0;
        if (r <= 0)
            return r;
    }
}

static int ask_with_own_lists(struct store *s, struct asking *a, char **ret_why)
{
    const char **copies[array_length(filters)] = {NULL};
    int r = 0;

    for (size_t i = 0; r >= 0 && i < array_length(filters); i++) {
        struct store_names *names = names_of(&a->query, &filters[i]);

        copies[i] = calloc(names->n + 1, sizeof(*copies[i]));
        if (!copies[i])
            r = -ENOMEM;
        else if (names->n)
            memcpy(copies[i], names->v, names->n * sizeof(*copies[i]));
        names->v = copies[i];
    }
    if (r >= 0)
        r = ask(s, a, ret_why);
    for (size_t i = 0; i < array_length(filters); i++)
        free(copies[i]);
    return r;
}

int ask_booked(struct store *s, const struct store_query *question, store_row_fn fn, void *userdata, char **ret_why)
{
    struct asking a = {.query = *question, .booked = true, .fn = fn, .userdata = userdata};

    return ask_with_own_lists(s, &a, ret_why);
}

static struct store_names names_from(const struct name_list *list)
{
    return (struct store_names){(const char *const *)list->v, list->n};
}

static struct store_query query_of(const struct report_options *o, const struct store_bucket *buckets, size_t n_buckets)
{
    return (struct store_query){
        .buckets = buckets,
        .n_buckets = n_buckets,
        .by = o->by & ~(FIELD_HOST | FIELD_CONNECTION | FIELD_SAMPLE),
        .users = names_from(&o->users),
        .projects = names_from(&o->projects),
        .classes = names_from(&o->classes),
        .protocols = names_from(&o->protocols),
        .units = names_from(&o->unit_globs),
        .viewer = o->viewer,
    };
}

int ask_usage(struct store *s, const struct report_options *o, const struct store_bucket *buckets, size_t n_buckets,
              bool connections, store_row_fn fn, void *userdata, char **ret_why)
{
    struct asking a = {.query = query_of(o, buckets, n_buckets), .fn = fn, .userdata = userdata};

    a.query.connections = connections;
    return ask_with_own_lists(s, &a, ret_why);
}

int ask_connections(struct store *s, const struct report_options *o, struct store_bucket range, store_connection_fn fn,
                    void *userdata, char **ret_why)
{
    struct asking a = {.query = query_of(o, &range, 1), .connection_fn = fn, .userdata = userdata};

    return ask_with_own_lists(s, &a, ret_why);
}

int ask_samples(struct store *s, const struct report_options *o, struct store_bucket range, store_sample_fn fn,
                void *userdata, char **ret_why)
{
    struct asking a = {.query = query_of(o, &range, 1), .sample_fn = fn, .userdata = userdata};

    return ask_with_own_lists(s, &a, ret_why);
}
