/* Which ids were asked for, and when each may be asked for again. Inside collector/names*.c only; no locking of its
 * own. */
#pragma once

#include "collector/names.h"

/* Slots of 16 bytes, three quarters of which may be used; further ids wait until others are due. */
#define NAMES_TABLE_MAX 262144

struct names_entry;

/* All zero is an empty one. */
struct names_table {
    struct names_entry *entries;
    size_t n_used, n_slots; /* n_slots is 0 or a power of two */
    int64_t rebuilt_ns;
};

/* Whether the id is unknown, or its time has come and no question about it is under way. */
bool names_table_is_due(const struct names_table *t, enum names_kind kind, uint32_t id, int64_t now_ns);

/* Notes that a question is under way. 0, -ENOMEM, or -ENOBUFS when the table is full of ids that are not due. */
int names_table_mark(struct names_table *t, enum names_kind kind, uint32_t id, int64_t now_ns);

/* Notes that the question has ended and when it is due again. */
void names_table_settle(struct names_table *t, enum names_kind kind, uint32_t id, int64_t due_ns);

void names_table_free(struct names_table *t);
