/* Where pdtt-report asks: what is given on the command line, in the environment, or where things usually are. */
#pragma once

#include "common/places.h"
#include "report/options.h"

/* What is wrong with the name of a database, or NULL. Static text. */
const char *sources_complaint(const char *path);

/* Once all options are applied. -EINVAL after one line on stderr. */
int sources_find(const struct report_environment *environment, struct report_options *o);
