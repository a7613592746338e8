/* What kernel.c, kernel_ask.c and watch.c share: the open kernel side. */
#pragma once

#include "collector/kernel.h"
#include "collector/links.h"
#include "collector/mapset.h"
#include "collector/pins.h"

/* A link that is held: counting goes on when its pin is removed or bpffs is unmounted. */
struct held_link {
    int fd; /* plus 1, so that 0 is none */
    uint32_t id, program;
};

struct kernel {
    struct pins *pins;
    struct pdtt_layout layout; /* of the current maps */
    enum kernel_start start;
    struct mapset maps, old;
    struct tier_wish wish; /* for as long as it runs: what was detached is chosen and loaded again */
    struct tier_choice choice;
    int sweep_fd; /* link of the iterator that gives sockets to their holders; -1: not needed, or there is none */
    int unpinned[PROGRAMS]; /* links that this kernel cannot pin: they end with this process; -1: none */
    int cgroup_fd;
    uint32_t policies;                    /* that the maps of the current programs have room for */
    const struct kernel_options *options; /* while opening */
    struct held_link held[PROGRAMS];
    bool was_detached; /* a program of the ledger, when pdttd started */
};

struct links kernel_links(struct kernel *k);

/* Takes from the options what programs are chosen by. */
void kernel_wish(struct kernel *k);

/* Which programs are hoped for, before anything is asked of the kernel. */
void kernel_hope(struct kernel *k);

/* The same, as the build that is pinned had chosen. */
void kernel_recall(struct kernel *k);

/* Loads what is hoped for; what the kernel refuses is found out and left out. */
int kernel_load(struct kernel *k, struct mapset *reuse, struct programs **ret_programs, char **ret_why);

/* Makes ready for kernel_sweep() while programs can still be loaded. */
int kernel_prepare_sweep(struct kernel *k);

/* Other programs on the same maps: another build, other layers, or links that somebody removed. */
int kernel_reload(struct kernel *k, const char *dir, char **ret_why);

/* Notes whether the ledger's programs are attached, before anything is mended. */
void kernel_note_detached(struct kernel *k);

/* Takes and drops the descriptors of the pinned links. */
void kernel_hold(struct kernel *k);
void kernel_let_go(struct kernel *k);
