/*
 * How much each user may have of the service at a time, so that nobody's questions keep others from theirs. Pure: the
 * clock is passed in. Not for several threads at once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LIMIT_USERS = 1024,             /* that are remembered at a time */
    LIMIT_CONNECTIONS = 64,         /* of a user */
    LIMIT_SHARED_CONNECTIONS = 512, /* of a proxy, and of the network */
    LIMIT_WAITING = 32,             /* questions of a user that wait for their turn */
    LIMIT_RUNNING = 2,              /* questions of a user that are being answered */
    LIMIT_BURST = 100,              /* questions of a user at once */
    LIMIT_PER_SEC = 20,             /* and from then on */
    LIMIT_ALL_CONNECTIONS = 1024,
};

struct limit_user {
    int64_t uid;
    unsigned connections, waiting, running;
    int64_t refilled_ns; /* when tokens was right */
    int64_t tokens;      /* thousandths of a question */
    bool used;
};

/* All zero is one that nobody uses. */
struct limits {
    struct limit_user users[LIMIT_USERS];
    unsigned connections;
};

/* Each returns whether it is granted; what is granted must be given back. */
bool limits_connect(struct limits *l, int64_t uid, unsigned most, int64_t now_ns);
void limits_disconnect(struct limits *l, int64_t uid);

/* A question arrives, is taken up, and is answered or given up. */
enum limit_verdict { LIMIT_GRANTED, LIMIT_TOO_FAST, LIMIT_TOO_MANY };
enum limit_verdict limits_ask(struct limits *l, int64_t uid, int64_t now_ns);
void limits_give_up(struct limits *l, int64_t uid);
bool limits_may_run(const struct limits *l, int64_t uid);
void limits_run(struct limits *l, int64_t uid);
void limits_done(struct limits *l, int64_t uid);

/* How many of the user's questions are being answered. */
unsigned limits_running(const struct limits *l, int64_t uid);
