/*
 * Users and groups of the host's name services (nsswitch.conf(5)), which may take as long as a directory server likes. An entry may
 * be of any length: that of a group holds all its members, and those of a whole university are megabytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* One call of getpwuid_r(3) or its like with a buffer of n bytes. Returns what that returns, and whether there is an entry. */
typedef int (*nss_call_fn)(void *question, char *buffer, size_t n, bool *ret_found);

/*
 * Calls it with larger buffers until the entry fits. 0: what the entry points to is in *ret_buffer, which is malloc'ed. -ENOENT: there
 * is none; -ERANGE: it is larger than anybody's; another negative errno: the services could not be asked.
 */
int nss_ask(nss_call_fn call, void *question, char **ret_buffer);
