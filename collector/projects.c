#include "collector/projects.h"

#include "common/cleanup.h"
#include "common/clock.h"

#include <fnmatch.h>
#include <search.h>
#include <string.h>

#define REFRESH_NS (600 * NSEC_PER_SEC)
#define RETRY_NS   (30 * NSEC_PER_SEC)

/* Jobs come and go for years; the paths of older ones are asked for again. */
#define MAX_UNITS 65536

/* A user or group of a rule. */
struct name {
    const char *text;
    uint32_t rule;
    enum projects_key key;
    bool is_number; /* needs no answer, ever */
    bool known;
    bool asked;    /* an answer is out */
    bool answered; /* once at least */
    bool told;
    uint32_t id;
    int64_t due_ns;
};

/* From an id to its name's index, sorted by id; of several names of one id the rule that stands first wins. */
struct id_entry {
    uint32_t id, name;
};

struct index {
    struct id_entry *entries;
    size_t n;
};

struct unit {
    uint32_t number; /* first: compared */
    uint32_t rule;   /* NO_RULE: none names it */
    const char *pattern;
};
#define NO_RULE UINT32_MAX

struct projects {
    const struct config *config;
    struct name *names; /* users and groups in the order of the file */
    size_t n_names;
    struct index users, groups;
    void *by_text; /* tsearch(3) of names by kind and text */
    void *units;   /* tsearch(3) of struct unit */
    size_t n_units;
};

/* ---- building ---- */

static int compare_names(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    return x->key != y->key ? (int)x->key - (int)y->key : strcmp(x->text, y->text);
}
static void keep_name(void *name) {}

static struct name *find_name(const struct projects *p, enum projects_key key, const char *text)
{
    struct name wanted = {.text = text, .key = key}, **found = tfind(&wanted, &p->by_text, compare_names);
    return found ? *found : NULL;
}

/* An id written as such; 4294967295 is (uid_t)-1, which nobody has. */
static bool parse_id(const char *text, uint32_t *ret_id)
{
    size_t n = strspn(text, "0123456789");
    unsigned long long id = n > 0 && n <= 10 && !text[n] ? strtoull(text, NULL, 10) : UINT32_MAX;

    if (id >= UINT32_MAX)
        return false;
    *ret_id = (uint32_t)id;
    return true;
}

static int add_names(struct projects *p, uint32_t rule, enum projects_key key, const struct config_texts *texts,
                     const struct projects *before)
{
    for (size_t i = 0; i < texts->n; i++) {
        struct name *name = &p->names[p->n_names++];
        const struct name *old = before ? find_name(before, key, texts->v[i]) : NULL;

        *name = (struct name){.text = texts->v[i], .rule = rule, .key = key};
        name->is_number = name->known = parse_id(name->text, &name->id);
        if (old && !name->is_number) {
            name->known = old->known;
            name->id = old->id;
        }
        if (!tsearch(name, &p->by_text, compare_names))
            return -ENOMEM;
    }
    return 0;
}

static int compare_ids(const void *a, const void *b)
{
    const struct id_entry *x = a, *y = b;
    return x->id != y->id ? (x->id < y->id ? -1 : 1) : x->name < y->name ? -1 : x->name > y->name;
}

static void build_index(const struct projects *p, enum projects_key key, struct index *index)
{
    index->n = 0;
    for (size_t i = 0; i < p->n_names; i++)
        if (p->names[i].key == key && p->names[i].known)
            index->entries[index->n++] = (struct id_entry){p->names[i].id, (uint32_t)i};
    qsort(index->entries, index->n, sizeof(*index->entries), compare_ids);
}

static int build(struct projects *p, const struct projects *before)
{
    const struct config *c = p->config;
    size_t n = 0;
    int r = 0;

    for (size_t i = 0; i < c->n_projects; i++)
        n += c->projects[i].users.n + c->projects[i].groups.n;
    p->names = calloc(n + 1, sizeof(*p->names));
    p->users.entries = calloc(n + 1, sizeof(*p->users.entries));
    p->groups.entries = calloc(n + 1, sizeof(*p->groups.entries));
    if (!p->names || !p->users.entries || !p->groups.entries)
        return -ENOMEM;
    for (size_t i = 0; i < c->n_projects && r == 0; i++) {
        r = add_names(p, (uint32_t)i, PROJECTS_USER, &c->projects[i].users, before);
        if (r == 0)
            r = add_names(p, (uint32_t)i, PROJECTS_GROUP, &c->projects[i].groups, before);
    }
    build_index(p, PROJECTS_USER, &p->users);
    build_index(p, PROJECTS_GROUP, &p->groups);
    return r;
}

int projects_new(const struct config *config, const struct projects *before, struct projects **ret_projects)
{
    struct projects *p = calloc(1, sizeof(*p));

    if (!p)
        return -ENOMEM;
    p->config = config;
    int r = build(p, before);
    if (r < 0) {
        projects_free(p);
        return r;
    }
    *ret_projects = p;
    return 0;
}

static void forget_units(struct projects *p)
{
    tdestroy(p->units, free);
    p->units = NULL;
    p->n_units = 0;
}

struct projects *projects_free(struct projects *p)
{
    if (!p)
        return NULL;
    forget_units(p);
    tdestroy(p->by_text, keep_name);
    free(p->names);
    free(p->users.entries);
    free(p->groups.entries);
    free(p);
    return NULL;
}

/* ---- names ---- */

void projects_ask(struct projects *p, int64_t now_ns, projects_ask_fn ask, void *userdata)
{
    for (size_t i = 0; i < p->n_names; i++) {
        struct name *name = &p->names[i];

        if (name->is_number || name->asked || (name->answered && now_ns < name->due_ns))
            continue;
        if (ask(name->key, name->text, userdata) < 0)
            return; /* no room for more questions: the rest is due next time as well */
        name->asked = true;
    }
}

void projects_answer(struct projects *p, enum projects_key key, const char *text, int error, uint32_t id,
                     int64_t now_ns)
{
    struct name *name = find_name(p, key, text);

    if (!name || name->is_number)
        return;
    name->asked = false;
    name->answered = true;
    if (error == 0 || error == -ENOENT) {
        bool changed = name->known != (error == 0) || (error == 0 && name->id != id);

        name->known = error == 0;
        name->id = id;
        name->told = name->told && !name->known;
        if (changed)
            build_index(p, key, key == PROJECTS_USER ? &p->users : &p->groups);
    }
    name->due_ns = now_ns + (error == 0 ? REFRESH_NS : RETRY_NS);
}

size_t projects_unanswered(const struct projects *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n_names; i++)
        n += !p->names[i].is_number && !p->names[i].answered;
    return n;
}

bool projects_tell_unknown(struct projects *p, struct projects_match *ret_match)
{
    for (size_t i = 0; i < p->n_names; i++) {
        struct name *name = &p->names[i];

        if (name->known || name->told)
            continue;
        name->told = true;
        *ret_match = (struct projects_match){&p->config->projects[name->rule], name->key, name->text};
        return true;
    }
    return false;
}

/* ---- units ---- */

bool projects_match_unit(const struct projects *p, const char *path, struct projects_match *ret_match)
{
    for (size_t i = 0; i < p->config->n_projects; i++) {
        const struct config_project *rule = &p->config->projects[i];

        for (size_t k = 0; k < rule->units.n; k++)
            if (fnmatch(rule->units.v[k], path, FNM_PATHNAME) == 0) {
                *ret_match = (struct projects_match){rule, PROJECTS_UNIT, rule->units.v[k]};
                return true;
            }
    }
    return false;
}

static int compare_units(const void *a, const void *b)
{
    const struct unit *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

static const struct unit *find_unit(const struct projects *p, uint32_t number)
{
    struct unit wanted = {.number = number}, **found = tfind(&wanted, &p->units, compare_units);
    return found ? *found : NULL;
}

bool projects_knows_unit(const struct projects *p, uint32_t unit)
{
    return find_unit(p, unit) != NULL;
}

/* A policy may name a unit within that of a project, to which it belongs all the same. */
static bool match_within(const struct projects *p, const char *path, struct projects_match *ret_match)
{
    cleanup_free char *copy = strdup(path);

    for (char *slash; copy && *copy; *slash = '\0') {
        if (projects_match_unit(p, copy, ret_match))
            return true;
        slash = strrchr(copy, '/');
        if (!slash)
            break;
    }
    return false;
}

int projects_note_unit(struct projects *p, uint32_t number, const char *path)
{
    struct projects_match match;

    if (find_unit(p, number))
        return 0;
    if (p->n_units >= MAX_UNITS)
        forget_units(p);
    struct unit *unit = malloc(sizeof(*unit));
    if (!unit)
        return -ENOMEM;
    *unit = (struct unit){.number = number, .rule = NO_RULE};
    if (match_within(p, path, &match)) {
        unit->rule = (uint32_t)(match.rule - p->config->projects);
        unit->pattern = match.text;
    }
    if (!tsearch(unit, &p->units, compare_units)) {
        free(unit);
        return -ENOMEM;
    }
    p->n_units++;
    return 0;
}

struct telling {
    const struct projects *p;
    projects_member_fn fn;
    void *userdata;
    int r;
};

static void tell_unit(const void *node, VISIT visit, void *closure)
{
    const struct unit *unit = *(const struct unit *const *)node;
    struct telling *t = closure;

    if ((visit == postorder || visit == leaf) && t->r == 0 && unit->rule != NO_RULE)
        t->r = t->fn(PROJECTS_UNIT, unit->number, t->p->config->projects[unit->rule].name, t->userdata);
}

int projects_each_member(const struct projects *p, projects_member_fn fn, void *userdata)
{
    struct telling t = {.p = p, .fn = fn, .userdata = userdata};

    twalk_r(p->units, tell_unit, &t);
    for (size_t i = 0; i < p->n_names && t.r == 0; i++)
        if (p->names[i].known)
            t.r = fn(p->names[i].key, p->names[i].id, p->config->projects[p->names[i].rule].name, userdata);
    return t.r;
}

const char **projects_unit_patterns(const struct projects *p, size_t *ret_n)
{
    size_t n = 0;

    for (size_t i = 0; i < p->config->n_projects; i++)
        n += p->config->projects[i].units.n;
    const char **patterns = calloc(n + 1, sizeof(*patterns));
    *ret_n = 0;
    for (size_t i = 0; patterns && i < p->config->n_projects; i++)
        for (size_t k = 0; k < p->config->projects[i].units.n; k++)
            patterns[(*ret_n)++] = p->config->projects[i].units.v[k];
    return patterns;
}

/* ---- the answer ---- */

static bool find_id(const struct projects *p, const struct index *index, int64_t id, struct projects_match *ret_match)
{
    size_t low = 0, high = index->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (index->entries[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == index->n || index->entries[low].id != id)
        return false;
    const struct name *name = &p->names[index->entries[low].name];
    *ret_match = (struct projects_match){&p->config->projects[name->rule], name->key, name->text};
    return true;
}

bool projects_find(const struct projects *p, uint32_t unit, int64_t uid, int64_t gid, struct projects_match *ret_match)
{
    const struct unit *u = unit ? find_unit(p, unit) : NULL;

    if (u && u->rule != NO_RULE) {
        *ret_match = (struct projects_match){&p->config->projects[u->rule], PROJECTS_UNIT, u->pattern};
        return true;
    }
    return find_id(p, &p->users, uid, ret_match) || find_id(p, &p->groups, gid, ret_match);
}
