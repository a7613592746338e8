/* Allocations: how much a project or a user may move in a period. What was used is a question as any other. */
#include <errno.h>
#include <string.h>

#include "sql/store_internal.h"

static const char *const subjects[] = {[STORE_SUBJECT_PROJECT] = "project", [STORE_SUBJECT_USER] = "user"};
static const char *const periods[] = {
    [STORE_PERIOD_MONTH] = "month", [STORE_PERIOD_QUARTER] = "quarter", [STORE_PERIOD_YEAR] = "year"};
static const char *const directions[] = {
    [STORE_DIRECTION_BOTH] = "both", [STORE_DIRECTION_TX] = "tx", [STORE_DIRECTION_RX] = "rx"};

const char *store_subject_word(enum store_subject subject)
{
    return subjects[subject];
}

const char *store_period_word(enum store_period period)
{
    return periods[period];
}

const char *store_direction_word(enum store_direction direction)
{
    return directions[direction];
}

struct list {
    const struct store_allocation *v;
    size_t n;
};

static int check(struct store *s, const struct store_allocation *a)
{
    if ((unsigned)a->subject >= array_length(subjects) || (unsigned)a->period >= array_length(periods) ||
        (unsigned)a->direction >= array_length(directions))
        return store_fail(s, -EINVAL, "an allocation has no known subject, period or direction");
    if (!a->name || !*a->name)
        return store_fail(s, -EINVAL, "an allocation names no %s", subjects[a->subject]);
    if (a->limit_bytes < 0)
        return store_fail(s, -EINVAL, "the allocation of %s '%s' cannot be %lld bytes; use 0 or more",
                          subjects[a->subject], a->name, (long long)a->limit_bytes);
    if (a->billing_day < 1 || a->billing_day > 28)
        return store_fail(s, -EINVAL, "the allocation of %s '%s' cannot begin on day %d of a month; use 1 to 28",
                          subjects[a->subject], a->name, a->billing_day);
    return 0;
}

static int insert_classes(struct store *s, int64_t allocation, const struct store_names *classes)
{
    int64_t class_id;
    int r = 0;

    for (size_t i = 0; i < classes->n && r == 0; i++) {
        r = class_find(s, classes->v[i], &class_id);
        if (r == 0)
            r = statement_run(s, STATEMENT_ALLOCATION_CLASS_INSERT, BINDS(BIND_INT(allocation), BIND_INT(class_id)));
    }
    return r;
}

static int replace(struct store *s, void *userdata)
{
    const struct list *list = userdata;
    int r = statement_run(s, STATEMENT_ALLOCATION_CLASS_CLEAR, NO_BINDS);

    if (r == 0)
        r = statement_run(s, STATEMENT_ALLOCATION_CLEAR, NO_BINDS);
    for (size_t i = 0; i < list->n && r == 0; i++) {
        const struct store_allocation *a = &list->v[i];
        int64_t id = (int64_t)i + 1;
        r = statement_run(s, STATEMENT_ALLOCATION_INSERT,
                          BINDS(BIND_INT(id), BIND_TEXT(subjects[a->subject]), BIND_TEXT(a->name),
                                BIND_TEXT(periods[a->period]), BIND_INT(a->limit_bytes),
                                BIND_TEXT(directions[a->direction]), BIND_INT(a->billing_day)));
        if (r == 0)
            r = insert_classes(s, id, &a->classes);
    }
    return r;
}

int store_sync_allocations(struct store *s, const struct store_allocation *allocations, size_t n)
{
    struct list list = {allocations, n};

    for (size_t i = 0; i < n; i++) {
        int r = check(s, &allocations[i]);
        if (r < 0)
            return r;
    }
    uses_forget(s->uses);
    return store_transaction(s, replace, &list);
}

/* ---- reading ---- */

struct asking {
    store_allocation_fn fn;
    void *userdata;
};

static int word(const char *text, const char *const *words, size_t n)
{
    size_t i = 0;

    while (i < n && strcmp(words[i], text) != 0)
        i++;
    return i < n ? (int)i : -1;
}

struct class_names {
    const char **v;
    size_t n;
};

static void cleanup_class_names(struct class_names *c)
{
    for (size_t i = 0; i < c->n; i++)
        free((char *)c->v[i]);
    free(c->v);
}

static int read_classes(struct store *s, int64_t allocation, struct class_names *ret)
{
    enum statement_id id = STATEMENT_ALLOCATION_CLASS_LIST;
    int r = statement_bind(s, id, BINDS(BIND_INT(allocation)));

    while (r == 0 && (r = statement_step(s, id)) > 0) {
        const char **v = realloc(ret->v, (ret->n + 1) * sizeof(*v));
        if (v)
            ret->v = v;
        char *name = v ? strdup(statement_text(s, id, 0)) : NULL;
        if (name)
            ret->v[ret->n++] = name;
        r = name ? 0 : store_fail(s, -ENOMEM, "out of memory");
    }
    statement_reset(s, id);
    return r;
}

/* The row that the list stands on. */
static int tell(struct store *s, const struct asking *asking)
{
    enum statement_id id = STATEMENT_ALLOCATION_LIST;
    cleanup(cleanup_class_names) struct class_names classes = {0};
    int subject = word(statement_text(s, id, 1), subjects, array_length(subjects));
    int period = word(statement_text(s, id, 3), periods, array_length(periods));
    int direction = word(statement_text(s, id, 5), directions, array_length(directions));
    struct store_allocation a = {
        .id = statement_int(s, id, 0),
        .subject = (enum store_subject)subject,
        .name = statement_text(s, id, 2),
        .period = (enum store_period)period,
        .limit_bytes = statement_int(s, id, 4),
        .direction = (enum store_direction)direction,
        .billing_day = (int)statement_int(s, id, 6),
    };

    if (subject < 0 || period < 0 || direction < 0)
        return store_fail(s, -EBADMSG,
                          "allocation %lld is not what this program knows; restart pdttd, which writes it anew",
                          (long long)a.id);
    int r = read_classes(s, a.id, &classes);
    if (r < 0)
        return r;
    a.classes = (struct store_names){classes.v, classes.n};
    return asking->fn(&a, asking->userdata);
}

static int list_all(struct store *s, void *userdata)
{
    enum statement_id id = STATEMENT_ALLOCATION_LIST;
    int r = statement_bind(s, id, NO_BINDS);

    while (r == 0 && (r = statement_step(s, id)) > 0)
        r = tell(s, userdata);
    statement_reset(s, id);
    return r;
}

int store_query_allocations(struct store *s, store_allocation_fn fn, void *userdata)
{
    struct asking asking = {fn, userdata};

    return query_snapshot(s, list_all, &asking);
}
