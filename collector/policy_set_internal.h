/* A list of policies as the maps of the kernel side will hold it; vectors are counted from 1 here, 0 is the empty one. */
#pragma once

#include "bpf/pdtt_policy.h"
#include "collector/policy_set.h"

struct policy_set_network {
    uint8_t part, ipv6, prefix;
    uint8_t address[16];
    uint32_t vector; /* of PDTT_POLICY_DOOR: the rule + 1, 0: none */
};

struct policy_set_value {
    uint32_t part; /* below PDTT_POLICY_VALUES */
    uint32_t value, vector;
};

/* What a policy is once its names are ids. */
struct policy_rule {
    struct policy p;            /* its strings belong to who gave the list, and are not used once the set is made */
    uint32_t index;             /* in the list */
    uint32_t rank;              /* in order of precedence */
    int64_t uid, gid, class_id; /* below 0: any, or not known: then "lost" */
    uint32_t *units;
    uint32_t n_units;
    int32_t project;                    /* number of its name among those of all rules; -1: any */
    uint32_t vector[PDTT_POLICY_PARTS]; /* of what it names of networks and numbers, of units the last; 0: any */
    bool lost;                          /* names somebody or something that is not known: matches nothing */
};

struct policy_set {
    uint32_t n, words, room;
    struct policy_rule *rules;    /* by bit */
    uint32_t *rule_of;            /* by index in the list */
    struct pdtt_policy *policies; /* by rule; id is not set */
    struct pdtt_policy_head head; /* first_row, first_vector and generation are not set */
    struct pdtt_policy_row *rows;

    struct pdtt_policy_vector *vectors; /* [0] is the empty one */
    __u64 *pool;
    uint32_t n_vectors, n_pool;
    uint32_t *interned; /* hash of vectors, to have each once */

    uint16_t *ports[2]; /* vector of each port: remote, local */
    struct policy_set_network *networks;
    struct policy_set_value *values;
    size_t n_networks, n_values;
    uint32_t *project_vectors;
    uint32_t n_projects;
    const char **projects; /* sorted names; while the set is made */

    bool *at_door; /* by index in the list */
    struct policy_never *never;
    size_t n_never;
};

/* ---- policy_set_rules.c ---- */

/* -EEXIST: two have the same name. */
int policy_set_refuse_duplicates(const struct policy *list, size_t n);

/* Fills rules, rule_of and projects. */
int policy_set_take_rules(struct policy_set *s, const struct policy *list, const struct policy_names *names);

/* Fills policies. */
void policy_set_take_actions(struct policy_set *s);

/* Index in projects; -1: no rule names it. */
int32_t policy_set_find_project(const struct policy_set *s, const char *name);

/* ---- policy_set_vectors.c ---- */

/* A vector as bits, words of them. */
void policy_set_vector(const struct policy_set *s, uint32_t vector, uint64_t *ret_bits);

/* The vector that has these bits. -ENOSPC. */
int policy_set_intern(struct policy_set *s, const uint64_t *bits, uint32_t *ret_vector);

/* How many elements "interned" has, in a set with room for so many policies. */
uint32_t policy_set_hash_size(uint32_t room);

/* ---- policy_set_parts.c ---- */

/* Fills rows, vectors, ports, networks, values and what head says of them. */
int policy_set_make_parts(struct policy_set *s, const struct policy_names *names);

/* Whether all addresses of inner are in outer. */
bool policy_network_contains(const struct policy_network *outer, const struct policy_network *inner);

/* policy_set_door.c: adds networks of the part PDTT_POLICY_DOOR. */
int policy_set_find_door(struct policy_set *s);

/* policy_set_never.c */
int policy_set_find_never(struct policy_set *s);

/* Whether a protocol has ports. */
bool policy_protocol_has_ports(int protocol);
