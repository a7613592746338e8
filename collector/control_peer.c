/* Who is at the other end of the control socket. */
#include "collector/control.h"

#include "common/cleanup.h"

#include <sys/socket.h>

/* The supplementary groups (Linux 4.13): the first look asks only how much room they take. */
static int read_groups(int fd, gid_t **ret_groups, size_t *ret_n)
{
    cleanup_free gid_t *groups = NULL;
    socklen_t size = 0;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) < 0 && errno != ERANGE)
        return -errno;
    groups = malloc(size ? size : 1);
    if (!groups)
        return -ENOMEM;
    if (size && getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
        return -errno;
    *ret_n = size / sizeof(*groups);
    *ret_groups = take_ptr(groups);
    return 0;
}

bool control_peer_is_admin(int fd, const struct control_peer *peer, gid_t group)
{
    cleanup_free gid_t *groups = NULL;
    size_t n = 0;

    if (peer->uid == 0 || peer->gid == group)
        return true;
    if (read_groups(fd, &groups, &n) < 0)
        return false;
    for (size_t i = 0; i < n; i++)
        if (groups[i] == group)
            return true;
    return false;
}
