#include "tests/support/traffic.h"

#include "common/cleanup.h"

#include <err.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#define CHUNK_BYTES 65536

static int stream_protocol = IPPROTO_TCP;

void stream_by(const char *protocol)
{
    static const struct {
        const char *name;
        int number;
    } known[] = {{"tcp", IPPROTO_TCP}, {"mptcp", IPPROTO_MPTCP}, {"sctp", IPPROTO_SCTP}};

    for (size_t i = 0; i < array_length(known); i++) {
        if (strcmp(known[i].name, protocol))
            continue;
        stream_protocol = known[i].number;
        return;
    }
    errx(EXIT_FAILURE, "'%s' is no stream protocol", protocol);
}

static int stream_socket(const struct endpoint *remote)
{
    int fd = socket(remote->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, stream_protocol);

    if (fd < 0 && (errno == EPROTONOSUPPORT || errno == ESOCKTNOSUPPORT)) {
        warn("this kernel");
        exit(EXIT_UNSUPPORTED);
    }
    if (fd < 0)
        err(EXIT_FAILURE, "socket");
    return fd;
}

int tcp_connect(const struct endpoint *remote)
{
    int fd = stream_socket(remote);

    if (connect(fd, (const struct sockaddr *)&remote->address, remote->length))
        err(EXIT_FAILURE, "connect");
    return fd;
}

void tcp_listen_ready(const struct endpoint *local, int *ret_listener)
{
    int fd = stream_socket(local), on = 1;

    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
        bind(fd, (const struct sockaddr *)&local->address, local->length) || listen(fd, 128))
        err(EXIT_FAILURE, "listen");
    if (puts("ready") < 0 || fflush(stdout))
        err(EXIT_FAILURE, "stdout");
    *ret_listener = fd;
}

static int accept_one(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        err(EXIT_FAILURE, "accept");
    return fd;
}

void send_bytes(int fd, uint64_t bytes)
{
    static const char chunk[CHUNK_BYTES];

    while (bytes) {
        ssize_t n = send(fd, chunk, bytes < sizeof(chunk) ? bytes : sizeof(chunk), MSG_NOSIGNAL);
        if (n < 0)
            err(EXIT_FAILURE, "send");
        bytes -= (uint64_t)n;
    }
}

uint64_t receive_to_end(int fd)
{
    static char chunk[CHUNK_BYTES];
    uint64_t total = 0;
    ssize_t n;

    while ((n = recv(fd, chunk, sizeof(chunk), 0)) > 0)
        total += (uint64_t)n;
    /* SCTP knows no half-closed association: once all is acknowledged there is none. */
    if (n < 0 && !(errno == ENOTCONN && stream_protocol == IPPROTO_SCTP))
        err(EXIT_FAILURE, "recv");
    return total;
}

void wait_ms(uint64_t ms)
{
    struct timespec pause = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};

    nanosleep(&pause, NULL);
}

/* One connection after the other; the rest waits in the listen queue. */
void run_tcp_sink(char **arguments)
{
    struct endpoint local = endpoint_of(arguments[0], arguments[1]);
    uint64_t connections = number_of(argument_or(arguments, 2, "1"));
    uint64_t delay_ms = number_of(argument_or(arguments, 3, "0")), total = 0;
    cleanup_close int listener = -1;

    tcp_listen_ready(&local, &listener);
    for (uint64_t i = 0; i < connections; i++) {
        cleanup_close int fd = accept_one(listener);
        wait_ms(delay_ms);
        total += receive_to_end(fd);
    }
    report_moved(total);
}

/*
 * Says that there is no more and waits until the peer has it all. Who just closes leaves a TIME_WAIT behind that late
 * acknowledgements go to: no socket, so no user, and nftables counts them all the same.
 */
void end_politely(int fd)
{
    if (shutdown(fd, SHUT_WR))
        err(EXIT_FAILURE, "shutdown");
    receive_to_end(fd);
}

void run_tcp_source(char **arguments)
{
    struct endpoint remote = endpoint_of(arguments[0], arguments[1]);
    uint64_t bytes = number_of(arguments[2]);
    cleanup_close int fd = tcp_connect(&remote);

    send_bytes(fd, bytes);
    end_politely(fd);
    report_moved(bytes);
}

void run_tcp_serve(char **arguments)
{
    struct endpoint local = endpoint_of(arguments[0], arguments[1]);
    uint64_t bytes = number_of(arguments[2]);
    cleanup_close int listener = -1, fd = -1;

    tcp_listen_ready(&local, &listener);
    fd = accept_one(listener);
    send_bytes(fd, bytes);
    end_politely(fd);
    report_moved(bytes);
}

void run_tcp_fetch(char **arguments)
{
    struct endpoint remote = endpoint_of(arguments[0], arguments[1]);
    cleanup_close int fd = tcp_connect(&remote);

    report_moved(receive_to_end(fd));
}

void run_tcp_churn(char **arguments)
{
    struct endpoint remote = endpoint_of(arguments[0], arguments[1]);
    uint64_t connections = number_of(arguments[2]), bytes = number_of(arguments[3]);
    int polite = !strcmp(argument_or(arguments, 4, "hasty"), "polite");

    for (uint64_t i = 0; i < connections; i++) {
        cleanup_close int fd = tcp_connect(&remote);
        send_bytes(fd, bytes);
        if (polite)
            end_politely(fd);
    }
    report_moved(connections * bytes);
}

/* One process sends, another receives, on the same connection. */
void run_tcp_duplex(char **arguments)
{
    struct endpoint at = endpoint_of(arguments[0], arguments[1]);
    uint64_t bytes = number_of(arguments[2]);
    cleanup_close int listener = -1, fd = -1;
    pid_t child;

    if (!strcmp(arguments[3], "listen")) {
        tcp_listen_ready(&at, &listener);
        fd = accept_one(listener);
    } else {
        fd = tcp_connect(&at);
    }
    child = fork_or_end();
    if (!child) {
        send_bytes(fd, bytes);
        if (shutdown(fd, SHUT_WR))
            err(EXIT_FAILURE, "shutdown");
        exit(EXIT_SUCCESS);
    }
    if (receive_to_end(fd) != bytes)
        errx(EXIT_FAILURE, "the peer sent another number of bytes");
    wait_for_success(child);
    report_moved(bytes);
}

/* Processes that are gone before anyone could look at them: each connects, sends, lives a little. Twenty at a time. */
void run_brood(char **arguments)
{
    struct endpoint remote = endpoint_of(arguments[0], arguments[1]);
    uint64_t n = number_of(arguments[2]), bytes = number_of(arguments[3]), life_ms = number_of(arguments[4]);
    pid_t children[20];

    for (uint64_t begun = 0; begun < n;) {
        uint64_t wave = 0;
        for (; wave < array_length(children) && begun < n; wave++, begun++) {
            children[wave] = fork_or_end();
            if (!children[wave]) {
                int fd = tcp_connect(&remote);
                send_bytes(fd, bytes);
                wait_ms(life_ms);
                end_politely(fd);
                exit(EXIT_SUCCESS);
            }
        }
        for (uint64_t i = 0; i < wave; i++)
            wait_for_success(children[i]);
    }
    report_moved(n * bytes);
}

/* The whole of it must fit in the send buffer (tcp_wmem): most is then sent by the kernel after the process is gone. */
void run_close_early(char **arguments)
{
    struct endpoint remote = endpoint_of(arguments[0], arguments[1]);
    uint64_t bytes = number_of(arguments[2]);
    cleanup_close int fd = tcp_connect(&remote);

    if (fcntl(fd, F_SETFL, O_NONBLOCK)) /* a send that would have to wait fails the test instead */
        err(EXIT_FAILURE, "O_NONBLOCK");
    send_bytes(fd, bytes);
    report_moved(bytes);
}

/*
 * Answers each line with the number of bytes that it sent, so that a test can go in steps. 0 ends it: the end of the input
 * would not come while any other child of the test holds the pipe.
 */
void run_long_lived(char **arguments)
{
    struct endpoint remote = endpoint_of(arguments[0], arguments[1]);
    unsigned rate = (unsigned)number_of(argument_or(arguments, 2, "0"));
    cleanup_close int fd = tcp_connect(&remote);
    char line[32];

    if (rate && setsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, sizeof(rate)))
        err(EXIT_FAILURE, "SO_MAX_PACING_RATE");
    if (puts("up") < 0 || fflush(stdout))
        err(EXIT_FAILURE, "stdout");
    while (fgets(line, sizeof(line), stdin)) {
        uint64_t bytes = strtoull(line, NULL, 10);
        if (!bytes)
            return;
        send_bytes(fd, bytes);
        report_moved(bytes);
    }
}
