/*
 * What a packet takes with policies in force, in the kernel's own test run: a datagram that the last of them allows, looked for
 * anew each time, which is what unconnected traffic and the first packet of a connection cost. With 0 policies it is the ledger
 * alone. Then one that a policy drops: told of, no more than counted because others were told just before, or neither.
 */
#include "bench/command.h"
#include "bench/filling.h"
#include "bench/sample.h"
#include "collector/kernel_internal.h"
#include "collector/policy_kernel.h"
#include "common/cleanup.h"
#include "common/log.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <jansson.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

enum { ROOM = 16384, REPEAT = 200000, ROUNDS_MAX = 51, ETHERNET = 14, FRAME = ETHERNET + 64 };
enum { DROPPED, PASSES };

static const unsigned counts[] = {0, 1, 10, 100, 1000, 10000};

struct command {
    const char *json;
    unsigned rounds;
};

COMMAND_TEXT(json, json)
COMMAND_NUMBER(rounds, rounds, 1, ROUNDS_MAX)

#define USAGE "policy_cost [--rounds N] [--json FILE]\nWhat a packet takes with policies in force. Root."

static const struct option_row rows[] = {
    {"rounds", 0, "N", "how often each test run is repeated (9)", NULL, set_rounds},
    {"json", 0, "FILE", "where the figures go", NULL, set_json},
    COMMAND_HELP,
};

/* ---- policies: four kinds that each agree with the packet in something, and one that it matches ---- */

static int find_user(const char *name, uint32_t *ret_uid, void *userdata)
{
    *ret_uid = (uint32_t)atoi(name);
    return 0;
}

/* The device of a test run is lo. */
static int find_class(const char *name, uint32_t *ret_class, void *userdata)
{
    *ret_class = PDTT_CLASS_LOOPBACK;
    return 0;
}

static const struct policy_names names = {.user = find_user, .class_id = find_class};

static void make_policy(struct policy *p, unsigned i, bool last)
{
    static char user[] = "4711", class_name[] = "loopback";

    *p = (struct policy){
        .remote_ports = {0, 65535}, .local_ports = {0, 65535}, .protocol = -1, .class_name = class_name};
    snprintf(p->name, sizeof(p->name), "p%u", i);
    if (last)
        return;
    p->action = POLICY_BLOCK;
    p->remote = (struct policy_network){AF_INET, 32, {172, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
    switch (i % 4) {
    case 0: /* another host */
        break;
    case 1: /* this network, another port */
        p->remote = (struct policy_network){AF_INET, 16, {10, 99}};
        p->remote_ports = (struct policy_ports){(uint16_t)(1000 + i), (uint16_t)(1000 + i)};
        break;
    case 2: /* this port, another user and host */
        p->remote_ports = (struct policy_ports){9, 9};
        p->user = user;
        break;
    default: /* this protocol, another host and direction */
        p->protocol = IPPROTO_UDP;
        p->direction = POLICY_OUT;
    }
}

static int put_in_force(struct policies *policies, unsigned n)
{
    cleanup_free struct policy *list = calloc(n + 1, sizeof(*list));

    if (!list)
        return -ENOMEM;
    for (unsigned i = 0; i < n; i++)
        make_policy(&list[i], i, i == n - 1);
    return policies_apply(policies, list, n, &names, NULL);
}

/* ---- test runs ---- */

static int run_once(int fd, int repeat, unsigned verdict, double *ret_ns)
{
    static const unsigned char headers[] = {0x45, 0, 0,  64, 0, 0, 0,    0, 64, IPPROTO_UDP, 0, 0,  10, 99,
                                            0,    1, 10, 99, 0, 2, 0x80, 0, 0,  9,           0, 44, 0,  0};
    unsigned char frame[FRAME] = {[12] = 8}; /* ETH_P_IP */
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame), .repeat = repeat);

    memcpy(frame + ETHERNET, headers, sizeof(headers));
    if (bpf_prog_test_run_opts(fd, &options) < 0)
        return -errno;
    *ret_ns = options.duration;
    return options.retval == verdict ? 0 : -EBADMSG;
}

static int measure(struct policies *policies, int fd, const struct command *command, json_t *list)
{
    double ns[array_length(counts)][ROUNDS_MAX];
    int r = 0;

    for (unsigned round = 0; round < command->rounds; round++)
        for (unsigned i = 0; i < array_length(counts) && r == 0; i++) {
            r = put_in_force(policies, counts[i]);
            if (r == 0)
                r = run_once(fd, REPEAT, PASSES, &ns[i][round]); /* the last policy lets it through */
        }
    for (unsigned i = 0; i < array_length(counts) && r == 0; i++) {
        struct spread s = sample_spread(ns[i], command->rounds);

        printf("%6u policies %7.1f ns a packet (quartiles %.1f %.1f)\n", counts[i], s.median, s.low, s.high);
        json_array_append_new(list, json_pack("{s:i, s:f, s:f, s:f}", "policies", (int)counts[i], "median", s.median,
                                              "low", s.low, "high", s.high));
    }
    return r;
}

/* ---- what telling costs ---- */

enum { TELL_REPEAT = 400 }; /* the ring has room for as many */

static const struct telling {
    const char *name;
    unsigned rate;
    int repeat;
} tellings[] = {
    {"dropped, nothing told", 0, REPEAT},
    {"dropped, above the rate", 1, REPEAT},
    {"dropped, told", 1000000000, TELL_REPEAT},
};

static int ignore(void *userdata, void *data, size_t size)
{
    return 0;
}

static int block_all(struct policies *policies)
{
    struct policy p;

    make_policy(&p, 0, true);
    p.action = POLICY_BLOCK;
    return policies_apply(policies, &p, 1, &names, NULL);
}

static int measure_told(struct policies *policies, int fd, const struct command *command, json_t *list)
{
    struct ring_buffer *ring = ring_buffer__new(policies_ring_fd(policies), ignore, NULL, NULL);
    double ns[array_length(tellings)][ROUNDS_MAX];
    int r = ring ? block_all(policies) : -errno;

    for (unsigned round = 0; round < command->rounds; round++)
        for (unsigned i = 0; i < array_length(tellings) && r == 0; i++) {
            r = policies_tell(policies, tellings[i].rate);
            if (r == 0)
                r = run_once(fd, tellings[i].repeat, DROPPED, &ns[i][round]);
            ring_buffer__consume(ring);
        }
    for (unsigned i = 0; i < array_length(tellings) && r == 0; i++) {
        struct spread s = sample_spread(ns[i], command->rounds);

        printf("%-24s %7.1f ns a packet (quartiles %.1f %.1f)\n", tellings[i].name, s.median, s.low, s.high);
        json_array_append_new(list, json_pack("{s:s, s:f, s:f, s:f}", "telling", tellings[i].name, "median", s.median,
                                              "low", s.low, "high", s.high));
    }
    ring_buffer__free(ring);
    return r;
}

static int measure_all(struct policies *policies, int fd, const struct command *command, json_t *list)
{
    int r = measure(policies, fd, command, list);

    return r < 0 ? r : measure_told(policies, fd, command, list);
}

static int run(const struct command *command)
{
    cleanup_free char *why = NULL;
    struct kernel kernel = {.policies = ROOM};
    struct policies *policies = NULL;
    struct filling *filling = NULL;
    json_t *list = json_array();
    int r = filling_open(1024, ROOM, &filling, &why);

    mapset_clear(&kernel.maps);
    if (r == 0)
        r = mapset_take(&kernel.maps, filling_programs(filling));
    if (r == 0)
        r = policies_open(&kernel, filling_ledger(filling), &policies);
    if (r == 0)
        r = measure_all(policies, filling_program_fd(filling, "cgroup_skb_ingress"), command, list);
    if (r < 0)
        log_error("%s; are you root?", why ? why : strerror(-r));
    else if (command->json && json_dump_file(list, command->json, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) < 0)
        r = -EIO;
    policies_close(policies);
    mapset_close(&kernel.maps);
    filling_close(filling);
    json_decref(list);
    return r;
}

int main(int argc, char **argv)
{
    struct command command = {.rounds = 9};

    log_init("policy_cost");
    command_read(rows, array_length(rows), argc, argv, USAGE, &command);
    return run(&command) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
