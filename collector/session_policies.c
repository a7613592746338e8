#include "collector/session_policies.h"

#include "collector/allocation_watch.h"
#include "collector/policy_admin.h"
#include "collector/policy_events.h"
#include "collector/policy_resolve.h"
#include "collector/session_door.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"

#include <poll.h>
#include <string.h>

static const char not_here[] = "policies cannot be put in force here: limits.policies is 0, or this kernel takes none; "
                               "the log of the start says which";

struct session_policies {
    struct session *session;
    struct policy_admin *admin;
    struct policy_resolve *resolve;
    const struct allocation_watch *watch; /* NULL: no policy has a condition */
    struct allocation_watch *own_watch;   /* where nobody is told of allocations, so that the session has none */
    int watch_error;                      /* of its last look, so that each trouble is said once */
    bool names_changed;
};

/* ---- conditions ---- */

static void look_at_allocations(struct session *s, struct session_policies *p)
{
    int r = s->watch_error; /* which looked just before */

    if (!s->watch && !p->own_watch && !(p->own_watch = allocation_watch_new()))
        return;
    p->watch = s->watch ? s->watch : p->own_watch;
    if (!s->watch)
        r = allocation_watch_look(p->own_watch, s->store, clock_realtime_sec());
    if (r < 0 && r != p->watch_error) {
        log_warning("policies: the allocations cannot be read, so what depends on them is off: %s",
                    store_why(s->store));
        s->health.policy_errors++;
    }
    p->watch_error = r;
}

/* What cannot be told holds nobody up. The first to ask has it looked up: what was in force before this start goes on at once. */
static bool holds(const struct policy *policy, void *userdata)
{
    struct session_policies *p = userdata;
    bool user = strcmp(policy->when_allocation, "user") == 0;
    const struct allocation_state *state;

    if (!p->watch)
        look_at_allocations(p->session, p);
    if (!p->watch || p->watch_error ||
        allocation_watch_find(p->watch, user ? STORE_SUBJECT_USER : STORE_SUBJECT_PROJECT,
                              user ? policy->user : policy->project, &state) < 0)
        return false;
    if (policy->when_percent == 100)
        return state->exceeded;
    return state->hundredths > (int64_t)policy->when_percent * 100;
}

static bool has_condition(const struct policy_roll *roll)
{
    for (size_t i = 0; i < roll->n; i++)
        if (roll->v[i].policy.when_percent)
            return true;
    return false;
}

/* What was booked last, and so what is used of the allocations. */
static bool is_known(const struct session *s)
{
    return s->book_error == 0 && s->policy->watch_error == 0;
}

void session_beat_policies(struct session *s)
{
    if (s->policy && s->policy->admin)
        session_renew_policies(s, is_known(s));
}

/* ---- names ---- */

static int compare_patterns(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Each once. */
static size_t sort_patterns(const char **patterns, size_t n)
{
    size_t kept = 0;

    if (n)
        qsort(patterns, n, sizeof(*patterns), compare_patterns);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || strcmp(patterns[kept - 1], patterns[i]) != 0)
            patterns[kept++] = patterns[i];
    return kept;
}

/* The groups that projects may be, and the units that policies name. */
static void expect_names(struct session *s, const struct policy_roll *roll)
{
    cleanup_free const char **patterns = calloc(roll->n + 1, sizeof(*patterns));
    size_t n = 0;

    policy_resolve_expect(s->policy->resolve, roll);
    for (size_t i = 0; patterns && i < roll->n; i++)
        if (roll->v[i].policy.unit)
            patterns[n++] = roll->v[i].policy.unit;
    if (!patterns || rules_follow_policy_units(s->rules, patterns, sort_patterns(patterns, n)) < 0)
        log_warning("policies: units that they name are not followed: out of memory");
}

#define START_NAMES_MS 2000 /* a directory server that hangs is not worth more */

/* What a former pdttd left in force knows its names; this one must not let through meanwhile what they hold up. */
static void prepare(const struct policy_roll *roll, void *userdata)
{
    struct session_policies *p = userdata;
    struct pollfd fd = {.fd = names_fd(p->session->names), .events = POLLIN};
    int64_t end_ns = clock_boottime_ns() + START_NAMES_MS * NSEC_PER_MSEC, left_ns;

    expect_names(p->session, roll);
    policy_resolve_ask_of(p->resolve, roll);
    while (policy_resolve_unanswered(p->resolve) > 0 && (left_ns = end_ns - clock_boottime_ns()) > 0 &&
           poll(&fd, 1, (int)(left_ns / NSEC_PER_MSEC) + 1) > 0)
        session_take_names(p->session);
}

static void tell_unknown(struct policy_resolve *resolve)
{
    const char *name;
    bool group;

    for (unsigned told = 0; told < 10 && (name = policy_resolve_tell_unknown(resolve, &group)); told++)
        if (!group) /* a project need not be a group */
            log_warning("policies: no user '%s' is known here (yet); what names him matches nothing", name);
}

void session_take_policy_name(struct session *s, const struct names_answer *answer)
{
    if (s->policy && policy_resolve_take_answer(s->policy->resolve, answer, clock_boottime_ns()))
        s->policy->names_changed = true;
}

void session_settle_policies(struct session *s)
{
    struct session_policies *p = s->policy;

    if (!p || !p->admin)
        return;
    expect_names(s, policy_admin_roll(p->admin));
    if (p->names_changed | rules_policy_units_changed(s->rules)) {
        p->names_changed = false;
        policy_admin_refresh(p->admin);
    }
    tell_unknown(p->resolve);
}

/* ---- intervals ---- */

int session_read_policies(const struct store_meter **ret, size_t *ret_n, void *session)
{
    struct session *s = session;

    return s->policy && s->policy->admin ? policy_admin_read_meters(s->policy->admin, ret, ret_n) : -ENODEV;
}

void session_look_at_policies(struct session *s)
{
    struct session_policies *p = s->policy;

    if (!p || !p->admin)
        return;
    session_refresh_door(s);
    policy_resolve_ask(p->resolve, clock_boottime_ns());
    policies_pace(s->policies);
    if (has_condition(policy_admin_roll(p->admin))) {
        look_at_allocations(s, p);
        policy_admin_look(p->admin);
    }
    session_settle_policies(s);
    session_renew_policies(s, is_known(s)); /* after what does not hold any more is off */
}

/* ---- the rest ---- */

int session_change_policies(struct session *s, const struct config *config, char **ret_why)
{
    if (!s->policy) {
        if (config->policies.n == 0 || config->policies.n == s->config->policies.n)
            return 0;
        *ret_why = strdup(not_here);
        return -ENOTSUP;
    }
    policy_resolve_use(s->policy->resolve, s->store, config);
    int r = policy_admin_use_config(s->policy->admin, &config->policies, &config->policy_lapse, ret_why);
    if (r < 0)
        policy_resolve_use(s->policy->resolve, s->store, s->config);
    else
        session_use_policy_event_rate(s, config);
    return r;
}

void session_keep_policies(struct session *s)
{
    if (!s->policy)
        return;
    policy_resolve_use(s->policy->resolve, s->store, s->config);
    if (policy_admin_use_store(s->policy->admin, s->store) < 0)
        log_warning("policies: the new database does not keep them over a restart yet: %s", store_why(s->store));
}

void session_close_policies(struct session *s)
{
    struct session_policies *p = s->policy;

    session_close_policy_events(s);
    session_close_policy_lapse(s);
    if (!p)
        return;
    policy_admin_close(p->admin);
    policy_resolve_free(p->resolve);
    allocation_watch_free(p->own_watch);
    free(p);
    s->policy = NULL;
}

/* Which connections limits do not pace, so that the bucket alone holds them; NULL: none. */
static const char *not_paced(const struct session *s)
{
    if (!kernel_layer_on(s->kernel, LAYER_SOCKOPS))
        return "connections are not paced, without the sockops layer: limits hold them by marks and drops alone";
    if (kernel_missing(s->kernel, programs_find("pace_connections")))
        return "connections that are older than a limit are not paced by it: this kernel takes no pace_connections";
    return NULL;
}

json_t *session_policies_json(const struct session *s, json_t *problems)
{
    const struct policy_admin *a = session_policy_admin(s);
    const struct policy_roll *roll = a ? policy_admin_roll(a) : NULL;
    int waits_sec = a ? policy_admin_waits_sec(a) : -1;
    size_t off = 0, never = 0, lapsed = session_count_lapsed(s, problems);

    if (!a && s->config->policies.n)
        json_array_append_new(problems, json_string(not_here));
    if (a && s->policy->watch_error)
        json_array_append_new(problems,
                              json_string("the allocations cannot be read, so policies that depend on them are "
                                          "off; the log says why"));
    for (size_t i = 0; roll && i < roll->n; i++) {
        off += roll->v[i].off;
        never += roll->v[i].never != NULL;
    }
    return !a ? json_null()
              : json_pack("{s:I, s:I, s:I, s:I, s:s?, s:o, s:I, s:o}", "in_force", (json_int_t)roll->n, "off",
                          (json_int_t)off, "lapsed", (json_int_t)lapsed, "never", (json_int_t)never, "not_paced",
                          not_paced(s), "waits_sec", waits_sec < 0 ? json_null() : json_integer(waits_sec),
                          "condition_errors", (json_int_t)s->health.policy_errors, "events",
                          s->policy_events ? policy_events_json(s->policy_events, s->config->policy_events_rate)
                                           : json_null());
}

struct policy_admin *session_policy_admin(const struct session *s)
{
    return s->policy ? s->policy->admin : NULL;
}

void session_open_policies(struct session *s)
{
    struct policy_admin_options options = {.store = s->store,
                                           .kernel = s->policies,
                                           .configured = &s->config->policies,
                                           .lapses = s->config->policy_lapse,
                                           .holds = holds,
                                           .prepare = prepare};
    struct session_policies *p = s->policies ? calloc(1, sizeof(*p)) : NULL;

    if (!p) {
        if (s->config->policies.n)
            log_warning("those of the configuration are not in force: %s", not_here);
        return;
    }
    s->policy = p;
    p->session = s;
    options.userdata = p;
    session_begin_to_renew(s);
    if (policy_resolve_new(s->names, s->rules, &p->resolve) == 0) {
        policy_resolve_use(p->resolve, s->store, s->config);
        options.names = policy_resolve_names(p->resolve);
    }
    if (!p->resolve || policy_admin_open(&options, &p->admin) < 0) /* which was logged */
        session_close_policies(s);
    else
        session_open_policy_lapse(s);
    if (s->policy)
        session_look_at_policies(s);
    if (s->policy)
        session_open_policy_events(s);
    if (s->policy && not_paced(s))
        log_info("policies: %s", not_paced(s));
}
