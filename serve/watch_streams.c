#include "serve/watch_internal.h"

#include "common/cleanup.h"
#include "common/clock.h"

#include <inttypes.h>
#include <string.h>

static struct watch_text *text_unref(struct watch_text *text)
{
    if (text && --text->references == 0)
        free(text);
    return NULL;
}

static struct watch_text *text_new(int64_t id, const char *v)
{
    size_t size = strlen(v);
    struct watch_text *text = malloc(sizeof(*text) + size);

    if (!text)
        return NULL;
    *text = (struct watch_text){.references = 1, .id = id, .size = size};
    memcpy(text->v, v, size);
    return text;
}

/* ---- for who reads ---- */

static size_t count_of(const struct watch *w, int64_t who)
{
    size_t n = 0;

    for (const struct watch_stream *s = w->streams; s; s = s->next)
        n += !s->gone && s->who == who;
    return n;
}

int watch_follow(struct watch *w, struct now_question *question, int64_t who, int64_t last_id,
                 struct watch_stream **ret_stream, char **ret_why)
{
    struct watch_stream *s = calloc(1, sizeof(*s));
    struct watch_text *first = text_new(0, "retry: 2000\n\n");
    int64_t now_ns = clock_boottime_ns();
    bool own, room;

    pthread_mutex_lock(&w->lock);
    own = count_of(w, who) < WATCH_STREAMS_EACH;
    room = own && w->n_streams < WATCH_STREAMS && !w->stopping;
    if (s && first && room) {
        *s = (struct watch_stream){.watch = w, .question = *question, .who = who, .last_id = last_id, .sending = first};
        s->until_ns = now_ns + WATCH_STREAM_SEC * NSEC_PER_SEC;
        s->told_ns = now_ns;
        s->next = w->streams;
        w->streams = s;
        w->n_streams++;
        *question = (struct now_question){0};
        pthread_cond_broadcast(&w->changed);
    }
    pthread_mutex_unlock(&w->lock);
    if (s && first && room) {
        *ret_stream = s;
        return 0;
    }
    free(s);
    free(first);
    if (room)
        return -ENOMEM;
    *ret_why =
        strdup(own ? "too many streams are open; try again later" : "too many streams of yours are open; close some");
    return -EBUSY;
}

void watch_stream_begin(struct watch_stream *s, const struct watch_reader *reader)
{
    pthread_mutex_lock(&s->watch->lock);
    s->reader = *reader;
    pthread_mutex_unlock(&s->watch->lock);
}

static void take_next(struct watch_stream *s)
{
    s->sending = text_unref(s->sending);
    s->sending = take_ptr(s->waiting);
    s->sent = 0;
    if (s->sending && s->sending->id)
        s->last_id = s->sending->id;
}

ssize_t watch_stream_read(struct watch_stream *s, char *buffer, size_t max)
{
    ssize_t n = 0;

    pthread_mutex_lock(&s->watch->lock);
    if (!s->sending || s->sent == s->sending->size)
        take_next(s);
    if (s->sending) {
        size_t left = s->sending->size - s->sent;

        n = (ssize_t)(left < max ? left : max);
        memcpy(buffer, s->sending->v + s->sent, (size_t)n);
        s->sent += (size_t)n;
    } else if (s->ended) {
        n = WATCH_END;
    } else {
        s->suspended = true;
        s->reader.suspend(s->reader.userdata);
    }
    pthread_mutex_unlock(&s->watch->lock);
    return n;
}

void watch_stream_leave(struct watch_stream *s)
{
    struct watch *w = s ? s->watch : NULL;

    if (!s)
        return;
    pthread_mutex_lock(&w->lock);
    s->gone = true;
    w->n_streams--;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

/* ---- for the thread ---- */

bool watch_is_followed(const struct watch *w, enum live_set set)
{
    for (const struct watch_stream *s = w->streams; s; s = s->next)
        if (!s->gone && !s->ended && live_set_of(s->question.heading) == set)
            return true;
    return false;
}

void watch_free_gone(struct watch *w)
{
    for (struct watch_stream **at = &w->streams; *at;) {
        struct watch_stream *s = *at;

        if (!s->gone) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        text_unref(s->sending);
        text_unref(s->waiting);
        now_done(&s->question);
        free(s);
    }
}

static void wake(struct watch_stream *s)
{
    if (s->suspended) {
        s->suspended = false;
        s->reader.resume(s->reader.userdata);
    }
}

/* What was not begun to be read is out of date, and goes. */
static void tell(struct watch_stream *s, struct watch_text *text, int64_t now_ns)
{
    if (!text)
        return;
    text_unref(s->waiting);
    text->references++;
    s->waiting = text;
    s->told_ns = now_ns;
    wake(s);
}

/* The event for a question; NULL: there is none, or no memory. */
static struct watch_text *event_for(struct watch *w, const struct now_question *q)
{
    cleanup_free char *json = NULL;
    cleanup_free char *event = NULL;
    char no_page[PAGE_CURSOR_MAX];

    if (w->samples[live_set_of(q->heading)] < 2)
        return NULL;
    json = now_render(q, w->model, &w->moment, no_page);
    if (!json || asprintf(&event, "event: current\nid: %" PRId64 "\ndata: %s\n\n", w->last_id, json) < 0)
        event = NULL;
    return event ? text_new(w->last_id, event) : NULL;
}

struct shared {
    const struct now_question *question;
    struct watch_text *text;
};

/* Who follow the same are told by the same text. */
static struct watch_text *find_or_make(struct watch *w, const struct now_question *q, struct shared *shared, size_t *n)
{
    for (size_t i = 0; i < *n; i++)
        if (strcmp(shared[i].question->key, q->key) == 0)
            return shared[i].text;
    pthread_mutex_unlock(&w->lock); /* only this thread frees streams, so the question stays */
    shared[*n] = (struct shared){q, event_for(w, q)};
    pthread_mutex_lock(&w->lock);
    return shared[(*n)++].text;
}

static void tell_life(struct watch *w, struct watch_stream *s, int64_t now_ns)
{
    struct watch_text *text;

    if (now_ns - s->told_ns < WATCH_HEARTBEAT_SEC * NSEC_PER_SEC)
        return;
    text = text_new(0, w->trouble ? "event: trouble\ndata: {\"detail\": \"pdttd cannot be asked\"}\n\n"
                                  : ": nothing new\n\n");
    tell(s, text, now_ns);
    text_unref(text);
}

void watch_deliver(struct watch *w, int64_t now_ns)
{
    struct shared *shared;
    size_t n = 0;

    watch_free_gone(w);
    /* Streams come in front, so those that come meanwhile are told next time; at most those that were counted are seen. */
    shared = calloc(w->n_streams ? w->n_streams : 1, sizeof(*shared));
    for (struct watch_stream *s = shared ? w->streams : NULL; s; s = s->next) {
        if (s->ended || s->gone)
            continue;
        if (!w->trouble && s->last_id != w->last_id)
            tell(s, find_or_make(w, &s->question, shared, &n), now_ns);
        tell_life(w, s, now_ns);
        if (now_ns >= s->until_ns || w->stopping) {
            s->ended = true;
            wake(s);
        }
    }
    for (size_t i = 0; i < n; i++)
        text_unref(shared[i].text);
    free(shared);
}
