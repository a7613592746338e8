/* Frames past IP: AF_PACKET in both forms, and the sniffer that is no receiver. */
#include "tests/support/traffic.h"

#include "common/cleanup.h"

#include <arpa/inet.h>
#include <err.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <string.h>

#define FRAME_MAX     9000
#define EXPERIMENTAL  0x88b5 /* IEEE 802: for local experiments; no stack takes it in */
#define BROADCAST_MAC "\xff\xff\xff\xff\xff\xff"

static int packet_socket(const char *device, int type, int protocol, struct sockaddr_ll *ret_address)
{
    int fd = socket(AF_PACKET, type | SOCK_CLOEXEC, 0); /* receives nothing until it is bound */

    if (fd < 0)
        err(EXIT_FAILURE, "AF_PACKET");
    *ret_address = (struct sockaddr_ll){.sll_family = AF_PACKET,
                                        .sll_protocol = htons((uint16_t)protocol),
                                        .sll_ifindex = (int)if_nametoindex(device),
                                        .sll_halen = ETH_ALEN};
    memcpy(ret_address->sll_addr, BROADCAST_MAC, ETH_ALEN);
    return fd;
}

/* SIZE is without the Ethernet header, which the raw form hands over as well: bound to the device, or naming it each time. */
void run_packet_source(char **arguments)
{
    static unsigned char frame[FRAME_MAX] = BROADCAST_MAC "\x02\0\0\0\0\1\x88\xb5";
    uint64_t count = number_of(arguments[1]), size = number_of(arguments[2]);
    const char *how = argument_or(arguments, 3, "raw");
    int raw = strcmp(how, "cooked") != 0;
    struct sockaddr_ll to;
    cleanup_close int fd = packet_socket(arguments[0], raw ? SOCK_RAW : SOCK_DGRAM, EXPERIMENTAL, &to);
    size_t length = size + (raw ? ETH_HLEN : 0);

    if (length > FRAME_MAX)
        errx(EXIT_FAILURE, "a frame has at most %d bytes", FRAME_MAX);
    if (!strcmp(how, "bound") && bind(fd, (const struct sockaddr *)&to, sizeof(to)))
        err(EXIT_FAILURE, "bind");
    for (uint64_t i = 0; i < count; i++)
        if (sendto(fd, frame, length, 0, (const struct sockaddr *)&to, sizeof(to)) != (ssize_t)length)
            err(EXIT_FAILURE, "sendto");
    report_moved(count * length);
}

/* Copies of all that passes the device, until nothing has come for IDLE_MS. */
void run_packet_sniff(char **arguments)
{
    static unsigned char frame[65536];
    struct sockaddr_ll at;
    cleanup_close int fd = packet_socket(arguments[0], SOCK_RAW, ETH_P_ALL, &at);
    uint64_t total = 0;

    if (bind(fd, (const struct sockaddr *)&at, sizeof(at)))
        err(EXIT_FAILURE, "bind");
    if (puts("ready") < 0 || fflush(stdout))
        err(EXIT_FAILURE, "stdout");
    for (int started = 0; readable_within(fd, started ? number_of(arguments[1]) : 60000); started = 1) {
        ssize_t n = recv(fd, frame, sizeof(frame), 0);
        if (n < 0)
            err(EXIT_FAILURE, "recv");
        total += (uint64_t)n;
    }
    report_moved(total);
}
