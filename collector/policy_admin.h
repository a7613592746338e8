/*
 * Which policies are in force: those of the configuration, those that were given while pdttd runs, which are kept over restarts,
 * and the connections of administrators, which are protected. A list changes as a whole or not at all, and what is not confirmed
 * in time goes back to what was before. A list that waits for it is not kept: whoever starts next has the former one.
 */
#pragma once

#include "collector/policy_kernel.h"
#include "collector/policy_roll.h"
#include "sql/store.h"

struct policy_admin;

struct policy_admin_options {
    struct store *store;
    struct policies *kernel;
    const struct policy_names *names;     /* must live as long */
    const struct policy_list *configured; /* until the next policy_admin_use_config() */
    struct policy_lapses lapses;          /* of those that do not say; the same */

    /* Whether the condition of a policy that has one holds now; false also where that cannot be told. */
    bool (*holds)(const struct policy *policy, void *userdata);

    /*
     * Before the first list is put in force in place of what a former pdttd left: may wait for who and what it names, which would
     * match nothing until that is known. May be NULL.
     */
    void (*prepare)(const struct policy_roll *roll, void *userdata);
    void *userdata;
};

/* Puts the kept and the configured policies in force. One line is logged on failure. */
int policy_admin_open(const struct policy_admin_options *options, struct policy_admin **ret_admin);
struct policy_admin *policy_admin_close(struct policy_admin *a); /* what is in force stays so */

/* What is in force and what may be told of it. */
const struct policy_roll *policy_admin_roll(const struct policy_admin *a);
struct policies *policy_admin_kernel(const struct policy_admin *a);
char *policy_admin_unknown(const struct policy_admin *a, size_t i); /* of the roll's policy i, as policy_set.h has it */

/* For struct store_interval, as policy_meters.h has them. */
int policy_admin_read_meters(struct policy_admin *a, const struct store_meter **ret, size_t *ret_n);
void policy_admin_booked(struct policy_admin *a);

/*
 * Each changes all or nothing: -EINVAL, -EEXIST, -ENOENT, -EBUSY (a list waits to be confirmed), -ENOSPC, the errors of the store.
 * ret_why: a line, malloc'ed, set on failure, NULL only without memory. policy's and list's contents stay the caller's.
 */
int policy_admin_add(struct policy_admin *a, const struct policy *policy, char **ret_why);
int policy_admin_remove(struct policy_admin *a, const char *name, char **ret_why);

/* list in place of all that was given before. confirm_sec above 0: it goes back after so long unless it is confirmed. */
int policy_admin_apply(struct policy_admin *a, const struct policy_list *list, unsigned confirm_sec, char **ret_why);
int policy_admin_confirm(struct policy_admin *a, char **ret_why);
int policy_admin_revert(struct policy_admin *a, char **ret_why);

/* Changes from now on protect this connection too, until one succeeds or another is named; NULL: none. It owns nothing. */
void policy_admin_protect(struct policy_admin *a, const struct policy *connection);

/* Seconds until a list that waits is taken back, -1: none waits. When the last one was taken back for that, 0: never. */
int policy_admin_waits_sec(const struct policy_admin *a);
int64_t policy_admin_reverted_sec(const struct policy_admin *a);

/* Readable when a list is to be taken back, for policy_admin_tick(). */
int policy_admin_fd(const struct policy_admin *a);
void policy_admin_tick(struct policy_admin *a);

/*
 * The policies of another configuration, and its defaults. On failure those before stay in force. A connection that is to be
 * protected is where any policy blocks or limits, and kept like that of any other change.
 */
int policy_admin_use_config(struct policy_admin *a, const struct policy_list *configured,
                            const struct policy_lapses *lapses, char **ret_why);

/* The same list anew: a name means somebody else now, or was found. A failure is logged, and the list stays as it was. */
void policy_admin_refresh(struct policy_admin *a);

/* Conditions may hold or not hold any more: after each interval. What changed is logged. */
void policy_admin_look(struct policy_admin *a);

/* Another database from now on, which is to keep what is given. -errno as of the store. */
int policy_admin_use_store(struct policy_admin *a, struct store *store);
