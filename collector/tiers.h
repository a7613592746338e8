/*
 * Which programs a kernel gets. Most of a layer's programs are there or not; the syscall layer has tiers, which do the
 * same by other means, the best first. Pure: what the kernel takes is asked through a function that is passed in.
 */
#pragma once

#include "collector/programs.h"

/* The tiers of the syscall layer, the best first. */
enum tier {
    TIER_TRACEPOINT, /* tp_btf/sock_send_length and its kin, 6.3 */
    TIER_TRAMPOLINE, /* fentry and fexit that reach a socket's storage, 5.11 (x86), 6.4 (arm64) */
    TIER_NOTES,      /* fentry and fexit that leave notes, 5.5 where their trampolines are safe */
    TIER_KPROBE,     /* kprobes that leave notes */
    TIER_NONE,       /* only who creates, connects and closes a socket is known */
    TIERS = TIER_NONE
};

#define TIER_BIT(tier) (1u << (tier))

struct tier_row {
    const char *name;
    const char *how;  /* for people: what is used and what it tells */
    const char *lost; /* compared with the best one; "" nothing */
    bool notes;       /* programs at the system calls leave notes under the socket's cookie */
};
extern const struct tier_row tier_rows[TIERS + 1];

/* 0 if the kernel takes this program, in a tier with or without notes; ret_why (malloc'ed) otherwise. */
typedef int (*tier_probe_fn)(unsigned program, bool notes, char **ret_why, void *userdata);

struct tier_wish {
    uint32_t layers_off; /* bit per enum layer: switched off in the configuration */
    enum tier best;      /* tests: begin with this tier */
    tier_probe_fn probe;
    void *userdata;
};

/* The reason given for programs of other tiers than the one in use. */
#define TIER_NOT_NEEDED "not needed here"

struct tier_choice {
    program_set wanted;
    enum tier tier;
    bool notes;
    char *missing[PROGRAMS]; /* malloc'ed: why a program is not wanted; NULL for wanted ones */
};

/* What to try before anything is probed: all that the best tier needs. Nothing is asked of the kernel. */
void tier_hope(const struct tier_wish *wish, struct tier_choice *ret_choice);

/* Asks the kernel about each program of the optional layers, and for the best tier of which it takes what is needed. */
void tier_choose(const struct tier_wish *wish, struct tier_choice *ret_choice);

/* Why a layer does not work; NULL if it does. Owned by choice. */
const char *tier_layer_missing(const struct tier_choice *choice, enum layer layer);

/* -ENOTSUP if one of these layers (bit per enum layer) does not work; ret_why (malloc'ed) says why, with the remedy. */
int tier_require(const struct tier_choice *choice, uint32_t layers, char **ret_why);

/* Readers over all sockets, which some kernels refuse that take all else: asked alone, so that a load need not fail. */
void tier_ask_readers(const struct tier_wish *wish, struct tier_choice *choice);

/*
 * A choice as the layout of the pinned maps keeps it, so that a start that only goes on asks nothing: what is refused, without
 * what was switched off, and the tier. tier_recall() changes nothing where the memory does not fit the wish.
 */
program_set tier_refused(const struct tier_choice *choice);
uint32_t tier_remember(const struct tier_choice *choice);
void tier_recall(const struct tier_wish *wish, program_set refused, uint32_t tier, struct tier_choice *choice);

void tier_forget(struct tier_choice *choice);

/* The tier of that name, TIER_NONE for "none"; -ENOENT. */
int tier_by_name(const char *name);
