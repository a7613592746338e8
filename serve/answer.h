/* One answer: from who asks and what for to a status and a body. Knows nothing of HTTP's ways. */
#pragma once

#include "serve/directory.h"
#include "serve/request.h"

#include <stdbool.h>

struct answer {
    unsigned status;        /* of HTTP */
    const char *media_type; /* static */
    char *body;             /* owned */
    size_t size;
    unsigned retry_sec; /* 0: not worth it, or no need */
    bool exceeded;      /* --allocations --check: one is */
    bool own_rows;      /* it shows no more than the asker's own rows and projects */
};

/*
 * Answers what the uid asks for: authorises, reads the database at the directory's path within a short transaction, and
 * keeps a copy. It never fails: what goes wrong is an answer as well.
 */
void answer_report(struct directory *d, int64_t uid, const struct request *request, struct answer *ret);

/* "Problem details" (RFC 9457); detail is one line for a person. */
void answer_problem(unsigned status, const char *detail, struct answer *ret);

void answer_done(struct answer *answer);
