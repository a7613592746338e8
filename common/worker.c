#include "common/worker.h"

#include "common/cleanup.h"

#include <cap-ng.h>
#include <pthread.h>
#include <signal.h>

struct job {
    void *(*work)(void *);
    void *argument;
};

/*
 * Capabilities belong to a thread, so the process that drops its own later would leave those of this one. Nothing that
 * may hang needs any; giving up one's own cannot fail.
 */
static void *begin(void *userdata)
{
    struct job job = *(struct job *)userdata;

    free(userdata);
    capng_clear(CAPNG_SELECT_BOTH);
    if (capng_apply(CAPNG_SELECT_CAPS) != 0)
        abort();
    return job.work(job.argument);
}

static int start(void *(*work)(void *), void *argument, const pthread_attr_t *attributes)
{
    struct job *job = malloc(sizeof(*job));
    pthread_t thread;
    int r;

    if (!job)
        return -ENOMEM;
    *job = (struct job){work, argument};
    r = pthread_create(&thread, attributes, begin, job);
    if (r != 0)
        free(job);
    return -r;
}

int worker_start(void *(*work)(void *), void *argument)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    int r = pthread_attr_init(&attributes);

    if (r != 0)
        return -r;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    sigdelset(&all, SIGSYS); /* a forbidden system call is to be told, not only to be fatal */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = start(work, argument, &attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return r;
}
