/* The question to the store, and what to say about a name that it does not know. */
#pragma once

#include "report/head.h"
#include "report/options.h"

/* The head of a report as far as the question decides it; by: of which dimensions its rows are. */
struct report_head ask_head(const struct calendar *cal, const struct report_options *o, unsigned by);

/*
 * Asks for the usage in these buckets and calls fn as store_query_usage() does. A user or group that this host knows
 * and that never moved a byte is left out of the question; with nobody left there are no rows. -ENOENT: any other
 * unknown name. *ret_why is malloc'ed, set on failure. connections is as in struct store_query.
 */
int ask_usage(struct store *s, const struct report_options *o, const struct store_bucket *buckets, size_t n_buckets,
              bool connections, store_row_fn fn, void *userdata, char **ret_why);

/* The same for the connections of a range. */
int ask_samples(struct store *s, const struct report_options *o, struct store_bucket range, store_sample_fn fn,
                void *userdata, char **ret_why);
int ask_connections(struct store *s, const struct report_options *o, struct store_bucket range, store_connection_fn fn,
                    void *userdata, char **ret_why);

/*
 * The same for a question whose names come from the configuration: a name that the store does not know has moved
 * nothing yet and is left out, whoever knows it.
 */
int ask_booked(struct store *s, const struct store_query *question, store_row_fn fn, void *userdata, char **ret_why);

/* The reason that the store gives, as *ret_why, malloc'ed; NULL where it has none. Returns r. */
int ask_keep_why(struct store *s, int r, char **ret_why);

/*
 * Calls read between store_begin_read() and store_end_read(), so that all that it asks for belongs together. Returns what
 * it returned, or a negative errno and *ret_why, malloc'ed.
 */
typedef int (*ask_snapshot_fn)(struct store *s, void *userdata, char **ret_why);
int ask_snapshot(struct store *s, ask_snapshot_fn read, void *userdata, char **ret_why);
