/* Allocations after each interval, and who is told of them. */
#include "collector/session_internal.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"

#include <string.h>

static int ask(uint64_t id, const char *const words[NOTICE_WORDS], void *userdata)
{
    return notifier_ask(((struct session *)userdata)->notifier, id, words);
}

int session_start_notices(struct session *s)
{
    struct notices_options options = {.ask = ask, .userdata = s};
    cleanup_free char *why = NULL;
    int r;

    if (!s->config->notify_command.n)
        return 0;
    r = notifier_start(s->config, &s->notifier, &why);
    if (r == 0)
        r = notices_new(&options, &s->notices);
    if (r == 0)
        r = session_use_thresholds(s);
    if (r == 0 && !(s->watch = allocation_watch_new()))
        r = -ENOMEM;
    if (r < 0)
        log_error("%s", why ? why : strerror(-r));
    return r;
}

void session_close_notices(struct session *s)
{
    notifier_stop(s->notifier);
    notices_free(s->notices);
    allocation_watch_free(s->watch);
}

int session_use_thresholds(struct session *s)
{
    return s->notices ? notices_set_thresholds(s->notices, s->config->notify_at, s->config->n_notify_at) : 0;
}

void session_watch_allocations(struct session *s)
{
    int64_t now_sec = clock_realtime_sec();
    int r;

    if (!s->watch)
        return;
    r = allocation_watch_look(s->watch, s->store, now_sec);
    if (r < 0 && r != s->watch_error)
        log_warning("cannot read how much of the allocations is used: %s; nobody is told until it can be",
                    *store_why(s->store) ? store_why(s->store) : strerror(-r));
    s->watch_error = r;
    if (r == 0)
        notices_look(s->notices, s->store, s->watch, now_sec);
}

int session_notices_fd(const struct session *s)
{
    return s->notifier ? notifier_fd(s->notifier) : -1;
}

int session_take_notices(struct session *s)
{
    struct notifier_outcome outcome;
    int r;

    while ((r = notifier_take(s->notifier, &outcome)) > 0)
        notices_settle(s->notices, s->store, s->watch, &outcome, clock_realtime_sec());
    if (r < 0)
        notices_lost(s->notices);
    return r;
}

void session_stop_notices(struct session *s)
{
    if (s->notices)
        notices_stop(s->notices);
}
