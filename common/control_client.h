/* Asking pdttd on its control socket: one line, answered by one JSON object. */
#pragma once

#include <jansson.h>

/*
 * Sends the request and gives the answer, which is the caller's. -ENOENT, -ECONNREFUSED: nobody answers at path; -EACCES;
 * -ETIMEDOUT: no answer within ten seconds; -EPROTO: no JSON. ret_why is malloc'ed, one line with what to do, set on failure.
 */
int control_ask(const char *path, const char *request, json_t **ret_answer, char **ret_why);

/* The same with another patience, for what takes longer than a look. */
int control_ask_within(const char *path, const char *request, unsigned patience_sec, json_t **ret_answer,
                       char **ret_why);

/* What was told; not 0 ends it, and is returned. */
typedef int (*control_line_fn)(const json_t *line, void *userdata);

/*
 * The same for a request that goes on: calls fn with the answer, which comes within the patience or -ETIMEDOUT, and then with each
 * line that comes, however long that takes. Ends with -EPIPE when pdttd does; an answer that is an error may be all there is.
 */
int control_follow(const char *path, const char *request, unsigned patience_sec, control_line_fn fn, void *userdata,
                   char **ret_why);

/* "PATH: may ...; join the group NAME (...)": who may ask there. malloc'ed, NULL without memory. */
char *control_tell_who_may(const char *path);
