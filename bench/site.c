#include "bench/site.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

enum { USERS_PER_PROJECT = 10, STEP_SEC = 10, WIRE_PACKET_BYTES = 1000, HEADER_BYTES = 52 };
enum { LEAST_SCALE = 6, SCALES = 19 }; /* from 64 bytes, a keep-alive, to 32 MB in ten seconds */

/* What each user does; the project is that of the two with the lower (0) or the higher (1) number. */
static const struct kind {
    unsigned project;
    int internal; /* else external */
    int protocol, family;
} kinds[] = {
    {0, 0, IPPROTO_TCP, 4}, {0, 0, IPPROTO_TCP, 6}, {0, 1, IPPROTO_TCP, 4},
    {0, 1, IPPROTO_UDP, 4}, {1, 0, IPPROTO_TCP, 4}, {1, 1, IPPROTO_TCP, 4},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* SplitMix64. */
static uint64_t next(struct site_random *random)
{
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* A number below n, which is below 2 to the power of 32. */
static uint64_t below(struct site_random *random, uint64_t n)
{
    return (next(random) >> 32) * n >> 32;
}

/* The smaller of two, for most connections are nearly idle: half move less than 4 KB, one in fifteen a megabyte. */
static unsigned scale(struct site_random *random)
{
    uint64_t a = below(random, SCALES), b = below(random, SCALES);

    return LEAST_SCALE + (unsigned)(a < b ? a : b);
}

int site_make(size_t n_users, int64_t internal, struct site *ret_site)
{
    struct site_random random = {n_users};
    size_t n_projects = n_users / USERS_PER_PROJECT + 2;
    struct site_account *accounts = calloc(n_users * KINDS, sizeof(*accounts));

    if (!accounts)
        return -ENOMEM;
    for (size_t i = 0; i < n_users * KINDS; i++) {
        const struct kind *k = &kinds[i % KINDS];
        size_t user = i / KINDS, first = user % n_projects, second = (user * 7 + 1) % n_projects;

        if (first == second)
            second = (first + 1) % n_projects;
        accounts[i] = (struct site_account){
            .user = (int64_t)user,
            .project = (int64_t)((k->project == 0) == (first < second) ? first : second),
            .class_id = k->internal ? internal : STORE_CLASS_EXTERNAL,
            .protocol = k->protocol,
            .family = k->family,
            .tx_scale = scale(&random),
            .rx_scale = scale(&random),
        };
    }
    *ret_site = (struct site){accounts, n_users * KINDS, n_users, n_projects};
    return 0;
}

void site_done(struct site *site)
{
    free(site->accounts);
    *site = (struct site){0};
}

/* Knuth's algorithm S. */
void site_choose(struct site_random *random, const struct site_set *from, size_t n, struct site_set *ret)
{
    size_t wanted = n < from->n ? n : from->n;

    ret->n = 0;
    for (size_t i = 0; ret->n < wanted; i++)
        if (below(random, from->n - i) < wanted - ret->n)
            ret->v[ret->n++] = from->v[i];
}

static int64_t bytes(struct site_random *random, unsigned scale, int64_t steps)
{
    return (int64_t)((UINT64_C(1) << scale) + (next(random) >> (64 - scale))) * steps;
}

struct store_counters site_move(struct site_random *random, const struct site_account *account, int64_t seconds)
{
    int64_t steps = seconds > STEP_SEC ? seconds / STEP_SEC : 1;
    struct store_counters n = {
        .tx_bytes = bytes(random, account->tx_scale, steps),
        .rx_bytes = bytes(random, account->rx_scale, steps),
    };

    n.tx_packets = n.tx_bytes / WIRE_PACKET_BYTES + 1;
    n.rx_packets = n.rx_bytes / WIRE_PACKET_BYTES + 1;
    n.tx_payload_bytes = n.tx_bytes - HEADER_BYTES * n.tx_packets;
    n.rx_payload_bytes = n.rx_bytes - HEADER_BYTES * n.rx_packets;
    return n;
}
