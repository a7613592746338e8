/*
 * A policy in words: the keys and values that the configuration, the arguments of pdttctl and the store share. Each key is a row
 * of one table, and each place where policies are written reads and writes them by it. Pure: knows no file, no kernel, no clock.
 */
#pragma once

#include "common/policy.h"

#include <stdio.h>

#define POLICY_TEXT_MAX 8192 /* of one policy in words, with the NUL; policy_format() gives less */

/* A policy that is being read, key by key; {} is one of which nothing was said, after policy_begin(). */
struct policy_words {
    struct policy policy;
    unsigned given; /* a bit for each row of the table */
};

void policy_begin(struct policy_words *w);
void policy_words_done(struct policy_words *w);

/*
 * Takes one key. -ENOENT: there is no such key, -EEXIST: it was given already, -EINVAL: the value is none of it, -ENOMEM.
 * ret_why is malloc'ed, set on failure: what is wrong and what to do, as it goes on behind "key 'KEY': value 'VALUE': ". On
 * failure nothing of w changed.
 */
int policy_take(struct policy_words *w, const char *key, const char *value, char **ret_why);

/*
 * Ends the reading: what no key can be judged by alone. -EINVAL with ret_why, and in ret_key the key that it is about; NULL: the
 * policy as a whole. On success what is left open has its default.
 */
int policy_finish(struct policy_words *w, const char **ret_key, char **ret_why);

/*
 * "scan action=block remote=203.0.113.0/24": the name, then a word for each key, in any order; a value with blanks stands in double
 * quotes, with \" and \\ in them. -EINVAL with ret_why, a line that names key and value; -ENOMEM. For policy_done().
 */
int policy_parse(const char *text, struct policy *ret, char **ret_why);

/* The same, in one order and without defaults: equal policies have equal texts. malloc'ed; NULL: out of memory. */
char *policy_format(const struct policy *policy);

void policy_done(struct policy *policy);
int policy_copy(const struct policy *policy, struct policy *ret); /* 0, -ENOMEM */

/* A list whose members are its own. */
struct policy_list {
    struct policy *v;
    size_t n, capacity;
};

/* Takes possession of what the policy owns, also on failure. -ENOMEM, -E2BIG. Two of one name are for who ends the list to find. */
int policy_list_add(struct policy_list *list, struct policy *policy);
struct policy *policy_list_find(const struct policy_list *list, const char *name); /* NULL: it is not there */
void policy_list_remove(struct policy_list *list, const char *name);
int policy_list_copy(const struct policy_list *list, struct policy_list *ret); /* 0, -ENOMEM */
void policy_list_done(struct policy_list *list);

/* A name that is in the list twice, its own; NULL: none. 0, -ENOMEM. */
int policy_list_find_twice(const struct policy_list *list, const char **ret_name);

/* The members, sorted by name; malloc'ed, NULL: out of memory. */
const struct policy **policy_list_by_name(const struct policy_list *list);

/* ---- for tables and help ---- */

/* The i-th key, NULL: there are no more; what its values are, and the value that the policy has of it, malloc'ed, NULL: any. */
const char *policy_key_name(size_t i);
const char *policy_key_values(size_t i);
char *policy_key_value(size_t i, const struct policy *policy);

const char *policy_action_word(enum policy_action action);

/* "never", "5min"; what is wrong with it and what to do, static text; NULL: nothing. */
const char *policy_read_lapse(const char *text, uint32_t *ret_sec);

/* The default of one that does not say; POLICY_LAPSE_NEVER of what holds nothing up. */
uint32_t policy_lapse_sec(const struct policy *policy, const struct policy_lapses *lapses);

/* What is wrong with it as the name of a policy, static text; NULL: nothing. */
const char *policy_name_fault(const char *name);
