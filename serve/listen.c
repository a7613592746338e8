#include "serve/listen.h"

#include "common/cleanup.h"
#include "serve/claim.h"

#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

enum { BACKLOG = 1024 };

static bool is_usable(int fd)
{
    return sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) > 0 ||
           sd_is_socket_inet(fd, AF_INET, SOCK_STREAM, 1, 0) > 0 ||
           sd_is_socket_inet(fd, AF_INET6, SOCK_STREAM, 1, 0) > 0;
}

int listen_inherit(int ret_fds[static LISTENERS_MOST], size_t *ret_n)
{
    int n = sd_listen_fds(1);

    if (n == 0)
        return -ENOENT;
    if (n < 0 || n > LISTENERS_MOST)
        return -EINVAL;
    for (int i = 0; i < n; i++) {
        ret_fds[i] = SD_LISTEN_FDS_START + i;
        if (!is_usable(ret_fds[i]))
            return -EINVAL;
        fcntl(ret_fds[i], F_SETFL, fcntl(ret_fds[i], F_GETFL) | O_NONBLOCK);
    }
    *ret_n = (size_t)n;
    return 0;
}

/* ---- TCP ---- */

bool listen_is_loopback(const struct sockaddr_storage *address)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;

    if (address->ss_family == AF_INET)
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    return address->ss_family == AF_INET6 &&
           (IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ||
            (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) && v6->sin6_addr.s6_addr[12] == 127));
}

static int parse_address(const char *text, struct sockaddr_storage *ret, socklen_t *ret_size)
{
    const char *colon = strrchr(text, ':');
    cleanup_free char *host = NULL;
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;

    if (!colon)
        return -EINVAL;
    host = *text == '[' ? strndup(text + 1, (size_t)(colon - text - 2)) : strndup(text, (size_t)(colon - text));
    if (!host || getaddrinfo(host, colon + 1, &hints, &found) != 0)
        return -EINVAL;
    memcpy(ret, found->ai_addr, found->ai_addrlen);
    *ret_size = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

int listen_on_network(const char *text, int *ret_fd, char **ret_why)
{
    struct sockaddr_storage address = {0};
    cleanup_close int fd = -1;
    socklen_t size;
    const int on = 1;
    int r = parse_address(text, &address, &size);

    if (r == 0) {
        fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        r = fd < 0 ? -errno : 0;
    }
    if (r == 0 && (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
                   bind(fd, (const struct sockaddr *)&address, size) < 0 || listen(fd, BACKLOG) < 0))
        r = -errno;
    if (r < 0) {
        if (asprintf(ret_why, "serve.listen: '%s': %s", text, strerror(-r)) < 0)
            *ret_why = NULL;
        return r;
    }
    *ret_fd = take_fd(fd);
    return 0;
}

/* ---- the Unix socket ---- */

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
        return complain(r, ret_why, path,
                        r == -ENOENT ? "its directory does not exist; make it, or name another path" : strerror(-r));
    *ret_fd = take_fd(fd);
    return 0;
}

int listen_accept(int fd, int *ret_fd, int64_t *ret_who)
{
    struct sockaddr_storage address = {0};
    socklen_t address_size = sizeof(address), size = sizeof(struct ucred);
    cleanup_close int client = accept4(fd, (struct sockaddr *)&address, &address_size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct ucred peer;

    if (client < 0)
        return -errno;
    if (address.ss_family == AF_INET || address.ss_family == AF_INET6) {
        *ret_who = CLAIM_NETWORK;
        *ret_fd = take_fd(client);
        return 0;
    }
    if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.uid == (uid_t)-1)
        return -EAGAIN;
    *ret_who = peer.uid;
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
