/*
 * What the configuration decides besides what is counted: the project and unit of an account, policy and allocations of
 * the store, text logs. Everything here may fail or wait without holding up a drain: it is tried again at the next one.
 */
#pragma once

#include "collector/config.h"
#include "collector/names.h"
#include "collector/projects.h"
#include "collector/textlog.h"
#include "collector/units.h"

#include "bpf/pdtt_abi.h"

struct rules {
    const struct config *config;
    struct store *store;
    struct names *names;
    struct projects *projects;
    struct units *units;
    const char **unit_patterns; /* of the projects, for the units */
    size_t n_unit_patterns;
    struct textlog *textlog;
    struct rules_policy_unit *policy_units; /* patterns of policies */
    size_t n_policy_units;
    bool policy_units_changed; /* since rules_policy_units_changed() */
    int units_fd;              /* the kernel side's map; the kernel's */
    uint32_t last_unit;        /* the largest number that a unit has */
    bool synced;               /* the store has policy and allocations */
    int sync_error, textlog_error;
    struct units_state told; /* of the units, so that each trouble is said once */
};

/* Policy, allocations and logs; asks for the ids of users and groups. One line is logged on failure. */
int rules_open(const struct config *config, struct store *store, struct names *names, struct rules **ret_rules);
struct rules *rules_close(struct rules *r);

/* Another database from now on. -errno as of the store. */
int rules_use_store(struct rules *r, struct store *store);

/* From now on the map units_fd follows the cgroups below root. One line is logged on failure. */
int rules_follow_units(struct rules *r, const char *root, int units_fd);

/* Other rules from now on; the old configuration may go when this returns 0, and stays in force if it does not. */
int rules_change(struct rules *r, const struct config *config);

/* The units that policies name, followed beside those of projects from now on; copied. -ENOMEM: those before stay. */
int rules_follow_policy_units(struct rules *r, const char *const *patterns, size_t n);

/* Calls fn for the number of each cgroup that matches one of these patterns or lies below one that does. */
int rules_each_unit(const struct rules *r, const char *pattern, int (*fn)(uint32_t unit, void *userdata),
                    void *userdata);

/* Whether they may be others than at the last call. */
bool rules_policy_units_changed(struct rules *r);

/* As projects_each_member(). */
int rules_each_member(const struct rules *r, projects_member_fn fn, void *userdata);

/* PDTT_EPOCH_UNITS if processes have to be asked for their cgroup, else 0. */
uint32_t rules_epoch_flags(const struct rules *r);

/* The project of an account, NULL: that of its group. */
const char *rules_project(struct rules *r, const struct pdtt_account *account);

void rules_booked(struct rules *r, const struct store_interval *interval, const struct store_usage *rows, size_t n);

/* For the text log: a connection that was booked with its last state. */
void rules_connection_ended(struct rules *r, const struct store_connection *connection);

/* An answer of the worker: the id of a name that a rule needs, or the name of a user for the logs. */
void rules_take_answer(struct rules *r, const struct names_answer *answer);

/* Whether rules wait for their first answers. */
bool rules_wait_for_names(const struct rules *r);

/* Readable when cgroups have come or gone, for rules_read_units(); -1: never. */
int rules_units_fd(const struct rules *r);
void rules_read_units(struct rules *r);

/* After each drain, whether it could book or not. */
void rules_settle(struct rules *r);

/* Says which users and groups of rules this host does not know, once each, at most ten at a time. */
void rules_tell_unknown(struct rules *r);
