#include "collector/policy_answers.h"

#include "collector/policy_connection.h"
#include "common/cleanup.h"
#include "common/json_text.h"

#include <stdarg.h>
#include <string.h>

/* An hour is long enough to look around, and too short to be forgotten. */
#define CONFIRM_MAX_SEC 3600

static json_t *error_answer(const char *why, int error)
{
    return json_pack("{s:o}", "error", json_text_or_null(why ? why : strerror(-error)));
}

/* ---- what would shut out who asks ---- */

bool policy_answer_take_connection(struct policy_admin *a, const json_t *argument, struct policy *ret)
{
    const char *text = json_string_value(json_object_get(argument, "connection"));
    bool good = text && policy_connection_parse(text, ret) == 0;

    policy_admin_protect(a, good ? ret : NULL);
    return good;
}

static json_t *list_never(const struct policy_roll *roll)
{
    json_t *never = json_array();

    for (size_t i = 0; never && i < roll->n; i++)
        if (roll->v[i].never)
            json_array_append_new(never, json_pack("{s:o, s:o}", "name", json_text_or_null(roll->v[i].policy.name),
                                                   "never", json_text_or_null(roll->v[i].never)));
    return never;
}

void policy_answer_tell_unknown(const struct policy_admin *a, json_t *answer)
{
    const struct policy_roll *roll = policy_admin_roll(a);
    json_t *unknown = json_array();

    for (size_t i = 0; unknown && i < roll->n; i++) {
        cleanup_free char *what = policy_admin_unknown(a, i);

        if (what)
            json_array_append_new(unknown, json_pack("{s:o, s:o}", "name", json_text_or_null(roll->v[i].policy.name),
                                                     "unknown", json_text_or_null(what)));
    }
    json_object_set_new(answer, "unknown", unknown);
}

static json_t *waits(const struct policy_admin *a)
{
    int sec = policy_admin_waits_sec(a);

    return sec < 0 ? json_null() : json_integer(sec);
}

void policy_answer_tell_connection(const struct policy_admin *a, const struct policy *connection, json_t *answer)
{
    const struct policy_roll *roll = policy_admin_roll(a);
    bool sure = false, there = connection && policy_roll_find(roll, connection->name);
    const struct policy *by = connection ? policy_connection_blocked_by(roll, connection, &sure) : NULL;

    json_object_set_new(answer, "protected", json_text_or_null(there ? connection->name : NULL));
    json_object_set_new(answer, "blocked_by", json_text_or_null(by ? by->name : NULL));
    json_object_set_new(answer, "blocked_surely", json_boolean(by && sure));
}

static json_t *changed(struct policy_admin *a, const struct policy *connection)
{
    const struct policy_roll *roll = policy_admin_roll(a);
    json_t *answer =
        json_pack("{s:I, s:o, s:o}", "policies", (json_int_t)roll->n, "never", list_never(roll), "waits_sec", waits(a));

    if (answer)
        policy_answer_tell_connection(a, connection, answer);
    return answer;
}

/* ---- changing ---- */

json_t *policy_answer_add(struct policy_admin *a, const json_t *argument)
{
    const char *words = json_string_value(json_object_get(argument, "words"));
    cleanup_free char *why = NULL;
    struct policy policy, connection;
    bool named;
    int r;

    if (!words)
        return error_answer("the request has no words", 0);
    r = policy_parse(words, &policy, &why);
    if (r < 0)
        return error_answer(why, r);
    named = policy_answer_take_connection(a, argument, &connection);
    r = policy_admin_add(a, &policy, &why);
    policy_admin_protect(a, NULL);
    policy_done(&policy);
    return r < 0 ? error_answer(why, r) : changed(a, named ? &connection : NULL);
}

json_t *policy_answer_remove(struct policy_admin *a, const json_t *argument)
{
    const char *name = json_string_value(json_object_get(argument, "name"));
    cleanup_free char *why = NULL;
    int r = name ? policy_admin_remove(a, name, &why) : -EINVAL;

    return r < 0 ? error_answer(name ? why : "the request has no name", r) : changed(a, NULL);
}

static int read_list(const json_t *policies, struct policy_list *list, char **ret_why)
{
    int r = 0;

    for (size_t i = 0; i < json_array_size(policies) && r == 0; i++) {
        const char *words = json_string_value(json_array_get(policies, i));
        cleanup_free char *why = NULL;
        struct policy policy;

        r = words ? policy_parse(words, &policy, &why) : -EINVAL;
        if (r == -EINVAL && asprintf(ret_why, "policy %zu of the list: %s", i + 1, why ? why : "is no text") < 0)
            *ret_why = NULL;
        if (r == 0)
            r = policy_list_add(list, &policy);
    }
    return r;
}

json_t *policy_answer_apply(struct policy_admin *a, const json_t *argument)
{
    const json_t *policies = json_object_get(argument, "policies");
    json_int_t confirm = json_integer_value(json_object_get(argument, "confirm_sec"));
    cleanup_free char *why = NULL;
    struct policy_list list = {0};
    struct policy connection;
    bool named;
    int r;

    if (!json_is_array(policies) || confirm < 0 || confirm > CONFIRM_MAX_SEC)
        return error_answer("the request has no list of policies, or a time to confirm it that is none", 0);
    named = policy_answer_take_connection(a, argument, &connection);
    r = read_list(policies, &list, &why);
    if (r == 0)
        r = policy_admin_apply(a, &list, (unsigned)confirm, &why);
    policy_admin_protect(a, NULL);
    policy_list_done(&list);
    return r < 0 ? error_answer(why, r) : changed(a, named ? &connection : NULL);
}

json_t *policy_answer_confirm(struct policy_admin *a, const json_t *none)
{
    cleanup_free char *why = NULL;
    int r = policy_admin_confirm(a, &why);

    return r < 0 ? error_answer(why, r) : changed(a, NULL);
}

json_t *policy_answer_revert(struct policy_admin *a, const json_t *none)
{
    cleanup_free char *why = NULL;
    int r = policy_admin_revert(a, &why);

    return r < 0 ? error_answer(why, r) : changed(a, NULL);
}

/* ---- telling ---- */

/* What is off decides nothing anyway. */
static json_t *tell_one(const struct policy_admin *a, size_t i)
{
    const struct policy_entry *e = &policy_admin_roll(a)->v[i];
    bool may = e->lapse_sec != POLICY_LAPSE_NEVER;
    cleanup_free char *unknown = policy_admin_unknown(a, i);
    json_t *ret = policy_entry_json(e);

    if (ret) {
        json_object_set_new(ret, "unknown", json_text_or_null(unknown));
        json_object_set_new(ret, "lapse_sec", may ? json_integer(e->lapse_sec) : json_null());
        json_object_set_new(ret, "lapsed",
                            json_boolean(!e->off && policies_lapse_left_ns(policy_admin_kernel(a), i) < 0));
    }
    return ret;
}

json_t *policy_answer_list(const struct policy_admin *a)
{
    const struct policy_roll *roll = policy_admin_roll(a);
    int64_t reverted = policy_admin_reverted_sec(a);
    json_t *policies = json_array();

    for (size_t i = 0; policies && i < roll->n; i++)
        json_array_append_new(policies, tell_one(a, i));
    return json_pack("{s:o, s:o, s:o}", "policies", policies, "waits_sec", waits(a), "reverted",
                     reverted ? json_integer(reverted) : json_null());
}

static json_t *counters_json(const struct policy_counters *c)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "packets_total",
                     (json_int_t)c->packets_total, "packets_passed",
                     (json_int_t)(c->packets_total - c->packets_blocked), "packets_dropped",
                     (json_int_t)c->packets_blocked, "packets_marked", (json_int_t)c->packets_marked, "bytes_total",
                     (json_int_t)c->bytes_total, "bytes_passed", (json_int_t)(c->bytes_total - c->bytes_blocked),
                     "bytes_dropped", (json_int_t)c->bytes_blocked, "policy_lookups", (json_int_t)c->policy_lookups,
                     "packets_told", (json_int_t)c->packets_told, "packets_held", (json_int_t)c->packets_held,
                     "packets_unheard", (json_int_t)c->packets_unheard);
}

json_t *policy_answer_stats(const struct policy_admin *a)
{
    const struct policy_roll *roll = policy_admin_roll(a);
    cleanup_free struct policy_counters *counters = calloc(roll->n + 1, sizeof(*counters));
    struct policy_counters sum = {0};
    json_t *policies = json_array();
    int r = !counters                                       ? -ENOMEM
            : policies_n(policy_admin_kernel(a)) != roll->n ? -ESTALE
                                                            : policies_read(policy_admin_kernel(a), counters, &sum);

    for (size_t i = 0; policies && r == 0 && i < roll->n; i++) {
        json_t *one = counters_json(&counters[i]);

        json_object_set_new(one, "name", json_text_or_null(roll->v[i].policy.name));
        json_object_set_new(one, "action", json_text_or_null(policy_action_word(roll->v[i].policy.action)));
        json_array_append_new(policies, one);
    }
    if (r == 0)
        return json_pack("{s:o, s:o}", "policies", policies, "all", counters_json(&sum));
    json_decref(policies);
    return error_answer(NULL, r);
}
