#include "collector/tiers.h"

#include "common/cleanup.h"

#include <string.h>

const struct tier_row tier_rows[TIERS + 1] = {
    [TIER_TRACEPOINT] = {"tracepoint", "tracepoints behind each send and receive", "", false},
    [TIER_TRAMPOLINE] = {"trampoline", "fentry and fexit on inet_sendmsg, inet_recvmsg and their kin", "", false},
    [TIER_NOTES] = {"notes", "fentry and fexit that leave notes under the socket's cookie", "", true},
    [TIER_KPROBE] =
        {"kprobe", "kprobes on the send and receive functions of TCP and UDP",
         "there are no payload bytes, raw and SCTP sockets stay with their creator, and where the kernel cannot "
         "pin kprobes (before 5.15) nobody is seen to use a socket while pdttd is stopped",
         true},
    [TIER_NONE] = {"none", "only who creates, connects and closes a socket is known", "", false},
};

int tier_by_name(const char *name)
{
    for (int tier = 0; tier <= TIERS; tier++)
        if (strcmp(tier_rows[tier].name, name) == 0)
            return tier;
    return -ENOENT;
}

static bool is_of_tiers(unsigned program)
{
    return program_rows[program].tiers != 0;
}

static bool is_of_tier(unsigned program, enum tier tier)
{
    return program_rows[program].tiers & TIER_BIT(tier);
}

static void refuse(struct tier_choice *choice, unsigned program, const char *why)
{
    choice->wanted &= ~program_bit(program);
    free(choice->missing[program]);
    choice->missing[program] = strdup(why);
}

static const char switched_off[] = "switched off in the configuration";

static bool is_off(const struct tier_wish *wish, unsigned program)
{
    return wish->layers_off & 1u << program_rows[program].layer;
}

static enum tier best_of(const struct tier_wish *wish)
{
    return wish->layers_off & 1u << LAYER_SYSCALL ? TIER_NONE : wish->best;
}

void tier_hope(const struct tier_wish *wish, struct tier_choice *ret_choice)
{
    *ret_choice = (struct tier_choice){.tier = best_of(wish)};
    ret_choice->notes = tier_rows[ret_choice->tier].notes;
    for (unsigned i = 0; i < PROGRAMS; i++) {
        ret_choice->wanted |= program_bit(i);
        if (is_off(wish, i))
            refuse(ret_choice, i, switched_off);
        else if (is_of_tiers(i) && !is_of_tier(i, ret_choice->tier))
            refuse(ret_choice, i, TIER_NOT_NEEDED);
        else if (i == programs_find("sweep_sockets"))
            refuse(ret_choice, i, TIER_NOT_NEEDED);
    }
}

static bool ask(const struct tier_wish *wish, struct tier_choice *choice, unsigned program, bool notes)
{
    cleanup_free char *why = NULL;

    if (wish->probe(program, notes, &why, wish->userdata) < 0) {
        refuse(choice, program, why ? why : "the kernel refuses it and does not say why");
        return false;
    }
    free(choice->missing[program]);
    choice->missing[program] = NULL;
    choice->wanted |= program_bit(program);
    return true;
}

/* Whether the kernel takes all that a tier needs; what the tier can do without is added where it is there. */
static bool try_tier(const struct tier_wish *wish, struct tier_choice *choice, enum tier tier)
{
    bool complete = true;

    for (unsigned i = 0; i < PROGRAMS && complete; i++)
        if (is_of_tier(i, tier) && !program_rows[i].optional)
            complete = ask(wish, choice, i, tier_rows[tier].notes);
    for (unsigned i = 0; i < PROGRAMS; i++) {
        if (!is_of_tier(i, tier))
            continue;
        if (complete && program_rows[i].optional)
            ask(wish, choice, i, tier_rows[tier].notes);
        else if (!complete)
            choice->wanted &= ~program_bit(i);
    }
    return complete;
}

static void refuse_other_tiers(struct tier_choice *choice)
{
    for (unsigned i = 0; i < PROGRAMS; i++)
        if (is_of_tiers(i) && !(choice->wanted & program_bit(i)) && !choice->missing[i])
            refuse(choice, i, TIER_NOT_NEEDED);
}

/* Sockets are adopted through their storage; where a program cannot get from a file to it (before 5.11), by notes. */
static void choose_adoption(const struct tier_wish *wish, struct tier_choice *choice)
{
    unsigned sweep = programs_find("sweep_sockets");

    if (ask(wish, choice, programs_find("adopt_sockets"), false)) {
        refuse(choice, sweep, TIER_NOT_NEEDED);
        return;
    }
    choice->notes = true;
    ask(wish, choice, sweep, true);
}

void tier_choose(const struct tier_wish *wish, struct tier_choice *ret_choice)
{
    *ret_choice = (struct tier_choice){.tier = TIER_NONE};
    for (unsigned i = 0; i < PROGRAMS; i++) {
        if (layer_rows[program_rows[i].layer].required)
            ret_choice->wanted |= program_bit(i);
        else if (is_off(wish, i))
            refuse(ret_choice, i, switched_off);
    }
    for (enum tier tier = best_of(wish); tier < TIERS && ret_choice->tier == TIER_NONE; tier++)
        if (try_tier(wish, ret_choice, tier))
            ret_choice->tier = tier;
    refuse_other_tiers(ret_choice);
    ret_choice->notes = tier_rows[ret_choice->tier].notes;
    choose_adoption(wish, ret_choice);
    for (unsigned i = 0; i < PROGRAMS; i++)
        if (!is_of_tiers(i) && program_rows[i].layer != LAYER_ADOPT && !layer_rows[program_rows[i].layer].required &&
            !is_off(wish, i))
            ask(wish, ret_choice, i, ret_choice->notes);
}

void tier_forget(struct tier_choice *choice)
{
    for (unsigned i = 0; i < PROGRAMS; i++) {
        free(choice->missing[i]);
        choice->missing[i] = NULL;
    }
}

const char *tier_layer_missing(const struct tier_choice *choice, enum layer layer)
{
    unsigned sweep = programs_find("sweep_sockets");

    if (layer == LAYER_SYSCALL && choice->tier != TIER_NONE)
        return NULL;
    if (layer == LAYER_ADOPT && choice->wanted & program_bit(sweep))
        return NULL;
    for (unsigned i = 0; i < PROGRAMS; i++)
        if (program_rows[i].layer == layer && !program_rows[i].optional && choice->missing[i])
            return choice->missing[i];
    return NULL;
}

int tier_require(const struct tier_choice *choice, uint32_t layers, char **ret_why)
{
    for (unsigned layer = 0; layer < LAYERS; layer++) {
        const char *why = layers & 1u << layer ? tier_layer_missing(choice, layer) : NULL;

        if (!why)
            continue;
        if (asprintf(ret_why, "layers.%s is \"on\" but this kernel offers no way to it: %s; set it to \"auto\"",
                     layer_rows[layer].name, why) < 0)
            *ret_why = NULL;
        return -ENOTSUP;
    }
    return 0;
}

void tier_ask_readers(const struct tier_wish *wish, struct tier_choice *choice)
{
    for (unsigned i = 0; i < PROGRAMS; i++)
        if (program_rows[i].kind == PROGRAM_OWNER_READER && choice->wanted & program_bit(i))
            ask(wish, choice, i, choice->notes);
}

/* ---- remembering ---- */

#define KNOWN      1u
#define WITH_NOTES 2u
#define TIER_SHIFT 8

program_set tier_refused(const struct tier_choice *choice)
{
    program_set set = 0;

    for (unsigned i = 0; i < PROGRAMS; i++)
        if (choice->missing[i] && strcmp(choice->missing[i], switched_off) != 0)
            set |= program_bit(i);
    return set;
}

uint32_t tier_remember(const struct tier_choice *choice)
{
    return KNOWN | (choice->notes ? WITH_NOTES : 0) | (uint32_t)choice->tier << TIER_SHIFT;
}

/* What was found while the layer was off says nothing about its tiers, and the other way round. */
void tier_recall(const struct tier_wish *wish, program_set refused, uint32_t tier, struct tier_choice *choice)
{
    bool without = best_of(wish) == TIER_NONE;

    if (!(tier & KNOWN) || (tier >> TIER_SHIFT == TIER_NONE) != without || tier >> TIER_SHIFT < best_of(wish))
        return;
    tier_forget(choice);
    *choice = (struct tier_choice){.tier = tier >> TIER_SHIFT, .notes = tier & WITH_NOTES};
    for (unsigned i = 0; i < PROGRAMS; i++) {
        choice->wanted |= program_bit(i);
        if (is_off(wish, i))
            refuse(choice, i, switched_off);
        else if (refused & program_bit(i))
            refuse(choice, i,
                   is_of_tiers(i) && !is_of_tier(i, choice->tier) ? TIER_NOT_NEEDED : "refused by this kernel");
    }
}
