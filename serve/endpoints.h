/* What there is to ask for: each path is a row, which also yields its description in OpenAPI. */
#pragma once

#include "serve/work.h"

struct endpoint {
    const char *path, *summary;
    int (*answer)(struct work *w, struct answer *ret); /* 0, or a negative errno and w->why */
    struct question_kind question;                     /* of reports */
    bool metrics;                                      /* a token for metrics is enough */
};

/* NULL: there is none. */
const struct endpoint *endpoint_find(const char *path);
const struct endpoint *endpoint_all(size_t *ret_n);

int answer_report(struct work *w, struct answer *ret);
int answer_me(struct work *w, struct answer *ret);
int answer_health(struct work *w, struct answer *ret);
int answer_current(struct work *w, struct answer *ret);
int answer_stream(struct work *w, struct answer *ret);
int answer_openapi(struct work *w, struct answer *ret);
int answer_metrics(struct work *w, struct answer *ret);

/* What pdttd says of itself; NULL: nobody answers. */
json_t *endpoint_ask_pdttd(struct work *w);
