/*
 * What each program is to the kernel: instructions after the verifier has rewritten it, instructions that the verifier went
 * through, bytes of machine code; and what one packet takes in the kernel's own test run. None of it is attached, so neither
 * other work on the machine nor its network changes the counts.
 */
#include "bench/command.h"
#include "bench/filling.h"
#include "bench/sample.h"
#include "collector/interface_programs.h"
#include "collector/programs.h"
#include "common/cleanup.h"
#include "common/log.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <jansson.h>
#include <string.h>

/* The same on every host, because the verifier folds these into the programs. */
enum { SLOTS = 16384, CPUS = 2, CONNECTIONS = 65536 };
enum { REPEAT = 200000, ROUNDS_MAX = 51, ETHERNET = 14, FRAME = ETHERNET + 64, PROTOCOL_UDP = 17 };

struct command {
    const char *variants, *json;
    unsigned rounds;
};

/* ---- options ---- */

COMMAND_TEXT(variants, variants)
COMMAND_TEXT(json, json)
COMMAND_NUMBER(rounds, rounds, 0, ROUNDS_MAX)

#define USAGE                                                                                                          \
    "program_counts --json FILE [--variants FILE] [--rounds N]\nInstructions of each program, and what a packet "      \
    "takes in a test run. Root."

static const struct option_row rows[] = {
    {"variants", 0, "FILE", "object file with the programs to compare with", NULL, set_variants},
    {"rounds", 0, "N", "how often each test run is repeated (9); 0: only count", NULL, set_rounds},
    {"json", 0, "FILE", "where the figures go", NULL, set_json},
    COMMAND_HELP,
};

/* ---- instructions ---- */

static int add_counts(json_t *list, const char *name, const char *layer, int fd)
{
    struct bpf_prog_info info = {};
    uint32_t size = sizeof(info);

    if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
        return -errno;
    return json_array_append_new(list, json_pack("{s:s, s:s, s:i, s:i, s:i}", "name", name, "layer", layer, "xlated",
                                                 (int)(info.xlated_prog_len / 8), "verified", (int)info.verified_insns,
                                                 "machine_bytes", (int)info.jited_prog_len)) < 0
               ? -ENOMEM
               : 0;
}

/* Each alone first: one that this kernel refuses must not take the others with it. */
static program_set taken_programs(json_t *refused)
{
    program_set wanted = 0;

    for (unsigned i = 0; i < PROGRAMS; i++) {
        cleanup_free char *why = NULL;

        if (programs_probe(i, false, &why) == 0)
            wanted |= program_bit(i);
        else
            json_array_append_new(refused, json_string(program_rows[i].name));
    }
    return wanted;
}

static int count_ledger(json_t *list, json_t *refused)
{
    struct programs_config config = {.slots = SLOTS, .cpus = CPUS, .connections = CONNECTIONS, .records = CONNECTIONS};
    cleanup_free char *why = NULL;
    struct programs *programs = NULL;
    int r;

    config.wanted = taken_programs(refused);
    memset(config.reuse_fd, -1, sizeof(config.reuse_fd));
    r = programs_load(&config, &programs, &why);
    if (r < 0)
        log_error("the programs cannot be loaded: %s; are you root?", why ? why : strerror(-r));
    for (unsigned i = 0; i < PROGRAMS && r == 0; i++)
        if (config.wanted & program_bit(i))
            r = add_counts(list, program_rows[i].name, layer_rows[program_rows[i].layer].name,
                           programs_fd(programs, i));
    programs_free(programs);
    return r;
}

static int count_interface(json_t *list, json_t *refused)
{
    struct interface_programs_config config = {.conn_uid_fd = -1, .stats_fd = -1, .counts_fd = -1, .netns_keys = true};
    cleanup_free char *why = NULL;
    struct interface_programs *programs = NULL;
    int r = interface_programs_load(&config, &programs, &why);

    if (r < 0)
        log_error("the interface layer's programs cannot be loaded: %s", why ? why : strerror(-r));
    for (int i = 0; i < INTERFACE_PROGRAMS && r == 0; i++) {
        int fd = interface_programs_fd(programs, i);

        if (fd < 0)
            json_array_append_new(refused, json_string(interface_program_names[i]));
        else
            r = add_counts(list, interface_program_names[i], "interface", fd);
    }
    interface_programs_free(programs);
    return r;
}

/* ---- test runs ---- */

struct runs {
    const char *name, *label;
    int fd;
    double ns[ROUNDS_MAX];
};

/* A datagram of 64 bytes over IPv4; the kernel gives it a socket of its own and lo as its device. */
static void make_frame(unsigned char frame[static FRAME])
{
    static const unsigned char headers[] = {0x45, 0,  0, 64, 0,    0, 0, 0, 64, PROTOCOL_UDP, 0, 0, 10, 99, 0, 1,
                                            10,   99, 0, 2,  0x80, 0, 0, 9, 0,  44,           0, 0};

    memset(frame, 0, FRAME);
    frame[12] = 8; /* ETH_P_IP */
    memcpy(frame + ETHERNET, headers, sizeof(headers));
}

static int run_once(struct runs *run, double *ret_ns)
{
    unsigned char frame[FRAME];
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame), .repeat = REPEAT);

    make_frame(frame);
    if (bpf_prog_test_run_opts(run->fd, &options) < 0)
        return -errno;
    *ret_ns = options.duration;
    return 0;
}

static json_t *json_of_runs(struct runs *run, unsigned rounds)
{
    struct spread ns = sample_spread(run->ns, rounds);

    printf("%-24s %6.1f ns a run (quartiles %.1f %.1f)\n", run->name, ns.median, ns.low, ns.high);
    return json_pack("{s:s, s:s, s:{s:f, s:f, s:f}}", "name", run->name, "label", run->label, "ns", "median", ns.median,
                     "low", ns.low, "high", ns.high);
}

/* In turns, so that what slows the machine for a while slows them all. */
static int run_all(struct runs *runs, size_t n, unsigned rounds, json_t *list)
{
    for (unsigned round = 0; round < rounds; round++)
        for (size_t i = 0; i < n; i++) {
            int r = run_once(&runs[i], &runs[i].ns[round]);

            if (r < 0) {
                log_error("a test run of %s failed: %s", runs[i].name, strerror(-r));
                return r;
            }
        }
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_of_runs(&runs[i], rounds));
    return 0;
}

static int fd_of(struct bpf_object *object, const char *name)
{
    struct bpf_program *program = bpf_object__find_program_by_name(object, name);

    return program ? bpf_program__fd(program) : -ENOENT;
}

static int test_runs(const struct command *command, struct bpf_object *variants, json_t *list)
{
    cleanup_free char *why = NULL;
    struct filling *filling = NULL;
    int r = filling_open(SLOTS, 0, &filling, &why);

    if (r < 0) {
        log_error("no ledger for the test runs: %s", why ? why : strerror(-r));
        return r;
    }
    struct runs runs[] = {
        {"empty_ingress", "an empty program", fd_of(variants, "empty_ingress"), {0}},
        {"ip_accounting_ingress", "two counters, as IPAccounting", fd_of(variants, "ip_accounting_ingress"), {0}},
        {"cgroup_skb_ingress", "PDTT, received", filling_program_fd(filling, "cgroup_skb_ingress"), {0}},
        {"cgroup_skb_egress", "PDTT, sent", filling_program_fd(filling, "cgroup_skb_egress"), {0}},
    };
    r = run_all(runs, array_length(runs), command->rounds, list);
    filling_close(filling);
    return r;
}

static int run_variants(const struct command *command, json_t *list)
{
    struct bpf_object *variants;
    int r;

    if (!command->rounds || !command->variants)
        return 0;
    variants = bpf_object__open_file(command->variants, NULL);
    r = variants ? bpf_object__load(variants) : -errno;
    if (r < 0)
        log_error("cannot load %s: %s", command->variants, strerror(-r));
    else
        r = test_runs(command, variants, list);
    bpf_object__close(variants);
    return r;
}

/* ---- all ---- */

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
    return 0;
}

static int run(const struct command *command)
{
    json_t *list = json_array(), *refused = json_array(), *runs = json_array(), *all;
    int r = count_ledger(list, refused);

    if (r == 0)
        r = count_interface(list, refused);
    if (r == 0)
        r = run_variants(command, runs);
    all = json_pack("{s:i, s:i, s:i, s:o, s:o, s:o}", "slots", SLOTS, "cpus", CPUS, "repeat", REPEAT, "programs", list,
                    "refused", refused, "runs", runs);
    if (r == 0 && json_dump_file(all, command->json, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) < 0) {
        log_error("cannot write %s", command->json);
        r = -EIO;
    }
    json_decref(all);
    return r;
}

int main(int argc, char **argv)
{
    struct command command = {.rounds = 9};

    log_init("program_counts");
    libbpf_set_print(silent);
    command_read(rows, array_length(rows), argc, argv, USAGE, &command);
    if (!command.json)
        command_incomplete(rows, array_length(rows), USAGE);
    return run(&command) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
