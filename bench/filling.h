/*
 * A ledger of the real programs' maps that nothing counts into, filled through the mapped memory as if that many
 * accounts had been active on every CPU.
 */
#pragma once

#include "collector/ledger.h"

struct filling;

/* Loads the packet programs, unattached, for n accounts and policies. ret_why is malloc'ed, set only on failure. */
int filling_open(uint32_t n_accounts, uint32_t policies, struct filling **ret_filling, char **ret_why);
struct filling *filling_close(struct filling *f); /* NULL is a no-op; returns NULL */

struct ledger *filling_ledger(const struct filling *f);            /* owned by f */
const struct programs *filling_programs(const struct filling *f);  /* owned by f */
int filling_program_fd(const struct filling *f, const char *name); /* one of the packet programs; owned by f */

/* Gives the active half n accounts, each with counters on every CPU and an entry in the slots map. */
int filling_fill(struct filling *f);

/* What the kernel has taken for its maps: of an array all, of the hash what its entries take. */
uint64_t filling_kernel_bytes(const struct filling *f);
