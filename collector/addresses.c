#include "collector/addresses.h"

#include "collector/rtnetlink.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct list {
    struct address *v;
    size_t n, size;
};

static int append(struct list *list, const struct address *address)
{
    if (list->n == list->size) {
        size_t size = list->size ? 2 * list->size : 16;
        struct address *v = reallocarray(list->v, size, sizeof(*v));

        if (!v)
            return -ENOMEM;
        list->v = v;
        list->size = size;
    }
    list->v[list->n++] = *address;
    return 0;
}

/* With a peer at the other end IFA_ADDRESS is his. */
static int add_address(const struct nlmsghdr *message, void *userdata)
{
    const struct ifaddrmsg *info = mnl_nlmsg_get_payload(message);
    const struct nlattr *attr, *own = NULL;
    struct address address = {0};
    size_t size;

    if (message->nlmsg_type != RTM_NEWADDR || mnl_nlmsg_get_payload_len(message) < sizeof(*info))
        return MNL_CB_OK;
    mnl_attr_for_each(attr, message, sizeof(*info))
    {
        if (mnl_attr_get_type(attr) == IFA_LOCAL || (mnl_attr_get_type(attr) == IFA_ADDRESS && !own))
            own = attr;
    }
    size = info->ifa_family == AF_INET ? 4 : info->ifa_family == AF_INET6 ? 16 : 0;
    if (!own || !size || mnl_attr_get_payload_len(own) != size)
        return MNL_CB_OK;
    address.family = info->ifa_family;
    memcpy(address.bytes, mnl_attr_get_payload(own), size);
    if (append(userdata, &address) == 0)
        return MNL_CB_OK;
    errno = ENOMEM;
    return MNL_CB_ERROR;
}

static void begin(void *userdata)
{
    ((struct list *)userdata)->n = 0;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct address));
}

static size_t leave_out_twice(struct list *list)
{
    size_t kept = 0;

    if (list->n)
        qsort(list->v, list->n, sizeof(*list->v), compare);
    for (size_t i = 0; i < list->n; i++)
        if (kept == 0 || compare(&list->v[kept - 1], &list->v[i]) != 0)
            list->v[kept++] = list->v[i];
    return kept;
}

int addresses_list(struct address **ret, size_t *ret_n)
{
    struct list list = {0};
    int r = rtnetlink_list(RTM_GETADDR, sizeof(struct ifaddrmsg), begin, add_address, &list);

    if (r < 0) {
        free(list.v);
        return r;
    }
    *ret_n = leave_out_twice(&list);
    *ret = list.v;
    return 0;
}
