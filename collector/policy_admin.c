#include "collector/policy_admin.h"

#include "collector/policy_connection.h"
#include "collector/policy_meters.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"

#include <stdarg.h>
#include <string.h>
#include <sys/timerfd.h>

#define AGAIN_SEC 1 /* taking back a list that could not be taken back */

struct policy_admin {
    struct store *store;
    struct policies *kernel;
    const struct policy_names *names;
    const struct policy_list *configured;
    struct policy_lapses lapses;
    struct policy_meters *meters;
    struct policy_roll roll;         /* in force */
    const struct policy *connection; /* to be protected with the next change, NULL: none */
    struct policy_roll former;       /* what was given before a list that waits */
    bool waits;
    int64_t until_ns;     /* boot-time clock */
    int64_t reverted_sec; /* wall clock */
    int timer_fd;
    bool (*holds)(const struct policy *policy, void *userdata);
    void (*prepare)(const struct policy_roll *roll, void *userdata);
    void *userdata;
};

static int complain(char **ret_why, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int complain(char **ret_why, int error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (vasprintf(ret_why, format, args) < 0)
        *ret_why = NULL;
    va_end(args);
    return error;
}

/* ---- putting a list in force ---- */

static int check(const struct policy_admin *a, const struct policy_roll *next, char **ret_why)
{
    const char *twice;
    int r = policy_roll_find_twice(next, &twice);

    if (r == 0 && twice)
        return complain(ret_why, -EEXIST,
                        "policy '%s': there is one of that name in the configuration or the list; "
                        "choose another name",
                        twice);
    if (r == 0 && next->n > policies_room(a->kernel))
        return complain(ret_why, -ENOSPC, "%zu policies are more than there is room for, %u; raise limits.policies",
                        next->n, policies_room(a->kernel));
    return r;
}

static void note_never(struct policy_roll *roll, const struct policy_set *set)
{
    size_t n = 0;
    const struct policy_never *never = policy_set_never(set, &n);

    for (size_t i = 0; i < roll->n; i++) {
        free(take_ptr(roll->v[i].never));
        roll->v[i].door = policy_set_is_at_door(set, i);
    }
    for (size_t i = 0; i < n; i++) {
        struct policy_entry *e = never[i].policy < roll->n ? &roll->v[never[i].policy] : NULL;
        bool by = never[i].by >= 0 && (size_t)never[i].by < roll->n;

        if (e && asprintf(&e->never, "can never match: %s%s%s", by ? "always preceded by " : "",
                          by ? roll->v[never[i].by].policy.name : "", by ? "" : never[i].why) < 0)
            e->never = NULL;
    }
}

static int describe(int r, const struct policy_admin *a, char **ret_why)
{
    if (*ret_why)
        return r;
    if (r == -ENOSPC)
        return complain(ret_why, r, "the policies overlap in more ways than there is room for; raise limits.policies");
    return complain(ret_why, r, "the policies cannot be put in force: %s; those before stay",
                    *store_why(a->store) ? store_why(a->store) : strerror(-r));
}

/* One whose condition does not hold decides nothing, from the moment on at which its list is in force. */
static void hold_back(struct policy *policies, const struct policy_roll *roll)
{
    for (size_t i = 0; i < roll->n; i++)
        if (roll->v[i].off)
            policies[i].action = POLICY_OBSERVE;
}

static void set_lapses(const struct policy_admin *a, struct policy *policies, struct policy_roll *roll)
{
    for (size_t i = 0; i < roll->n; i++)
        policies[i].lapse_sec = roll->v[i].lapse_sec = policy_lapse_sec(&roll->v[i].policy, &a->lapses);
}

static void switch_off(const struct policy_admin *a, const struct policy_roll *roll)
{
    int r = 0;

    for (size_t i = 0; i < roll->n && r == 0; i++)
        if (roll->v[i].off)
            r = policies_enable(a->kernel, i, false);
    if (r < 0)
        log_debug("policies: one that is off goes on counting: %s", strerror(-r));
}

static int put_in_kernel(const struct policy_admin *a, struct policy_roll *roll)
{
    cleanup_free struct policy *policies = policy_roll_policies(roll);
    struct policy_set *set = NULL;
    int r = policies ? policy_meters_before(a->meters) : -ENOMEM;

    if (r == 0) {
        hold_back(policies, roll);
        set_lapses(a, policies, roll);
        r = policies_apply(a->kernel, policies, roll->n, a->names, &set);
    }
    if (r == 0 && policy_meters_after(a->meters) < 0)
        log_debug("policies: their names are taken at the next interval");
    if (r == 0)
        switch_off(a, roll);
    if (r == 0 && set)
        note_never(roll, set);
    policy_set_free(set);
    return r;
}

static bool is_off(const struct policy_admin *a, const struct policy *policy)
{
    return policy->when_percent && !(a->holds && a->holds(policy, a->userdata));
}

/* next, which this takes, in place of what is in force; keep: it is to be in force after a restart too. */
static int change(struct policy_admin *a, struct policy_roll *next, bool keep, char **ret_why)
{
    int r = check(a, next, ret_why);

    for (size_t i = 0; i < next->n; i++)
        next->v[i].off = is_off(a, &next->v[i].policy);
    if (r == 0)
        r = put_in_kernel(a, next);
    if (r == 0 && keep) {
        r = policy_roll_keep(next, a->store);
        if (r < 0) {
            complain(ret_why, r, "the policies cannot be kept over a restart, and those before stay in force: %s",
                     *store_why(a->store) ? store_why(a->store) : strerror(-r));
            if (put_in_kernel(a, &a->roll) < 0)
                log_error("policies: a list that could not be kept stays in force until the next change");
        }
    }
    if (r < 0) {
        policy_roll_done(next);
        return describe(r, a, ret_why);
    }
    policy_roll_done(&a->roll);
    a->roll = *next;
    a->connection = NULL;
    return 0;
}

/* The protected connections and the configuration, and with given what was given. */
static int begin(const struct policy_admin *a, bool given, struct policy_roll *next)
{
    int r = policy_roll_add_from(next, &a->roll, POLICY_OF_CONNECTION);

    if (r == 0 && a->connection)
        r = policy_connection_add(next, a->connection, clock_realtime_sec());
    if (r == 0)
        r = policy_roll_add_list(next, a->configured, POLICY_OF_CONFIG, 0);
    if (r == 0 && given)
        r = policy_roll_add_from(next, &a->roll, POLICY_GIVEN);
    return r;
}

/* ---- what administrators ask for ---- */

static int refuse_waiting(const struct policy_admin *a, char **ret_why)
{
    return complain(ret_why, -EBUSY,
                    "a list waits to be confirmed, for %d s more; confirm it (pdttctl policy confirm), or take it back "
                    "(pdttctl policy revert)",
                    policy_admin_waits_sec(a));
}

static int check_name(const char *name, char **ret_why)
{
    if (strncmp(name, POLICY_PROTECTED, strlen(POLICY_PROTECTED)) == 0)
        return complain(ret_why, -EINVAL,
                        "policy '%s': names that begin with " POLICY_PROTECTED
                        " are those of protected connections; choose another name",
                        name);
    return 0;
}

int policy_admin_add(struct policy_admin *a, const struct policy *policy, char **ret_why)
{
    struct policy_roll next = {0};
    struct policy copy;
    int r = check_name(policy->name, ret_why);

    if (r < 0)
        return r;
    if (a->waits)
        return refuse_waiting(a, ret_why);
    if (policy_roll_find(&a->roll, policy->name))
        return complain(ret_why, -EEXIST,
                        "policy '%s': there is one of that name; remove it first, or choose another name",
                        policy->name);
    r = begin(a, true, &next);
    if (r == 0)
        r = policy_copy(policy, &copy);
    if (r == 0)
        r = policy_roll_add(&next, &copy, POLICY_GIVEN, clock_realtime_sec());
    if (r < 0) {
        policy_roll_done(&next);
        return describe(r, a, ret_why);
    }
    return change(a, &next, true, ret_why);
}

int policy_admin_remove(struct policy_admin *a, const char *name, char **ret_why)
{
    const struct policy_entry *entry = policy_roll_find(&a->roll, name);
    struct policy_roll next = {0};
    int r;

    if (a->waits)
        return refuse_waiting(a, ret_why);
    if (!entry)
        return complain(ret_why, -ENOENT,
                        "policy '%.100s': there is none of that name; pdttctl policy list names those there are", name);
    if (entry->origin == POLICY_OF_CONFIG)
        return complain(ret_why, -EINVAL, "policy '%s': is one of the configuration; remove it there, and reload",
                        name);
    r = begin(a, true, &next);
    if (r < 0) {
        policy_roll_done(&next);
        return describe(r, a, ret_why);
    }
    policy_roll_remove(&next, policy_roll_find(&next, name));
    return change(a, &next, true, ret_why);
}

static int add_given(const struct policy_admin *a, struct policy_roll *next, const struct policy_list *list,
                     char **ret_why)
{
    cleanup_free const struct policy_entry **before = policy_roll_by_name(&a->roll);
    int r = before ? begin(a, false, next) : -ENOMEM;

    for (size_t i = 0; i < list->n && r == 0; i++) {
        struct policy copy;

        r = check_name(list->v[i].name, ret_why);
        if (r == 0)
            r = policy_copy(&list->v[i], &copy);
        if (r == 0)
            r = policy_roll_add(next, &copy, POLICY_GIVEN, policy_roll_since(before, a->roll.n, list->v[i].name));
    }
    return r;
}

static int arm(struct policy_admin *a, unsigned sec)
{
    struct itimerspec at = {.it_value.tv_sec = sec};

    a->until_ns = clock_boottime_ns() + (int64_t)sec * NSEC_PER_SEC;
    return timerfd_settime(a->timer_fd, 0, &at, NULL) < 0 ? -errno : 0;
}

static void stop_waiting(struct policy_admin *a)
{
    arm(a, 0);
    policy_roll_done(&a->former);
    a->waits = false;
}

int policy_admin_apply(struct policy_admin *a, const struct policy_list *list, unsigned confirm_sec, char **ret_why)
{
    struct policy_roll next = {0}, former = {0};
    int r;

    if (a->waits)
        return refuse_waiting(a, ret_why);
    r = add_given(a, &next, list, ret_why);
    if (r == 0 && confirm_sec)
        r = policy_roll_add_from(&former, &a->roll, POLICY_GIVEN);
    if (r == 0 && confirm_sec)
        r = arm(a, confirm_sec); /* before the list is in force: one that cannot be taken back never is */
    if (r < 0) {
        policy_roll_done(&next);
        policy_roll_done(&former);
        return describe(r, a, ret_why);
    }
    a->waits = confirm_sec > 0;
    a->former = former;
    r = change(a, &next, !confirm_sec, ret_why);
    if (r < 0)
        stop_waiting(a);
    return r;
}

int policy_admin_confirm(struct policy_admin *a, char **ret_why)
{
    int r;

    if (!a->waits)
        return complain(ret_why, -ENOENT, "no list waits to be confirmed%s",
                        a->reverted_sec ? "; the last one was taken back, since nobody confirmed it in time" : "");
    r = policy_roll_keep(&a->roll, a->store);
    if (r < 0)
        return complain(ret_why, r, "the list cannot be kept over a restart, and still waits: %s", store_why(a->store));
    stop_waiting(a);
    return 0;
}

int policy_admin_revert(struct policy_admin *a, char **ret_why)
{
    struct policy_roll next = {0};
    int r;

    if (!a->waits)
        return complain(ret_why, -ENOENT, "no list waits to be confirmed");
    r = begin(a, false, &next);
    if (r == 0)
        r = policy_roll_add_from(&next, &a->former, POLICY_GIVEN);
    if (r < 0) {
        policy_roll_done(&next);
        return describe(r, a, ret_why);
    }
    r = change(a, &next, false, ret_why);
    if (r == 0)
        stop_waiting(a);
    return r;
}

void policy_admin_protect(struct policy_admin *a, const struct policy *connection)
{
    a->connection = connection;
}

/* ---- in time ---- */

int policy_admin_fd(const struct policy_admin *a)
{
    return a->timer_fd;
}

void policy_admin_tick(struct policy_admin *a)
{
    cleanup_free char *why = NULL;
    uint64_t expirations;

    if (read(a->timer_fd, &expirations, sizeof(expirations)) < 0 || !a->waits)
        return;
    if (policy_admin_revert(a, &why) < 0) {
        log_error("policies: nobody confirmed the list, and it cannot be taken back: %s", why ? why : "out of memory");
        arm(a, AGAIN_SEC);
        return;
    }
    a->reverted_sec = clock_realtime_sec();
    log_warning("policies: nobody confirmed the list in time; those before it are in force again, %zu in all",
                a->roll.n);
}

int policy_admin_waits_sec(const struct policy_admin *a)
{
    int64_t left_ns = a->until_ns - clock_boottime_ns();

    return !a->waits ? -1 : left_ns > 0 ? (int)((left_ns + NSEC_PER_SEC - 1) / NSEC_PER_SEC) : 0;
}

int64_t policy_admin_reverted_sec(const struct policy_admin *a)
{
    return a->reverted_sec;
}

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
    r = begin(a, true, &next);
    if (r == 0)
        r = change(a, &next, false, ret_why);
    else
        policy_roll_done(&next);
    if (r < 0) {
        a->configured = before;
        a->lapses = lapses_before;
    } else if (protects && keep(a) < 0) {
        log_warning("policies: that the connection is protected is not kept over a restart yet: %s",
                    store_why(a->store));
    }
    return r < 0 ? describe(r, a, ret_why) : 0;
}

void policy_admin_refresh(struct policy_admin *a)
{
    int r = put_in_kernel(a, &a->roll);

    if (r < 0)
        log_warning("policies: names that changed are not taken yet: %s", strerror(-r));
}

static size_t turn(struct policy_admin *a, bool *turned)
{
    size_t n = 0;

    for (size_t i = 0; i < a->roll.n; i++) {
        struct policy_entry *e = &a->roll.v[i];

        turned[i] = e->off != is_off(a, &e->policy);
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
    r = put_in_kernel(a, &a->roll);
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
        return describe(r, a, ret_why);
    }
    return change(a, &next, false, ret_why);
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
