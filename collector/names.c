#include "collector/names.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>

#include "collector/names_nss.h"
#include "collector/names_table.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/worker.h"

#define DEFAULT_REFRESH_SEC (10 * 60)
#define DEFAULT_RETRY_SEC   30
#define DEFAULT_MAX_PENDING 16384

/* A question on its way through the worker, or an answer on its way back. */
struct item {
    struct item *next;
    enum names_kind kind;
    uint32_t id;
    char *name; /* of NAMES_UID and NAMES_GID what is asked, else the answer */
    int error;
};

struct queue {
    struct item *first, **end;
};

/*
 * Everything is shared between the caller and the worker and lives until both have let go of it: a worker that hangs in
 * NSS cannot be ended (no NSS module is safe to cancel), only left behind. The lock is never held during a lookup.
 */
struct names {
    pthread_mutex_t lock;
    pthread_cond_t asked;
    unsigned references;
    bool stopping;
    int fd;
    struct names_options options;
    struct names_table table;
    struct queue questions, answers;
    size_t n_pending;   /* questions, the one in work, answers */
    struct item *taken; /* what the latest names_take() lent out; the caller's */
};

static void queue_init(struct queue *q)
{
    *q = (struct queue){NULL, &q->first};
}

static void queue_put(struct queue *q, struct item *item)
{
    item->next = NULL;
    *q->end = item;
    q->end = &item->next;
}

static struct item *queue_take(struct queue *q)
{
    struct item *item = q->first;

    if (item) {
        q->first = item->next;
        q->end = q->first ? q->end : &q->first;
    }
    return item;
}

static struct item *item_free(struct item *item)
{
    if (item)
        free(item->name);
    free(item);
    return NULL;
}

static void free_all(struct names *n)
{
    for (struct item *item; (item = queue_take(&n->questions));)
        item_free(item);
    for (struct item *item; (item = queue_take(&n->answers));)
        item_free(item);
    names_table_free(&n->table);
    pthread_cond_destroy(&n->asked);
    pthread_mutex_destroy(&n->lock);
    free(n);
}

/* With the lock held, which it gives back. */
static void let_go(struct names *n)
{
    bool last = --n->references == 0;

    pthread_mutex_unlock(&n->lock);
    if (last)
        free_all(n);
}

static bool asks_for_id(enum names_kind kind)
{
    return kind == NAMES_UID || kind == NAMES_GID;
}

/* Puts the answer of a lookup into its queue. With the lock held. */
static void settle(struct names *n, struct item *item, int result)
{
    bool answered = result == 0 || result == -ENOENT || asks_for_id(item->kind);
    int64_t wait_sec = answered ? n->options.refresh_sec : n->options.retry_sec;
    uint64_t one = 1;

    item->error = result;
    if (!asks_for_id(item->kind))
        names_table_settle(&n->table, item->kind, item->id, n->options.now_ns() + wait_sec * NSEC_PER_SEC);
    if (!answered || n->stopping) {
        n->n_pending--;
        item_free(item);
        return;
    }
    queue_put(&n->answers, item);
    if (write(n->fd, &one, sizeof(one)) < 0) {
        /* Only a counter that is full could fail: then it is readable anyway. */
    }
}

static int look_up(const struct names *n, struct item *item)
{
    if (item->kind == NAMES_UID)
        return n->options.find_uid(item->name, &item->id);
    if (item->kind == NAMES_GID)
        return n->options.find_gid(item->name, &item->id);
    int r = item->kind == NAMES_USER ? n->options.find_user(item->id, &item->name)
                                     : n->options.find_group(item->id, &item->name);
    if (r == -ENOENT) {
        item->name = strdup("");
        r = item->name ? r : -ENOMEM;
    }
    return r;
}

static void *work(void *userdata)
{
    struct names *n = userdata;

    pthread_mutex_lock(&n->lock);
    while (!n->stopping) {
        struct item *item = queue_take(&n->questions);
        if (!item) {
            pthread_cond_wait(&n->asked, &n->lock);
            continue;
        }
        pthread_mutex_unlock(&n->lock);
        int r = look_up(n, item);
        pthread_mutex_lock(&n->lock);
        settle(n, item, r);
    }
    let_go(n);
    return NULL;
}

static int start_worker(struct names *n)
{
    int r;

    n->references++;
    r = worker_start(work, n);
    if (r < 0)
        n->references--;
    return r;
}

static struct names_options with_defaults(const struct names_options *options)
{
    struct names_options o = *options;

    o.find_user = o.find_user ?: names_nss_find_user;
    o.find_group = o.find_group ?: names_nss_find_group;
    o.find_uid = o.find_uid ?: names_nss_find_uid;
    o.find_gid = o.find_gid ?: names_nss_find_gid;
    o.now_ns = o.now_ns ?: clock_boottime_ns;
    o.refresh_sec = o.refresh_sec ?: DEFAULT_REFRESH_SEC;
    o.retry_sec = o.retry_sec ?: DEFAULT_RETRY_SEC;
    o.max_pending = o.max_pending ?: DEFAULT_MAX_PENDING;
    return o;
}

int names_start_with(const struct names_options *options, struct names **ret)
{
    struct names *n = calloc(1, sizeof(*n));

    if (!n)
        return -ENOMEM;
    pthread_mutex_init(&n->lock, NULL);
    pthread_cond_init(&n->asked, NULL);
    queue_init(&n->questions);
    queue_init(&n->answers);
    n->options = with_defaults(options);
    n->references = 1;
    n->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int r = n->fd < 0 ? -errno : start_worker(n);
    if (r < 0) {
        names_stop(n);
        return r;
    }
    *ret = n;
    return 0;
}

int names_start(struct names **ret)
{
    return names_start_with(&(struct names_options){0}, ret);
}

/* With the lock held; the item is the queue's afterwards. */
static void put_question(struct names *n, struct item *item)
{
    queue_put(&n->questions, item);
    n->n_pending++;
    pthread_cond_signal(&n->asked);
}

/* With the lock held. */
static int ask_locked(struct names *n, enum names_kind kind, uint32_t id)
{
    int64_t now_ns = n->options.now_ns();

    if (!names_table_is_due(&n->table, kind, id, now_ns))
        return 0;
    if (n->n_pending >= n->options.max_pending)
        return -ENOBUFS;
    struct item *item = calloc(1, sizeof(*item));
    if (!item)
        return -ENOMEM;
    int r = names_table_mark(&n->table, kind, id, now_ns);
    if (r < 0) {
        item_free(item);
        return r;
    }
    item->kind = kind;
    item->id = id;
    put_question(n, item);
    return 0;
}

static int ask(struct names *n, enum names_kind kind, uint32_t id)
{
    pthread_mutex_lock(&n->lock);
    int r = ask_locked(n, kind, id);
    pthread_mutex_unlock(&n->lock);
    return r;
}

int names_ask_user(struct names *n, uint32_t uid)
{
    return ask(n, NAMES_USER, uid);
}
int names_ask_group(struct names *n, uint32_t gid)
{
    return ask(n, NAMES_GROUP, gid);
}

/* With the lock held; takes the item only on success. */
static int find_locked(struct names *n, struct item *item)
{
    if (n->n_pending >= n->options.max_pending)
        return -ENOBUFS;
    put_question(n, item);
    return 0;
}

static int find(struct names *n, enum names_kind kind, const char *name)
{
    struct item *item = calloc(1, sizeof(*item));

    if (!item || !(item->name = strdup(name))) {
        item_free(item);
        return -ENOMEM;
    }
    item->kind = kind;
    pthread_mutex_lock(&n->lock);
    int r = find_locked(n, item);
    pthread_mutex_unlock(&n->lock);
    if (r < 0)
        item_free(item);
    return r;
}

int names_find_user(struct names *n, const char *name)
{
    return find(n, NAMES_UID, name);
}
int names_find_group(struct names *n, const char *name)
{
    return find(n, NAMES_GID, name);
}

int names_fd(const struct names *n)
{
    return n->fd;
}

/* With the lock held. Empties the eventfd with the last answer, so that it is readable exactly while answers wait. */
static struct item *take_locked(struct names *n)
{
    struct item *item = queue_take(&n->answers);
    uint64_t count;

    n->n_pending -= item != NULL;
    if (!n->answers.first && read(n->fd, &count, sizeof(count)) < 0) {
        /* EAGAIN: it was empty. */
    }
    return item;
}

bool names_take(struct names *n, struct names_answer *ret)
{
    n->taken = item_free(n->taken);
    pthread_mutex_lock(&n->lock);
    n->taken = take_locked(n);
    pthread_mutex_unlock(&n->lock);
    if (!n->taken)
        return false;
    *ret = (struct names_answer){n->taken->kind, n->taken->id, n->taken->name, n->taken->error};
    return true;
}

size_t names_waiting(struct names *n)
{
    pthread_mutex_lock(&n->lock);
    size_t waiting = n->n_pending;
    pthread_mutex_unlock(&n->lock);
    return waiting;
}

struct names *names_stop(struct names *n)
{
    if (!n)
        return NULL;
    n->taken = item_free(n->taken);
    pthread_mutex_lock(&n->lock);
    n->stopping = true;
    n->fd = close_fd(n->fd);
    pthread_cond_signal(&n->asked);
    let_go(n);
    return NULL;
}
