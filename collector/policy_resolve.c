#include "collector/policy_resolve.h"

#include "common/cleanup.h"
#include "common/clock.h"

#include <search.h>
#include <string.h>

#define REFRESH_NS (600 * NSEC_PER_SEC)
#define RETRY_NS   (30 * NSEC_PER_SEC)
#define NAMES_MOST 65536 /* that are remembered; policies of other names match nothing */

struct name {
    char *text;
    bool group, known, asked, answered, told;
    uint32_t id;
    int64_t due_ns;
};

struct policy_resolve {
    struct names *names;
    struct rules *rules;
    struct store *store;
    const struct config *config;
    struct policy_names callbacks;
    struct name **v; /* in the order in which they were first asked for */
    size_t n, capacity;
    void *by_text; /* tsearch(3) of them by kind and text */
};

static int compare(const void *a, const void *b)
{
    const struct name *x = a, *y = b;

    return x->group != y->group ? (int)x->group - (int)y->group : strcmp(x->text, y->text);
}

static struct name *find(const struct policy_resolve *p, bool group, const char *text)
{
    struct name wanted = {.text = (char *)text, .group = group}, **found = tfind(&wanted, &p->by_text, compare);

    return found ? *found : NULL;
}

static int make_room(struct policy_resolve *p)
{
    size_t capacity = p->capacity ? 2 * p->capacity : 16;
    struct name **v;

    if (p->n < p->capacity)
        return 0;
    if (p->n >= NAMES_MOST)
        return -E2BIG;
    v = reallocarray(p->v, capacity, sizeof(*v));
    if (!v)
        return -ENOMEM;
    p->v = v;
    p->capacity = capacity;
    return 0;
}

static struct name *add(struct policy_resolve *p, bool group, const char *text)
{
    struct name *name = make_room(p) == 0 ? calloc(1, sizeof(*name)) : NULL;

    if (!name)
        return NULL;
    *name = (struct name){.text = strdup(text), .group = group};
    if (!name->text || !tsearch(name, &p->by_text, compare)) {
        free(name->text);
        free(name);
        return NULL;
    }
    return p->v[p->n++] = name;
}

/* ---- users and groups ---- */

static void ask(struct policy_resolve *p, struct name *name, int64_t now_ns)
{
    int (*find_id)(struct names *, const char *) = name->group ? names_find_group : names_find_user;

    if (name->asked || (name->answered && now_ns < name->due_ns))
        return;
    name->asked = find_id(p->names, name->text) == 0;
}

/* 4294967295 is (uid_t)-1, which nobody has. */
static bool is_number(const char *text, uint32_t *ret_id)
{
    size_t n = strspn(text, "0123456789");
    unsigned long long id = n > 0 && n <= 10 && !text[n] ? strtoull(text, NULL, 10) : UINT32_MAX;

    *ret_id = (uint32_t)id;
    return id < UINT32_MAX;
}

static int resolve(struct policy_resolve *p, bool group, const char *text, uint32_t *ret_id)
{
    struct name *name;

    if (is_number(text, ret_id))
        return 0;
    name = find(p, group, text);
    if (!name)
        name = add(p, group, text);
    if (!name)
        return -ENOENT;
    ask(p, name, clock_boottime_ns());
    *ret_id = name->id;
    return name->known ? 0 : -ENOENT;
}

static int user(const char *name, uint32_t *ret_uid, void *userdata)
{
    return resolve(userdata, false, name, ret_uid);
}

static int group(const char *name, uint32_t *ret_gid, void *userdata)
{
    return resolve(userdata, true, name, ret_gid);
}

void policy_resolve_ask(struct policy_resolve *p, int64_t now_ns)
{
    for (size_t i = 0; i < p->n; i++)
        ask(p, p->v[i], now_ns);
}

bool policy_resolve_take_answer(struct policy_resolve *p, const struct names_answer *answer, int64_t now_ns)
{
    bool of_name = answer->kind == NAMES_UID || answer->kind == NAMES_GID, changed;
    struct name *name = of_name ? find(p, answer->kind == NAMES_GID, answer->name) : NULL;

    if (!name)
        return false;
    name->asked = false;
    name->answered = true;
    name->due_ns = now_ns + (answer->error == 0 ? REFRESH_NS : RETRY_NS);
    if (answer->error != 0 && answer->error != -ENOENT)
        return false;
    changed = name->known != (answer->error == 0) || (name->known && name->id != answer->id);
    name->known = answer->error == 0;
    name->id = answer->id;
    name->told = name->told && !name->known;
    return changed;
}

void policy_resolve_ask_of(struct policy_resolve *p, const struct policy_roll *roll)
{
    uint32_t id;

    for (size_t i = 0; i < roll->n; i++) {
        if (roll->v[i].policy.user)
            resolve(p, false, roll->v[i].policy.user, &id);
        if (roll->v[i].policy.group)
            resolve(p, true, roll->v[i].policy.group, &id);
    }
}

size_t policy_resolve_unanswered(const struct policy_resolve *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n; i++)
        n += !p->v[i]->answered && p->v[i]->asked;
    return n;
}

const char *policy_resolve_tell_unknown(struct policy_resolve *p, bool *ret_group)
{
    for (size_t i = 0; i < p->n; i++) {
        struct name *name = p->v[i];

        if (name->known || name->told || !name->answered)
            continue;
        name->told = true;
        *ret_group = name->group;
        return name->text;
    }
    return NULL;
}

/* ---- classes, units, projects ---- */

static int class_id(const char *name, uint32_t *ret_class, void *userdata)
{
    struct policy_resolve *p = userdata;
    int64_t id;
    int r;

    if (!config_has_class(p->config, name))
        return -ENOENT;
    r = store_sync_classes(p->store, &name, 1, &id); /* which gives a name its id for ever */
    if (r == 0)
        *ret_class = (uint32_t)id;
    return r;
}

static int units(const char *unit, policy_add_unit_fn add_unit, void *adder, void *userdata)
{
    struct policy_resolve *p = userdata;

    return rules_each_unit(p->rules, unit, add_unit, adder);
}

struct adding {
    policy_add_member_fn add;
    void *adder;
};

static int add_member(enum projects_key key, uint32_t id, const char *project, void *userdata)
{
    static const enum policy_member kinds[] = {[PROJECTS_UNIT] = POLICY_MEMBER_UNIT,
                                               [PROJECTS_USER] = POLICY_MEMBER_USER,
                                               [PROJECTS_GROUP] = POLICY_MEMBER_GROUP};
    const struct adding *a = userdata;

    return a->add(kinds[key], id, project, a->adder);
}

/* A group whose project has no rule is a project of its own: all groups that policies may mean so have been asked for. */
static int members(policy_add_member_fn add_fn, void *adder, void *userdata)
{
    struct policy_resolve *p = userdata;
    struct adding a = {add_fn, adder};
    int r = rules_each_member(p->rules, add_member, &a);

    for (size_t i = 0; i < p->n && r == 0; i++)
        if (p->v[i]->group && p->v[i]->known)
            r = add_fn(POLICY_MEMBER_GROUP, p->v[i]->id, p->v[i]->text, adder);
    return r;
}

/* ---- what is not known ---- */

static bool is_unknown(const struct policy_resolve *p, bool group, const char *text)
{
    const struct name *name = text ? find(p, group, text) : NULL;

    return name && name->answered && !name->known;
}

/* Units come and go: that one is not there now is no mistake. */
static char *unknown(const struct policy *policy, void *userdata)
{
    struct policy_resolve *p = userdata;
    char *ret = NULL;
    int n = 0;

    if (is_unknown(p, false, policy->user))
        n = asprintf(&ret, "no user '%s' is known here", policy->user);
    else if (is_unknown(p, true, policy->group))
        n = asprintf(&ret, "no group '%s' is known here", policy->group);
    else if (policy->class_name && !config_has_class(p->config, policy->class_name))
        n = asprintf(&ret, "no class '%s' is configured", policy->class_name);
    else if (policy->project && !config_has_project(p->config, policy->project) && is_unknown(p, true, policy->project))
        n = asprintf(&ret, "no rule and no group here has the name of project '%s'", policy->project);
    return n < 0 ? NULL : ret;
}

/* ---- the life of it ---- */

int policy_resolve_new(struct names *names, struct rules *rules, struct policy_resolve **ret)
{
    struct policy_resolve *p = calloc(1, sizeof(*p));

    if (!p)
        return -ENOMEM;
    *p = (struct policy_resolve){
        .names = names,
        .rules = rules,
        .callbacks = {.user = user,
                      .group = group,
                      .class_id = class_id,
                      .units = units,
                      .members = members,
                      .unknown = unknown},
    };
    p->callbacks.userdata = p;
    *ret = p;
    return 0;
}

static void keep_name(void *name) {}

struct policy_resolve *policy_resolve_free(struct policy_resolve *p)
{
    if (!p)
        return NULL;
    tdestroy(p->by_text, keep_name);
    for (size_t i = 0; i < p->n; i++) {
        free(p->v[i]->text);
        free(p->v[i]);
    }
    free(p->v);
    free(p);
    return NULL;
}

void policy_resolve_use(struct policy_resolve *p, struct store *store, const struct config *config)
{
    p->store = store;
    p->config = config;
}

void policy_resolve_expect(struct policy_resolve *p, const struct policy_roll *roll)
{
    uint32_t id;

    for (size_t i = 0; i < roll->n; i++)
        if (roll->v[i].policy.project)
            resolve(p, true, roll->v[i].policy.project, &id);
}

const struct policy_names *policy_resolve_names(struct policy_resolve *p)
{
    return &p->callbacks;
}
