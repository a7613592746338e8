/* What moves now: once, and as a stream. */
#include "serve/endpoints.h"

#include "common/cleanup.h"
#include "serve/now.h"
#include "serve/watch.h"

#include <string.h>

int answer_current(struct work *w, struct answer *ret)
{
    cleanup_free char *text = NULL;
    struct now_question question;
    int n = -1, r = now_parse(w->request, &w->membership, w->endpoint->question.paged, &question, &w->why);

    if (r < 0)
        return r;
    r = watch_ask(w->watch, &question, &text, ret->next, &w->why);
    if (r == 0 && (n = asprintf(&ret->body, "%s%s", text, question.format == NOW_JSON ? "\n" : "")) < 0)
        r = -ENOMEM;
    if (r == 0) {
        ret->size = (size_t)n;
        ret->status = 200;
        ret->media_type = now_media_type(&question);
        ret->own_rows = question.restricted;
    } else {
        ret->body = NULL;
    }
    now_done(&question);
    return r;
}

int answer_stream(struct work *w, struct answer *ret)
{
    struct now_question question;
    int r = now_parse(w->request, &w->membership, w->endpoint->question.paged, &question, &w->why);
    bool restricted = r == 0 && question.restricted;

    if (r < 0)
        return r;
    r = watch_follow(w->watch, &question, claim_who(w->claim), w->request->last_event, &ret->stream, &w->why);
    if (r == 0) {
        ret->status = 200;
        ret->media_type = "text/event-stream";
        ret->own_rows = restricted;
    } else if (r == -EBUSY) {
        answer_problem(429, w->why ? w->why : "too many streams", ret);
        r = 0;
    }
    now_done(&question);
    return r;
}
