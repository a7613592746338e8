/* pdttd: the command line, and which of its verbs to run. */
#include "collector/daemon.h"
#include "collector/host.h"
#include "collector/privilege.h"
#include "collector/status.h"
#include "collector/verifier_log.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "common/options.h"
#include <config.h>

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>

struct command {
    const char *config_path;
    bool foreground, json, debug;
    struct explain_question question;
    int (*verb)(const struct command *command);
};

static int run(const struct command *command);
static int run_once(const struct command *command);
static int run_unload(const struct command *command);
static int run_check(const struct command *command);
static int run_probe(const struct command *command);
static int run_verifier_log(const struct command *command);
static int run_status(const struct command *command);
static int print_version(const struct command *command);
static int print_help(const struct command *command);

/* ---- the table of options ---- */

static int set_config(void *target, const char *argument)
{
    ((struct command *)target)->config_path = argument;
    return 0;
}

static int set_foreground(void *target, const char *argument)
{
    ((struct command *)target)->foreground = true;
    return 0;
}

static int set_json(void *target, const char *argument)
{
    ((struct command *)target)->json = true;
    return 0;
}

static int set_debug(void *target, const char *argument)
{
    ((struct command *)target)->debug = true;
    log_set_debug(1);
    return 0;
}

static int set_user(void *target, const char *argument)
{
    ((struct command *)target)->question.user = argument;
    return 0;
}

static int set_group(void *target, const char *argument)
{
    ((struct command *)target)->question.group = argument;
    return 0;
}

static int set_unit(void *target, const char *argument)
{
    ((struct command *)target)->question.unit = argument;
    return 0;
}

static int set_verb(void *target, int (*verb)(const struct command *command))
{
    struct command *command = target;

    if (command->verb != run && command->verb != verb)
        return options_complain(
            "only one of --check, --probe, --verifier-log, --status, --once and --unload can be done at a time");
    command->verb = verb;
    return 0;
}

#define VERB(name, fn)                                                                                                 \
    static int set_##name(void *target, const char *argument)                                                          \
    {                                                                                                                  \
        return set_verb(target, fn);                                                                                   \
    }
VERB(check, run_check)
VERB(probe, run_probe)
VERB(verifier_log, run_verifier_log)
VERB(status, run_status)
VERB(once, run_once)
VERB(unload, run_unload)
VERB(version, print_version)
VERB(help, print_help)

static const struct option_row rows[] = {
    {.group = "Running"},
    {"config", 'c', "FILE", "configuration file (default " CONFIG_DEFAULT_PATH ")", NULL, set_config},
    {"foreground", 'f', NULL, "stay in the foreground; under systemd that is always so", NULL, set_foreground},
    {"debug", 0, NULL, "say more", NULL, set_debug},
    {.group = "Instead of running"},
    {"check", 0, NULL, "check configuration and host, and exit", NULL, set_check},
    {"probe", 0, NULL, "print which layers this host supports, and exit", NULL, set_probe},
    {"verifier-log", 0, NULL, "print what the verifier says of each program (--debug: all of it), and exit", NULL,
     set_verifier_log},
    {"status", 0, NULL, "ask the running pdttd how it is, and exit: 0 healthy, 3 not", NULL, set_status},
    {"json", 0, NULL, "with --status: as JSON", NULL, set_json},
    {"once", 0, NULL, "drain, book, and exit; counting goes on in the kernel", NULL, set_once},
    {"unload", 0, NULL, "drain, book, then end counting and remove links and pins", NULL, set_unload},
    {"version", 'V', NULL, "print the version, and exit", NULL, set_version},
    {"help", 'h', NULL, "print this help, and exit", NULL, set_help},
    {.group = "With --check: which project has what this account moves"},
    {"user", 0, "USER", "name or number of a user", NULL, set_user},
    {"group", 0, "GROUP", "name or number of a group (default: the user's own)", NULL, set_group},
    {"unit", 0, "PATH", "path of a cgroup", NULL, set_unit},
};

/* ---- verbs ---- */

static int run_check(const struct command *command)
{
    return host_check(command->config_path, &command->question);
}

static int run_probe(const struct command *command)
{
    return host_probe(command->config_path);
}

static int run_verifier_log(const struct command *command)
{
    return verifier_log_print(command->config_path, command->debug);
}

static int run_status(const struct command *command)
{
    return status_print(command->config_path, command->json);
}

static int print_version(const struct command *command)
{
    puts("pdttd " PACKAGE_VERSION);
    return 0;
}

static int print_help(const struct command *command)
{
    options_print_help(stdout, "pdttd [OPTIONS]\nCounts network transfers per user and books them into a database.",
                       rows, array_length(rows));
    return 0;
}

/* From here on nothing needs root's powers; a pdttd that could not give them up does not run. */
static int need_no_more(struct session *s)
{
    const struct privilege_needs needs = {.map_fd = kernel_map_fd(s->kernel, MAP_LAYOUT),
                                          .interfaces = interfaces_fd(s->interfaces) >= 0};
    cleanup_free char *why = NULL;
    int r = privilege_drop(&needs, &why);

    if (r < 0) {
        log_error("%s", why ? why : strerror(-r));
        session_close(s);
    }
    return r;
}

static int open_session(const struct command *command, struct session **ret_session)
{
    int r = host_require();

    umask(027);
    if (r == 0)
        r = session_open(command->config_path, command->verb == run, ret_session);
    if (r == 0 && command->verb == run)
        session_listen(*ret_session); /* while the socket can still be given to its group */
    if (r == 0)
        r = need_no_more(*ret_session);
    return r;
}

static int run_once(const struct command *command)
{
    struct session *s;
    int r = open_session(command, &s);

    if (r < 0)
        return r;
    r = session_drain(s);
    session_await_names(s, SESSION_LAST_NAMES_MS);
    session_close(s);
    return r;
}

static int run_unload(const struct command *command)
{
    struct session *s;
    bool has_pins;
    int r = host_require();

    if (r == 0)
        r = host_has_pins(command->config_path, &has_pins);
    if (r < 0 || !has_pins)
        return r;
    r = open_session(command, &s);
    if (r < 0)
        return r;
    r = session_unload(s);
    session_await_names(s, SESSION_LAST_NAMES_MS);
    if (r == 0)
        log_info("counting has ended; links and maps are removed");
    session_close(s);
    return r;
}

/* ---- going to the background: the parent leaves when counting has begun, with the child's fate as its own ---- */

static int ready_fd = -1;

static void say_ready(void)
{
    sd_notify(0, "READY=1\nSTATUS=Counting");
    if (ready_fd >= 0 && write(ready_fd, "", 1) < 0)
        log_debug("nobody waits for the start");
    ready_fd = close_fd(ready_fd);
}

static int wait_for_child(pid_t child, int fd)
{
    char byte;
    int status;

    if (read(fd, &byte, 1) == 1)
        return 0;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECHILD;
}

/* Returns in the child with 0; the parent does not return from it. */
static int go_to_background(void)
{
    int ends[2], null;
    pid_t child;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    child = fork();
    if (child < 0)
        return -errno;
    if (child > 0) {
        close_fd(ends[1]);
        exit(wait_for_child(child, ends[0]) < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
    }
    close_fd(ends[0]);
    ready_fd = ends[1];
    setsid(); /* the working directory stays: -c may name a file relative to it, and SIGHUP reads it again */
    null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
        return -errno;
    close_fd(null);
    return 0;
}

static int run(const struct command *command)
{
    struct session *s;
    int r = command->foreground || getenv("NOTIFY_SOCKET") ? 0 : go_to_background();

    if (r == 0)
        r = daemon_hold_signals();
    if (r == 0)
        r = open_session(command, &s);
    if (r < 0)
        return r;
    r = daemon_run(s, say_ready);
    session_close(s);
    if (r == 0)
        log_info("stopped; what is transferred from now on is counted in the kernel and booked at the next start");
    return r;
}

int main(int argc, char **argv)
{
    struct command command = {.verb = run};
    int r;

    log_init("pdttd");
    if (options_parse(rows, array_length(rows), argc, argv, &command, NULL) < 0)
        return 2;
    if (command.verb != run_check && (command.question.user || command.question.group || command.question.unit)) {
        log_error("options --user, --group and --unit belong to --check; see --help");
        return 2;
    }
    if (command.json && command.verb != run_status) {
        log_error("option --json belongs to --status; see --help");
        return 2;
    }
    r = command.verb(&command);
    return r < 0 ? EXIT_FAILURE : r;
}
