#include "serve/tokens.h"

#include "common/cleanup.h"

#include <ctype.h>
#include <nettle/memops.h>
#include <nettle/sha2.h>
#include <string.h>
#include <sys/random.h>

static const char *const role_words[TOKEN_ROLES] = {
    [TOKEN_USER] = "user", [TOKEN_ADMIN] = "admin", [TOKEN_METRICS] = "metrics", [TOKEN_PROXY] = "proxy"};

static void hash_of(const char *token, uint8_t ret[static TOKEN_HASH])
{
    struct sha256_ctx context;

    sha256_init(&context);
    sha256_update(&context, strlen(token), (const uint8_t *)token);
    sha256_digest(&context, TOKEN_HASH, ret);
}

static int find_role(const char *word, enum token_role *ret)
{
    for (int i = 0; i < TOKEN_ROLES; i++)
        if (strcmp(role_words[i], word) == 0) {
            *ret = i;
            return 0;
        }
    return -EINVAL;
}

/* ---- the file ---- */

static int parse_hash(const char *text, uint8_t ret[static TOKEN_HASH])
{
    for (size_t i = 0; i < TOKEN_HASH; i++) {
        unsigned byte;

        if (!isxdigit((unsigned char)text[2 * i]) || !isxdigit((unsigned char)text[2 * i + 1]) ||
            sscanf(text + 2 * i, "%2x", &byte) != 1)
            return -EINVAL;
        ret[i] = (uint8_t)byte;
    }
    return text[2 * TOKEN_HASH] == '\0' ? 0 : -EINVAL;
}

static int parse_line(const char *line, struct token *ret)
{
    char role[16], hash[2 * TOKEN_HASH + 2];
    int end = 0;

    if (sscanf(line, "%15s %63s sha256:%65s %n", role, ret->name, hash, &end) != 3 || line[end] != '\0')
        return -EINVAL;
    return find_role(role, &ret->role) < 0 ? -EINVAL : parse_hash(hash, ret->hash);
}

static int add_token(struct tokens *tokens, const struct token *token)
{
    struct token *v = reallocarray(tokens->v, tokens->n + 1, sizeof(*v));

    if (!v)
        return -ENOMEM;
    tokens->v = v;
    v[tokens->n++] = *token;
    return 0;
}

int tokens_read(FILE *in, const char *path, struct tokens *ret, char **ret_why)
{
    struct tokens tokens = {0};
    cleanup_free char *line = NULL;
    size_t room = 0, number = 0;
    int r = 0;

    while (r == 0 && getline(&line, &room, in) >= 0) {
        struct token token = {0};
        const char *text = line + strspn(line, " \t\r\n");

        number++;
        if (!*text || *text == '#')
            continue;
        r = parse_line(text, &token);
        if (r < 0 && asprintf(ret_why,
                              "%s:%zu: not a token; write \"ROLE NAME sha256:HASH\", as pdtt-serve --new-token "
                              "ROLE:NAME prints it, with user, admin, metrics or proxy for ROLE",
                              path, number) < 0)
            *ret_why = NULL;
        if (r == 0)
            r = add_token(&tokens, &token);
    }
    if (r < 0)
        tokens_done(&tokens);
    else
        *ret = tokens;
    return r;
}

void tokens_done(struct tokens *tokens)
{
    free(tokens->v);
    *tokens = (struct tokens){0};
}

const struct token *tokens_find(const struct tokens *tokens, const char *token)
{
    const struct token *found = NULL;
    uint8_t hash[TOKEN_HASH];

    hash_of(token, hash);
    for (size_t i = 0; i < tokens->n; i++)
        if (memeql_sec(hash, tokens->v[i].hash, TOKEN_HASH))
            found = &tokens->v[i];
    return found;
}

/* ---- a new one ---- */

static char *hex_of(const uint8_t *bytes, size_t n)
{
    char *text = calloc(2 * n + 1, 1);

    for (size_t i = 0; text && i < n; i++)
        sprintf(text + 2 * i, "%02x", bytes[i]);
    return text;
}

static int split(const char *what, enum token_role *ret_role, const char **ret_name)
{
    const char *colon = strchr(what, ':');
    char word[16];

    if (!colon || (size_t)(colon - what) >= sizeof(word) || !colon[1] || strlen(colon + 1) >= TOKEN_NAME_MAX)
        return -EINVAL;
    memcpy(word, what, (size_t)(colon - what));
    word[colon - what] = '\0';
    for (const char *s = colon + 1; *s; s++)
        if (isspace((unsigned char)*s) || iscntrl((unsigned char)*s))
            return -EINVAL;
    *ret_name = colon + 1;
    return find_role(word, ret_role);
}

int tokens_make(const char *what, char **ret_token, char **ret_line, char **ret_why)
{
    uint8_t random[TOKEN_HASH], hash[TOKEN_HASH];
    cleanup_free char *secret = NULL;
    cleanup_free char *hashed = NULL;
    enum token_role role;
    const char *name;
    char *token;

    if (split(what, &role, &name) < 0) {
        *ret_why = strdup("not ROLE:NAME; write user:alice, admin:grafana, metrics:prometheus or proxy:nginx");
        return -EINVAL;
    }
    if (getrandom(random, sizeof(random), 0) != sizeof(random))
        return -EIO;
    secret = hex_of(random, sizeof(random));
    if (!secret || asprintf(&token, "pdtt-%s", secret) < 0)
        return -ENOMEM;
    hash_of(token, hash);
    hashed = hex_of(hash, sizeof(hash));
    if (!hashed || asprintf(ret_line, "%s %s sha256:%s", role_words[role], name, hashed) < 0) {
        free(token);
        return -ENOMEM;
    }
    *ret_token = token;
    return 0;
}
