/* Where the sets of policies are in the maps of the kernel side; for policy_kernel.c, and policy_kernel_fill.c, which writes one. */
#pragma once

#include "collector/policy_kernel.h"
#include "collector/policy_set_internal.h"
#include "collector/programs.h"

/* A policy of the list in force, by its index there. */
struct entry {
    char name[POLICY_NAME_SIZE];
    uint32_t id, rule; /* rule: index in policy_map, with that of the set */
};

/* A map of the kernel side in memory. */
struct view {
    enum map_id map;
    size_t element, size;
    void *memory;
};

enum { SETS, ROWS, VECTORS, WORDS, PORTS, RULES, VIEWS };

struct policies {
    struct kernel *kernel;
    struct ledger *ledger;
    uint32_t room;
    struct view views[VIEWS];
    int in_force; /* 0, 1; -1: none */
    int pacer_fd; /* -1: there is none */
    bool paced;   /* connections may be paced now */
    struct entry *entries;
    size_t n;
};

static inline int map_fd(const struct policies *p, enum map_id map)
{
    return kernel_map_fd(p->kernel, map);
}

static inline struct pdtt_policy_head *head_of(const struct policies *p, int set)
{
    return (struct pdtt_policy_head *)p->views[SETS].memory + set;
}

static inline struct pdtt_policy_row *rows_of(const struct policies *p, int set)
{
    return (struct pdtt_policy_row *)p->views[ROWS].memory + (size_t)set * p->room / PDTT_POLICY_WORD;
}

static inline struct pdtt_policy *rules_of(const struct policies *p, int set)
{
    return (struct pdtt_policy *)p->views[RULES].memory + (size_t)set * p->room;
}

/* Writes s where set is, which nothing in force reads. -ENOSPC: a map has no more room. */
int policies_fill(const struct policies *p, int set, const struct policy_set *s, const struct entry *entries);
