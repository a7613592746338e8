#include "collector/mapset.h"

#include "bpf/pdtt_policy.h"
#include "common/cleanup.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>

void mapset_clear(struct mapset *m)
{
    for (unsigned map = 0; map < MAPS; map++)
        m->fd[map] = -1;
}

void mapset_close(struct mapset *m)
{
    for (unsigned map = 0; map < MAPS; map++)
        m->fd[map] = close_fd(m->fd[map]);
}

int mapset_get(struct mapset *m, const struct pins *pins, const char *dir)
{
    for (unsigned map = 0; map < MAPS; map++) {
        int fd = pins_get(pins, dir, map_rows[map].name);

        if (fd < 0 && !(fd == -ENOENT && map_rows[map].carried))
            return fd;
        m->fd[map] = fd < 0 ? -1 : fd;
    }
    return 0;
}

const char *mapset_absent(const struct mapset *m)
{
    for (unsigned map = 0; map < MAPS; map++)
        if (m->fd[map] < 0 && !map_rows[map].carried)
            return map_rows[map].name;
    return NULL;
}

bool mapset_complete(const struct mapset *m)
{
    for (unsigned map = 0; map < MAPS; map++)
        if (m->fd[map] < 0)
            return false;
    return true;
}

int mapset_take(struct mapset *m, const struct programs *p)
{
    for (unsigned map = 0; map < MAPS; map++) {
        close_fd(m->fd[map]);
        m->fd[map] = fcntl(programs_map_fd(p, map), F_DUPFD_CLOEXEC, 3);
        if (m->fd[map] < 0)
            return -errno;
    }
    return 0;
}

int mapset_pin(const struct mapset *m, const struct pins *pins, const char *dir)
{
    int r = pins_make_dir(pins, dir);

    for (unsigned map = 0; map < MAPS && r == 0; map++)
        r = pins_put(pins, dir, map_rows[map].name, m->fd[map]);
    return r;
}

void mapset_ledger(const struct mapset *m, struct ledger_maps *ret_maps)
{
    *ret_maps = (struct ledger_maps){
        .outer = m->fd[MAP_OUTER],
        .inner = {m->fd[MAP_INNER_0], m->fd[MAP_INNER_1]},
        .accounts = m->fd[MAP_ACCOUNTS],
        .slots = m->fd[MAP_SLOTS],
        .layout = m->fd[MAP_LAYOUT],
    };
}

int mapset_read_layout(const struct mapset *m, struct pdtt_layout *ret_layout)
{
    uint32_t zero = 0;

    return bpf_map_lookup_elem(m->fd[MAP_LAYOUT], &zero, ret_layout) < 0 ? -errno : 0;
}

int mapset_write_layout(const struct mapset *m, const struct pdtt_layout *layout)
{
    uint32_t zero = 0;

    return bpf_map_update_elem(m->fd[MAP_LAYOUT], &zero, layout, BPF_ANY) < 0 ? -errno : 0;
}

int mapset_read_stats(const struct mapset *m, uint64_t ret_stats[static PDTT_STATS])
{
    return stats_read(m->fd[MAP_STATS], ret_stats);
}

int stats_read(int fd, uint64_t ret_stats[static PDTT_STATS])
{
    int cpus = libbpf_num_possible_cpus();
    cleanup_free uint64_t *values = calloc(cpus > 0 ? cpus : 1, sizeof(*values));

    if (!values)
        return -ENOMEM;
    for (uint32_t stat = 0; stat < PDTT_STATS; stat++) {
        ret_stats[stat] = 0;
        /* A map that an earlier version pinned lacks the newest ones. */
        if (bpf_map_lookup_elem(fd, &stat, values) < 0) {
            if (errno == ENOENT)
                continue;
            return -errno;
        }
        for (int cpu = 0; cpu < cpus; cpu++)
            ret_stats[stat] += values[cpu];
    }
    return 0;
}

void mapset_drop_small_notes(struct mapset *m)
{
    struct bpf_map_info info = {};
    uint32_t size = sizeof(info);

    if (m->fd[MAP_SOCK_USER] >= 0 && bpf_obj_get_info_by_fd(m->fd[MAP_SOCK_USER], &info, &size) == 0 &&
        info.max_entries < PROGRAMS_NOTES)
        m->fd[MAP_SOCK_USER] = close_fd(m->fd[MAP_SOCK_USER]);
}

static bool policies_fit(const struct mapset *m, uint32_t room)
{
    struct bpf_map_info info = {};
    uint32_t size = sizeof(info);

    for (unsigned map = MAP_POLICY_FIRST; map <= MAP_POLICY_LAST; map++)
        if (m->fd[map] < 0)
            return false;
    if (bpf_obj_get_info_by_fd(m->fd[MAP_POLICY_MAP], &info, &size) < 0 ||
        info.value_size != sizeof(struct pdtt_policy) || info.max_entries != (room ? 2 * room : 1))
        return false;
    return bpf_obj_get_info_by_fd(m->fd[MAP_POLICY_NETWORKS], &info, &size) == 0 &&
           info.max_entries ==
               (room ? PDTT_POLICY_NETS(room) : 1); /* one of an earlier version has no room for a door */
}

void mapset_drop_other_policies(struct mapset *m, uint32_t room)
{
    for (unsigned map = MAP_POLICY_FIRST; map <= MAP_POLICY_LAST && !policies_fit(m, room); map++)
        m->fd[map] = close_fd(m->fd[map]);
}

static uint64_t map_memory_bytes(int fd)
{
    char path[64], line[128];
    unsigned long long bytes = 0;
    cleanup_fclose FILE *f = NULL;

    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "memlock: %llu", &bytes) == 1)
            break;
    return bytes;
}

uint64_t mapset_memory_bytes(const struct mapset *m)
{
    uint64_t sum = 0;

    for (unsigned map = 0; map < MAPS; map++)
        sum += map_memory_bytes(m->fd[map]);
    return sum;
}

int mapset_last_epoch(const struct mapset *m, struct pdtt_epoch *ret_epoch)
{
    struct ledger_maps maps;
    struct ledger *l;
    int r, active;

    mapset_ledger(m, &maps);
    r = ledger_open(&maps, &l);
    if (r < 0)
        return r;
    active = ledger_active(l);
    if (active >= 0)
        *ret_epoch = *ledger_epoch(l, active);
    ledger_close(l);
    return active < 0 ? active : 0;
}
