/*
 * What the kernel side makes of a list of policies (common/policy.h): rules, each with its rank, and for each part of a
 * packet, such as its remote address, vectors that say which rules this part allows (bpf/pdtt_policy.h). Pure: names are
 * resolved by whoever asks, through callbacks.
 *
 * Order of precedence: rules that name one flow (both addresses are single hosts, both ports single ones, and a protocol)
 * come first, then those with the higher priority, then those that stand first in the list.
 */
#pragma once

#include "common/policy.h"

/* What belongs to a project. */
enum policy_member { POLICY_MEMBER_UNIT, POLICY_MEMBER_USER, POLICY_MEMBER_GROUP, POLICY_MEMBERS };

typedef int (*policy_add_unit_fn)(uint32_t unit, void *adder);
typedef int (*policy_add_member_fn)(enum policy_member kind, uint32_t id, const char *project, void *adder);

/*
 * Who and what the names in policies are at the moment when a list is put in force. None of these may wait. What changes
 * later, such as a unit that comes, is known once the list is applied anew, which keeps counters and is cheap.
 */
struct policy_names {
    /* The id of a user, group or class. -ENOENT: not known (yet), the policy matches nothing. */
    int (*user)(const char *name, uint32_t *ret_uid, void *userdata);
    int (*group)(const char *name, uint32_t *ret_gid, void *userdata);
    int (*class_id)(const char *name, uint32_t *ret_class, void *userdata);

    /* Calls add for the number of each unit that is meant, as accounts have it (struct pdtt_account). NULL: none is. */
    int (*units)(const char *unit, policy_add_unit_fn add, void *adder, void *userdata);

    /*
     * Calls add for all that a rule of any project claims, and for groups whose name is their project. Of a packet the
     * unit is asked first, then the user, then the group, as collector/projects.h has it. NULL: there are no projects.
     */
    int (*members)(policy_add_member_fn add, void *adder, void *userdata);

    /*
     * What the policy names that nothing here is called, so that it matches nothing until something is: a line such as "no user 'x'
     * is known here", malloc'ed. NULL: there is all, or was not looked for yet. May be NULL itself.
     */
    char *(*unknown)(const struct policy *policy, void *userdata);
    void *userdata;
};

/* A policy that can never match, and why. */
struct policy_never {
    size_t policy; /* index in the list */
    int64_t by;    /* index of the one that always comes first; -1: it contradicts itself, as why says */
    const char *why;
};

struct policy_set;

/*
 * -ENOMEM; -ENOSPC: more than POLICIES_MAX, or overlaps take more room than there is for "room" policies (limits.policies).
 * The list may go afterwards.
 */
int policy_set_new(const struct policy *list, size_t n, const struct policy_names *names, uint32_t room,
                   struct policy_set **ret_set);
struct policy_set *policy_set_free(struct policy_set *s);

/* Which policies never match, in the order of the list; owned by the set. A condition or a switch may spare the one in front. */
const struct policy_never *policy_set_never(const struct policy_set *s, size_t *ret_n);

/*
 * Whether frames from the remote network of this policy, all or all but some of it, can be dropped at the interface: it blocks, names
 * nothing else, and no policy before it may match any of them (those that may are holes).
 */
bool policy_set_is_at_door(const struct policy_set *s, size_t policy);
