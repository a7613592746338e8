/* Reports that pdtt-serve makes, for whoever may not read the database. */
#pragma once

#include "report/options.h"

#include <stdio.h>

struct remote;

/*
 * Gets ready to ask pdtt-serve on o->socket what a command line, which report_options_parse() has accepted, asks for.
 * -ENOTSUP: libcurl cannot be loaded; -ENOMEM. *ret_why is malloc'ed.
 */
int remote_open(int argc, char **argv, const struct report_options *o, struct remote **ret_remote, char **ret_why);
struct remote *remote_close(struct remote *remote); /* NULL is a no-op; returns NULL */

/*
 * Asks and writes the answer to out. 0 or REPORT_EXCEEDED, or a negative errno and *ret_why as report_write() has them;
 * -ECONNREFUSED: nobody answers there; -EACCES: somebody else's rows; -EAGAIN: too many questions, or the database
 * cannot be read for now.
 */
int remote_write(struct remote *remote, const struct report_options *o, FILE *out, char **ret_why);
