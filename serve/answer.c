#include "serve/answer.h"

#include "common/cleanup.h"
#include "common/escape.h"
#include "serve/endpoints.h"
#include "serve/watch.h"

#include <jansson.h>
#include <string.h>

enum { RETRY_SEC = 5 };

/* ---- problems ---- */

static const char *title_of(unsigned status)
{
    static const struct {
        unsigned status;
        const char *title;
    } titles[] = {
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
    };

    for (size_t i = 0; i < array_length(titles); i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "Problem";
}

void answer_problem(unsigned status, const char *detail, struct answer *ret)
{
    cleanup_free char *valid = escape_utf8(detail);
    json_t *problem = json_pack("{s:s, s:s, s:i, s:s}", "type", "about:blank", "title", title_of(status), "status",
                                (int)status, "detail", valid ? valid : "out of memory");

    *ret = (struct answer){.status = status, .media_type = "application/problem+json"};
    /* Not a byte of it is anything but text on whatever terminal it comes to. */
    ret->body = problem ? json_dumps(problem, JSON_INDENT(2) | JSON_ENSURE_ASCII) : NULL;
    ret->size = ret->body ? strlen(ret->body) : 0;
    if (ret->body)
        ret->body[ret->size++] = '\n'; /* in place of the terminator, which nobody reads */
    ret->retry_sec = status == 429 || status == 503 ? RETRY_SEC : 0;
    json_decref(problem);
}

void answer_done(struct answer *answer)
{
    free(answer->body);
    watch_stream_leave(answer->stream);
    *answer = (struct answer){0};
}

/* What fails before there is a question to answer is the service's trouble, for now; what fails after is the question's. */
static void answer_failure(int r, const char *why, struct answer *ret)
{
    static const struct {
        int error;
        unsigned status;
    } statuses[] = {
        {-EINVAL, 400}, {-E2BIG, 400},  {-ERANGE, 400}, {-ENOENT, 404},  {-EACCES, 403},
        {-EBUSY, 503},  {-EAGAIN, 503}, {-ETIME, 503},  {-ENOTSUP, 503}, {-EBADMSG, 503},
    };
    unsigned status = 500;

    for (size_t i = 0; i < array_length(statuses); i++)
        if (statuses[i].error == r)
            status = statuses[i].status;
    answer_problem(status, why && *why ? why : strerror(-r), ret);
}

int answer_json(json_t *json, struct answer *ret)
{
    char *text = json ? json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
    int n = text ? asprintf(&ret->body, "%s\n", text) : -1;

    json_decref(json);
    free(text);
    if (n < 0) {
        ret->body = NULL;
        return -ENOMEM;
    }
    ret->size = (size_t)n;
    ret->status = 200;
    ret->media_type = "application/json";
    return 0;
}

/* ---- requests ---- */

bool answer_knows_path(const char *path)
{
    return endpoint_find(path) != NULL;
}

static int work(struct work *w, struct answer *ret)
{
    int r = directory_find(w->directory, w->claim, &w->membership);

    if (r == -EAGAIN)
        w->why = strdup("the host's users and groups cannot be looked up now; try again, or tell the administrator");
    if (r == -EACCES)
        w->why = strdup("this host has no user of the name that the token or the proxy says");
    if (r == 0 && w->claim->kind == CLAIM_METRICS && !w->endpoint->metrics) {
        w->why = strdup("this token is for /metrics alone");
        r = -EACCES;
    }
    return r < 0 ? r : w->endpoint->answer(w, ret);
}

void answer_request(const struct sources *sources, const struct claim *claim, const struct request *request,
                    struct answer *ret)
{
    struct work w = {.directory = sources->directory,
                     .watch = sources->watch,
                     .shared = sources->shared,
                     .claim = claim,
                     .request = request,
                     .endpoint = endpoint_find(request->path)};
    int r;

    *ret = (struct answer){0};
    r = w.endpoint ? work(&w, ret) : -ENOENT;
    if (r < 0)
        answer_failure(r, w.why, ret);
    work_done(&w);
}
