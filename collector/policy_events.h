/*
 * What policies tell of packets that they dropped: read from the kernel's ring, told in the log, shown to whoever follows, and
 * booked beside the ledger. The ring is pinned: what was dropped while no pdttd ran is told by the next one, with its time.
 */
#pragma once

#include "collector/policy_kernel.h"
#include "sql/store.h"

#include <jansson.h>

struct policy_events;

/* Sees each event as it is read; it lives until the function returns. */
typedef void (*policy_event_fn)(const struct store_policy_event *event, void *userdata);

int policy_events_open(struct policies *kernel, policy_event_fn seen, void *userdata,
                       struct policy_events **ret_events);
struct policy_events *policy_events_close(struct policy_events *e);

/* Readable when there is something: then policy_events_read(). */
int policy_events_fd(const struct policy_events *e);
void policy_events_read(struct policy_events *e);

/* Whether anything waits to be booked. */
bool policy_events_wait(struct policy_events *e);

/*
 * Books what was read, and drops what the store keeps no longer. What fails is tried again at the next call; the errors are those
 * of store_book_policy_events().
 */
int policy_events_book(struct policy_events *e, struct store *store);

/*
 * {"rate", "told", "held": more than the rate, "ring_full": pdttd did not read in time, in packets since the maps were made;
 * "memory_full": read, and neither kept nor booked; "unlogged": without a line in the log, both in events since pdttd started}
 */
json_t *policy_events_json(const struct policy_events *e, unsigned rate);

/* As pdttctl and JSON have it: struct store_policy_event_row's names; user and uid are null where they are not known. */
json_t *policy_event_json(const struct store_policy_event_row *row);

/* The same of one that is not booked yet; user is null. */
json_t *policy_event_json_now(const struct store_policy_event *event);

/* ---- its line in the log ---- */

/* So many lines a second, ten times as many after a pause; zero-initialised. */
struct policy_event_lines {
    int64_t full_ns;          /* virtual time, as that of the kernel's buckets */
    uint64_t unlogged, total; /* since the last line, and ever */
};

/* Whether there may be a line at this time of the boot-time clock; if not it is counted. */
bool policy_event_may_log(struct policy_event_lines *l, int64_t now_ns);
