#include "collector/programs.h"

#include "bpf/pdtt.skel.h"
#include "bpf/pdtt_abi.h"
#include "common/cleanup.h"
#include "common/log.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <string.h>

const struct layer_row layer_rows[LAYERS] = {
    [LAYER_CGROUP] = {"cgroup", true, "nothing can be counted"},
    [LAYER_SOCKET] = {"socket", false, "sockets get their owner only at the first send or receive"},
    [LAYER_SYSCALL] = {"syscall", false,
                       "bytes of sshd, scp, sftp and rsync stay with root, and there are no payload bytes"},
    [LAYER_ADOPT] = {"adopt", false, "sockets older than pdttd belong to their creator until they are used"},
    [LAYER_SOCKOPS] = {"sockops", false, "connections are not recorded, only what accounts moved"},
};

const struct program_row program_rows[PROGRAMS] = {
    {"cgroup_skb_ingress", LAYER_CGROUP, PROGRAM_CGROUP, false},
    {"cgroup_skb_egress", LAYER_CGROUP, PROGRAM_CGROUP, false},
    {"sock_create_tracker", LAYER_SOCKET, PROGRAM_CGROUP, false},
    {"sock_release", LAYER_SOCKET, PROGRAM_CGROUP, false},
    {"connect4", LAYER_SOCKET, PROGRAM_CGROUP, false},
    {"connect6", LAYER_SOCKET, PROGRAM_CGROUP, false},
    {"sendmsg4", LAYER_SOCKET, PROGRAM_CGROUP, false},
    {"sendmsg6", LAYER_SOCKET, PROGRAM_CGROUP, false},
    {"sock_send_length", LAYER_SYSCALL, PROGRAM_TRACING, false},
    {"sock_recv_length", LAYER_SYSCALL, PROGRAM_TRACING, false},
    {"tcp_sendmsg_locked", LAYER_SYSCALL, PROGRAM_TRACING, true},
    {"tcp_rcv_space_adjust", LAYER_SYSCALL, PROGRAM_TRACING, true},
    {"adopt_sockets", LAYER_ADOPT, PROGRAM_ITERATOR, false},
    {"sockops_tracker", LAYER_SOCKOPS, PROGRAM_CGROUP, false},
    {"live_connections", LAYER_SOCKOPS, PROGRAM_OWNER_READER, true},
    {"live_by_file", LAYER_SOCKOPS, PROGRAM_FILE_READER, true},
};

const struct map_row map_rows[MAPS] = {
    [MAP_OUTER] = {"user_stats_map", false},
    [MAP_INNER_0] = {"ledger_0", false},
    [MAP_INNER_1] = {"ledger_1", false},
    [MAP_ACCOUNTS] = {"accounts", false},
    [MAP_SLOTS] = {"slots", false},
    [MAP_SOCK_OWNER] = {"sock_owner", true},
    [MAP_CLASSES_V4] = {"classes_v4", true},
    [MAP_CLASSES_V6] = {"classes_v6", true},
    [MAP_UNITS] = {"units", true},
    [MAP_STATS] = {"stats", true},
    [MAP_TRUTH] = {"truth", true},
    [MAP_CONN_UID] = {"conn_uid_map", true},
    [MAP_CONN_STATS] = {"conn_stats_map", false},
    [MAP_CONN_ROOM] = {"conn_room", true},
    [MAP_LAYOUT] = {"layout", false},
};

struct programs {
    struct pdtt_bpf *skel;
    int template_fd;
};

/* libbpf explains a failure only through this callback; the last warning is the one that says why. */
static char last_warning[512];

static int keep_warning(enum libbpf_print_level level, const char *format, va_list args)
{
    if (level == LIBBPF_WARN) {
        vsnprintf(last_warning, sizeof(last_warning), format, args);
        last_warning[strcspn(last_warning, "\n")] = '\0';
        log_debug("%s", last_warning);
    }
    return 0;
}

bool programs_is_reader(unsigned program)
{
    return program_rows[program].kind == PROGRAM_FILE_READER || program_rows[program].kind == PROGRAM_OWNER_READER;
}

uint64_t programs_build(void)
{
    size_t size;
    const unsigned char *bytes = pdtt_bpf__elf_bytes(&size);
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a, 64 bit */

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
    return hash;
}

static struct bpf_map *find_map(const struct programs *p, enum map_id map)
{
    return bpf_object__find_map_by_name(p->skel->obj, map_rows[map].name);
}

/* Whether programs may look into the kernel's sk_buff (6.2); the answer cannot change while we run. */
static bool fragments_can_be_counted(void)
{
    static int known = -1;

    if (known < 0) {
        struct btf *btf = btf__load_vmlinux_btf();

        known = btf && btf__find_by_name_kind(btf, "bpf_cast_to_kern_ctx", BTF_KIND_FUNC) > 0 &&
                btf__find_by_name_kind(btf, "bpf_rdonly_cast", BTF_KIND_FUNC) > 0;
        btf__free(btf);
    }
    return known;
}

/* Two of the programs have a variant for kernels in which a datagram cannot be asked for its fragments. */
static struct bpf_program *find_program(const struct programs *p, unsigned program)
{
    struct bpf_program *whole = NULL;
    char name[64];

    if (!fragments_can_be_counted()) {
        snprintf(name, sizeof(name), "%s_whole", program_rows[program].name);
        whole = bpf_object__find_program_by_name(p->skel->obj, name);
    }
    return whole ?: bpf_object__find_program_by_name(p->skel->obj, program_rows[program].name);
}

static uint32_t counters_per_half(const struct programs_config *config)
{
    return PDTT_LEDGER_ELEMENTS(config->cpus, config->slots);
}

/*
 * What the outer map accepts as an inner map. Given as a map because bpf_map__set_max_entries() on the template that
 * bpf_map__inner_map() returns crashes in libbpf 1.1 (it has no object). libbpf does not take the descriptor.
 */
static int set_inner_template(struct programs *p, const struct programs_config *config)
{
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
    int r;

    p->template_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "ledger_template", sizeof(uint32_t),
                                    sizeof(struct pdtt_counters), counters_per_half(config), &options);
    r = p->template_fd < 0 ? -errno : bpf_map__set_inner_map_fd(find_map(p, MAP_OUTER), p->template_fd);
    return r;
}

/* Nobody would read the records without a reader, and their room would run out. */
static bool records_connections(uint32_t wanted)
{
    bool tracker = false, reader = false;

    for (unsigned i = 0; i < PROGRAMS; i++)
        if (program_rows[i].layer == LAYER_SOCKOPS && wanted & 1u << i) {
            tracker |= !program_rows[i].optional;
            reader |= programs_is_reader(i);
        }
    return tracker && reader;
}

static int set_sizes(struct programs *p, const struct programs_config *config)
{
    uint32_t counters = counters_per_half(config);
    const struct {
        struct bpf_map *map;
        uint32_t entries;
    } sizes[] = {
        {find_map(p, MAP_INNER_0), counters},
        {find_map(p, MAP_INNER_1), counters},
        {find_map(p, MAP_ACCOUNTS), 2 * config->slots},
        {find_map(p, MAP_SLOTS), 2 * config->slots},
        {find_map(p, MAP_CONN_STATS), config->records ? config->records : 1},
    };

    for (size_t i = 0; i < array_length(sizes); i++) {
        int r = bpf_map__set_max_entries(sizes[i].map, sizes[i].entries);

        if (r < 0)
            return r;
    }
    p->skel->rodata->ledger_slots = config->slots;
    p->skel->rodata->ledger_cpus = config->cpus;
    p->skel->rodata->connections_limit = records_connections(config->wanted) ? config->connections : 0;
    p->skel->rodata->truth_enabled = config->truth;
    /* Since 5.15; asked for only where it is there, because the verifier refuses the call elsewhere. */
    p->skel->rodata->conn_uid_netns =
        libbpf_probe_bpf_helper(BPF_PROG_TYPE_SOCK_OPS, BPF_FUNC_get_netns_cookie, NULL) == 1;
    return 0;
}

static int choose_programs(struct programs *p, uint32_t wanted)
{
    struct bpf_program *program;
    int r = 0;

    bpf_object__for_each_program(program, p->skel->obj) if (r == 0) r = bpf_program__set_autoload(program, false);
    for (unsigned i = 0; i < PROGRAMS && r == 0; i++)
        if (wanted & 1u << i)
            r = bpf_program__set_autoload(find_program(p, i), true);
    return r;
}

static int reuse_maps(struct programs *p, const struct programs_config *config)
{
    for (unsigned map = 0; map < MAPS; map++) {
        int r = config->reuse_fd[map] < 0 ? 0 : bpf_map__reuse_fd(find_map(p, map), config->reuse_fd[map]);

        if (r < 0)
            return r;
    }
    return 0;
}

static int explain(int error, char **ret_why)
{
    if (asprintf(ret_why, "%s", last_warning[0] ? last_warning : strerror(-error)) < 0)
        *ret_why = NULL;
    return error;
}

int programs_load(const struct programs_config *config, struct programs **ret_programs, char **ret_why)
{
    struct programs *p = calloc(1, sizeof(*p));
    int r;

    if (!p)
        return -ENOMEM;
    last_warning[0] = '\0';
    libbpf_set_print(keep_warning);
    p->template_fd = -1;
    p->skel = pdtt_bpf__open();
    r = p->skel ? set_sizes(p, config) : -errno;
    if (r == 0 && config->reuse_fd[MAP_OUTER] < 0)
        r = set_inner_template(p, config);
    if (r == 0)
        r = choose_programs(p, config->wanted);
    if (r == 0)
        r = reuse_maps(p, config);
    if (r == 0)
        r = pdtt_bpf__load(p->skel);
    p->template_fd = close_fd(p->template_fd);
    if (r < 0) {
        programs_free(p);
        return explain(r, ret_why);
    }
    *ret_programs = p;
    return 0;
}

struct programs *programs_free(struct programs *p)
{
    if (!p)
        return NULL;
    pdtt_bpf__destroy(p->skel);
    close_fd(p->template_fd);
    free(p);
    return NULL;
}

int programs_probe(unsigned program, char **ret_why)
{
    struct programs_config config = {.slots = 2, .cpus = libbpf_num_possible_cpus(), .wanted = 1u << program};
    struct programs *p;
    int r;

    memset(config.reuse_fd, -1, sizeof(config.reuse_fd));
    r = programs_load(&config, &p, ret_why);
    if (r == 0)
        programs_free(p);
    return r;
}

int programs_map_fd(const struct programs *p, enum map_id map)
{
    return bpf_map__fd(find_map(p, map));
}

int programs_fd(const struct programs *p, unsigned program)
{
    return bpf_program__fd(find_program(p, program));
}

static int keep_link_fd(struct bpf_link *link)
{
    int fd = link ? fcntl(bpf_link__fd(link), F_DUPFD_CLOEXEC, 3) : -1;
    int r = fd < 0 ? -errno : fd;

    bpf_link__destroy(link);
    return r;
}

int programs_attach(const struct programs *p, unsigned program, int cgroup_fd)
{
    struct bpf_program *prog = find_program(p, program);
    union bpf_iter_link_info target = {.map.map_fd = programs_map_fd(p, MAP_SOCK_OWNER)};
    LIBBPF_OPTS(bpf_iter_attach_opts, of_owners, .link_info = &target, .link_info_len = sizeof(target));

    if (program_rows[program].kind == PROGRAM_CGROUP)
        return keep_link_fd(bpf_program__attach_cgroup(prog, cgroup_fd));
    if (program_rows[program].kind == PROGRAM_OWNER_READER)
        return keep_link_fd(bpf_program__attach_iter(prog, &of_owners));
    if (program_rows[program].kind == PROGRAM_FILE_READER)
        return keep_link_fd(bpf_program__attach_iter(prog, NULL));
    return keep_link_fd(bpf_program__attach(prog));
}

int programs_run_iterator(const struct programs *p, unsigned program)
{
    cleanup_close int link = keep_link_fd(bpf_program__attach_iter(find_program(p, program), NULL));
    cleanup_close int iterator = link < 0 ? link : bpf_iter_create(link);
    char ignored[64];
    ssize_t n;

    if (iterator < 0)
        return link < 0 ? link : -errno;
    do
        n = read(iterator, ignored, sizeof(ignored));
    while (n > 0 || (n < 0 && errno == EAGAIN));
    return n < 0 ? -errno : 0;
}
