/* pdtt-serve: the command line, and the loop that takes connections. */
#include "common/cleanup.h"
#include "common/log.h"
#include "common/options.h"
#include "serve/http.h"
#include "serve/listen.h"
#include "serve/privilege.h"
#include "serve/tokens.h"
#include <config.h>

#include <grp.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>

enum { EXIT_USAGE = 2, TICK_MS = 250, FULL_MS = 20 };

struct command {
    const char *config_path, *listen_path, *user, *group, *new_token;
    bool help, version;
};

/* ---- the table of options ---- */

#define DEFINE_TEXT(name, member)                                                                                      \
    static int set_##name(void *target, const char *argument)                                                          \
    {                                                                                                                  \
        ((struct command *)target)->member = argument;                                                                 \
        return *argument ? 0 : options_complain("is empty");                                                           \
    }
#define DEFINE_FLAG(name)                                                                                              \
    static int set_##name(void *target, const char *argument)                                                          \
    {                                                                                                                  \
        ((struct command *)target)->name = true;                                                                       \
        return 0;                                                                                                      \
    }
DEFINE_TEXT(config, config_path)
DEFINE_TEXT(listen, listen_path)
DEFINE_TEXT(user, user)
DEFINE_TEXT(group, group)
DEFINE_TEXT(new_token, new_token)
DEFINE_FLAG(help)
DEFINE_FLAG(version)

static int set_debug(void *target, const char *argument)
{
    log_set_debug(1);
    return 0;
}

static const struct option_row rows[] = {
    {"config", 'c', "FILE", "configuration file of pdttd (default " CONFIG_DEFAULT_PATH ")", NULL, set_config},
    {"listen", 'l', "PATH",
     "make this socket and listen there (default: what systemd hands over); serve.listen adds TCP", NULL, set_listen},
    {"user", 0, "USER", "started as root: become this user (default: pdtt-serve)", NULL, set_user},
    {"group", 0, "GROUP", "and a member of this group, which may read the database (default: pdtt)", NULL, set_group},
    {"new-token", 0, "ROLE:NAME",
     "print a new token and its line for the file of tokens, and exit; ROLE is user, admin, metrics or proxy", NULL,
     set_new_token},
    {"debug", 0, NULL, "say more", NULL, set_debug},
    {"version", 'V', NULL, "print the version, and exit", NULL, set_version},
    {"help", 'h', NULL, "print this help, and exit", NULL, set_help},
};

static int print(const struct command *command)
{
    if (command->version)
        puts("pdtt-serve " PACKAGE_VERSION);
    else
        options_print_help(stdout,
                           "pdtt-serve [OPTIONS]\n"
                           "Answers from PDTT's database: administrators about everybody, others about themselves.",
                           rows, array_length(rows));
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- the loop ---- */

/* As many as are there; false: more cannot be taken now. */
static bool accept_all(struct http *h, int listener)
{
    for (;;) {
        int64_t uid;
        int fd, r = listen_accept(listener, &fd, &uid);

        if (r == 0)
            http_add(h, fd, uid);
        else if (r == -EMFILE || r == -ENFILE || r == -ENOMEM || r == -ENOBUFS)
            return false;
        else if (r == -EAGAIN || r == -EWOULDBLOCK)
            return true;
    }
}

struct listeners {
    int fds[LISTENERS_MOST];
    size_t n;
};

static int run(struct http *h, const struct listeners *listeners, int signals)
{
    struct pollfd fds[LISTENERS_MOST + 1] = {{.fd = signals, .events = POLLIN}};

    for (size_t i = 0; i < listeners->n; i++)
        fds[i + 1] = (struct pollfd){.fd = listeners->fds[i], .events = POLLIN};
    for (;;) {
        if (poll(fds, listeners->n + 1, TICK_MS) < 0 && errno != EINTR)
            return -errno;
        if (fds[0].revents)
            return 0;
        for (size_t i = 1; i <= listeners->n; i++)
            if (fds[i].revents & POLLIN && !accept_all(h, fds[i].fd))
                poll(NULL, 0, FULL_MS); /* or this would spin until somebody leaves */
        http_tick(h);
    }
}

/* ---- starting ---- */

/* Blocked before there are threads, so that none of them is told instead of the loop. */
static int open_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void raise_open_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* What systemd handed over, or the path of the command line, and where the configuration says. */
static int open_listeners(const struct command *command, const struct config *config, struct listeners *ret,
                          char **ret_why)
{
    int r = command->listen_path ? listen_at(command->listen_path, &ret->fds[0], ret_why)
                                 : listen_inherit(ret->fds, &ret->n);

    if (r == 0 && command->listen_path)
        ret->n = 1;
    if (r == -ENOENT && !command->listen_path && *config->serve_listen)
        r = 0;
    if (r < 0 && !command->listen_path)
        *ret_why = strdup(r == -ENOENT ? "no socket: start pdtt-serve.socket, name a path with --listen, or an address "
                                         "with serve.listen"
                                       : "systemd hands over something else than stream sockets that listen; check "
                                         "pdtt-serve.socket");
    if (r == 0 && *config->serve_listen && ret->n < LISTENERS_MOST)
        r = listen_on_network(config->serve_listen, &ret->fds[ret->n], ret_why);
    if (r == 0 && *config->serve_listen)
        ret->n++;
    return r;
}

static void close_listeners(struct listeners *listeners)
{
    while (listeners->n > 0)
        close_fd(listeners->fds[--listeners->n]);
}

static int serve(struct directory *d, const struct listeners *listeners)
{
    cleanup_close int signals = open_signals();
    struct http *h = NULL;
    int r = signals < 0 ? signals : http_start(d, &h);

    if (r < 0) {
        log_error("cannot start: %s", strerror(-r));
        return r;
    }
    sd_notify(0, "READY=1\nSTATUS=Answering");
    log_info("answering");
    r = run(h, listeners, signals);
    sd_notify(0, "STOPPING=1");
    if (!http_stop(h))
        _exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS); /* a worker still reads, or hangs in the host's services */
    return r;
}

/* What is written and lets in nobody. Only at the start, which asks for a user and a group anyway. */
static void warn_of_locked_doors(const struct config *config)
{
    const char *admins = config->serve_admin_group;

    if (*config->serve_listen && !*config->serve_tokens)
        log_warning("serve.listen is set and serve.tokens is not: everybody needs a token on TCP, and nobody has one");
    if (admins[strspn(admins, "0123456789")] && !getgrnam(admins))
        log_warning("serve.admin_group: this host has no group '%s', so root alone sees everything", admins);
}

/* The listeners first, while the directory that one lies in may still be written; then nothing else with privileges. */
static int start(const struct command *command)
{
    cleanup_free char *why = NULL;
    struct listeners listeners = {.n = 0};
    struct config *config = NULL;
    struct directory *d = NULL;
    int r = listen_knows_users(&why);

    if (r == 0)
        r = config_load_named(command->config_path, &config, &why);
    if (r == 0)
        r = open_listeners(command, config, &listeners, &why);
    if (r == 0)
        warn_of_locked_doors(config);
    config_free(config);
    if (r == 0)
        r = privilege_drop(command->user, command->group, &why);
    if (r == 0)
        r = directory_open(command->config_path, &d, &why);
    if (r < 0)
        log_error("%s", why ? why : strerror(-r));
    else
        r = serve(d, &listeners);
    if (listeners.n > 0 && command->listen_path && r == 0)
        unlink(command->listen_path); /* where it may: else the next start finds that nobody listens */
    close_listeners(&listeners);
    return r;
}

static int make_token(const char *what)
{
    cleanup_free char *token = NULL;
    cleanup_free char *line = NULL;
    cleanup_free char *why = NULL;
    int r = tokens_make(what, &token, &line, &why);

    if (r < 0) {
        log_error("option --new-token: '%s': %s", what, why ? why : strerror(-r));
        return r == -EINVAL ? EXIT_USAGE : EXIT_FAILURE;
    }
    printf("token: %s\nline for the file of serve.tokens:\n%s\n", token, line);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct command command = {.user = "pdtt-serve", .group = "pdtt"};

    log_init("pdtt-serve");
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        log_warning("no locale C.UTF-8: tables with names that are not ASCII may be ragged");
    if (options_parse(rows, array_length(rows), argc, argv, &command, NULL) < 0)
        return EXIT_USAGE;
    if (command.help || command.version)
        return print(&command);
    if (command.new_token)
        return make_token(command.new_token);
    raise_open_files();
    return start(&command) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
