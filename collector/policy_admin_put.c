/* Which list is in force next, and putting it there: in the kernel, and in the database for the next start. */
#include "collector/policy_admin_internal.h"

#include "collector/policy_connection.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"

#include <stdarg.h>
#include <string.h>

int policy_admin_complain(char **ret_why, int error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (vasprintf(ret_why, format, args) < 0)
        *ret_why = NULL;
    va_end(args);
    return error;
}

static int check(const struct policy_admin *a, const struct policy_roll *next, char **ret_why)
{
    const char *twice;
    int r = policy_roll_find_twice(next, &twice);

    if (r == 0 && twice)
        return policy_admin_complain(ret_why, -EEXIST,
                                     "policy '%s': there is one of that name in the configuration or the list; "
                                     "choose another name",
                                     twice);
    if (r == 0 && next->n > policies_room(a->kernel))
        return policy_admin_complain(ret_why, -ENOSPC,
                                     "%zu policies are more than there is room for, %u; raise limits.policies", next->n,
                                     policies_room(a->kernel));
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

int policy_admin_describe(int r, const struct policy_admin *a, char **ret_why)
{
    if (*ret_why)
        return r;
    if (r == -ENOSPC)
        return policy_admin_complain(ret_why, r,
                                     "the policies overlap in more ways than there is room for; raise limits.policies");
    return policy_admin_complain(ret_why, r, "the policies cannot be put in force: %s; those before stay",
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

int policy_admin_put(const struct policy_admin *a, struct policy_roll *roll)
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

bool policy_admin_is_off(const struct policy_admin *a, const struct policy *policy)
{
    return policy->when_percent && !(a->holds && a->holds(policy, a->userdata));
}

int policy_admin_change(struct policy_admin *a, struct policy_roll *next, bool keep, char **ret_why)
{
    int r = check(a, next, ret_why);

    for (size_t i = 0; i < next->n; i++)
        next->v[i].off = policy_admin_is_off(a, &next->v[i].policy);
    if (r == 0)
        r = policy_admin_put(a, next);
    if (r == 0 && keep) {
        r = policy_roll_keep(next, a->store);
        if (r < 0) {
            policy_admin_complain(ret_why, r,
                                  "the policies cannot be kept over a restart, and those before stay in force: %s",
                                  *store_why(a->store) ? store_why(a->store) : strerror(-r));
            if (policy_admin_put(a, &a->roll) < 0)
                log_error("policies: a list that could not be kept stays in force until the next change");
        }
    }
    if (r < 0) {
        policy_roll_done(next);
        return policy_admin_describe(r, a, ret_why);
    }
    policy_roll_done(&a->roll);
    a->roll = *next;
    a->connection = NULL;
    return 0;
}

int policy_admin_begin(const struct policy_admin *a, bool given, struct policy_roll *next)
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
