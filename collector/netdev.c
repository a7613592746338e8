#include "collector/netdev.h"

#include "collector/rtnetlink.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ---- one message ---- */

static void copy_text(char *to, size_t size, const struct nlattr *attr)
{
    if (mnl_attr_validate(attr, MNL_TYPE_STRING) < 0 && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) < 0)
        return;
    snprintf(to, size, "%.*s", (int)mnl_attr_get_payload_len(attr), mnl_attr_get_str(attr));
}

static void read_kind(struct netdev *dev, const struct nlattr *info)
{
    const struct nlattr *attr;

    mnl_attr_for_each_nested(attr, info) if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
        copy_text(dev->kind, sizeof(dev->kind), attr);
}

/* Older kernels have fewer counters, newer ones more; those that are read are the first. */
static void read_counters(struct netdev *dev, const struct nlattr *attr)
{
    struct rtnl_link_stats64 stats = {0};
    size_t size = mnl_attr_get_payload_len(attr);

    memcpy(&stats, mnl_attr_get_payload(attr), size < sizeof(stats) ? size : sizeof(stats));
    dev->rx = (struct netdev_counters){stats.rx_bytes, stats.rx_packets, stats.rx_dropped + stats.rx_missed_errors,
                                       stats.rx_errors};
    dev->tx = (struct netdev_counters){stats.tx_bytes, stats.tx_packets, stats.tx_dropped, stats.tx_errors};
}

static void read_link(const struct nlmsghdr *message, struct netdev *ret)
{
    const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
    const struct nlattr *attr;

    *ret = (struct netdev){.ifindex = info->ifi_index, .flags = info->ifi_flags, .type = info->ifi_type};
    mnl_attr_for_each(attr, message, sizeof(*info))
    {
        switch (mnl_attr_get_type(attr)) {
        case IFLA_IFNAME:
            copy_text(ret->name, sizeof(ret->name), attr);
            break;
        case IFLA_MASTER:
            ret->master = (int)mnl_attr_get_u32(attr);
            break;
        case IFLA_LINKINFO:
            read_kind(ret, attr);
            break;
        case IFLA_STATS64:
            read_counters(ret, attr);
            break;
        default:
            break;
        }
    }
}

/* ---- all of them ---- */

static int add_link(const struct nlmsghdr *message, void *userdata)
{
    struct netdev_list *list = userdata;
    struct netdev *v;

    if (message->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(message) < sizeof(struct ifinfomsg))
        return MNL_CB_OK;
    v = reallocarray(list->v, list->n + 1, sizeof(*v));
    if (!v) {
        errno = ENOMEM;
        return MNL_CB_ERROR;
    }
    list->v = v;
    read_link(message, &v[list->n++]);
    return MNL_CB_OK;
}

static int by_ifindex(const void *a, const void *b)
{
    const struct netdev *da = a, *db = b;

    return (da->ifindex > db->ifindex) - (da->ifindex < db->ifindex);
}

static void begin(void *userdata)
{
    struct netdev_list *list = userdata;

    free(list->v);
    *list = (struct netdev_list){0};
}

int netdev_list(struct netdev_list *ret)
{
    struct netdev_list list = {0};
    int r = rtnetlink_list(RTM_GETLINK, sizeof(struct ifinfomsg), begin, add_link, &list);

    if (r < 0 && r != -EINTR) {
        free(list.v);
        return r;
    }
    if (list.n)
        qsort(list.v, list.n, sizeof(*list.v), by_ifindex);
    *ret = list;
    return 0;
}

const struct netdev *netdev_find(const struct netdev_list *list, int ifindex)
{
    const struct netdev key = {.ifindex = ifindex};

    return list->n ? bsearch(&key, list->v, list->n, sizeof(*list->v), by_ifindex) : NULL;
}

/* ---- what changes ---- */

#define BUFFER_SIZE 65536

struct netdev_watch {
    struct mnl_socket *nl;
    char buffer[BUFFER_SIZE];
};

int netdev_watch(struct netdev_watch **ret)
{
    struct netdev_watch *w = calloc(1, sizeof(*w));
    int r = w ? rtnetlink_open(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR, SOCK_NONBLOCK, &w->nl) : -ENOMEM;

    if (r < 0) {
        free(w);
        return r;
    }
    *ret = w;
    return 0;
}

struct netdev_watch *netdev_watch_stop(struct netdev_watch *w)
{
    if (!w)
        return NULL;
    mnl_socket_close(w->nl);
    free(w);
    return NULL;
}

int netdev_watch_fd(const struct netdev_watch *w)
{
    return mnl_socket_get_fd(w->nl);
}

struct reading {
    netdev_gone_fn gone;
    void *userdata;
};

static int tell_gone(const struct nlmsghdr *message, void *userdata)
{
    const struct reading *reading = userdata;
    const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
    struct netdev dev;

    if (message->nlmsg_type != RTM_DELLINK || mnl_nlmsg_get_payload_len(message) < sizeof(*info))
        return MNL_CB_OK;
    if (info->ifi_family != AF_UNSPEC) /* a port leaves its bridge; the interface stays */
        return MNL_CB_OK;
    read_link(message, &dev);
    reading->gone(&dev, reading->userdata);
    return MNL_CB_OK;
}

int netdev_watch_read(struct netdev_watch *w, netdev_gone_fn gone, void *userdata)
{
    struct reading reading = {gone, userdata};
    int changed = 0;

    for (;;) {
        ssize_t n = mnl_socket_recvfrom(w->nl, w->buffer, sizeof(w->buffer));

        if (n <= 0 && errno != ENOBUFS) /* events were lost: the next list has what is true */
            return n < 0 && errno != EAGAIN && errno != EINTR ? -errno : changed;
        changed = 1;
        if (n > 0)
            mnl_cb_run(w->buffer, (size_t)n, 0, 0, tell_gone, &reading);
    }
}
