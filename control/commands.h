/* pdttctl: tells the running pdttd to do something, over its control socket. Each command is one row. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* What the command line says besides the command. */
struct invocation {
    const char *config_path;    /* NULL: the default */
    const char *socket;         /* NULL: that of the configuration */
    const char *confirm;        /* how long policy apply waits; NULL: not at all */
    const char *policy, *since; /* of policy events; NULL: of all, all that is kept */
    bool json, follow;          /* follow: of policy events, goes on */
    char **operands;            /* behind the command */
    int n_operands;
};

struct command_row {
    const char *name;
    const char *operands; /* as --help shows them, NULL: takes none */
    const char *help;
    int (*run)(const struct invocation *in); /* an exit status, or a negative errno, which was logged */
};

/* The index of the name; -1 after a line in the log, with the nearest of them if one is near. of: "policy: " or "". */
int command_index(const char *of, const char *name, const char *const *names, size_t n);

/* The row of that name; NULL after a line in the log, with the nearest name if one is near. */
const struct command_row *command_find(const char *name);

/* "NAME OPERANDS  HELP", a line for each. */
void commands_print_help(void);

int command_status(const struct invocation *in);
int command_drain(const struct invocation *in);
int command_reload(const struct invocation *in);
int command_policy(const struct invocation *in);
