/*
 * The connection of an administrator, as SSH_CONNECTION has it: a policy that names this one flow and allows it goes before all
 * others, so that nobody locks himself out.
 */
#pragma once

#include "collector/policy_roll.h"

#define POLICY_CONNECTIONS_MAX 16 /* that are protected; the oldest go */

/* "203.0.113.7 50122 198.51.100.1 22" as a policy named "protected-203.0.113.7-50122". -EINVAL: it is none. */
int policy_connection_parse(const char *text, struct policy *ret);

/* Adds it as the last of its origin; one that is there already stays. -ENOMEM, -E2BIG. */
int policy_connection_add(struct policy_roll *roll, const struct policy *connection, int64_t since_sec);

/*
 * Which policy would block the connection if it were not protected, by the order of precedence. ret_sure: false where that
 * depends on whose the connection is. NULL: none.
 */
const struct policy *policy_connection_blocked_by(const struct policy_roll *roll, const struct policy *connection,
                                                  bool *ret_sure);
