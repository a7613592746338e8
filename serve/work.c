#include "serve/work.h"

#include "common/cleanup.h"
#include "report/report.h"

#include <string.h>

/* The longest that a question may keep a thread busy with reading; the largest of all months takes a fraction of it. */
enum { PATIENCE_MS = 10000 };

/* Opened for each question: it may have been replaced or brought up to date since the last one, and opening is cheap. */
int work_open_database(struct work *w)
{
    cleanup_free char *path = directory_database(w->directory);
    int r = path ? store_open(path, STORE_READ, &w->store, &w->why) : -ENOMEM;

    if (r < 0)
        return r == -ENOMEM ? r : -EAGAIN;
    store_set_patience(w->store, PATIENCE_MS);
    return report_open_calendar(w->store, &w->cal, &w->why) < 0 ? -EAGAIN : 0;
}

int work_require_admin(struct work *w)
{
    if (w->membership.uid == 0 || w->membership.admin)
        return 0;
    w->why = strdup("this is of the whole host: only root and administrators see it");
    return -EACCES;
}

int work_require_no_parameters(struct work *w)
{
    if (w->request->n == 0)
        return 0;
    if (asprintf(&w->why, "unknown parameter '%s'; this takes none", w->request->parameters[0].name) < 0)
        w->why = NULL;
    return -EINVAL;
}

void work_done(struct work *w)
{
    calendar_close(w->cal);
    store_close(w->store);
    grant_done(&w->grant);
    question_done(&w->question);
    membership_done(&w->membership);
    free(w->why);
}
