/* What puts lists of policies in force (policy_admin_put.c), what administrators ask for (policy_admin_ask.c) and the rest share. */
#pragma once

#include "collector/policy_admin.h"
#include "collector/policy_meters.h"

struct policy_admin {
    struct store *store;
    struct policies *kernel;
    const struct policy_names *names;
    const struct policy_list *configured;
    struct policy_lapses lapses;
    struct policy_meters *meters;
    struct policy_roll roll;         /* in force */
    const struct policy *connection; /* to be protected with the next change, NULL: none */
    struct policy_roll former;       /* what was given before a list that waits */
    bool waits;
    int64_t until_ns;     /* boot-time clock */
    int64_t reverted_sec; /* wall clock */
    int timer_fd;
    bool (*holds)(const struct policy *policy, void *userdata);
    void (*prepare)(const struct policy_roll *roll, void *userdata);
    void *userdata;
};

/* ---- policy_admin_put.c ---- */

/* Returns error, with what to say of it in ret_why, malloc'ed; NULL: out of memory. */
int policy_admin_complain(char **ret_why, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Says it in general, where nothing was said yet; returns r. */
int policy_admin_describe(int r, const struct policy_admin *a, char **ret_why);

/* Whether the condition of the policy does not hold. */
bool policy_admin_is_off(const struct policy_admin *a, const struct policy *policy);

/* Puts the roll in force in the kernel; what was there stays on failure. */
int policy_admin_put(const struct policy_admin *a, struct policy_roll *roll);

/* The protected connections and the configuration, and with given what was given: to be added to, and given to policy_admin_change(). */
int policy_admin_begin(const struct policy_admin *a, bool given, struct policy_roll *next);

/* next, which this takes, in place of what is in force; keep: it is to be in force after a restart too. */
int policy_admin_change(struct policy_admin *a, struct policy_roll *next, bool keep, char **ret_why);
