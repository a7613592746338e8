/* What the administrator decides about the store, and what the store tells the administrator. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "sql/store_internal.h"

static const char *const level_names[STORE_LEVELS] = {"raw", "five_minute", "hour", "day", "month"};

static int check(struct store *s, const struct store_policy *p)
{
    for (int level = 0; level < STORE_LEVELS; level++) {
        if (p->retention_sec[level] < 0)
            return store_fail(s, -EINVAL, "retention of %s cannot be %lld s; use 0 or more", level_names[level],
                              (long long)p->retention_sec[level]);
        if (level > 0 && p->retention_sec[level - 1] > p->retention_sec[level])
            return store_fail(
                s, -EINVAL,
                "retention of %s (%lld s) is longer than that of %s (%lld s), whose data would be missing from long"
                " reports; keep %s at least as long",
                level_names[level - 1], (long long)p->retention_sec[level - 1], level_names[level],
                (long long)p->retention_sec[level], level_names[level]);
    }
    if (p->connections_sec < 0)
        return store_fail(s, -EINVAL, "retention of connections cannot be %lld s; use 0 or more",
                          (long long)p->connections_sec);
    if (p->samples_sec < 0 || p->samples_most < 0)
        return store_fail(s, -EINVAL, "retention of samples cannot be %lld s or %lld samples; use 0 or more",
                          (long long)p->samples_sec, (long long)p->samples_most);
    if (p->policy_events_sec < 0 || p->policy_events_most < 0)
        return store_fail(s, -EINVAL, "retention of policy_events cannot be %lld s or %lld events; use 0 or more",
                          (long long)p->policy_events_sec, (long long)p->policy_events_most);
    if (p->max_size_bytes < 0)
        return store_fail(s, -EINVAL, "max_size cannot be %lld; use 0 for no limit", (long long)p->max_size_bytes);
    return 0;
}

int store_set_policy(struct store *s, const struct store_policy *policy)
{
    struct calendar *calendar = NULL;

    if (s->mode != STORE_WRITE)
        return store_fail(s, -EROFS, "is open for reading only");
    int r = check(s, policy);
    if (r < 0)
        return r;
    r = calendar_open(policy->timezone, &calendar);
    if (r < 0)
        return store_fail(s, r, "time zone '%s' cannot be used: %s; name one of tzdata, such as Australia/Perth",
                          policy->timezone, strerror(-r));
    uses_forget(s->uses);
    r = buckets_change_calendar(s, calendar);
    if (r < 0)
        return r;
    s->policy = *policy;
    s->policy.timezone = NULL;
    return rollup_catch_up(s);
}

void notice_add(struct store *s, const char *format, ...)
{
    char *text;
    va_list ap;

    va_start(ap, format);
    if (vasprintf(&text, format, ap) < 0)
        text = NULL;
    va_end(ap);
    /* When nobody reads them the first ones tell most. */
    for (size_t i = 0; i < STORE_NOTICES && text; i++)
        if (!s->notices[i])
            s->notices[i] = take_ptr(text);
    free(text);
}

char *store_notice(struct store *s)
{
    char *text = s->notices[0];

    memmove(s->notices, s->notices + 1, (STORE_NOTICES - 1) * sizeof(*s->notices));
    s->notices[STORE_NOTICES - 1] = NULL;
    return text;
}
