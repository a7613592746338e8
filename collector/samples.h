/*
 * Samples of packets that the programs on the interfaces draw: read from their ring, counted by source, booked beside the ledger.
 * The maps live as long as this process: what was drawn while no pdttd ran is nobody's, and no estimate counts that time.
 */
#pragma once

#include "collector/interface_programs.h"
#include "sql/store.h"

#include <jansson.h>

struct samples;

/* The name of an interface, NULL: it is gone. */
typedef const char *(*samples_interface_fn)(int ifindex, void *userdata);

int samples_open(const struct interface_programs *programs, const struct interface_sampling *sampling,
                 struct samples **ret);
struct samples *samples_close(struct samples *s);

/* Readable when the ring is half full: then samples_read(). */
int samples_fd(const struct samples *s);
void samples_read(struct samples *s);

/* Ends what is counted by source and begins anew; a grace period later samples_book() books what ended. */
void samples_seal(struct samples *s);

/* Books what is sealed. What fails is tried again at the next call. The errors are those of store_book_samples(). */
int samples_book(struct samples *s, struct store *store, samples_interface_fn name, void *userdata);

/* For --status: how they are drawn, what was drawn and what was lost since this pdttd started. NULL: no memory. */
json_t *samples_json(const struct samples *s);
