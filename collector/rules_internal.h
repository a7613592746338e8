/* What the files of rules share: rules.c follows units and asks names, rules_policies.c knows what policies name. */
#pragma once

#include "collector/rules.h"

/* A pattern that a policy names. */
struct rules_policy_unit {
    char *pattern;
    uint32_t *numbers; /* of cgroups that match, or lie below one that does */
    size_t n;
};

/* A unit was found. -ENOMEM. */
int rules_note_policy_unit(struct rules_policy_unit *u, const char *path, uint32_t number, bool *ret_new);
void rules_free_policy_units(struct rules_policy_unit *units, size_t n);

/* Those of projects, then those of policies; they point into what they are of. NULL: out of memory. */
const char **rules_list_patterns(const struct projects *projects, const struct rules_policy_unit *units, size_t n_units,
                                 size_t *ret_n);

/* From now on units are followed by these, which it takes. */
void rules_use_patterns(struct rules *r, const char **patterns, size_t n);
