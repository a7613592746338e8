/* What a session answers on the control socket. */
#include "collector/session.h"

#include "collector/policy_answers.h"
#include "collector/session_door.h"
#include "collector/session_policies.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/json_text.h"
#include "common/log.h"
#include "sql/counters.h"

#include <string.h>
#include <sys/stat.h>

static json_t *tell_status(const struct control_peer *peer, void *userdata)
{
    return health_json(userdata);
}

static json_t *tell_peek(const struct control_peer *peer, void *userdata)
{
    return peek_answer(userdata, false);
}

static json_t *tell_peek_connections(const struct control_peer *peer, void *userdata)
{
    return peek_answer(userdata, true);
}

static json_t *error_answer(const char *why, int error)
{
    json_t *text = json_text_or_null(why ? why : strerror(-error));

    return json_pack("{s:o}", "error", text);
}

/* Who drains wants to read a report, by name; a directory server that hangs is not worth more. */
#define DRAIN_NAMES_MS 500

/* Between two events of the loop, so never beside another drain: whoever asks meanwhile gets the interval after this one. */
static json_t *drain_now(const struct control_peer *peer, void *userdata)
{
    struct session *s = userdata;
    struct session_booked before = s->booked;
    int64_t started_ns = clock_boottime_ns();
    struct store_counters sum;
    int r = session_drain(s);

    if (r == -ESTALE)
        s->needs_restart = true;
    if (r < 0)
        return error_answer(*store_why(s->store) ? store_why(s->store) : NULL, r);
    session_await_names(s, DRAIN_NAMES_MS);
    sum = s->booked.sum;
    counters_subtract(&sum, &before.sum);
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "intervals",
                     (json_int_t)(s->booked.intervals - before.intervals), "rows",
                     (json_int_t)(s->booked.rows - before.rows), "tx_bytes", (json_int_t)sum.tx_bytes, "rx_bytes",
                     (json_int_t)sum.rx_bytes, "tx_packets", (json_int_t)sum.tx_packets, "rx_packets",
                     (json_int_t)sum.rx_packets, "took_ms", (double)(clock_boottime_ns() - started_ns) / NSEC_PER_MSEC);
}

/* The argument names the connection of who asks, which is protected from the policies that come; NULL: there is none. */
static json_t *read_again_from(const struct control_peer *peer, const json_t *argument, void *userdata)
{
    struct session *s = userdata;
    struct policy_admin *a = session_policy_admin(s);
    cleanup_free char *why = NULL;
    json_t *changes = NULL, *answer;
    struct policy connection;
    bool named = a && argument && policy_answer_take_connection(a, argument, &connection);
    int r;

    log_info("uid %u, process %d, asks to read the configuration again", peer->uid, (int)peer->pid);
    r = session_reload(s, &changes, &why);
    if (a)
        policy_admin_protect(a, NULL);
    if (r < 0)
        return error_answer(why, r);
    answer = json_pack("{s:o, s:o}", "configuration", json_text_or_null(s->config->path), "changes", changes);
    if (named && answer)
        policy_answer_tell_connection(a, &connection, answer);
    return answer;
}

static json_t *read_again(const struct control_peer *peer, void *userdata)
{
    return read_again_from(peer, NULL, userdata);
}

/* ---- policies ---- */

static json_t *without_policies(const struct session *s)
{
    return error_answer(s->policies
                            ? "policies cannot be changed here; the log of the start says why"
                            : "there are no policies here: limits.policies is 0, or this kernel takes none; the log "
                              "of the start says which",
                        0);
}

static json_t *list_policies(const struct control_peer *peer, void *userdata)
{
    struct policy_admin *a = session_policy_admin(userdata);

    json_t *list = a ? policy_answer_list(a) : without_policies(userdata);

    if (a)
        json_object_set_new(list, "doors", session_doors_json(userdata));
    return list;
}

static json_t *count_policies(const struct control_peer *peer, void *userdata)
{
    struct policy_admin *a = session_policy_admin(userdata);

    return a ? policy_answer_stats(a) : without_policies(userdata);
}

/* Names that a change brought are asked for, and waited for as long as somebody who types it is patient. */
static json_t *settle(struct session *s, struct policy_admin *a, json_t *answer)
{
    session_look_at_policies(s);
    session_await_names(s, DRAIN_NAMES_MS);
    if (a && answer && !json_object_get(answer, "error"))
        policy_answer_tell_unknown(a, answer);
    return answer;
}

static json_t *change_policies(const struct control_peer *peer, struct session *s, const char *what,
                               const json_t *argument,
                               json_t *(*change)(struct policy_admin *a, const json_t *argument))
{
    struct policy_admin *a = session_policy_admin(s);
    const char *why;
    json_t *answer;

    session_beat_policies(s); /* what may lapse begins with its whole time */
    answer = a ? change(a, argument) : without_policies(s);
    why = json_string_value(json_object_get(answer, "error"));

    log_info("policy %s by uid %u, process %d: %s%s", what, peer->uid, (int)peer->pid, why ? "refused: " : "done",
             why ? why : "");
    return settle(s, a, answer);
}

static json_t *add_policy(const struct control_peer *peer, const json_t *argument, void *userdata)
{
    return change_policies(peer, userdata, "add", argument, policy_answer_add);
}

static json_t *remove_policy(const struct control_peer *peer, const json_t *argument, void *userdata)
{
    return change_policies(peer, userdata, "remove", argument, policy_answer_remove);
}

static json_t *apply_policies(const struct control_peer *peer, const json_t *argument, void *userdata)
{
    return change_policies(peer, userdata, "apply", argument, policy_answer_apply);
}

static json_t *confirm_policies(const struct control_peer *peer, void *userdata)
{
    return change_policies(peer, userdata, "confirm", NULL, policy_answer_confirm);
}

static json_t *revert_policies(const struct control_peer *peer, void *userdata)
{
    return change_policies(peer, userdata, "revert", NULL, policy_answer_revert);
}

static json_t *tell_policy_events(const struct control_peer *peer, const json_t *argument, void *userdata)
{
    struct session *s = userdata;

    return s->policy_events ? session_tell_policy_events(s, argument) : without_policies(s);
}

static const struct control_verb verbs[] = {
    {.name = "status", .answer = tell_status},
    {.name = "peek", .answer = tell_peek},
    {.name = "peek connections", .answer = tell_peek_connections},
    {.name = "drain", .answer = drain_now, .admin_only = true},
    {.name = "reload", .answer = read_again, .take = read_again_from, .admin_only = true},
    {.name = "policy list", .answer = list_policies, .admin_only = true},
    {.name = "policy stats", .answer = count_policies, .admin_only = true},
    {.name = "policy events", .take = tell_policy_events, .admin_only = true, .may_follow = true},
    {.name = "policy add", .take = add_policy, .admin_only = true},
    {.name = "policy remove", .take = remove_policy, .admin_only = true},
    {.name = "policy apply", .take = apply_policies, .admin_only = true},
    {.name = "policy confirm", .answer = confirm_policies, .admin_only = true},
    {.name = "policy revert", .answer = revert_policies, .admin_only = true},
};

/* Who may read the database may ask as well: both belong to the group of its directory. */
int session_listen(struct session *s)
{
    cleanup_free char *why = NULL, *directory = strdup(s->config->database);
    char *slash = directory ? strrchr(directory, '/') : NULL;
    struct stat st = {0};
    int r;

    if (slash && slash != directory)
        *slash = '\0';
    if (!directory || stat(directory, &st) < 0)
        st.st_gid = 0;
    r = control_open(s->config->control, st.st_gid, verbs, array_length(verbs), s, &s->control, &why);
    if (r < 0)
        log_warning("without a control socket, so pdttd --status and pdttctl will not work: %s",
                    why ? why : strerror(-r));
    return r;
}
