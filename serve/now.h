/* A question about what moves now: what is asked, what who asks may see of it, and the answer from a model. Pure. */
#pragma once

#include "live/model.h"
#include "serve/authorise.h"
#include "serve/request.h"

#include <jansson.h>

struct now_question {
    char *key; /* the whole question and its viewer as one text: equal keys have equal answers */
    enum live_heading heading;
    size_t limit;
    const char *search; /* NULL: all names */
    bool restricted;    /* by the rule of own rows */
    struct live_sight sight;
    json_t *texts; /* that the others borrow from */
};

struct now_parameter {
    const char *name, *type, *description;
};

/* Which parameters there are. */
const struct now_parameter *now_parameters(size_t *ret_n);

/*
 * Understands and restricts a question: who sees not everything sees what is their own, or, where they name projects of
 * theirs, these with all other people as one and by user, project or class alone. *ret_why is malloc'ed. -EINVAL: a wrong
 * question; -EACCES; -ENOMEM. now_done() is due after success.
 */
int now_parse(const struct request *request, const struct membership *m, struct now_question *ret, char **ret_why);
void now_done(struct now_question *question);

/* When a model was last fed. */
struct now_moment {
    int64_t at_ms, since_sec; /* of the real-time clock: now, and from when on totals count */
    double length_sec;        /* that the rates are over */
};

/* The answer: one line of JSON without an end of line, malloc'ed; NULL: no memory. */
char *now_render(const struct now_question *question, const struct live_model *model, const struct now_moment *moment);
