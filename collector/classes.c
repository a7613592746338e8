#include "collector/classes.h"

#include "bpf/pdtt_abi.h"
#include "common/cleanup.h"

#include <bpf/bpf.h>
#include <stdbool.h>
#include <stdlib.h>
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

/* The keys of one family, sorted, so that a trie of thousands is compared in one pass. */
struct keys {
    struct key *keys;
    size_t n;
};

static int compare_keys(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct key));
}

static void free_keys(struct keys *keys)
{
    free(keys->keys);
}

static int collect_configured(int family, const struct config_class *classes, size_t n, struct keys *ret)
{
    size_t most = 0;

    for (size_t c = 0; c < n; c++)
        most += classes[c].n_networks;
    ret->keys = calloc(most + 1, sizeof(*ret->keys));
    if (!ret->keys)
        return -ENOMEM;
    for (size_t c = 0; c < n; c++)
        for (size_t i = 0; i < classes[c].n_networks; i++)
            if (classes[c].networks[i].family == family)
                ret->keys[ret->n++] = key_of_network(&classes[c].networks[i]);
    qsort(ret->keys, ret->n, sizeof(*ret->keys), compare_keys);
    return 0;
}

/* What the trie holds beyond the configured keys. Collected first: a walk starts over when its current key goes. */
static int collect_others(int fd, const struct keys *configured, struct keys *ret)
{
    struct key previous, key = {};

    for (bool first = true; bpf_map_get_next_key(fd, first ? NULL : &previous, &key) == 0; first = false) {
        if (!bsearch(&key, configured->keys, configured->n, sizeof(key), compare_keys)) {
            if ((ret->n & (ret->n - 1)) == 0) {
                struct key *larger = reallocarray(ret->keys, ret->n ? 2 * ret->n : 1, sizeof(*larger));
                if (!larger)
                    return -ENOMEM;
                ret->keys = larger;
            }
            ret->keys[ret->n++] = key;
        }
        previous = key;
        key = (struct key){};
    }
    return errno == ENOENT ? 0 : -errno;
}

static int remove_others(int fd, int family, const struct config_class *classes, size_t n)
{
    cleanup(free_keys) struct keys configured = {}, others = {};
    int r = collect_configured(family, classes, n, &configured);

    if (r == 0)
        r = collect_others(fd, &configured, &others);
    for (size_t i = 0; i < others.n && r == 0; i++)
        if (bpf_map_delete_elem(fd, &others.keys[i]) < 0 && errno != ENOENT)
            r = -errno;
    return r;
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

int64_t classes_find(int fd_v4, int fd_v6, const struct config_class *class)
{
    for (size_t i = 0; i < class->n_networks; i++) {
        struct key key = key_of_network(&class->networks[i]);
        uint32_t id;

        if (bpf_map_lookup_elem(class->networks[i].family == AF_INET6 ? fd_v6 : fd_v4, &key, &id) == 0)
            return id;
    }
    return 0;
}

int classes_apply(int fd_v4, int fd_v6, const struct config_class *classes, const int64_t *ids, size_t n,
                  uint32_t *ret_flags)
{
    uint32_t flags = 0;
    int r = 0;

    /* First what is new: while a network is split or joined its addresses must not fall out of their class. */
    for (size_t c = 0; c < n && r == 0; c++)
        r = ids[c] > PDTT_CLASS_MAX ? -ENOSPC : add_class(fd_v4, fd_v6, &classes[c], ids[c], &flags);
    if (r == 0)
        r = remove_others(fd_v4, AF_INET, classes, n);
    if (r == 0)
        r = remove_others(fd_v6, AF_INET6, classes, n);
    if (r == 0)
        *ret_flags = flags;
    return r;
}
