/* The questions that wait, and the threads that answer them, in turn by user. */
#pragma once

#include "serve/answer.h"
#include "serve/encode.h"
#include "serve/limits.h"

enum { QUEUE_WORKERS = 4, QUEUE_MOST_WAITING = 256, QUEUE_WAIT_SEC = 10 };

struct job {
    struct job *next;
    int64_t who, queued_ns; /* who: by whom limits count */
    struct claim claim;
    bool asks_host; /* its answer needs the host's users and groups, which may hang */
    struct request request;
    struct accepts accepts;
    struct answer answer;
    void *userdata;
};

struct queue;

/* Called with a job whose answer is there, by a worker or by whom queue_expire() was called. */
typedef void (*queue_answered_fn)(struct job *job);

/* Starts the workers. -ENOMEM, -EAGAIN. */
int queue_start(const struct sources *sources, queue_answered_fn answered, struct queue **ret_queue);

/*
 * Takes the job, or refuses it with an answer of its own, which is told by false: answered is not called then. The job
 * belongs to the queue until it is answered.
 */
bool queue_put(struct queue *q, struct job *job);

/* Answers those that have waited too long. */
void queue_expire(struct queue *q, int64_t now_ns);

/* Answers all that wait, takes no more, and waits up to ms for those that are being answered: whether none is left. */
bool queue_stop(struct queue *q, int ms);

/* A user's connections are counted in the same place; many: they are those of many people. */
bool queue_connect(struct queue *q, int64_t who, bool many);
void queue_disconnect(struct queue *q, int64_t uid);
