/* The kernel side's map from cgroup to unit, as units.h writes to it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Errors are those of bpf(2): -E2BIG, -ENOMEM no room. Removing what is not there is fine. */
int units_table_put(int fd, uint64_t cgroup_id, uint32_t unit);
int units_table_remove(int fd, uint64_t cgroup_id);

/* Removes all but these, which are sorted: what a former pdttd left there of cgroups that went while none ran. */
int units_table_keep(int fd, const uint64_t *ids, size_t n);
