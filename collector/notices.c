#include "collector/notices.h"

#include "common/cleanup.h"
#include "common/log.h"

#include <inttypes.h>
#include <string.h>

/* What is known of an allocation of the watch, so that one of which nothing is due costs no query. */
struct known {
    int64_t since_sec;
    unsigned settled;  /* of that period; as in struct store_notice_state */
    uint64_t tried_at; /* the look at which it was tried last */
    bool read;
};

/* Somebody is being told of this. */
struct asked {
    struct store_notice notice; /* with texts of its own */
    unsigned attempt;           /* from 1 */
    bool is;
    bool ended, told; /* how: not in the store yet */
    char *result;
};

struct notices {
    struct notices_options options;
    unsigned *at;
    size_t n_at;
    struct known *known;
    size_t n_known;
    int64_t reading; /* of the watch, that known belongs to */
    uint64_t look;   /* counts them */
    uint64_t id;
    struct asked asked;
    struct notices_counts counts;
    int error; /* of the store, so that it is said once */
    bool stopped;
};

/* ---- the life of it ---- */

int notices_new(const struct notices_options *options, struct notices **ret)
{
    struct notices *n = calloc(1, sizeof(*n));

    if (!n)
        return -ENOMEM;
    n->options = *options;
    *ret = n;
    return 0;
}

static void forget_asked(struct notices *n)
{
    store_allocation_done(&n->asked.notice.allocation);
    free(n->asked.result);
    n->asked = (struct asked){0};
}

struct notices *notices_free(struct notices *n)
{
    if (!n)
        return NULL;
    forget_asked(n);
    free(n->at);
    free(n->known);
    free(n);
    return NULL;
}

static void forget_known(struct notices *n)
{
    free(n->known);
    n->known = NULL;
    n->n_known = 0;
}

int notices_set_thresholds(struct notices *n, const unsigned *at, size_t n_at)
{
    unsigned *copy = calloc(n_at + 1, sizeof(*copy));

    if (!copy)
        return -ENOMEM;
    for (size_t i = 0; i < n_at; i++)
        copy[i] = at[i];
    free(n->at);
    n->at = copy;
    n->n_at = n_at;
    forget_known(n);
    return 0;
}

/* ---- what is said ---- */

static void note_error(struct notices *n, struct store *store, int r)
{
    if (r < 0 && r != n->error)
        log_warning("cannot tell that allocations are used up: %s; tried again after the next interval",
                    *store_why(store) ? store_why(store) : strerror(-r));
    n->error = r;
}

/* "project 'physics' has used 90 % of its allocation of the month" */
static char *describe(const struct store_notice *notice)
{
    char *text;

    if (asprintf(&text, "%s '%s' has used %u %% of its allocation of the %s",
                 store_subject_word(notice->allocation.subject), notice->allocation.name, notice->threshold,
                 store_period_word(notice->allocation.period)) < 0)
        return NULL;
    return text;
}

static void say_outcome(const struct asked *asked, const struct notifier_outcome *o)
{
    cleanup_free char *what = describe(&asked->notice);
    const char *said = *o->said ? o->said : "nothing";

    if (o->told)
        log_info("%s: told%s%s", what ? what : "?", *o->said ? "; the command said: " : "", o->said);
    else if (asked->attempt < STORE_NOTICE_ATTEMPTS)
        log_warning("%s: the command of notices failed (%s) and said: %s; tried again after the next interval, "
                    "%u of %u times",
                    what ? what : "?", o->how, said, asked->attempt + 1, STORE_NOTICE_ATTEMPTS);
    else
        log_warning("%s: the command of notices failed (%s) for the last of %u times and said: %s; nobody is told of "
                    "it any more",
                    what ? what : "?", o->how, STORE_NOTICE_ATTEMPTS, said);
}

/* ---- the words ---- */

struct words {
    char numbers[6][24];
    char *classes;
    const char *v[NOTICE_WORDS];
};

static const char *put_number(struct words *w, size_t i, int64_t number)
{
    snprintf(w->numbers[i], sizeof(w->numbers[i]), "%" PRId64, number);
    return w->numbers[i];
}

static char *join_classes(const struct store_names *classes)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    for (size_t i = 0; i < classes->n; i++)
        fprintf(out, "%s%s", i ? "," : "", classes->v[i]);
    if (classes->n == 0)
        fputs("all", out);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

static int fill_words(const struct allocation_state *state, unsigned threshold, struct words *w)
{
    const struct store_allocation *a = &state->allocation;

    w->classes = join_classes(&a->classes);
    if (!w->classes)
        return -ENOMEM;
    w->v[NOTICE_KIND] = store_subject_word(a->subject);
    w->v[NOTICE_NAME] = a->name;
    w->v[NOTICE_THRESHOLD] = put_number(w, 0, threshold);
    w->v[NOTICE_PERCENT] = put_number(w, 1, state->hundredths / 100);
    w->v[NOTICE_USED_BYTES] = put_number(w, 2, state->used_bytes);
    w->v[NOTICE_LIMIT_BYTES] = put_number(w, 3, a->limit_bytes);
    w->v[NOTICE_PERIOD] = store_period_word(a->period);
    w->v[NOTICE_DIRECTION] = store_direction_word(a->direction);
    w->v[NOTICE_CLASSES] = w->classes;
    w->v[NOTICE_SINCE_SEC] = put_number(w, 4, state->period.start_sec);
    w->v[NOTICE_UNTIL_SEC] = put_number(w, 5, state->period.end_sec);
    return 0;
}

/* ---- telling ---- */

/* The highest threshold that is reached, 0: none. */
static unsigned reached(const struct notices *n, const struct allocation_state *state)
{
    unsigned highest = 0;

    for (size_t i = 0; i < n->n_at && state->hundredths >= (int64_t)n->at[i] * 100; i++)
        highest = n->at[i];
    return highest;
}

static void have_told(struct notices *n, const char *const words[NOTICE_WORDS])
{
    int r = n->options.ask(++n->id, words, n->options.userdata);

    if (r == -EPIPE)
        notices_lost(n);
    else if (r < 0)
        log_warning("cannot have the command of notices run: %s", strerror(-r));
    if (r < 0)
        forget_asked(n);
}

/* First into the store, then to whoever tells: what dies between the two is told by the next start. */
static int tell(struct notices *n, struct store *store, const struct allocation_state *state,
                const struct store_notice *notice, unsigned attempts, int64_t now_sec)
{
    struct words words = {0};
    int r = fill_words(state, notice->threshold, &words);

    if (r == 0)
        r = store_allocation_copy(&notice->allocation, &n->asked.notice.allocation);
    if (r == 0)
        r = store_begin_notice(store, notice, n->at, n->n_at, now_sec);
    if (r == 0) {
        n->asked.notice.since_sec = notice->since_sec;
        n->asked.notice.threshold = notice->threshold;
        n->asked.attempt = attempts + 1;
        n->asked.is = true;
        have_told(n, words.v);
    } else {
        forget_asked(n);
    }
    free(words.classes);
    return r;
}

/* Whether it is due, and if so begins to tell it. */
static int consider(struct notices *n, struct store *store, const struct allocation_state *state, struct known *known,
                    int64_t now_sec)
{
    struct store_notice notice = {
        .allocation = state->allocation, .since_sec = state->period.start_sec, .threshold = reached(n, state)};
    struct store_notice_state past;
    int r;

    if (known->since_sec != notice.since_sec)
        *known = (struct known){.since_sec = notice.since_sec};
    if (!notice.threshold || (known->read && notice.threshold <= known->settled) || known->tried_at == n->look)
        return 0;
    r = store_find_notice(store, &notice, &past);
    if (r < 0)
        return r;
    known->read = true;
    known->settled = past.settled;
    if (notice.threshold <= past.settled)
        return 0;
    known->tried_at = n->look;
    return tell(n, store, state, &notice, past.attempts, now_sec);
}

static bool may_tell(const struct notices *n)
{
    return !n->asked.is && !n->counts.gone && !n->stopped;
}

static int make_known(struct notices *n, const struct allocation_watch *watch, size_t n_states)
{
    if (n->known && n->reading == allocation_watch_reading(watch))
        return 0;
    forget_known(n);
    n->known = calloc(n_states + 1, sizeof(*n->known));
    if (!n->known)
        return -ENOMEM;
    n->n_known = n_states;
    n->reading = allocation_watch_reading(watch);
    return 0;
}

/* One at a time: the next one when it has ended. */
static void tell_next(struct notices *n, struct store *store, const struct allocation_watch *watch, int64_t now_sec)
{
    size_t n_states;
    const struct allocation_state *states = allocation_watch_all(watch, &n_states);
    int r = make_known(n, watch, n_states);

    for (size_t i = 0; r == 0 && may_tell(n) && i < n_states && i < n->n_known; i++)
        r = consider(n, store, &states[i], &n->known[i], now_sec);
    note_error(n, store, r);
}

static void count_over(struct notices *n, const struct allocation_watch *watch)
{
    size_t n_states;
    const struct allocation_state *states = allocation_watch_all(watch, &n_states);

    n->counts.over = 0;
    for (size_t i = 0; i < n_states; i++)
        n->counts.over += reached(n, &states[i]) > 0;
}

/* What could not be written when it ended: nothing else is told before it is. */
static int keep_outcome(struct notices *n, struct store *store, int64_t now_sec)
{
    int r;

    if (!n->asked.ended)
        return 0;
    r = store_end_notice(store, &n->asked.notice, n->asked.told, n->asked.result, now_sec);
    if (r == 0)
        forget_asked(n);
    return r;
}

void notices_look(struct notices *n, struct store *store, const struct allocation_watch *watch, int64_t now_sec)
{
    int r = keep_outcome(n, store, now_sec);

    n->look++;
    count_over(n, watch);
    if (r < 0)
        note_error(n, store, r);
    else
        tell_next(n, store, watch, now_sec);
}

void notices_settle(struct notices *n, struct store *store, const struct allocation_watch *watch,
                    const struct notifier_outcome *outcome, int64_t now_sec)
{
    int r;

    if (!n->asked.is || n->asked.ended || outcome->id != n->id)
        return;
    say_outcome(&n->asked, outcome);
    n->counts.told += outcome->told;
    n->counts.failed += !outcome->told;
    n->asked.ended = true;
    n->asked.told = outcome->told;
    n->asked.result = strdup(outcome->told ? "told" : outcome->how);
    r = n->asked.result ? keep_outcome(n, store, now_sec) : -ENOMEM;
    if (r < 0)
        note_error(n, store, r);
    else
        tell_next(n, store, watch, now_sec);
}

void notices_lost(struct notices *n)
{
    if (!n->counts.gone)
        log_error("the process that runs notify.command is gone; nobody is told that allocations are used up until "
                  "pdttd is started again");
    n->counts.gone = true;
    if (!n->asked.ended)
        forget_asked(n);
}

void notices_stop(struct notices *n)
{
    n->stopped = true;
}

struct notices_counts notices_counts(const struct notices *n)
{
    struct notices_counts counts = n->counts;

    counts.asked = n->asked.is;
    return counts;
}
