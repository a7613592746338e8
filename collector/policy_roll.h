/*
 * Policies with where each came from and since when it is there: the connections that are protected, then those of the
 * configuration, then those that were given while pdttd runs, each in its order. That is the order in which they are put in force.
 */
#pragma once

#include "common/policy_text.h"

#include <jansson.h>

struct store;

enum policy_origin { POLICY_OF_CONNECTION, POLICY_OF_CONFIG, POLICY_GIVEN };

struct policy_entry {
    struct policy policy;
    enum policy_origin origin;
    int64_t since_sec;
    char *never;        /* why it can never match; NULL: it can */
    bool off;           /* its condition does not hold */
    uint32_t lapse_sec; /* what it comes to, with the default; POLICY_LAPSE_NEVER */
    bool door;          /* it is for the interfaces too, where they have a door */
};

struct policy_roll {
    struct policy_entry *v;
    size_t n, capacity;
};

/* Names that begin so are those of protected connections, and nobody may give them. */
#define POLICY_PROTECTED "protected-"

/* Takes possession of what the policy owns, also on failure; it goes behind those of its origin. -ENOMEM, -E2BIG. */
int policy_roll_add(struct policy_roll *roll, struct policy *policy, enum policy_origin origin, int64_t since_sec);

/* Adds copies of those of the origin. -ENOMEM, -E2BIG. */
int policy_roll_add_from(struct policy_roll *roll, const struct policy_roll *from, enum policy_origin origin);
int policy_roll_add_list(struct policy_roll *roll, const struct policy_list *list, enum policy_origin origin,
                         int64_t since_sec);

struct policy_entry *policy_roll_find(const struct policy_roll *roll, const char *name); /* NULL: it is not there */
void policy_roll_remove(struct policy_roll *roll, struct policy_entry *entry);
void policy_roll_done(struct policy_roll *roll);

/* The policies alone, in their order, which still belong to the roll; malloc'ed, NULL: out of memory. */
struct policy *policy_roll_policies(const struct policy_roll *roll);

/* The entries sorted by name; malloc'ed, NULL: out of memory. */
const struct policy_entry **policy_roll_by_name(const struct policy_roll *roll);

/* Since when the one of that name is there, of what policy_roll_by_name() gave; the present if there is none. */
int64_t policy_roll_since(const struct policy_entry **by_name, size_t n, const char *name);

/* A name that two have, NULL: none. 0, -ENOMEM. */
int policy_roll_find_twice(const struct policy_roll *roll, const char **ret_name);

/* What is kept over restarts: all but those of the configuration. Errors are the store's. */
int policy_roll_keep(const struct policy_roll *roll, struct store *store);

/* Adds what is kept. What cannot be read any more is left out; ret_fault, set then, is a line about the first, malloc'ed. */
int policy_roll_load(struct policy_roll *roll, struct store *store, char **ret_fault);

/* {"name", "origin", "since", "words", and each key that is given}; NULL: out of memory. */
json_t *policy_entry_json(const struct policy_entry *entry);
