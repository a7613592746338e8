#include "collector/policy_connection.h"

#include "common/cleanup.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

/* ---- what sshd says ---- */

/* sshd writes an IPv4 peer of an IPv6 socket as IPv4; a scope is no part of an address. */
static int parse_end(char *address, unsigned port, struct policy_network *ret, struct policy_ports *ret_ports)
{
    struct policy_network n = {.family = strchr(address, ':') ? AF_INET6 : AF_INET};

    *strchrnul(address, '%') = '\0';
    n.prefix = n.family == AF_INET ? 32 : 128;
    if (inet_pton(n.family, address, n.address) != 1 || port == 0 || port > UINT16_MAX)
        return -EINVAL;
    *ret = n;
    *ret_ports = (struct policy_ports){(uint16_t)port, (uint16_t)port};
    return 0;
}

int policy_connection_parse(const char *text, struct policy *ret)
{
    char remote[INET6_ADDRSTRLEN + 16] = "", local[INET6_ADDRSTRLEN + 16] = "";
    struct policy p = {.action = POLICY_ALLOW, .protocol = IPPROTO_TCP};
    unsigned remote_port, local_port;
    int end = 0, r;

    if (sscanf(text, "%61s %5u %61s %5u%n", remote, &remote_port, local, &local_port, &end) != 4 || text[end])
        return -EINVAL;
    r = parse_end(remote, remote_port, &p.remote, &p.remote_ports);
    if (r == 0)
        r = parse_end(local, local_port, &p.local, &p.local_ports);
    if (r < 0 || p.remote.family != p.local.family)
        return -EINVAL;
    inet_ntop(p.remote.family, p.remote.address, remote, sizeof(remote));
    for (char *c = remote; *c; c++)
        if (*c == ':')
            *c = '.';
    snprintf(p.name, sizeof(p.name), POLICY_PROTECTED "%.45s-%u", remote, remote_port & UINT16_MAX);
    *ret = p;
    return 0;
}

int policy_connection_add(struct policy_roll *roll, const struct policy *connection, int64_t since_sec)
{
    struct policy_entry *oldest = NULL;
    struct policy copy = *connection; /* it owns nothing */
    size_t n = 0;

    if (policy_roll_find(roll, connection->name))
        return 0;
    for (size_t i = 0; i < roll->n && roll->v[i].origin == POLICY_OF_CONNECTION; i++, n++)
        if (!oldest)
            oldest = &roll->v[i];
    if (n >= POLICY_CONNECTIONS_MAX)
        policy_roll_remove(roll, oldest);
    return policy_roll_add(roll, &copy, POLICY_OF_CONNECTION, since_sec);
}

/* ---- what would block it ---- */

static bool contains(const struct policy_network *network, const struct policy_network *host)
{
    if (!network->family)
        return true;
    if (network->family != host->family)
        return false;
    for (unsigned bit = 0; bit < network->prefix; bit++)
        if ((network->address[bit / 8] ^ host->address[bit / 8]) & (0x80u >> (bit % 8)))
            return false;
    return true;
}

static bool has_port(const struct policy_ports *ports, uint16_t port)
{
    return ports->first <= port && port <= ports->last;
}

static bool matches(const struct policy *p, const struct policy *c, enum policy_direction direction)
{
    return (p->direction == POLICY_BOTH || p->direction == direction) && contains(&p->remote, &c->remote) &&
           contains(&p->local, &c->local) && has_port(&p->remote_ports, c->remote_ports.first) &&
           has_port(&p->local_ports, c->local_ports.first) && (p->protocol < 0 || p->protocol == IPPROTO_TCP);
}

static bool depends(const struct policy *p)
{
    return p->user || p->group || p->project || p->class_name || p->unit || p->when_percent;
}

/* Whether it goes before the other by precedence: one that names one flow, then the higher priority, then the earlier. */
static bool names_one_flow(const struct policy *p)
{
    return p->remote.family && p->remote.prefix == (p->remote.family == AF_INET ? 32 : 128) && p->local.family &&
           p->local.prefix == (p->local.family == AF_INET ? 32 : 128) &&
           p->remote_ports.first == p->remote_ports.last && p->local_ports.first == p->local_ports.last &&
           p->protocol >= 0;
}

static bool goes_before(const struct policy *a, const struct policy *b)
{
    if (names_one_flow(a) != names_one_flow(b))
        return names_one_flow(a);
    return a->priority > b->priority;
}

/* The first that decides in that direction, whoever it is; *ret_may: one that blocks before it, if it is who that one means. */
static const struct policy *decide(const struct policy_roll *roll, const struct policy *c,
                                   enum policy_direction direction, const struct policy **ret_may)
{
    const struct policy *first = NULL;

    *ret_may = NULL;
    for (size_t i = 0; i < roll->n; i++) {
        const struct policy *p = &roll->v[i].policy;

        if (roll->v[i].origin == POLICY_OF_CONNECTION || p->action == POLICY_OBSERVE || !matches(p, c, direction))
            continue;
        if (!depends(p) && (!first || goes_before(p, first)))
            first = p;
    }
    for (size_t i = 0; i < roll->n && !*ret_may; i++) {
        const struct policy *p = &roll->v[i].policy;

        if (p->action == POLICY_BLOCK && depends(p) && matches(p, c, direction) && (!first || !goes_before(first, p)))
            *ret_may = p;
    }
    return first;
}

const struct policy *policy_connection_blocked_by(const struct policy_roll *roll, const struct policy *connection,
                                                  bool *ret_sure)
{
    static const enum policy_direction directions[] = {POLICY_IN, POLICY_OUT};
    const struct policy *may = NULL, *some;

    for (size_t i = 0; i < array_length(directions); i++) {
        const struct policy *first = decide(roll, connection, directions[i], &some);

        *ret_sure = true;
        if (first && first->action == POLICY_BLOCK)
            return first;
        may = may ? may : some;
    }
    *ret_sure = false;
    return may;
}
