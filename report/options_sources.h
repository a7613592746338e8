/* Where pdtt-report asks: what is given on the command line, in the environment, or where things usually are. */
#pragma once

#include "report/options.h"

#define DEFAULT_DATABASE "/var/lib/pdtt/pdtt.db"
#define DEFAULT_SOCKET   "/run/pdtt/query.sock"
#define DEFAULT_CONTROL  "/run/pdtt/control.sock"

/* What is wrong with the name of a database, or NULL. Static text. */
const char *sources_complaint(const char *path);

/* Once all options are applied. -EINVAL after one line on stderr. */
int sources_find(const struct report_environment *environment, struct report_options *o);
