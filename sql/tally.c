#include "sql/tally.h"

#include "sql/counters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 64 /* a power of two */

/* SplitMix64's finaliser, over each number in turn. */
static uint64_t hash(const struct tally_key *key)
{
    uint64_t h = 0;

    for (size_t i = 0; i < TALLY_KEYS; i++) {
        h += (uint64_t)key->v[i] + UINT64_C(0x9e3779b97f4a7c15);
        h = (h ^ (h >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        h = (h ^ (h >> 27)) * UINT64_C(0x94d049bb133111eb);
        h ^= h >> 31;
    }
    return h;
}

/* The slot of key, or the free one where it belongs. At least one is free. */
static uint32_t *find_slot(const struct tally *t, const struct tally_key *key)
{
    size_t i = hash(key) & (t->n_slots - 1);

    while (t->slots[i] && memcmp(&t->rows[t->slots[i] - 1].key, key, sizeof(*key)) != 0)
        i = (i + 1) & (t->n_slots - 1);
    return &t->slots[i];
}

static void fill_slots(struct tally *t)
{
    memset(t->slots, 0, t->n_slots * sizeof(*t->slots));
    for (size_t i = 0; i < t->n_rows; i++)
        *find_slot(t, &t->rows[i].key) = (uint32_t)i + 1;
}

static int grow(struct tally *t)
{
    size_t room = t->room ? 2 * t->room : FIRST_ROOM;
    struct tally_row *rows = room < UINT32_MAX ? realloc(t->rows, room * sizeof(*rows)) : NULL;

    if (!rows)
        return -ENOMEM;
    t->rows = rows;
    uint32_t *slots = realloc(t->slots, 2 * room * sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    t->slots = slots;
    t->n_slots = 2 * room;
    t->room = room;
    fill_slots(t);
    return 0;
}

int tally_add(struct tally *t, const struct tally_key *key, const struct store_counters *n)
{
    if (t->next < t->n_rows && memcmp(&t->rows[t->next].key, key, sizeof(*key)) == 0) {
        counters_add(&t->rows[t->next++].n, n);
        return 0;
    }
    if (t->n_rows == t->room) {
        int r = grow(t);
        if (r < 0)
            return r;
    }
    uint32_t *slot = find_slot(t, key);
    if (*slot) {
        counters_add(&t->rows[*slot - 1].n, n);
        t->next = *slot;
        return 0;
    }
    t->rows[t->n_rows] = (struct tally_row){.key = *key, .n = *n};
    *slot = (uint32_t)++t->n_rows;
    return 0;
}

static int compare_rows(const void *a, const void *b)
{
    const struct tally_row *ra = a, *rb = b;

    for (size_t i = 0; i < TALLY_KEYS; i++)
        if (ra->key.v[i] != rb->key.v[i])
            return ra->key.v[i] < rb->key.v[i] ? -1 : 1;
    return 0;
}

void tally_sort(struct tally *t)
{
    if (!t->n_rows)
        return;
    qsort(t->rows, t->n_rows, sizeof(*t->rows), compare_rows);
    fill_slots(t);
}

void tally_clear(struct tally *t)
{
    free(t->rows);
    free(t->slots);
    *t = (struct tally){0};
}
