/*
 * Units: the cgroups that a rule names by a pattern, and everything below them. Keeps a table from cgroup to unit (the
 * kernel side's map "units") in step with the cgroup tree: a walk at the start, inotify afterwards; where inotify has
 * no room, a walk at each drain. Only directories that can contain matches, and those at or below one, are looked at.
 *
 * The number of a cgroup (cgroup id) is the inode number of its directory (kernfs, since Linux 5.5). A cgroup below two
 * that match belongs to the nearer one. What a pattern means: fnmatch(3) with FNM_PATHNAME, so that each of its parts
 * stands for one directory below the root.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct units;

struct units_options {
    const char *root; /* a cgroup v2 directory */
    /* The permanent number, above 0, of the unit with this path below the root. */
    int (*number)(const char *path, uint32_t *ret_unit, void *userdata);
    /* Writes to and removes from the table. put: -E2BIG or -ENOMEM when there is no room. */
    int (*put)(uint64_t cgroup_id, uint32_t unit, void *userdata);
    int (*remove)(uint64_t cgroup_id, void *userdata);
    void *userdata;
    bool without_inotify; /* for tests: as if it had no room */
};

/* Follows nothing until units_set_patterns(). -ENOMEM. */
int units_open(const struct units_options *options, struct units **ret_units);
struct units *units_close(struct units *u); /* the table stays as it is */

/* The cgroups that match from now on; walks the tree. patterns must live until the next call. -ENOMEM. */
int units_set_patterns(struct units *u, const char *const *patterns, size_t n);

/* Readable when the tree has changed; -1: there is no inotify. Owned by u. */
int units_fd(const struct units *u);

/* Takes in what has changed. Never blocks. */
int units_read(struct units *u);

/*
 * After each drain: removes the cgroups that are gone (their last packets are counted by now), tries again what failed,
 * and walks the tree where inotify cannot tell.
 */
int units_settle(struct units *u);

struct units_state {
    size_t cgroups;   /* in the table */
    size_t left_out;  /* had no room in the table: booked by user and group */
    size_t too_deep;  /* lie more than UNITS_MAX_DEPTH below the root: the same */
    size_t unwatched; /* found only by walking */
    int error;        /* of the last number() that failed, 0: none */
};
void units_state(const struct units *u, struct units_state *ret);

#define UNITS_MAX_DEPTH 64

/* The cgroups that the table should hold, malloc'ed and sorted: for clearing what a former pdttd left there. -ENOMEM.
 */
int units_list(const struct units *u, uint64_t **ret_ids, size_t *ret_n);

/* Pure: whether path matches; whether something below it may. */
bool units_matches(const char *pattern, const char *path);
bool units_may_contain(const char *pattern, const char *path);
