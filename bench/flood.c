#include "bench/flood.h"

#include "bench/sample.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

enum { BATCH = 64, CHUNK_BATCHES = 32, CHUNK = BATCH * CHUNK_BATCHES, WARM_CHUNKS = 8, PORT = 9 /* discard */ };
enum { HEADERS = 20 + 8, PAYLOAD = FLOOD_PACKET_BYTES - HEADERS };

struct ends {
    int sender, receiver;
    struct mmsghdr out[BATCH], in[BATCH];
    struct iovec payload, taken;
    char bytes[PAYLOAD], sink[PAYLOAD];
};

static int enter_cgroup(const char *directory)
{
    cleanup_close int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_close int procs = dir < 0 ? -1 : openat(dir, "cgroup.procs", O_WRONLY | O_CLOEXEC);

    return procs < 0 || write(procs, "0", 1) != 1 ? -errno : 0;
}

static int enter_namespace(const char *path)
{
    cleanup_close int ns = open(path, O_RDONLY | O_CLOEXEC);

    return ns < 0 || setns(ns, CLONE_NEWNET) < 0 ? -errno : 0;
}

/* Alone on its CPU if it may be: a build next door must not take turns with it in the middle of a chunk. */
static int take_cpu(int cpu)
{
    struct sched_param first = {.sched_priority = 1};
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set) < 0)
        return -errno;
    sched_setscheduler(0, SCHED_FIFO, &first);
    return 0;
}

static int open_ends(const struct flood *flood, struct ends *ends)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)}, any = to;
    int r = enter_namespace(flood->server_ns);

    if (r < 0)
        return r;
    ends->receiver = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (ends->receiver < 0 || bind(ends->receiver, (struct sockaddr *)&any, sizeof(any)) < 0)
        return -errno;
    r = enter_namespace(flood->client_ns);
    if (r < 0)
        return r;
    if (inet_pton(AF_INET, flood->server_address, &to.sin_addr) != 1)
        return -EINVAL;
    ends->sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return ends->sender < 0 || connect(ends->sender, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
}

static void prepare_messages(struct ends *ends)
{
    ends->payload = (struct iovec){ends->bytes, sizeof(ends->bytes)};
    ends->taken = (struct iovec){ends->sink, sizeof(ends->sink)};
    for (int i = 0; i < BATCH; i++) {
        ends->out[i].msg_hdr = (struct msghdr){.msg_iov = &ends->payload, .msg_iovlen = 1};
        ends->in[i].msg_hdr = (struct msghdr){.msg_iov = &ends->taken, .msg_iovlen = 1};
    }
}

static int send_batch(struct ends *ends, bool receives)
{
    int sent = sendmmsg(ends->sender, ends->out, BATCH, 0);

    if (sent != BATCH)
        return sent < 0 ? -errno : -EIO;
    if (receives && recvmmsg(ends->receiver, ends->in, BATCH, MSG_DONTWAIT, NULL) != BATCH)
        return -EIO; /* delivery is part of sending, so nothing can still be on its way */
    return 0;
}

static int64_t monotonic_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

static int send_chunk(struct ends *ends, bool receives, double *ret_ns_per_packet)
{
    int64_t start = monotonic_ns();
    int r = 0;

    for (int i = 0; i < CHUNK_BATCHES && r == 0; i++)
        r = send_batch(ends, receives);
    *ret_ns_per_packet = (double)(monotonic_ns() - start) / CHUNK;
    return r;
}

static int measure(const struct flood *flood, struct flood_result *ret_result)
{
    unsigned chunks = (flood->packets + CHUNK - 1) / CHUNK;
    cleanup_free double *ns = calloc(chunks + WARM_CHUNKS, sizeof(*ns));
    struct ends ends = {};
    int r = ns ? enter_cgroup(flood->cgroup) : -ENOMEM;

    if (r == 0)
        r = take_cpu(flood->cpu);
    if (r == 0)
        r = open_ends(flood, &ends);
    prepare_messages(&ends);
    for (unsigned i = 0; i < chunks + WARM_CHUNKS && r == 0; i++)
        r = send_chunk(&ends, flood->receives, &ns[i]);
    if (r < 0)
        return r;
    ret_result->ns_per_packet = sample_quantile(ns + WARM_CHUNKS, chunks, 0.25);
    ret_result->packets = (chunks + WARM_CHUNKS) * CHUNK;
    return 0;
}

static void flood_process(const struct flood *flood, int out)
{
    struct flood_result result;
    int r = measure(flood, &result);

    if (r < 0)
        log_error("the flood failed: %s", strerror(-r));
    else if (write(out, &result, sizeof(result)) != sizeof(result))
        log_error("the flood cannot tell its result: %s", strerror(errno));
}

int flood_run(const struct flood *flood, struct flood_result *ret_result)
{
    struct flood_result result;
    int ends[2];
    ssize_t n;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    pid = fork();
    if (pid == 0) {
        flood_process(flood, ends[1]);
        _exit(0);
    }
    close_fd(ends[1]);
    n = pid < 0 ? -1 : read(ends[0], &result, sizeof(result));
    close_fd(ends[0]);
    if (pid < 0 || waitpid(pid, NULL, 0) < 0)
        return -errno;
    if (n != sizeof(result))
        return -EPIPE;
    *ret_result = result;
    return 0;
}
