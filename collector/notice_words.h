/* What a notice says: the words that stand in for {name} in the arguments of its command, and for PDTT_NAME in its environment. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum notice_word {
    NOTICE_KIND, /* user or project */
    NOTICE_NAME,
    NOTICE_THRESHOLD,
    NOTICE_PERCENT, /* that is used, rounded down */
    NOTICE_USED_BYTES,
    NOTICE_LIMIT_BYTES,
    NOTICE_PERIOD, /* month, quarter or year */
    NOTICE_DIRECTION,
    NOTICE_CLASSES, /* separated by commas, or "all" */
    NOTICE_SINCE_SEC,
    NOTICE_UNTIL_SEC,
    NOTICE_WORDS
};

extern const char *const notice_word_names[NOTICE_WORDS];

/*
 * The first {word} of an argument that is none of these, its length in *ret_length; NULL: there is none. Braces around anything
 * but a-z and _ are text.
 */
const char *notice_unknown_word(const char *argument, size_t *ret_length);

/* The argument with the words put in, malloc'ed; what they hold is text. NULL: out of memory. */
char *notice_fill_in(const char *argument, const char *const words[NOTICE_WORDS]);

/* "PDTT_NAME=...", malloc'ed. */
char *notice_variable(enum notice_word word, const char *value);
