/* From policies to rules: which order they are in and which bit each has, whom their names mean now, and what each does. */
#include "collector/policy_set_internal.h"

#include "common/cleanup.h"
#include "common/policy_values.h"

#include <string.h>
#include <sys/socket.h>

#define NSEC_PER_SEC     1000000000ULL
#define LONGEST_BURST_NS (60 * NSEC_PER_SEC)
#define SUPER_PACKET     65536 /* bytes, the largest there is */
#define MARKING_NS       (20 * NSEC_PER_SEC / 1000)

static bool is_host(const struct policy_network *network)
{
    return network->family && network->prefix == (network->family == AF_INET6 ? 128 : 32);
}

static bool is_exact(const struct policy *p)
{
    return is_host(&p->remote) && is_host(&p->local) && p->remote_ports.first == p->remote_ports.last &&
           p->local_ports.first == p->local_ports.last && p->protocol >= 0;
}

static int compare_precedence(const void *a, const void *b)
{
    const struct policy_rule *x = a, *y = b;
    int exact = is_exact(&y->p) - is_exact(&x->p);

    if (exact)
        return exact;
    if (x->p.priority != y->p.priority)
        return x->p.priority > y->p.priority ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

/* The parts that a policy names, and of which value; observers last. */
static uint64_t kind_of(const struct policy *p)
{
    bool any_remote = p->remote_ports.first == 0 && p->remote_ports.last == UINT16_MAX;
    bool any_local = p->local_ports.first == 0 && p->local_ports.last == UINT16_MAX;
    uint64_t kind = p->action == POLICY_OBSERVE;

    kind = kind << 8 | p->remote.family;
    kind = kind << 8 | p->local.family;
    kind = kind << 2 | (uint64_t)p->direction;
    kind = kind << 9 | (uint64_t)(p->protocol + 1);
    kind = kind << 2 | any_remote << 1 | any_local;
    kind = kind << 5 | !!p->user << 4 | !!p->group << 3 | !!p->project << 2 | !!p->unit << 1 | !!p->class_name;
    return kind;
}

static int compare_kinds(const void *a, const void *b)
{
    const struct policy_rule *x = a, *y = b;
    uint64_t kind_x = kind_of(&x->p), kind_y = kind_of(&y->p);

    if (kind_x != kind_y)
        return kind_x < kind_y ? -1 : 1;
    return x->rank < y->rank ? -1 : 1;
}

static int compare_ranks(const void *a, const void *b)
{
    const struct policy_rule *x = a, *y = b;

    return x->rank < y->rank ? -1 : x->rank > y->rank;
}

/*
 * Gives each rule its bit. In a word of rules that name the same parts all parts agree with a packet or none does; in mixed words
 * one rule agrees in this part and another in that, and the summaries would tell nothing.
 */
static void arrange(struct policy_set *s)
{
    qsort(s->rules, s->n, sizeof(*s->rules), compare_precedence);
    for (uint32_t i = 0; i < s->n; i++)
        s->rules[i].rank = i;
    qsort(s->rules, s->n, sizeof(*s->rules), compare_kinds);
    for (uint32_t word = 0; word < s->words; word++) {
        uint32_t first = word * PDTT_POLICY_WORD, left = s->n - first;

        qsort(s->rules + first, left < PDTT_POLICY_WORD ? left : PDTT_POLICY_WORD, sizeof(*s->rules), compare_ranks);
    }
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int policy_set_refuse_duplicates(const struct policy *list, size_t n)
{
    cleanup_free const char **names = calloc(n + 1, sizeof(*names));

    if (!names)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        names[i] = list[i].name;
    qsort(names, n, sizeof(*names), compare_strings);
    for (size_t i = 1; i < n; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            return -EEXIST;
    return 0;
}

static int resolve_one(int (*find)(const char *, uint32_t *, void *), const char *name, void *userdata, int64_t *ret_id,
                       bool *lost)
{
    uint32_t id;
    int r;

    *ret_id = -1;
    if (!name)
        return 0;
    r = find ? find(name, &id, userdata) : -ENOENT;
    if (r == 0)
        *ret_id = id;
    else if (r == -ENOENT)
        *lost = true;
    return r == -ENOENT ? 0 : r;
}

static int add_unit(uint32_t unit, void *adder)
{
    struct policy_rule *rule = adder;

    if ((rule->n_units & (rule->n_units - 1)) == 0) {
        uint32_t *larger = reallocarray(rule->units, rule->n_units ? 2 * rule->n_units : 1, sizeof(*larger));
        if (!larger)
            return -ENOMEM;
        rule->units = larger;
    }
    rule->units[rule->n_units++] = unit;
    return 0;
}

static int resolve(struct policy_rule *rule, const struct policy_names *names)
{
    int r = resolve_one(names->user, rule->p.user, names->userdata, &rule->uid, &rule->lost);

    if (r == 0)
        r = resolve_one(names->group, rule->p.group, names->userdata, &rule->gid, &rule->lost);
    if (r == 0)
        r = resolve_one(names->class_id, rule->p.class_name, names->userdata, &rule->class_id, &rule->lost);
    if (r == 0 && rule->p.unit) {
        r = names->units ? names->units(rule->p.unit, add_unit, rule, names->userdata) : 0;
        rule->lost |= rule->n_units == 0;
    }
    return r;
}

int32_t policy_set_find_project(const struct policy_set *s, const char *name)
{
    const char **found = bsearch(&name, s->projects, s->n_projects, sizeof(*s->projects), compare_strings);

    return found ? (int32_t)(found - s->projects) : -1;
}

/* The projects that policies name, each once, and which one each policy names. */
static int number_projects(struct policy_set *s)
{
    s->projects = calloc(s->n + 1, sizeof(*s->projects));
    if (!s->projects)
        return -ENOMEM;
    for (uint32_t i = 0; i < s->n; i++)
        if (s->rules[i].p.project)
            s->projects[s->n_projects++] = s->rules[i].p.project;
    qsort(s->projects, s->n_projects, sizeof(*s->projects), compare_strings);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->n_projects; i++)
        if (i == 0 || strcmp(s->projects[kept - 1], s->projects[i]) != 0)
            s->projects[kept++] = s->projects[i];
    s->n_projects = kept;
    for (uint32_t i = 0; i < s->n; i++) {
        const char *project = s->rules[i].p.project;
        s->rules[i].project = project ? policy_set_find_project(s, project) : -1;
    }
    return 0;
}

int policy_set_take_rules(struct policy_set *s, const struct policy *list, const struct policy_names *names)
{
    int r = 0;

    for (uint32_t i = 0; i < s->n && r == 0; i++) {
        s->rules[i] = (struct policy_rule){.p = list[i], .index = i};
        r = resolve(&s->rules[i], names);
    }
    if (r < 0)
        return r;
    arrange(s);
    for (uint32_t i = 0; i < s->n; i++)
        s->rule_of[s->rules[i].index] = i;
    return number_projects(s);
}

static uint64_t time_of(uint64_t bytes, uint64_t rate)
{
    unsigned __int128 ns = (unsigned __int128)bytes * NSEC_PER_SEC / rate;

    return ns > LONGEST_BURST_NS ? LONGEST_BURST_NS : (uint64_t)ns;
}

static uint64_t burst_ns(const struct policy *p, uint64_t rate)
{
    return time_of(p->burst ?: policy_default_burst(p), rate);
}

/* One with a condition goes by what is known of the allocations, any other by pdttd alone. */
static uint32_t lapses(const struct policy *p)
{
    if (!p->lapse_sec || p->lapse_sec == POLICY_LAPSE_NEVER)
        return 0;
    return PDTT_POLICY_LAPSES | (uint32_t)(p->when_percent ? PDTT_POLICY_KNOWN : PDTT_POLICY_ALIVE);
}

void policy_set_take_actions(struct policy_set *s)
{
    for (uint32_t i = 0; i < s->n; i++) {
        const struct policy *p = &s->rules[i].p;
        uint64_t rate = p->rate ?: 1;

        s->policies[i] = (struct pdtt_policy){.rate = rate,
                                              .burst_ns = burst_ns(p, rate),
                                              .marking_ns = MARKING_NS + time_of(4 * SUPER_PACKET, rate),
                                              .action = (uint32_t)p->action,
                                              .rank = s->rules[i].rank,
                                              .lapses = lapses(p),
                                              .lapse_ns = lapses(p) ? p->lapse_sec * NSEC_PER_SEC : 0};
        if (p->action == POLICY_LIMIT && p->direction != POLICY_IN)
            s->head.parts |= PDTT_POLICY_LIMITS;
    }
}
