/* Which edition of the database there is: whether anything in it may have changed. Not for several threads at once. */
#pragma once

#include "sql/store_ask.h"

#include <sys/types.h>

/*
 * All zero is one that has not looked yet. It keeps the database open, because only a handle that stays can tell of commits,
 * and holds no lock that anybody would wait for.
 */
struct edition {
    struct store *store;
    dev_t device; /* of the file that is open */
    ino_t inode;
    int64_t opened; /* how often one was */
};

struct edition_number {
    int64_t opened, committed;
};

/* The number of what is at path now. False: it cannot be told. */
bool edition_look(struct edition *e, const char *path, struct edition_number *ret);
void edition_done(struct edition *e);
