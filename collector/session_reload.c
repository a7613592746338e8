/* Reading the configuration again while counting goes on. */
#include "collector/session_internal.h"

#include "collector/session_interfaces.h"
#include "collector/session_policies.h"
#include "common/cleanup.h"
#include "common/json_text.h"
#include "common/log.h"

#include <string.h>

/* ---- what cannot change while counting ---- */

static bool same_text(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static bool same_notices(const struct config *a, const struct config *b)
{
    if (a->notify_command.n != b->notify_command.n || a->notify_timeout_sec != b->notify_timeout_sec ||
        !same_text(a->notify_user, b->notify_user))
        return false;
    for (size_t i = 0; i < a->notify_command.n; i++)
        if (!same_text(a->notify_command.v[i], b->notify_command.v[i]))
            return false;
    return true;
}

static bool needs_restart(const struct config *a, const struct config *b)
{
    return !same_text(a->database, b->database) || !same_text(a->pin_path, b->pin_path) ||
           !same_text(a->control, b->control) || !same_text(a->cgroup, b->cgroup) ||
           a->limit_accounts != b->limit_accounts || a->layer_syscall != b->layer_syscall ||
           a->limit_connections != b->limit_connections || a->limit_policies != b->limit_policies ||
           a->layer_sockops != b->layer_sockops || !session_same_interfaces(a, b) || !same_notices(a, b);
}

/* The keys above, by their names or those of their groups. */
static const char *const at_restart_only[] = {
    "database",       "pin_path",    "control",        "cgroup",       "limits.",      "layers.",       "interfaces",
    "notify.command", "notify.user", "notify.timeout", "samples.rate", "samples.mode", "samples.buffer"};

static bool is_at_restart_only(const char *key)
{
    for (size_t i = 0; i < array_length(at_restart_only); i++)
        if (strncmp(key, at_restart_only[i], strlen(at_restart_only[i])) == 0)
            return true;
    return false;
}

/* The first of them is named; it is one line. */
static int describe_restart(const struct config_change *change, void *userdata)
{
    char **ret_why = userdata;

    if (*ret_why || !is_at_restart_only(change->key))
        return 0;
    if (asprintf(ret_why, "%s: key '%s': from %s to %s", change->origin ? change->origin : "no file names it any more",
                 change->key, change->before, change->after) < 0)
        *ret_why = NULL;
    return 0;
}

static int refuse_restart(const struct session *s, const struct config *config, char **ret_why)
{
    cleanup_free char *what = NULL;

    config_compare(s->config, config, describe_restart, &what);
    if (asprintf(ret_why,
                 "%s: database, pin_path, control, cgroup, limits, layers, interfaces, how samples are drawn and what "
                 "notify "
                 "runs change only at a restart",
                 what ? what : "the configuration") < 0)
        *ret_why = NULL;
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
    int r = config_load_named(s->config_path, &config, ret_why);

    if (r < 0)
        return r;
    if (needs_restart(s->config, config)) {
        r = refuse_restart(s, config, ret_why);
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
        log_info("configuration read again: %zu classes, %zu projects, interval %u s", s->config->n_classes,
                 s->config->n_projects, s->config->interval_sec);
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
