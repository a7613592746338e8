/* What all commands of pdttctl do: find the socket, ask, say in one line what failed. */
#pragma once

#include "control/commands.h"

#include <jansson.h>

/*
 * The answer, which is the caller's, is not an error. A negative errno was logged, with what to do; -EACCES: not allowed,
 * -EREMOTEIO: pdttd says that it failed, and the line begins with what, if that is not NULL.
 */
int ask_pdttd(const struct invocation *in, const char *request, const char *what, json_t **ret_answer);

/*
 * The same for a request that goes on: fn gets the answer, which is no error, and each line after it. A negative errno was logged,
 * also that pdttd ended; what fn returns other than 0 ends it and is returned.
 */
int ask_and_follow(const struct invocation *in, const char *request, int (*fn)(const json_t *line, void *userdata),
                   void *userdata);

/* Ends a command: the answer as JSON, or by print; releases it. An exit status, or a negative errno, logged. */
int ask_print(const struct invocation *in, json_t *answer, void (*print)(const json_t *answer));

json_int_t ask_number(const json_t *object, const char *key);
