/* The few other things that pdttd records: names of classes, units, the state of layers, gaps. */
#include <errno.h>
#include <string.h>

#include "sql/store_internal.h"

int class_find(struct store *s, const char *name, int64_t *ret_id)
{
    int r = statement_get_int(s, STATEMENT_CLASS_FIND, BINDS(BIND_TEXT(name)), ret_id);

    if (r == 0)
        r = statement_get_int(s, STATEMENT_CLASS_INSERT, BINDS(BIND_TEXT(name)), ret_id);
    return r < 0 ? r : 0;
}

int address_find(struct store *s, const char *text, int64_t *ret_id)
{
    int r = statement_get_int(s, STATEMENT_ADDRESS_FIND, BINDS(BIND_TEXT(text)), ret_id);

    if (r == 0)
        r = statement_get_int(s, STATEMENT_ADDRESS_INSERT, BINDS(BIND_TEXT(text)), ret_id);
    return r < 0 ? r : 0;
}

int process_find(struct store *s, const char *name, const char *cgroup, int64_t *ret_id)
{
    const struct bind binds[] = {BIND_TEXT(name), BIND_TEXT(cgroup)};
    int r = statement_get_int(s, STATEMENT_PROCESS_FIND, binds, array_length(binds), ret_id);

    if (r == 0)
        r = statement_get_int(s, STATEMENT_PROCESS_INSERT, binds, array_length(binds), ret_id);
    return r < 0 ? r : 0;
}

struct class_list {
    const char *const *names;
    size_t n;
    int64_t *ids;
};

static int sync_classes(struct store *s, void *userdata)
{
    const struct class_list *list = userdata;

    for (size_t i = 0; i < list->n; i++) {
        int r = class_find(s, list->names[i], &list->ids[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

int store_sync_classes(struct store *s, const char *const *names, size_t n, int64_t *ret_ids)
{
    cleanup_free int64_t *ids = calloc(n ? n : 1, sizeof(*ids));
    struct class_list list = {.names = names, .n = n, .ids = ids};

    if (!ids)
        return store_fail(s, -ENOMEM, "out of memory");
    int r = store_transaction(s, sync_classes, &list);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++)
        ret_ids[i] = ids[i];
    return 0;
}

struct layer {
    const char *name, *state, *detail;
    int64_t now_sec;
};

/* Only a change makes a row, so that the table tells a story and does not grow with each start. */
static int put_layer(struct store *s, void *userdata)
{
    const struct layer *l = userdata;
    enum statement_id latest = STATEMENT_LAYER_LATEST;
    int64_t id = 0;
    bool same = false;
    int r = statement_bind(s, latest, BINDS(BIND_TEXT(l->name), BIND_TEXT(l->state), BIND_TEXT(l->detail)));

    if (r == 0 && (r = statement_step(s, latest)) > 0) {
        id = statement_int(s, latest, 0);
        same = statement_int(s, latest, 1);
    }
    statement_reset(s, latest);
    if (r < 0)
        return r;
    if (same)
        return statement_run(s, STATEMENT_LAYER_SEEN, BINDS(BIND_INT(id), BIND_INT(l->now_sec)));
    return statement_run(s, STATEMENT_LAYER_INSERT,
                         BINDS(BIND_TEXT(l->name), BIND_TEXT(l->state), BIND_TEXT(l->detail), BIND_INT(l->now_sec)));
}

int layer_put(struct store *s, const char *layer, const char *state, const char *detail, int64_t now_sec)
{
    struct layer l = {.name = layer, .state = state, .detail = detail ? detail : "", .now_sec = now_sec};

    return put_layer(s, &l);
}

int store_put_layer_state(struct store *s, const char *layer, const char *state, const char *detail, int64_t now_sec)
{
    struct layer l = {.name = layer, .state = state, .detail = detail ? detail : "", .now_sec = now_sec};

    return store_transaction(s, put_layer, &l);
}

static int put_gap(struct store *s, void *userdata)
{
    const struct store_gap *g = userdata;
    int64_t id;
    int r = statement_get_int(s, STATEMENT_GAP_PROLONG,
                              BINDS(BIND_INT(g->start_sec), BIND_INT(g->end_sec), BIND_TEXT(g->reason)), &id);

    if (r == 0)
        r = statement_run(s, STATEMENT_GAP_INSERT,
                          BINDS(BIND_INT(g->start_sec), BIND_INT(g->end_sec), BIND_TEXT(g->reason)));
    return r < 0 ? r : 0;
}

int store_put_gap(struct store *s, int64_t start_sec, int64_t end_sec, const char *reason)
{
    struct store_gap g = {start_sec, end_sec, reason};

    return store_transaction(s, put_gap, &g);
}

int store_query_gaps(struct store *s, int64_t since_sec, int64_t until_sec, store_gap_fn fn, void *userdata)
{
    enum statement_id id = STATEMENT_GAP_LIST;
    int r = statement_bind(s, id, BINDS(BIND_INT(since_sec), BIND_INT(until_sec)));

    while (r == 0 && (r = statement_step(s, id)) > 0) {
        struct store_gap g = {statement_int(s, id, 0), statement_int(s, id, 1), statement_text(s, id, 2)};
        r = fn(&g, userdata);
    }
    statement_reset(s, id);
    return r;
}

struct unit {
    const char *path;
    int64_t id;
};

static int find_unit(struct store *s, void *userdata)
{
    struct unit *u = userdata;
    int r = statement_get_int(s, STATEMENT_UNIT_FIND, BINDS(BIND_TEXT(u->path)), &u->id);

    if (r == 0)
        r = statement_get_int(s, STATEMENT_UNIT_INSERT, BINDS(BIND_TEXT(u->path)), &u->id);
    return r < 0 ? r : 0;
}

int store_unit_path(struct store *s, int64_t id, char **ret_path)
{
    enum statement_id statement = STATEMENT_UNIT_PATH;
    int r = statement_bind(s, statement, BINDS(BIND_INT(id)));

    if (r == 0 && (r = statement_step(s, statement)) > 0) {
        char *path = strdup(statement_text(s, statement, 0));
        r = path ? 0 : store_fail(s, -ENOMEM, "out of memory");
        if (r == 0)
            *ret_path = path;
    } else if (r == 0) {
        r = store_fail(s, -ENOENT, "has no unit of number %lld", (long long)id);
    }
    statement_reset(s, statement);
    return r;
}

int store_unit_id(struct store *s, const char *path, int64_t *ret_id)
{
    struct unit u = {.path = path};
    int r = store_transaction(s, find_unit, &u);

    if (r == 0)
        *ret_id = u.id;
    return r;
}
