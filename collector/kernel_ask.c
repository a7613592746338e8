#include "collector/kernel_internal.h"

#include <errno.h>

enum kernel_start kernel_start(const struct kernel *k)
{
    return k->start;
}

void kernel_ledger_maps(const struct kernel *k, struct ledger_maps *ret_maps)
{
    mapset_ledger(&k->maps, ret_maps);
}

int kernel_map_fd(const struct kernel *k, enum map_id map)
{
    return k->maps.fd[map];
}

bool kernel_old_maps(const struct kernel *k, struct ledger_maps *ret_maps)
{
    if (k->old.fd[MAP_OUTER] < 0)
        return false;
    mapset_ledger(&k->old, ret_maps);
    return true;
}

const struct pins *kernel_pins(const struct kernel *k)
{
    return k->pins;
}

uint64_t kernel_ledger_id(const struct kernel *k)
{
    return k->layout.ledger;
}

int kernel_old_map_fd(const struct kernel *k, enum map_id map)
{
    return k->old.fd[map];
}

int kernel_open_reader(const struct kernel *k, bool *ret_all)
{
    for (unsigned i = 0; i < PROGRAMS; i++) {
        int fd = programs_is_reader(i) && k->choice.wanted & program_bit(i)
                     ? pins_get(k->pins, PINS_LINKS, program_rows[i].name)
                     : -1;

        if (fd >= 0) {
            *ret_all = program_rows[i].kind == PROGRAM_OWNER_READER;
            return fd;
        }
    }
    return -ENOENT;
}

int kernel_open_pacer(const struct kernel *k)
{
    unsigned pacer = programs_find("pace_connections");

    return k->choice.wanted & program_bit(pacer) ? pins_get(k->pins, PINS_LINKS, program_rows[pacer].name) : -ENOENT;
}

uint32_t kernel_policies(const struct kernel *k)
{
    return k->policies;
}

const char *kernel_missing(const struct kernel *k, unsigned program)
{
    const char *why = k->choice.missing[program];

    return k->choice.wanted & program_bit(program) ? NULL : why ? why : "not loaded";
}

const char *kernel_layer_missing(const struct kernel *k, enum layer layer)
{
    return tier_layer_missing(&k->choice, layer);
}

bool kernel_layer_on(const struct kernel *k, enum layer layer)
{
    return !kernel_layer_missing(k, layer);
}

enum tier kernel_tier(const struct kernel *k)
{
    return k->choice.tier;
}

int kernel_read_stats(const struct kernel *k, uint64_t ret_stats[static PDTT_STATS])
{
    return mapset_read_stats(&k->maps, ret_stats);
}

uint64_t kernel_errors(const uint64_t stats[static PDTT_STATS])
{
    uint64_t sum = 0;

    for (unsigned stat = PDTT_STAT_FIRST_ERROR; stat <= PDTT_STAT_LAST_ERROR; stat++)
        sum += stats[stat];
    return sum;
}

uint64_t kernel_memory_bytes(const struct kernel *k)
{
    return mapset_memory_bytes(&k->maps);
}
