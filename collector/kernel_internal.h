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
    char *missing[PROGRAMS];
    uint32_t wanted; /* programs, bit per row */
    int cgroup_fd;
    const struct kernel_options *options; /* while opening */
    struct held_link held[PROGRAMS];
    bool was_detached; /* a program of the ledger, when pdttd started */
};

struct links kernel_links(const struct kernel *k);

/* Other programs on the same maps: another build, other layers, or links that somebody removed. */
int kernel_reload(struct kernel *k, const char *dir, char **ret_why);

/* Notes whether the ledger's programs are attached, before anything is mended. */
void kernel_note_detached(struct kernel *k);

/* Takes and drops the descriptors of the pinned links. */
void kernel_hold(struct kernel *k);
void kernel_let_go(struct kernel *k);
