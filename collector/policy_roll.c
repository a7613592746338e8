#include "collector/policy_roll.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/json_text.h"
#include "sql/store.h"

#include <string.h>

static const char *const origin_words[] = {
    [POLICY_OF_CONNECTION] = STORE_POLICY_CONNECTION,
    [POLICY_OF_CONFIG] = "config",
    [POLICY_GIVEN] = STORE_POLICY_PDTTCTL,
};

/* ---- the list ---- */

static int make_room(struct policy_roll *roll)
{
    size_t capacity = roll->capacity ? roll->capacity * 2 : 16;
    struct policy_entry *v;

    if (roll->n < roll->capacity)
        return 0;
    if (roll->n >= POLICIES_MAX)
        return -E2BIG;
    v = reallocarray(roll->v, capacity, sizeof(*v));
    if (!v)
        return -ENOMEM;
    roll->v = v;
    roll->capacity = capacity;
    return 0;
}

int policy_roll_add(struct policy_roll *roll, struct policy *policy, enum policy_origin origin, int64_t since_sec)
{
    int r = make_room(roll);
    size_t at = roll->n;

    if (r < 0) {
        policy_done(policy);
        return r;
    }
    while (at > 0 && roll->v[at - 1].origin > origin)
        at--;
    memmove(&roll->v[at + 1], &roll->v[at], (roll->n - at) * sizeof(*roll->v));
    roll->v[at] = (struct policy_entry){.policy = *policy, .origin = origin, .since_sec = since_sec};
    roll->n++;
    return 0;
}

static int add_copy(struct policy_roll *roll, const struct policy *policy, enum policy_origin origin, int64_t since_sec)
{
    struct policy copy;
    int r = policy_copy(policy, &copy);

    return r < 0 ? r : policy_roll_add(roll, &copy, origin, since_sec);
}

int policy_roll_add_from(struct policy_roll *roll, const struct policy_roll *from, enum policy_origin origin)
{
    int r = 0;

    for (size_t i = 0; i < from->n && r == 0; i++)
        if (from->v[i].origin == origin)
            r = add_copy(roll, &from->v[i].policy, origin, from->v[i].since_sec);
    return r;
}

int policy_roll_add_list(struct policy_roll *roll, const struct policy_list *list, enum policy_origin origin,
                         int64_t since_sec)
{
    int r = 0;

    for (size_t i = 0; i < list->n && r == 0; i++)
        r = add_copy(roll, &list->v[i], origin, since_sec);
    return r;
}

struct policy_entry *policy_roll_find(const struct policy_roll *roll, const char *name)
{
    for (size_t i = 0; i < roll->n; i++)
        if (strcmp(roll->v[i].policy.name, name) == 0)
            return &roll->v[i];
    return NULL;
}

static void entry_done(struct policy_entry *entry)
{
    policy_done(&entry->policy);
    free(entry->never);
}

void policy_roll_remove(struct policy_roll *roll, struct policy_entry *entry)
{
    size_t at = (size_t)(entry - roll->v);

    entry_done(entry);
    memmove(entry, entry + 1, (roll->n - at - 1) * sizeof(*entry));
    roll->n--;
}

void policy_roll_done(struct policy_roll *roll)
{
    for (size_t i = 0; i < roll->n; i++)
        entry_done(&roll->v[i]);
    free(roll->v);
    *roll = (struct policy_roll){0};
}

struct policy *policy_roll_policies(const struct policy_roll *roll)
{
    struct policy *policies = calloc(roll->n ? roll->n : 1, sizeof(*policies));

    for (size_t i = 0; policies && i < roll->n; i++)
        policies[i] = roll->v[i].policy;
    return policies;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(const struct policy_entry *const *)a)->policy.name,
                  (*(const struct policy_entry *const *)b)->policy.name);
}

const struct policy_entry **policy_roll_by_name(const struct policy_roll *roll)
{
    const struct policy_entry **sorted = calloc(roll->n ? roll->n : 1, sizeof(*sorted));

    for (size_t i = 0; sorted && i < roll->n; i++)
        sorted[i] = &roll->v[i];
    if (sorted && roll->n)
        qsort(sorted, roll->n, sizeof(*sorted), compare_names);
    return sorted;
}

static int compare_to_name(const void *name, const void *entry)
{
    return strcmp(name, (*(const struct policy_entry *const *)entry)->policy.name);
}

int64_t policy_roll_since(const struct policy_entry **by_name, size_t n, const char *name)
{
    const struct policy_entry **found = n ? bsearch(name, by_name, n, sizeof(*by_name), compare_to_name) : NULL;

    return found ? (*found)->since_sec : clock_realtime_sec();
}

int policy_roll_find_twice(const struct policy_roll *roll, const char **ret_name)
{
    cleanup_free const struct policy_entry **sorted = policy_roll_by_name(roll);

    *ret_name = NULL;
    if (!sorted)
        return -ENOMEM;
    for (size_t i = 1; i < roll->n && !*ret_name; i++)
        if (strcmp(sorted[i - 1]->policy.name, sorted[i]->policy.name) == 0)
            *ret_name = sorted[i]->policy.name;
    return 0;
}

/* ---- kept over restarts ---- */

static int put_words(const struct policy_roll *roll, struct store_kept_policy *kept, char **words, size_t *ret_n)
{
    size_t n = 0;

    for (size_t i = 0; i < roll->n; i++) {
        const struct policy_entry *e = &roll->v[i];

        if (e->origin == POLICY_OF_CONFIG)
            continue;
        words[n] = policy_format(&e->policy);
        if (!words[n])
            return -ENOMEM;
        kept[n] = (struct store_kept_policy){e->policy.name, words[n], origin_words[e->origin], e->since_sec};
        n++;
    }
    *ret_n = n;
    return 0;
}

int policy_roll_keep(const struct policy_roll *roll, struct store *store)
{
    cleanup_free struct store_kept_policy *kept = calloc(roll->n + 1, sizeof(*kept));
    cleanup_free char **words = calloc(roll->n + 1, sizeof(*words));
    size_t n = 0;
    int r = kept && words ? put_words(roll, kept, words, &n) : -ENOMEM;

    if (r == 0)
        r = store_keep_policies(store, kept, n);
    for (size_t i = 0; words && i < roll->n; i++)
        free(words[i]);
    return r;
}

struct loading {
    struct policy_roll *roll;
    char *fault;
};

static int load_one(const struct store_kept_policy *kept, void *userdata)
{
    struct loading *l = userdata;
    cleanup_free char *why = NULL;
    struct policy policy;
    int r = policy_parse(kept->words, &policy, &why);

    if (r == -EINVAL && !l->fault && asprintf(&l->fault, "policy '%s': %s", kept->name, why) < 0)
        l->fault = NULL;
    if (r < 0)
        return r == -EINVAL ? 0 : r;
    return policy_roll_add(l->roll, &policy,
                           strcmp(kept->origin, STORE_POLICY_CONNECTION) == 0 ? POLICY_OF_CONNECTION : POLICY_GIVEN,
                           kept->since_sec);
}

int policy_roll_load(struct policy_roll *roll, struct store *store, char **ret_fault)
{
    struct loading l = {.roll = roll};
    int r = store_query_kept_policies(store, load_one, &l);

    *ret_fault = l.fault;
    return r;
}

/* ---- told ---- */

json_t *policy_entry_json(const struct policy_entry *e)
{
    cleanup_free char *words = policy_format(&e->policy);
    json_t *ret =
        json_pack("{s:o, s:s, s:I, s:o, s:o, s:b, s:b}", "name", json_text_or_null(e->policy.name), "origin",
                  origin_words[e->origin], "since", (json_int_t)e->since_sec, "words", json_text_or_null(words),
                  "never", json_text_or_null(e->never), "off", e->off, "door", e->door);

    for (size_t i = 1; ret && policy_key_name(i); i++) {
        cleanup_free char *value = policy_key_value(i, &e->policy);

        if (value)
            json_object_set_new(ret, policy_key_name(i), json_text_or_null(value));
    }
    return ret;
}
