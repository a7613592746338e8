/* From rules to what is looked up of a packet: for each part the vector of the rules that a value agrees with, and of any value. */
#include "collector/policy_set_internal.h"

#include "bpf/pdtt_abi.h"
#include "common/cleanup.h"

#include <string.h>
#include <sys/socket.h>

static void set_bit(uint64_t *bits, uint32_t rule)
{
    bits[rule / 64] |= UINT64_C(1) << rule % 64;
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
        r = policy_set_intern(s, bits, &vector);
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
        r = policy_set_intern(s, bits, &added->vector);
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
        r = policy_set_intern(s, bits, &vector);
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
    int32_t found = policy_set_find_project(s, project);

    return add_value(s, keys[kind], id, found < 0 ? 0 : s->project_vectors[found]);
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

/* ---- all parts ---- */

int policy_set_make_parts(struct policy_set *s, const struct policy_names *names)
{
    cleanup_free uint64_t *bits = calloc(s->words + 1, sizeof(*bits));
    int r = bits ? 0 : -ENOMEM;
    uint32_t none;

    if (r == 0)
        r = policy_set_intern(s, bits, &none); /* the first, and so 0 */
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
