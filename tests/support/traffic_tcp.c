#include "tests/support/traffic.h"

#include "common/cleanup.h"

#include <err.h>
#include <fcntl.h>
#include <time.h>

#define CHUNK_BYTES 65536

int tcp_connect(const struct endpoint *remote)
{
    int fd = socket_to(remote, SOCK_STREAM, 0);

    if (connect(fd, (const struct sockaddr *)&remote->address, remote->length))
        err(EXIT_FAILURE, "connect");
    return fd;
}

void tcp_listen_ready(const struct endpoint *local, int *ret_listener)
{
    int fd = socket_to(local, SOCK_STREAM, 0), on = 1;

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
    if (n < 0)
        err(EXIT_FAILURE, "recv");
    return total;
}

static void wait_ms(uint64_t ms)
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
static void end_politely(int fd)
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

    for (uint64_t i = 0; i < connections; i++) {
        cleanup_close int fd = tcp_connect(&remote);
        send_bytes(fd, bytes);
    }
    report_moved(connections * bytes);
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
    cleanup_close int fd = tcp_connect(&remote);
    char line[32];

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
