#include "tests/support/traffic.h"

#include "common/cleanup.h"

#include <err.h>
#include <grp.h>
#include <inttypes.h>
#include <netdb.h>
#include <string.h>

struct subcommand {
    const char *name;
    int n_required;
    const char *arguments;
    void (*run)(char **arguments);
};

static const struct subcommand subcommands[] = {
    {"tcp-sink", 2, "ADDRESS PORT [CONNECTIONS [DELAY_MS]]", run_tcp_sink},
    {"tcp-source", 3, "ADDRESS PORT BYTES", run_tcp_source},
    {"tcp-serve", 3, "ADDRESS PORT BYTES", run_tcp_serve},
    {"tcp-fetch", 2, "ADDRESS PORT", run_tcp_fetch},
    {"tcp-churn", 4, "ADDRESS PORT CONNECTIONS BYTES_EACH [hasty|polite]", run_tcp_churn},
    {"close-early", 3, "ADDRESS PORT BYTES", run_close_early},
    {"long-lived", 2, "ADDRESS PORT [MAX_PACING_RATE]    (then on stdin: bytes to send, one number a line, 0 to end)",
     run_long_lived},
    {"udp-sink", 3, "ADDRESS PORT IDLE_MS [plain|gro]", run_udp_sink},
    {"udp-source", 4, "ADDRESS PORT COUNT SIZE [connected|unconnected [SEGMENT_SIZE]]", run_udp_source},
    {"udp-echo", 3, "ADDRESS PORT IDLE_MS", run_udp_echo},
    {"udp-ask", 4, "ADDRESS PORT COUNT SIZE", run_udp_ask},
    {"ping", 3, "ADDRESS COUNT SIZE", run_ping},
    {"raw-ping", 3, "ADDRESS COUNT SIZE", run_raw_ping},
    {"raw-source", 4, "ADDRESS PROTOCOL COUNT SIZE", run_raw_source},
    {"setuid-after-socket", 5, "ADDRESS PORT BYTES UID GID [send|receive|splice]", run_setuid_after_socket},
    {"udp-setuid", 6, "ADDRESS PORT COUNT SIZE UID GID", run_udp_setuid},
    {"queued", 5, "ADDRESS PORT BYTES UID GID    (until the input ends)", run_queued},
    {"fd-pass", 5, "ADDRESS PORT BYTES UID GID [send|receive|splice]", run_fd_pass},
    {"userns", 3, "ADDRESS PORT BYTES", run_userns},
    {"tcp-duplex", 4, "ADDRESS PORT BYTES connect|listen    (as many bytes each way, at once)", run_tcp_duplex},
    {"tcp-drip", 5, "ADDRESS PORT COUNT SIZE PAUSE_MS", run_tcp_drip},
    {"brood", 5, "ADDRESS PORT PROCESSES BYTES_EACH LIFE_MS", run_brood},
    {"sendfile-source", 3, "ADDRESS PORT BYTES", run_sendfile_source},
    {"splice-source", 3, "ADDRESS PORT BYTES", run_splice_source},
    {"splice-fetch", 2, "ADDRESS PORT", run_splice_fetch},
    {"mmsg-source", 4, "ADDRESS PORT COUNT SIZE", run_mmsg_source},
    {"mmsg-sink", 3, "ADDRESS PORT IDLE_MS", run_mmsg_sink},
    {"uring-source", 3, "ADDRESS PORT BYTES [plain|sqpoll]", run_uring_source},
    {"uring-fetch", 2, "ADDRESS PORT [plain|sqpoll]", run_uring_fetch},
    {"packet-source", 3, "DEVICE COUNT SIZE [raw|bound|cooked]", run_packet_source},
    {"packet-sniff", 2, "DEVICE IDLE_MS", run_packet_sniff},
    {"many-uids", 6, "ADDRESS PORT FIRST_UID UIDS COUNT SIZE", run_many_uids},
    {"uid-swarm", 5, "ADDRESS PORT FIRST_UID UIDS SIZE", run_uid_swarm},
    {"frame", 2, "DEVICE HEX    (from the link layer's header on)", run_frame},
};

struct endpoint endpoint_of(const char *address, const char *port)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM}, *found = NULL;
    int error = getaddrinfo(address, port, &hints, &found);
    struct endpoint ret = {.length = 0};

    if (error)
        errx(EXIT_FAILURE, "%s port %s: %s", address, port, gai_strerror(error));
    memcpy(&ret.address, found->ai_addr, found->ai_addrlen);
    ret.length = found->ai_addrlen;
    freeaddrinfo(found);
    return ret;
}

uint64_t number_of(const char *text)
{
    char *end = NULL;
    uint64_t value;

    errno = 0;
    value = strtoumax(text, &end, 10);
    if (errno || end == text || *end)
        errx(EXIT_FAILURE, "'%s' is not a number", text);
    return value;
}

const char *argument_or(char **arguments, int index, const char *otherwise)
{
    for (int i = 0; i <= index; i++)
        if (!arguments[i])
            return otherwise;
    return arguments[index];
}

int socket_to(const struct endpoint *remote, int type, int protocol)
{
    int fd = socket(remote->address.ss_family, type | SOCK_CLOEXEC, protocol);

    if (fd < 0)
        err(EXIT_FAILURE, "socket");
    return fd;
}

void become(uid_t uid, gid_t gid)
{
    if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
        err(EXIT_FAILURE, "cannot become uid %u gid %u", uid, gid);
}

void report_moved(uint64_t bytes)
{
    if (printf("%" PRIu64 "\n", bytes) < 0 || fflush(stdout))
        err(EXIT_FAILURE, "stdout");
}

static int usage(void)
{
    fprintf(stderr, "usage: traffic [via tcp|mptcp|sctp] SUBCOMMAND\n");
    for (size_t i = 0; i < array_length(subcommands); i++)
        fprintf(stderr, "  traffic %s %s\n", subcommands[i].name, subcommands[i].arguments);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    if (argc > 2 && !strcmp(argv[1], "via")) {
        stream_by(argv[2]);
        argc -= 2;
        argv += 2;
    }
    for (size_t i = 0; argc > 1 && i < array_length(subcommands); i++) {
        if (strcmp(argv[1], subcommands[i].name))
            continue;
        if (argc - 2 < subcommands[i].n_required)
            return usage();
        subcommands[i].run(argv + 2);
        return EXIT_SUCCESS;
    }
    return usage();
}
