/* Notices: which thresholds of an allocation were told, so that each is told once in a period whatever happens to pdttd. */
#include <errno.h>
#include <string.h>

#include "sql/store_internal.h"

/* A year's period is current for a year; what is older tells nobody anything. */
#define KEPT_SEC (INT64_C(500) * 86400)

/* What makes an allocation the same one after a restart, as texts. */
enum { KEY_BINDS = 7 };

struct key {
    char *classes;
    struct bind binds[KEY_BINDS];
};

static void cleanup_key(struct key *k)
{
    free(k->classes);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *join(const struct store_names *names)
{
    cleanup_free const char **sorted = calloc(names->n + 1, sizeof(*sorted));
    char *text = NULL;
    size_t size;
    FILE *out = sorted ? open_memstream(&text, &size) : NULL;

    if (!out)
        return NULL;
    for (size_t i = 0; i < names->n; i++)
        sorted[i] = names->v[i];
    qsort(sorted, names->n, sizeof(*sorted), compare_texts);
    for (size_t i = 0; i < names->n; i++)
        fprintf(out, "%s%s", i ? "," : "", sorted[i]);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

static int key_of(struct store *s, const struct store_notice *n, struct key *ret)
{
    const struct store_allocation *a = &n->allocation;
    char *classes = join(&a->classes);

    if (!classes)
        return store_fail(s, -ENOMEM, "out of memory");
    *ret = (struct key){.classes = classes,
                        .binds = {BIND_INT(n->since_sec), BIND_TEXT(store_subject_word(a->subject)), BIND_TEXT(a->name),
                                  BIND_TEXT(store_period_word(a->period)), BIND_INT(a->billing_day),
                                  BIND_TEXT(store_direction_word(a->direction)), BIND_TEXT(classes)}};
    return 0;
}

/* Runs a statement whose first parameters are the key. */
static int run(struct store *s, enum statement_id id, const struct key *k, const struct bind *more, size_t n)
{
    struct bind binds[STATEMENT_MAX_BINDS];

    memcpy(binds, k->binds, sizeof(k->binds));
    memcpy(binds + KEY_BINDS, more, n * sizeof(*more));
    return statement_run(s, id, binds, KEY_BINDS + n);
}

int store_find_notice(struct store *s, const struct store_notice *n, struct store_notice_state *ret)
{
    cleanup(cleanup_key) struct key k = {0};
    enum statement_id id = STATEMENT_NOTICE_LIST;
    struct store_notice_state state = {0};
    int r = key_of(s, n, &k);

    if (r == 0)
        r = statement_bind(s, id, k.binds, KEY_BINDS);
    while (r == 0 && (r = statement_step(s, id)) > 0) {
        int64_t threshold = statement_int(s, id, 0), attempts = statement_int(s, id, 1);
        if ((statement_int(s, id, 2) || attempts >= STORE_NOTICE_ATTEMPTS) && threshold > state.settled)
            state.settled = (unsigned)threshold;
        if (threshold == n->threshold)
            state.attempts = (unsigned)attempts;
        r = 0;
    }
    statement_reset(s, id);
    if (r == 0)
        *ret = state;
    return r;
}

struct beginning {
    const struct store_notice *notice;
    const struct key *key;
    const unsigned *thresholds;
    size_t n;
    int64_t now_sec;
};

/* Those below have no attempts of their own. */
static int begin(struct store *s, void *userdata)
{
    const struct beginning *b = userdata;
    int r = statement_run(s, STATEMENT_NOTICE_DROP, BINDS(BIND_INT(b->now_sec - KEPT_SEC)));

    for (size_t i = 0; i < b->n && r == 0; i++)
        if (b->thresholds[i] <= b->notice->threshold)
            r = run(s, STATEMENT_NOTICE_BEGIN, b->key,
                    BINDS(BIND_INT(b->thresholds[i]), BIND_INT(b->now_sec), BIND_INT(b->notice->threshold),
                          BIND_INT(b->thresholds[i] == b->notice->threshold)));
    return r;
}

int store_begin_notice(struct store *s, const struct store_notice *n, const unsigned *thresholds, size_t n_thresholds,
                       int64_t now_sec)
{
    cleanup(cleanup_key) struct key k = {0};
    struct beginning b = {n, &k, thresholds, n_thresholds, now_sec};
    int r = key_of(s, n, &k);

    return r < 0 ? r : store_transaction(s, begin, &b);
}

struct ending {
    const struct store_notice *notice;
    const struct key *key;
    const char *result;
    bool told;
    int64_t now_sec;
};

static int end(struct store *s, void *userdata)
{
    const struct ending *e = userdata;

    if (e->told)
        return run(s, STATEMENT_NOTICE_TOLD, e->key,
                   BINDS(BIND_INT(e->notice->threshold), BIND_TEXT(e->result), BIND_INT(e->now_sec)));
    return run(s, STATEMENT_NOTICE_FAILED, e->key, BINDS(BIND_INT(e->notice->threshold), BIND_TEXT(e->result)));
}

int store_end_notice(struct store *s, const struct store_notice *n, bool told, const char *result, int64_t now_sec)
{
    cleanup(cleanup_key) struct key k = {0};
    struct ending e = {n, &k, result, told, now_sec};
    int r = key_of(s, n, &k);

    return r < 0 ? r : store_transaction(s, end, &e);
}
