/*
 * What pdttd answers to pdttctl policy. Each changes all or nothing; {"error": LINE} says why not.
 *
 * add: {"words": "scan action=block ...", "connection": that of SSH_CONNECTION, may be missing}; remove: {"name": NAME}; apply:
 * {"policies": [WORDS, ...], "confirm_sec": N, 0 or missing: at once for good, "connection"}. Their answer: {"policies": how many
 * are in force, "protected": name of the connection's policy or null, "blocked_by": name of what would block that connection, or
 * null, "blocked_surely": bool, "never": [{"name", "never"}, ...], "waits_sec": N or null}, and policy_answer_tell_unknown().
 */
#pragma once

#include "collector/policy_admin.h"

json_t *policy_answer_add(struct policy_admin *a, const json_t *argument);
json_t *policy_answer_remove(struct policy_admin *a, const json_t *argument);
json_t *policy_answer_apply(struct policy_admin *a, const json_t *argument);
json_t *policy_answer_confirm(struct policy_admin *a, const json_t *none);
json_t *policy_answer_revert(struct policy_admin *a, const json_t *none);

/* To the answer of a change, once names had time to be looked up: "unknown": [{"name", "unknown": LINE}, ...]. */
void policy_answer_tell_unknown(const struct policy_admin *a, json_t *answer);

/* {"policies": [as policy_entry_json(), "unknown": LINE or null, "lapse_sec": N or null, "lapsed": bool], "waits_sec": N or null, "reverted": wall clock or null} */
json_t *policy_answer_list(const struct policy_admin *a);

/*
 * {"policies": [{"name", "action", "packets_total", "packets_passed", "packets_dropped", "packets_marked", "bytes_total",
 * "bytes_passed", "bytes_dropped", "policy_lookups", "packets_told", "packets_held", "packets_unheard"}], "all": the same of all packets that were judged}, since each is in force.
 */
json_t *policy_answer_stats(const struct policy_admin *a);

/*
 * From now on changes protect the connection that the argument names, in ret; false: none, or none that can be protected. And what is
 * told of it after the change: "protected", "blocked_by", "blocked_surely".
 */
bool policy_answer_take_connection(struct policy_admin *a, const json_t *argument, struct policy *ret);
void policy_answer_tell_connection(const struct policy_admin *a, const struct policy *connection, json_t *answer);
