#include "serve/answer.h"

#include "common/calendar.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/escape.h"
#include "report/report.h"
#include "serve/question.h"

#include <jansson.h>
#include <string.h>

/* The longest that a question may keep a thread busy with reading; the largest of all months takes a fraction of it. */
enum { PATIENCE_MS = 10000, RETRY_SEC = 5 };

/* ---- problems ---- */

static const char *title_of(unsigned status)
{
    static const struct {
        unsigned status;
        const char *title;
    } titles[] = {
        {400, "Bad Request"},         {403, "Forbidden"},         {404, "Not Found"},
        {405, "Method Not Allowed"},  {429, "Too Many Requests"}, {500, "Internal Server Error"},
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

/* ---- one report ---- */

struct work {
    struct membership membership;
    struct question question;
    struct grant grant;
    struct store *store;
    struct calendar *cal;
    char *why;
};

static int write_report(struct work *w, struct answer *ret)
{
    FILE *out = open_memstream(&ret->body, &ret->size);
    int r;

    if (!out)
        return -ENOMEM;
    r = report_write(w->store, w->cal, clock_realtime_sec(), &w->question.options, out, &w->why);
    if (fclose(out) != 0)
        r = -ENOMEM;
    if (r < 0) {
        free(take_ptr(ret->body));
        return r;
    }
    ret->status = 200;
    ret->media_type = question_media_type(&w->question);
    ret->exceeded = r == REPORT_EXCEEDED;
    ret->own_rows = w->question.options.viewer != NULL;
    return 0;
}

/* Opened for each question: it may have been replaced or brought up to date since the last one, and opening is cheap. */
static int open_database(struct directory *d, struct work *w)
{
    cleanup_free char *path = directory_database(d);
    int r = path ? store_open(path, STORE_READ, &w->store, &w->why) : -ENOMEM;

    if (r < 0)
        return r == -ENOMEM ? r : -EAGAIN;
    store_set_patience(w->store, PATIENCE_MS);
    return report_open_calendar(w->store, &w->cal, &w->why) < 0 ? -EAGAIN : 0;
}

static int work(struct directory *d, int64_t uid, const struct request *request, struct work *w, struct answer *ret)
{
    int r = directory_find(d, uid, &w->membership);

    if (r == -EAGAIN)
        w->why = strdup("the host's users and groups cannot be looked up now; try again, or tell the administrator");
    if (r == 0)
        r = question_parse(request, &w->question, &w->why);
    if (r == 0)
        r = authorise(&w->membership, &w->question.options, &w->grant, &w->why);
    if (r == 0)
        r = open_database(d, w);
    return r < 0 ? r : write_report(w, ret);
}

void answer_report(struct directory *d, int64_t uid, const struct request *request, struct answer *ret)
{
    struct work w = {0};
    int r;

    *ret = (struct answer){0};
    r = work(d, uid, request, &w, ret);
    if (r < 0)
        answer_failure(r, w.why, ret);
    calendar_close(w.cal);
    store_close(w.store);
    grant_done(&w.grant);
    question_done(&w.question);
    membership_done(&w.membership);
    free(w.why);
}
