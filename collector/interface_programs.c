#include "collector/interface_programs.h"

#include "bpf/interface.skel.h"
#include "common/cleanup.h"
#include "common/log.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

const char *const interface_program_names[INTERFACE_PROGRAMS] = {
    [INTERFACE_XDP] = "xdp_tracker_func",
    [INTERFACE_TC_INGRESS] = "tc_ingress",
    [INTERFACE_TC_EGRESS] = "tc_egress",
};

struct interface_programs {
    struct interface_bpf *skel;
    bool loaded[INTERFACE_PROGRAMS];
};

struct used_map {
    struct bpf_map *map;
    int fd; /* -1: a new one */
};

/* The object shares headers with the ledger's, and so names maps that it does not use. */
static int use_maps(struct bpf_object *object, const struct used_map *used, size_t n)
{
    struct bpf_map *map;
    int r = 0;

    bpf_object__for_each_map(map, object)
    {
        bool wanted = false;

        for (size_t i = 0; i < n && !wanted; i++) {
            wanted = used[i].map == map;
            if (wanted && used[i].fd >= 0 && r == 0)
                r = bpf_map__reuse_fd(map, used[i].fd);
        }
        if (!wanted && r == 0)
            r = bpf_map__set_autocreate(map, false);
    }
    return r;
}

static int choose_maps(struct interface_bpf *skel, const struct interface_programs_config *config)
{
    const struct interface_door *door = &config->door;
    const struct used_map used[] = {{skel->maps.conn_uid_map, config->conn_uid_fd},
                                    {skel->maps.stats, config->stats_fd},
                                    {skel->maps.interface_counts, config->counts_fd},
                                    {skel->maps.rodata, -1},
                                    {skel->maps.bss, -1},
                                    {config->sampling.rate ? skel->maps.packet_events : NULL, -1},
                                    {config->sampling.rate ? skel->maps.sample_counter : NULL, -1},
                                    {config->sampling.rate ? skel->maps.packet_count : NULL, -1},
                                    {door->open ? skel->maps.user_stats_map : NULL, door->ledger_fd},
                                    {door->open ? skel->maps.policy_sets : NULL, door->sets_fd},
                                    {door->open ? skel->maps.policy_networks : NULL, door->networks_fd},
                                    {door->open ? skel->maps.policy_map : NULL, door->rules_fd},
                                    {door->open ? skel->maps.policy_buckets : NULL, door->buckets_fd},
                                    {door->open ? skel->maps.stats_map : NULL, door->counters_fd},
                                    {door->open ? skel->maps.policy_telling : NULL, door->telling_fd},
                                    {door->open ? skel->maps.ring_buffer : NULL, door->events_fd}};

    return use_maps(skel->obj, used, array_length(used));
}

#define CHANCES (UINT64_C(1) << 32) /* of what bpf_get_prandom_u32() may give */

static int set_sampling(struct interface_bpf *skel, const struct interface_sampling *sampling)
{
    uint32_t bytes = (uint32_t)sysconf(_SC_PAGESIZE);

    while (bytes < sampling->ring_bytes)
        bytes *= 2;
    skel->rodata->sample_rate = sampling->rate;
    skel->rodata->sample_chance = sampling->rate && !sampling->every ? CHANCES / sampling->rate : 0;
    skel->rodata->sample_wake = bytes / 2;
    return sampling->rate ? bpf_map__set_max_entries(skel->maps.packet_events, bytes) : 0;
}

/* 0 where the kernel does not tell: then all namespaces are one in conn_uid_map. */
static uint64_t read_netns_cookie(void)
{
    cleanup_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0); /* any socket is in the namespace */
    uint64_t cookie = 0;
    socklen_t size = sizeof(cookie);

    return fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}

uint32_t interface_own_netns(void)
{
    static uint32_t own; /* asked once, before privileges are given up: a process stays in its namespace */

    if (!own)
        own = (uint32_t)read_netns_cookie();
    return own;
}

static int try_load(const struct interface_programs_config *config, bool with_xdp, struct interface_programs *p)
{
    int r;

    p->skel = interface_bpf__open();
    if (!p->skel)
        return -errno;
    r = choose_maps(p->skel, config);
    if (r == 0 && !with_xdp)
        r = bpf_program__set_autoload(p->skel->progs.xdp_tracker_func, false);
    if (r == 0)
        r = set_sampling(p->skel, &config->sampling);
    p->skel->rodata->door_open = config->door.open;
    p->skel->rodata->conn_uid_netns = config->netns_keys;
    p->skel->rodata->own_netns = config->netns_keys ? read_netns_cookie() : 0;
    if (r == 0)
        r = interface_bpf__load(p->skel);
    if (r < 0) {
        interface_bpf__destroy(p->skel);
        p->skel = NULL;
    }
    for (int i = 0; i < INTERFACE_PROGRAMS; i++)
        p->loaded[i] = r == 0 && (i != INTERFACE_XDP || with_xdp);
    return r;
}

int interface_programs_load(const struct interface_programs_config *config, struct interface_programs **ret,
                            char **ret_why)
{
    struct interface_programs *p = calloc(1, sizeof(*p));
    int r = p ? try_load(config, true, p) : -ENOMEM;

    if (r < 0 && p)
        r = try_load(config, false, p);
    if (r < 0) {
        free(p);
        if (asprintf(ret_why, "%s", strerror(-r)) < 0)
            *ret_why = NULL;
        return r;
    }
    *ret = p;
    return 0;
}

struct interface_programs *interface_programs_free(struct interface_programs *p)
{
    if (!p)
        return NULL;
    interface_bpf__destroy(p->skel);
    free(p);
    return NULL;
}

int interface_programs_fd(const struct interface_programs *p, enum interface_program program)
{
    const struct bpf_program *programs[] = {[INTERFACE_XDP] = p->skel->progs.xdp_tracker_func,
                                            [INTERFACE_TC_INGRESS] = p->skel->progs.tc_ingress,
                                            [INTERFACE_TC_EGRESS] = p->skel->progs.tc_egress};

    return p->loaded[program] ? bpf_program__fd(programs[program]) : -1;
}

int interface_programs_counts_fd(const struct interface_programs *p)
{
    return bpf_map__fd(p->skel->maps.interface_counts);
}

void interface_programs_get_samples(const struct interface_programs *p, struct interface_programs_samples *ret)
{
    *ret = (struct interface_programs_samples){
        .programs = p,
        .events_fd = bpf_map__fd(p->skel->maps.packet_events),
        .counter_fd = bpf_map__fd(p->skel->maps.sample_counter),
        .count_fd = bpf_map__fd(p->skel->maps.packet_count),
    };
}

void interface_programs_set_sample_half(const struct interface_programs *p, unsigned half)
{
    __atomic_store_n(&p->skel->bss->sample_half, half, __ATOMIC_SEQ_CST);
}
