#include "bench/pdttd.h"

#include "common/cleanup.h"
#include "common/clock.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

enum { START_TIMEOUT_MS = 20000, POLL_MS = 50 };

static pid_t spawn(char *const argv[], const char *log, const char *notify)
{
    pid_t pid = fork();
    int fd;

    if (pid != 0)
        return pid < 0 ? -errno : pid;
    fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
        _exit(126);
    if (notify)
        setenv("NOTIFY_SOCKET", notify, 1);
    execv(argv[0], argv);
    _exit(127);
}

static int wait_for_end(pid_t pid)
{
    int status;

    if (waitpid(pid, &status, 0) < 0)
        return -errno;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECHILD;
}

/* The protocol of sd_notify(3): the daemon tells itself when it counts. */
static int open_notify(char ret_name[static 64])
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), length;

    if (fd < 0)
        return -errno;
    length = snprintf(ret_name, 64, "@pdtt-bench-%d", (int)getpid());
    memcpy(address.sun_path + 1, ret_name + 1, length - 1);
    if (bind(fd, (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path) + length) < 0) {
        int r = -errno;

        close_fd(fd);
        return r;
    }
    return fd;
}

static int await_ready(int notify, pid_t pid)
{
    struct pollfd in = {.fd = notify, .events = POLLIN};
    int64_t end = clock_boottime_ns() + START_TIMEOUT_MS * NSEC_PER_MSEC;
    char message[512];

    while (clock_boottime_ns() < end) {
        ssize_t n = poll(&in, 1, POLL_MS) > 0 ? recv(notify, message, sizeof(message) - 1, 0) : 0;

        message[n > 0 ? n : 0] = '\0';
        if (strstr(message, "READY=1"))
            return 0;
        if (waitpid(pid, NULL, WNOHANG) != 0)
            return -ECHILD;
    }
    kill(pid, SIGTERM);
    return wait_for_end(pid) < 0 ? -ECHILD : -ETIMEDOUT;
}

int pdttd_start(const char *program, const char *config, const char *log, pid_t *ret_pid)
{
    char *argv[] = {(char *)program, "-f", "-c", (char *)config, NULL}, name[64];
    cleanup_close int notify = open_notify(name);
    pid_t pid = notify < 0 ? notify : spawn(argv, log, name);
    int r = pid < 0 ? (int)pid : await_ready(notify, pid);

    if (r == 0)
        *ret_pid = pid;
    return r;
}

int pdttd_stop(const char *program, const char *config, const char *log, pid_t pid)
{
    char *argv[] = {(char *)program, "-c", (char *)config, "--unload", NULL};
    int r = kill(pid, SIGTERM) < 0 ? -errno : wait_for_end(pid), unloaded;

    pid = spawn(argv, log, NULL);
    unloaded = pid < 0 ? (int)pid : wait_for_end(pid);
    return r < 0 ? r : unloaded;
}
