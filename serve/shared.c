#include "serve/shared.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "serve/edition.h"

#include <pthread.h>
#include <string.h>

struct entry {
    struct entry *next;
    char *key;
    int64_t second;
    unsigned users; /* who make it, wait for it or copy it */
    bool made, listed;
    int r; /* of who made it */
    char *why;
    struct answer answer;
};

struct shared {
    pthread_mutex_t lock; /* of all below; of an entry that is made only the counts change */
    pthread_cond_t made;
    struct entry *entries;
    size_t n, bytes;
    pthread_mutex_t edition_lock;
    struct edition edition;
    int64_t asked_ns; /* last, by the boot-time clock */
};

struct shared *shared_new(void)
{
    struct shared *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->edition_lock, NULL);
    pthread_cond_init(&s->made, NULL);
    return s;
}

/* ---- what is the same question ---- */

/* With its length, so that no text can pass for two others. */
static void put_text(FILE *out, const char *text)
{
    fprintf(out, "%zu:%s,", text ? strlen(text) : 0, text ? text : "");
}

/* Who sees everything sees the same as all who do. */
static void put_asker(FILE *out, const struct membership *m)
{
    if (m->uid == 0 || m->admin) {
        fputs("all", out);
        return;
    }
    fprintf(out, "%lld%c", (long long)m->uid, m->name ? '=' : '-');
    put_text(out, m->name);
    for (size_t i = 0; i < m->n_projects; i++)
        put_text(out, m->projects[i]);
}

char *shared_question(const struct request *request, const struct membership *membership)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    put_asker(out, membership);
    put_text(out, request->path);
    for (size_t i = 0; i < request->n; i++) {
        put_text(out, request->parameters[i].name);
        put_text(out, request->parameters[i].value);
    }
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

/* NULL: it cannot be told whether an answer would still be right, or there is no memory. */
static char *key_of(struct shared *s, const struct work *w, int64_t second)
{
    cleanup_free char *path = directory_database(w->directory);
    cleanup_free char *question = shared_question(w->request, &w->membership);
    struct edition_number number;
    char *key = NULL;
    bool known;

    if (!path || !question)
        return NULL;
    pthread_mutex_lock(&s->edition_lock);
    known = edition_look(&s->edition, path, &number);
    s->asked_ns = clock_boottime_ns();
    pthread_mutex_unlock(&s->edition_lock);
    if (known && asprintf(&key, "%lld %lld %lld %s", (long long)second, (long long)number.opened,
                          (long long)number.committed, question) < 0)
        return NULL;
    return key;
}

/* ---- entries; all with the lock held ---- */

static void free_unused(struct entry *e)
{
    if (e->users || e->listed)
        return;
    answer_done(&e->answer);
    free(e->why);
    free(e->key);
    free(e);
}

static void unlist(struct shared *s, struct entry **at)
{
    struct entry *e = *at;

    *at = e->next;
    e->listed = false;
    s->n--;
    s->bytes -= e->answer.size;
    free_unused(e);
}

/* What was made in another second is of no use to anybody who comes now. What is being made stays. */
static void forget_past(struct shared *s, int64_t second)
{
    for (struct entry **at = &s->entries; *at;)
        if ((*at)->made && (*at)->second != second)
            unlist(s, at);
        else
            at = &(*at)->next;
}

static void forget_all(struct shared *s)
{
    forget_past(s, -1);
}

static struct entry **find(struct shared *s, const char *key)
{
    struct entry **at = &s->entries;

    while (*at && strcmp((*at)->key, key) != 0)
        at = &(*at)->next;
    return at;
}

/* Takes possession of key. NULL: there is no room for it. */
static struct entry *enter(struct shared *s, char *key, int64_t second)
{
    struct entry *e = s->n < SHARED_ANSWERS ? calloc(1, sizeof(*e)) : NULL;

    if (!e) {
        free(key);
        return NULL;
    }
    *e = (struct entry){.next = s->entries, .key = key, .second = second, .users = 1, .listed = true};
    s->entries = e;
    s->n++;
    return e;
}

/* ---- copies ---- */

static int copy_answer(const struct answer *from, struct answer *ret)
{
    char *body = malloc(from->size + 1);

    if (!body)
        return -ENOMEM;
    if (from->size)
        memcpy(body, from->body, from->size);
    *ret = *from;
    ret->body = body;
    return 0;
}

static int copy_outcome(const struct entry *e, struct work *w, struct answer *ret)
{
    if (e->r < 0) {
        w->why = e->why ? strdup(e->why) : NULL;
        return e->r;
    }
    return copy_answer(&e->answer, ret);
}

/* ---- making and taking ---- */

/* What failed is told to those who wait for it, and is tried again for the next. */
static void publish(struct shared *s, struct entry *e, int r, const struct work *w, const struct answer *answer)
{
    struct answer copy = {0};
    char *why = r < 0 && w->why ? strdup(w->why) : NULL;

    if (r >= 0)
        r = copy_answer(answer, &copy);
    pthread_mutex_lock(&s->lock);
    e->r = r;
    e->why = why;
    e->answer = copy;
    e->made = true;
    s->bytes += copy.size;
    if (r < 0 || s->bytes > SHARED_BYTES)
        unlist(s, find(s, e->key));
    e->users--;
    free_unused(e);
    pthread_cond_broadcast(&s->made);
    pthread_mutex_unlock(&s->lock);
}

static int take(struct shared *s, struct entry *e, struct work *w, struct answer *ret)
{
    int r;

    while (!e->made)
        pthread_cond_wait(&s->made, &s->lock);
    pthread_mutex_unlock(&s->lock);
    r = copy_outcome(e, w, ret);
    pthread_mutex_lock(&s->lock);
    e->users--;
    free_unused(e);
    pthread_mutex_unlock(&s->lock);
    return r;
}

int shared_answer(struct shared *s, struct work *w, shared_make_fn make, struct answer *ret)
{
    int64_t second = clock_realtime_sec();
    char *key = key_of(s, w, second);
    struct entry *e;
    int r;

    if (!key)
        return make(w, ret);
    pthread_mutex_lock(&s->lock);
    forget_past(s, second);
    e = *find(s, key);
    if (e) {
        free(key);
        e->users++;
        return take(s, e, w, ret);
    }
    e = enter(s, key, second);
    pthread_mutex_unlock(&s->lock);
    r = make(w, ret);
    if (e)
        publish(s, e, r, w, ret);
    return r;
}

void shared_rest(struct shared *s, int64_t now_ns)
{
    bool idle;

    pthread_mutex_lock(&s->edition_lock);
    idle = now_ns - s->asked_ns >= SHARED_IDLE_SEC * NSEC_PER_SEC;
    if (idle)
        edition_done(&s->edition);
    pthread_mutex_unlock(&s->edition_lock);
    if (!idle)
        return;
    pthread_mutex_lock(&s->lock);
    forget_all(s);
    pthread_mutex_unlock(&s->lock);
}

void shared_free(struct shared *s)
{
    forget_all(s);
    edition_done(&s->edition);
    free(s);
}
