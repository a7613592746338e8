/* Asking pdttd on its control socket: one line, answered by one JSON object. */
#pragma once

#include <jansson.h>

/*
 * Sends the request and gives the answer, which is the caller's. -ENOENT, -ECONNREFUSED: nobody answers at path; -EACCES;
 * -ETIMEDOUT: no answer within ten seconds; -EPROTO: no JSON. ret_why is malloc'ed, one line, set on failure.
 */
int control_ask(const char *path, const char *request, json_t **ret_answer, char **ret_why);
