#include "bench/flood.h"

#include "bench/sample.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

enum { BATCH = 64, WARM_CHUNKS = 8, BLOCK = 65536, PORT = 9 /* discard */ };
enum { HEADERS = 20 + 8, PAYLOAD = FLOOD_PACKET_BYTES - HEADERS };

struct ends {
    int senders[FLOOD_USERS_MAX], receiver; /* of datagrams */
    int client, server;                     /* of a connection */
    unsigned users, turn;
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

static int set_port(const struct flood *flood, struct sockaddr_in *ret_to)
{
    *ret_to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(PORT)};
    return inet_pton(AF_INET, flood->server_address, &ret_to->sin_addr) == 1 ? 0 : -EINVAL;
}

/* A socket of one type in a namespace, and what it has to be joined to before it can be used. */
static int open_socket(const char *namespace, int type, int *ret_fd)
{
    int r = enter_namespace(namespace);

    if (r < 0)
        return r;
    *ret_fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    return *ret_fd < 0 ? -errno : 0;
}

/* Accounts are of the real uid that makes a call; the saved one is the way back. */
static int become_user(const struct ends *ends, unsigned turn)
{
    uid_t uid = FLOOD_FIRST_UID + turn;

    return ends->users > 1 && setresuid(uid, uid, 0) < 0 ? -errno : 0;
}

static int become_root(const struct ends *ends)
{
    return ends->users > 1 && setresuid(0, 0, 0) < 0 ? -errno : 0;
}

static int open_sender(const struct sockaddr_in *to, int *ret_fd)
{
    *ret_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return *ret_fd < 0 || connect(*ret_fd, (const struct sockaddr *)to, sizeof(*to)) < 0 ? -errno : 0;
}

static int open_datagrams(const struct flood *flood, struct ends *ends)
{
    struct sockaddr_in to, any = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    int r = set_port(flood, &to);

    if (r == 0)
        r = open_socket(flood->server_ns, SOCK_DGRAM, &ends->receiver);
    if (r == 0 && bind(ends->receiver, (struct sockaddr *)&any, sizeof(any)) < 0)
        r = -errno;
    if (r == 0)
        r = enter_namespace(flood->client_ns);
    ends->users = flood->users ? flood->users : 1;
    for (unsigned i = 0; i < ends->users && r == 0; i++) {
        r = become_user(ends, i);
        if (r == 0)
            r = open_sender(&to, &ends->senders[i]);
        if (r == 0)
            r = become_root(ends);
    }
    return r;
}

static int open_connection(const struct flood *flood, struct ends *ends)
{
    struct sockaddr_in to, any = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    cleanup_close int listener = -1;
    int on = 1, r = set_port(flood, &to);

    if (r == 0)
        r = open_socket(flood->server_ns, SOCK_STREAM, &listener);
    if (r == 0 && (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
                   bind(listener, (struct sockaddr *)&any, sizeof(any)) < 0 || listen(listener, 1) < 0))
        r = -errno;
    if (r == 0)
        r = open_socket(flood->client_ns, SOCK_STREAM, &ends->client);
    if (r < 0)
        return r;
    if (connect(ends->client, (struct sockaddr *)&to, sizeof(to)) < 0 ||
        setsockopt(ends->client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
        return -errno;
    ends->server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (ends->server < 0 || setsockopt(ends->server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
        return -errno;
    return 0;
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

/* ---- steps ---- */

static int send_datagrams(struct ends *ends, bool receives)
{
    int r = become_user(ends, ends->turn), sent;

    if (r < 0)
        return r;
    sent = sendmmsg(ends->senders[ends->turn], ends->out, BATCH, 0);
    if (sent != BATCH)
        return sent < 0 ? -errno : -EIO;
    ends->turn = (ends->turn + 1) % ends->users;
    r = become_root(ends);
    if (r < 0)
        return r;
    if (receives && recvmmsg(ends->receiver, ends->in, BATCH, MSG_DONTWAIT, NULL) != BATCH)
        return -EIO; /* delivery is part of sending, so nothing can still be on its way */
    return 0;
}

static int ask_and_answer(struct ends *ends, bool receives)
{
    char byte = 0;

    for (int i = 0; i < BATCH; i++)
        if (send(ends->client, &byte, 1, 0) != 1 || recv(ends->server, &byte, 1, 0) != 1 ||
            send(ends->server, &byte, 1, 0) != 1 || recv(ends->client, &byte, 1, 0) != 1)
            return -EIO;
    return 0;
}

/* As much as there is room for is sent, and as much as has come is taken, until the step's bytes have come. */
static int send_block(struct ends *ends)
{
    static char out[BLOCK], in[BLOCK];
    size_t sent = 0, taken = 0;

    while (taken < BLOCK) {
        ssize_t n = sent < BLOCK ? send(ends->client, out, BLOCK - sent, MSG_DONTWAIT) : 0;

        if (n < 0 && errno != EAGAIN)
            return -errno;
        sent += n > 0 ? (size_t)n : 0;
        n = recv(ends->server, in, BLOCK, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            return n < 0 ? -errno : -EPIPE;
        taken += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int send_blocks(struct ends *ends, bool receives)
{
    int r = 0;

    for (int i = 0; i < BATCH && r == 0; i++)
        r = send_block(ends);
    return r;
}

/* Bulk takes many times as long a step, so a chunk has fewer of them. */
static const struct work_row {
    const char *word;
    int (*open)(const struct flood *flood, struct ends *ends);
    int (*batch)(struct ends *ends, bool receives); /* BATCH steps */
    unsigned chunk_batches;
} work_rows[FLOOD_WORKS] = {
    [FLOOD_DATAGRAMS] = {"datagrams", open_datagrams, send_datagrams, 32},
    [FLOOD_REQUESTS] = {"requests", open_connection, ask_and_answer, 8},
    [FLOOD_BULK] = {"bulk", open_connection, send_blocks, 1},
};

static int64_t monotonic_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

const char *flood_work_word(enum flood_work work)
{
    return work_rows[work].word;
}

static int run_chunk(const struct work_row *work, struct ends *ends, bool receives, double *ret_ns_per_step)
{
    int64_t start = monotonic_ns();
    int r = 0;

    for (unsigned i = 0; i < work->chunk_batches && r == 0; i++)
        r = work->batch(ends, receives);
    *ret_ns_per_step = (double)(monotonic_ns() - start) / (work->chunk_batches * BATCH);
    return r;
}

static int measure(const struct flood *flood, struct flood_result *ret_result)
{
    const struct work_row *work = &work_rows[flood->work];
    unsigned chunk = work->chunk_batches * BATCH, chunks = (flood->packets + chunk - 1) / chunk;
    cleanup_free double *ns = calloc(chunks + WARM_CHUNKS, sizeof(*ns));
    cleanup_free struct ends *ends = calloc(1, sizeof(*ends));
    int r = ns && ends ? enter_cgroup(flood->cgroup) : -ENOMEM;

    if (r == 0)
        r = take_cpu(flood->cpu);
    if (r == 0)
        r = work->open(flood, ends);
    if (r < 0)
        return r;
    prepare_messages(ends);
    for (unsigned i = 0; i < chunks + WARM_CHUNKS && r == 0; i++)
        r = run_chunk(work, ends, flood->receives, &ns[i]);
    if (r < 0)
        return r;
    ret_result->ns_per_packet = sample_quantile(ns + WARM_CHUNKS, chunks, 0.25);
    ret_result->packets = (chunks + WARM_CHUNKS) * chunk;
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
