/*
 * Command lines as tables: one row per option gives getopt its letters, --help its text and the man page its entry.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

struct option_row {
    const char *long_name;
    char letter;                                      /* 0: long form only */
    const char *argument;                             /* name of the argument in --help, NULL: takes none */
    const char *help;                                 /* one line; NULL in a row that only starts a group */
    const char *group;                                /* heading that starts here, or NULL */
    int (*apply)(void *target, const char *argument); /* 0, or a negative errno after options_complain() */
};

/*
 * Parses argv into target. Returns 0, or -EINVAL (or what apply() returned) after one line on stderr that names the
 * option, its value and
 * --help; -ENOMEM without a line. Operands are refused unless ret_first_operand is given. "--opt=x", "--opt x", "-ox",
 * "-o x" and unique beginnings of a long name work as in getopt_long(3); a misspelt long option gets the nearest known
 * one.
 */
int options_parse(const struct option_row *rows, size_t n_rows, int argc, char **argv, void *target,
                  int *ret_first_operand);

/*
 * Applies one row to target, for options that do not come from a command line. Returns what apply() did; after a failure
 * *ret_why is what a command line would be told, "option --NAME: 'VALUE': REASON", malloc'ed, NULL when memory is out.
 */
int options_apply(const struct option_row *row, const char *argument, void *target, char **ret_why);

/*
 * Calls fn for each option of a command line that options_parse() has accepted. What fn returns below 0 ends it and is
 * returned.
 */
int options_walk(const struct option_row *rows, size_t n_rows, int argc, char **argv,
                 int (*fn)(const struct option_row *row, const char *argument, void *userdata), void *userdata);

/* For apply(): says "PROGRAM: option --NAME: 'VALUE': REASON" (once, by options_parse) by keeping reason. Returns
 * -EINVAL. */
int options_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Usage line, then the options by group, aligned, wrapped at 80 columns. */
void options_print_help(FILE *out, const char *usage, const struct option_row *rows, size_t n_rows);

/* The candidate nearest to word (Levenshtein, two swapped letters are one error; at most a third of its length wrong),
 * or NULL. */
const char *options_nearest(const char *word, const char *const *candidates, size_t n);
