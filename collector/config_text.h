/*
 * The text of a configuration file with its @include lines replaced by what they name, and the way back from a line of
 * it to file and line. Inside the collector's config*.c only. libconfig's own @include ends the process when it names a
 * directory, looks in the current directory, and numbers that do not fit are cut to 32 bits without a word
 * (libconfig 1.5): so none of that reaches it.
 */
#pragma once

#include <stddef.h>

struct config_origin {
    const char *file;
    unsigned line;
};

struct config_text {
    char *text; /* ends with a newline and a NUL */
    size_t n_bytes, capacity;
    struct config_origin *origins; /* one per line of text */
    size_t n_lines;
    char **files; /* every file that was read, the first is the one that was asked for */
    size_t n_files;
};

/*
 * Reads path and what it includes; an included path is relative to the directory of the file that includes it. On
 * failure *ret_why is one line as config.h describes it and *ret_text is empty.
 */
int config_text_read(const char *path, struct config_text *ret_text, char **ret_why);

/*
 * The contents of another file that a setting names, at most 1 MiB, with a NUL behind them; it must be a regular file.
 * subject begins the message, as above. ret_why as above.
 */
int config_text_read_bytes(const char *subject, const char *path, char **ret_bytes, size_t *ret_n, char **ret_why);

/* Where line (from 1) of the text came from; the nearest line there is when it lies outside. */
struct config_origin config_text_origin(const struct config_text *text, unsigned line);

void config_text_free(struct config_text *text);
