#include "collector/notifier_internal.h"

#include "common/cleanup.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define START_SEC 20 /* groups of a user may be asked of a directory server */

struct notifier {
    int socket;
    unsigned timeout_sec;
};

static int say(char **ret_why, int error, const char *what)
{
    if (asprintf(ret_why, "cannot start the process that runs notify.command: %s", what) < 0)
        *ret_why = NULL;
    return error;
}

/* A process that ends is nobody's to wait for: pdttd learns it from the socket. */
static int leave_no_zombies(void)
{
    const struct sigaction action = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};

    return sigaction(SIGCHLD, &action, NULL) < 0 ? -errno : 0;
}

static int await_ready(int socket, char **ret_why)
{
    const struct timeval patience = {.tv_sec = START_SEC};
    struct notifier_answer answer = {0};
    ssize_t n;

    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    n = TEMP_FAILURE_RETRY(recv(socket, &answer, sizeof(answer), 0));
    if (n == sizeof(answer) && answer.how == NOTIFIER_READY)
        return 0;
    if (n == sizeof(answer) && answer.n_said < sizeof(answer.said)) {
        answer.said[answer.n_said] = '\0';
        return say(ret_why, -EINVAL, answer.said);
    }
    return say(ret_why, -EPIPE, n < 0 ? strerror(errno) : "it ended at once");
}

static int fork_process(const struct config *config, const struct config_notify_user *user, int *ret_socket,
                        char **ret_why)
{
    cleanup_close int mine = -1;
    pid_t parent = getpid(), child;
    int ends[2], r;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return say(ret_why, -errno, strerror(errno));
    mine = ends[0];
    child = fork();
    if (child == 0)
        notifier_process(config, user, ends[1], parent);
    close_fd(ends[1]);
    if (child < 0)
        return say(ret_why, -errno, strerror(errno));
    r = await_ready(mine, ret_why);
    if (r == 0)
        *ret_socket = take_fd(mine);
    return r;
}

int notifier_start(const struct config *config, struct notifier **ret, char **ret_why)
{
    struct config_notify_user user;
    struct notifier *n = calloc(1, sizeof(*n));
    int r = n ? config_check_notify(config, &user, ret_why) : -ENOMEM;

    if (r == 0)
        r = leave_no_zombies();
    if (r == 0)
        r = fork_process(config, &user, &n->socket, ret_why);
    if (r < 0) {
        free(n);
        return r;
    }
    n->timeout_sec = config->notify_timeout_sec;
    *ret = n;
    return 0;
}

struct notifier *notifier_stop(struct notifier *n)
{
    if (n)
        close_fd(n->socket);
    free(n);
    return NULL;
}

int notifier_fd(const struct notifier *n)
{
    return n->socket;
}

int notifier_ask(struct notifier *n, uint64_t id, const char *const words[NOTICE_WORDS])
{
    char question[NOTIFIER_QUESTION_MAX];
    size_t size = sizeof(id);

    memcpy(question, &id, sizeof(id));
    for (int i = 0; i < NOTICE_WORDS; i++) {
        size_t length = strlen(words[i]) + 1;
        if (length > sizeof(question) - size)
            return -EMSGSIZE;
        memcpy(question + size, words[i], length);
        size += length;
    }
    if (send(n->socket, question, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        return errno == ECONNRESET || errno == ENOTCONN ? -EPIPE : -errno;
    return 0;
}

static void describe(const struct notifier *n, const struct notifier_answer *a, struct notifier_outcome *ret)
{
    switch (a->how) {
    case NOTIFIER_EXITED:
        snprintf(ret->how, sizeof(ret->how), "exit status %d", a->value);
        break;
    case NOTIFIER_KILLED:
        snprintf(ret->how, sizeof(ret->how), "ended by signal %d", a->value);
        break;
    case NOTIFIER_TIMEOUT:
        snprintf(ret->how, sizeof(ret->how), "took longer than %u s and was ended", n->timeout_sec);
        break;
    default:
        snprintf(ret->how, sizeof(ret->how), "could not be run");
    }
}

/* What comes from there is believed no further than a command is: a process of the same user may have got hold of it. */
int notifier_take(struct notifier *n, struct notifier_outcome *ret)
{
    struct notifier_answer answer;
    ssize_t size = TEMP_FAILURE_RETRY(recv(n->socket, &answer, sizeof(answer), MSG_DONTWAIT));

    if (size < 0)
        return errno == EAGAIN ? 0 : -EPIPE;
    if (size != sizeof(answer) || answer.n_said > sizeof(answer.said))
        return -EPIPE;
    *ret = (struct notifier_outcome){.id = answer.id, .told = answer.how == NOTIFIER_EXITED && answer.value == 0};
    describe(n, &answer, ret);
    memcpy(ret->said, answer.said, answer.n_said);
    return 1;
}
