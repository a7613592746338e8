#include "bench/cases.h"

#include "bench/pdttd.h"
#include "common/cleanup.h"
#include "common/log.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>

/* The same object twice: the kind of hash is a flag of the map, set before load. */
struct variant_objects {
    struct bpf_object *preallocated, *growing;
};

/* ---- pairs of programs from variants.bpf.c ---- */

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
    return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

/* The outer map takes what looks like the map it is given here; libbpf does not keep the descriptor. */
static int set_hash_flags(struct bpf_object *object, __u32 flags, int *ret_template_fd)
{
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = flags);
    struct bpf_map *outer = bpf_object__find_map_by_name(object, "hash_stats_map");
    struct bpf_map *first = bpf_object__find_map_by_name(object, "hash_0");
    int r = outer && first ? bpf_map__set_map_flags(first, flags) : -EPROTO;

    if (r < 0)
        return r;
    *ret_template_fd = bpf_map_create(bpf_map__type(first), "hash_template", bpf_map__key_size(first),
                                      bpf_map__value_size(first), bpf_map__max_entries(first), &options);
    return *ret_template_fd < 0 ? -errno : bpf_map__set_inner_map_fd(outer, *ret_template_fd);
}

static int load_variants(const char *path, __u32 hash_flags, struct bpf_object **ret_object)
{
    struct bpf_object *object = bpf_object__open_file(path, NULL);
    cleanup_close int template_fd = -1;
    int r;

    if (!object)
        return -errno;
    r = set_hash_flags(object, hash_flags, &template_fd);
    if (r == 0)
        r = bpf_object__load(object);
    if (r < 0) {
        bpf_object__close(object);
        return r;
    }
    *ret_object = object;
    return 0;
}

static int attach_program(struct lab *lab, struct bpf_object *object, const char *pair, int egress)
{
    enum bpf_attach_type type = egress ? BPF_CGROUP_INET_EGRESS : BPF_CGROUP_INET_INGRESS;
    struct bpf_program *program;
    char name[64];

    snprintf(name, sizeof(name), "%s_%s", pair, egress ? "egress" : "ingress");
    program = bpf_object__find_program_by_name(object, name);
    if (!program)
        return -ENOENT;
    lab->link_fd[egress] = bpf_link_create(bpf_program__fd(program), lab->cgroup_fd, type, NULL);
    return lab->link_fd[egress] < 0 ? -errno : 0;
}

static int attach_pair(struct lab *lab, struct bpf_object *object, const char *pair)
{
    int r = attach_program(lab, object, pair, 0);

    return r < 0 ? r : attach_program(lab, object, pair, 1);
}

static int begin_pair(struct lab *lab, const struct bench_case *c)
{
    return attach_pair(lab, lab->objects->preallocated, c->argument);
}

static int begin_growing_pair(struct lab *lab, const struct bench_case *c)
{
    return attach_pair(lab, lab->objects->growing, c->argument);
}

static int end_pair(struct lab *lab, const struct bench_case *c)
{
    for (int i = 0; i < 2; i++)
        lab->link_fd[i] = close_fd(lab->link_fd[i]);
    return 0;
}

/* ---- pdttd on one of the configurations ---- */

static void pdttd_paths(const struct lab *lab, const struct bench_case *c, char ret_config[static PATH_MAX],
                        char ret_log[static PATH_MAX])
{
    snprintf(ret_config, PATH_MAX, "%s/%s.conf", lab->work_dir, c->argument);
    snprintf(ret_log, PATH_MAX, "%s/pdttd.log", lab->work_dir);
}

static int begin_pdttd(struct lab *lab, const struct bench_case *c)
{
    char config[PATH_MAX], log[PATH_MAX];

    pdttd_paths(lab, c, config, log);
    return pdttd_start(lab->pdttd, config, log, &lab->pid);
}

static int end_pdttd(struct lab *lab, const struct bench_case *c)
{
    char config[PATH_MAX], log[PATH_MAX];
    pid_t pid = lab->pid;

    pdttd_paths(lab, c, config, log);
    lab->pid = 0;
    return pid ? pdttd_stop(lab->pdttd, config, log, pid) : 0;
}

/* ---- nftables in the sender's namespace ---- */

/* A set that grows by itself: the way to count any number of users. */
#define NFT_ADD                                                                                                        \
    "add table inet bench\n"                                                                                           \
    "add set inet bench users { typeof meta skuid; size 65536; flags dynamic; counter; }\n"                            \
    "add chain inet bench out { type filter hook output priority 0; }\n"                                               \
    "add rule inet bench out add @users { meta skuid }\n"
#define NFT_DELETE "delete table inet bench\n"

static void run_nft(const char *namespace, const char *commands)
{
    int ns = open(namespace, O_RDONLY | O_CLOEXEC);

    if (ns >= 0 && setns(ns, CLONE_NEWNET) == 0)
        execlp("nft", "nft", commands, (char *)NULL);
    _exit(127);
}

static int nft(const struct lab *lab, const char *commands)
{
    pid_t pid = fork();
    int status;

    if (pid == 0)
        run_nft(lab->flood.client_ns, commands);
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        return -errno;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

static int begin_nft(struct lab *lab, const struct bench_case *c)
{
    return nft(lab, NFT_ADD);
}

/* One rule for each user: what an administrator writes who knows no sets. A packet passes the rules up to its user's. */
static int begin_nft_linear(struct lab *lab, const struct bench_case *c)
{
    unsigned users = (unsigned)strtoul(c->argument, NULL, 10);
    cleanup_free char *commands = NULL;
    size_t size;
    FILE *out = open_memstream(&commands, &size);

    if (!out)
        return -ENOMEM;
    fputs("add table inet bench\nadd chain inet bench out { type filter hook output priority 0; }\n", out);
    for (unsigned i = 0; i < users; i++)
        fprintf(out, "add rule inet bench out meta skuid %u counter\n", FLOOD_FIRST_UID + i);
    if (fclose(out) != 0)
        return -ENOMEM;
    return nft(lab, commands);
}

static int end_nft(struct lab *lab, const struct bench_case *c)
{
    return nft(lab, NFT_DELETE);
}

/* ---- the table ---- */

static int nothing(struct lab *lab, const struct bench_case *c)
{
    return 0;
}

const struct bench_case cases[CASES] = {
    [CASE_NOTHING] = {"nothing", "nothing attached", nothing, nothing, NULL, false, CASE_NOTHING, 0, 0},
    [CASE_EMPTY] = {"empty", "an empty pair of programs", begin_pair, end_pair, "empty", false, CASE_NOTHING, 1, 0},
    [CASE_PDTT_PACKET] = {"pdtt_packet", "PDTT, packet and socket layers", begin_pdttd, end_pdttd, "packet", false,
                          CASE_NOTHING, 1, 0},
    [CASE_HASH] = {"hash", "the same on a preallocated per-CPU hash", begin_pair, end_pair, "hash", false, CASE_NOTHING,
                   1, 0},
    [CASE_HASH_GROWING] = {"hash_growing", "the same on a growing per-CPU hash", begin_growing_pair, end_pair, "hash",
                           false, CASE_NOTHING, 1, 0},
    [CASE_NFTABLES] = {"nftables", "nftables, per uid, one direction only", begin_nft, end_nft, NULL, false,
                       CASE_NOTHING, 0, 0},
    [CASE_NFTABLES_10] = {"nftables_10", "nftables, a rule for each of 10 users", begin_nft_linear, end_nft, "10",
                          false, CASE_NOTHING, 0, 0},
    [CASE_NFTABLES_1000] = {"nftables_1000", "nftables, a rule for each of 1,000 users", begin_nft_linear, end_nft,
                            "1000", false, CASE_NOTHING, 0, 0, .thinner = 16},
    [CASE_IP_ACCOUNTING] = {"ip_accounting", "two counters for a cgroup, as systemd's IPAccounting", begin_pair,
                            end_pair, "ip_accounting", false, CASE_NOTHING, 1, 0},
    [CASE_PDTT_CLASSES] = {"pdtt_classes", "PDTT, the same with its built-in classes", begin_pdttd, end_pdttd,
                           "classes", false, CASE_NOTHING, 1, 0},
    [CASE_PDTT_CONNECTIONS] = {"pdtt_connections", "PDTT, the same with records of connections", begin_pdttd, end_pdttd,
                               "connections", false, CASE_NOTHING, 1, 0},
    [CASE_PDTT] = {"pdtt", "PDTT, all layers, one call per packet sent", begin_pdttd, end_pdttd, "full", false,
                   CASE_NOTHING, 1, 1},
    [CASE_NOTHING_RECEIVING] = {"nothing_receiving", "nothing attached, process receives", nothing, nothing, NULL, true,
                                CASE_NOTHING_RECEIVING, 0, 0},
    [CASE_PDTT_RECEIVING] = {"pdtt_receiving", "PDTT, all layers, one call per packet sent and one received",
                             begin_pdttd, end_pdttd, "full", true, CASE_NOTHING_RECEIVING, 1, 1},
};

int lab_open(struct lab *lab)
{
    int r;

    lab->link_fd[0] = lab->link_fd[1] = -1;
    libbpf_set_print(silent);
    lab->cgroup_fd = open(lab->flood.cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lab->cgroup_fd < 0) {
        log_error("cannot open the cgroup %s: %s", lab->flood.cgroup, strerror(errno));
        return -errno;
    }
    lab->objects = calloc(1, sizeof(*lab->objects));
    r = lab->objects ? load_variants(lab->variants, 0, &lab->objects->preallocated) : -ENOMEM;
    if (r == 0)
        r = load_variants(lab->variants, BPF_F_NO_PREALLOC, &lab->objects->growing);
    if (r < 0)
        log_error("cannot load the programs of %s: %s; are you root?", lab->variants, strerror(-r));
    return r;
}

void lab_close(struct lab *lab)
{
    if (lab->objects) {
        bpf_object__close(lab->objects->preallocated);
        bpf_object__close(lab->objects->growing);
    }
    free(lab->objects);
    close_fd(lab->cgroup_fd);
}

int case_begin(struct lab *lab, const struct bench_case *c)
{
    int r = c->begin(lab, c);

    if (r < 0)
        log_error("cannot begin '%s': %s", c->label, strerror(-r));
    return r;
}

int case_end(struct lab *lab, const struct bench_case *c)
{
    int r = c->end(lab, c);

    if (r < 0)
        log_error("cannot end '%s': %s", c->label, strerror(-r));
    return r;
}
