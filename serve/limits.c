#include "serve/limits.h"

#include "common/clock.h"

enum { WHOLE = 1000 }; /* a question in thousandths */

static struct limit_user *find(const struct limits *l, int64_t uid)
{
    for (size_t i = 0; i < LIMIT_USERS; i++)
        if (l->users[i].used && l->users[i].uid == uid)
            return (struct limit_user *)&l->users[i];
    return NULL;
}

static void refill(struct limit_user *u, int64_t now_ns)
{
    int64_t most = (int64_t)LIMIT_BURST * WHOLE, elapsed = now_ns - u->refilled_ns;

    /* A second that brings more than is missing need not be multiplied. */
    if (elapsed / NSEC_PER_SEC >= LIMIT_BURST / LIMIT_PER_SEC)
        u->tokens = most;
    else
        u->tokens += elapsed * LIMIT_PER_SEC * WHOLE / NSEC_PER_SEC;
    if (u->tokens > most)
        u->tokens = most;
    u->refilled_ns = now_ns;
}

/* Whether it makes no difference to forget the user. */
static bool is_idle(struct limit_user *u, int64_t now_ns)
{
    if (!u->used)
        return true;
    if (u->connections || u->waiting || u->running)
        return false;
    refill(u, now_ns);
    return u->tokens == (int64_t)LIMIT_BURST * WHOLE;
}

static struct limit_user *find_or_add(struct limits *l, int64_t uid, int64_t now_ns)
{
    struct limit_user *u = find(l, uid);

    for (size_t i = 0; !u && i < LIMIT_USERS; i++) {
        if (!is_idle(&l->users[i], now_ns))
            continue;
        u = &l->users[i];
        *u = (struct limit_user){
            .uid = uid, .used = true, .refilled_ns = now_ns, .tokens = (int64_t)LIMIT_BURST * WHOLE};
    }
    return u;
}

bool limits_connect(struct limits *l, int64_t uid, unsigned most, int64_t now_ns)
{
    struct limit_user *u = l->connections < LIMIT_ALL_CONNECTIONS ? find_or_add(l, uid, now_ns) : NULL;

    if (!u || u->connections >= most)
        return false;
    u->connections++;
    l->connections++;
    return true;
}

void limits_disconnect(struct limits *l, int64_t uid)
{
    find(l, uid)->connections--;
    l->connections--;
}

enum limit_verdict limits_ask(struct limits *l, int64_t uid, int64_t now_ns)
{
    struct limit_user *u = find_or_add(l, uid, now_ns);

    if (!u || u->waiting == LIMIT_WAITING)
        return LIMIT_TOO_MANY;
    refill(u, now_ns);
    if (u->tokens < WHOLE)
        return LIMIT_TOO_FAST;
    u->tokens -= WHOLE;
    u->waiting++;
    return LIMIT_GRANTED;
}

void limits_give_up(struct limits *l, int64_t uid)
{
    find(l, uid)->waiting--;
}

bool limits_may_run(const struct limits *l, int64_t uid)
{
    return find(l, uid)->running < LIMIT_RUNNING;
}

void limits_run(struct limits *l, int64_t uid)
{
    struct limit_user *u = find(l, uid);

    u->waiting--;
    u->running++;
}

void limits_done(struct limits *l, int64_t uid)
{
    find(l, uid)->running--;
}

unsigned limits_running(const struct limits *l, int64_t uid)
{
    const struct limit_user *u = find(l, uid);

    return u ? u->running : 0;
}
