/* Vectors of rules, each once: only the words that are not 0 are kept, and a summary says which these are. */
#include "collector/policy_set_internal.h"

#include <errno.h>
#include <stdlib.h>

void policy_set_vector(const struct policy_set *s, uint32_t vector, uint64_t *ret_bits)
{
    const struct pdtt_policy_vector *v = &s->vectors[vector];
    uint32_t next = v->first;

    for (uint32_t w = 0; w < s->words; w++)
        ret_bits[w] = v->summary[w / 64] >> w % 64 & 1 ? s->pool[next++] : 0;
}

static uint64_t hash_words(const uint64_t *bits, uint32_t words)
{
    uint64_t hash = 0;

    for (uint32_t w = 0; w < words; w++)
        hash = ((hash ^ bits[w]) * UINT64_C(0x9e3779b97f4a7c15)) ^ (hash >> 29);
    return hash ^ (hash >> 32);
}

static bool same_vector(const struct policy_set *s, const struct pdtt_policy_vector *v, const uint64_t *bits)
{
    uint32_t next = v->first;

    for (uint32_t w = 0; w < s->words; w++)
        if ((v->summary[w / 64] >> w % 64 & 1 ? s->pool[next++] : 0) != bits[w])
            return false;
    return true;
}

uint32_t policy_set_hash_size(uint32_t room)
{
    uint32_t size = 64;

    while (size < 2 * PDTT_POLICY_VECTORS(room))
        size *= 2;
    return size;
}

static int append_vector(struct policy_set *s, const uint64_t *bits, uint32_t *ret_vector)
{
    struct pdtt_policy_vector *v = &s->vectors[s->n_vectors];
    uint32_t pool = s->n_pool;

    if (s->n_vectors >= PDTT_POLICY_VECTORS(s->room))
        return -ENOSPC;
    *v = (struct pdtt_policy_vector){.first = pool};
    for (uint32_t w = 0; w < s->words; w++) {
        if (w % 64 == 0)
            v->before[w / 64] = (uint16_t)(pool - v->first);
        if (!bits[w])
            continue;
        if (pool >= PDTT_POLICY_POOL(s->room))
            return -ENOSPC;
        v->summary[w / 64] |= UINT64_C(1) << w % 64;
        s->pool[pool++] = bits[w];
    }
    s->n_pool = pool;
    *ret_vector = s->n_vectors++;
    return 0;
}

int policy_set_intern(struct policy_set *s, const uint64_t *bits, uint32_t *ret_vector)
{
    uint32_t size = policy_set_hash_size(s->room), at = (uint32_t)hash_words(bits, s->words) & (size - 1);
    int r;

    for (; s->interned[at]; at = (at + 1) & (size - 1))
        if (same_vector(s, &s->vectors[s->interned[at] - 1], bits)) {
            *ret_vector = s->interned[at] - 1;
            return 0;
        }
    r = append_vector(s, bits, ret_vector);
    if (r == 0)
        s->interned[at] = *ret_vector + 1;
    return r;
}
