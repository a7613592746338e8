/* What the two files of the watch share: its state, and the texts that streams tell. */
#pragma once

#include "serve/watch.h"

#include "live/source.h"

#include <pthread.h>

/* Of any number of streams. Under the lock. */
struct watch_text {
    unsigned references;
    int64_t id;
    size_t size;
    char v[];
};

struct watch_stream {
    struct watch_stream *next;
    struct watch *watch;
    struct now_question question;
    struct watch_reader reader;
    struct watch_text *sending, *waiting; /* what is being read, and what comes then */
    size_t sent;
    int64_t who, last_id, until_ns, told_ns;
    bool suspended, ended, gone; /* gone: nobody reads it; the thread frees it */
};

/* Somebody who waits for one answer, on the stack. */
struct watch_asker {
    struct watch_asker *next;
    const struct now_question *question;
    bool taken, answered; /* taken: the thread is at it */
    int result;
    char *text, *why;
    char next_page[PAGE_CURSOR_MAX];
};

struct watch {
    pthread_mutex_t lock; /* of all below but what is the thread's */
    pthread_cond_t changed;
    struct directory *directory;
    struct watch_stream *streams;
    size_t n_streams; /* without those that are gone */
    struct watch_asker *askers;
    int64_t asking_since_ns; /* of pdttd; 0: not now */
    int64_t wanted_until_ns[LIVE_SETS];
    int64_t last_id;
    bool stopping, ended;

    /* ---- of the thread alone ---- */
    struct live_source *source;
    struct live_model *model;
    struct now_moment moment;
    int64_t sampled_ns;
    unsigned samples[LIVE_SETS]; /* one after the other, up to the latest */
    char *trouble;               /* why the last one failed */
};

/* Under the lock: frees the streams that nobody reads any more. */
void watch_free_gone(struct watch *w);

/* Under the lock: gives each stream what the latest sample tells, or a sign of life. */
void watch_deliver(struct watch *w, int64_t now_ns);

/* Under the lock: whether anybody follows something of this set. */
bool watch_is_followed(const struct watch *w, enum live_set set);
