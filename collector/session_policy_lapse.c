/* Policies that lapse when nobody renews them: renewed here while pdttd runs and knows what they go by, and said where they lapse. */
#include "collector/session_internal.h"

#include "collector/policy_admin.h"
#include "collector/session_policies.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"

#include <string.h>
#include <sys/timerfd.h>

enum { BEATS = 4, LONGEST_BEAT_SEC = 60, NAMES_TOLD = 10 };

struct policy_lapse {
    int timer_fd;
    uint32_t beat_sec; /* what the timer is armed for; 0: nothing that is in force may lapse */
    bool told_unknown; /* that policies will lapse */
    bool told_lapsed;
};

/* ---- which ---- */

struct lapsing {
    char names[600];
    size_t n;
    int64_t first_sec; /* when the first of them lapses, from now; below 0: has lapsed */
};

static void add_name(struct lapsing *l, const char *name)
{
    size_t used = strlen(l->names);

    if (l->n < NAMES_TOLD)
        snprintf(l->names + used, sizeof(l->names) - used, "%s%s", l->n ? ", " : "", name);
    else if (l->n == NAMES_TOLD)
        snprintf(l->names + used, sizeof(l->names) - used, " and more");
    l->n++;
}

/* Those of the list in force that have lapsed, or with "may" that lapse in time; of conditions those that hold. */
static struct lapsing find(const struct policies *kernel, const struct policy_roll *roll, bool may)
{
    struct lapsing l = {.first_sec = INT64_MAX};

    for (size_t i = 0; i < policies_n(kernel); i++) {
        int64_t left_ns = policies_lapse_left_ns(kernel, i);
        bool off = roll && i < roll->n && roll->v[i].off;

        if (off || left_ns == INT64_MAX || (left_ns >= 0 && !may))
            continue;
        if (left_ns / NSEC_PER_SEC < l.first_sec)
            l.first_sec = left_ns / NSEC_PER_SEC;
        add_name(&l, policies_name(kernel, i));
    }
    return l;
}

/* Of those that go by what is known of the allocations. */
static struct lapsing find_conditions(const struct policies *kernel, const struct policy_roll *roll)
{
    struct lapsing l = {.first_sec = INT64_MAX};

    for (size_t i = 0; i < roll->n; i++) {
        int64_t left_ns = policies_lapse_left_ns(kernel, i);

        if (roll->v[i].off || !roll->v[i].policy.when_percent || left_ns < 0 || left_ns == INT64_MAX)
            continue;
        if (left_ns / NSEC_PER_SEC < l.first_sec)
            l.first_sec = left_ns / NSEC_PER_SEC;
        add_name(&l, roll->v[i].policy.name);
    }
    return l;
}

/* ---- renewing ---- */

static const struct policy_roll *roll_of(const struct session *s)
{
    return policy_admin_roll(session_policy_admin(s));
}

static void arm(struct policy_lapse *l, const struct policy_roll *roll)
{
    uint32_t beat_sec = LONGEST_BEAT_SEC * BEATS;
    struct itimerspec each = {};
    bool any = false;

    for (size_t i = 0; i < roll->n; i++) {
        any |= roll->v[i].lapse_sec != POLICY_LAPSE_NEVER;
        if (roll->v[i].lapse_sec < beat_sec)
            beat_sec = roll->v[i].lapse_sec;
    }
    beat_sec = any ? beat_sec / BEATS : 0;
    if (beat_sec == l->beat_sec)
        return;
    each.it_value.tv_sec = each.it_interval.tv_sec = beat_sec;
    if (timerfd_settime(l->timer_fd, 0, &each, NULL) == 0)
        l->beat_sec = beat_sec;
}

static void tell_unknown(struct policy_lapse *l, const struct session *s, bool known)
{
    struct lapsing will;

    if (known || l->told_unknown) {
        l->told_unknown &= !known;
        return;
    }
    will = find_conditions(s->policies, roll_of(s));
    if (will.n)
        log_warning(
            "policies: what is used of the allocations is not known while nothing can be booked; unless it is again in "
            "%lld s these lapse: %s",
            (long long)will.first_sec, will.names);
    l->told_unknown = will.n;
}

static void tell_lapsed(struct policy_lapse *l, const struct lapsing *before, const struct lapsing *after)
{
    if (after->n && !l->told_lapsed)
        log_warning("policies: these have lapsed, and hold nothing up until something can be booked again: %s",
                    after->names);
    else if (!after->n && before->n)
        log_warning("policies: these had lapsed, and are in force again: %s", before->names);
    l->told_lapsed = after->n;
}

void session_renew_policies(struct session *s, bool known)
{
    struct policy_lapse *l = s->policy_lapse;
    struct lapsing before, after;

    if (!l)
        return;
    arm(l, roll_of(s));
    before = find(s->policies, roll_of(s), false);
    policies_renew(s->policies, known);
    after = find(s->policies, roll_of(s), false);
    tell_unknown(l, s, known);
    tell_lapsed(l, &before, &after);
}

/* ---- the life of it ---- */

void session_begin_to_renew(struct session *s)
{
    struct lapsing lapsed = find(s->policies, NULL, false);

    if (lapsed.n)
        log_warning("policies: these had lapsed, since no pdttd was there: %s", lapsed.names);
    policies_renew(s->policies, true);
}

void session_open_policy_lapse(struct session *s)
{
    struct policy_lapse *l = calloc(1, sizeof(*l));

    if (l)
        l->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (!l || l->timer_fd < 0) {
        log_warning("policies: those that may lapse will, since pdttd cannot renew them: %s", strerror(errno));
        free(l);
        return;
    }
    s->policy_lapse = l;
}

void session_close_policy_lapse(struct session *s)
{
    if (!s->policy_lapse)
        return;
    close_fd(s->policy_lapse->timer_fd);
    free(s->policy_lapse);
    s->policy_lapse = NULL;
}

int session_policy_lapse_fd(const struct session *s)
{
    return s->policy_lapse ? s->policy_lapse->timer_fd : -1;
}

bool session_read_policy_lapse(struct session *s)
{
    uint64_t expirations;

    return read(s->policy_lapse->timer_fd, &expirations, sizeof(expirations)) > 0;
}

void session_tell_policy_lapses(struct session *s)
{
    struct lapsing will;

    if (!s->policy_lapse)
        return;
    will = find(s->policies, roll_of(s), true);
    if (will.n)
        log_warning("policies: unless pdttd is there again these lapse, the first in %lld s: %s",
                    (long long)will.first_sec, will.names);
}

size_t session_count_lapsed(const struct session *s, json_t *problems)
{
    struct lapsing lapsed = {}, will;

    if (!s->policy_lapse)
        return 0;
    lapsed = find(s->policies, roll_of(s), false);
    if (lapsed.n) {
        json_array_append_new(problems,
                              json_sprintf("policies have lapsed, since what is used of the allocations is not "
                                           "known while nothing can be booked: %s",
                                           lapsed.names));
    } else if (s->policy_lapse->told_unknown) {
        will = find_conditions(s->policies, roll_of(s));
        json_array_append_new(problems,
                              json_sprintf("policies lapse in %lld s unless something can be booked again: %s",
                                           (long long)will.first_sec, will.names));
    }
    return lapsed.n;
}
