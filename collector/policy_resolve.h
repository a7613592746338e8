/*
 * Who and what the names in policies are, for collector/policy_kernel.h: users and groups through names.h, which never waits,
 * classes of the configuration, projects and units of its rules. What is not known yet matches nothing until it is.
 */
#pragma once

#include "collector/config.h"
#include "collector/names.h"
#include "collector/policy_roll.h"
#include "collector/policy_set.h"
#include "collector/rules.h"

struct policy_resolve;

/* names and rules must live as long; store and config until the next _use(). -ENOMEM. */
int policy_resolve_new(struct names *names, struct rules *rules, struct policy_resolve **ret);
struct policy_resolve *policy_resolve_free(struct policy_resolve *p);
void policy_resolve_use(struct policy_resolve *p, struct store *store, const struct config *config);

/* For policy_admin_open(); lives as long. */
const struct policy_names *policy_resolve_names(struct policy_resolve *p);

/* Asks for the groups that the projects of these policies may be by their name, so that members are known. */
void policy_resolve_expect(struct policy_resolve *p, const struct policy_roll *roll);

/* Asks for the names that are due: of users and groups that policies name, and groups that are projects of their own. */
void policy_resolve_ask(struct policy_resolve *p, int64_t now_ns);

/* An answer of the worker. True if a name that policies know means something else now. */
bool policy_resolve_take_answer(struct policy_resolve *p, const struct names_answer *answer, int64_t now_ns);

/* How many names wait for their first answer. */
void policy_resolve_ask_of(struct policy_resolve *p, const struct policy_roll *roll);
size_t policy_resolve_unanswered(const struct policy_resolve *p);

/* The next name that nobody has, told once; NULL: none. ret_group: it is that of a group. */
const char *policy_resolve_tell_unknown(struct policy_resolve *p, bool *ret_group);
