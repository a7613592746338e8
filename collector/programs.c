#include "collector/programs.h"

#include "bpf/pdtt_abi.h"
#include "bpf/pdtt_policy.h"
#include "collector/object.h"
#include "collector/refusal.h"
#include "collector/tiers.h"
#include "common/cleanup.h"

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

#define TRACEPOINT  TIER_BIT(TIER_TRACEPOINT)
#define FENTRY      (TIER_BIT(TIER_TRAMPOLINE) | TIER_BIT(TIER_NOTES))
#define KPROBE      TIER_BIT(TIER_KPROBE)
#define TRAMPOLINES "BPF trampolines (fentry and fexit)"
#define KPROBES     "kprobes (CONFIG_KPROBE_EVENTS)"
#define SENDPAGE    "function inet_sendpage (before Linux 6.5)"

const struct program_row program_rows[PROGRAMS] = {
    {"cgroup_skb_ingress", LAYER_CGROUP, PROGRAM_CGROUP, false, 0, NULL},
    {"cgroup_skb_egress", LAYER_CGROUP, PROGRAM_CGROUP, false, 0, NULL},
    {"sock_create_tracker", LAYER_SOCKET, PROGRAM_CGROUP, false, 0, NULL},
    {"sock_release", LAYER_SOCKET, PROGRAM_CGROUP, false, 0, NULL},
    {"connect4", LAYER_SOCKET, PROGRAM_CGROUP, false, 0, NULL},
    {"connect6", LAYER_SOCKET, PROGRAM_CGROUP, false, 0, NULL},
    {"sendmsg4", LAYER_SOCKET, PROGRAM_CGROUP, false, 0, NULL},
    {"sendmsg6", LAYER_SOCKET, PROGRAM_CGROUP, false, 0, NULL},
    {"sock_send_length", LAYER_SYSCALL, PROGRAM_TRACING, false, TRACEPOINT, "tracepoint sock_send_length (Linux 6.3)"},
    {"sock_recv_length", LAYER_SYSCALL, PROGRAM_TRACING, false, TRACEPOINT, "tracepoint sock_recv_length (Linux 6.3)"},
    {"tcp_sendmsg_locked", LAYER_SYSCALL, PROGRAM_TRACING, true, TRACEPOINT,
     "tracepoint tcp_sendmsg_locked (Linux 6.16)"},
    {"tcp_rcv_space_adjust", LAYER_SYSCALL, PROGRAM_TRACING, true, TRACEPOINT, "tracepoint tcp_rcv_space_adjust"},
    {"enter_inet_sendmsg", LAYER_SYSCALL, PROGRAM_TRACING, false, FENTRY, TRAMPOLINES},
    {"enter_inet6_sendmsg", LAYER_SYSCALL, PROGRAM_TRACING, false, FENTRY, TRAMPOLINES},
    {"exit_inet_sendmsg", LAYER_SYSCALL, PROGRAM_TRACING, false, FENTRY, TRAMPOLINES},
    {"exit_inet6_sendmsg", LAYER_SYSCALL, PROGRAM_TRACING, false, FENTRY, TRAMPOLINES},
    {"exit_inet_recvmsg", LAYER_SYSCALL, PROGRAM_TRACING, false, FENTRY, TRAMPOLINES},
    {"exit_inet6_recvmsg", LAYER_SYSCALL, PROGRAM_TRACING, false, FENTRY, TRAMPOLINES},
    {"enter_inet_sendpage", LAYER_SYSCALL, PROGRAM_TRACING, true, FENTRY, SENDPAGE},
    {"exit_inet_sendpage", LAYER_SYSCALL, PROGRAM_TRACING, true, FENTRY, SENDPAGE},
    {"exit_tcp_splice_read", LAYER_SYSCALL, PROGRAM_TRACING, true, FENTRY, TRAMPOLINES},
    {"kprobe_tcp_sendmsg", LAYER_SYSCALL, PROGRAM_KPROBE, false, KPROBE, KPROBES},
    {"kprobe_tcp_cleanup_rbuf", LAYER_SYSCALL, PROGRAM_KPROBE, false, KPROBE, KPROBES},
    {"kprobe_udp_sendmsg", LAYER_SYSCALL, PROGRAM_KPROBE, false, KPROBE, KPROBES},
    {"kprobe_udp_recvmsg", LAYER_SYSCALL, PROGRAM_KPROBE, false, KPROBE, KPROBES},
    {"kprobe_udpv6_sendmsg", LAYER_SYSCALL, PROGRAM_KPROBE, true, KPROBE, KPROBES},
    {"kprobe_udpv6_recvmsg", LAYER_SYSCALL, PROGRAM_KPROBE, true, KPROBE, KPROBES},
    {"adopt_sockets", LAYER_ADOPT, PROGRAM_ITERATOR, false, 0, "bpf_sock_from_file in iterators (Linux 5.11)"},
    {"sweep_sockets", LAYER_ADOPT, PROGRAM_ITERATOR, true, 0, "the iterator task_file (Linux 5.8)"},
    {"sockops_tracker", LAYER_SOCKOPS, PROGRAM_CGROUP, false, 0, NULL},
    {"live_connections", LAYER_SOCKOPS, PROGRAM_OWNER_READER, true, 0, "the iterator bpf_sk_storage_map"},
    {"live_by_file", LAYER_SOCKOPS, PROGRAM_FILE_READER, true, 0, "bpf_sock_from_file in iterators (Linux 5.11)"},
    {"pace_connections", LAYER_SOCKOPS, PROGRAM_PACER, true, 0, "bpf_setsockopt in the iterator tcp (Linux 5.15)"},
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
    [MAP_SOCK_USER] = {"sock_user", true},
    [MAP_POLICY_PACING] = {"policy_pacing", true}, /* whatever there is room for: sockets get back what they had */
    [MAP_POLICY_SETS] = {"policy_sets", true},
    [MAP_POLICY_ROWS] = {"policy_rows", true},
    [MAP_POLICY_VECTORS] = {"policy_vectors", true},
    [MAP_POLICY_WORDS] = {"policy_words", true},
    [MAP_POLICY_PORTS] = {"policy_ports", true},
    [MAP_POLICY_NETWORKS] = {"policy_networks", true},
    [MAP_POLICY_VALUES] = {"policy_values", true},
    [MAP_POLICY_MAP] = {"policy_map", true},
    [MAP_POLICY_BUCKETS] = {"policy_buckets", true},
    [MAP_POLICY_STATS] = {"stats_map", true},
    [MAP_POLICY_DECISION] = {"policy_decision", true},
    [MAP_POLICY_TELLING] = {"policy_telling", true},
    [MAP_POLICY_EVENTS] = {"ring_buffer", true},
    [MAP_LAYOUT] = {"layout", false},
};

struct programs {
    struct bpf_object *object;
    int template_fd;
};

bool programs_is_reader(unsigned program)
{
    return program_rows[program].kind == PROGRAM_FILE_READER || program_rows[program].kind == PROGRAM_OWNER_READER;
}

uint64_t programs_build(void)
{
    return object_build();
}

unsigned programs_find(const char *name)
{
    unsigned program = 0;

    while (program < PROGRAMS - 1 && strcmp(program_rows[program].name, name) != 0)
        program++;
    return program;
}

static struct bpf_map *find_map(const struct programs *p, enum map_id map)
{
    return bpf_object__find_map_by_name(p->object, map_rows[map].name);
}

static struct bpf_program *find_program(const struct programs *p, unsigned program)
{
    return bpf_object__find_program_by_name(p->object, program_rows[program].name);
}

static uint32_t counters_per_half(const struct programs_config *config)
{
    return PDTT_LEDGER_ELEMENTS(config->cpus, config->slots);
}

enum { TEMPLATE_KEY = 1, TEMPLATE_VALUE = 2 }; /* ids in template_types() */

/* Types for the template alone. Linux 5.15 to 6.1 take a map with types for another kind of map than one without. */
static struct btf *template_types(void)
{
    struct btf *btf = btf__new_empty();

    if (btf && btf__add_int(btf, "unsigned int", sizeof(uint32_t), 0) == TEMPLATE_KEY &&
        btf__add_struct(btf, "pdtt_counters", sizeof(struct pdtt_counters)) == TEMPLATE_VALUE &&
        btf__load_into_kernel(btf) == 0)
        return btf;
    btf__free(btf);
    return NULL;
}

/*
 * What the outer map accepts as an inner map. Given as a map because bpf_map__set_max_entries() on the template that
 * bpf_map__inner_map() returns crashes in libbpf 1.1 (it has no object). libbpf does not take the descriptor.
 */
static int set_inner_template(struct programs *p, const struct programs_config *config)
{
    struct btf *types = template_types();
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
    int r;

    if (!types)
        return -ENOMEM;
    options.btf_fd = btf__fd(types);
    options.btf_key_type_id = TEMPLATE_KEY;
    options.btf_value_type_id = TEMPLATE_VALUE;
    p->template_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "ledger_template", sizeof(uint32_t),
                                    sizeof(struct pdtt_counters), counters_per_half(config), &options);
    r = p->template_fd < 0 ? -errno : bpf_map__set_inner_map_fd(find_map(p, MAP_OUTER), p->template_fd);
    btf__free(types);
    return r;
}

bool programs_know_netns(void)
{
    return libbpf_probe_bpf_helper(BPF_PROG_TYPE_SOCK_OPS, BPF_FUNC_get_netns_cookie, NULL) == 1;
}

/* Nobody would read the records without a reader, and their room would run out. */
static bool records_connections(program_set wanted)
{
    bool tracker = false, reader = false;

    for (unsigned i = 0; i < PROGRAMS; i++)
        if (program_rows[i].layer == LAYER_SOCKOPS && wanted & program_bit(i)) {
            tracker |= !program_rows[i].optional;
            reader |= programs_is_reader(i);
        }
    return tracker && reader;
}

uint32_t programs_policies_room(uint32_t policies)
{
    return (policies + PDTT_POLICY_WORD - 1) / PDTT_POLICY_WORD * PDTT_POLICY_WORD;
}

static int set_sizes(struct programs *p, const struct programs_config *config)
{
    uint32_t counters = counters_per_half(config), policies = config->policies;
    const struct {
        struct bpf_map *map;
        uint32_t entries;
    } sizes[] = {
        {find_map(p, MAP_INNER_0), counters},
        {find_map(p, MAP_INNER_1), counters},
        {find_map(p, MAP_ACCOUNTS), 2 * config->slots},
        {find_map(p, MAP_SLOTS), 2 * config->slots},
        {find_map(p, MAP_CONN_STATS), config->records ? config->records : 1},
        {find_map(p, MAP_SOCK_USER), config->notes ? PROGRAMS_NOTES : 1},
        {find_map(p, MAP_POLICY_ROWS), policies ? 2 * policies / PDTT_POLICY_WORD : 1},
        {find_map(p, MAP_POLICY_VECTORS), policies ? 2 * PDTT_POLICY_VECTORS(policies) : 1},
        {find_map(p, MAP_POLICY_WORDS), policies ? 2 * PDTT_POLICY_POOL(policies) : 1},
        {find_map(p, MAP_POLICY_PORTS), policies ? 4 * PDTT_POLICY_PORTS : 1},
        {find_map(p, MAP_POLICY_NETWORKS), policies ? PDTT_POLICY_NETS(policies) : 1},
        {find_map(p, MAP_POLICY_VALUES), policies ? PDTT_POLICY_KEYS(policies) : 1},
        {find_map(p, MAP_POLICY_MAP), policies ? 2 * policies : 1},
        {find_map(p, MAP_POLICY_BUCKETS), PDTT_POLICY_IDS(policies)},
        {find_map(p, MAP_POLICY_STATS), PDTT_POLICY_IDS(policies)},
        {find_map(p, MAP_POLICY_EVENTS), policies ? PDTT_POLICY_RING : (uint32_t)sysconf(_SC_PAGESIZE)},
    };

    for (size_t i = 0; i < array_length(sizes); i++) {
        int r = bpf_map__set_max_entries(sizes[i].map, sizes[i].entries);

        if (r < 0)
            return r;
    }
    return 0;
}

static int set_constants(struct programs *p, const struct programs_config *config)
{
    const struct object_settings settings = {
        .ledger_slots = config->slots,
        .ledger_cpus = config->cpus,
        .connections_limit = records_connections(config->wanted) ? config->connections : 0,
        .slot_error = config->slot_error,
        .truth_enabled = config->truth,
        .notes_enabled = config->notes,
        .conn_uid_netns = programs_know_netns(),
        .policies_limit = config->policies,
    };

    return object_set(p->object, &settings);
}

static int listen_to_verifier(struct bpf_program *program, const struct programs_log *log)
{
    int r = bpf_program__set_log_level(program, log->level);

    return r < 0 ? r : bpf_program__set_log_buf(program, log->text, log->room);
}

static int choose_programs(struct programs *p, const struct programs_config *config)
{
    struct bpf_program *program;
    int r = 0;

    bpf_object__for_each_program(program, p->object) if (r == 0) r = bpf_program__set_autoload(program, false);
    for (unsigned i = 0; i < PROGRAMS && r == 0; i++)
        if (config->wanted & program_bit(i)) {
            r = bpf_program__set_autoload(find_program(p, i), true);
            if (r == 0 && config->log)
                r = listen_to_verifier(find_program(p, i), config->log);
        }
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

int programs_load(const struct programs_config *config, struct programs **ret_programs, char **ret_why)
{
    struct programs *p = calloc(1, sizeof(*p));
    int r;

    if (!p)
        return -ENOMEM;
    refusal_listen();
    p->template_fd = -1;
    r = object_open(&p->object);
    if (r == 0)
        r = set_sizes(p, config);
    if (r == 0)
        r = set_constants(p, config);
    if (r == 0 && config->reuse_fd[MAP_OUTER] < 0)
        r = set_inner_template(p, config);
    if (r == 0)
        r = choose_programs(p, config);
    if (r == 0)
        r = reuse_maps(p, config);
    if (r == 0)
        r = bpf_object__load(p->object);
    p->template_fd = close_fd(p->template_fd);
    if (r < 0) {
        programs_free(p);
        return refusal_explain(r, ret_why);
    }
    *ret_programs = p;
    return 0;
}

struct programs *programs_free(struct programs *p)
{
    if (!p)
        return NULL;
    bpf_object__close(p->object);
    close_fd(p->template_fd);
    free(p);
    return NULL;
}

/* A trampoline may be loaded and yet not attached: on arm64 the kernel takes the one and refuses the other. */
static int try_attaching(const struct programs *p, unsigned program, char **ret_why)
{
    struct bpf_link *link;
    int r;

    if (!(program_rows[program].tiers & (FENTRY | KPROBE)))
        return 0;
    refusal_listen();
    link = bpf_program__attach(find_program(p, program));
    r = link ? 0 : -errno;
    bpf_link__destroy(link);
    return r < 0 ? refusal_explain(r, ret_why) : 0;
}

int programs_probe(unsigned program, bool notes, char **ret_why)
{
    return programs_explain(program, notes, 0, NULL, ret_why);
}

int programs_explain(unsigned program, bool notes, uint32_t policies, const struct programs_log *log, char **ret_why)
{
    struct programs_config config = {.slots = 2,
                                     .cpus = libbpf_num_possible_cpus(),
                                     .policies = policies,
                                     .notes = notes,
                                     .wanted = program_bit(program),
                                     .log = log};
    cleanup_free char *reason = NULL;
    struct programs *p;
    int r = notes && program_rows[program].kind == PROGRAM_TRACING ? refusal_unsafe_trampolines(&reason) : 0;

    memset(config.reuse_fd, -1, sizeof(config.reuse_fd));
    if (r == 0)
        r = programs_load(&config, &p, &reason);
    if (r == 0) {
        r = try_attaching(p, program, &reason);
        programs_free(p);
    }
    if (r < 0)
        refusal_name(program_rows[program].hook, r, reason, ret_why);
    return r;
}

static bool takes_policies(unsigned program)
{
    struct programs_config config = {
        .slots = 2, .cpus = libbpf_num_possible_cpus(), .policies = PDTT_POLICY_WORD, .wanted = program_bit(program)};
    cleanup_free char *why = NULL;
    struct programs *p;

    memset(config.reuse_fd, -1, sizeof(config.reuse_fd));
    if (programs_load(&config, &p, &why) < 0)
        return false;
    programs_free(p);
    return true;
}

/* 6.2 is known to, and the old form not to, which would only be found out after a million steps. */
bool programs_take_policies(void)
{
    static int known = -1;

    if (known < 0)
        known = object_form() == OBJECT_FULL ||
                (object_form() != OBJECT_OLD && takes_policies(programs_find("cgroup_skb_ingress")) &&
                 takes_policies(programs_find("cgroup_skb_egress")));
    return known;
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

/* libbpf disables a kprobe's event when it destroys the link, also if another descriptor holds it: disconnected before. */
static int keep_kprobe_fd(struct bpf_link *link)
{
    int fd = link ? bpf_link__fd(link) : -errno;

    if (link)
        bpf_link__disconnect(link);
    bpf_link__destroy(link);
    return fd;
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
    if (program_rows[program].kind == PROGRAM_FILE_READER || program_rows[program].kind == PROGRAM_PACER)
        return keep_link_fd(bpf_program__attach_iter(prog, NULL));
    if (program_rows[program].kind == PROGRAM_KPROBE)
        return keep_kprobe_fd(bpf_program__attach(prog));
    return keep_link_fd(bpf_program__attach(prog));
}

int programs_attach_iterator(const struct programs *p, unsigned program)
{
    return keep_link_fd(bpf_program__attach_iter(find_program(p, program), NULL));
}

int programs_run_iterator(int link)
{
    cleanup_close int iterator = bpf_iter_create(link);
    char ignored[64];
    ssize_t n;

    if (iterator < 0)
        return -errno;
    do
        n = read(iterator, ignored, sizeof(ignored));
    while (n > 0 || (n < 0 && errno == EAGAIN));
    return n < 0 ? -errno : 0;
}
