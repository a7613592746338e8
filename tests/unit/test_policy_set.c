/* What the kernel side makes of policies, searched with its own code, against going through the list one by one. */
#include "bpf/pdtt_abi.h"
#include "collector/policy_set_internal.h"
#include "common/cleanup.h"
#include "tests/support/unit.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const struct policy_set *searched;

static const struct pdtt_policy_vector *policy_vector_at(uint32_t id)
{
    return id < searched->n_vectors ? &searched->vectors[id] : NULL;
}

static const __u64 *policy_word_at(uint32_t index)
{
    return index < searched->n_pool ? (const __u64 *)&searched->pool[index] : NULL;
}

static const struct pdtt_policy_row *policy_row_at(uint32_t index)
{
    return index < searched->words ? &searched->rows[index] : NULL;
}

#include "bpf/policy_search.h"

/* ---- names: what is named "u7" has the number 7; what begins with x is not known ---- */

static int number_of(const char *name, uint32_t *ret_id, void *userdata)
{
    (void)userdata;
    if (*name == 'x')
        return -ENOENT;
    *ret_id = (uint32_t)atoi(name + 1);
    return 0;
}

/* "n4" is the units 4 and 14. */
static int units_of(const char *unit, policy_add_unit_fn add, void *adder, void *userdata)
{
    uint32_t number = (uint32_t)atoi(unit + 1);
    int r = *unit == 'x' ? 0 : add(number, adder);

    (void)userdata;
    return *unit == 'x' || r < 0 ? r : add(number + 10, adder);
}

/* Units, users and groups above 0 that 3 divides belong to project p(number % 4); others to none. */
static int members(policy_add_member_fn add, void *adder, void *userdata)
{
    static const char *const projects[] = {"p0", "p1", "p2", "p3"};
    int r = 0;

    (void)userdata;
    for (unsigned kind = 0; kind < POLICY_MEMBERS; kind++)
        for (uint32_t id = 3; id < 30 && r == 0; id += 3)
            r = add(kind, id, projects[id % 4], adder);
    return r;
}

static const struct policy_names names = {
    .user = number_of, .group = number_of, .class_id = number_of, .units = units_of, .members = members};

/* ---- packets ---- */

struct packet {
    uint8_t family, remote[16], local[16];
    uint16_t remote_port, local_port;
    uint8_t direction, protocol;
    uint32_t class_id, uid, gid, unit;
    bool process;
};

static bool in_network(const struct policy_network *network, uint8_t family, const uint8_t *address)
{
    if (!network->family)
        return true;
    if (network->family != family)
        return false;
    for (unsigned bit = 0; bit < network->prefix; bit++)
        if ((network->address[bit / 8] ^ address[bit / 8]) >> (7 - bit % 8) & 1)
            return false;
    return true;
}

static bool in_ports(const struct policy_ports *ports, const struct packet *packet, uint16_t port)
{
    if (ports->first == 0 && ports->last == 65535)
        return true;
    return policy_protocol_has_ports(packet->protocol) && port >= ports->first && port <= ports->last;
}

static bool is_named(const char *name, uint32_t id)
{
    return !name || (*name != 'x' && (uint32_t)atoi(name + 1) == id);
}

static int project_of(const struct packet *packet)
{
    const uint32_t ids[] = {packet->unit, packet->uid, packet->gid};

    for (int i = 0; i < 3 && packet->process; i++)
        if (ids[i] && ids[i] < 30 && ids[i] % 3 == 0)
            return (int)(ids[i] % 4);
    return -1;
}

static bool matches(const struct policy *p, const struct packet *packet)
{
    int unit = p->unit && *p->unit != 'x' ? atoi(p->unit + 1) : -1;

    if (packet->class_id == PDTT_CLASS_LOOPBACK && !p->class_name)
        return false;
    return in_network(&p->remote, packet->family, packet->remote) &&
           in_network(&p->local, packet->family, packet->local) &&
           in_ports(&p->remote_ports, packet, packet->remote_port) &&
           in_ports(&p->local_ports, packet, packet->local_port) &&
           (p->direction == POLICY_BOTH || (p->direction == POLICY_IN) == (packet->direction == PDTT_RX)) &&
           (p->protocol < 0 || p->protocol == packet->protocol) && is_named(p->class_name, packet->class_id) &&
           is_named(p->user, packet->uid) && is_named(p->group, packet->gid) &&
           (!p->unit || (unit >= 0 && packet->unit && ((int)packet->unit == unit || (int)packet->unit == unit + 10))) &&
           (!p->project || atoi(p->project + 1) == project_of(packet));
}

static bool is_exact(const struct policy *p)
{
    return p->remote.family && p->remote.prefix == (p->remote.family == AF_INET ? 32 : 128) && p->local.family &&
           p->local.prefix == (p->local.family == AF_INET ? 32 : 128) &&
           p->remote_ports.first == p->remote_ports.last && p->local_ports.first == p->local_ports.last &&
           p->protocol >= 0;
}

static bool comes_before(const struct policy *list, size_t a, size_t b)
{
    if (is_exact(&list[a]) != is_exact(&list[b]))
        return is_exact(&list[a]);
    if (list[a].priority != list[b].priority)
        return list[a].priority > list[b].priority;
    return a < b;
}

struct verdict {
    int64_t by; /* index in the list; -1: none */
    unsigned observers;
    uint64_t seen; /* sum of their indices */
};

static struct verdict judge_one_by_one(const struct policy *list, size_t n, const struct packet *packet)
{
    struct verdict v = {.by = -1};

    for (size_t i = 0; i < n; i++)
        if (list[i].action != POLICY_OBSERVE && matches(&list[i], packet) &&
            (v.by < 0 || comes_before(list, i, (size_t)v.by)))
            v.by = (int64_t)i;
    for (size_t i = 0; i < n; i++)
        if (list[i].action == POLICY_OBSERVE && matches(&list[i], packet) &&
            (v.by < 0 || comes_before(list, i, (size_t)v.by))) {
            v.observers++;
            v.seen += i;
        }
    return v;
}

static uint32_t find_value(const struct policy_set *s, uint32_t part, uint32_t value, bool *ret_found)
{
    for (size_t i = 0; i < s->n_values; i++)
        if (s->values[i].part == part && s->values[i].value == value) {
            *ret_found = true;
            return s->values[i].vector;
        }
    return 0;
}

/* As the longest-prefix trie of the kernel does. */
static uint32_t find_network(const struct policy_set *s, unsigned part, uint8_t family, const uint8_t *address)
{
    int longest = -1;
    uint32_t vector = 0;

    for (size_t i = 0; i < s->n_networks; i++) {
        const struct policy_set_network *n = &s->networks[i];
        struct policy_network network = {.family = n->ipv6 ? AF_INET6 : AF_INET, .prefix = n->prefix};

        memcpy(network.address, n->address, 16);
        if (n->part == part && n->prefix > longest && in_network(&network, family, address)) {
            longest = n->prefix;
            vector = n->vector;
        }
    }
    return vector;
}

static void vectors_of(const struct policy_set *s, const struct packet *packet, uint32_t *ids)
{
    bool found = false;

    memset(ids, 0, PDTT_POLICY_PARTS * sizeof(*ids));
    ids[PDTT_POLICY_REMOTE] = find_network(s, PDTT_POLICY_REMOTE, packet->family, packet->remote);
    ids[PDTT_POLICY_LOCAL] = find_network(s, PDTT_POLICY_LOCAL, packet->family, packet->local);
    if (policy_protocol_has_ports(packet->protocol)) {
        ids[PDTT_POLICY_REMOTE_PORT] = s->ports[0][packet->remote_port];
        ids[PDTT_POLICY_LOCAL_PORT] = s->ports[1][packet->local_port];
    }
    ids[PDTT_POLICY_DIRECTION] = s->head.direction[packet->direction];
    ids[PDTT_POLICY_PROTOCOL] = find_value(s, PDTT_POLICY_PROTOCOL, packet->protocol, &found);
    ids[PDTT_POLICY_CLASS] = find_value(s, PDTT_POLICY_CLASS, packet->class_id, &found);
    ids[PDTT_POLICY_UID] = find_value(s, PDTT_POLICY_UID, packet->uid, &found);
    ids[PDTT_POLICY_GID] = find_value(s, PDTT_POLICY_GID, packet->gid, &found);
    if (packet->unit)
        ids[PDTT_POLICY_UNIT] = find_value(s, PDTT_POLICY_UNIT, packet->unit, &found);
    found = !packet->process;
    if (!found && packet->unit)
        ids[PDTT_POLICY_PROJECT] = find_value(s, PDTT_POLICY_UNIT_PROJECT, packet->unit, &found);
    if (!found)
        ids[PDTT_POLICY_PROJECT] = find_value(s, PDTT_POLICY_UID_PROJECT, packet->uid, &found);
    if (!found)
        ids[PDTT_POLICY_PROJECT] = find_value(s, PDTT_POLICY_GID_PROJECT, packet->gid, &found);
}

static struct verdict judge_as_the_kernel(const struct policy_set *s, const struct packet *packet)
{
    uint32_t ids[PDTT_POLICY_PARTS], rule, turns = 0, late = 0;
    uint64_t best = POLICY_BEST_NONE;
    struct policy_search search = {.head = &s->head,
                                   .loopback = packet->class_id == PDTT_CLASS_LOOPBACK ? POLICY_ON_LOOPBACK : 0};
    struct verdict v = {.by = -1};

    searched = s;
    vectors_of(s, packet, ids);
    ck_assert(policy_search_begin(&search, ids));
    for (;;) {
        enum policy_turn turn = policy_search_turn(&search, &rule);

        ck_assert_uint_le(turns++, POLICY_TURNS((s->room + 63) / 64 * 64) + v.observers + late);
        if (turn == POLICY_AT_END) {
            if (best != POLICY_BEST_NONE)
                v.by = s->rules[(uint32_t)best].index;
            return v;
        }
        if (turn == POLICY_GO_ON)
            continue;
        if (s->policies[rule].action != PDTT_POLICY_OBSERVE) {
            best = policy_better(&search, best, s->policies[rule].rank, rule);
            policy_search_leave_word(&search);
        } else if (policy_sees(best, s->policies[rule].rank)) {
            v.observers++;
            v.seen += s->rules[rule].index;
        } else {
            late++;
        }
    }
}

/* ---- at random, from few values, so that much matches ---- */

static unsigned chance(unsigned n)
{
    return (unsigned)random() % n;
}

static void random_address(uint8_t family, uint8_t *address)
{
    memset(address, 0, 16);
    address[0] = (uint8_t)(chance(2) << 7);
    address[1] = (uint8_t)chance(3);
    address[family == AF_INET ? 3 : 15] = (uint8_t)chance(4);
}

static struct policy_network random_network(void)
{
    struct policy_network network = {.family = chance(3) ? chance(2) ? AF_INET : AF_INET6 : 0};
    unsigned full = network.family == AF_INET6 ? 128 : 32;

    if (!network.family)
        return network;
    random_address(network.family, network.address);
    network.prefix = (uint8_t)(chance(3) ? full : chance(full + 1));
    for (unsigned bit = network.prefix; bit < full; bit++)
        network.address[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
    return network;
}

static bool few_ranges; /* thousands that overlap are more than a set has room for */

static struct policy_ports random_ports(void)
{
    uint16_t first = (uint16_t)(chance(5) ? chance(12) : 65530 + chance(6));

    if (chance(2))
        return (struct policy_ports){0, 65535};
    return (struct policy_ports){first, (uint16_t)(chance(2) || few_ranges ? first : first + chance(65536 - first))};
}

static char *random_name(char letter, unsigned n)
{
    static char texts[6][64][8];
    unsigned number = chance(n), which = (unsigned)(letter - 'a') % 6;

    if (chance(4))
        return NULL;
    snprintf(texts[which][number], sizeof(texts[which][number]), "%c%u", letter, number);
    return chance(20) ? texts[which][number] : "x";
}

static const int protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_SCTP, 89};

static void random_policy(struct policy *p, size_t index, unsigned actions)
{
    static char *const projects[] = {"p0", "p1", "p2", "p3", "p5"};

    *p = (struct policy){.priority = chance(3),
                         .action = chance(actions),
                         .direction = chance(3),
                         .remote = random_network(),
                         .local = random_network(),
                         .remote_ports = random_ports(),
                         .local_ports = random_ports(),
                         .protocol = chance(2) ? -1 : protocols[chance(array_length(protocols))],
                         .user = random_name('u', 8),
                         .group = random_name('g', 8),
                         .class_name = random_name('c', 4),
                         .unit = random_name('n', 8),
                         .project = chance(4) ? NULL : projects[chance(array_length(projects))]};
    snprintf(p->name, sizeof(p->name), "p%zu", index);
}

static struct packet random_packet(void)
{
    struct packet packet = {.family = chance(2) ? AF_INET : AF_INET6,
                            .remote_port = (uint16_t)(chance(5) ? chance(14) : 65530 + chance(6)),
                            .local_port = (uint16_t)(chance(5) ? chance(14) : 65530 + chance(6)),
                            .direction = (uint8_t)chance(2),
                            .protocol = (uint8_t)protocols[chance(array_length(protocols))],
                            .class_id = chance(4),
                            .uid = chance(8),
                            .gid = chance(8),
                            .unit = chance(18),
                            .process = chance(5)};

    random_address(packet.family, packet.remote);
    random_address(packet.family, packet.local);
    return packet;
}

static unsigned dropped_at_door;

static bool names_remote_alone(const struct policy *p)
{
    return p->remote.family && !p->local.family && p->protocol < 0 && !p->user && !p->group && !p->project &&
           !p->unit && !p->class_name && p->remote_ports.last - p->remote_ports.first == 65535 &&
           p->local_ports.last - p->local_ports.first == 65535;
}

/* What is dropped at the door, knowing the address alone, is what the list has dropped; whose block it is says so itself. */
static void compare_door(const struct policy_set *s, const struct policy *list, const struct packet *packet, int64_t by)
{
    uint32_t door = find_network(s, PDTT_POLICY_DOOR, packet->family, packet->remote);
    const struct policy *p = door ? &list[s->rules[door - 1].index] : NULL;

    if (!p || packet->direction != PDTT_RX || packet->class_id == PDTT_CLASS_LOOPBACK)
        return;
    dropped_at_door++;
    ck_assert_int_eq(by, s->rules[door - 1].index);
    ck_assert_int_eq(p->action, POLICY_BLOCK);
    ck_assert(names_remote_alone(p) && p->direction != POLICY_OUT && !p->when_percent);
    ck_assert(policy_set_is_at_door(s, (size_t)by));
}

/* How many of the packets some policy decided. */
static unsigned compare(size_t n, unsigned packets, unsigned actions)
{
    cleanup_free struct policy *list = calloc(n + 1, sizeof(*list));
    struct policy_set *s;
    unsigned decided = 0;
    int r;

    for (size_t i = 0; i < n; i++)
        random_policy(&list[i], i, actions);
    r = policy_set_new(list, n, &names, (uint32_t)(n < 64 ? 64 : n), &s);
    ck_assert_int_eq(r, 0);
    for (unsigned i = 0; i < packets; i++) {
        struct packet packet = random_packet();
        struct verdict is = judge_as_the_kernel(s, &packet), should = judge_one_by_one(list, n, &packet);

        ck_assert_int_eq(is.by, should.by);
        ck_assert_uint_eq(is.observers, should.observers);
        ck_assert_uint_eq(is.seen, should.seen);
        decided += is.by >= 0;
        compare_door(s, list, &packet, is.by);
    }
    policy_set_free(s);
    return decided;
}

START_TEST(random_sets_judge_random_packets_as_the_list_does)
{
    unsigned decided = 0, packets = 0;

    srandom(8);
    for (unsigned round = 0; round < 400; round++) {
        decided += compare(chance(round < 200 ? 12 : 300), 100, 4);
        packets += 100;
    }
    ck_assert_uint_gt(decided, packets / 10);
    ck_assert_uint_lt(decided, packets * 4 / 5 + packets / 10);
}
END_TEST

START_TEST(sets_of_thousands_judge_as_the_list_does)
{
    srandom(9);
    compare(1000, 300, 4);
    few_ranges = true;
    compare(POLICIES_MAX, 100, 3);
    few_ranges = false;
}
END_TEST

static struct policy any(const char *name)
{
    struct policy p = {.remote_ports = {0, 65535}, .local_ports = {0, 65535}, .protocol = -1, .action = POLICY_BLOCK};

    snprintf(p.name, sizeof(p.name), "%s", name);
    return p;
}

static struct policy_network network(uint8_t family, const char *bytes, uint8_t prefix)
{
    struct policy_network n = {.family = family, .prefix = prefix};

    memcpy(n.address, bytes, strlen(bytes));
    return n;
}

/* Lists of which most name little else than a network, or nothing is for the door. */
static void simplify(struct policy *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct policy *p = &list[i];

        if (chance(4) == 0)
            continue;
        *p = (struct policy){.remote = chance(8) ? random_network() : (struct policy_network){0},
                             .priority = chance(3),
                             .direction = (enum policy_direction)chance(3),
                             .action = chance(3) ? POLICY_BLOCK : (enum policy_action)chance(4),
                             .rate = 1000,
                             .protocol = chance(10) ? -1 : IPPROTO_TCP,
                             .remote_ports = {0, 65535},
                             .local_ports = {0, 65535}};
        if (chance(8) == 0) {
            p->when_percent = 80;
            p->when_allocation = (char *)"user";
        }
        snprintf(p->name, sizeof(p->name), "p%zu", i);
    }
}

START_TEST(what_is_dropped_at_the_door_is_what_the_list_drops)
{
    struct policy list[40];
    unsigned at_door = 0;

    srandom(10);
    dropped_at_door = 0;
    for (unsigned round = 0; round < 2000; round++) {
        size_t n = 1 + chance(array_length(list));
        struct policy_set *s;

        for (size_t i = 0; i < n; i++)
            random_policy(&list[i], i, 4);
        simplify(list, n);
        ck_assert_int_eq(policy_set_new(list, n, &names, 64, &s), 0);
        for (size_t i = 0; i < n; i++)
            at_door += policy_set_is_at_door(s, i);
        for (unsigned i = 0; i < 50; i++) {
            struct packet packet = random_packet();

            compare_door(s, list, &packet, judge_one_by_one(list, n, &packet).by);
        }
        policy_set_free(s);
    }
    ck_assert_uint_gt(at_door, 1000);
    ck_assert_uint_gt(dropped_at_door, 1000);
}
END_TEST

static bool drops_at_door(const struct policy *list, size_t n, const char *address, bool *at_door)
{
    uint8_t bytes[16] = {0};
    struct policy_set *s;
    bool drops;

    memcpy(bytes, address, 4);
    ck_assert_int_eq(policy_set_new(list, n, &names, 64, &s), 0);
    drops = find_network(s, PDTT_POLICY_DOOR, AF_INET, bytes) != 0;
    *at_door = policy_set_is_at_door(s, n - 1);
    ck_assert_int_eq(!!(s->head.parts & PDTT_POLICY_HAS_DOOR), *at_door);
    policy_set_free(s);
    return drops;
}

START_TEST(what_comes_before_a_block_is_a_hole_in_the_door)
{
    struct policy list[2] = {any("first"), any("scan")};
    bool at_door;

    list[0].action = POLICY_ALLOW;
    list[1].remote = network(AF_INET, "\x0a\x01", 16);
    list[0].remote = network(AF_INET, "\x0a\x01\x02\x03", 32);
    ck_assert(!drops_at_door(list, 2, "\x0a\x01\x02\x03", &at_door) && at_door);
    ck_assert(drops_at_door(list, 2, "\x0a\x01\x02\x04", &at_door) && at_door);
    list[0].direction = POLICY_OUT; /* says nothing of what comes in */
    ck_assert(drops_at_door(list, 2, "\x0a\x01\x02\x03", &at_door) && at_door);
    list[0].direction = POLICY_BOTH;
    list[1].priority = 1;
    ck_assert(drops_at_door(list, 2, "\x0a\x01\x02\x03", &at_door) && at_door);
    list[1].priority = 0;
    list[0].remote = (struct policy_network){0};
    list[0].protocol = IPPROTO_UDP; /* from anywhere: somebody has to look at the packet */
    list[0].action = POLICY_OBSERVE;
    ck_assert(!drops_at_door(list, 2, "\x0a\x01\x02\x04", &at_door) && !at_door);
    list[0].local = network(AF_INET6, "\xfd", 8); /* of the other family */
    ck_assert(drops_at_door(list, 2, "\x0a\x01\x02\x04", &at_door) && at_door);
}
END_TEST

START_TEST(a_block_that_names_more_than_a_network_is_not_for_the_door)
{
    struct policy p = any("scan");
    bool at_door;

    p.remote = network(AF_INET, "\x0a\x01", 16);
    ck_assert(drops_at_door(&p, 1, "\x0a\x01\x02\x04", &at_door) && at_door);
    p.direction = POLICY_OUT;
    ck_assert(!drops_at_door(&p, 1, "\x0a\x01\x02\x04", &at_door) && !at_door);
    p.direction = POLICY_IN;
    p.user = (char *)"u1";
    ck_assert(!drops_at_door(&p, 1, "\x0a\x01\x02\x04", &at_door) && !at_door);
    p.user = NULL;
    p.local_ports = (struct policy_ports){22, 22};
    ck_assert(!drops_at_door(&p, 1, "\x0a\x01\x02\x04", &at_door) && !at_door);
    p.local_ports = (struct policy_ports){0, 65535};
    p.when_percent = 80;
    ck_assert(!drops_at_door(&p, 1, "\x0a\x01\x02\x04", &at_door) && !at_door);
    p.when_percent = 0;
    p.lapse_sec = 60; /* nobody at the door looks at the clock */
    ck_assert(!drops_at_door(&p, 1, "\x0a\x01\x02\x04", &at_door) && !at_door);
    p.lapse_sec = 0;
    p.action = POLICY_LIMIT;
    ck_assert(!drops_at_door(&p, 1, "\x0a\x01\x02\x04", &at_door) && !at_door);
}
END_TEST

START_TEST(ten_thousand_remotes_take_the_room_that_they_are_given)
{
    enum { N = 10000 };
    cleanup_free struct policy *list = calloc(N, sizeof(*list));
    struct policy_set *s;
    size_t n;

    for (unsigned i = 0; i < N; i++) {
        list[i] = any("");
        snprintf(list[i].name, sizeof(list[i].name), "r%u", i);
        list[i].remote = network(AF_INET, "\x0a", 32);
        list[i].remote.address[2] = (uint8_t)(i >> 8);
        list[i].remote.address[3] = (uint8_t)i;
        list[i].user = "u5";
    }
    ck_assert_int_eq(policy_set_new(list, N, &names, N, &s), 0);
    policy_set_never(s, &n);
    ck_assert_uint_eq(n, 0);
    ck_assert_uint_le(s->n_pool, 2 * N);
    policy_set_free(s);
    ck_assert_int_eq(policy_set_new(list, N, &names, N - 1, &s), -ENOSPC);
}
END_TEST

static int64_t coverer(const struct policy *list, size_t n, size_t wanted, const char **ret_why)
{
    const struct policy_never *never;
    struct policy_set *s;
    int64_t by = -2;
    size_t count;

    ck_assert_int_eq(policy_set_new(list, n, &names, 64, &s), 0);
    never = policy_set_never(s, &count);
    for (size_t i = 0; i < count; i++)
        if (never[i].policy == wanted) {
            by = never[i].by;
            *ret_why = never[i].why;
        }
    policy_set_free(s);
    return by;
}

START_TEST(a_policy_that_another_always_comes_before_is_told_with_it)
{
    struct policy list[] = {any("narrow"), any("wide")};
    const char *why;

    list[0].remote = network(AF_INET, "\x0a\x01", 16);
    list[0].remote_ports = (struct policy_ports){80, 90};
    list[0].user = "u1";
    list[1].remote = network(AF_INET, "\x0a", 8);
    list[1].remote_ports = (struct policy_ports){80, 100};
    ck_assert_int_eq(coverer(list, 2, 0, &why), -2); /* stands first */
    list[1].priority = 1;
    ck_assert_int_eq(coverer(list, 2, 0, &why), 1);
    list[1].when_percent = 80; /* not always in force */
    ck_assert_int_eq(coverer(list, 2, 0, &why), -2);
    list[1].when_percent = 0;
    list[1].action = POLICY_OBSERVE;
    ck_assert_int_eq(coverer(list, 2, 0, &why), -2);
    list[1].action = POLICY_LIMIT;
    list[1].remote_ports.last = 89;
    ck_assert_int_eq(coverer(list, 2, 0, &why), -2);
    list[1].remote_ports.last = 90;
    list[0].class_name = "c1"; /* loopback, which the wide one leaves alone */
    ck_assert_int_eq(coverer(list, 2, 0, &why), -2);
    list[1].class_name = "c1";
    ck_assert_int_eq(coverer(list, 2, 0, &why), 1);
}
END_TEST

START_TEST(a_policy_that_contradicts_itself_is_told)
{
    struct policy list[] = {any("odd")};
    const char *why = NULL;

    list[0].remote = network(AF_INET, "\x0a", 8);
    list[0].local = network(AF_INET6, "\xfd", 8);
    ck_assert_int_eq(coverer(list, 1, 0, &why), -1);
    ck_assert_ptr_nonnull(strstr(why, "families"));
    list[0].local = (struct policy_network){};
    list[0].protocol = IPPROTO_ICMP;
    ck_assert_int_eq(coverer(list, 1, 0, &why), -2);
    list[0].remote_ports = (struct policy_ports){80, 80};
    ck_assert_int_eq(coverer(list, 1, 0, &why), -1);
    ck_assert_ptr_nonnull(strstr(why, "no ports"));
}
END_TEST

START_TEST(two_of_one_name_are_refused)
{
    struct policy list[] = {any("a"), any("b"), any("a")};
    struct policy_set *s;

    ck_assert_int_eq(policy_set_new(list, 3, &names, 64, &s), -EEXIST);
    ck_assert_int_eq(policy_set_new(list, 2, &names, 64, &s), 0);
    policy_set_free(s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy_set");
    TCase *tcase = tcase_create("policy_set");

    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, random_sets_judge_random_packets_as_the_list_does);
    tcase_add_test(tcase, sets_of_thousands_judge_as_the_list_does);
    tcase_add_test(tcase, what_is_dropped_at_the_door_is_what_the_list_drops);
    tcase_add_test(tcase, what_comes_before_a_block_is_a_hole_in_the_door);
    tcase_add_test(tcase, a_block_that_names_more_than_a_network_is_not_for_the_door);
    tcase_add_test(tcase, ten_thousand_remotes_take_the_room_that_they_are_given);
    tcase_add_test(tcase, a_policy_that_another_always_comes_before_is_told_with_it);
    tcase_add_test(tcase, a_policy_that_contradicts_itself_is_told);
    tcase_add_test(tcase, two_of_one_name_are_refused);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
