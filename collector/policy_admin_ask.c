/* What administrators ask for: policies that come and go, and lists that are taken back where nobody confirms them. */
#include "collector/policy_admin_internal.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"

#include <string.h>
#include <sys/timerfd.h>

#define AGAIN_SEC 1 /* taking back a list that could not be taken back */

static int refuse_waiting(const struct policy_admin *a, char **ret_why)
{
    return policy_admin_complain(
        ret_why, -EBUSY,
        "a list waits to be confirmed, for %d s more; confirm it (pdttctl policy confirm), or take it back "
        "(pdttctl policy revert)",
        policy_admin_waits_sec(a));
}

static int check_name(const char *name, char **ret_why)
{
    if (strncmp(name, POLICY_PROTECTED, strlen(POLICY_PROTECTED)) == 0)
        return policy_admin_complain(ret_why, -EINVAL,
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
        return policy_admin_complain(ret_why, -EEXIST,
                                     "policy '%s': there is one of that name; remove it first, or choose another name",
                                     policy->name);
    r = policy_admin_begin(a, true, &next);
    if (r == 0)
        r = policy_copy(policy, &copy);
    if (r == 0)
        r = policy_roll_add(&next, &copy, POLICY_GIVEN, clock_realtime_sec());
    if (r < 0) {
        policy_roll_done(&next);
        return policy_admin_describe(r, a, ret_why);
    }
    return policy_admin_change(a, &next, true, ret_why);
}

int policy_admin_remove(struct policy_admin *a, const char *name, char **ret_why)
{
    const struct policy_entry *entry = policy_roll_find(&a->roll, name);
    struct policy_roll next = {0};
    int r;

    if (a->waits)
        return refuse_waiting(a, ret_why);
    if (!entry)
        return policy_admin_complain(
            ret_why, -ENOENT, "policy '%.100s': there is none of that name; pdttctl policy list names those there are",
            name);
    if (entry->origin == POLICY_OF_CONFIG)
        return policy_admin_complain(ret_why, -EINVAL,
                                     "policy '%s': is one of the configuration; remove it there, and reload", name);
    r = policy_admin_begin(a, true, &next);
    if (r < 0) {
        policy_roll_done(&next);
        return policy_admin_describe(r, a, ret_why);
    }
    policy_roll_remove(&next, policy_roll_find(&next, name));
    return policy_admin_change(a, &next, true, ret_why);
}

static int add_given(const struct policy_admin *a, struct policy_roll *next, const struct policy_list *list,
                     char **ret_why)
{
    cleanup_free const struct policy_entry **before = policy_roll_by_name(&a->roll);
    int r = before ? policy_admin_begin(a, false, next) : -ENOMEM;

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
        return policy_admin_describe(r, a, ret_why);
    }
    a->waits = confirm_sec > 0;
    a->former = former;
    r = policy_admin_change(a, &next, !confirm_sec, ret_why);
    if (r < 0)
        stop_waiting(a);
    return r;
}

int policy_admin_confirm(struct policy_admin *a, char **ret_why)
{
    int r;

    if (!a->waits)
        return policy_admin_complain(
            ret_why, -ENOENT, "no list waits to be confirmed%s",
            a->reverted_sec ? "; the last one was taken back, since nobody confirmed it in time" : "");
    r = policy_roll_keep(&a->roll, a->store);
    if (r < 0)
        return policy_admin_complain(ret_why, r, "the list cannot be kept over a restart, and still waits: %s",
                                     store_why(a->store));
    stop_waiting(a);
    return 0;
}

int policy_admin_revert(struct policy_admin *a, char **ret_why)
{
    struct policy_roll next = {0};
    int r;

    if (!a->waits)
        return policy_admin_complain(ret_why, -ENOENT, "no list waits to be confirmed");
    r = policy_admin_begin(a, false, &next);
    if (r == 0)
        r = policy_roll_add_from(&next, &a->former, POLICY_GIVEN);
    if (r < 0) {
        policy_roll_done(&next);
        return policy_admin_describe(r, a, ret_why);
    }
    r = policy_admin_change(a, &next, false, ret_why);
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
