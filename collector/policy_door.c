#include "collector/policy_door.h"

#include "bpf/pdtt_policy.h"
#include "common/cleanup.h"

#include <bpf/bpf.h>
#include <string.h>
#include <sys/socket.h>

static struct pdtt_policy_network key_of(const struct address *address)
{
    bool ipv6 = address->family == AF_INET6;
    struct pdtt_policy_network key = {.prefix_len = 32 + (ipv6 ? 128 : 32), .which = PDTT_POLICY_OWN | ipv6};

    memcpy(key.address, address->bytes, sizeof(key.address));
    return key;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct address));
}

static bool is_stale(const struct pdtt_policy_network *key, const struct address *addresses, size_t n)
{
    struct address address = {.family = key->which & 1 ? AF_INET6 : AF_INET};

    if ((key->which & ~1u) != PDTT_POLICY_OWN)
        return false;
    memcpy(address.bytes, key->address, sizeof(address.bytes));
    return !n || !bsearch(&address, addresses, n, sizeof(*addresses), compare);
}

/* Collected first: a walk starts over when its current key goes. */
static int drop_stale(int fd, const struct address *addresses, size_t n)
{
    cleanup_free struct pdtt_policy_network *stale = calloc(PDTT_POLICY_OWN_MAX, sizeof(*stale));
    struct pdtt_policy_network key, previous;
    size_t n_stale = 0;

    if (!stale)
        return -ENOMEM;
    for (bool first = true; bpf_map_get_next_key(fd, first ? NULL : &previous, &key) == 0; first = false) {
        previous = key;
        if (is_stale(&key, addresses, n) && n_stale < PDTT_POLICY_OWN_MAX)
            stale[n_stale++] = key;
    }
    for (size_t i = 0; i < n_stale; i++)
        if (bpf_map_delete_elem(fd, &stale[i]) < 0 && errno != ENOENT)
            return -errno;
    return 0;
}

int policy_door_use_addresses(int networks_fd, const struct address *addresses, size_t n)
{
    size_t taken = n < PDTT_POLICY_OWN_MAX ? n : PDTT_POLICY_OWN_MAX;
    const uint32_t own = 1;
    int r = drop_stale(networks_fd, addresses, taken);

    for (size_t i = 0; i < taken && r == 0; i++) {
        struct pdtt_policy_network key = key_of(&addresses[i]);

        r = bpf_map_update_elem(networks_fd, &key, &own, BPF_ANY) < 0 ? -errno : 0;
    }
    return r == 0 && taken < n ? -ENOSPC : r;
}
