/*
 * The kernel side as one thing: it gets the programs to count, whatever a former pdttd left behind. It starts anew, goes on
 * with pinned maps and links, or replaces them by another build or another size without losing a packet.
 */
#pragma once

#include "collector/ledger.h"
#include "collector/programs.h"
#include "collector/tiers.h"

#include <stdbool.h>
#include <stdint.h>

/* Fills the class tries before the first packet is counted with them; ret_flags: PDTT_EPOCH_CLASSES_*. Logs nothing. */
typedef int (*kernel_classes_fn)(int fd_v4, int fd_v6, void *userdata, uint32_t *ret_flags);

struct kernel_options {
    const char *pin_path;
    const char *cgroup_path;        /* a cgroup v2 directory */
    uint32_t accounts;              /* accounts per interval, without the overflow account */
    uint32_t connections;           /* recorded at a time */
    uint32_t policies;              /* that may be in force; 0: none, and no code for them */
    bool truth;                     /* test-only truth counters */
    int slot_error;                 /* tests: a negative errno with which accounts cannot be entered */
    uint32_t layers_off;            /* bit per enum layer: not to be loaded */
    uint32_t layers_required;       /* fail rather than go on without */
    const char *best_tier;          /* tests: of the syscall layer, the first to be tried; NULL: the best */
    kernel_classes_fn fill_classes; /* called unless counting is resumed */
    void *userdata;
};

struct kernel;

enum kernel_start {
    KERNEL_FRESH,    /* nothing was pinned: counting begins now */
    KERNEL_RESUMED,  /* programs never stopped counting */
    KERNEL_REPLACED, /* programs changed; they go on in new maps and kernel_old_maps() waits to be booked */
};

/*
 * Opens or loads everything; when it returns 0 packets are being counted. Errors carry one line with the remedy in ret_why
 * (malloc'ed): -EBUSY another pdttd has the pins, -EPROTO pins of another version, -EPERM, -ENOTSUP what this kernel lacks.
 */
int kernel_open(const struct kernel_options *options, struct kernel **ret_kernel, char **ret_why);
struct kernel *kernel_close(struct kernel *k); /* pins stay, counting goes on */

enum kernel_start kernel_start(const struct kernel *k);
void kernel_ledger_maps(const struct kernel *k, struct ledger_maps *ret_maps);
int kernel_map_fd(const struct kernel *k, enum map_id map);
const struct pins *kernel_pins(const struct kernel *k);
uint64_t kernel_ledger_id(const struct kernel *k);

/* The maps that a replacement left to be booked; false if there are none. kernel_drop_old() once that is done. */
bool kernel_old_maps(const struct kernel *k, struct ledger_maps *ret_maps);
int kernel_drop_old(struct kernel *k);
int kernel_old_map_fd(const struct kernel *k, enum map_id map); /* -1: there is none */

/*
 * The link of the best reader of live connections there is, the caller's; ret_all: it knows of every socket, also of those
 * that no process has open any more. -ENOENT: there is none.
 */
int kernel_open_reader(const struct kernel *k, bool *ret_all);

/* What somebody did behind pdttd's back. */
struct kernel_damage {
    unsigned n_detached, n_unpinned;
    const char *first_detached; /* name of a program */
    bool ledger_stopped;        /* a program of the ledger is among the detached: packets were missed */
};

/* Whether a program of the ledger was detached when pdttd started, so that packets were missed. */
bool kernel_was_detached(const struct kernel *k);

/* Looks whether each program is attached and each pin is there; a few system calls. */
void kernel_look(const struct kernel *k, struct kernel_damage *ret);

/* Attaches and pins again. -EPERM: this process may load programs no more. ret_why (malloc'ed) says what failed. */
int kernel_repair(struct kernel *k, const struct kernel_damage *damage, char **ret_why);

/* The iterator that paces connections that are older than the list of policies; -ENOENT: there is none. The caller's. */
int kernel_open_pacer(const struct kernel *k);

/* Policies that may be in force; 0: none were asked for, or this kernel does not take the programs with them. */
uint32_t kernel_policies(const struct kernel *k);

/* Why a program is not running; NULL if it is. Owned by k. */
const char *kernel_missing(const struct kernel *k, unsigned program);
bool kernel_layer_on(const struct kernel *k, enum layer layer); /* it does what it is there for */

/* Why a layer does not work; NULL if it does. Owned by k. */
const char *kernel_layer_missing(const struct kernel *k, enum layer layer);
enum tier kernel_tier(const struct kernel *k); /* of the syscall layer */

/* Gives sockets that nobody was seen to use to the processes that hold them; where calls are not seen (TIER_NONE). */
int kernel_sweep(struct kernel *k);

int kernel_read_stats(const struct kernel *k, uint64_t ret_stats[static PDTT_STATS]);
uint64_t kernel_errors(const uint64_t stats[static PDTT_STATS]); /* sum of those that mean a failure */

/* What the maps take of the kernel's memory, in bytes, as the kernel says in fdinfo. */
uint64_t kernel_memory_bytes(const struct kernel *k);

/* Removes links, maps and the pin directory: counting ends. */
int kernel_unload(struct kernel *k);
