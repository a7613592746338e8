/*
 * Records that programs put into a ring of the kernel, read when it says so and held until they are booked beside the ledger: what
 * samples of packets and events of policies have in common.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct record_ring;

/* Sees each record once, as it is read. */
typedef void (*record_seen_fn)(const void *record, void *userdata);

/* Records of so many bytes, of which at most so many are held. seen (or NULL) is called with userdata. */
int record_ring_open(int map_fd, size_t record_size, size_t most, record_seen_fn seen, void *userdata,
                     struct record_ring **ret_ring);
struct record_ring *record_ring_close(struct record_ring *r);

/* Readable when the programs say so: then record_ring_read(). */
int record_ring_fd(const struct record_ring *r);
void record_ring_read(struct record_ring *r);

/* What is held, one behind the other, valid until the next call of any function here; and how many found no room. */
const void *record_ring_held(const struct record_ring *r, size_t *ret_n);
uint64_t record_ring_refused(const struct record_ring *r);

/* Both are booked: begins anew. */
void record_ring_let_go(struct record_ring *r);
