/* The maps of one ledger as a set: got from pins or from loaded programs, pinned, and asked for what they say as a whole. */
#pragma once

#include "collector/ledger.h"
#include "collector/pins.h"
#include "collector/programs.h"

struct mapset {
    int fd[MAPS]; /* owned; -1: none */
};

void mapset_clear(struct mapset *m); /* to all -1, without closing */
void mapset_close(struct mapset *m);

/*
 * From the pins in dir. A carried map that is not pinned stays -1, because an earlier version may not have had it; of the
 * others each must be there: -ENOENT.
 */
int mapset_get(struct mapset *m, const struct pins *pins, const char *dir);
bool mapset_complete(const struct mapset *m);
const char *mapset_absent(const struct mapset *m); /* the first that must be there and is not; NULL: there is none */

/* From programs that were loaded with what the set held: missing maps join it. */
int mapset_take(struct mapset *m, const struct programs *p);

int mapset_pin(const struct mapset *m, const struct pins *pins, const char *dir);

void mapset_ledger(const struct mapset *m, struct ledger_maps *ret_maps);
int mapset_read_layout(const struct mapset *m, struct pdtt_layout *ret_layout);
int mapset_write_layout(const struct mapset *m, const struct pdtt_layout *layout);

/* The counters of causes, enum pdtt_stat, from the set or from the map itself. */
int mapset_read_stats(const struct mapset *m, uint64_t ret_stats[static PDTT_STATS]);
int stats_read(int fd, uint64_t ret_stats[static PDTT_STATS]);

/* Drops a map that was made when notes were not needed, so that a new one joins the set. */
void mapset_drop_small_notes(struct mapset *m);

/* Drops the maps for policies if they were made for another limit, or are not all there; 0: one that takes none. */
void mapset_drop_other_policies(struct mapset *m, uint32_t room);

/* What the maps take of the kernel's memory, in bytes, as the kernel says in fdinfo. */
uint64_t mapset_memory_bytes(const struct mapset *m);

/* The epoch that the ledger counts into. -ENOENT and the like: there is none. */
int mapset_last_epoch(const struct mapset *m, struct pdtt_epoch *ret_epoch);
