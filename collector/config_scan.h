/* What must be known of libconfig's grammar before libconfig reads a text: comments, strings, @include lines and
 * numbers. */
#pragma once

#include <stddef.h>

enum config_scan_state { CONFIG_SCAN_CODE, CONFIG_SCAN_STRING, CONFIG_SCAN_COMMENT };

struct config_scan {
    enum config_scan_state state; /* at the start of the next line */
    unsigned opened_line;         /* where an open string or comment began */
    const char *key;              /* the latest word in code, so that a number can be named; points into the text */
    size_t key_len;
    const char *number; /* where a number lies that libconfig would cut */
    size_t number_len;
};

/* Reads one line (without its newline) that has this number. 0, or -ERANGE with number, key set. */
int config_scan_line(struct config_scan *scan, const char *line, size_t n, unsigned line_number);

/*
 * Whether the line, which starts in code, is an @include. Returns 1 and where its path lies, 0 if it is none, -EINVAL
 * if it begins like one and has no path in quotes, or something else behind it.
 */
int config_scan_include(const char *line, size_t n, const char **ret_path, size_t *ret_len);
