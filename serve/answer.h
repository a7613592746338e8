/* One answer: from who asks and what for to a status and a body. Knows nothing of HTTP's ways. */
#pragma once

#include "serve/directory.h"
#include "serve/request.h"

#include "report/page.h"

#include <jansson.h>
#include <stdbool.h>

struct shared;
struct watch;
struct watch_stream;

/* What answers are made of. All stay until the process ends: a thread may hang in them. */
struct sources {
    struct directory *directory;
    struct watch *watch;
    struct shared *shared;
};

struct answer {
    unsigned status;        /* of HTTP */
    const char *media_type; /* static */
    char *body;             /* owned */
    size_t size;
    unsigned retry_sec; /* 0: not worth it, or no need */
    bool exceeded;      /* --allocations --check: one is */
    const char *cache;  /* of Cache-Control; NULL: as the tag says; static */
    const char *policy; /* for what a browser makes of it; NULL: none; static */
    char tag[28];       /* ETag, "" none */
    bool gzip;          /* body is compressed */
    char next[PAGE_CURSOR_MAX];
    struct watch_stream *stream; /* in place of a body; owned */
    bool own_rows;               /* it shows no more than the asker's own rows and projects */
};

/*
 * Answers what is asked for: authorises, reads the database at the directory's path within a short transaction, or asks the
 * watch, and keeps a copy. It never fails: what goes wrong is an answer as well.
 */
void answer_request(const struct sources *sources, const struct claim *claim, const struct request *request,
                    struct answer *ret);

/* Whether there is such a path at all. */
bool answer_knows_path(const char *path);

/* JSON as the body of an answer of status 200; takes possession of json, NULL being that there was no memory. -ENOMEM. */
int answer_json(json_t *json, struct answer *ret);

/* "Problem details" (RFC 9457); detail is one line for a person. */
void answer_problem(unsigned status, const char *detail, struct answer *ret);

void answer_done(struct answer *answer);
