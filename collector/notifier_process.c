/*
 * The process that runs the command of notices. It has left root and every capability behind before it reads its first
 * question, and whatever the command does it does as that user too: so nothing here is a secret from it, and the only way back
 * to pdttd, the socket, is closed in the command.
 */
#include "collector/notifier_internal.h"

#include "common/cleanup.h"
#include "common/clock.h"

#include <cap-ng.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define GRACE_NS  (2 * NSEC_PER_SEC) /* between SIGTERM and SIGKILL */
#define SOCKET_FD 3

struct process {
    const struct config *config;
    const struct config_notify_user *user;
    pid_t parent;
    int socket;
    int signals, output; /* output: what the command writes; -1: nothing runs, or it has closed it */
    pid_t command;       /* 0: nothing runs */
    int64_t deadline_ns; /* boot-time clock, of the next signal to it */
    bool timeout;
    struct notifier_answer answer; /* the next one */
};

/* ---- becoming the user ---- */

static int refuse(struct notifier_answer *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(struct notifier_answer *a, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(a->said, sizeof(a->said), format, args);
    va_end(args);
    a->how = NOTIFIER_REFUSED;
    a->n_said = (uint32_t)strlen(a->said);
    return -EPERM;
}

/* Of the descriptors that pdttd holds none is for this process: what waits for its start would wait for this one too. */
static int leave_files(struct process *p)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (null < 0 || dup2(null, fd) < 0)
            return -errno;
    if (p->socket != SOCKET_FD && dup3(p->socket, SOCKET_FD, O_CLOEXEC) < 0)
        return -errno;
    p->socket = SOCKET_FD;
    if (syscall(SYS_close_range, SOCKET_FD + 1, ~0U, 0) < 0)
        for (int fd = SOCKET_FD + 1; fd < 1024; fd++)
            close(fd);
    return chdir("/") < 0 ? -errno : 0;
}

/* Of the bounding set a process loses what it may: CAP_SETPCAP is needed, and NO_NEW_PRIVS keeps the rest from being gained. */
static int become_user(const struct config_notify_user *user)
{
    uid_t uid[3];

    capng_get_caps_process();
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    capng_clear(CAPNG_SELECT_BOUNDS);
    if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
        capng_apply(CAPNG_SELECT_BOUNDS);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || initgroups(user->name, user->gid) < 0 ||
        setresgid(user->gid, user->gid, user->gid) < 0 || setresuid(user->uid, user->uid, user->uid) < 0)
        return -errno;
    capng_clear(CAPNG_SELECT_BOTH);
    if (capng_apply(CAPNG_SELECT_CAPS) != 0 || capng_get_caps_process() != 0 ||
        capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE)
        return -EPERM;
    return getresuid(&uid[0], &uid[1], &uid[2]) == 0 && uid[0] == user->uid && uid[1] == user->uid &&
                   uid[2] == user->uid
               ? 0
               : -EPERM;
}

/* A change of the user clears the first two. Not dumpable: another process of the same user must not get hold of the socket. */
static int tie_to(pid_t parent)
{
    const struct rlimit none = {0};

    if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return -errno;
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_NAME, "pdttd-notify", 0, 0, 0);
    return getppid() == parent ? 0 : -ESRCH;
}

static int take_signals(int *ret_fd)
{
    sigset_t signals;

    sigemptyset(&signals);
    for (int i = 1; i < NSIG; i++)
        signal(i, SIG_DFL); /* pdttd's handlers are for pdttd */
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    if (sigprocmask(SIG_SETMASK, &signals, NULL) < 0)
        return -errno;
    *ret_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    return *ret_fd < 0 ? -errno : 0;
}

static int set_up(struct process *p)
{
    struct notifier_answer *a = &p->answer;
    const char *path = p->config->notify_command.v[0];
    int r = setsid() < 0 ? -errno : leave_files(p);

    umask(077);
    if (r < 0)
        return refuse(a, "%s", strerror(-r));
    r = become_user(p->user);
    if (r < 0)
        return refuse(a,
                      "cannot become user '%s': %s; it needs CAP_SETUID and CAP_SETGID: under systemd a drop-in with "
                      "CapabilityBoundingSet=CAP_SETUID CAP_SETGID gives them, see pdttd(8)",
                      p->user->name, strerror(-r));
    if (access(path, X_OK) < 0)
        return refuse(a, "user '%s' cannot run %s: %s", p->user->name, path, strerror(errno));
    r = tie_to(p->parent);
    if (r == 0)
        r = take_signals(&p->signals);
    return r < 0 ? refuse(a, "%s", strerror(-r)) : 0;
}

/* ---- the command ---- */

/* Each argument is one whatever the words hold; nothing else of pdttd's environment is the command's. */
static int make_vectors(const struct process *p, const char *const words[NOTICE_WORDS], char **argv, char **env)
{
    static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    const struct config_texts *command = &p->config->notify_command;
    char *user = NULL;
    size_t n = 0;

    for (size_t i = 0; i < command->n; i++)
        if (!(argv[i] = i ? notice_fill_in(command->v[i], words) : command->v[i]))
            return -ENOMEM;
    for (; n < NOTICE_WORDS; n++)
        if (!(env[n] = notice_variable((enum notice_word)n, words[n])))
            return -ENOMEM;
    if (asprintf(&user, "USER=%s", p->user->name) < 0)
        return -ENOMEM;
    env[n++] = path;
    env[n] = user;
    return 0;
}

/* In the child. The write ends of the pipe are its only way to say something. */
static _Noreturn void run(const struct process *p, pid_t parent, const char *const words[NOTICE_WORDS], int output)
{
    char *argv[CONFIG_MAX_ARGUMENTS + 1] = {0}, *env[NOTICE_WORDS + 3] = {0};
    sigset_t none;

    sigemptyset(&none);
    if (setsid() < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent ||
        dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0 || make_vectors(p, words, argv, env) < 0)
        _exit(127);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(argv[0], argv, env);
    dprintf(STDERR_FILENO, "%s: %s", argv[0], strerror(errno));
    _exit(127);
}

static int begin(struct process *p, uint64_t id, const char *const words[NOTICE_WORDS])
{
    pid_t self = getpid();
    int ends[2];

    p->answer = (struct notifier_answer){.id = id, .how = NOTIFIER_NOT_RUN};
    p->timeout = false;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    p->command = fork();
    if (p->command == 0)
        run(p, self, words, ends[1]);
    close_fd(ends[1]);
    if (p->command < 0) {
        close_fd(ends[0]);
        p->command = 0;
        return -EAGAIN;
    }
    p->output = ends[0];
    fcntl(p->output, F_SETFL, O_NONBLOCK);
    p->deadline_ns = clock_boottime_ns() + p->config->notify_timeout_sec * NSEC_PER_SEC;
    return 0;
}

/* The beginning of what it writes is kept; the rest is read too, or it would wait for a reader. */
static void read_output(struct process *p)
{
    char rest[4096];
    struct notifier_answer *a = &p->answer;
    ssize_t n = 1;

    for (int i = 0; p->output >= 0 && n > 0 && i < 64; i++) {
        size_t room = sizeof(a->said) - a->n_said;
        n = read(p->output, room ? a->said + a->n_said : rest, room ? room : sizeof(rest));
        if (room && n > 0)
            a->n_said += (uint32_t)n;
    }
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        p->output = close_fd(p->output);
}

/* Its session has gone with it, but for who made one of his own. */
static void settle(struct process *p, int status)
{
    struct notifier_answer *a = &p->answer;

    kill(-p->command, SIGKILL);
    read_output(p);
    p->output = close_fd(p->output);
    p->command = 0;
    a->how = p->timeout ? NOTIFIER_TIMEOUT : WIFEXITED(status) ? NOTIFIER_EXITED : NOTIFIER_KILLED;
    a->value = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
    for (uint32_t i = 0; i < a->n_said; i++)
        if (!a->said[i])
            a->said[i] = '?'; /* texts end with that */
}

static void end_late(struct process *p)
{
    kill(-p->command, p->timeout ? SIGKILL : SIGTERM);
    p->timeout = true;
    p->deadline_ns = clock_boottime_ns() + GRACE_NS;
}

/* ---- the loop ---- */

static _Noreturn void leave(const struct process *p)
{
    if (p->command)
        kill(-p->command, SIGKILL);
    _exit(EXIT_SUCCESS);
}

static void answer(const struct process *p)
{
    if (TEMP_FAILURE_RETRY(send(p->socket, &p->answer, sizeof(p->answer), MSG_NOSIGNAL)) < 0)
        leave(p);
}

static void on_signals(struct process *p)
{
    struct signalfd_siginfo info;
    int status;

    while (read(p->signals, &info, sizeof(info)) == sizeof(info))
        if (getppid() != p->parent) /* SIGTERM for all of a service is none for this one: pdttd says when it ends */
            leave(p);
    while (p->command && waitpid(p->command, &status, WNOHANG) == p->command) {
        settle(p, status);
        answer(p);
    }
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
}

/* A question that is none is from no pdttd. */
static void on_question(struct process *p)
{
    char question[NOTIFIER_QUESTION_MAX];
    const char *words[NOTICE_WORDS], *at = question + sizeof(uint64_t);
    ssize_t n = TEMP_FAILURE_RETRY(recv(p->socket, question, sizeof(question), 0));
    uint64_t id;

    if (n < (ssize_t)sizeof(id) || (n > (ssize_t)sizeof(id) && question[n - 1] != '\0'))
        leave(p);
    memcpy(&id, question, sizeof(id));
    for (int i = 0; i < NOTICE_WORDS; i++) {
        if (at >= question + n)
            leave(p);
        words[i] = at;
        at += strlen(at) + 1;
    }
    if (begin(p, id, words) < 0)
        answer(p);
}

static int wait_ms(const struct process *p)
{
    int64_t left_ns = p->deadline_ns - clock_boottime_ns();

    return !p->command ? -1 : left_ns <= 0 ? 0 : (int)(left_ns / NSEC_PER_MSEC) + 1;
}

static void loop(struct process *p)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = p->socket, .events = p->command ? 0 : POLLIN},
                               {.fd = p->signals, .events = POLLIN},
                               {.fd = p->output, .events = POLLIN}};

        poll(fds, array_length(fds), wait_ms(p));
        if (fds[0].revents & (POLLHUP | POLLERR))
            leave(p);
        if (fds[2].revents)
            read_output(p);
        if (fds[1].revents)
            on_signals(p);
        if (p->command && wait_ms(p) == 0)
            end_late(p);
        if (!p->command && fds[0].revents & POLLIN)
            on_question(p);
    }
}

_Noreturn void notifier_process(const struct config *config, const struct config_notify_user *user, int socket,
                                pid_t parent)
{
    struct process p = {
        .config = config, .user = user, .parent = parent, .socket = socket, .output = -1, .answer.how = NOTIFIER_READY};
    int r = set_up(&p);

    answer(&p);
    if (r == 0)
        loop(&p);
    _exit(EXIT_FAILURE);
}
