#include "control/commands.h"

#include "common/cleanup.h"
#include "common/log.h"
#include "common/options.h"
#include "control/policy.h"

#include <string.h>

static const struct command_row commands[] = {
    {"status", NULL, "how pdttd is: 0 healthy, 3 not", command_status},
    {"drain", NULL, "book now what was counted, and say what that was", command_drain},
    {"reload", NULL, "read the configuration again, and say what changed", command_reload},
    {"policy", "COMMAND", "what is done with packets: allow, block, limit or observe", command_policy},
};

const struct command_row *command_find(const char *name)
{
    const char *names[array_length(commands)], *nearest;

    for (size_t i = 0; i < array_length(commands); i++) {
        names[i] = commands[i].name;
        if (strcmp(name, names[i]) == 0)
            return &commands[i];
    }
    nearest = options_nearest(name, names, array_length(commands));
    if (nearest)
        log_error("unknown command '%s', did you mean '%s'? (see pdttctl --help)", name, nearest);
    else
        log_error("unknown command '%s' (see pdttctl --help)", name);
    return NULL;
}

void commands_print_help(void)
{
    puts("\nCommands");
    for (size_t i = 0; i < array_length(commands); i++)
        printf("  %-*s  %s\n", 16, commands[i].name, commands[i].help);
    policy_print_help();
}
