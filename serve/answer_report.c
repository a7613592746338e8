#include "serve/endpoints.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "report/report.h"
#include "serve/shared.h"

#include <string.h>

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
    memcpy(ret->next, w->question.page.next, sizeof(ret->next));
    return 0;
}

/* The range is known once the site's calendar is. */
static int choose_period(struct work *w)
{
    const struct report_options *o = &w->question.options;
    struct period range;
    int r = period_parse(w->cal, clock_realtime_sec(), o->since, o->until, &range, &w->why);

    return r < 0 ? r : question_choose_period(&w->question, range.until_sec - range.since_sec, &w->why);
}

static int make_report(struct work *w, struct answer *ret)
{
    const struct question_kind *kind = &w->endpoint->question;
    int r = question_parse(w->request, kind, &w->question, &w->why);

    if (r == 0 && kind->by_period) {
        r = work_open_database(w);
        r = r == 0 ? choose_period(w) : r;
    }
    if (r == 0)
        r = authorise(&w->membership, &w->question.options, &w->grant, &w->why);
    if (r == 0 && !w->store)
        r = work_open_database(w);
    return r < 0 ? r : write_report(w, ret);
}

int answer_report(struct work *w, struct answer *ret)
{
    return shared_answer(w->shared, w, make_report, ret);
}
