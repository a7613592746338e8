#include "collector/addresses.h"

#include "common/cleanup.h"

#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BUFFER_SIZE 65536
#define ATTEMPTS    10 /* EINTR: the list changed while it was told */

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

static int dump(struct mnl_socket *nl, char *buffer, struct list *list)
{
    struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
    unsigned sequence = (unsigned)time(NULL), port = mnl_socket_get_portid(nl);
    struct ifaddrmsg *info;
    ssize_t n;
    int r = MNL_CB_OK;

    request->nlmsg_type = RTM_GETADDR;
    request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request->nlmsg_seq = sequence;
    info = mnl_nlmsg_put_extra_header(request, sizeof(*info));
    info->ifa_family = AF_UNSPEC;
    if (mnl_socket_sendto(nl, request, request->nlmsg_len) < 0)
        return -errno;
    while (r == MNL_CB_OK && (n = mnl_socket_recvfrom(nl, buffer, BUFFER_SIZE)) > 0)
        r = mnl_cb_run(buffer, (size_t)n, sequence, port, add_address, list);
    return r == MNL_CB_STOP ? 0 : -errno;
}

static int ask(char *buffer, struct list *list)
{
    struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    int r;

    if (!nl)
        return -errno;
    r = mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : dump(nl, buffer, list);
    mnl_socket_close(nl);
    return r;
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
    cleanup_free char *buffer = malloc(BUFFER_SIZE);
    struct list list = {0};
    int r = buffer ? -EINTR : -ENOMEM;

    for (int i = 0; r == -EINTR && i < ATTEMPTS; i++) {
        list.n = 0;
        r = ask(buffer, &list);
    }
    if (r < 0) {
        free(list.v);
        return r;
    }
    *ret_n = leave_out_twice(&list);
    *ret = list.v;
    return 0;
}
