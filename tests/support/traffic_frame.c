/* A frame made by hand, through AF_PACKET: what no socket of the internet families would send. */
#include "tests/support/traffic.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <err.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#define MOST 4096

static unsigned digit_of(char c)
{
    if (!isxdigit((unsigned char)c))
        errx(EXIT_FAILURE, "'%c' is no hexadecimal digit", c);
    return isdigit((unsigned char)c) ? (unsigned)(c - '0') : (unsigned)(tolower((unsigned char)c) - 'a' + 10);
}

void run_frame(char **arguments)
{
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(arguments[0])};
    const char *hex = arguments[1];
    size_t n = strlen(hex) / 2;
    unsigned char frame[MOST];
    int fd = socket(AF_PACKET, SOCK_RAW, 0);

    if (n < 14 || n > MOST || strlen(hex) % 2)
        errx(EXIT_FAILURE, "a frame has 14 to %d bytes", MOST);
    for (size_t i = 0; i < n; i++)
        frame[i] = (unsigned char)(digit_of(hex[2 * i]) << 4 | digit_of(hex[2 * i + 1]));
    if (fd < 0 || !to.sll_ifindex || sendto(fd, frame, n, 0, (struct sockaddr *)&to, sizeof(to)) != (ssize_t)n)
        err(EXIT_FAILURE, "cannot send a frame on %s", arguments[0]);
    report_moved(n);
}
