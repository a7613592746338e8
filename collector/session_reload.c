/* Reading the configuration again while counting goes on. */
#include "collector/session_internal.h"

#include "collector/session_interfaces.h"
#include "collector/session_policies.h"
#include "common/cleanup.h"
#include "common/json_text.h"
#include "common/log.h"

#include <string.h>

/* ---- what cannot change while counting ---- */

/* Each with where its value is; size 0: a text, or texts. */
#define TEXT(member)   offsetof(struct config, member), 0, false
#define TEXTS(member)  offsetof(struct config, member), 0, true
#define NUMBER(member) offsetof(struct config, member), sizeof(((struct config *)NULL)->member), false

static const struct restart_key {
    const char *key;
    size_t offset, size;
    bool texts;
} at_restart_only[] = {
    {"database", TEXT(database)},
    {"pin_path", TEXT(pin_path)},
    {"control", TEXT(control)},
    {"cgroup", TEXT(cgroup)},
    {"limits.accounts", NUMBER(limit_accounts)},
    {"limits.connections", NUMBER(limit_connections)},
    {"limits.policies", NUMBER(limit_policies)},
    {"layers.syscall", NUMBER(layer_syscall)},
    {"layers.sockops", NUMBER(layer_sockops)},
    {"layers.xdp", NUMBER(layer_xdp)},
    {"layers.tc", NUMBER(layer_tc)},
    {"interfaces", TEXTS(interfaces)},
    {"samples.rate", NUMBER(samples_rate)},
    {"samples.mode", NUMBER(samples_mode)},
    {"samples.buffer", NUMBER(samples_buffer_bytes)},
    {"notify.command", TEXTS(notify_command)},
    {"notify.user", TEXT(notify_user)},
    {"notify.timeout", NUMBER(notify_timeout_sec)},
};

static bool same_texts(const struct config_texts *a, const struct config_texts *b)
{
    bool same = a->n == b->n;

    for (size_t i = 0; same && i < a->n; i++)
        same = strcmp(a->v[i], b->v[i]) == 0;
    return same;
}

static bool same_value(const struct restart_key *key, const struct config *a, const struct config *b)
{
    const char *x = (const char *)a + key->offset, *y = (const char *)b + key->offset;

    if (key->texts)
        return same_texts((const struct config_texts *)x, (const struct config_texts *)y);
    return key->size ? memcmp(x, y, key->size) == 0 : strcmp(*(char *const *)x, *(char *const *)y) == 0;
}

/* The first that differs, NULL: none does. */
static const char *needs_restart(const struct config *a, const struct config *b)
{
    for (size_t i = 0; i < array_length(at_restart_only); i++)
        if (!same_value(&at_restart_only[i], a, b))
            return at_restart_only[i].key;
    return NULL;
}

struct restart {
    const char *key;
    char *line;
};

/* Says what was written for it; it is one line. */
static int describe_restart(const struct config_change *change, void *userdata)
{
    struct restart *r = userdata;

    if (strcmp(change->key, r->key) != 0)
        return 0;
    if (asprintf(&r->line, "%s: key '%s': from %s to %s: changes only at a restart",
                 change->origin ? change->origin : "no file names it any more", change->key, change->before,
                 change->after) < 0)
        r->line = NULL;
    return 0;
}

static int refuse_restart(const struct session *s, const struct config *config, const char *key, char **ret_why)
{
    struct restart r = {.key = key};

    config_compare(s->config, config, describe_restart, &r);
    *ret_why = r.line;
    return -EBUSY;
}

/* ---- what changed ---- */

static int add_change(const struct config_change *change, void *userdata)
{
    json_t *one =
        json_pack("{s:o, s:o, s:o, s:o}", "key", json_string(change->key), "before", json_text_or_null(change->before),
                  "after", json_text_or_null(change->after), "origin", json_text_or_null(change->origin));

    return json_array_append_new(userdata, one) < 0 ? -ENOMEM : 0;
}

/* NULL: no memory. */
static json_t *list_changes(const struct config *before, const struct config *after)
{
    json_t *changes = json_array();

    if (changes && config_compare(before, after, add_change, changes) == 0)
        return changes;
    json_decref(changes);
    return NULL;
}

/* ---- reloading ---- */

/* What was counted until now belongs to the projects of the rules until now. On success config is the session's. */
static int take_config(struct session *s, struct config *config, char **ret_why)
{
    int r;

    session_drain(s);
    r = session_change_policies(s, config, ret_why);
    if (r < 0)
        return r;
    r = rules_change(s->rules, config);
    if (r < 0) {
        cleanup_free char *why = NULL;

        session_change_policies(s, s->config, &why);
        *ret_why = strdup(strerror(-r));
        return r;
    }
    config_free(s->config);
    s->config = config;
    interfaces_use_config(s->interfaces, config);
    if (session_use_thresholds(s) < 0)
        log_warning("the thresholds of notices stay: no memory");
    session_await_rule_names(s);
    session_look_at_policies(s);
    return 0;
}

static int read_config(struct session *s, json_t **ret_changes, char **ret_why)
{
    struct config *config;
    json_t *changes = NULL;
    const char *key;
    int r = config_load_named(s->config_path, &config, ret_why);

    if (r < 0)
        return r;
    key = needs_restart(s->config, config);
    if (key) {
        r = refuse_restart(s, config, key, ret_why);
    } else {
        changes = list_changes(s->config, config);
        r = changes ? take_config(s, config, ret_why) : -ENOMEM;
    }
    if (r < 0) {
        json_decref(changes);
        config_free(config);
        return r;
    }
    *ret_changes = changes;
    return 0;
}

/* Says how it went to the log; ret_why is that line where it failed. */
static void tell(const struct session *s, int r, const char *refused, char **ret_why)
{
    int n = 0;

    if (refused)
        n = asprintf(ret_why, "reload refused, the configuration in force stays: %s", refused);
    else if (r < 0)
        n = asprintf(ret_why,
                     "the configuration is read and in force, but what was counted until then could not be booked, "
                     "or the networks of the classes not be loaded; the log says which");
    if (n < 0)
        *ret_why = NULL;
    if (r < 0)
        log_warning("%s", *ret_why ? *ret_why : strerror(-r));
    else
        log_info("configuration read again: %zu class%s, %zu project%s, interval %u s", s->config->n_classes,
                 s->config->n_classes == 1 ? "" : "es", s->config->n_projects, s->config->n_projects == 1 ? "" : "s",
                 s->config->interval_sec);
}

int session_reload(struct session *s, json_t **ret_changes, char **ret_why)
{
    cleanup_free char *refused = NULL, *why = NULL;
    json_t *changes = NULL;
    int r = read_config(s, &changes, &refused);

    if (r < 0 && !refused)
        refused = strdup(strerror(-r));
    if (r == 0)
        r = session_apply_classes(s);
    tell(s, r, refused, &why);
    if (ret_why)
        *ret_why = take_ptr(why);
    if (ret_changes && r == 0)
        *ret_changes = take_ptr(changes);
    json_decref(changes);
    return r;
}
