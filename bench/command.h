/* A benchmark's command line: its options set the fields of its struct command, a text, or a number from least to most. */
#pragma once

#include "common/options.h"

#include <stdlib.h>

static inline int command_read_number(const char *argument, long least, long most, long *ret)
{
    char *end;
    long n = strtol(argument, &end, 10);

    if (!*argument || *end || n < least || n > most)
        return options_complain("is not a number from %ld to %ld", least, most);
    *ret = n;
    return 0;
}

#define COMMAND_TEXT(name, field)                                                                                      \
    static int set_##name(void *target, const char *argument)                                                          \
    {                                                                                                                  \
        ((struct command *)target)->field = argument;                                                                  \
        return 0;                                                                                                      \
    }

#define COMMAND_NUMBER(name, field, least, most)                                                                       \
    static int set_##name(void *target, const char *argument)                                                          \
    {                                                                                                                  \
        long n = 0;                                                                                                    \
        int r = command_read_number(argument, least, most, &n);                                                        \
                                                                                                                       \
        if (r == 0)                                                                                                    \
            ((struct command *)target)->field = n;                                                                     \
        return r;                                                                                                      \
    }

static bool command_wants_help;

static inline int command_set_help(void *target, const char *argument)
{
    (void)target, (void)argument;
    command_wants_help = true;
    return 0;
}

/* The last row of each table. */
#define COMMAND_HELP                                                                                                   \
    {                                                                                                                  \
        "help", 'h', NULL, "print this help", NULL, command_set_help                                                   \
    }

/* Returns if there is something to do, else ends the program: after --help as a success, after a mistake with its line. */
static inline void command_read(const struct option_row *rows, size_t n_rows, int argc, char **argv, const char *usage,
                                void *command)
{
    if (options_parse(rows, n_rows, argc, argv, command, NULL) < 0)
        exit(2);
    if (!command_wants_help)
        return;
    options_print_help(stdout, usage, rows, n_rows);
    exit(EXIT_SUCCESS);
}

/* Ends the program where an option that it needs was not given. */
static inline void __attribute__((noreturn))
command_incomplete(const struct option_row *rows, size_t n_rows, const char *usage)
{
    options_print_help(stderr, usage, rows, n_rows);
    exit(2);
}
