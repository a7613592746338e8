#include "serve/listen.h"

#include "common/cleanup.h"

#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

enum { BACKLOG = 1024 };

int listen_inherit(int *ret_fd)
{
    int n = sd_listen_fds(1);

    if (n == 0)
        return -ENOENT;
    if (n < 0 || n > 1 || sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_STREAM, 1, NULL, 0) <= 0)
        return -EINVAL;
    *ret_fd = SD_LISTEN_FDS_START;
    return 0;
}

static int complain(int error, char **ret_why, const char *path, const char *what)
{
    if (asprintf(ret_why, "option --listen: '%s': %s", path, what) < 0)
        *ret_why = NULL;
    return error;
}

/* A socket whose server was killed refuses; no symbolic link is followed. */
static int remove_stale(const char *path, const struct sockaddr_un *address, char **ret_why)
{
    cleanup_close int probe = -1;
    struct stat st;

    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : complain(-errno, ret_why, path, strerror(errno));
    if (!S_ISSOCK(st.st_mode) || st.st_uid != geteuid())
        return complain(-EEXIST, ret_why, path,
                        "is something else than an old socket of this user; remove it yourself");
    probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return complain(-errno, ret_why, path, strerror(errno));
    if (connect(probe, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno != ECONNREFUSED)
        return complain(-EADDRINUSE, ret_why, path, "another program listens there; stop it first");
    return unlink(path) < 0 ? complain(-errno, ret_why, path, strerror(errno)) : 0;
}

/* With the mode that it shall have from its first instant on: everybody may connect, nobody executes a socket. */
static int bind_for_everybody(int fd, const struct sockaddr_un *address)
{
    mode_t before = umask(0111);
    int r = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;

    umask(before);
    return r;
}

int listen_at(const char *path, int *ret_fd, char **ret_why)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    cleanup_close int fd = -1;
    int r;

    if (strlen(path) >= sizeof(address.sun_path) || *path != '/')
        return complain(-EINVAL, ret_why, path, "is not an absolute path of at most 107 bytes");
    strcpy(address.sun_path, path);
    r = remove_stale(path, &address, ret_why);
    if (r < 0)
        return r;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    r = fd < 0 ? -errno : bind_for_everybody(fd, &address);
    if (r == 0 && listen(fd, BACKLOG) < 0)
        r = -errno;
    if (r < 0)
        return complain(r, ret_why, path, strerror(-r));
    *ret_fd = take_fd(fd);
    return 0;
}

int listen_accept(int fd, int *ret_fd, int64_t *ret_uid)
{
    cleanup_close int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct ucred peer;
    socklen_t size = sizeof(peer);

    if (client < 0)
        return -errno;
    if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.uid == (uid_t)-1)
        return -EAGAIN;
    *ret_uid = peer.uid;
    *ret_fd = take_fd(client);
    return 0;
}

int listen_knows_users(char **ret_why)
{
    cleanup_fclose FILE *map = fopen("/proc/self/uid_map", "re");
    uint32_t inside, outside, n;

    if (map && fscanf(map, "%" SCNu32 " %" SCNu32 " %" SCNu32, &inside, &outside, &n) == 3 && inside == 0 &&
        outside == 0 && n == UINT32_MAX)
        return 0;
    *ret_why =
        strdup("/proc/self/uid_map: this is a user namespace, in which the kernel does not tell all users apart; "
               "run pdtt-serve in the host's own (no PrivateUsers=)");
    return -EPERM;
}
