/* The target of an HTTP request, taken apart. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REQUEST_MOST_PARAMETERS = 64 };

struct parameter {
    char *name, *value; /* decoded; hold no zero byte */
};

struct request {
    char *path; /* as it came: nothing of it is decoded, so it is the one that it looks like or none */
    struct parameter *parameters;
    size_t n;
    /* of headers, not of the target */
    bool openmetrics;   /* the asker takes that */
    int64_t last_event; /* that an earlier stream told; 0: none */
};

/*
 * "/path?name=value&name=value". "%XX" and "+" stand for bytes as in a form. Returns 0; -EINVAL: not a target, wrong
 * encoding, a zero byte; -E2BIG: more parameters than anybody needs; -ENOMEM. *ret_why is malloc'ed, or NULL when memory
 * is out.
 */
int request_parse(const char *target, struct request *ret, char **ret_why);
void request_done(struct request *request);
