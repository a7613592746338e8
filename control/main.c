/* pdttctl: the command line, and which command to run. */
#include "collector/config.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "common/options.h"
#include "control/commands.h"
#include "control/policy.h"
#include <config.h>

#define USAGE                                                                                                          \
    "pdttctl [OPTION]... COMMAND\nTells the running pdttd to do something. For root, and the group of the database's " \
    "directory."

struct command_line {
    struct invocation in;
    bool help, version;
};

static int set_config(void *target, const char *argument)
{
    ((struct command_line *)target)->in.config_path = argument;
    return 0;
}

static int set_socket(void *target, const char *argument)
{
    if (!*argument)
        return options_complain("is empty; give the path of a socket");
    ((struct command_line *)target)->in.socket = argument;
    return 0;
}

static int set_confirm(void *target, const char *argument)
{
    ((struct command_line *)target)->in.confirm = argument;
    return 0;
}

static int set_policy(void *target, const char *argument)
{
    ((struct command_line *)target)->in.policy = argument;
    return 0;
}

static int set_since(void *target, const char *argument)
{
    ((struct command_line *)target)->in.since = argument;
    return 0;
}

static int set_follow(void *target, const char *argument)
{
    ((struct command_line *)target)->in.follow = true;
    return 0;
}

static int set_json(void *target, const char *argument)
{
    ((struct command_line *)target)->in.json = true;
    return 0;
}

static int set_help(void *target, const char *argument)
{
    ((struct command_line *)target)->help = true;
    return 0;
}

static int set_version(void *target, const char *argument)
{
    ((struct command_line *)target)->version = true;
    return 0;
}

static const struct option_row rows[] = {
    {.group = "Options"},
    {"config", 'c', "FILE", "configuration of that pdttd (default " CONFIG_DEFAULT_PATH ")", NULL, set_config},
    {"socket", 0, "PATH", "its control socket, whatever the configuration says", NULL, set_socket},
    {"confirm", 0, "TIME", "with policy apply: take it back after TIME unless policy confirm comes", NULL, set_confirm},
    {"follow", 'f', NULL, "with policy events: go on with those that come", NULL, set_follow},
    {"policy", 0, "NAME", "with policy events: those of one policy", NULL, set_policy},
    {"since", 0, "TIME", "with policy events: those since then, such as 2h or 2026-11-29 08:00", NULL, set_since},
    {"json", 0, NULL, "the answer as JSON", NULL, set_json},
    {"version", 'V', NULL, "print the version, and exit", NULL, set_version},
    {"help", 'h', NULL, "print this help, and exit", NULL, set_help},
};

static int print_and_flush(bool version)
{
    if (version) {
        puts("pdttctl " PACKAGE_VERSION);
    } else {
        options_print_help(stdout, USAGE, rows, array_length(rows));
        commands_print_help();
    }
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Exit status 2 means that nothing was asked. */
static int run(struct invocation *in)
{
    const struct command_row *command;
    int r;

    if (in->n_operands == 0) {
        log_error("no command (see pdttctl --help)");
        return 2;
    }
    command = command_find(in->operands[0]);
    if (!command)
        return 2;
    in->operands++;
    in->n_operands--;
    if ((in->confirm || in->policy || in->since || in->follow) && command->run != command_policy) {
        log_error("option --%s: belongs to policy %s (see pdttctl --help)", in->confirm ? "confirm" : policy_option(in),
                  in->confirm ? "apply" : "events");
        return 2;
    }
    if (in->n_operands > 0 && !command->operands) {
        log_error("command %s: takes no '%s' (see pdttctl --help)", command->name, in->operands[0]);
        return 2;
    }
    r = command->run(in);
    return r < 0 ? EXIT_FAILURE : r;
}

int main(int argc, char **argv)
{
    struct command_line line = {};
    int first;

    log_init("pdttctl");
    if (options_parse(rows, array_length(rows), argc, argv, &line, &first) < 0)
        return 2;
    if (line.help || line.version)
        return print_and_flush(line.version);
    line.in.operands = argv + first;
    line.in.n_operands = argc - first;
    return run(&line.in);
}
