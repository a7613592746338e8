/*
 * A line that takes time: what arrives on one device leaves by the other so many milliseconds later, both ways. For kernels
 * without netem. Frames are of the link's size, so offloads must be off at both ends. Sustains several hundred Mbit/s.
 */
#include "common/cleanup.h"

#include <err.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { FRAMES = 16384, FRAME_MAX = 1600, BUFFER = 16 << 20 };

struct frame {
    uint64_t due_ns;
    uint32_t length;
    char bytes[FRAME_MAX];
};

/* One direction: a queue in a ring. */
struct way {
    int from, to;
    uint64_t first, next;
    struct frame *frames;
};

static volatile sig_atomic_t ended;

static void on_end(int number)
{
    ended = 1;
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int open_device(const char *name)
{
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex(name)};
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1, size = BUFFER;

    if (fd < 0 || !address.sll_ifindex)
        err(EXIT_FAILURE, "%s", name);
    if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) ||
        setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
        setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)))
        err(EXIT_FAILURE, "%s", name);
    return fd;
}

static void take_in(struct way *w, uint64_t delay_ns)
{
    while (w->next - w->first < FRAMES) {
        struct frame *f = &w->frames[w->next % FRAMES];
        ssize_t n = recv(w->from, f->bytes, sizeof(f->bytes), MSG_TRUNC);

        if (n < 0)
            return;
        if ((size_t)n > sizeof(f->bytes))
            errx(EXIT_FAILURE, "a frame of %zd bytes: an offload is on", n);
        f->length = (uint32_t)n;
        f->due_ns = now_ns() + delay_ns;
        w->next++;
    }
}

/* When the next frame is due, or UINT64_MAX. */
static uint64_t let_out(struct way *w)
{
    while (w->first != w->next) {
        struct frame *f = &w->frames[w->first % FRAMES];

        if (f->due_ns > now_ns())
            return f->due_ns;
        (void)!send(w->to, f->bytes, f->length, 0); /* a device that is down loses it, as a line would */
        w->first++;
    }
    return UINT64_MAX;
}

static void run(struct way *ways, uint64_t delay_ns)
{
    struct pollfd polled[2] = {{.fd = ways[0].from, .events = POLLIN}, {.fd = ways[1].from, .events = POLLIN}};

    while (!ended) {
        uint64_t due = UINT64_MAX, now;
        struct timespec wait = {.tv_sec = 1};

        for (int i = 0; i < 2; i++) {
            uint64_t next;

            take_in(&ways[i], delay_ns);
            next = let_out(&ways[i]);
            due = next < due ? next : due;
        }
        now = now_ns();
        if (due != UINT64_MAX)
            wait = (struct timespec){.tv_nsec = due > now ? (long)(due - now) : 0};
        if (ppoll(polled, 2, &wait, NULL) < 0 && errno != EINTR)
            err(EXIT_FAILURE, "ppoll");
    }
}

static void tell_lost(int fd)
{
    struct tpacket_stats stats;
    socklen_t size = sizeof(stats);

    if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0)
        printf("frames %u lost %u\n", stats.tp_packets, stats.tp_drops);
}

int main(int argc, char **argv)
{
    struct way ways[2];

    if (argc != 4 || atoi(argv[3]) >= 1000)
        errx(2, "usage: delay_line DEVICE DEVICE MILLISECONDS");
    signal(SIGTERM, on_end);
    for (int i = 0; i < 2; i++)
        ways[i] = (struct way){.from = open_device(argv[1 + i]), .frames = calloc(FRAMES, sizeof(struct frame))};
    if (!ways[0].frames || !ways[1].frames)
        err(EXIT_FAILURE, "memory");
    ways[0].to = ways[1].from;
    ways[1].to = ways[0].from;
    (void)sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1}); /* a line waits for nobody */
    puts("ready");
    fflush(stdout);
    run(ways, (uint64_t)atoi(argv[3]) * 1000000);
    tell_lost(ways[0].from);
    tell_lost(ways[1].from);
    return 0;
}
