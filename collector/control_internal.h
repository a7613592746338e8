/* What control.c, which answers, and control_follow.c, which goes on telling, share. */
#pragma once

#include "collector/control.h"

#include <stdint.h>

#define CONTROL_CLIENTS   16
#define CONTROL_FOLLOWERS 4 /* of them: the others are left to who asks and goes */

struct client {
    int fd; /* -1: free */
    int64_t since_ns;
    struct control_peer peer;
    char *request; /* NULL: nothing of it has come yet */
    size_t n, room;
    char *answer; /* NULL: the request has not come yet */
    size_t size, sent;
    json_t *follows; /* what it asked for; NULL: it goes when it has its answer */
    uint64_t missed; /* lines, since it does not read fast enough */
};

struct control {
    int listen_fd, epoll_fd;
    char *path;
    gid_t group;
    const struct control_verb *verbs;
    size_t n_verbs;
    void *userdata;
    struct client clients[CONTROL_CLIENTS];
};

void control_part_with(struct client *client);

/* Sends what the socket takes, and waits for more room if that is not all. Below 0: it is gone. 0: all is sent. 1: it waits. */
int control_send(const struct control *c, struct client *client);

/* Whether one more may follow. */
bool control_may_follow(const struct control *c);

/* Something happened to a client that follows. False when it is done with. */
bool control_serve_follower(const struct control *c, struct client *client);
