#include "collector/rules_internal.h"

#include "collector/units_table.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"

#include <string.h>

_Static_assert((int)CONFIG_LEVELS == (int)STORE_LEVELS && (int)CONFIG_LEVEL_MONTH == (int)STORE_MONTH, "levels");
_Static_assert((int)CONFIG_PERIOD_QUARTER == (int)STORE_PERIOD_QUARTER &&
                   (int)CONFIG_PERIOD_YEAR == (int)STORE_PERIOD_YEAR,
               "periods");

#define TOLD_AT_ONCE 10

static const char *why(const struct rules *r, int error)
{
    return *store_why(r->store) ? store_why(r->store) : strerror(-error);
}

/* ---- what the store is to know ---- */

static struct store_allocation allocation_of(const struct config_allocation *a, const char *project)
{
    static const enum store_direction directions[] = {
        [CONFIG_DIRECTION_BOTH] = STORE_DIRECTION_BOTH,
        [CONFIG_DIRECTION_RX] = STORE_DIRECTION_RX,
        [CONFIG_DIRECTION_TX] = STORE_DIRECTION_TX,
    };
    return (struct store_allocation){
        .subject = a->user ? STORE_SUBJECT_USER : STORE_SUBJECT_PROJECT,
        .name = a->user ? a->user : project,
        .period = (enum store_period)a->period,
        .limit_bytes = a->limit_bytes,
        .direction = directions[a->direction],
        .classes = {(const char *const *)a->classes.v, a->classes.n},
        .billing_day = (int)a->billing_day,
    };
}

static int sync_allocations(struct rules *r)
{
    const struct config *c = r->config;
    cleanup_free struct store_allocation *all = calloc(c->n_projects + c->n_allocations + 1, sizeof(*all));
    size_t n = 0;

    if (!all)
        return -ENOMEM;
    for (size_t i = 0; i < c->n_projects; i++)
        if (c->projects[i].allocation)
            all[n++] = allocation_of(c->projects[i].allocation, c->projects[i].name);
    for (size_t i = 0; i < c->n_allocations; i++)
        all[n++] = allocation_of(&c->allocations[i], c->allocations[i].project);
    return store_sync_allocations(r->store, all, n);
}

static int sync_store(struct rules *r)
{
    struct store_policy policy = {.timezone = r->config->timezone,
                                  .max_size_bytes = r->config->max_size_bytes,
                                  .connections_sec = r->config->retention_connections_sec,
                                  .samples_sec = r->config->samples_retention_sec,
                                  .samples_most = r->config->samples_max,
                                  .policy_events_sec = r->config->policy_events_retention_sec,
                                  .policy_events_most = r->config->policy_events_max};

    for (int level = 0; level < STORE_LEVELS; level++)
        policy.retention_sec[level] = r->config->retention_sec[level];
    int error = store_set_policy(r->store, &policy);
    if (error == 0)
        error = sync_allocations(r);
    r->synced = error == 0;
    return error;
}

/* ---- names ---- */

static int ask(enum projects_key key, const char *name, void *userdata)
{
    struct rules *r = userdata;

    return key == PROJECTS_USER ? names_find_user(r->names, name) : names_find_group(r->names, name);
}

static void ask_names(struct rules *r)
{
    projects_ask(r->projects, clock_boottime_ns(), ask, r);
}

void rules_take_answer(struct rules *r, const struct names_answer *answer)
{
    if (answer->kind == NAMES_USER) /* also while the logs are off: names are not asked for again for minutes */
        textlog_note_name(r->textlog, answer->id, answer->name);
    if (answer->kind == NAMES_UID || answer->kind == NAMES_GID)
        projects_answer(r->projects, answer->kind == NAMES_UID ? PROJECTS_USER : PROJECTS_GROUP, answer->name,
                        answer->error, answer->id, clock_boottime_ns());
}

bool rules_wait_for_names(const struct rules *r)
{
    return projects_unanswered(r->projects) > 0;
}

void rules_tell_unknown(struct rules *r)
{
    struct projects_match match;
    unsigned more = 0;

    for (unsigned told = 0; projects_tell_unknown(r->projects, &match); told++) {
        const char *key = match.key == PROJECTS_USER ? "user" : "group";
        if (told < TOLD_AT_ONCE)
            log_warning("rule of project '%s': no %s '%s' is known here (yet); the rule matches nobody for it",
                        match.rule->name, key, match.text);
        else
            more++;
    }
    if (more)
        log_warning("%u more users and groups of rules are not known here", more);
}

/* ---- units ---- */

static int number_of_unit(const char *path, uint32_t *ret_unit, void *userdata)
{
    struct rules *r = userdata;
    int64_t id;
    int error = store_unit_id(r->store, path, &id);

    if (error == 0 && id >= UINT32_MAX)
        error = -ERANGE;
    if (error == 0)
        error = projects_note_unit(r->projects, (uint32_t)id, path);
    for (size_t i = 0; i < r->n_policy_units && error == 0; i++)
        error = rules_note_policy_unit(&r->policy_units[i], path, (uint32_t)id, &r->policy_units_changed);
    if (error == 0) {
        *ret_unit = (uint32_t)id;
        r->last_unit = *ret_unit > r->last_unit ? *ret_unit : r->last_unit;
    }
    return error;
}

static int put_unit(uint64_t cgroup_id, uint32_t unit, void *userdata)
{
    return units_table_put(((struct rules *)userdata)->units_fd, cgroup_id, unit);
}

static int remove_unit(uint64_t cgroup_id, void *userdata)
{
    return units_table_remove(((struct rules *)userdata)->units_fd, cgroup_id);
}

static int clear_table(struct rules *r)
{
    cleanup_free uint64_t *ids = NULL;
    size_t n;
    int error = units_list(r->units, &ids, &n);

    return error < 0 ? error : units_table_keep(r->units_fd, ids, n);
}

/* Each trouble once, and again when it has been over. */
static void tell_units(struct rules *r)
{
    struct units_state now;

    units_state(r->units, &now);
    if (now.left_out && !r->told.left_out)
        log_warning("%zu cgroups have no room in the table of units: their processes are booked by user and group",
                    now.left_out);
    if (now.too_deep && !r->told.too_deep)
        log_warning("cgroups lie more than %d levels deep: their processes are booked by user and group",
                    UNITS_MAX_DEPTH);
    if (now.unwatched && !r->told.unwatched)
        log_warning("%zu cgroups cannot be watched and are looked for at each interval; raise the sysctl "
                    "fs.inotify.max_user_watches",
                    now.unwatched);
    if (now.error && now.error != r->told.error)
        log_warning("a cgroup that a rule names has no unit yet, and is booked by user and group until then: %s",
                    why(r, now.error));
    r->told = now;
}

int rules_follow_units(struct rules *r, const char *root, int units_fd)
{
    struct units_options options = {
        .root = root, .number = number_of_unit, .put = put_unit, .remove = remove_unit, .userdata = r};

    r->units_fd = units_fd;
    int error = units_open(&options, &r->units);
    if (error == 0)
        error = units_set_patterns(r->units, r->unit_patterns, r->n_unit_patterns);
    if (error == 0)
        error = clear_table(r);
    if (error < 0)
        log_error("cannot follow the cgroups below %s: %s", root, strerror(-error));
    else
        tell_units(r);
    return error;
}

int rules_units_fd(const struct rules *r)
{
    return r->units ? units_fd(r->units) : -1;
}

void rules_read_units(struct rules *r)
{
    if (units_read(r->units) < 0)
        log_debug("the cgroups are walked again at the next drain");
    tell_units(r);
}

uint32_t rules_epoch_flags(const struct rules *r)
{
    return r->n_unit_patterns ? PDTT_EPOCH_UNITS : 0; /* those of policies too */
}

/* ---- each account ---- */

/* One that was counted before its cgroup went, perhaps while no pdttd ran. */
static void remember_unit(struct rules *r, uint32_t unit)
{
    cleanup_free char *path = NULL;

    if (projects_knows_unit(r->projects, unit))
        return;
    if (store_unit_path(r->store, unit, &path) == 0)
        projects_note_unit(r->projects, unit, path);
}

const char *rules_project(struct rules *r, const struct pdtt_account *account)
{
    struct projects_match match;
    int64_t uid = account->uid == PDTT_NO_ID ? -1 : (int64_t)account->uid;
    int64_t gid = account->gid == PDTT_NO_ID ? -1 : (int64_t)account->gid;

    if (account->kind != PDTT_KIND_USER)
        return NULL; /* no process, so nobody that a rule could mean */
    if (account->unit && rules_epoch_flags(r))
        remember_unit(r, account->unit);
    return projects_find(r->projects, account->unit, uid, gid, &match) ? match.rule->name : NULL;
}

void rules_booked(struct rules *r, const struct store_interval *interval, const struct store_usage *rows, size_t n)
{
    int error = textlog_add(r->textlog, interval->end_sec, rows, n);

    if (error < 0 && error != r->textlog_error)
        log_warning("a report of the text logs is lost: %s",
                    error == -ENOBUFS ? "too much waits to be written; is the disk slow?" : strerror(-error));
    r->textlog_error = error;
}

void rules_connection_ended(struct rules *r, const struct store_connection *connection)
{
    if (connection->uid >= 0)
        names_ask_user(r->names, connection->uid);
    if (textlog_add_connection(r->textlog, connection) < 0)
        log_debug("a line of the log of connections is lost: no memory");
}

/* ---- the life of it ---- */

/* Of projects, then of policies. They point into what they are of. */
const char **rules_list_patterns(const struct projects *projects, const struct rules_policy_unit *units, size_t n_units,
                                 size_t *ret_n)
{
    size_t n = 0;
    const char **patterns = projects_unit_patterns(projects, &n), **longer;

    longer = patterns ? reallocarray(patterns, n + n_units + 1, sizeof(*patterns)) : NULL;
    if (!longer) {
        free(patterns);
        return NULL;
    }
    for (size_t i = 0; i < n_units; i++)
        longer[n++] = units[i].pattern;
    *ret_n = n;
    return longer;
}

void rules_use_patterns(struct rules *r, const char **patterns, size_t n)
{
    /* Before the old patterns go, which they point into. What cannot be looked at now is at the next drain. */
    if (r->units && units_set_patterns(r->units, patterns, n) < 0)
        log_debug("the cgroups are walked again at the next drain");
    free(r->unit_patterns);
    r->unit_patterns = patterns;
    r->n_unit_patterns = n;
}

/* All of it or nothing. */
static int take_config(struct rules *r, const struct config *config)
{
    struct projects *projects;
    const char **patterns;
    size_t n = 0;
    int error = projects_new(config, r->projects, &projects);

    if (error < 0)
        return error;
    patterns = rules_list_patterns(projects, r->policy_units, r->n_policy_units, &n);
    error = patterns ? textlog_configure(r->textlog, config->log_file, config->log_per_user_prefix, config->timezone)
                     : -ENOMEM;
    if (error == 0)
        error = textlog_configure_connections(r->textlog, config->log_connections);
    if (error < 0) {
        free(patterns);
        projects_free(projects);
        return error;
    }
    projects_free(r->projects);
    r->config = config;
    r->projects = projects;
    rules_use_patterns(r, patterns, n);
    ask_names(r);
    return 0;
}

static int start(struct rules *r, const struct config *config)
{
    int error = textlog_open(&r->textlog);

    if (error == 0)
        error = take_config(r, config);
    return error < 0 ? error : sync_store(r);
}

int rules_open(const struct config *config, struct store *store, struct names *names, struct rules **ret_rules)
{
    struct rules *r = calloc(1, sizeof(*r));
    int error;

    if (!r)
        return -ENOMEM;
    *r = (struct rules){.store = store, .names = names, .units_fd = -1};
    error = start(r, config);
    if (error < 0) {
        log_error("cannot apply the configuration: %s", why(r, error));
        rules_close(r);
        return error;
    }
    *ret_rules = r;
    return 0;
}

struct rules *rules_close(struct rules *r)
{
    if (!r)
        return NULL;
    units_close(r->units);
    textlog_close(r->textlog);
    projects_free(r->projects);
    free(r->unit_patterns);
    rules_free_policy_units(r->policy_units, r->n_policy_units);
    free(r);
    return NULL;
}

/* Numbers of units are in the kernel's map and in sealed epochs: the new database must not give them to other units. */
int rules_use_store(struct rules *r, struct store *store)
{
    r->store = store;
    r->synced = false;
    return store_reserve_units(store, r->last_unit);
}

int rules_change(struct rules *r, const struct config *config)
{
    int error = take_config(r, config);

    if (error < 0)
        return error;
    if (r->units)
        tell_units(r);
    r->sync_error = 0;
    r->synced = false; /* rules_settle() does it, now or when the store can be written */
    return 0;
}

static void catch_up_with_store(struct rules *r)
{
    int error = r->synced ? 0 : sync_store(r);

    if (error < 0 && error != r->sync_error)
        log_warning("policy and allocations are not in the store yet: %s", why(r, error));
    r->sync_error = error;
}

static void tell_store(struct rules *r)
{
    for (char *notice; (notice = store_notice(r->store)); free(notice))
        log_warning("%s", notice);
}

void rules_settle(struct rules *r)
{
    cleanup_free char *complaint = textlog_take_complaint(r->textlog);

    if (complaint)
        log_warning("%s", complaint);
    textlog_flush(r->textlog, false);
    if (r->units) {
        units_settle(r->units);
        tell_units(r);
    }
    ask_names(r);
    catch_up_with_store(r);
    tell_store(r);
}
