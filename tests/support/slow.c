/*
 * slow SOCKET CONNECTIONS SECONDS [WAY]: holds so many connections to a server of HTTP and keeps each of them busy for
 * nothing. Each that the server ends is made anew. Prints how many were made, and how often one was ended. SOCKET is a path,
 * or the number of a port of 127.0.0.1.
 *
 * WAY: header (default)  a byte of a header now and then, and never its end
 *      silent            not a byte
 *      question          whole questions, whose answers are not read
 *      raw               sends its input over one connection as it is, and prints what is answered
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 4000, BETWEEN_BYTES_MS = 200 };

static const char question[] = "GET /api/v1/report?since=2000&period=day HTTP/1.1\r\nHost: a\r\n\r\n";
static struct pollfd fds[MOST];
static size_t sent[MOST];
static unsigned long made, ended;

static double now_sec(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int connect_to(const char *where)
{
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    struct sockaddr_in port = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(where)), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    bool is_path = *where == '/';
    int fd = socket(is_path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    strncpy(path.sun_path, where, sizeof(path.sun_path) - 1);
    if (fd >= 0 && connect(fd, is_path ? (const struct sockaddr *)&path : (const struct sockaddr *)&port,
                           is_path ? sizeof(path) : sizeof(port)) == 0)
        return fd;
    if (fd >= 0 && errno == EINPROGRESS)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* One byte more, or all at once; what comes after the beginning of a header is a header that goes on. */
static void send_some(int fd, size_t *at, const char *way)
{
    static const char begin[] = "GET /api/v1/report HTTP/1.1\r\nHost: a\r\nX-Long: ";

    if (strcmp(way, "header") == 0)
        (void)!send(fd, *at < sizeof(begin) - 1 ? &begin[*at] : "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    else if (strcmp(way, "question") == 0 && *at == 0)
        (void)!send(fd, question, sizeof(question) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    ++*at;
}

static void keep_up(const char *path, int i, const char *way)
{
    if (fds[i].fd >= 0 && fds[i].revents & (POLLHUP | POLLERR)) {
        close(fds[i].fd);
        fds[i].fd = -1;
        ended++;
    }
    if (fds[i].fd < 0) {
        fds[i] = (struct pollfd){.fd = connect_to(path)};
        sent[i] = 0;
        made += fds[i].fd >= 0;
    }
    if (fds[i].fd >= 0)
        send_some(fds[i].fd, &sent[i], way);
}

static int pass_on(const char *path, int seconds)
{
    char bytes[65536];
    struct pollfd answer = {.fd = connect_to(path), .events = POLLIN};
    ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));

    if (answer.fd < 0 || n < 0 || send(answer.fd, bytes, (size_t)n, MSG_NOSIGNAL) != n)
        return 1;
    while (poll(&answer, 1, seconds * 1000) > 0 && (n = recv(answer.fd, bytes, sizeof(bytes), 0)) > 0)
        if (fwrite(bytes, 1, (size_t)n, stdout) != (size_t)n)
            return 1;
    return 0;
}

int main(int argc, char **argv)
{
    const char *way = argc > 4 ? argv[4] : "header";
    struct rlimit files = {MOST + 96, MOST + 96};
    int n = argc > 3 ? atoi(argv[2]) : 0;
    double end;

    if (n < 1 || n > MOST) {
        fprintf(stderr, "usage: slow SOCKET CONNECTIONS SECONDS [header|silent|question|raw]\n");
        return 2;
    }
    if (strcmp(way, "raw") == 0)
        return pass_on(argv[1], atoi(argv[3]));
    if (setrlimit(RLIMIT_NOFILE, &files) < 0) {
        getrlimit(RLIMIT_NOFILE, &files);
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    for (int i = 0; i < n; i++)
        fds[i].fd = -1;
    for (end = now_sec() + atof(argv[3]); now_sec() < end;) {
        for (int i = 0; i < n; i++)
            keep_up(argv[1], i, way);
        poll(fds, (nfds_t)n, 0);
        poll(NULL, 0, BETWEEN_BYTES_MS);
    }
    printf("connections %lu ended %lu\n", made, ended);
    return 0;
}
