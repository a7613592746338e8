/* From the number of a cgroup to its path, found by a walk through the tree when one is asked for that is
 * not known: the number of a cgroup is the inode number of its directory (kernfs, since Linux 5.5). */
#pragma once

#include <stdint.h>

struct cgroup_names;

/* root: where packets are counted; paths are told from the root of its mount. -ENOMEM; a root that cannot be opened has no names. */
int cgroup_names_open(const char *root, struct cgroup_names **ret_names);
struct cgroup_names *cgroup_names_close(struct cgroup_names *n);

/* A reading begins: forgets what nobody asked for since the one before. */
void cgroup_names_begin(struct cgroup_names *n);

/* The path without a leading slash; "" when it is not known, has gone, or is the root. Owned by n until the reading after the next. */
const char *cgroup_names_find(struct cgroup_names *n, uint64_t id);
