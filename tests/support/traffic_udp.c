/* Datagrams: UDP, ping by ICMP sockets and by raw ones, and a protocol that has no name. */
#include "tests/support/traffic.h"

#include "common/cleanup.h"

#include <arpa/inet.h>
#include <err.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>

#define DATAGRAM_MAX  65507
#define RECEIVE_BYTES (8 << 20)
#define ANSWER_MS     2000
#define BURST         16

int bind_ready(const struct endpoint *local)
{
    int fd = socket_to(local, SOCK_DGRAM, 0), size = RECEIVE_BYTES;

    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)); /* without the privilege the default has to do */
    if (bind(fd, (const struct sockaddr *)&local->address, local->length))
        err(EXIT_FAILURE, "bind");
    if (puts("ready") < 0 || fflush(stdout))
        err(EXIT_FAILURE, "stdout");
    return fd;
}

int readable_within(int fd, uint64_t ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int n = poll(&p, 1, (int)ms);

    if (n < 0)
        err(EXIT_FAILURE, "poll");
    return n;
}

/* The idle time starts with the first datagram: the test decides when that comes. */
static uint64_t receive_until_idle(int fd, uint64_t idle_ms, int echo)
{
    static char datagram[DATAGRAM_MAX];
    uint64_t total = 0;

    for (int started = 0; readable_within(fd, started ? idle_ms : 60000); started = 1) {
        struct endpoint from = {.length = sizeof(from.address)};
        ssize_t n = recvfrom(fd, datagram, sizeof(datagram), 0, (struct sockaddr *)&from.address, &from.length);
        if (n < 0)
            err(EXIT_FAILURE, "recvfrom");
        total += (uint64_t)n;
        if (echo && sendto(fd, datagram, (size_t)n, 0, (struct sockaddr *)&from.address, from.length) < 0)
            err(EXIT_FAILURE, "sendto");
    }
    return total;
}

void run_udp_sink(char **arguments)
{
    struct endpoint local = endpoint_of(arguments[0], arguments[1]);
    cleanup_close int fd = bind_ready(&local);
    int on = 1;

    if (!strcmp(argument_or(arguments, 3, "plain"), "gro") && setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on)))
        err(EXIT_FAILURE, "UDP_GRO");
    report_moved(receive_until_idle(fd, number_of(arguments[2]), 0));
}

void run_udp_echo(char **arguments)
{
    struct endpoint local = endpoint_of(arguments[0], arguments[1]);
    cleanup_close int fd = bind_ready(&local);

    report_moved(receive_until_idle(fd, number_of(arguments[2]), 1));
}

static uint64_t size_of_datagram(const char *text)
{
    uint64_t size = number_of(text);

    if (size > DATAGRAM_MAX)
        errx(EXIT_FAILURE, "a datagram has at most %d bytes, not %s", DATAGRAM_MAX, text);
    return size;
}

void run_udp_source(char **arguments)
{
    static const char datagram[DATAGRAM_MAX];
    struct endpoint remote = endpoint_of(arguments[0], arguments[1]);
    uint64_t count = number_of(arguments[2]), size = size_of_datagram(arguments[3]);
    int connected = !strcmp(argument_or(arguments, 4, "unconnected"), "connected");
    int segment = (int)number_of(argument_or(arguments, 5, "0"));
    cleanup_close int fd = socket_to(&remote, SOCK_DGRAM, 0);
    const struct sockaddr *to = connected ? NULL : (const struct sockaddr *)&remote.address;

    if (segment && setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)))
        err(EXIT_FAILURE, "UDP_SEGMENT");
    if (connected && connect(fd, (const struct sockaddr *)&remote.address, remote.length))
        err(EXIT_FAILURE, "connect");
    for (uint64_t i = 0; i < count; i++) {
        if (sendto(fd, datagram, size, 0, to, to ? remote.length : 0) != (ssize_t)size)
            err(EXIT_FAILURE, "sendto");
        if (i % BURST == BURST - 1)
            usleep(1000); /* a veth has no queue that would slow a sender down */
    }
    report_moved(count * size);
}

/* One at a time, each answered, so that both sides have to have sent and received all of it. */
static uint64_t ask(int fd, const struct endpoint *remote, char *datagram, uint64_t size, uint64_t count)
{
    static char answer[DATAGRAM_MAX];

    if (connect(fd, (const struct sockaddr *)&remote->address, remote->length))
        err(EXIT_FAILURE, "connect");
    for (uint64_t i = 0; i < count; i++) {
        if (send(fd, datagram, size, 0) != (ssize_t)size)
            err(EXIT_FAILURE, "send");
        if (!readable_within(fd, ANSWER_MS))
            errx(EXIT_FAILURE, "no answer to datagram %lu", (unsigned long)i);
        if (recv(fd, answer, sizeof(answer), 0) < 0)
            err(EXIT_FAILURE, "recv");
    }
    return count * size;
}

void run_udp_ask(char **arguments)
{
    static char datagram[DATAGRAM_MAX];
    struct endpoint remote = endpoint_of(arguments[0], arguments[1]);
    cleanup_close int fd = socket_to(&remote, SOCK_DGRAM, 0);

    report_moved(ask(fd, &remote, datagram, size_of_datagram(arguments[3]), number_of(arguments[2])));
}

/* RFC 1071 */
static uint16_t internet_checksum(const char *data, size_t size)
{
    uint32_t sum = 0;
    uint16_t word;

    for (; size > 1; size -= 2, data += 2) {
        memcpy(&word, data, 2);
        sum += word;
    }
    if (size) {
        word = 0;
        memcpy(&word, data, 1);
        sum += word;
    }
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* SIZE is what ping(8) calls it: the data after the 8 bytes of the ICMP header. */
static void ping_by(char **arguments, int type)
{
    static char message[DATAGRAM_MAX];
    struct endpoint remote = endpoint_of(arguments[0], "0");
    int ipv6 = remote.address.ss_family == AF_INET6;
    uint64_t size = size_of_datagram(arguments[2]) + sizeof(struct icmphdr);
    cleanup_close int fd = socket_to(&remote, type, ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
    struct icmphdr *header = (struct icmphdr *)message;

    if (size > DATAGRAM_MAX)
        errx(EXIT_FAILURE, "%s bytes of data are too many", arguments[2]);
    header->type = ipv6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
    header->un.echo.id = htons((uint16_t)getpid());
    if (!ipv6)
        header->checksum = internet_checksum(message, size); /* of IPv6 the kernel fills it in */
    report_moved(ask(fd, &remote, message, size, number_of(arguments[1])));
}

void run_ping(char **arguments)
{
    ping_by(arguments, SOCK_DGRAM);
}

void run_raw_ping(char **arguments)
{
    ping_by(arguments, SOCK_RAW);
}

void run_raw_source(char **arguments)
{
    static const char datagram[DATAGRAM_MAX];
    struct endpoint remote = endpoint_of(arguments[0], "0");
    uint64_t count = number_of(arguments[2]), size = size_of_datagram(arguments[3]);
    cleanup_close int fd = socket_to(&remote, SOCK_RAW, (int)number_of(arguments[1]));

    for (uint64_t i = 0; i < count; i++)
        if (sendto(fd, datagram, size, 0, (struct sockaddr *)&remote.address, remote.length) != (ssize_t)size)
            err(EXIT_FAILURE, "sendto");
    report_moved(count * size);
}
