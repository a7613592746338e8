/* The BPF object of the interface layer: loading it around maps that exist already, and its map of counts. */
#pragma once

#include "bpf/pdtt_abi.h"

#include <stdbool.h>
#include <stdint.h>

enum interface_program { INTERFACE_XDP, INTERFACE_TC_INGRESS, INTERFACE_TC_EGRESS, INTERFACE_PROGRAMS };

extern const char *const interface_program_names[INTERFACE_PROGRAMS];

/* How packets are sampled. */
struct interface_sampling {
    unsigned rate;       /* one in so many; 0: not at all */
    bool every;          /* every so manieth on a CPU, not by chance */
    uint32_t ring_bytes; /* of the buffer that samples wait in; becomes the next power of two */
};

/* Maps of the ledger's object by which policies are done here too; open: they are. */
struct interface_door {
    bool open;
    int ledger_fd, sets_fd, networks_fd, rules_fd, buckets_fd, counters_fd, telling_fd, events_fd;
};

struct interface_programs_config {
    int conn_uid_fd, stats_fd; /* of the ledger's object; -1: make new ones, for probing */
    int counts_fd;             /* pinned by a former pdttd; -1: make a new map */
    bool netns_keys;           /* the keys of conn_uid_map name the network namespace */
    struct interface_sampling sampling;
    struct interface_door door;
};

struct interface_programs;

/*
 * Loads what this kernel takes: without the XDP program frames are counted in TC. Fails when not even those load; ret_why
 * (malloc'ed) is the kernel's word.
 */
int interface_programs_load(const struct interface_programs_config *config, struct interface_programs **ret,
                            char **ret_why);
struct interface_programs *interface_programs_free(struct interface_programs *p);

/* The lower half of the cookie of this network namespace; 0 where the kernel does not tell. */
uint32_t interface_own_netns(void);

/* -1: this kernel refused it. */
int interface_programs_fd(const struct interface_programs *p, enum interface_program program);
int interface_programs_counts_fd(const struct interface_programs *p);

/* The maps of samples, where they were asked for; they belong to the programs. */
struct interface_programs_samples {
    const struct interface_programs *programs;
    int events_fd, counter_fd, count_fd;
};
void interface_programs_get_samples(const struct interface_programs *p, struct interface_programs_samples *ret);

/* In force at once, but a program that runs may use the other half until a grace period is over. */
void interface_programs_set_sample_half(const struct interface_programs *p, unsigned half);
