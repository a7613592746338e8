#include "collector/policy_set_internal.h"

#include "bpf/pdtt_abi.h"
#include "common/cleanup.h"
#include "common/policy_values.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define NSEC_PER_SEC     1000000000ULL
#define LONGEST_BURST_NS (60 * NSEC_PER_SEC)
#define SUPER_PACKET     65536 /* bytes, the largest there is */
#define MARKING_NS       (20 * NSEC_PER_SEC / 1000)

/* ---- order and names ---- */

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

static int refuse_duplicates(const struct policy *list, size_t n)
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
        const char **found = s->rules[i].p.project ? bsearch(&s->rules[i].p.project, s->projects, s->n_projects,
                                                             sizeof(*s->projects), compare_strings)
                                                   : NULL;
        s->rules[i].project = found ? (int32_t)(found - s->projects) : -1;
    }
    return 0;
}

static int take_rules(struct policy_set *s, const struct policy *list, const struct policy_names *names)
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

static void set_actions(struct policy_set *s)
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

/* ---- vectors, each once ---- */

static void set_bit(uint64_t *bits, uint32_t rule)
{
    bits[rule / 64] |= UINT64_C(1) << rule % 64;
}

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

static uint32_t hash_size(uint32_t room)
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

static int intern(struct policy_set *s, const uint64_t *bits, uint32_t *ret_vector)
{
    uint32_t size = hash_size(s->room), at = (uint32_t)hash_words(bits, s->words) & (size - 1);
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

static void set_wild(struct policy_set *s, enum pdtt_policy_part part, uint32_t rule, bool wild)
{
    if (!wild) {
        s->head.parts |= 1u << part;
        return;
    }
    s->rows[rule / 64].wild[part] |= UINT64_C(1) << rule % 64;
    s->head.wild[part][rule / 64 / 64] |= UINT64_C(1) << rule / 64 % 64;
}

/* ---- parts that are a number ---- */

struct named {
    uint32_t value, rule;
};

struct named_list {
    struct named *v;
    size_t n, size;
};

static int add_named(struct named_list *list, uint32_t value, uint32_t rule)
{
    if (list->n == list->size) {
        size_t size = list->size ? 2 * list->size : 64;
        struct named *larger = reallocarray(list->v, size, sizeof(*larger));
        if (!larger)
            return -ENOMEM;
        list->v = larger;
        list->size = size;
    }
    list->v[list->n++] = (struct named){value, rule};
    return 0;
}

static int add_id(struct named_list *list, int64_t id, uint32_t rule)
{
    return id < 0 ? 0 : add_named(list, (uint32_t)id, rule);
}

static int name_units(struct named_list *list, const struct policy_rule *rule, uint32_t number)
{
    int r = 0;

    for (uint32_t i = 0; i < rule->n_units && r == 0; i++)
        r = add_named(list, rule->units[i], number);
    return r;
}

/* The values of a part that a rule names; false: it names none, any will do. */
static bool name_values(const struct policy_rule *rule, enum pdtt_policy_part part, struct named_list *list,
                        uint32_t number, int *ret_error)
{
    const struct policy *p = &rule->p;

    switch (part) {
    case PDTT_POLICY_DIRECTION:
        if (p->direction != POLICY_BOTH)
            *ret_error = add_named(list, p->direction == POLICY_IN ? PDTT_RX : PDTT_TX, number);
        return p->direction != POLICY_BOTH;
    case PDTT_POLICY_PROTOCOL:
        *ret_error = add_id(list, p->protocol, number);
        return p->protocol >= 0;
    case PDTT_POLICY_CLASS:
        *ret_error = add_id(list, rule->class_id, number);
        return p->class_name;
    case PDTT_POLICY_UID:
        *ret_error = add_id(list, rule->uid, number);
        return p->user;
    case PDTT_POLICY_GID:
        *ret_error = add_id(list, rule->gid, number);
        return p->group;
    case PDTT_POLICY_UNIT:
        *ret_error = name_units(list, rule, number);
        return p->unit;
    default:
        *ret_error = add_id(list, rule->project, number);
        return p->project;
    }
}

static int compare_named(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    return x->value < y->value ? -1 : x->value > y->value;
}

static int add_value(struct policy_set *s, uint32_t part, uint32_t value, uint32_t vector)
{
    if ((s->n_values & (s->n_values - 1)) == 0) {
        struct policy_set_value *larger = reallocarray(s->values, s->n_values ? 2 * s->n_values : 1, sizeof(*larger));
        if (!larger)
            return -ENOMEM;
        s->values = larger;
    }
    s->values[s->n_values++] = (struct policy_set_value){part, value, vector};
    return 0;
}

/* Where the vector of a value is looked up. */
static int place_value(struct policy_set *s, enum pdtt_policy_part part, uint32_t value, uint32_t vector)
{
    if (part == PDTT_POLICY_DIRECTION)
        s->head.direction[value] = vector;
    else if (part == PDTT_POLICY_PROJECT)
        s->project_vectors[value] = vector; /* its members are what is looked up */
    else
        return add_value(s, part, value, vector);
    return 0;
}

static int make_number_part(struct policy_set *s, enum pdtt_policy_part part, uint64_t *bits)
{
    struct named_list list = {};
    uint32_t vector;
    int r = 0;

    for (uint32_t i = 0; i < s->n && r == 0; i++)
        set_wild(s, part, i, !name_values(&s->rules[i], part, &list, i, &r));
    if (list.n)
        qsort(list.v, list.n, sizeof(*list.v), compare_named);
    for (size_t from = 0, to; from < list.n && r == 0; from = to) {
        memset(bits, 0, s->words * sizeof(*bits));
        for (to = from; to < list.n && list.v[to].value == list.v[from].value; to++)
            set_bit(bits, list.v[to].rule);
        r = intern(s, bits, &vector);
        for (size_t i = from; i < to && r == 0; i++)
            s->rules[list.v[i].rule].vector[part] = vector;
        if (r == 0)
            r = place_value(s, part, list.v[from].value, vector);
    }
    free(list.v);
    return r;
}

/* ---- networks ---- */

struct net {
    struct policy_network network;
    uint32_t rule;
};

static int compare_nets(const void *a, const void *b)
{
    const struct net *x = a, *y = b;
    int order = x->network.family - y->network.family;

    if (order == 0)
        order = memcmp(x->network.address, y->network.address, sizeof(x->network.address));
    if (order == 0)
        order = x->network.prefix - y->network.prefix;
    return order ? order : x->rule < y->rule ? -1 : 1;
}

bool policy_network_contains(const struct policy_network *outer, const struct policy_network *inner)
{
    uint8_t bytes = outer->prefix / 8, rest = outer->prefix % 8;

    if (outer->family != inner->family || outer->prefix > inner->prefix ||
        memcmp(outer->address, inner->address, bytes) != 0)
        return false;
    return !rest || (outer->address[bytes] ^ inner->address[bytes]) >> (8 - rest) == 0;
}

#define DEEPEST 130 /* networks in each other: one for each length */

/* Networks that contain the current one, with the rules of all of them, innermost last. */
struct nesting {
    const struct policy_network *network[DEEPEST];
    uint64_t *bits; /* DEEPEST times words */
    unsigned n;
};

static uint64_t *nest(struct nesting *nesting, const struct policy_network *network, uint32_t words)
{
    uint64_t *bits;

    while (nesting->n && !policy_network_contains(nesting->network[nesting->n - 1], network))
        nesting->n--;
    bits = nesting->bits + (size_t)nesting->n * words;
    if (nesting->n)
        memcpy(bits, bits - words, words * sizeof(*bits));
    else
        memset(bits, 0, words * sizeof(*bits));
    nesting->network[nesting->n++] = network;
    return bits;
}

static int add_networks(struct policy_set *s, enum pdtt_policy_part part, const struct net *nets, size_t n)
{
    cleanup_free uint64_t *room = calloc((size_t)DEEPEST * s->words + 1, sizeof(*room));
    struct nesting nesting = {.bits = room};
    int r = room ? 0 : -ENOMEM;

    for (size_t from = 0, to; from < n && r == 0; from = to) {
        const struct policy_network *network = &nets[from].network;
        uint64_t *bits = nest(&nesting, network, s->words);
        struct policy_set_network *added = &s->networks[s->n_networks];

        for (to = from; to < n && memcmp(&nets[to].network, network, sizeof(*network)) == 0; to++)
            set_bit(bits, nets[to].rule);
        *added = (struct policy_set_network){
            .part = (uint8_t)part, .ipv6 = network->family == AF_INET6, .prefix = network->prefix};
        memcpy(added->address, network->address, sizeof(added->address));
        r = intern(s, bits, &added->vector);
        for (size_t i = from; i < to; i++)
            s->rules[nets[i].rule].vector[part] = added->vector;
        s->n_networks++;
    }
    return r;
}

static int make_network_part(struct policy_set *s, enum pdtt_policy_part part)
{
    cleanup_free struct net *nets = calloc(s->n + 1, sizeof(*nets));
    size_t n = 0;

    if (!nets)
        return -ENOMEM;
    for (uint32_t i = 0; i < s->n; i++) {
        const struct policy *p = &s->rules[i].p;
        const struct policy_network *network = part == PDTT_POLICY_REMOTE ? &p->remote : &p->local;

        set_wild(s, part, i, !network->family);
        if (network->family)
            nets[n++] = (struct net){*network, i};
    }
    qsort(nets, n, sizeof(*nets), compare_nets);
    return add_networks(s, part, nets, n);
}

/* ---- ports ---- */

struct edge {
    uint32_t port, rule; /* from this port on the rule is in, or no more */
};

static int compare_edges(const void *a, const void *b)
{
    const struct edge *x = a, *y = b;
    return x->port < y->port ? -1 : x->port > y->port;
}

static int fill_ports(struct policy_set *s, uint16_t *ports, const struct edge *edges, size_t n, uint64_t *bits)
{
    memset(bits, 0, s->words * sizeof(*bits));
    for (size_t from = 0, to; from < n; from = to) {
        uint32_t vector, end;
        int r;

        for (to = from; to < n && edges[to].port == edges[from].port; to++)
            bits[edges[to].rule / 64] ^= UINT64_C(1) << edges[to].rule % 64;
        r = intern(s, bits, &vector);
        if (r == 0 && vector > UINT16_MAX)
            r = -ENOSPC;
        if (r < 0)
            return r;
        end = to < n ? edges[to].port : 65536;
        for (uint32_t port = edges[from].port; port < end; port++)
            ports[port] = (uint16_t)vector;
    }
    return 0;
}

static int make_port_part(struct policy_set *s, enum pdtt_policy_part part, uint64_t *bits)
{
    cleanup_free struct edge *edges = calloc(2 * (size_t)s->n + 1, sizeof(*edges));
    size_t n = 0;

    if (!edges)
        return -ENOMEM;
    for (uint32_t i = 0; i < s->n; i++) {
        const struct policy *p = &s->rules[i].p;
        const struct policy_ports *ports = part == PDTT_POLICY_REMOTE_PORT ? &p->remote_ports : &p->local_ports;
        bool wild = ports->first == 0 && ports->last == UINT16_MAX;

        set_wild(s, part, i, wild);
        if (wild || ports->first > ports->last)
            continue;
        edges[n++] = (struct edge){ports->first, i};
        edges[n++] = (struct edge){ports->last + 1u, i};
    }
    qsort(edges, n, sizeof(*edges), compare_edges);
    while (n && edges[n - 1].port == 65536) /* nothing is behind the last port */
        n--;
    return fill_ports(s, s->ports[part - PDTT_POLICY_REMOTE_PORT], edges, n, bits);
}

/* ---- members of projects ---- */

static int add_member(enum policy_member kind, uint32_t id, const char *project, void *adder)
{
    static const enum pdtt_policy_part keys[] = {
        [POLICY_MEMBER_UNIT] = PDTT_POLICY_UNIT_PROJECT,
        [POLICY_MEMBER_USER] = PDTT_POLICY_UID_PROJECT,
        [POLICY_MEMBER_GROUP] = PDTT_POLICY_GID_PROJECT,
    };
    struct policy_set *s = adder;
    const char **found = bsearch(&project, s->projects, s->n_projects, sizeof(*s->projects), compare_strings);

    return add_value(s, keys[kind], id, found ? s->project_vectors[found - s->projects] : 0);
}

static int make_project_part(struct policy_set *s, const struct policy_names *names, uint64_t *bits)
{
    int r;

    s->project_vectors = calloc(s->n_projects + 1, sizeof(*s->project_vectors));
    if (!s->project_vectors)
        return -ENOMEM;
    r = make_number_part(s, PDTT_POLICY_PROJECT, bits);
    if (r == 0 && s->n_projects && names->members)
        r = names->members(add_member, s, names->userdata);
    return r;
}

/* ---- all of it ---- */

static int make_parts(struct policy_set *s, const struct policy_names *names)
{
    cleanup_free uint64_t *bits = calloc(s->words + 1, sizeof(*bits));
    int r = bits ? 0 : -ENOMEM;
    uint32_t none;

    if (r == 0)
        r = intern(s, bits, &none); /* the first, and so 0 */
    for (unsigned part = PDTT_POLICY_REMOTE; part <= PDTT_POLICY_LOCAL && r == 0; part++)
        r = make_network_part(s, part);
    for (unsigned part = PDTT_POLICY_REMOTE_PORT; part <= PDTT_POLICY_LOCAL_PORT && r == 0; part++)
        r = make_port_part(s, part, bits);
    for (unsigned part = PDTT_POLICY_DIRECTION; part < PDTT_POLICY_PROJECT && r == 0; part++)
        r = make_number_part(s, part, bits);
    if (r == 0)
        r = make_project_part(s, names, bits);
    for (uint32_t i = 0; i < s->n; i++) {
        s->rows[i / 64].on |= UINT64_C(1) << i % 64;
        s->rows[i / 64].word = i / 64;
        s->head.loopback |= s->rules[i].class_id == PDTT_CLASS_LOOPBACK;
    }
    return r;
}

static int allocate(struct policy_set *s)
{
    s->rules = calloc(s->n + 1, sizeof(*s->rules));
    s->rule_of = calloc(s->n + 1, sizeof(*s->rule_of));
    s->policies = calloc(s->n + 1, sizeof(*s->policies));
    s->rows = calloc(s->words + 1, sizeof(*s->rows));
    s->vectors = calloc(PDTT_POLICY_VECTORS(s->room), sizeof(*s->vectors));
    s->pool = calloc(PDTT_POLICY_POOL(s->room), sizeof(*s->pool));
    s->interned = calloc(hash_size(s->room), sizeof(*s->interned));
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
    r = refuse_duplicates(list, n);
    if (r == 0)
        r = allocate(s);
    if (r == 0)
        r = take_rules(s, list, names);
    if (r == 0)
        r = make_parts(s, names);
    if (r == 0) {
        set_actions(s);
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
