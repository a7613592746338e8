/* What the names of a filter mean: ids of the store. */
#pragma once

#include "sql/statement.h"

/* An id, and for users the uid that goes with it. */
struct pick {
    int64_t id, number;
};

struct picks {
    struct pick *v;
    size_t n;
};

/* Adds what the statement finds, which has these two columns: how many, or a negative errno. */
int picks_add(struct store *s, enum statement_id id, const struct bind *binds, size_t n_binds, struct picks *p);

/* By id, each once: a name that is given twice must not count twice. */
void picks_sort(struct picks *p);

/* The rest is of sorted ones. */
bool picks_have(const struct picks *p, int64_t id);
void picks_intersect(struct picks *p, const struct picks *other); /* p keeps what is in both */

void picks_done(struct picks *p);
