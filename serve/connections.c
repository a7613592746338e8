#include "serve/connections.h"

#include "common/cleanup.h"

#include <pthread.h>
#include <sys/socket.h>

/* Descriptors are small numbers: there are never many more than connections are granted. */
enum { MOST_FDS = 4096 };

struct connection {
    int64_t uid, until_ns;
    bool open, kept;
};

struct connections {
    pthread_mutex_t lock; /* held while a socket is shut down, so that it cannot be closed and be another meanwhile */
    struct connection v[MOST_FDS];
};

struct connections *connections_new(void)
{
    struct connections *c = calloc(1, sizeof(*c));

    if (c)
        pthread_mutex_init(&c->lock, NULL);
    return c;
}

struct connections *connections_free(struct connections *c)
{
    if (c)
        pthread_mutex_destroy(&c->lock);
    free(c);
    return NULL;
}

/* Under the lock. NULL: the descriptor is no connection. */
static struct connection *find(struct connections *c, int fd)
{
    return fd >= 0 && fd < MOST_FDS && c->v[fd].open ? &c->v[fd] : NULL;
}

bool connections_add(struct connections *c, int fd, int64_t uid, int64_t until_ns, int64_t *ret_stale)
{
    if (fd >= MOST_FDS)
        return false;
    pthread_mutex_lock(&c->lock);
    *ret_stale = c->v[fd].open ? c->v[fd].uid : -1;
    c->v[fd] = (struct connection){.uid = uid, .until_ns = until_ns, .open = true};
    pthread_mutex_unlock(&c->lock);
    return true;
}

int64_t connections_uid(struct connections *c, int fd)
{
    const struct connection *found;
    int64_t uid;

    pthread_mutex_lock(&c->lock);
    found = find(c, fd);
    uid = found ? found->uid : -1;
    pthread_mutex_unlock(&c->lock);
    return uid;
}

void connections_limit(struct connections *c, int fd, int64_t until_ns)
{
    struct connection *found;

    pthread_mutex_lock(&c->lock);
    found = find(c, fd);
    if (found)
        found->until_ns = until_ns;
    pthread_mutex_unlock(&c->lock);
}

void connections_keep(struct connections *c, int fd)
{
    struct connection *found;

    pthread_mutex_lock(&c->lock);
    found = find(c, fd);
    if (found)
        found->kept = true;
    pthread_mutex_unlock(&c->lock);
}

/* Once is enough: the library sees it and closes. */
static void end(struct connection *connection, int fd)
{
    shutdown(fd, SHUT_RDWR);
    connection->until_ns = CONNECTION_NO_LIMIT;
}

bool connections_make_room(struct connections *c, int64_t uid)
{
    struct connection *found = NULL;

    pthread_mutex_lock(&c->lock);
    for (struct connection *v = c->v; v < c->v + MOST_FDS; v++)
        if (v->open && v->uid == uid && !v->kept && v->until_ns < (found ? found->until_ns : CONNECTION_NO_LIMIT))
            found = v;
    if (found) {
        end(found, (int)(found - c->v));
        found->uid = -1;
    }
    pthread_mutex_unlock(&c->lock);
    return found;
}

int64_t connections_remove(struct connections *c, int fd)
{
    struct connection *found;
    int64_t uid = -1;

    pthread_mutex_lock(&c->lock);
    found = find(c, fd);
    if (found) {
        uid = found->uid;
        *found = (struct connection){0};
    }
    pthread_mutex_unlock(&c->lock);
    return uid;
}

void connections_expire(struct connections *c, int64_t now_ns)
{
    pthread_mutex_lock(&c->lock);
    for (int fd = 0; fd < MOST_FDS; fd++)
        if (c->v[fd].open && c->v[fd].until_ns <= now_ns)
            end(&c->v[fd], fd);
    pthread_mutex_unlock(&c->lock);
}
