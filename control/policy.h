/* pdttctl policy: each of its commands is a row. */
#pragma once

#include "control/commands.h"

#include <jansson.h>

/* Of pdttctl --help. */
void policy_print_help(void);

int policy_diff(const struct invocation *in);
int policy_events(const struct invocation *in);

/* The first of the options of policy events that was given, without its dashes; NULL: none was. */
const char *policy_option(const struct invocation *in);

/* The policies of a file, as words, in a new array; a line was logged on failure. -EINVAL, -ENOMEM, what open(2) says. */
int policy_read_file(const char *path, json_t **ret_words);

/* ---- for people ---- */

void policy_print_list(const json_t *answer);
void policy_print_one(const json_t *policy, const json_t *counters);
void policy_print_stats(const json_t *answer);
void policy_print_changed(const json_t *answer);
void policy_print_connection(const json_t *answer);
/* what would have blocked that of who asks */ /* what came of add, remove, apply, confirm, revert */
