/* What is compared: each case is one row that says how it comes into force before a flood and goes away after it. */
#pragma once

#include "bench/flood.h"

#include <stddef.h>
#include <sys/types.h>

struct lab {
    const char *variants; /* object file of variants.bpf.c */
    const char *pdttd;    /* program */
    const char *work_dir; /* holds the configurations of the cases; a log is written there */
    struct flood flood;
    bool shared; /* others may count at the same time */
    struct variant_objects *objects;
    int cgroup_fd;
    int link_fd[2]; /* of the case in force */
    pid_t pid;
};

struct bench_case {
    const char *name;  /* in JSON */
    const char *label; /* for people */
    int (*begin)(struct lab *lab, const struct bench_case *c);
    int (*end)(struct lab *lab, const struct bench_case *c);
    const char *argument; /* begin's own: a pair of programs or a configuration */
    bool receives;        /* as in struct flood */
    unsigned baseline;    /* the case that its cost is counted from */
    unsigned packet_programs,
        call_programs; /* how many run per packet and direction, and per call, while it is in force */
    unsigned thinner;  /* it is flooded with so many times fewer packets, because each takes so long; 0: as many */
};

enum {
    CASE_NOTHING,
    CASE_EMPTY,
    CASE_PDTT_PACKET,
    CASE_HASH,
    CASE_HASH_GROWING,
    CASE_NFTABLES,
    CASE_NFTABLES_10,
    CASE_NFTABLES_1000,
    CASE_IP_ACCOUNTING,
    CASE_PDTT_CLASSES,
    CASE_PDTT_CONNECTIONS,
    CASE_PDTT,
    CASE_NOTHING_RECEIVING,
    CASE_PDTT_RECEIVING,
    CASES
};
extern const struct bench_case cases[CASES];

/* Loads the variants and opens the cgroup. One line is logged on failure, also by the two below. */
int lab_open(struct lab *lab);
void lab_close(struct lab *lab);

int case_begin(struct lab *lab, const struct bench_case *c);
int case_end(struct lab *lab, const struct bench_case *c);
