/*
 * Which blocks are done at the interfaces too, and for whose frames. Of all policies that may match what comes from an address, the
 * first decides there as it does where the socket is: a block that names nothing but its remote network matches whatever comes from
 * there, so nothing has to be known but the address. Where another one is first, its network is a hole in the door.
 */
#include "collector/policy_set_internal.h"

#include "common/cleanup.h"

#include <string.h>
#include <sys/socket.h>

#define DEEPEST 130 /* networks in each other: one for each length */

/* The first rule that may match; number + 1 where it is one for the door, else 0. */
struct first {
    uint32_t rank, door;
};

struct net {
    const struct policy_network *network;
    struct first first;
    uint32_t number;
};

/* Networks around the current one, and what is first in each; [0] is any address of the family. */
struct nest {
    const struct policy_network *network[DEEPEST];
    struct first first[DEEPEST];
    unsigned n;
};

static bool names_remote_alone(const struct policy *p)
{
    return p->action == POLICY_BLOCK && p->remote.family && !p->local.family && p->protocol < 0 &&
           p->remote_ports.first == 0 && p->remote_ports.last == UINT16_MAX && p->local_ports.first == 0 &&
           p->local_ports.last == UINT16_MAX && !p->user && !p->group && !p->project && !p->class_name && !p->unit &&
           !p->when_percent;
}

static int compare_nets(const void *a, const void *b)
{
    const struct net *x = a, *y = b;
    int order = memcmp(x->network->address, y->network->address, sizeof(x->network->address));

    if (order == 0)
        order = x->network->prefix - y->network->prefix;
    return order ? order : x->first.rank < y->first.rank ? -1 : 1;
}

static struct first earlier(struct first a, struct first b)
{
    return a.rank < b.rank ? a : b;
}

/* Those that may match what comes in of this family; also of names that nobody knows yet. Returns how many name a remote network. */
static size_t collect(const struct policy_set *s, uint8_t family, struct net *nets, struct first *ret_any)
{
    size_t n = 0;

    *ret_any = (struct first){.rank = UINT32_MAX};
    for (uint32_t i = 0; i < s->n; i++) {
        const struct policy *p = &s->rules[i].p;
        struct first first = {s->rules[i].rank, names_remote_alone(p) && !s->policies[i].lapses ? i + 1 : 0};

        if (p->direction == POLICY_OUT || (p->local.family && p->local.family != family))
            continue;
        if (p->remote.family == family)
            nets[n++] = (struct net){&p->remote, first, i};
        else if (!p->remote.family)
            *ret_any = earlier(*ret_any, first);
    }
    if (n)
        qsort(nets, n, sizeof(*nets), compare_nets);
    return n;
}

static void add_network(struct policy_set *s, const struct policy_network *network, uint32_t door)
{
    struct policy_set_network *added = &s->networks[s->n_networks++];

    *added = (struct policy_set_network){
        .part = PDTT_POLICY_DOOR, .ipv6 = network->family == AF_INET6, .prefix = network->prefix, .vector = door};
    memcpy(added->address, network->address, sizeof(added->address));
    if (door)
        s->head.parts |= PDTT_POLICY_HAS_DOOR;
}

/* A network of which nothing else holds than of the one around it need not be known. */
static void add_family(struct policy_set *s, uint8_t family, struct net *nets)
{
    struct nest nest = {.n = 1};
    size_t n = collect(s, family, nets, &nest.first[0]);

    for (size_t from = 0, to; from < n; from = to) {
        const struct policy_network *network = nets[from].network;
        struct first around, first;

        while (nest.n > 1 && !policy_network_contains(nest.network[nest.n - 1], network))
            nest.n--;
        around = nest.first[nest.n - 1];
        first = earlier(around, nets[from].first);
        for (to = from; to < n && memcmp(nets[to].network, network, sizeof(*network)) == 0; to++)
            s->at_door[s->rules[nets[to].number].index] = first.door == nets[to].number + 1;
        if (first.door != around.door)
            add_network(s, network, first.door);
        nest.network[nest.n] = network;
        nest.first[nest.n++] = first;
    }
}

int policy_set_find_door(struct policy_set *s)
{
    cleanup_free struct net *nets = calloc(s->n + 1, sizeof(*nets));

    s->at_door = calloc(s->n + 1, sizeof(*s->at_door));
    if (!nets || !s->at_door)
        return -ENOMEM;
    add_family(s, AF_INET, nets);
    add_family(s, AF_INET6, nets);
    return 0;
}

bool policy_set_is_at_door(const struct policy_set *s, size_t policy)
{
    return policy < s->n && s->at_door[policy];
}
