/*
 * How much of each allocation is used, for whoever acts on it after an interval: notices, and policies that hold while an
 * allocation is exceeded. The numbers are those of pdtt-report --allocations.
 */
#pragma once

#include "sql/store_ask.h"

struct allocation_watch;

struct allocation_state {
    struct store_allocation allocation; /* its texts are the watch's */
    struct store_bucket period;         /* the current one */
    int64_t used_bytes;
    int64_t hundredths; /* of a percent of the limit, rounded down */
    bool exceeded;      /* more than the limit is used: all of it is not more */
};

struct allocation_watch *allocation_watch_new(void);
struct allocation_watch *allocation_watch_free(struct allocation_watch *w); /* NULL is a no-op; returns NULL */

/*
 * Looks at what is booked, after each interval. A negative errno, which store_why() explains: until the next look nothing is
 * known.
 */
int allocation_watch_look(struct allocation_watch *w, struct store *store, int64_t now_sec);

/* All of them in the order of the configuration, until the next look; none where nothing is known. */
const struct allocation_state *allocation_watch_all(const struct allocation_watch *w, size_t *ret_n);

/* Another number whenever the allocations, their order or their names may be others. */
int64_t allocation_watch_reading(const struct allocation_watch *w);

/*
 * The one of which most is used of those that a user or project has. -ENODATA: it is not known, and nobody may be held up
 * for it; -ENOENT: there is none. ret as above.
 */
int allocation_watch_find(const struct allocation_watch *w, enum store_subject subject, const char *name,
                          const struct allocation_state **ret);
