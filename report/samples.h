/* pdtt-report --samples: packets that were drawn, the newest first; and --by source: estimates of what they stand for. */
#pragma once

#include "report/options.h"

/* As report_write(), which calls them. */
int samples_write(struct store *s, const struct calendar *cal, int64_t now_sec, const struct report_options *o,
                  FILE *out, char **ret_why);
int sources_write(struct store *s, const struct calendar *cal, int64_t now_sec, const struct report_options *o,
                  FILE *out, char **ret_why);
