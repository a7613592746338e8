#include "collector/classes.h"

#include "bpf/pdtt_abi.h"
#include "common/cleanup.h"

#include <bpf/bpf.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

/* Large enough for either key; the trie reads only what its family has. */
struct key {
    uint32_t prefix_len;
    uint8_t address[16];
};

static struct key key_of_network(const struct config_network *network)
{
    struct key key = {.prefix_len = network->prefix_len};

    memcpy(key.address, network->address, network->family == AF_INET6 ? 16 : 4);
    return key;
}

static bool is_configured(const struct key *key, int family, const struct config_class *classes, size_t n)
{
    for (size_t c = 0; c < n; c++)
        for (size_t i = 0; i < classes[c].n_networks; i++) {
            struct key configured = key_of_network(&classes[c].networks[i]);

            if (classes[c].networks[i].family == family && memcmp(&configured, key, sizeof(*key)) == 0)
                return true;
        }
    return false;
}

/* A trie's walk starts over when its current key goes, so each removal begins a new walk. */
static int remove_others(int fd, int family, const struct config_class *classes, size_t n)
{
    struct key previous, key = {};
    bool first = true;

    while (bpf_map_get_next_key(fd, first ? NULL : &previous, &key) == 0) {
        first = is_configured(&key, family, classes, n) ? false : true;
        if (first && bpf_map_delete_elem(fd, &key) < 0 && errno != ENOENT)
            return -errno;
        previous = key;
        key = (struct key){};
    }
    return errno == ENOENT ? 0 : -errno;
}

static int add_class(int fd_v4, int fd_v6, const struct config_class *class, uint32_t id, uint32_t *flags)
{
    for (size_t i = 0; i < class->n_networks; i++) {
        bool ipv6 = class->networks[i].family == AF_INET6;
        struct key key = key_of_network(&class->networks[i]);

        if (bpf_map_update_elem(ipv6 ? fd_v6 : fd_v4, &key, &id, BPF_ANY) < 0)
            return -errno;
        *flags |= ipv6 ? PDTT_EPOCH_CLASSES_V6 : PDTT_EPOCH_CLASSES_V4;
    }
    return 0;
}

int classes_apply(int fd_v4, int fd_v6, const struct config_class *classes, const int64_t *ids, size_t n,
                  uint32_t *ret_flags)
{
    uint32_t flags = 0;
    int r = remove_others(fd_v4, AF_INET, classes, n);

    if (r == 0)
        r = remove_others(fd_v6, AF_INET6, classes, n);
    for (size_t c = 0; c < n && r == 0; c++)
        r = ids[c] > PDTT_CLASS_MAX ? -ENOSPC : add_class(fd_v4, fd_v6, &classes[c], ids[c], &flags);
    if (r == 0)
        *ret_flags = flags;
    return r;
}
