#include "common/control_client.h"

#include "common/cleanup.h"

#include <grp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { USUAL_PATIENCE_SEC = 10, FIRST_SIZE = 1 << 16, LARGEST = 1 << 28 };

static int connect_to(int fd, const char *path, unsigned patience_sec)
{
    const struct timeval patience = {.tv_sec = patience_sec};
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

/* One that closes before it has read all may have answered already: that says more than a broken pipe. */
static int send_all(int fd, const char *text, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);

        if (sent < 0)
            return errno == EPIPE || errno == ECONNRESET ? 0 : -errno;
        text += sent;
        n -= (size_t)sent;
    }
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

/* ---- what failed ---- */

char *control_tell_who_may(const char *path)
{
    struct stat st;
    const struct group *group = stat(path, &st) == 0 ? getgrgid(st.st_gid) : NULL;
    char *line;

    if (asprintf(
            &line,
            "%s: this user may not ask that of pdttd; root and the group %s may: usermod -aG %s USER, and log in again",
            path, group ? group->gr_name : "that owns this socket", group ? group->gr_name : "GROUP") < 0)
        return NULL;
    return line;
}

/* Behind the path. */
static const struct {
    int error;
    const char *what;
} failures[] = {
    {-ENOENT, "no pdttd answers: start it (systemctl start pdttd), or name the control socket of the one that runs"},
    {-ECONNREFUSED, "no pdttd answers: it has ended; start it (systemctl start pdttd)"},
    {-ENOTSOCK, "is no socket; name the control socket of the pdttd that runs"},
    {-EPROTO, "no answer: pdttd ended meanwhile, or too many ask at once; try again"},
    {-EPIPE, "pdttd has ended, or does not tell on; its log says more"},
    {-ETIMEDOUT, "pdttd does not answer in time: it hangs, is stopped, or waits for the database; its log says more"},
};

static char *explain(const char *path, int error)
{
    const char *what = strerror(-error);
    struct stat st;
    char *line;

    if (error == -EACCES)
        return control_tell_who_may(path);
    if (error == -ECONNREFUSED && stat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
        error = -ENOTSOCK;
    for (size_t i = 0; i < array_length(failures); i++)
        if (failures[i].error == error)
            what = failures[i].what;
    return asprintf(&line, "%s: %s", path, what) < 0 ? NULL : line;
}

static int begin(int fd, const char *path, const char *request, unsigned patience_sec)
{
    int r = fd < 0 ? -errno : connect_to(fd, path, patience_sec);

    if (r == 0)
        r = send_all(fd, request, strlen(request));
    return r < 0 ? r : send_all(fd, "\n", 1);
}

int control_ask_within(const char *path, const char *request, unsigned patience_sec, json_t **ret_answer,
                       char **ret_why)
{
    cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int r = begin(fd, path, request, patience_sec);

    *ret_why = NULL;
    if (r == 0)
        r = receive(fd, ret_answer);
    if (r == -EAGAIN)
        r = -ETIMEDOUT;
    if (r < 0)
        *ret_why = explain(path, r);
    return r;
}

int control_ask(const char *path, const char *request, json_t **ret_answer, char **ret_why)
{
    return control_ask_within(path, request, USUAL_PATIENCE_SEC, ret_answer, ret_why);
}

/* ---- going on ---- */

static int take_line(const char *text, size_t n, control_line_fn fn, void *userdata)
{
    json_t *line = json_loadb(text, n, 0, NULL);
    int r = line ? fn(line, userdata) : -EPROTO;

    json_decref(line);
    return r;
}

static int follow(int fd, control_line_fn fn, void *userdata)
{
    const struct timeval for_ever = {0};
    cleanup_close int own = dup(fd);
    cleanup_fclose FILE *f = own < 0 ? NULL : fdopen(own, "r");
    cleanup_free char *text = NULL;
    size_t size = 0;
    ssize_t n;
    int r = 0;

    if (!f)
        return -errno;
    take_fd(own);
    for (bool first = true; r == 0; first = false) {
        errno = 0;
        n = getline(&text, &size, f);
        if (n < 0)
            return errno ? -errno : first ? -EPROTO : -EPIPE;
        r = take_line(text, (size_t)n, fn, userdata);
        if (first && r == 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &for_ever, sizeof(for_ever)) < 0)
            r = -errno;
    }
    return r;
}

int control_follow(const char *path, const char *request, unsigned patience_sec, control_line_fn fn, void *userdata,
                   char **ret_why)
{
    cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int r = begin(fd, path, request, patience_sec);

    *ret_why = NULL;
    if (r == 0)
        r = follow(fd, fn, userdata);
    if (r == -EAGAIN)
        r = -ETIMEDOUT;
    if (r < 0)
        *ret_why = explain(path, r);
    return r;
}
