/* A question about what moves now: what is asked, what who asks may see of it, and the answer from a model. Pure. */
#pragma once

#include "live/model.h"
#include "report/page.h"
#include "serve/authorise.h"
#include "serve/request.h"

#include <jansson.h>

enum now_format { NOW_JSON, NOW_CSV, NOW_TSV };

struct now_question {
    char *key; /* the whole question and its viewer as one text: equal keys have equal answers */
    enum live_heading heading;
    enum live_order order;
    enum now_format format;
    bool paged; /* a page of a list, not an event of a stream */
    struct report_page page;
    const char *search; /* NULL: all names */
    bool restricted;    /* by the rule of own rows */
    struct live_sight sight;
    json_t *texts; /* that the others borrow from */
};

struct now_parameter {
    const char *name, *type, *description;
    bool paged; /* of pages alone */
};

/* Which parameters there are. */
const struct now_parameter *now_parameters(size_t *ret_n);

/*
 * Understands and restricts a question: who sees not everything sees what is their own, or, where they name projects of
 * theirs, these with all other people as one and by user, project or class alone. paged: it may name a cursor and a format,
 * which a stream has not. *ret_why is malloc'ed. -EINVAL: a wrong question; -EACCES; -ENOMEM. now_done() is due after success.
 */
int now_parse(const struct request *request, const struct membership *m, bool paged, struct now_question *ret,
              char **ret_why);
void now_done(struct now_question *question);

/* When a model was last fed. */
struct now_moment {
    int64_t at_ms, since_sec; /* of the real-time clock: now, and from when on totals count */
    double length_sec;        /* that the rates are over */
};

/*
 * The answer, malloc'ed: one line of JSON without an end of line, or lines; NULL: no memory. ret_next: the cursor of the next
 * page, "" after the last.
 */
char *now_render(const struct now_question *question, const struct live_model *model, const struct now_moment *moment,
                 char ret_next[static PAGE_CURSOR_MAX]);

/* Static text. */
const char *now_media_type(const struct now_question *question);
