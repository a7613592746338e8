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

int command_index(const char *of, const char *name, const char *const *names, size_t n)
{
    const char *nearest;

    for (size_t i = 0; i < n; i++)
        if (strcmp(name, names[i]) == 0)
            return (int)i;
    nearest = options_nearest(name, names, n);
    if (nearest)
        log_error("%sunknown command '%s', did you mean '%s'? (see pdttctl --help)", of, name, nearest);
    else
        log_error("%sunknown command '%s' (see pdttctl --help)", of, name);
    return -1;
}

const struct command_row *command_find(const char *name)
{
    const char *names[array_length(commands)];
    int i;

    for (size_t k = 0; k < array_length(commands); k++)
        names[k] = commands[k].name;
    i = command_index("", name, names, array_length(commands));
    return i < 0 ? NULL : &commands[i];
}

void commands_print_help(void)
{
    puts("\nCommands");
    for (size_t i = 0; i < array_length(commands); i++)
        printf("  %-*s  %s\n", 16, commands[i].name, commands[i].help);
    policy_print_help();
}
