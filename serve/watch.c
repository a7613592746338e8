#include "serve/watch_internal.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/worker.h"

#include <string.h>
#include <time.h>

enum {
    EACH_MS = 1000,
    FIRST_MS = 600, /* to the second sample; pdttd gives whoever comes earlier the one that it has */
    FRESH_MS = 2000,
    HANGS_MS = 2000, /* no use to wait for a pdttd that takes longer */
    PATIENCE_MS = 5000,
    REMEMBERED_SEC = 10, /* sampling goes on for who asks again and again */
};

static struct timespec after_ms(int64_t ms)
{
    struct timespec t;
    int64_t ns;

    clock_gettime(CLOCK_MONOTONIC, &t);
    ns = t.tv_nsec + ms * NSEC_PER_MSEC;
    return (struct timespec){t.tv_sec + ns / NSEC_PER_SEC, ns % NSEC_PER_SEC};
}

/* ---- the thread: samples ---- */

static bool is_wanted(const struct watch *w, enum live_set set, int64_t now_ns)
{
    return w->wanted_until_ns[set] > now_ns || watch_is_followed(w, set);
}

static void forget(struct watch *w)
{
    w->source = live_source_close(w->source);
    w->model = live_model_free(w->model);
    free(take_ptr(w->trouble));
    memset(w->samples, 0, sizeof(w->samples));
}

static int open_source(struct watch *w, char **ret_why)
{
    cleanup_free char *control = directory_control(w->directory);

    if (!w->model && !(w->model = live_model_new()))
        return -ENOMEM;
    if (w->source)
        return 0;
    w->moment.since_sec = clock_realtime_sec();
    return control ? live_source_open_peek(control, &w->source, ret_why) : -ENOMEM;
}

/* Asks pdttd, without the lock. */
static void sample(struct watch *w, bool connections)
{
    char *why = NULL;
    int r = open_source(w, &why);
    int64_t before_ns = w->sampled_ns;

    if (r == 0) {
        w->source->connections = connections;
        r = live_source_sample(w->source, w->model, &why);
    }
    w->sampled_ns = clock_boottime_ns();
    free(w->trouble);
    w->trouble = NULL;
    if (r < 0) {
        w->trouble = why ? why : strdup(strerror(-r));
        w->source = live_source_close(w->source);
        w->model = live_model_free(w->model);
        memset(w->samples, 0, sizeof(w->samples));
        return;
    }
    free(why);
    w->samples[LIVE_ACCOUNTS]++;
    w->samples[LIVE_CONNECTIONS] = connections ? w->samples[LIVE_CONNECTIONS] + 1 : 0;
    w->moment.at_ms = clock_realtime_ns() / NSEC_PER_MSEC;
    w->moment.length_sec = w->samples[LIVE_ACCOUNTS] > 1 ? (double)(w->sampled_ns - before_ns) / NSEC_PER_SEC : 0;
}

/* Ids are times, so that they increase over a restart as well. */
static void take_sample(struct watch *w, int64_t now_ns)
{
    bool connections = is_wanted(w, LIVE_CONNECTIONS, now_ns);

    w->asking_since_ns = now_ns;
    pthread_mutex_unlock(&w->lock);
    sample(w, connections);
    pthread_mutex_lock(&w->lock);
    w->asking_since_ns = 0;
    w->last_id = w->moment.at_ms > w->last_id ? w->moment.at_ms : w->last_id + 1;
}

/* Until the next sample is due, from now. */
static int64_t ms_to_next(const struct watch *w, int64_t now_ns)
{
    bool waits = (w->samples[LIVE_ACCOUNTS] == 1 && !w->trouble) ||
                 (w->samples[LIVE_CONNECTIONS] < 2 && !w->trouble && is_wanted(w, LIVE_CONNECTIONS, now_ns));

    return (waits ? FIRST_MS : EACH_MS) - (now_ns - w->sampled_ns) / NSEC_PER_MSEC;
}

/* ---- the thread: those who ask ---- */

static bool is_fresh(const struct watch *w, int64_t now_ns)
{
    return now_ns - w->sampled_ns < FRESH_MS * NSEC_PER_MSEC;
}

static bool can_answer(const struct watch *w, const struct now_question *q, int64_t now_ns)
{
    return is_fresh(w, now_ns) && (w->trouble || w->samples[live_set_of(q->heading)] >= 2);
}

static void answer(struct watch *w, struct watch_asker *a)
{
    a->taken = true;
    pthread_mutex_unlock(&w->lock);
    if (w->trouble) {
        a->why = strdup("pdttd cannot be asked what moves now; is it running?");
        a->result = -EAGAIN;
    } else {
        a->text = now_render(a->question, w->model, &w->moment, a->next_page);
        a->result = a->text ? 0 : -ENOMEM;
    }
    pthread_mutex_lock(&w->lock);
    a->answered = true;
}

static void answer_askers(struct watch *w)
{
    for (struct watch_asker **at = &w->askers; *at;) {
        struct watch_asker *a = *at;

        if (!can_answer(w, a->question, clock_boottime_ns())) {
            at = &a->next;
            continue;
        }
        *at = a->next;
        answer(w, a);
        pthread_cond_broadcast(&w->changed);
        at = &w->askers; /* others may have come in front or left meanwhile */
    }
}

/* ---- the thread ---- */

static void *work(void *argument)
{
    struct watch *w = argument;

    pthread_mutex_lock(&w->lock);
    while (!w->stopping) {
        int64_t now_ns = clock_boottime_ns();
        struct timespec until;

        if (!w->askers && !is_wanted(w, LIVE_ACCOUNTS, now_ns) && !is_wanted(w, LIVE_CONNECTIONS, now_ns)) {
            watch_free_gone(w);
            forget(w);
            w->sampled_ns = 0;
            pthread_cond_wait(&w->changed, &w->lock);
            continue;
        }
        if (ms_to_next(w, now_ns) <= 0) {
            take_sample(w, now_ns);
            watch_deliver(w, clock_boottime_ns());
        }
        answer_askers(w);
        until = after_ms(ms_to_next(w, clock_boottime_ns()));
        if (!w->stopping)
            pthread_cond_timedwait(&w->changed, &w->lock, &until);
    }
    watch_deliver(w, clock_boottime_ns());
    forget(w);
    w->ended = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

int watch_start(struct directory *d, struct watch **ret_watch)
{
    struct watch *w = calloc(1, sizeof(*w));
    pthread_condattr_t clock;
    int r;

    if (!w)
        return -ENOMEM;
    w->directory = d;
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&w->changed, &clock);
    pthread_condattr_destroy(&clock);
    r = worker_start(work, w);
    if (r < 0)
        free(w);
    else
        *ret_watch = w;
    return r;
}

bool watch_stop(struct watch *w, int ms)
{
    struct timespec until = after_ms(ms);
    bool ended;

    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_broadcast(&w->changed);
    while (!w->ended && pthread_cond_timedwait(&w->changed, &w->lock, &until) == 0)
        ;
    ended = w->ended;
    pthread_mutex_unlock(&w->lock);
    return ended;
}

struct watch *watch_free(struct watch *w)
{
    watch_free_gone(w);
    free(w);
    return NULL;
}

/* ---- who asks ---- */

static bool hangs(const struct watch *w)
{
    return w->asking_since_ns && clock_boottime_ns() - w->asking_since_ns > HANGS_MS * NSEC_PER_MSEC;
}

static void take_back(struct watch *w, const struct watch_asker *asker)
{
    for (struct watch_asker **at = &w->askers; *at; at = &(*at)->next)
        if (*at == asker) {
            *at = asker->next;
            return;
        }
}

int watch_ask(struct watch *w, const struct now_question *question, char **ret_text,
              char ret_next[static PAGE_CURSOR_MAX], char **ret_why)
{
    struct watch_asker asker = {.question = question, .result = -EAGAIN};
    struct timespec until = after_ms(PATIENCE_MS);
    int waited = 0;

    pthread_mutex_lock(&w->lock);
    w->wanted_until_ns[live_set_of(question->heading)] = clock_boottime_ns() + REMEMBERED_SEC * NSEC_PER_SEC;
    if (!hangs(w) && !w->stopping) {
        asker.next = w->askers;
        w->askers = &asker;
        pthread_cond_broadcast(&w->changed);
        while (asker.taken ? !asker.answered : waited == 0 && !w->stopping)
            waited = asker.taken ? pthread_cond_wait(&w->changed, &w->lock)
                                 : pthread_cond_timedwait(&w->changed, &w->lock, &until);
        if (!asker.taken)
            take_back(w, &asker);
    }
    pthread_mutex_unlock(&w->lock);
    *ret_text = asker.text;
    memcpy(ret_next, asker.next_page, sizeof(asker.next_page));
    *ret_why = asker.result < 0 && !asker.why ? strdup("pdttd does not answer now; try again") : asker.why;
    return asker.result;
}
