#include "collector/policy_set_internal.h"

#include <errno.h>
#include <stdlib.h>

static int allocate(struct policy_set *s)
{
    s->rules = calloc(s->n + 1, sizeof(*s->rules));
    s->rule_of = calloc(s->n + 1, sizeof(*s->rule_of));
    s->policies = calloc(s->n + 1, sizeof(*s->policies));
    s->rows = calloc(s->words + 1, sizeof(*s->rows));
    s->vectors = calloc(PDTT_POLICY_VECTORS(s->room), sizeof(*s->vectors));
    s->pool = calloc(PDTT_POLICY_POOL(s->room), sizeof(*s->pool));
    s->interned = calloc(policy_set_hash_size(s->room), sizeof(*s->interned));
    s->networks = calloc(3 * (size_t)s->n + 1, sizeof(*s->networks));
    for (int i = 0; i < 2; i++)
        s->ports[i] = calloc(65536, sizeof(*s->ports[i]));
    return s->rules && s->rule_of && s->policies && s->rows && s->vectors && s->pool && s->interned && s->networks &&
                   s->ports[0] && s->ports[1]
               ? 0
               : -ENOMEM;
}

int policy_set_new(const struct policy *list, size_t n, const struct policy_names *names, uint32_t room,
                   struct policy_set **ret_set)
{
    struct policy_set *s = n > room || n > POLICIES_MAX ? NULL : calloc(1, sizeof(*s));
    int r;

    if (!s)
        return n > room || n > POLICIES_MAX ? -ENOSPC : -ENOMEM;
    s->n = (uint32_t)n;
    s->room = room;
    s->words = (s->n + 63) / 64;
    r = policy_set_refuse_duplicates(list, n);
    if (r == 0)
        r = allocate(s);
    if (r == 0)
        r = policy_set_take_rules(s, list, names);
    if (r == 0)
        r = policy_set_make_parts(s, names);
    if (r == 0) {
        policy_set_take_actions(s);
        r = policy_set_find_never(s);
    }
    if (r == 0)
        r = policy_set_find_door(s);
    if (r < 0) {
        policy_set_free(s);
        return r;
    }
    *ret_set = s;
    return 0;
}

struct policy_set *policy_set_free(struct policy_set *s)
{
    if (!s)
        return NULL;
    for (uint32_t i = 0; s->rules && i < s->n; i++)
        free(s->rules[i].units);
    free(s->rules);
    free(s->rule_of);
    free(s->policies);
    free(s->rows);
    free(s->vectors);
    free(s->pool);
    free(s->interned);
    free(s->networks);
    free(s->values);
    free(s->ports[0]);
    free(s->ports[1]);
    free(s->project_vectors);
    free(s->projects);
    free(s->never);
    free(s->at_door);
    free(s);
    return NULL;
}
