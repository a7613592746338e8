/*
 * The file of tokens. A line is "ROLE NAME sha256:HEX": who has the token of this hash is taken for the user NAME (role
 * "user"), sees everything ("admin"), may read /metrics alone ("metrics"), or may say for whom it asks ("proxy"); NAME of
 * the last three is for people. Empty lines and those that begin with # are passed over. A token is 256 random bits, so its
 * hash needs no salt and tells nothing of it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum token_role { TOKEN_USER, TOKEN_ADMIN, TOKEN_METRICS, TOKEN_PROXY, TOKEN_ROLES };

enum { TOKEN_HASH = 32, TOKEN_NAME_MAX = 64 };

struct token {
    enum token_role role;
    char name[TOKEN_NAME_MAX];
    uint8_t hash[TOKEN_HASH];
};

struct tokens {
    struct token *v;
    size_t n;
};

/* path names the file in messages. -EINVAL and *ret_why, malloc'ed: a wrong line, with its number; -ENOMEM. */
int tokens_read(FILE *in, const char *path, struct tokens *ret, char **ret_why);
void tokens_done(struct tokens *tokens);

/* Whose token this is; NULL: nobody's. How long it takes does not tell how much of it was right. */
const struct token *tokens_find(const struct tokens *tokens, const char *token);

/*
 * "ROLE:NAME" to a new token and the line that goes into the file; texts are malloc'ed. -EINVAL and *ret_why: not such a
 * text.
 */
int tokens_make(const char *what, char **ret_token, char **ret_line, char **ret_why);
