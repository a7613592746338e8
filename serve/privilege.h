/* What pdtt-serve may do: as little as reading needs. */
#pragma once

/*
 * Called as root: becomes user, in user's own groups and group, for good. Called as anybody else: stays that. In either
 * case no program that is executed can gain anything, no capability is left, and only the system calls of
 * common/syscall_filter.c can be made. Before any thread is started. A negative errno and *ret_why, malloc'ed.
 */
int privilege_drop(const char *user, const char *group, char **ret_why);
