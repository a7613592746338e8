/*
 * Sums in memory by a key of six numbers: what waits to be rolled up, and what an answer groups. Sums here rather
 * than in SQL because a row costs a hundred nanoseconds instead of a sort.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sql/store.h"

#define TALLY_KEYS 6

struct tally_key {
    int64_t v[TALLY_KEYS];
};

struct tally_row {
    struct tally_key key;
    struct store_counters n;
};

/* All zero is an empty one. */
struct tally {
    struct tally_row *rows; /* in the order of their arrival until tally_sort() */
    size_t n_rows, room;
    uint32_t *slots; /* number of a row plus 1; 0: free */
    size_t n_slots;
    size_t next; /* the row after the one that was added to last: what is booked comes in the same order each time */
};

/* -ENOMEM: nothing was added. */
int tally_add(struct tally *t, const struct tally_key *key, const struct store_counters *n);

/* By key, the first number first. More may be added afterwards. */
void tally_sort(struct tally *t);

/* Empties it; keeps no memory. */
void tally_clear(struct tally *t);
