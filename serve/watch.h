/*
 * What moves now, for whoever asks or follows. While somebody does, one thread samples pdttd's counters each second, however
 * many they are; nobody else touches the model or waits for pdttd.
 */
#pragma once

#include "serve/directory.h"
#include "serve/now.h"

#include <sys/types.h>

enum {
    WATCH_STREAMS = 256,      /* that are open at a time */
    WATCH_STREAMS_EACH = 32,  /* of them by one who asks */
    WATCH_STREAM_SEC = 300,   /* then a stream ends, and who comes back is authorised again */
    WATCH_HEARTBEAT_SEC = 10, /* a stream that has nothing to tell says so */
};

struct watch;
struct watch_stream;

/* Starts the thread, which takes the directory's control socket. The directory must stay until the process ends. */
int watch_start(struct directory *d, struct watch **ret_watch);

/* Ends all streams and the thread. False: it still waits for pdttd after so many ms, and needs what it was given. */
bool watch_stop(struct watch *w, int ms);

/* When it has ended, and nobody reads a stream. */
struct watch *watch_free(struct watch *w);

/*
 * One answer and what now_render() says of the next page, as fresh as a second or two. Waits, longest when nobody has asked for a while, as a rate needs two samples.
 * -EAGAIN and *ret_why, malloc'ed: pdttd cannot be asked; -ENOMEM.
 */
int watch_ask(struct watch *w, const struct now_question *question, char **ret_text,
              char ret_next[static PAGE_CURSOR_MAX], char **ret_why);

/* ---- streams: events of text/event-stream, the last event being all that who reads slowly misses nothing by ---- */

/*
 * A stream for who, as limits count. Events have increasing ids; the one with last_id (0: none) is not told again. The
 * question is taken over in success. -EBUSY and *ret_why: too many; -ENOMEM.
 */
int watch_follow(struct watch *w, struct now_question *question, int64_t who, int64_t last_id,
                 struct watch_stream **ret_stream, char **ret_why);

/* How who reads is told: suspend when there is nothing, resume (by the watch's thread) when there is something again. */
struct watch_reader {
    void (*suspend)(void *userdata);
    void (*resume)(void *userdata);
    void *userdata;
};

#define WATCH_END (-1)

/* Before the first watch_stream_read(). */
void watch_stream_begin(struct watch_stream *stream, const struct watch_reader *reader);

/* Up to max bytes; 0: nothing now, and the reader is suspended; WATCH_END. */
ssize_t watch_stream_read(struct watch_stream *stream, char *buffer, size_t max);

/* Nobody reads it any more. NULL is a no-op. */
void watch_stream_leave(struct watch_stream *stream);
