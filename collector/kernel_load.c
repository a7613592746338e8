/* Which programs this kernel gets, and loading them: first all that is hoped for at once, as on a new kernel. */
#include "collector/adoption.h"
#include "collector/kernel_internal.h"
#include "common/cleanup.h"

#include <bpf/bpf.h>
#include <string.h>

static int probe(unsigned program, bool notes, char **ret_why, void *userdata)
{
    return programs_probe(program, notes, ret_why);
}

void kernel_wish(struct kernel *k)
{
    int best = k->options->best_tier ? tier_by_name(k->options->best_tier) : TIER_TRACEPOINT;

    k->wish = (struct tier_wish){
        .layers_off = k->options->layers_off, .best = best < 0 ? TIER_TRACEPOINT : best, .probe = probe};
}

void kernel_hope(struct kernel *k)
{
    tier_forget(&k->choice);
    tier_hope(&k->wish, &k->choice);
}

void kernel_recall(struct kernel *k)
{
    tier_recall(&k->wish, k->layout.refused, k->layout.tier, &k->choice);
}

/* Records that exist, or will when their connections end, must have a place in a new map too. */
static uint32_t connections_in_use(const struct kernel *k)
{
    struct pdtt_room room = {};
    uint32_t zero = 0;

    if (k->old.fd[MAP_CONN_ROOM] >= 0)
        bpf_map_lookup_elem(k->old.fd[MAP_CONN_ROOM], &zero, &room);
    return (uint32_t)(room.taken - room.released);
}

static int load(struct kernel *k, program_set wanted, struct mapset *reuse, struct programs **ret_programs,
                char **ret_why)
{
    struct programs_config config = {.slots = k->layout.slots,
                                     .cpus = k->layout.cpus,
                                     .truth = k->layout.truth,
                                     .policies = k->policies,
                                     .slot_error = k->options ? k->options->slot_error : 0,
                                     .notes = k->choice.notes,
                                     .wanted = wanted,
                                     .connections = k->layout.connections,
                                     .records = connections_in_use(k) + k->layout.connections + k->layout.cpus};

    if (k->choice.notes)
        mapset_drop_small_notes(reuse);
    memcpy(config.reuse_fd, reuse->fd, sizeof(config.reuse_fd));
    return programs_load(&config, ret_programs, ret_why);
}

int kernel_load(struct kernel *k, struct mapset *reuse, struct programs **ret_programs, char **ret_why)
{
    cleanup_free char *first_why = NULL;
    int r;

    tier_ask_readers(&k->wish, &k->choice);
    if (load(k, k->choice.wanted, reuse, ret_programs, &first_why) == 0)
        return 0;
    tier_forget(&k->choice);
    tier_choose(&k->wish, &k->choice);
    r = load(k, k->choice.wanted, reuse, ret_programs, ret_why);
    if (r == 0 || !k->policies)
        return r;
    free(*ret_why);
    *ret_why = NULL;
    k->policies = 0; /* the ledger matters more */
    return load(k, k->choice.wanted, reuse, ret_programs, ret_why);
}

/* A start that only went on has loaded nothing yet, and later nothing can be loaded. */
int kernel_prepare_sweep(struct kernel *k)
{
    program_set adopters = adoption_programs(&k->choice);
    cleanup_free char *why = NULL;
    struct programs *p;
    int r;

    if (k->choice.tier != TIER_NONE || k->sweep_fd >= 0 || !adopters)
        return 0;
    r = load(k, adopters, &k->maps, &p, &why);
    if (r < 0)
        return r;
    r = adoption_run(&k->choice, p, &k->sweep_fd);
    programs_free(p);
    return r;
}

int kernel_sweep(struct kernel *k)
{
    return k->sweep_fd < 0 ? -ENOTSUP : programs_run_iterator(k->sweep_fd);
}
