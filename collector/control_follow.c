/* Who asked to be told on: lines go to a client as they come, and one that does not read holds up nothing. */
#include "collector/control_internal.h"

#include "common/cleanup.h"

#include <string.h>
#include <sys/socket.h>

#define WAITING_MOST 262144 /* bytes that wait for one client; what is more it misses, and is told how many */

bool control_may_follow(const struct control *c)
{
    size_t n = 0;

    for (size_t i = 0; i < CONTROL_CLIENTS; i++)
        n += c->clients[i].fd >= 0 && c->clients[i].follows;
    return n < CONTROL_FOLLOWERS;
}

bool control_is_followed(const struct control *c)
{
    for (size_t i = 0; c && i < CONTROL_CLIENTS; i++)
        if (c->clients[i].fd >= 0 && c->clients[i].follows)
            return true;
    return false;
}

/* What it says after its request is of no interest, only that it closes. */
static bool is_there(const struct client *client)
{
    char ignored[256];
    ssize_t n;

    do
        n = recv(client->fd, ignored, sizeof(ignored), MSG_DONTWAIT);
    while (n > 0);
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* -ENOBUFS: it has no room for it; -ENOMEM. */
static int append(struct client *client, const char *line)
{
    size_t n = strlen(line), waiting = client->size - client->sent;
    char *larger;

    if (waiting + n > WAITING_MOST)
        return -ENOBUFS;
    memmove(client->answer, client->answer + client->sent, waiting);
    larger = realloc(client->answer, waiting + n + 1);
    if (!larger)
        return -ENOMEM;
    memcpy(larger + waiting, line, n);
    client->answer = larger;
    client->size = waiting + n;
    client->sent = 0;
    return 0;
}

static int append_missed(struct client *client)
{
    char line[64];
    int r;

    if (!client->missed)
        return 0;
    snprintf(line, sizeof(line), "{\"missed\": %llu}\n", (unsigned long long)client->missed);
    r = append(client, line);
    if (r == 0)
        client->missed = 0;
    return r;
}

/* What it missed is told when it reads again, also when nothing more comes. */
bool control_serve_follower(const struct control *c, struct client *client)
{
    int r = is_there(client) ? control_send(c, client) : -EPIPE;

    if (r == 0 && client->missed && append_missed(client) == 0)
        r = control_send(c, client);
    return r >= 0;
}

static void tell(const struct control *c, struct client *client, const char *line)
{
    if (append_missed(client) < 0 || append(client, line) < 0)
        client->missed++;
    if (control_send(c, client) < 0)
        control_part_with(client);
}

void control_tell(struct control *c, const json_t *what, control_wants_fn wants)
{
    cleanup_free char *text = json_dumps(what, JSON_COMPACT), *line = NULL;

    if (!text || asprintf(&line, "%s\n", text) < 0)
        return;
    for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
        struct client *client = &c->clients[i];

        if (client->fd >= 0 && client->follows && wants(client->follows, what))
            tell(c, client, line);
    }
}
