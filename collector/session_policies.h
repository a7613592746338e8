/* Policies' part in a session: opened when packets are counted, booked with each interval, changed by pdttctl and by a reload. */
#pragma once

#include "collector/session.h"

/* Puts the policies of the configuration and those that are kept in force. What fails is logged, and holds up no counting. */
void session_open_policies(struct session *s);
void session_close_policies(struct session *s);

/* For struct drain. */
int session_read_policies(const struct store_meter **ret, size_t *ret_n, void *session);

/* After each interval: conditions, names that are due, units that came. */
void session_look_at_policies(struct session *s);

/* An answer of the worker; session_settle_policies() takes what came of several. */
void session_take_policy_name(struct session *s, const struct names_answer *answer);
void session_settle_policies(struct session *s);

/* Those of another configuration. ret_why is a line, malloc'ed; on failure those before stay in force. */
int session_change_policies(struct session *s, const struct config *config, char **ret_why);

/*
 * {"in_force", "off": for which the condition does not hold, "lapsed", "never": that never match, "waits_sec": N or null,
 * "condition_errors"}; null: there can be none here. What is wrong goes to problems.
 */
json_t *session_policies_json(const struct session *s, json_t *problems);

/* Who answers for them; NULL: there are no policies here. */
struct policy_admin *session_policy_admin(const struct session *s);

/* What policies tell: session_policy_events.c. Opened with them; what fails is logged. */
void session_open_policy_events(struct session *s);
void session_close_policy_events(struct session *s);

/* Each policy tells as often as this configuration says, from now on. */
void session_use_policy_event_rate(struct session *s, const struct config *config);

/* Readable when they told something, for session_read_policy_events(); -1: they never do. */
int session_policy_events_fd(const struct session *s);
void session_read_policy_events(struct session *s);

/* After an interval was booked, in a transaction of its own. */
void session_book_policy_events(struct session *s);

/*
 * For {"policy": NAME or null, "since_sec": N, "follow": bool}: {"events": [as policy_event_json(), the oldest first], "more": bool,
 * older ones are left out}.
 */
json_t *session_tell_policy_events(struct session *s, const json_t *argument);

/* Policies that lapse when nobody renews them: session_policy_lapse.c. */
void session_open_policy_lapse(struct session *s);
void session_close_policy_lapse(struct session *s);

/* Before the first list is put in force: says what had lapsed of the one before. */
void session_begin_to_renew(struct session *s);

/* They stay in force; with known also those that depend on allocations. What lapsed or will is logged. */
void session_renew_policies(struct session *s, bool known);

/* Readable when it is time for that again; -1: never. session_read_policy_lapse() is false where it was not. */
int session_policy_lapse_fd(const struct session *s);
bool session_read_policy_lapse(struct session *s);
void session_beat_policies(struct session *s);

/* At the end: says what lapses unless another pdttd comes. */
void session_tell_policy_lapses(struct session *s);

/* How many of those in force have lapsed, which is a problem. */
size_t session_count_lapsed(const struct session *s, json_t *problems);

/* The store is another one. */
void session_keep_policies(struct session *s);
