/* The ways into and out of a socket beside send() and recv(): files, pipes, batches, rings, slow writers. */
#include "tests/support/traffic.h"

#include "common/cleanup.h"

#include <err.h>
#include <fcntl.h>
#include <liburing.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#define CHUNK_BYTES 65536
#define BATCH       32
#define DATAGRAM    2048
#define RING_DEPTH  8

/* A file of that many bytes in memory. */
static int file_of(uint64_t bytes)
{
    int fd = memfd_create("traffic", MFD_CLOEXEC);

    if (fd < 0 || ftruncate(fd, (off_t)bytes))
        err(EXIT_FAILURE, "memfd");
    return fd;
}

static uint64_t must_move(ssize_t n, const char *call)
{
    if (n < 0)
        err(EXIT_FAILURE, "%s", call);
    return (uint64_t)n;
}

void run_sendfile_source(char **arguments)
{
    struct endpoint remote = endpoint_of(arguments[0], arguments[1]);
    uint64_t bytes = number_of(arguments[2]);
    cleanup_close int file = file_of(bytes), fd = tcp_connect(&remote);

    for (uint64_t sent = 0; sent < bytes;)
        sent += must_move(sendfile(fd, file, NULL, bytes - sent), "sendfile");
    end_politely(fd);
    report_moved(bytes);
}

static void pipe_or_end(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC))
        err(EXIT_FAILURE, "pipe");
}

void run_splice_source(char **arguments)
{
    struct endpoint remote = endpoint_of(arguments[0], arguments[1]);
    uint64_t bytes = number_of(arguments[2]), sent = 0;
    cleanup_close int file = file_of(bytes), fd = tcp_connect(&remote);
    int ends[2];

    pipe_or_end(ends);
    while (sent < bytes) {
        uint64_t n = must_move(splice(file, NULL, ends[1], NULL, CHUNK_BYTES, 0), "splice from a file");
        sent += n;
        while (n)
            n -= must_move(splice(ends[0], NULL, fd, NULL, n, 0), "splice to a socket");
    }
    end_politely(fd);
    report_moved(bytes);
}

uint64_t splice_to_end(int fd)
{
    cleanup_close int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    uint64_t total = 0, n;
    int ends[2];

    pipe_or_end(ends);
    while ((n = must_move(splice(fd, NULL, ends[1], NULL, CHUNK_BYTES, 0), "splice from a socket"))) {
        total += n;
        while (n)
            n -= must_move(splice(ends[0], NULL, null, NULL, n, 0), "splice to /dev/null");
    }
    return total;
}

void run_splice_fetch(char **arguments)
{
    struct endpoint remote = endpoint_of(arguments[0], arguments[1]);
    cleanup_close int fd = tcp_connect(&remote);

    report_moved(splice_to_end(fd));
}

/* ---- batches */

static void fill_batch(struct mmsghdr *batch, struct iovec *parts, char (*datagrams)[DATAGRAM], size_t size)
{
    for (unsigned i = 0; i < BATCH; i++) {
        parts[i] = (struct iovec){.iov_base = datagrams[i], .iov_len = size};
        batch[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[i], .msg_iovlen = 1}};
    }
}

void run_mmsg_source(char **arguments)
{
    static char datagrams[BATCH][DATAGRAM];
    struct endpoint remote = endpoint_of(arguments[0], arguments[1]);
    uint64_t count = number_of(arguments[2]), size = number_of(arguments[3]);
    cleanup_close int fd = socket_to(&remote, SOCK_DGRAM, 0);
    struct mmsghdr batch[BATCH];
    struct iovec parts[BATCH];

    if (size > DATAGRAM || connect(fd, (const struct sockaddr *)&remote.address, remote.length))
        err(EXIT_FAILURE, "connect, or more than %d bytes", DATAGRAM);
    fill_batch(batch, parts, datagrams, size);
    for (uint64_t sent = 0; sent < count; usleep(1000)) {
        uint64_t left = count - sent;
        sent += must_move(sendmmsg(fd, batch, left < BATCH ? (unsigned)left : BATCH, 0), "sendmmsg");
    }
    report_moved(count * size);
}

void run_mmsg_sink(char **arguments)
{
    static char datagrams[BATCH][DATAGRAM];
    struct endpoint local = endpoint_of(arguments[0], arguments[1]);
    cleanup_close int fd = bind_ready(&local);
    struct mmsghdr batch[BATCH];
    struct iovec parts[BATCH];
    uint64_t total = 0;

    fill_batch(batch, parts, datagrams, DATAGRAM);
    for (int started = 0; readable_within(fd, started ? number_of(arguments[2]) : 60000); started = 1) {
        uint64_t n = must_move(recvmmsg(fd, batch, BATCH, MSG_WAITFORONE, NULL), "recvmmsg");
        for (uint64_t i = 0; i < n; i++)
            total += batch[i].msg_len;
    }
    report_moved(total);
}

/* ---- io_uring, also with the kernel's thread that polls the ring ("sqpoll") */

static void ring_open(struct io_uring *ring, const char *how)
{
    struct io_uring_params params = {0};
    int r;

    if (!strcmp(how, "sqpoll")) {
        params.flags = IORING_SETUP_SQPOLL;
        params.sq_thread_idle = 1000;
    }
    r = io_uring_queue_init_params(RING_DEPTH, ring, &params);
    if (r == -EPERM || r == -ENOSYS) {
        warnx("this host has no io_uring: %s", strerror(-r));
        exit(EXIT_UNSUPPORTED);
    }
    if (r < 0)
        errx(EXIT_FAILURE, "io_uring: %s", strerror(-r));
}

/* Submits what was prepared and waits for its result. */
static uint64_t ring_do(struct io_uring *ring, const char *what)
{
    struct io_uring_cqe *done;
    int r = io_uring_submit(ring), result;

    if (r >= 0)
        r = io_uring_wait_cqe(ring, &done);
    if (r < 0)
        errx(EXIT_FAILURE, "io_uring: %s", strerror(-r));
    result = done->res;
    io_uring_cqe_seen(ring, done);
    if (result < 0)
        errx(EXIT_FAILURE, "io_uring %s: %s", what, strerror(-result));
    return (uint64_t)result;
}

void run_uring_source(char **arguments)
{
    static char chunk[CHUNK_BYTES];
    struct endpoint remote = endpoint_of(arguments[0], arguments[1]);
    uint64_t bytes = number_of(arguments[2]), left = bytes;
    cleanup_close int fd = tcp_connect(&remote);
    struct io_uring ring;

    ring_open(&ring, argument_or(arguments, 3, "plain"));
    while (left) {
        io_uring_prep_send(io_uring_get_sqe(&ring), fd, chunk, left < sizeof(chunk) ? left : sizeof(chunk),
                           MSG_NOSIGNAL);
        left -= ring_do(&ring, "send");
    }
    end_politely(fd);
    report_moved(bytes);
    io_uring_queue_exit(&ring);
}

void run_uring_fetch(char **arguments)
{
    static char chunk[CHUNK_BYTES];
    struct endpoint remote = endpoint_of(arguments[0], arguments[1]);
    cleanup_close int fd = tcp_connect(&remote);
    uint64_t total = 0, n;
    struct io_uring ring;

    ring_open(&ring, argument_or(arguments, 2, "plain"));
    do {
        io_uring_prep_recv(io_uring_get_sqe(&ring), fd, chunk, sizeof(chunk), 0);
        n = ring_do(&ring, "recv");
        total += n;
    } while (n);
    report_moved(total);
    io_uring_queue_exit(&ring);
}

/* ---- patience */

void run_tcp_drip(char **arguments)
{
    struct endpoint remote = endpoint_of(arguments[0], arguments[1]);
    uint64_t count = number_of(arguments[2]), size = number_of(arguments[3]), ms = number_of(arguments[4]);
    cleanup_close int fd = tcp_connect(&remote);

    for (uint64_t i = 0; i < count; i++) {
        send_bytes(fd, size);
        wait_ms(ms);
    }
    end_politely(fd);
    report_moved(count * size);
}
