/* Which policies never match, because another always comes first or they contradict themselves. */
#include "collector/policy_set_internal.h"

#include "bpf/pdtt_abi.h"
#include "common/cleanup.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

bool policy_protocol_has_ports(int protocol)
{
    return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_DCCP || protocol == IPPROTO_SCTP ||
           protocol == IPPROTO_UDPLITE;
}

static bool any_port(const struct policy_ports *ports)
{
    return ports->first == 0 && ports->last == UINT16_MAX;
}

static const char *contradiction(const struct policy *p)
{
    uint8_t family = p->remote.family ?: p->local.family;

    if (p->remote.family && p->local.family && p->remote.family != p->local.family)
        return "its remote and its local network are of different families";
    if (p->remote_ports.first > p->remote_ports.last || p->local_ports.first > p->local_ports.last)
        return "a range of ports ends before it begins";
    if (p->protocol >= 0 && !policy_protocol_has_ports(p->protocol) &&
        !(any_port(&p->remote_ports) && any_port(&p->local_ports)))
        return "its protocol has no ports";
    if ((p->protocol == IPPROTO_ICMP && family == AF_INET6) || (p->protocol == IPPROTO_ICMPV6 && family == AF_INET))
        return "its protocol and its network are of different families";
    return NULL;
}

struct cover {
    const struct policy_set *s;
    uint64_t *bits, *part;
};

/* Of one of several units. */
static uint32_t vector_of_unit(const struct policy_set *s, uint32_t unit)
{
    for (size_t i = 0; i < s->n_values; i++)
        if (s->values[i].part == PDTT_POLICY_UNIT && s->values[i].value == unit)
            return s->values[i].vector;
    return 0;
}

/* Leaves the rules that take all that this one takes of a part: those that name no value, or one around its own. */
static void keep(struct cover *c, enum pdtt_policy_part part, uint32_t vector, bool wild)
{
    policy_set_vector(c->s, vector, c->part);
    for (uint32_t w = 0; w < c->s->words; w++)
        c->bits[w] &= c->part[w] | (wild ? c->s->rows[w].wild[part] : 0);
}

static void keep_ports(struct cover *c, enum pdtt_policy_part part, const struct policy_ports *ports)
{
    const uint16_t *vectors = c->s->ports[part - PDTT_POLICY_REMOTE_PORT];

    if (any_port(ports)) {
        keep(c, part, 0, true);
        return;
    }
    keep(c, part, vectors[ports->first], true); /* a range that has both ends has all between them */
    keep(c, part, vectors[ports->last], true);
}

/* The first rule that comes before this one and takes all that it does; -1: there is none. */
static int64_t find_cover(struct cover *c, uint32_t number)
{
    const struct policy_rule *rule = &c->s->rules[number];

    memset(c->bits, 0xff, c->s->words * sizeof(*c->bits));
    for (unsigned part = 0; part < PDTT_POLICY_PARTS; part++)
        if (part != PDTT_POLICY_REMOTE_PORT && part != PDTT_POLICY_LOCAL_PORT &&
            !(part == PDTT_POLICY_UNIT && rule->n_units))
            keep(c, part, rule->vector[part], part != PDTT_POLICY_CLASS || rule->class_id != PDTT_CLASS_LOOPBACK);
    keep_ports(c, PDTT_POLICY_REMOTE_PORT, &rule->p.remote_ports);
    keep_ports(c, PDTT_POLICY_LOCAL_PORT, &rule->p.local_ports);
    for (uint32_t i = 0; i < rule->n_units; i++)
        keep(c, PDTT_POLICY_UNIT, vector_of_unit(c->s, rule->units[i]), true);
    int64_t by = -1;
    uint32_t rank = rule->rank;

    for (uint32_t other = 0; other < c->s->n; other++) {
        const struct policy_rule *before = &c->s->rules[other];

        if (c->bits[other / 64] >> other % 64 & 1 && before->rank < rank && before->p.action != POLICY_OBSERVE &&
            !before->p.when_percent && (!before->p.lapse_sec || before->p.lapse_sec == POLICY_LAPSE_NEVER)) {
            by = before->index;
            rank = before->rank;
        }
    }
    return by;
}

/* One that observes is worth a word too: it would count nothing. */
int policy_set_find_never(struct policy_set *s)
{
    cleanup_free uint64_t *bits = calloc(2 * (size_t)s->words + 1, sizeof(*bits));
    struct cover c = {.s = s, .bits = bits, .part = bits + s->words};

    s->never = calloc(s->n + 1, sizeof(*s->never));
    if (!bits || !s->never)
        return -ENOMEM;
    for (uint32_t index = 0; index < s->n; index++) {
        uint32_t number = s->rule_of[index];
        const char *why = contradiction(&s->rules[number].p);
        int64_t by = why || s->rules[number].lost ? -1 : find_cover(&c, number);

        if (why || by >= 0)
            s->never[s->n_never++] = (struct policy_never){.policy = index, .by = by, .why = why ?: ""};
    }
    return 0;
}

const struct policy_never *policy_set_never(const struct policy_set *s, size_t *ret_n)
{
    *ret_n = s->n_never;
    return s->never;
}
