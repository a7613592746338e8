/* What policies tell of packets that they dropped: their part in a session. */
#include "collector/session_policies.h"

#include "collector/policy_events.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"

#include <string.h>

#define MOST_ANSWERED 10000 /* events: an answer of 3 MB, made in 30 ms */
#define EXPIRE_SEC    60    /* between two looks at old ones while nothing new is told */

/* ---- as they come ---- */

static bool wants(const json_t *argument, const json_t *event)
{
    const char *policy = json_string_value(json_object_get(argument, "policy"));
    const char *its = json_string_value(json_object_get(event, "policy"));

    return !policy || (its && strcmp(policy, its) == 0);
}

static void on_event(const struct store_policy_event *event, void *userdata)
{
    struct session *s = userdata;
    json_t *json = control_is_followed(s->control) ? policy_event_json_now(event) : NULL;

    if (event->uid >= 0)
        names_ask_user(s->names, event->uid);
    if (json)
        control_tell(s->control, json, wants);
    json_decref(json);
}

int session_policy_events_fd(const struct session *s)
{
    return s->policy_events ? policy_events_fd(s->policy_events) : -1;
}

void session_read_policy_events(struct session *s)
{
    policy_events_read(s->policy_events);
}

/* ---- booking ---- */

/* Said when it begins to fail. */
void session_book_policy_events(struct session *s)
{
    int64_t now_ns = clock_boottime_ns();
    bool due = now_ns >= s->policy_events_expire_ns;
    int r = 0;

    if (due)
        s->policy_events_expire_ns = now_ns + EXPIRE_SEC * NSEC_PER_SEC;
    if (s->policy_events && (policy_events_wait(s->policy_events) || due))
        r = policy_events_book(s->policy_events, s->store);
    else if (due)
        r = store_book_policy_events(s->store, NULL, 0); /* of earlier ones */
    if (r < 0 && r != s->policy_events_error)
        log_warning("cannot book what policies tell: %s; tried again with the next interval",
                    *store_why(s->store) ? store_why(s->store) : strerror(-r));
    s->policy_events_error = r;
}

/* ---- answering ---- */

struct answer {
    json_t *events;
    bool more;
};

static int add_event(const struct store_policy_event_row *row, void *userdata)
{
    struct answer *a = userdata;

    if (json_array_size(a->events) == MOST_ANSWERED) {
        a->more = true;
        return 0;
    }
    return json_array_append_new(a->events, policy_event_json(row)) < 0 ? -ENOMEM : 0;
}

/* The store gives the newest first. */
static json_t *turn(json_t *events)
{
    json_t *ret = json_array();

    for (size_t i = json_array_size(events); i > 0; i--)
        json_array_append(ret, json_array_get(events, i - 1));
    json_decref(events);
    return ret;
}

json_t *session_tell_policy_events(struct session *s, const json_t *argument)
{
    json_int_t since_sec = json_integer_value(json_object_get(argument, "since_sec"));
    const char *policy = json_string_value(json_object_get(argument, "policy"));
    struct answer a = {.events = json_array()};
    int r = a.events ? 0 : -ENOMEM;

    if (since_sec < 0 || since_sec > INT64_MAX / NSEC_PER_SEC)
        since_sec = 0;
    s->policy_events_expire_ns = 0; /* so that it looks now, and what is told already is in the answer */
    session_book_policy_events(s);
    if (r == 0)
        r = store_query_policy_events(s->store, since_sec * NSEC_PER_SEC, policy, MOST_ANSWERED + 1, add_event, &a);
    if (r < 0) {
        json_decref(a.events);
        return json_pack("{s:s}", "error", *store_why(s->store) ? store_why(s->store) : strerror(-r));
    }
    return json_pack("{s:o, s:b}", "events", turn(a.events), "more", a.more);
}

/* ---- opening ---- */

void session_use_policy_event_rate(struct session *s, const struct config *config)
{
    int r = policies_tell(s->policies, config->policy_events_rate);

    if (r < 0)
        log_warning("policies: how often they tell of what they drop stays as it was: %s", strerror(-r));
}

void session_open_policy_events(struct session *s)
{
    int r = policy_events_open(s->policies, on_event, s, &s->policy_events);

    if (r < 0)
        log_warning("policies: what they drop is not told: %s", strerror(-r));
    session_use_policy_event_rate(s, s->config);
}

void session_close_policy_events(struct session *s)
{
    s->policy_events = policy_events_close(s->policy_events);
}
