#include "collector/units_table.h"

#include "common/cleanup.h"

#include <bpf/bpf.h>
#include <stdbool.h>

int units_table_put(int fd, uint64_t cgroup_id, uint32_t unit)
{
    return bpf_map_update_elem(fd, &cgroup_id, &unit, BPF_ANY) < 0 ? -errno : 0;
}

int units_table_remove(int fd, uint64_t cgroup_id)
{
    return bpf_map_delete_elem(fd, &cgroup_id) < 0 && errno != ENOENT ? -errno : 0;
}

static bool holds(const uint64_t *ids, size_t n, uint64_t id)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ids[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && ids[low] == id;
}

/* A walk starts over when its current key goes, so it stays on one that is kept. */
int units_table_keep(int fd, const uint64_t *ids, size_t n)
{
    uint64_t kept, key;
    bool any_kept = false;

    while (bpf_map_get_next_key(fd, any_kept ? &kept : NULL, &key) == 0) {
        if (holds(ids, n, key)) {
            kept = key;
            any_kept = true;
        } else {
            int r = units_table_remove(fd, key);
            if (r < 0)
                return r;
        }
    }
    return errno == ENOENT ? 0 : -errno;
}
