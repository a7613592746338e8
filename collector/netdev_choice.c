#include "collector/netdev_choice.h"

#include "common/cleanup.h"

#include <fnmatch.h>
#include <string.h>

/* What carries bytes of another interface, or bytes that never leave the host. */
static const struct {
    const char *kind, *why;
} left_out[] = {
    {"bond", "its bytes are counted on its members"},
    {"team", "its bytes are counted on its members"},
    {"bridge", "its bytes are counted on its ports"},
    {"openvswitch", "its bytes are counted on its ports"},
    {"vrf", "its bytes are counted on its members"},
    {"vlan", "its bytes are counted on the interface below it"},
    {"macvlan", "its bytes are counted on the interface below it"},
    {"macvtap", "its bytes are counted on the interface below it"},
    {"ipvlan", "its bytes are counted on the interface below it"},
    {"ipvtap", "its bytes are counted on the interface below it"},
    {"macsec", "its bytes are counted on the interface below it"},
    {"veth", "its other end is on this host, and what leaves the host is counted where it leaves"},
    {"netkit", "its other end is on this host, and what leaves the host is counted where it leaves"},
    {"dummy", "nothing that it carries leaves the host"},
    {"ifb", "its bytes are counted on the interface that redirects to it"},
    {"nlmon", "it carries copies"},
    {"vcan", "nothing that it carries leaves the host"},
};

static const char *why_virtual(const char *kind)
{
    for (size_t i = 0; i < array_length(left_out); i++)
        if (strcmp(left_out[i].kind, kind) == 0)
            return left_out[i].why;
    return "it is virtual: what its tunnel carries is counted where it leaves the host";
}

/* Hardware below hardware: a virtual function that hands its packets to a synthetic interface (Hyper-V). */
static bool has_hardware_master(const struct netdev_list *all, const struct netdev *dev)
{
    const struct netdev *master = dev->master ? netdev_find(all, dev->master) : NULL;

    return master && !*master->kind;
}

static bool is_automatic(const struct netdev_list *all, const struct netdev *dev, const char **ret_why)
{
    if (dev->flags & IFF_LOOPBACK)
        *ret_why = "what it carries never leaves the host";
    else if (*dev->kind)
        *ret_why = why_virtual(dev->kind);
    else if (has_hardware_master(all, dev))
        *ret_why = "its bytes are counted on the interface above it";
    else if (!(dev->flags & IFF_UP))
        *ret_why = "it is down";
    else
        return true;
    return false;
}

static bool is_auto(const char *pattern)
{
    return strcmp(pattern, CONFIG_INTERFACES_AUTO) == 0;
}

bool netdev_is_named(const struct config_texts *patterns, const struct netdev *dev)
{
    for (size_t i = 0; i < patterns->n; i++)
        if (!is_auto(patterns->v[i]) && fnmatch(patterns->v[i], dev->name, 0) == 0)
            return true;
    return false;
}

bool netdev_is_chosen(const struct config_texts *patterns, const struct netdev_list *all, const struct netdev *dev,
                      const char **ret_why)
{
    const char *why = "no pattern of the configuration matches its name";

    if (netdev_is_named(patterns, dev))
        return true;
    for (size_t i = 0; i < patterns->n; i++)
        if (is_auto(patterns->v[i]) && is_automatic(all, dev, &why))
            return true;
    *ret_why = why;
    return false;
}
