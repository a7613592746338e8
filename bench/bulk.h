/*
 * Rows into a database of the store faster than the store books them: no journal, no check, one transaction. Nothing
 * but a benchmark may do so. Rows must come in the order of their tables' keys.
 */
#pragma once

#include "bench/site.h"
#include "sql/store_ask.h"

#include <stdbool.h>

struct bulk;

/* Creates the database at path, where none may be. All functions log one line where they fail. */
int bulk_create(const char *path, struct bulk **ret_bulk, int64_t *ret_internal_class);

/* Names, accounts, the zone and the ledger of a site that counts from since_sec to until_sec. */
int bulk_put_site(struct bulk *b, const struct site *site, const char *zone, int64_t since_sec, int64_t until_sec,
                  int64_t interval_sec);

int bulk_put_interval(struct bulk *b, int64_t id, struct store_bucket interval, const struct store_counters *counted);
int bulk_put_raw(struct bulk *b, int64_t interval, size_t account, const struct store_counters *n);

/* A row of a coarser level. */
int bulk_put_sum(struct bulk *b, enum store_level level, int64_t start_sec, size_t account,
                 const struct store_counters *n);

/* whole: the next finer level has all of it. One that exists is left as it is. */
int bulk_put_bucket(struct bulk *b, enum store_level level, struct store_bucket bucket, const char *label,
                    int64_t seen_ms, bool whole);

/* Intervals up to rolled are in all levels. */
int bulk_put_watermark(struct bulk *b, int64_t rolled);

/* Commits, and makes it what pdttd leaves behind: a database with a write-ahead log. */
int bulk_finish(struct bulk *b);
struct bulk *bulk_close(struct bulk *b); /* NULL is a no-op; returns NULL */
