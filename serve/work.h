/* What the files share that answer: one request on its way to an answer. */
#pragma once

#include "common/calendar.h"
#include "serve/answer.h"
#include "serve/question.h"

struct endpoint;

struct work {
    struct directory *directory;
    struct watch *watch;
    struct shared *shared;
    const struct claim *claim;
    const struct request *request;
    const struct endpoint *endpoint;
    struct membership membership; /* of who asks */
    struct question question;
    struct grant grant;
    struct store *store;
    struct calendar *cal;
    char *why; /* for who asked, when it fails; malloc'ed */
};

/* Opens the database for one answer. -EAGAIN and w->why: not now; -ENOMEM. */
int work_open_database(struct work *w);

/* Refuses whoever does not see everything. 0, -EACCES. */
int work_require_admin(struct work *w);

/* Refuses parameters where there are none to give. 0, -EINVAL. */
int work_require_no_parameters(struct work *w);

void work_done(struct work *w);
