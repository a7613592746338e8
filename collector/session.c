#include "collector/session.h"

#include "collector/cgroup.h"
#include "collector/classes.h"
#include "collector/mend.h"
#include "collector/policy_admin.h"
#include "collector/policy_kernel.h"
#include "collector/session_door.h"
#include "collector/session_interfaces.h"
#include "collector/session_internal.h"
#include "collector/session_policies.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "sql/counters.h"
#include "sql/store_ask.h"

#include <malloc.h>
#include <poll.h>
#include <string.h>

int session_load_config(const char *config_path, struct config **ret_config)
{
    cleanup_free char *why = NULL;
    int r = config_load_named(config_path, ret_config, &why);

    if (r < 0)
        log_error("%s", why ? why : strerror(-r));
    return r;
}

static const char *project_of(const struct pdtt_account *account, void *userdata)
{
    return rules_project(((struct session *)userdata)->rules, account);
}

static void on_booked(const struct store_interval *interval, const struct store_usage *rows, size_t n, void *userdata)
{
    struct session *s = userdata;

    for (size_t i = 0; i < n; i++) {
        if (rows[i].uid >= 0)
            names_ask_user(s->names, rows[i].uid);
        if (rows[i].gid >= 0)
            names_ask_group(s->names, rows[i].gid);
    }
    rules_booked(s->rules, interval, rows, n);
    if (s->connections)
        session_note_connections_error(s, connections_booked(s->connections));
    if (interval->n_meters)
        interfaces_booked(s->interfaces);
    if (interval->n_policies)
        policy_admin_booked(session_policy_admin(s));
    peek_booked(s->peek, interval, rows, n);
    s->booked.intervals++;
    s->booked.rows += n;
    counters_add(&s->booked.sum, &interval->counted);
}

struct drain session_drain_of(struct session *s, struct ledger *ledger)
{
    return (struct drain){.ledger = ledger,
                          .store = s->store,
                          .project = project_of,
                          .booked = on_booked,
                          .userdata = s,
                          .connections = session_add_connections,
                          .meters = session_read_meters,
                          .policies = session_read_policies};
}

static int current_errors(const struct session *s, uint64_t *ret_errors)
{
    uint64_t stats[PDTT_STATS];
    int r = kernel_read_stats(s->kernel, stats);

    if (r == 0)
        *ret_errors = kernel_errors(stats);
    return r;
}

/* ---- booking ---- */

static void report_book_error(struct session *s, int r)
{
    if (r == s->book_error)
        return;
    if (r < 0)
        log_error("cannot book: %s; the counts wait in the kernel",
                  *store_why(s->store) ? store_why(s->store) : strerror(-r));
    else
        log_info("booking again");
    s->book_error = r;
}

static int drain_now(struct session *s)
{
    struct drain d = session_drain_of(s, s->ledger);
    struct drain_settings settings = {.generation = s->generation,
                                      .flags =
                                          s->flags | rules_epoch_flags(s->rules) | policies_epoch_flags(s->policies)};
    int r = current_errors(s, &settings.errors);

    return r < 0 ? r : drain_interval(&d, &settings);
}

/* Where no call is seen, who holds a socket is looked up before each swap: what lives that long reaches its user. */
static void sweep(struct session *s)
{
    int r = kernel_tier(s->kernel) == TIER_NONE ? kernel_sweep(s->kernel) : 0;

    if (r < 0 && r != s->sweep_error)
        log_warning("cannot look up who holds the sockets: %s; they stay with their creator", strerror(-r));
    s->sweep_error = r;
}

/* The pages of a booking are of no use to the next but for a few; left alone they are most of what pdttd holds. */
static void release_memory(struct session *s)
{
    store_release_memory(s->store);
    malloc_trim(0);
}

int session_drain(struct session *s)
{
    int64_t started = clock_boottime_ns();
    int r;

    mend_kernel(s);
    sweep(s);
    session_seal_samples(s); /* the grace period of the ledger's swap is theirs too */
    r = drain_now(s);
    if (r < 0 && mend_store(s, r) == 0)
        r = drain_now(s);
    report_book_error(s, r);
    if (r == 0)
        session_book_samples(s);
    if (r == 0)
        session_book_policy_events(s);
    rules_settle(s->rules);
    session_note_interfaces(s);
    health_note_drain(s, r, *store_why(s->store) ? store_why(s->store) : strerror(-r), started);
    if (r == 0)
        session_watch_allocations(s);
    session_look_at_policies(s); /* after what their conditions go by */
    release_memory(s);
    return r;
}

int session_take_names(struct session *s)
{
    int64_t now = clock_realtime_sec();
    struct names_answer answer;
    int r = 0;

    while (r == 0 && names_take(s->names, &answer)) {
        rules_take_answer(s->rules, &answer);
        session_take_policy_name(s, &answer);
        if (answer.kind == NAMES_USER && *answer.name)
            r = store_note_user(s->store, answer.id, answer.name, now);
        else if (answer.kind == NAMES_GROUP && *answer.name)
            r = store_note_group(s->store, answer.id, answer.name, now);
    }
    if (r < 0)
        log_warning("cannot store a name: %s", store_why(s->store));
    session_settle_policies(s);
    textlog_flush(s->rules->textlog, false);
    return r;
}

void session_read_units(struct session *s)
{
    rules_read_units(s->rules);
    session_settle_policies(s);
}

#define RULE_NAMES_MS 2000

/* Users and groups of rules are worth a moment; a directory server that hangs is not worth more. */
void session_await_rule_names(struct session *s)
{
    struct pollfd fd = {.fd = names_fd(s->names), .events = POLLIN};
    int64_t end_ns = clock_boottime_ns() + RULE_NAMES_MS * NSEC_PER_MSEC;

    while (rules_wait_for_names(s->rules)) {
        int64_t left_ns = end_ns - clock_boottime_ns();
        if (left_ns <= 0 || poll(&fd, 1, (int)(left_ns / NSEC_PER_MSEC) + 1) <= 0)
            break;
        session_take_names(s);
    }
    rules_tell_unknown(s->rules);
}

#define NAMES_LOOK_MS 20 /* one that NSS fails at is answered by nothing that could be waited for */

void session_await_names(struct session *s, int at_most_ms)
{
    struct pollfd fd = {.fd = names_fd(s->names), .events = POLLIN};
    int64_t end_ns = clock_boottime_ns() + at_most_ms * NSEC_PER_MSEC;

    while (names_waiting(s->names) > 0 && clock_boottime_ns() < end_ns)
        if (poll(&fd, 1, NAMES_LOOK_MS) > 0)
            session_take_names(s);
}

/* ---- opening ---- */

/* The kernel side calls this before it counts anything; a reload does through session_apply_classes(). */
static int fill_classes(int fd_v4, int fd_v6, void *userdata, uint32_t *ret_flags)
{
    struct session *s = userdata;
    const struct config *config = s->config;
    cleanup_free const char **names = calloc(config->n_classes + 1, sizeof(*names));
    cleanup_free int64_t *ids = calloc(config->n_classes + 1, sizeof(*ids));
    int r;

    if (!names || !ids)
        return -ENOMEM;
    for (size_t i = 0; i < config->n_classes; i++)
        names[i] = config->classes[i].name;
    r = store_sync_classes(s->store, names, config->n_classes, ids);
    if (r == 0)
        r = classes_apply(fd_v4, fd_v6, config->classes, ids, config->n_classes, ret_flags);
    if (r == 0)
        r = peek_name_classes(s->peek, names, ids, config->n_classes);
    if (r == 0)
        *ret_flags |= rules_epoch_flags(s->rules);
    return r;
}

/* In force from the next epoch on: sockets drop the class they remember when the generation changes. */
int session_apply_classes(struct session *s)
{
    int r =
        fill_classes(kernel_map_fd(s->kernel, MAP_CLASSES_V4), kernel_map_fd(s->kernel, MAP_CLASSES_V6), s, &s->flags);

    s->generation++;
    if (r < 0)
        log_error("cannot load the networks of the classes: %s",
                  *store_why(s->store) ? store_why(s->store) : strerror(-r));
    return r < 0 ? r : session_drain(s);
}

static uint32_t layers_that_are(const struct config *config, enum config_layer state)
{
    return (config->layer_syscall == state) << LAYER_SYSCALL | (config->layer_sockops == state) << LAYER_SOCKOPS;
}

static int open_kernel(struct session *s)
{
    cleanup_free char *why = NULL;
    const char *origin = NULL;
    struct kernel_options options = {
        .pin_path = s->config->pin_path,
        .accounts = s->config->limit_accounts,
        .truth = getenv("PDTT_TEST_TRUTH") != NULL,
        .slot_error = atoi(getenv("PDTT_TEST_SLOT_ERROR") ?: "0"),
        .connections = s->config->layer_sockops == CONFIG_LAYER_OFF ? 0 : s->config->limit_connections,
        .policies = s->config->limit_policies,
        .best_tier = getenv("PDTT_TEST_TIER"),
        .layers_off = layers_that_are(s->config, CONFIG_LAYER_OFF),
        .layers_required = layers_that_are(s->config, CONFIG_LAYER_ON),
        .fill_classes = fill_classes,
        .userdata = s,
    };
    int r = cgroup_find_root(s->config->cgroup, &s->cgroup, &why);

    if (r < 0)
        origin = config_origin_of(s->config, "cgroup");
    if (r == 0) {
        options.cgroup_path = s->cgroup;
        r = kernel_open(&options, &s->kernel, &why);
    }
    if (r < 0)
        log_error("%s%s%s", origin ? origin : "", origin ? ": " : "", why ? why : strerror(-r));
    return r;
}

/* The end of a former ledger is the start of the one that replaced it. */
static int book_old_ledger(struct session *s)
{
    const struct pdtt_epoch *next;
    struct ledger_maps maps;
    struct ledger *old;
    struct drain d;
    int r;

    if (!kernel_old_maps(s->kernel, &maps))
        return 0;
    r = ledger_open(&maps, &old);
    if (r < 0)
        return r;
    d = session_drain_of(s, old);
    next = ledger_epoch(s->ledger, ledger_active(s->ledger));
    r = session_open_connections(s, kernel_old_map_fd(s->kernel, MAP_CONN_STATS), true);
    if (r == 0)
        r = drain_retired(&d, next->start_ns, next->boot_ns);
    ledger_close(old);
    return r < 0 ? r : kernel_drop_old(s->kernel);
}

static int open_ledger(struct session *s)
{
    struct ledger_maps maps;
    struct drain d;
    int r, active;

    kernel_ledger_maps(s->kernel, &maps);
    r = ledger_open(&maps, &s->ledger);
    active = r < 0 ? r : ledger_active(s->ledger);
    if (active < 0)
        return active;
    s->generation = ledger_epoch(s->ledger, active)->generation;
    s->flags = ledger_epoch(s->ledger, active)->flags & (PDTT_EPOCH_CLASSES_V4 | PDTT_EPOCH_CLASSES_V6);
    r = ledger_barrier(s->ledger);
    if (r == 0 && kernel_policies(s->kernel))
        r = policies_open(s->kernel, s->ledger, &s->policies);
    if (r == 0)
        r = book_old_ledger(s);
    d = session_drain_of(s, s->ledger);
    if (r == 0)
        r = session_open_connections(s, kernel_map_fd(s->kernel, MAP_CONN_STATS), false);
    return r < 0 ? r : drain_recover(&d);
}

static int note_gap(struct session *s)
{
    int64_t now = clock_realtime_sec(), boot = now - clock_boottime_ns() / NSEC_PER_SEC;
    struct store_coverage coverage;
    int r = store_query_coverage(s->store, 0, 0, &coverage);

    if (r < 0 || !coverage.last_sec || coverage.last_sec >= now)
        return r;
    if (kernel_was_detached(s->kernel))
        return store_put_gap(s->store, coverage.last_sec, now, GAP_DETACHED);
    if (kernel_start(s->kernel) != KERNEL_FRESH)
        return 0;
    return store_put_gap(s->store, coverage.last_sec, now, coverage.last_sec < boot ? "reboot" : "not running");
}

/* After the store and the kernel side are open: what can fail here fails in the store. */
static int begin_booking(struct session *s)
{
    int r;

    mend_restore_classes(s);
    r = open_ledger(s);
    if (r == 0)
        r = note_gap(s);
    if (r == 0)
        r = session_note_layers(s);
    if (r < 0) {
        log_error("cannot begin booking: %s", *store_why(s->store) ? store_why(s->store) : strerror(-r));
        return r;
    }
    /* A replacement that an earlier start began was filled with the classes of that time. */
    return kernel_start(s->kernel) == KERNEL_FRESH ? 0 : session_apply_classes(s);
}

int session_open(const char *config_path, bool tells, struct session **ret_session)
{
    struct session *s = calloc(1, sizeof(*s));
    int r;

    if (!s)
        return -ENOMEM;
    s->config_path = config_path;
    s->peek = peek_new();
    r = s->peek ? session_load_config(config_path, &s->config) : -ENOMEM;
    if (r == 0 && tells)
        r = session_start_notices(s);
    if (r == 0)
        r = names_start(&s->names);
    if (r == 0)
        r = mend_open_store(s);
    if (r == 0)
        r = rules_open(s->config, s->store, s->names, &s->rules);
    if (r == 0)
        r = open_kernel(s);
    if (r == 0)
        r = session_open_interfaces(s); /* before the first epoch ends, so that both begin together */
    if (r == 0)
        r = rules_follow_units(s->rules, s->cgroup, kernel_map_fd(s->kernel, MAP_UNITS));
    if (r == 0) {
        session_await_rule_names(s);
        r = begin_booking(s);
    }
    if (r < 0) {
        session_close(s);
        return r;
    }
    session_open_policies(s);
    s->health.started_sec = clock_realtime_sec();
    kernel_read_stats(s->kernel, s->health.stats_before);
    session_log_start(s);
    *ret_session = s;
    return 0;
}

struct session *session_close(struct session *s)
{
    if (!s)
        return NULL;
    session_close_notices(s);
    control_close(s->control);
    connections_close(s->connections);
    interfaces_close(s->interfaces);
    session_close_policies(s);
    session_close_door(s);
    policies_close(s->policies);
    ledger_close(s->ledger);
    rules_close(s->rules); /* writes to a map of the kernel's, asks store and names */
    kernel_close(s->kernel);
    store_close(s->store);
    names_stop(s->names);
    config_free(s->config);
    peek_cache_done(&s->peeked);
    peek_free(s->peek);
    free(s->cgroup);
    free(s->health.blocked_why);
    free(s->health.damage);
    free(s);
    return NULL;
}

/* ---- ending ---- */

int session_unload(struct session *s)
{
    int r = session_drain(s);

    if (r < 0)
        return r;
    interfaces_unload(s->interfaces);
    if (s->policies)
        policies_withdraw(s->policies);
    r = kernel_unload(s->kernel);
    if (r < 0)
        log_error("cannot remove the pins below %s: %s", s->config->pin_path, strerror(-r));
    return r;
}
