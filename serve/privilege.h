/* What pdtt-serve may do: as little as reading needs. */
#pragma once

/*
 * Called as root: becomes user, in user's own groups and group, for good. Called as anybody else: stays that. In either
 * case no program that is executed can gain anything, and no capability is left. A negative errno and *ret_why,
 * malloc'ed.
 */
int privilege_drop(const char *user, const char *group, char **ret_why);
