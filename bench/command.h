/* What sets the fields of a benchmark's struct command from its options: a text, or a number from least to most. */
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
