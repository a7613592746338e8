#include "common/control_client.h"

#include "common/cleanup.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { PATIENCE_SEC = 10, FIRST_SIZE = 1 << 16, LARGEST = 1 << 28 };

static int connect_to(int fd, const char *path)
{
    const struct timeval patience = {.tv_sec = PATIENCE_SEC};
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
        connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    return 0;
}

/* Until the other side closes. */
static int receive(int fd, json_t **ret_answer)
{
    cleanup_free char *text = NULL;
    size_t size = 0, n = 0;
    ssize_t got;

    do {
        if (n == size) {
            char *larger = size < LARGEST ? realloc(text, size ? 2 * size : FIRST_SIZE) : NULL;

            if (!larger)
                return -ENOMEM;
            size = size ? 2 * size : FIRST_SIZE;
            text = larger;
        }
        got = recv(fd, text + n, size - n, 0);
        n += got > 0 ? (size_t)got : 0;
    } while (got > 0);
    if (got < 0)
        return -errno;
    *ret_answer = json_loadb(text, n, 0, NULL);
    return *ret_answer ? 0 : -EPROTO;
}

int control_ask(const char *path, const char *request, json_t **ret_answer, char **ret_why)
{
    cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int r = fd < 0 ? -errno : connect_to(fd, path);

    *ret_why = NULL;
    if (r == 0 && dprintf(fd, "%s\n", request) < 0)
        r = -errno;
    if (r == 0)
        r = receive(fd, ret_answer);
    if (r == -EAGAIN)
        r = -ETIMEDOUT;
    if (r < 0 &&
        asprintf(ret_why, "%s: %s", path,
                 r == -ETIMEDOUT ? "pdttd does not answer within 10 s: it hangs or is stopped" : strerror(-r)) < 0)
        *ret_why = NULL;
    return r;
}
