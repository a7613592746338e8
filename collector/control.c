#include "collector/control_internal.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/trusted.h"

#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define LISTEN_AT CONTROL_CLIENTS /* the listening socket's place in events */
#define SPARE_SEC 5               /* a client that has been silent for longer makes room for another one */

static int complain(char **ret_why, int error, const char *path, const char *what)
{
    if (asprintf(ret_why, "%s: %s", path, what) < 0)
        *ret_why = NULL;
    return error;
}

static int make_address(const char *path, struct sockaddr_un *ret)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(ret->sun_path))
        return -ENAMETOOLONG;
    strcpy(ret->sun_path, path);
    return 0;
}

/* ---- listening ---- */

/* What a killed pdttd left answers nobody and goes; anything else that has the name stays. */
static int make_way(const struct sockaddr_un *address, char **ret_why)
{
    const char *path = address->sun_path;
    cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), directory = -1;
    struct stat st;
    int r = fd < 0 ? -errno : trusted_open_parent(path, &directory, ret_why);

    if (r < 0)
        return r;
    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(st.st_mode))
        return complain(ret_why, -ENOTSOCK, path, "is not a socket; move it away, or set control to another path");
    if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
        return complain(ret_why, -EADDRINUSE, path, "another process answers there; set control to another path");
    return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int make_directory(const char *path)
{
    cleanup_free char *directory = strdup(path);
    char *slash = directory ? strrchr(directory, '/') : NULL;
    mode_t mask;
    int r;

    if (!directory)
        return -ENOMEM;
    if (!slash || slash == directory)
        return 0;
    *slash = '\0';
    mask = umask(022); /* whoever may use the socket must be able to come to it */
    r = mkdir(directory, 0755);
    umask(mask);
    return r < 0 && errno != EEXIST ? -errno : 0;
}

/* The umask makes the socket's mode right from its first moment on. */
static int listen_at(const struct sockaddr_un *address, gid_t group, int *ret_fd)
{
    cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask;
    int r;

    if (fd < 0)
        return -errno;
    mask = umask(0117);
    r = bind(fd, (const struct sockaddr *)address, sizeof(*address));
    umask(mask);
    if (r < 0 || lchown(address->sun_path, (uid_t)-1, group) < 0 || listen(fd, CONTROL_CLIENTS) < 0)
        return -errno;
    *ret_fd = take_fd(fd);
    return 0;
}

static int watch(struct control *c, int fd, uint32_t place)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.u32 = place}};

    return epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int start(struct control *c, const char *path, gid_t group, char **ret_why)
{
    struct sockaddr_un address;
    int r = make_address(path, &address);

    if (r == 0)
        r = make_directory(path);
    if (r == 0)
        r = make_way(&address, ret_why);
    if (r == 0)
        r = listen_at(&address, group, &c->listen_fd);
    if (r < 0)
        return *ret_why ? r : complain(ret_why, r, path, strerror(-r));
    c->path = strdup(path);
    c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (!c->path || c->epoll_fd < 0)
        return c->path ? -errno : -ENOMEM;
    return watch(c, c->listen_fd, LISTEN_AT);
}

int control_open(const char *path, gid_t group, const struct control_verb *verbs, size_t n_verbs, void *userdata,
                 struct control **ret_control, char **ret_why)
{
    struct control *c = calloc(1, sizeof(*c));
    int r;

    *ret_why = NULL;
    if (!c)
        return -ENOMEM;
    *c = (struct control){
        .listen_fd = -1, .epoll_fd = -1, .group = group, .verbs = verbs, .n_verbs = n_verbs, .userdata = userdata};
    for (size_t i = 0; i < CONTROL_CLIENTS; i++)
        c->clients[i].fd = -1;
    r = start(c, path, group, ret_why);
    if (r < 0) {
        control_close(c);
        return r;
    }
    *ret_control = c;
    return 0;
}

void control_part_with(struct client *client)
{
    client->fd = close_fd(client->fd);
    free(take_ptr(client->request));
    free(take_ptr(client->answer));
    json_decref(take_ptr(client->follows));
}

struct control *control_close(struct control *c)
{
    if (!c)
        return NULL;
    if (c->path)
        unlink(c->path);
    for (size_t i = 0; i < CONTROL_CLIENTS; i++)
        control_part_with(&c->clients[i]);
    close_fd(c->listen_fd);
    close_fd(c->epoll_fd);
    free(c->path);
    free(c);
    return NULL;
}

int control_fd(const struct control *c)
{
    return c->epoll_fd;
}

/* ---- clients ---- */

/* A free place, or that of a client that had its time; NULL: all are busy. */
static struct client *find_place(struct control *c)
{
    int64_t late_ns = clock_boottime_ns() - SPARE_SEC * NSEC_PER_SEC;

    for (size_t i = 0; i < CONTROL_CLIENTS; i++)
        if (c->clients[i].fd < 0)
            return &c->clients[i];
    for (size_t i = 0; i < CONTROL_CLIENTS; i++)
        if (!c->clients[i].follows && c->clients[i].since_ns < late_ns) {
            control_part_with(&c->clients[i]);
            return &c->clients[i];
        }
    return NULL;
}

static void take_client(struct control *c)
{
    cleanup_close int fd = accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct client *place = fd < 0 ? NULL : find_place(c);
    struct ucred cred;
    socklen_t size = sizeof(cred);

    if (!place || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
        return;
    if (watch(c, fd, (uint32_t)(place - c->clients)) < 0)
        return;
    *place =
        (struct client){.fd = take_fd(fd), .since_ns = clock_boottime_ns(), .peer = {cred.pid, cred.uid, cred.gid}};
}

/* The socket's mode keeps others out already; it is a file, and somebody may open it for who only looks. */
static json_t *refuse(const struct control *c, const struct client *client)
{
    log_warning("control socket: '%.*s' refused to uid %u, process %d", CONTROL_REQUEST_MAX, client->request,
                client->peer.uid, (int)client->peer.pid);
    return json_pack("{s:s, s:I}", "error", "only root and members of the socket's group may ask for that", "group",
                     (json_int_t)c->group);
}

static json_t *take_argument(const struct control *c, const struct control_verb *verb, struct client *client)
{
    json_t *argument = json_loads(client->request + strlen(verb->name) + 1, JSON_REJECT_DUPLICATES, NULL), *ret;
    bool follow = verb->may_follow && json_is_true(json_object_get(argument, "follow"));

    if (!json_is_object(argument))
        ret = json_pack("{s:s}", "error", "what stands behind the request is no JSON object");
    else if (follow && !control_may_follow(c))
        ret = json_pack("{s:s}", "error", "too many follow already; end one of them");
    else
        ret = verb->take(&client->peer, argument, c->userdata);
    if (follow && ret && !json_object_get(ret, "error"))
        client->follows = json_incref(argument);
    json_decref(argument);
    return ret;
}

static bool is_asked_for(const struct control_verb *verb, const char *request)
{
    size_t n = strlen(verb->name);

    if (strncmp(verb->name, request, n) != 0)
        return false;
    return request[n] == '\0' ? verb->answer != NULL : request[n] == ' ' && verb->take;
}

static json_t *answer(const struct control *c, struct client *client)
{
    for (size_t i = 0; i < c->n_verbs; i++) {
        const struct control_verb *verb = &c->verbs[i];

        if (!is_asked_for(verb, client->request))
            continue;
        if (verb->admin_only && !control_peer_is_admin(client->fd, &client->peer, c->group))
            return refuse(c, client);
        return client->request[strlen(verb->name)] ? take_argument(c, verb, client)
                                                   : verb->answer(&client->peer, c->userdata);
    }
    return json_pack("{s:s}", "error", "unknown request");
}

static int wait_for(const struct control *c, const struct client *client, uint32_t what)
{
    struct epoll_event event = {.events = what, .data = {.u32 = (uint32_t)(client - c->clients)}};

    return epoll_ctl(c->epoll_fd, EPOLL_CTL_MOD, client->fd, &event) < 0 ? -errno : 0;
}

int control_send(const struct control *c, struct client *client)
{
    uint32_t also = client->follows ? EPOLLIN : 0; /* by which it is seen to close */
    bool waited = client->sent < client->size;

    while (client->sent < client->size) {
        ssize_t n =
            send(client->fd, client->answer + client->sent, client->size - client->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0)
            return errno == EAGAIN && wait_for(c, client, EPOLLOUT | also) == 0 ? 1 : -EPIPE;
        client->sent += (size_t)n;
    }
    return waited && also ? wait_for(c, client, also) : 0;
}

/* What the socket does not take at once is sent when the client has read; it keeps its place until then. */
static bool send_answer(const struct control *c, struct client *client)
{
    int r = control_send(c, client);

    return r > 0 || (r == 0 && client->follows);
}

/* False when the client is done with. */
static bool reply(const struct control *c, struct client *client)
{
    json_t *json = answer(c, client);
    cleanup_free char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    int size = text ? asprintf(&client->answer, "%s\n", text) : -1;

    json_decref(json);
    if (size < 0) {
        client->answer = NULL;
        return false;
    }
    client->size = (size_t)size;
    return send_answer(c, client);
}

/* Long requests are for those alone who may change something. False: it has no more room. */
static bool make_room(const struct control *c, struct client *client)
{
    size_t room = client->room ? client->room * 2 : CONTROL_REQUEST_MAX;
    char *larger;

    if (client->n < client->room)
        return true;
    if (room > CONTROL_REQUEST_MAX &&
        (room > CONTROL_ARGUMENT_MAX || !control_peer_is_admin(client->fd, &client->peer, c->group)))
        return false;
    larger = realloc(client->request, room);
    if (!larger)
        return false;
    client->request = larger;
    client->room = room;
    return true;
}

/* False when the client is done with. */
static bool read_request(const struct control *c, struct client *client)
{
    size_t before = client->n;
    ssize_t n;
    char *end;

    if (!make_room(c, client))
        return false;
    n = recv(client->fd, client->request + client->n, client->room - client->n, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    client->n += (size_t)n;
    end = memchr(client->request + before, '\n', client->n - before);
    if (!end)
        return n > 0;
    if (memchr(client->request, '\0', client->n)) /* what follows it would be asked for unseen */
        return false;
    *end = '\0';
    return reply(c, client);
}

static bool serve_client(const struct control *c, struct client *client)
{
    if (!client->answer)
        return read_request(c, client);
    return client->follows ? control_serve_follower(c, client) : send_answer(c, client);
}

void control_serve(struct control *c)
{
    struct epoll_event events[CONTROL_CLIENTS + 1];
    int n = epoll_wait(c->epoll_fd, events, CONTROL_CLIENTS + 1, 0);

    for (int i = 0; i < n; i++) {
        struct client *client = events[i].data.u32 < CONTROL_CLIENTS ? &c->clients[events[i].data.u32] : NULL;

        if (!client)
            take_client(c);
        else if (client->fd >= 0 && !serve_client(c, client))
            control_part_with(client);
    }
}
