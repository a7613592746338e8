/*
 * The network interfaces of this namespace, as the kernel tells them over rtnetlink: those there are, and what changes. It
 * decides nothing about them; netdev_choice.h does.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETDEV_KIND_MAX 32

/* The kernel's own counters, struct rtnl_link_stats64; frames with their link layer's headers. */
struct netdev_counters {
    uint64_t bytes, packets, dropped, errors;
};

struct netdev {
    int ifindex, master; /* master: of the bridge or bond that it is a port of, 0: none */
    char name[IFNAMSIZ];
    char kind[NETDEV_KIND_MAX]; /* "veth", "bridge", ...; "" for hardware */
    unsigned flags;             /* IFF_* */
    unsigned type;              /* ARPHRD_* */
    struct netdev_counters rx, tx;
};

struct netdev_list {
    struct netdev *v;
    size_t n;
};

/* All there are now, in the order of their numbers. ret->v is the caller's to free. */
int netdev_list(struct netdev_list *ret);

/* The one of this number, NULL: none. */
const struct netdev *netdev_find(const struct netdev_list *list, int ifindex);

/* Tells of changes from now on through its descriptor, which does not block. NULL is a no-op for stop. */
struct netdev_watch;
int netdev_watch(struct netdev_watch **ret);
struct netdev_watch *netdev_watch_stop(struct netdev_watch *w);
int netdev_watch_fd(const struct netdev_watch *w);

/*
 * Calls fn for each interface that was removed, with its last counters. 1 if anything changed, 0 if not: whoever wants to
 * know what lists anew, also after events were lost.
 */
typedef void (*netdev_gone_fn)(const struct netdev *dev, void *userdata);
int netdev_watch_read(struct netdev_watch *w, netdev_gone_fn gone, void *userdata);
