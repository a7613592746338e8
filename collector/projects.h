/*
 * Which project an account belongs to, by the rules of the configuration: unit, then user, then group; without a rule
 * it is the name of the account's group, which the store finds. Users and groups of rules are names that somebody else
 * resolves (names.h), so that a directory server that hangs holds up nothing: until it has answered, a rule that needs
 * a name matches nothing for it, and whoever's ids were known stays known. Pure: no NSS, no clock, no cgroup of its
 * own.
 */
#pragma once

#include "collector/config.h"

#include <stdbool.h>
#include <stdint.h>

struct projects;

enum projects_key { PROJECTS_UNIT, PROJECTS_USER, PROJECTS_GROUP };

/* Why an account has its project. Lives as long as the configuration. */
struct projects_match {
    const struct config_project *rule;
    enum projects_key key;
    const char *text; /* the unit, user or group of the rule, as written there */
};

/*
 * The rules of config, which must live as long. before (NULL: nobody) lends the ids that it knows. Numbers are ids at
 * once. -ENOMEM.
 */
int projects_new(const struct config *config, const struct projects *before, struct projects **ret_projects);
struct projects *projects_free(struct projects *p);

/* ---- names ---- */

/* Asks for one name; what it returns below 0 means that no answer will come. */
typedef int (*projects_ask_fn)(enum projects_key key, const char *name, void *userdata);

/*
 * Calls ask for each name that is due: never asked, without an id for half a minute, or with one for ten minutes. One
 * whose answer is out is not asked again.
 */
void projects_ask(struct projects *p, int64_t now_ns, projects_ask_fn ask, void *userdata);

/* An answer: error 0, -ENOENT no such name (any more), else the services could not be asked and what is known stays. */
void projects_answer(struct projects *p, enum projects_key key, const char *name, int error, uint32_t id,
                     int64_t now_ns);

/* How many names still wait for their first answer. */
size_t projects_unanswered(const struct projects *p);

/* The next name without an id that was not told yet; false if there is none. */
bool projects_tell_unknown(struct projects *p, struct projects_match *ret_match);

/* ---- units ---- */

/* Whether a rule names the unit with this path below the cgroup root. */
bool projects_match_unit(const struct projects *p, const char *path, struct projects_match *ret_match);

/* Remembers the path of a unit by its number, for projects_find(). -ENOMEM. */
int projects_note_unit(struct projects *p, uint32_t unit, const char *path);
bool projects_knows_unit(const struct projects *p, uint32_t unit);

/* Calls fn for the ids that rules claim, as far as they are known. What fn returns below 0 ends it and is returned. */
typedef int (*projects_member_fn)(enum projects_key key, uint32_t id, const char *project, void *userdata);
int projects_each_member(const struct projects *p, projects_member_fn fn, void *userdata);

/* All patterns of all rules, in the order of the file; they live as long as the configuration. Malloc'ed, or NULL. */
const char **projects_unit_patterns(const struct projects *p, size_t *ret_n);

/* ---- the answer ---- */

/* unit 0: none. uid and gid below 0: none. False: no rule matches. */
bool projects_find(const struct projects *p, uint32_t unit, int64_t uid, int64_t gid, struct projects_match *ret_match);
