/*
 * From what the kernel calls an account to its row. Looked up in memory first: at 100,000 accounts an interval, a query
 * for each would take longer than writing the rows.
 */
#include <errno.h>
#include <string.h>

#include "sql/store_internal.h"

#define FIRST_ROOM  128    /* a power of two */
#define MOST_OTHERS 131072 /* 12 MB beside the largest interval; beyond it start over, most of them are of the past */

struct entry {
    struct account_key key;
    struct account account;
};

/* A project that a rule gave, by its name. */
struct rule_project {
    char *name;
    int64_t id;
};

struct accounts {
    /*
     * In the order of their arrival, which is sorted, as what is booked is: the next one to be asked for is nearly always
     * the one after the last, and lies beside it in memory.
     */
    struct entry *entries;
    size_t n_entries, room, next;
    size_t largest;  /* interval that was booked, in rows */
    uint32_t *slots; /* number of an entry plus 1, 0: free; twice the room */
    /*
     * The newest change of a name. Intervals that start before it (booked late, or the clock stepped) may belong to an
     * earlier person and are not looked up here.
     */
    int64_t newest_name_sec;
    bool newest_name_known;
    struct rule_project *projects; /* sorted by name */
    size_t n_projects;
};

struct accounts *accounts_new(void)
{
    return calloc(1, sizeof(struct accounts));
}

void accounts_forget(struct accounts *a)
{
    if (!a)
        return;
    free(a->entries);
    free(a->slots);
    for (size_t i = 0; i < a->n_projects; i++)
        free(a->projects[i].name);
    free(a->projects);
    *a = (struct accounts){0};
}

struct accounts *accounts_free(struct accounts *a)
{
    accounts_forget(a);
    free(a);
    return NULL;
}

/* SplitMix64's finaliser, over each field in turn. */
static uint64_t mix(uint64_t h, uint64_t value)
{
    h += value + UINT64_C(0x9e3779b97f4a7c15);
    h = (h ^ (h >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    h = (h ^ (h >> 27)) * UINT64_C(0x94d049bb133111eb);
    return h ^ (h >> 31);
}

static uint64_t hash_key(const struct account_key *k)
{
    uint64_t h = mix(mix(mix(mix(mix(0, k->uid), k->gid), k->unit), k->class_id), k->project);

    return mix(h, (uint64_t)k->protocol << 16 | (uint64_t)k->family << 8 | (uint64_t)k->kind);
}

static bool same_key(const struct account_key *a, const struct account_key *b)
{
    return a->uid == b->uid && a->gid == b->gid && a->unit == b->unit && a->class_id == b->class_id &&
           a->protocol == b->protocol && a->family == b->family && a->kind == b->kind && a->project == b->project;
}

/* The slot of key, or the free one where it belongs. At least one is free. */
static uint32_t *find_slot(const struct accounts *a, const struct account_key *key)
{
    size_t mask = 2 * a->room - 1, i = hash_key(key) & mask;

    while (a->slots[i] && !same_key(&a->entries[a->slots[i] - 1].key, key))
        i = (i + 1) & mask;
    return &a->slots[i];
}

static const struct account *recall(struct accounts *a, const struct account_key *key)
{
    if (!a->n_entries)
        return NULL;
    if (a->next == a->n_entries || !same_key(&a->entries[a->next].key, key)) {
        uint32_t slot = *find_slot(a, key);
        if (!slot)
            return NULL;
        a->next = slot - 1;
    }
    return &a->entries[a->next++].account;
}

static bool grow(struct accounts *a)
{
    size_t room = a->room ? 2 * a->room : FIRST_ROOM;
    struct entry *entries = realloc(a->entries, room * sizeof(*entries));

    if (!entries)
        return false;
    a->entries = entries;
    uint32_t *slots = calloc(2 * room, sizeof(*slots));
    if (!slots)
        return false;
    free(a->slots);
    a->slots = slots;
    a->room = room;
    for (size_t i = 0; i < a->n_entries; i++)
        *find_slot(a, &entries[i].key) = (uint32_t)i + 1;
    return true;
}

void accounts_expect(struct accounts *a, size_t n_rows)
{
    if (n_rows > a->largest)
        a->largest = n_rows;
}

/* Without memory nothing is remembered, which is slower and as right. */
static void remember(struct accounts *a, const struct account_key *key, const struct account *account)
{
    if (a->n_entries >= a->largest + MOST_OTHERS) {
        memset(a->slots, 0, 2 * a->room * sizeof(*a->slots));
        a->n_entries = a->next = 0;
    }
    if (a->n_entries == a->room && !grow(a))
        return;
    a->entries[a->n_entries] = (struct entry){.key = *key, .account = *account};
    *find_slot(a, key) = (uint32_t)++a->n_entries;
    a->next = a->n_entries;
}

static int learn_newest_name(struct store *s)
{
    struct accounts *a = s->accounts;

    if (a->newest_name_known)
        return 0;
    int r = statement_get_int(s, STATEMENT_NEWEST_NAME, NO_BINDS, &a->newest_name_sec);
    a->newest_name_known = r > 0;
    return r < 0 ? r : 0;
}

static int find_in_tables(struct store *s, const struct account_key *k, int64_t start_sec, struct account *ret)
{
    struct account account = {.project = k->project};
    int r = person_find(s, PERSON_USER, k->uid, start_sec, &account.user);

    if (r == 0 && !k->project)
        r = person_find(s, PERSON_PROJECT, k->gid, start_sec, &account.project);
    if (r < 0)
        return r;
    const struct bind binds[] = {
        BIND_INT(k->uid),       BIND_INT(k->gid),          BIND_INT(k->unit),
        BIND_INT(account.user), BIND_INT(account.project), BIND_INT(k->class_id),
        BIND_INT(k->protocol),  BIND_INT(k->family),       BIND_INT(k->kind),
    };
    r = statement_get_int(s, STATEMENT_ACCOUNT_FIND, binds, array_length(binds), &account.id);
    if (r == 0)
        r = statement_get_int(s, STATEMENT_ACCOUNT_INSERT, binds, array_length(binds), &account.id);
    if (r < 0)
        return r;
    *ret = account;
    return 0;
}

int accounts_find(struct store *s, const struct account_key *key, int64_t start_sec, struct account *ret)
{
    struct accounts *a = s->accounts;
    int r = learn_newest_name(s);

    if (r < 0)
        return r;
    bool current = start_sec >= a->newest_name_sec;
    const struct account *known = current ? recall(a, key) : NULL;
    if (known) {
        *ret = *known;
        return 0;
    }
    r = find_in_tables(s, key, start_sec, ret);
    if (r == 0 && current)
        remember(a, key, ret);
    return r;
}

/* Where the project of that name is, or belongs. */
static size_t place_of_project(const struct accounts *a, const char *name)
{
    size_t low = 0, high = a->n_projects;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(a->projects[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int remember_project(struct accounts *a, size_t place, const char *name, int64_t id)
{
    struct rule_project *projects = realloc(a->projects, (a->n_projects + 1) * sizeof(*projects));

    if (!projects)
        return -ENOMEM;
    a->projects = projects;
    char *copy = strdup(name);
    if (!copy)
        return -ENOMEM;
    memmove(&projects[place + 1], &projects[place], (a->n_projects - place) * sizeof(*projects));
    projects[place] = (struct rule_project){copy, id};
    a->n_projects++;
    return 0;
}

int accounts_find_project(struct store *s, const char *name, int64_t start_sec, int64_t *ret_id)
{
    struct accounts *a = s->accounts;
    size_t place = place_of_project(a, name);

    if (place < a->n_projects && strcmp(a->projects[place].name, name) == 0) {
        *ret_id = a->projects[place].id;
        return 0;
    }
    int r = person_find_rule_project(s, name, start_sec, ret_id);
    if (r == 0 && remember_project(a, place, name, *ret_id) < 0)
        r = store_fail(s, -ENOMEM, "out of memory");
    return r;
}
