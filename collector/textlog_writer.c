#include "collector/textlog_writer.h"

#include "common/cleanup.h"
#include "common/trusted.h"
#include "common/worker.h"

#include <fcntl.h>
#include <libgen.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define MAX_QUEUED_BYTES ((size_t)64 << 20)
#define STOP_SEC         2

struct job {
    struct job *next;
    char *path, *text;
    size_t n_bytes;
};

/* Shared by starter and thread, and freed by the last of the two: a write that hangs cannot be ended, only left. */
struct textlog_writer {
    pthread_mutex_t lock;
    pthread_cond_t queued, idle;
    unsigned references;
    bool stopping, busy;
    struct job *first, **end;
    size_t n_bytes;
    int error;       /* of the file that failed */
    char *failed;    /* its path; NULL: none */
    char *complaint; /* not told yet */
};

static void free_job(struct job *job)
{
    if (job) {
        free(job->path);
        free(job->text);
    }
    free(job);
}

static void let_go(struct textlog_writer *w)
{
    bool last = --w->references == 0;

    pthread_mutex_unlock(&w->lock);
    if (!last)
        return;
    for (struct job *job = w->first, *next; job; job = next) {
        next = job->next;
        free_job(job);
    }
    pthread_cond_destroy(&w->queued);
    pthread_cond_destroy(&w->idle);
    pthread_mutex_destroy(&w->lock);
    free(w->complaint);
    free(w->failed);
    free(w);
}

/* O_NONBLOCK for what is no regular file: nobody need read a named pipe. */
static int open_log(const char *path, int *ret_fd, struct stat *ret_st, char **ret_why)
{
    cleanup_close int directory = -1, fd = -1;
    cleanup_free char *copy = strdup(path);
    int r = copy ? trusted_open_parent(path, &directory, ret_why) : -ENOMEM;

    if (r < 0)
        return r;
    fd = openat(directory, basename(copy),
                O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640);
    if (fd < 0 || fstat(fd, ret_st) < 0)
        return -errno;
    r = trusted_check_file(ret_st, path, ret_why);
    if (r == 0)
        *ret_fd = take_fd(fd);
    return r;
}

static int append(const struct job *job, char **ret_why)
{
    cleanup_close int fd = -1;
    struct stat st;
    int r = open_log(job->path, &fd, &st, ret_why);

    if (r < 0)
        return r;
    for (size_t done = 0; done < job->n_bytes;) {
        ssize_t n = TEMP_FAILURE_RETRY(write(fd, job->text + done, job->n_bytes - done));
        if (n < 0) {
            int error = errno;
            if (done > 0 && ftruncate(fd, st.st_size) < 0)
                return -error; /* half a report stays; the failure that is told is the first */
            return -error;
        }
        done += (size_t)n;
    }
    return 0;
}

static const char *reason(int error)
{
    switch (error) {
    case -EMEDIUMTYPE:
        return "is no regular file; remove it or name another";
    case -ELOOP:
        return "is a symbolic link, which is not followed; remove it or name its target";
    case -ENOENT:
        return "its directory does not exist; make it";
    default:
        return strerror(-error);
    }
}

/*
 * With the lock held. The first file that fails stands for all until it can be written: with a log per user a full disk
 * would otherwise be told a thousand times.
 */
static void note_result(struct textlog_writer *w, const char *path, int error, const char *why)
{
    char *line = NULL;
    int n;

    if (error == w->error || (w->failed && strcmp(w->failed, path) != 0))
        return;
    if (error < 0)
        n = asprintf(&line, "text log %s: %s; reports are lost until it can be written", path,
                     error == -EPERM && why ? why : reason(error));
    else
        n = asprintf(&line, "text log %s: written again", path);
    w->error = error;
    free(w->failed);
    w->failed = error < 0 ? strdup(path) : NULL;
    free(w->complaint);
    w->complaint = n < 0 ? NULL : line;
}

static void *work(void *userdata)
{
    struct textlog_writer *w = userdata;

    pthread_mutex_lock(&w->lock);
    while (!w->stopping || w->first) {
        struct job *job = w->first;
        if (!job) {
            pthread_cond_wait(&w->queued, &w->lock);
            continue;
        }
        w->first = job->next;
        w->end = w->first ? w->end : &w->first;
        w->busy = true;
        pthread_mutex_unlock(&w->lock);
        cleanup_free char *why = NULL;
        int r = append(job, &why);
        pthread_mutex_lock(&w->lock);
        w->busy = false;
        w->n_bytes -= job->n_bytes;
        note_result(w, job->path, r, why);
        free_job(job);
        pthread_cond_signal(&w->idle);
    }
    let_go(w);
    return NULL;
}

static int start_thread(struct textlog_writer *w)
{
    int r;

    w->references++;
    r = worker_start(work, w);
    if (r < 0)
        w->references--;
    return r;
}

int textlog_writer_start(struct textlog_writer **ret)
{
    struct textlog_writer *w = calloc(1, sizeof(*w));

    if (!w)
        return -ENOMEM;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->queued, NULL);
    pthread_cond_init(&w->idle, NULL);
    w->end = &w->first;
    w->references = 1;
    int r = start_thread(w);
    if (r < 0) {
        pthread_mutex_lock(&w->lock);
        let_go(w);
        return r;
    }
    *ret = w;
    return 0;
}

struct textlog_writer *textlog_writer_stop(struct textlog_writer *w)
{
    struct timespec until;

    if (!w)
        return NULL;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STOP_SEC;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_signal(&w->queued);
    while ((w->first || w->busy) && pthread_cond_timedwait(&w->idle, &w->lock, &until) == 0)
        ;
    let_go(w);
    return NULL;
}

int textlog_writer_put(struct textlog_writer *w, char *path, char *text)
{
    struct job *job = calloc(1, sizeof(*job));

    if (!job) {
        free(path);
        free(text);
        return -ENOMEM;
    }
    *job = (struct job){.path = path, .text = text, .n_bytes = strlen(text)};
    pthread_mutex_lock(&w->lock);
    bool full = w->n_bytes + job->n_bytes > MAX_QUEUED_BYTES;
    if (!full) {
        *w->end = job;
        w->end = &job->next;
        w->n_bytes += job->n_bytes;
        pthread_cond_signal(&w->queued);
    }
    pthread_mutex_unlock(&w->lock);
    if (full)
        free_job(job);
    return full ? -ENOBUFS : 0;
}

char *textlog_writer_take_complaint(struct textlog_writer *w)
{
    pthread_mutex_lock(&w->lock);
    char *complaint = take_ptr(w->complaint);
    pthread_mutex_unlock(&w->lock);
    return complaint;
}
