#include "collector/rtnetlink.h"

#include "common/cleanup.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <time.h>

/* A kernel page may hold more than one message, and with many virtual functions a link is large. */
#define BUFFER_SIZE 65536
#define ATTEMPTS    10

int rtnetlink_open(unsigned groups, int flags, struct mnl_socket **ret)
{
    struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | flags);
    int r;

    if (!nl)
        return -errno;
    if (mnl_socket_bind(nl, groups, MNL_SOCKET_AUTOPID) < 0) {
        r = -errno;
        mnl_socket_close(nl);
        return r;
    }
    *ret = nl;
    return 0;
}

static int send_request(struct mnl_socket *nl, char *buffer, uint16_t what, size_t header_size, unsigned sequence)
{
    struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
    struct rtgenmsg *general;

    request->nlmsg_type = what;
    request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request->nlmsg_seq = sequence;
    general = mnl_nlmsg_put_extra_header(request, header_size);
    general->rtgen_family = AF_UNSPEC;
    return mnl_socket_sendto(nl, request, request->nlmsg_len) < 0 ? -errno : 0;
}

static int ask(char *buffer, uint16_t what, size_t header_size, mnl_cb_t fn, void *userdata)
{
    unsigned sequence = (unsigned)time(NULL);
    struct mnl_socket *nl;
    int told = MNL_CB_OK, r = rtnetlink_open(0, 0, &nl);
    ssize_t n;

    if (r < 0)
        return r;
    r = send_request(nl, buffer, what, header_size, sequence);
    if (r == 0) {
        while (told == MNL_CB_OK && (n = mnl_socket_recvfrom(nl, buffer, BUFFER_SIZE)) > 0)
            told = mnl_cb_run(buffer, (size_t)n, sequence, mnl_socket_get_portid(nl), fn, userdata);
        r = told == MNL_CB_STOP ? 0 : -errno;
    }
    mnl_socket_close(nl);
    return r;
}

int rtnetlink_list(uint16_t what, size_t header_size, void (*begin)(void *userdata), mnl_cb_t fn, void *userdata)
{
    cleanup_free char *buffer = malloc(BUFFER_SIZE);
    int r = buffer ? -EINTR : -ENOMEM;

    for (int i = 0; r == -EINTR && i < ATTEMPTS; i++) {
        begin(userdata);
        r = ask(buffer, what, header_size, fn, userdata);
    }
    return r;
}
