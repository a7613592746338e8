#include "collector/names_table.h"

#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"

#define FIRST_SLOTS 256
#define UNDER_WAY   INT64_MAX

/* A full table is not searched for free entries at each of a hundred thousand questions. */
#define REBUILD_PAUSE_NS NSEC_PER_SEC

struct names_entry {
    int64_t due_ns; /* UNDER_WAY while asked */
    uint32_t id;
    uint8_t kind;
    bool used;
};

/* Linear probing. The entry of the id, or the free slot where it belongs; there always is one, see make_room(). */
static struct names_entry *find(const struct names_table *t, enum names_kind kind, uint32_t id)
{
    uint64_t hash = ((uint64_t)id << 1 | (uint64_t)kind) * UINT64_C(0x9E3779B97F4A7C15); /* Fibonacci hashing */
    size_t mask = t->n_slots - 1, i = (size_t)(hash >> 32) & mask;

    while (t->entries[i].used && (t->entries[i].id != id || t->entries[i].kind != kind))
        i = (i + 1) & mask;
    return &t->entries[i];
}

bool names_table_is_due(const struct names_table *t, enum names_kind kind, uint32_t id, int64_t now_ns)
{
    if (t->n_slots == 0)
        return true;
    const struct names_entry *e = find(t, kind, id);
    return !e->used || (e->due_ns != UNDER_WAY && e->due_ns <= now_ns);
}

/* What is due would be asked again anyway, so that it may be forgotten: deleted users leave no trace for ever. */
static int rebuild(struct names_table *t, size_t n_slots, int64_t now_ns)
{
    struct names_table larger = {.n_slots = n_slots};

    larger.entries = calloc(n_slots, sizeof(*larger.entries));
    if (!larger.entries)
        return -ENOMEM;
    for (size_t i = 0; i < t->n_slots; i++) {
        const struct names_entry *e = &t->entries[i];
        if (!e->used || e->due_ns <= now_ns)
            continue;
        *find(&larger, e->kind, e->id) = *e;
        larger.n_used++;
    }
    free(t->entries);
    larger.rebuilt_ns = now_ns;
    *t = larger;
    return 0;
}

/* At most three quarters are in use, so that find() ends soon. */
static int make_room(struct names_table *t, int64_t now_ns)
{
    if (t->n_used < t->n_slots / 4 * 3)
        return 0;
    bool full = t->n_slots >= NAMES_TABLE_MAX;
    if (full && now_ns - t->rebuilt_ns < REBUILD_PAUSE_NS)
        return -ENOBUFS;
    size_t n_slots = t->n_slots == 0 ? FIRST_SLOTS : full ? t->n_slots : 2 * t->n_slots;
    int r = rebuild(t, n_slots, now_ns);
    return r < 0 || t->n_used < t->n_slots / 4 * 3 ? r : -ENOBUFS;
}

int names_table_mark(struct names_table *t, enum names_kind kind, uint32_t id, int64_t now_ns)
{
    int r = make_room(t, now_ns);
    if (r < 0)
        return r;
    struct names_entry *e = find(t, kind, id);
    t->n_used += !e->used;
    *e = (struct names_entry){UNDER_WAY, id, (uint8_t)kind, true};
    return 0;
}

void names_table_settle(struct names_table *t, enum names_kind kind, uint32_t id, int64_t due_ns)
{
    if (t->n_slots == 0)
        return;
    struct names_entry *e = find(t, kind, id);
    if (e->used)
        e->due_ns = due_ns;
}

void names_table_free(struct names_table *t)
{
    free(t->entries);
    *t = (struct names_table){0};
}
