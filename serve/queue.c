#include "serve/queue.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/worker.h"

#include <pthread.h>
#include <time.h>

struct queue {
    pthread_mutex_t lock; /* of all below but the sources */
    pthread_cond_t changed;
    struct sources sources;
    queue_answered_fn answered;
    struct job *first, **last;
    size_t n_waiting, n_running, n_asking_host;
    struct limits limits;
    bool stopping;
};

/* ---- which is next ---- */

/* A directory server that hangs may hold up some of the workers, never all of them. */
static bool may_run(const struct queue *q, const struct job *job)
{
    return limits_may_run(&q->limits, job->who) && (!job->asks_host || q->n_asking_host < QUEUE_WORKERS / 2);
}

/* The oldest of those whose users have the fewest questions being answered. */
static struct job **find_next(struct queue *q)
{
    struct job **best = NULL;
    unsigned fewest = 0;

    for (struct job **at = &q->first; *at; at = &(*at)->next) {
        unsigned running = limits_running(&q->limits, (*at)->who);

        if (may_run(q, *at) && (!best || running < fewest)) {
            best = at;
            fewest = running;
        }
    }
    return best;
}

static struct job *take(struct queue *q, struct job **at)
{
    struct job *job = *at;

    *at = job->next;
    if (!job->next)
        q->last = at;
    q->n_waiting--;
    return job;
}

/* ---- the workers ---- */

static struct job *wait_for_job(struct queue *q)
{
    struct job **next;

    while (!(next = find_next(q)))
        pthread_cond_wait(&q->changed, &q->lock);
    return take(q, next);
}

static void *work(void *argument)
{
    struct queue *q = argument;

    pthread_mutex_lock(&q->lock);
    for (;;) {
        struct job *job = wait_for_job(q);
        int64_t who = job->who;
        bool asks_host = job->asks_host;

        limits_run(&q->limits, who);
        q->n_running++;
        q->n_asking_host += asks_host;
        pthread_mutex_unlock(&q->lock);
        answer_request(&q->sources, &job->claim, &job->request, &job->answer);
        encode_answer(&job->accepts, &job->answer);
        q->answered(job); /* and gone */
        pthread_mutex_lock(&q->lock);
        q->n_asking_host -= asks_host;
        q->n_running--;
        limits_done(&q->limits, who);
        pthread_cond_broadcast(&q->changed);
    }
    return NULL;
}

int queue_start(const struct sources *sources, queue_answered_fn answered, struct queue **ret_queue)
{
    struct queue *q = calloc(1, sizeof(*q));
    pthread_condattr_t clock;

    if (!q)
        return -ENOMEM;
    q->sources = *sources;
    q->answered = answered;
    q->last = &q->first;
    pthread_mutex_init(&q->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&q->changed, &clock);
    pthread_condattr_destroy(&clock);
    for (int i = 0; i < QUEUE_WORKERS; i++) {
        int r = worker_start(work, q);

        if (r < 0)
            return r;
    }
    *ret_queue = q;
    return 0;
}

/* ---- questions ---- */

/* NULL: granted. */
static const char *refusal_of(struct queue *q, const struct job *job, unsigned *ret_status)
{
    enum limit_verdict verdict;

    *ret_status = 503;
    if (q->stopping)
        return "pdtt-serve is stopping; try again";
    if (q->n_waiting == QUEUE_MOST_WAITING)
        return "pdtt-serve has too much to do; try again later";
    verdict = limits_ask(&q->limits, job->who, job->queued_ns);
    *ret_status = 429;
    if (verdict == LIMIT_GRANTED)
        return NULL;
    return verdict == LIMIT_TOO_FAST ? "you ask too often; wait some seconds, and ask less than 20 times a second"
                                     : "too many questions of yours wait for an answer; wait for them first";
}

bool queue_put(struct queue *q, struct job *job)
{
    const char *refusal;
    unsigned status;

    job->next = NULL;
    job->queued_ns = clock_boottime_ns();
    job->asks_host = directory_must_ask(q->sources.directory, &job->claim);
    pthread_mutex_lock(&q->lock);
    refusal = refusal_of(q, job, &status);
    if (!refusal) {
        *q->last = job;
        q->last = &job->next;
        q->n_waiting++;
        pthread_cond_signal(&q->changed);
    }
    pthread_mutex_unlock(&q->lock);
    if (refusal)
        answer_problem(status, refusal, &job->answer);
    return !refusal;
}

/* The jobs that were put before a time, as a list. */
static struct job *take_older(struct queue *q, int64_t before_ns)
{
    struct job *ret = NULL, **last = &ret;

    for (struct job **at = &q->first; *at;) {
        if ((*at)->queued_ns >= before_ns) {
            at = &(*at)->next;
            continue;
        }
        *last = take(q, at);
        limits_give_up(&q->limits, (*last)->who);
        last = &(*last)->next;
        *last = NULL;
    }
    return ret;
}

static void answer_all(struct queue *q, struct job *list, const char *detail)
{
    while (list) {
        struct job *job = list;

        list = job->next;
        answer_problem(503, detail, &job->answer);
        q->answered(job);
    }
}

void queue_expire(struct queue *q, int64_t now_ns)
{
    struct job *list;

    pthread_mutex_lock(&q->lock);
    list = take_older(q, now_ns - QUEUE_WAIT_SEC * NSEC_PER_SEC);
    pthread_mutex_unlock(&q->lock);
    answer_all(q, list, "pdtt-serve did not come to this question in time; try again");
}

bool queue_stop(struct queue *q, int ms)
{
    struct timespec until;
    struct job *list;
    bool idle;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    pthread_mutex_lock(&q->lock);
    q->stopping = true;
    list = take_older(q, INT64_MAX);
    pthread_mutex_unlock(&q->lock);
    answer_all(q, list, "pdtt-serve is stopping; try again");
    pthread_mutex_lock(&q->lock);
    while (q->n_running > 0 && pthread_cond_timedwait(&q->changed, &q->lock, &until) == 0)
        ;
    idle = q->n_running == 0;
    pthread_mutex_unlock(&q->lock);
    return idle;
}

bool queue_connect(struct queue *q, int64_t who, bool many)
{
    bool ret;

    pthread_mutex_lock(&q->lock);
    ret = limits_connect(&q->limits, who, many ? LIMIT_SHARED_CONNECTIONS : LIMIT_CONNECTIONS, clock_boottime_ns());
    pthread_mutex_unlock(&q->lock);
    return ret;
}

void queue_disconnect(struct queue *q, int64_t uid)
{
    pthread_mutex_lock(&q->lock);
    limits_disconnect(&q->limits, uid);
    pthread_mutex_unlock(&q->lock);
}
