#include "serve/claim.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

static int refuse(int error, const char **ret_why, const char *why)
{
    *ret_why = why;
    return error;
}

static int name_user(const char *name, struct claim *ret, const char **ret_why)
{
    size_t n = strlen(name);

    if (n == 0 || n >= sizeof(ret->name))
        return refuse(-EACCES, ret_why, "the user header holds no name of a user; check the proxy's configuration");
    for (const char *s = name; *s; s++)
        if (iscntrl((unsigned char)*s) || isspace((unsigned char)*s) || *s == ',' || *s == ':')
            return refuse(-EACCES, ret_why, "the user header holds no name of a user; check the proxy's configuration");
    *ret = (struct claim){.kind = CLAIM_NAME, .uid = -1};
    memcpy(ret->name, name, n + 1);
    return 0;
}

/* The text behind "Bearer "; NULL: there is none. */
static const char *bearer_of(const char *authorization)
{
    static const char scheme[] = "Bearer ";

    if (!authorization || strncasecmp(authorization, scheme, strlen(scheme)) != 0)
        return NULL;
    authorization += strlen(scheme);
    return authorization + strspn(authorization, " ");
}

static int decide_by_token(const struct token *token, const struct evidence *e, struct claim *ret, const char **ret_why)
{
    static const enum claim_kind kinds[] = {
        [TOKEN_USER] = CLAIM_NAME, [TOKEN_ADMIN] = CLAIM_ADMIN, [TOKEN_METRICS] = CLAIM_METRICS};

    if (token->role == TOKEN_PROXY) {
        if (!e->loopback)
            return refuse(-EACCES, ret_why, "a proxy is believed on this host alone");
        return e->user ? name_user(e->user, ret, ret_why)
                       : refuse(-EACCES, ret_why, "a proxy must say in the user header for whom it asks");
    }
    *ret = (struct claim){.kind = kinds[token->role], .uid = -1};
    memcpy(ret->name, token->name, sizeof(ret->name));
    return 0;
}

int claim_decide(const struct claim_rules *rules, const struct evidence *e, struct claim *ret, const char **ret_why)
{
    const char *bearer = bearer_of(e->authorization);
    const struct token *token;

    if (!e->network) {
        if (e->user && rules->proxy_uid >= 0 && e->uid == rules->proxy_uid)
            return name_user(e->user, ret, ret_why);
        *ret = (struct claim){.kind = CLAIM_UID, .uid = e->uid};
        return 0;
    }
    if (!bearer)
        return refuse(-EPERM, ret_why, "here everybody needs a token; send \"Authorization: Bearer TOKEN\"");
    token = tokens_find(&rules->tokens, bearer);
    return token ? decide_by_token(token, e, ret, ret_why) : refuse(-EPERM, ret_why, "this token is nobody's");
}

int64_t claim_who(const struct claim *claim)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */

    if (claim->kind == CLAIM_UID)
        return claim->uid;
    for (const char *s = claim->name; *s; s++)
        hash = (hash ^ (unsigned char)*s) * 1099511628211u;
    return CLAIM_NETWORK + 1 + (int64_t)claim->kind + (int64_t)(hash >> 8 << 2);
}
