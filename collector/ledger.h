/*
 * The user-space end of the kernel's ledger: which half is active, sealing it, reading and clearing the sealed one. It
 * decides nothing and books nothing; drain.h does.
 */
#pragma once

#include "bpf/pdtt_abi.h"

#include <stddef.h>
#include <stdint.h>

/* Descriptors of the maps that make one ledger. They stay the caller's. */
struct ledger_maps {
    int outer;    /* user_stats_map */
    int inner[2]; /* ledger_0, ledger_1 */
    int accounts;
    int slots;
    int layout;
};

struct ledger;

/* Maps the ledger into memory. -EPROTO: the maps do not fit together (another layout, or not PDTT's). */
int ledger_open(const struct ledger_maps *maps, struct ledger **ret_ledger);
struct ledger *ledger_close(struct ledger *l);

const struct pdtt_layout *ledger_layout(const struct ledger *l);

/* Which half the programs count into: 0 or 1, or a negative errno. */
int ledger_active(const struct ledger *l);

/* The header of a half; valid while the ledger is open, changes under the reader's hands in the active half. */
const struct pdtt_epoch *ledger_epoch(const struct ledger *l, int half);

/* What the next epoch starts with. */
struct ledger_start {
    uint64_t epoch;
    int64_t start_ns, boot_ns;
    uint32_t generation, flags;
    uint64_t errors;
};

/*
 * Makes the other, cleared half the active one. Returns when no program can still be counting into the half that was
 * active: the kernel waits for a grace period (map-in-map updates do, since 4.20) and the writers never sleep.
 */
int ledger_swap(struct ledger *l, const struct ledger_start *start);

/* Changes flags of the active epoch: each packet sees all of them as they were, or all as they are. Waits as a swap does. */
int ledger_change_flags(struct ledger *l, uint32_t mask, uint32_t flags);

/* Waits until no program can still be counting with what was active before the last swap or program change. */
int ledger_barrier(struct ledger *l);

/* One account of one epoch: counters plus what was moved, both signed. */
struct ledger_row {
    struct pdtt_account account;
    int64_t bytes[PDTT_DIRECTIONS];
    int64_t packets[PDTT_DIRECTIONS];
    int64_t payload[PDTT_DIRECTIONS];
};

/*
 * Reads a half that no program writes to. ret_rows is malloc'ed, rows of zeros are left out, an account may come twice;
 * ret_counted is the sum of what was counted, without what was moved (account unset).
 */
int ledger_read(const struct ledger *l, int half, struct ledger_row **ret_rows, size_t *ret_n,
                struct ledger_row *ret_counted);

/* What connections without a record moved (account unset), and how many began. */
void ledger_read_beyond(const struct ledger *l, int half, struct ledger_row *ret_sum, uint64_t *ret_connections);

/* Empties a half that is not active; the header goes last, so an interrupted clear is seen and done again. */
int ledger_clear(struct ledger *l, int half);

/* Writes the header of a half of a ledger that no program uses yet. */
void ledger_begin(struct ledger *l, int half, const struct ledger_start *start);
