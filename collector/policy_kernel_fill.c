/* Writes a set of policies into the maps: into the half of each that is not in force. */
#include "collector/policy_kernel_internal.h"

#include "common/cleanup.h"

#include <bpf/bpf.h>
#include <string.h>

/* Entries of a hash or trie that are of this set; collected first, as a walk starts over when its current key goes. */
static int clear_map(int fd, size_t key_size, size_t which_at, unsigned shift, int set)
{
    cleanup_free uint8_t *keys = NULL;
    uint8_t previous[32], key[32];
    size_t n = 0, size = 0;

    for (bool first = true; bpf_map_get_next_key(fd, first ? NULL : previous, key) == 0; first = false) {
        uint32_t which;

        memcpy(previous, key, key_size);
        memcpy(&which, key + which_at, sizeof(which));
        if ((int)(which >> shift) != set)
            continue;
        if (n == size) {
            uint8_t *larger = reallocarray(keys, size ? 2 * size : 64, key_size);
            if (!larger)
                return -ENOMEM;
            keys = larger;
            size = size ? 2 * size : 64;
        }
        memcpy(keys + n++ * key_size, key, key_size);
    }
    for (size_t i = 0; i < n; i++)
        if (bpf_map_delete_elem(fd, keys + i * key_size) < 0 && errno != ENOENT)
            return -errno;
    return 0;
}

static int clear_keys(const struct policies *p, int set)
{
    int r = 0;

    for (int door = 0; door < 2 && r == 0; door++)
        r = clear_map(map_fd(p, MAP_POLICY_NETWORKS), sizeof(struct pdtt_policy_network),
                      offsetof(struct pdtt_policy_network, which), 2, door << 1 | set);
    return r < 0 ? r
                 : clear_map(map_fd(p, MAP_POLICY_VALUES), sizeof(struct pdtt_policy_value),
                             offsetof(struct pdtt_policy_value, which), 8, set);
}

/* A vector of the set as the map numbers it, where the empty one is common to both sets. */
static uint32_t vector_of(const struct policies *p, int set, uint32_t vector)
{
    return vector ? (uint32_t)set * PDTT_POLICY_VECTORS(p->room) + vector : 0;
}

/* A rule + 1 in the same way; 0 stays what it is. */
static uint32_t rule_of(const struct policies *p, int set, uint32_t rule)
{
    return rule ? (uint32_t)set * p->room + rule : 0;
}

static int put(int fd, const void *key, uint32_t vector)
{
    if (bpf_map_update_elem(fd, key, &vector, BPF_ANY) == 0)
        return 0;
    return errno == E2BIG ? -ENOSPC : -errno;
}

static int fill_keys(const struct policies *p, int set, const struct policy_set *s)
{
    int r = 0;

    for (size_t i = 0; i < s->n_networks && r == 0; i++) {
        const struct policy_set_network *n = &s->networks[i];
        struct pdtt_policy_network key = {.prefix_len = 32u + n->prefix,
                                          .which = PDTT_POLICY_NETWORK((uint32_t)set, n->part, n->ipv6)};

        memcpy(key.address, n->address, sizeof(key.address));
        r = put(map_fd(p, MAP_POLICY_NETWORKS), &key,
                n->part == PDTT_POLICY_DOOR ? rule_of(p, set, n->vector) : vector_of(p, set, n->vector));
    }
    for (size_t i = 0; i < s->n_values && r == 0; i++) {
        struct pdtt_policy_value key = {.which = PDTT_POLICY_VALUE((uint32_t)set, s->values[i].part),
                                        .value = s->values[i].value};

        r = put(map_fd(p, MAP_POLICY_VALUES), &key, vector_of(p, set, s->values[i].vector));
    }
    return r;
}

static void fill_vectors(const struct policies *p, int set, const struct policy_set *s)
{
    struct pdtt_policy_vector *vectors = p->views[VECTORS].memory;
    struct pdtt_policy_ports *ports = p->views[PORTS].memory;
    uint32_t first_word = (uint32_t)set * PDTT_POLICY_POOL(p->room);

    memcpy((uint64_t *)p->views[WORDS].memory + first_word, s->pool, s->n_pool * sizeof(uint64_t));
    for (uint32_t i = 1; i < s->n_vectors; i++) {
        vectors[vector_of(p, set, i)] = s->vectors[i];
        vectors[vector_of(p, set, i)].first += first_word;
    }
    for (int i = 0; i < 2; i++)
        memcpy(ports + PDTT_POLICY_PORTS_AT((size_t)set, PDTT_POLICY_REMOTE_PORT + i), s->ports[i],
               65536 * sizeof(*s->ports[i]));
}

static void fill_rules(const struct policies *p, int set, const struct policy_set *s, const struct entry *entries)
{
    struct pdtt_policy *rules = rules_of(p, set);
    size_t n_rows = p->room / PDTT_POLICY_WORD;

    memset(rules_of(p, set), 0, p->room * sizeof(*rules));
    memset(rows_of(p, set), 0, n_rows * sizeof(struct pdtt_policy_row));
    memcpy(rows_of(p, set), s->rows, s->words * sizeof(struct pdtt_policy_row));
    for (uint32_t rule = 0; rule < s->n; rule++) {
        rules[rule] = s->policies[rule];
        rules[rule].index = s->rules[rule].index;
        rules[rule].id = entries[rules[rule].index].id;
    }
}

static void fill_head(const struct policies *p, int set, const struct policy_set *s)
{
    struct pdtt_policy_head *head = head_of(p, set), before = *head;
    uint64_t generation =
        head_of(p, 0)->generation > head_of(p, 1)->generation ? head_of(p, 0)->generation : head_of(p, 1)->generation;

    *head = s->head;
    memcpy(head->renewed_ns, before.renewed_ns, sizeof(head->renewed_ns));
    head->generation = generation + 1;
    head->first_row = (uint32_t)set * p->room / PDTT_POLICY_WORD;
    head->first_vector = (uint32_t)set * PDTT_POLICY_VECTORS(p->room);
    for (int d = 0; d < 2; d++)
        head->direction[d] = vector_of(p, set, s->head.direction[d]);
}

int policies_fill(const struct policies *p, int set, const struct policy_set *s, const struct entry *entries)
{
    int r = clear_keys(p, set);

    if (r == 0)
        r = fill_keys(p, set, s);
    if (r < 0)
        return r;
    fill_vectors(p, set, s);
    fill_rules(p, set, s, entries);
    fill_head(p, set, s);
    return 0;
}
