/* The report of --connections: one row for each connection that was open in the period. */
#pragma once

#include "report/options.h"

/* As report_write(). */
int connections_write(struct store *s, const struct calendar *cal, int64_t now_sec, const struct report_options *o,
                      FILE *out, char **ret_why);

/*
 * The period of a question to connections. Without --since it begins when the oldest connections do that are kept, if
 * that is later than usual; then *ret_cut is set. 0 or a negative errno as store_query_connections_kept().
 */
int connections_cut_period(struct store *s, const struct report_options *o, struct period *period, bool *ret_cut);
