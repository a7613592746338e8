#include "collector/policy_admin_internal.h"

#include "common/cleanup.h"
#include "common/log.h"

#include <string.h>
#include <sys/timerfd.h>
#include <time.h>

char *policy_admin_unknown(const struct policy_admin *a, size_t i)
{
    return a->names && a->names->unknown ? a->names->unknown(&a->roll.v[i].policy, a->names->userdata) : NULL;
}

/* ---- the rest of pdttd ---- */

int policy_admin_read_meters(struct policy_admin *a, const struct store_meter **ret, size_t *ret_n)
{
    return policy_meters_read(a->meters, ret, ret_n);
}

void policy_admin_booked(struct policy_admin *a)
{
    policy_meters_booked(a->meters);
}

const struct policy_roll *policy_admin_roll(const struct policy_admin *a)
{
    return &a->roll;
}

struct policies *policy_admin_kernel(const struct policy_admin *a)
{
    return a->kernel;
}

static bool holds_up(enum policy_action action)
{
    return action == POLICY_BLOCK || action == POLICY_LIMIT;
}

static bool any_holds_up(const struct policy_admin *a)
{
    bool any = false;

    for (size_t i = 0; i < a->configured->n; i++)
        any |= holds_up(a->configured->v[i].action);
    for (size_t i = 0; i < a->roll.n; i++)
        any |= a->roll.v[i].origin == POLICY_GIVEN && holds_up(a->roll.v[i].policy.action);
    return any;
}

/* What is to be there after a restart: not a list that waits, but the one before. */
static int keep(const struct policy_admin *a)
{
    struct policy_roll kept = {0};
    int r = policy_roll_add_from(&kept, &a->roll, POLICY_OF_CONNECTION);

    if (r == 0)
        r = policy_roll_add_from(&kept, a->waits ? &a->former : &a->roll, POLICY_GIVEN);
    if (r == 0)
        r = policy_roll_keep(&kept, a->store);
    policy_roll_done(&kept);
    return r;
}

int policy_admin_use_config(struct policy_admin *a, const struct policy_list *configured,
                            const struct policy_lapses *lapses, char **ret_why)
{
    const struct policy_list *before = a->configured;
    struct policy_lapses lapses_before = a->lapses;
    struct policy_roll next = {0};
    bool protects;
    int r;

    a->configured = configured;
    a->lapses = *lapses;
    if (!any_holds_up(a))
        a->connection = NULL;
    protects = a->connection;
    r = policy_admin_begin(a, true, &next);
    if (r == 0)
        r = policy_admin_change(a, &next, false, ret_why);
    else
        policy_roll_done(&next);
    if (r < 0) {
        a->configured = before;
        a->lapses = lapses_before;
    } else if (protects && keep(a) < 0) {
        log_warning("policies: that the connection is protected is not kept over a restart yet: %s",
                    store_why(a->store));
    }
    return r < 0 ? policy_admin_describe(r, a, ret_why) : 0;
}

void policy_admin_refresh(struct policy_admin *a)
{
    int r = policy_admin_put(a, &a->roll);

    if (r < 0)
        log_warning("policies: names that changed are not taken yet: %s", strerror(-r));
}

static size_t turn(struct policy_admin *a, bool *turned)
{
    size_t n = 0;

    for (size_t i = 0; i < a->roll.n; i++) {
        struct policy_entry *e = &a->roll.v[i];

        turned[i] = e->off != policy_admin_is_off(a, &e->policy);
        e->off ^= turned[i];
        n += turned[i];
    }
    return n;
}

void policy_admin_look(struct policy_admin *a)
{
    cleanup_free bool *turned = calloc(a->roll.n + 1, sizeof(*turned));
    int r;

    if (!turned || turn(a, turned) == 0)
        return;
    r = policy_admin_put(a, &a->roll);
    for (size_t i = 0; i < a->roll.n; i++) {
        struct policy_entry *e = &a->roll.v[i];

        if (r == 0 && turned[i])
            log_info("policy '%s' is %s: the allocation of %s is %s", e->policy.name, e->off ? "off" : "in force",
                     e->policy.when_allocation, e->off ? "not used up so far, or not known" : "used up so far");
        e->off ^= r < 0 && turned[i]; /* tried again after the next interval */
    }
    if (r < 0)
        log_warning("policies: conditions that changed are not taken yet: %s", strerror(-r));
}

int policy_admin_use_store(struct policy_admin *a, struct store *store)
{
    a->store = store;
    policy_meters_tell_all(a->meters);
    return keep(a);
}

/* ---- the life of it ---- */

/* A name that the configuration has taken since: that one counts. */
static int leave_out_twice(struct policy_roll *roll)
{
    const char *twice;
    int r;

    while ((r = policy_roll_find_twice(roll, &twice)) == 0 && twice) {
        struct policy_entry *given = NULL;

        for (size_t i = 0; i < roll->n; i++)
            if (strcmp(roll->v[i].policy.name, twice) == 0)
                given = &roll->v[i];
        log_warning("policies: the configuration has a policy '%s' now; the one that was given is left out", twice);
        policy_roll_remove(roll, given);
    }
    return r;
}

/* What is in force may be what a former pdttd put there: a list that waited, say. */
static int start(struct policy_admin *a, char **ret_why)
{
    cleanup_free char *fault = NULL;
    struct policy_roll next = {0};
    int r = policy_roll_add_list(&next, a->configured, POLICY_OF_CONFIG, 0);

    if (r == 0)
        r = policy_roll_load(&next, a->store, &fault);
    if (r == 0)
        r = leave_out_twice(&next);
    if (r == 0 && a->prepare)
        a->prepare(&next, a->userdata);
    if (fault)
        log_warning("policies: one that was kept cannot be read, and is left out: %s", fault);
    if (r < 0) {
        policy_roll_done(&next);
        return policy_admin_describe(r, a, ret_why);
    }
    return policy_admin_change(a, &next, false, ret_why);
}

int policy_admin_open(const struct policy_admin_options *options, struct policy_admin **ret_admin)
{
    struct policy_admin *a = calloc(1, sizeof(*a));
    cleanup_free char *why = NULL;
    int r;

    if (!a)
        return -ENOMEM;
    *a = (struct policy_admin){.store = options->store,
                               .kernel = options->kernel,
                               .names = options->names,
                               .configured = options->configured,
                               .lapses = options->lapses,
                               .holds = options->holds,
                               .prepare = options->prepare,
                               .userdata = options->userdata};
    a->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    r = a->timer_fd < 0 ? -errno : policy_meters_open(a->kernel, a->store, &a->meters);
    if (r == 0)
        r = start(a, &why);
    if (r < 0) {
        log_error("policies: %s", why ? why : strerror(-r));
        policy_admin_close(a);
        return r;
    }
    *ret_admin = a;
    return 0;
}

struct policy_admin *policy_admin_close(struct policy_admin *a)
{
    if (!a)
        return NULL;
    policy_roll_done(&a->roll);
    policy_roll_done(&a->former);
    policy_meters_close(a->meters);
    close_fd(a->timer_fd);
    free(a);
    return NULL;
}
