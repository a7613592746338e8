/*
 * The connections that are open and until when each may stay so. The library ends those on which nothing moves; who
 * moves a byte now and then is ended here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct connections;

enum {
    CONNECTION_REQUEST_SEC = 5, /* from its beginning to the whole request */
    CONNECTION_ANSWER_SEC = 30, /* to take an answer */
    CONNECTION_IDLE_SEC = 15,   /* from an answer to the whole next request */
};

#define CONNECTION_NO_LIMIT INT64_MAX

struct connections *connections_new(void);
struct connections *connections_free(struct connections *c); /* NULL is a no-op; returns NULL */

/*
 * Notes that the descriptor is a connection of uid. If it is one already, whose end nobody told, that is taken for
 * ended: *ret_stale is its uid, else -1. False: the number is too large.
 */
bool connections_add(struct connections *c, int fd, int64_t uid, int64_t until_ns, int64_t *ret_stale);

/* Its uid; -1: there is none. */
int64_t connections_uid(struct connections *c, int fd);

void connections_limit(struct connections *c, int fd, int64_t until_ns);

/* What was asked over it was answered: from now on it makes room for nobody. */
void connections_keep(struct connections *c, int fd);

/*
 * Shuts down the connection of uid that has the least time left, of those over which nothing was answered and no question is being
 * answered, so that who says nothing keeps nobody out. It is of no uid then, and counts for none. False: there is none.
 */
bool connections_make_room(struct connections *c, int64_t uid);

/* To be told before the descriptor is closed. Its uid; -1: there was none. */
int64_t connections_remove(struct connections *c, int fd);

/* Shuts down those whose time is over. */
void connections_expire(struct connections *c, int64_t now_ns);
