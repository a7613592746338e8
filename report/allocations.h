/* pdtt-report --allocations: what projects and users used of what the configuration allows them. */
#pragma once

#include "report/report.h"

/* As report_write(), of which it is a part. */
int allocations_write(struct store *s, const struct calendar *cal, int64_t now_sec, const struct report_options *o,
                      FILE *out, char **ret_why);
