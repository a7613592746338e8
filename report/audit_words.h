/* The rows of an audit in words: what each counts, and what it does not. */
#pragma once

#include <stddef.h>

struct audit_words {
    const char *what; /* in machine formats; part of the contract with scripts */
    const char *meaning;
};

/* The row of this name in a section; NULL: none, such as a cause of a newer pdttd. */
const struct audit_words *audit_words_find(const char *section, const char *what);

#define AUDIT_INTERFACES "interface"
#define AUDIT_LEDGER     "ledger"
#define AUDIT_COMPARED   "compared"
#define AUDIT_CAUSES     "cause"
#define AUDIT_LAYERS     "layer"
