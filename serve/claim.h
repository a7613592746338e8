/*
 * For whom a request is answered, by what stands in it and by who is at the other end. Pure.
 *
 * - On the Unix socket the kernel's word counts and nothing else, but for the configured proxy's user, who may name another in
 *   the user header; without that header it is asking for itself.
 * - On TCP a token says who it is. One of a proxy must come with the user header, and from this host.
 */
#pragma once

#include "serve/tokens.h"

#include <stdbool.h>

enum claim_kind {
    CLAIM_UID,
    CLAIM_NAME,    /* a user by name, as a token or a proxy says */
    CLAIM_ADMIN,   /* who sees everything; name is for people */
    CLAIM_METRICS, /* who sees /metrics and nothing else */
};

struct claim {
    enum claim_kind kind;
    int64_t uid; /* of CLAIM_UID */
    char name[TOKEN_NAME_MAX];
};

/* Where a request came in, and what stands in it. */
struct evidence {
    bool network;              /* TCP */
    bool loopback;             /* from this host */
    int64_t uid;               /* of the other end of a Unix socket */
    const char *authorization; /* headers, or NULL */
    const char *user;          /* the user header */
};

struct claim_rules {
    struct tokens tokens;
    int64_t proxy_uid; /* -1: none */
};

/* 0; -EPERM: nobody who is known (401); -EACCES: known, and not allowed to say that (403). *ret_why: static text. */
int claim_decide(const struct claim_rules *rules, const struct evidence *evidence, struct claim *ret,
                 const char **ret_why);

/* By whom limits count: the uid, or a number above all uids. */
int64_t claim_who(const struct claim *claim);

/* The connections of the network, before it is known who asks on them. */
#define CLAIM_NETWORK (INT64_C(1) << 33)
