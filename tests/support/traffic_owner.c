/* Sockets whose creator is not the one who uses them, and processes that are not who they say they are. */
#include "tests/support/traffic.h"

#include "common/cleanup.h"

#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>

/* What a user does with the socket that was root's: send BYTES, or receive all that there is. */
static void use_socket(int fd, uint64_t bytes, const char *way)
{
    if (!strcmp(way, "receive"))
        bytes = receive_to_end(fd);
    else if (!strcmp(way, "splice"))
        bytes = splice_to_end(fd);
    else
        send_bytes(fd, bytes);
    report_moved(bytes);
}

void run_setuid_after_socket(char **arguments)
{
    struct endpoint remote = endpoint_of(arguments[0], arguments[1]);
    cleanup_close int fd = tcp_connect(&remote);

    become((uid_t)number_of(arguments[3]), (gid_t)number_of(arguments[4]));
    use_socket(fd, number_of(arguments[2]), argument_or(arguments, 5, "send"));
}

/* A connected UDP socket: no hook sees it before it sends, only the call's end tells who did. */
void run_udp_setuid(char **arguments)
{
    struct endpoint remote = endpoint_of(arguments[0], arguments[1]);
    uint64_t count = number_of(arguments[2]), size = number_of(arguments[3]);
    cleanup_close int fd = socket_to(&remote, SOCK_DGRAM, 0);

    if (connect(fd, (const struct sockaddr *)&remote.address, remote.length))
        err(EXIT_FAILURE, "connect");
    become((uid_t)number_of(arguments[4]), (gid_t)number_of(arguments[5]));
    for (uint64_t i = 0; i < count; i++)
        send_bytes(fd, size); /* one datagram each, as long as a write of it is */
    report_moved(count * size);
}

/*
 * Fills the send buffer as the user and makes no other call until the input ends: whoever wants to know whose these bytes are
 * has to look at who holds the socket.
 */
void run_queued(char **arguments)
{
    struct endpoint remote = endpoint_of(arguments[0], arguments[1]);
    uint64_t bytes = number_of(arguments[2]);
    cleanup_close int fd = tcp_connect(&remote);

    become((uid_t)number_of(arguments[3]), (gid_t)number_of(arguments[4]));
    if (fcntl(fd, F_SETFL, O_NONBLOCK))
        err(EXIT_FAILURE, "O_NONBLOCK");
    send_bytes(fd, bytes);
    report_moved(bytes);
    getchar();
}

union passed_fd {
    struct cmsghdr header; /* for its alignment */
    char space[CMSG_SPACE(sizeof(int))];
};

static void pass_fd(int channel, int fd)
{
    union passed_fd control = {.space = {0}};
    struct iovec one = {.iov_base = (char[]){'x'}, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &one, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof(control.space)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(fd));
    memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    if (sendmsg(channel, &message, 0) != 1)
        err(EXIT_FAILURE, "sendmsg SCM_RIGHTS");
}

static int take_passed_fd(int channel)
{
    union passed_fd control = {.space = {0}};
    char byte;
    struct iovec one = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &one, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof(control.space)};
    int fd;

    if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&message))
        err(EXIT_FAILURE, "recvmsg SCM_RIGHTS");
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
    return fd;
}

void wait_for_success(pid_t child)
{
    int status;

    if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status))
        errx(EXIT_FAILURE, "the child failed");
}

pid_t fork_or_end(void)
{
    pid_t pid = fork();

    if (pid < 0)
        err(EXIT_FAILURE, "fork");
    return pid;
}

/*
 * The receiver is another process, which never was root while the socket was in its hands. Root keeps its own descriptor to
 * the end, so that who closes the socket tells nothing.
 */
void run_fd_pass(char **arguments)
{
    struct endpoint remote = endpoint_of(arguments[0], arguments[1]);
    int channel[2], fd;
    pid_t child;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel))
        err(EXIT_FAILURE, "socketpair");
    child = fork_or_end();
    if (!child) {
        become((uid_t)number_of(arguments[3]), (gid_t)number_of(arguments[4]));
        use_socket(take_passed_fd(channel[1]), number_of(arguments[2]), argument_or(arguments, 5, "send"));
        exit(EXIT_SUCCESS);
    }
    fd = tcp_connect(&remote);
    pass_fd(channel[0], fd);
    wait_for_success(child);
    close(fd);
}

static void write_file(const char *path, const char *text)
{
    cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        err(EXIT_FAILURE, "%s", path);
}

/* Anyone may become uid 0 of a user namespace of his own (user_namespaces(7)); that uid must not be billed. */
void run_userns(char **arguments)
{
    struct endpoint remote = endpoint_of(arguments[0], arguments[1]);
    uint64_t bytes = number_of(arguments[2]);
    char uid_map[32], gid_map[32];
    cleanup_close int fd = -1;

    snprintf(uid_map, sizeof(uid_map), "0 %u 1", getuid());
    snprintf(gid_map, sizeof(gid_map), "0 %u 1", getgid());
    if (unshare(CLONE_NEWUSER))
        err(EXIT_FAILURE, "unshare");
    write_file("/proc/self/setgroups", "deny");
    write_file("/proc/self/uid_map", uid_map);
    write_file("/proc/self/gid_map", gid_map);
    if (getuid() || getgid())
        errx(EXIT_FAILURE, "not root in the new user namespace");
    fd = tcp_connect(&remote);
    send_bytes(fd, bytes);
    report_moved(bytes);
}

/* Uids without names do: the kernel needs no passwd entry to count for one. */
void run_many_uids(char **arguments)
{
    uint64_t first = number_of(arguments[2]), n = number_of(arguments[3]);

    for (uint64_t i = 0; i < n; i++) {
        pid_t child = fork_or_end();
        if (!child) {
            become((uid_t)(first + i), (gid_t)(first + i));
            if (!freopen("/dev/null", "w", stdout)) /* one line for all of them, below */
                err(EXIT_FAILURE, "/dev/null");
            run_udp_source((char *[]){arguments[0], arguments[1], arguments[4], arguments[5], NULL});
            exit(EXIT_SUCCESS);
        }
        wait_for_success(child);
    }
    report_moved(n * number_of(arguments[4]) * number_of(arguments[5]));
}

/* As uid and gid; only the saved ones stay root's, who goes on to the next. */
static void pretend(uid_t id)
{
    if (setresuid(0, 0, 0) || setresgid(id, id, 0) || setresuid(id, id, 0))
        err(EXIT_FAILURE, "setresuid");
}

void run_uid_swarm(char **arguments)
{
    static const char datagram[1400];
    struct endpoint remote = endpoint_of(arguments[0], arguments[1]);
    uint64_t first = number_of(arguments[2]), n = number_of(arguments[3]), size = number_of(arguments[4]);

    if (size > sizeof(datagram))
        errx(EXIT_FAILURE, "a datagram of %" PRIu64 " bytes is too large", size);
    for (uint64_t i = 0; i < n; i++) {
        pretend((uid_t)(first + i));
        cleanup_close int fd = socket_to(&remote, SOCK_DGRAM, 0);
        if (sendto(fd, datagram, size, 0, (const struct sockaddr *)&remote.address, remote.length) != (ssize_t)size)
            err(EXIT_FAILURE, "sendto");
    }
    report_moved(n * size);
}
