#include "report/allocations.h"

#include "common/capped.h"
#include "common/cleanup.h"
#include "report/allocation.h"
#include "report/ask.h"
#include "report/plan.h"

#include <string.h>

/* One row: an allocation in one of its periods. */
struct entry {
    struct allocation_use use;
    struct period period, effective;
    int64_t booked_bytes; /* in it */
    char label[ALLOCATION_LABEL_MAX];
};

struct job {
    const struct report_options *o;
    int64_t now_sec;
    struct period asked;
    struct store_allocation *v; /* the allocations, with texts of their own */
    size_t n;
    struct entry *entries;
    size_t n_entries;
    struct report_head head;
    struct store_coverage stored;
};

/* ---- which allocations ---- */

static void allocation_done(struct store_allocation *a)
{
    for (size_t i = 0; i < a->classes.n; i++)
        free((char *)a->classes.v[i]);
    free((void *)a->classes.v);
    free((char *)a->name);
}

static int copy_allocation(const struct store_allocation *from, struct store_allocation *ret)
{
    struct store_allocation copy = *from;
    const char **classes = calloc(from->classes.n + 1, sizeof(*classes));

    copy.name = strdup(from->name);
    copy.classes = (struct store_names){classes, 0};
    for (size_t i = 0; classes && i < from->classes.n; i++, copy.classes.n++)
        if (!(classes[i] = strdup(from->classes.v[i])))
            break;
    if (!copy.name || !classes || copy.classes.n < from->classes.n) {
        allocation_done(&copy);
        return -ENOMEM;
    }
    *ret = copy;
    return 0;
}

static bool has_name(const struct name_list *list, const char *name)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->v[i], name) == 0)
            return true;
    return false;
}

/* Those of the viewer and of the viewer's projects. */
static bool is_seen(const struct store_viewer *viewer, const struct store_allocation *a)
{
    if (!viewer)
        return true;
    if (a->subject == STORE_SUBJECT_USER)
        return viewer->name && strcmp(a->name, viewer->name) == 0;
    for (size_t i = 0; i < viewer->projects.n; i++)
        if (strcmp(a->name, viewer->projects.v[i]) == 0)
            return true;
    return false;
}

static bool is_asked_for(const struct report_options *o, const struct store_allocation *a)
{
    if (o->users.n == 0 && o->projects.n == 0)
        return true;
    return has_name(a->subject == STORE_SUBJECT_USER ? &o->users : &o->projects, a->name);
}

static int collect_allocation(const struct store_allocation *a, void *userdata)
{
    struct job *job = userdata;
    struct store_allocation *v;
    int r;

    if (!is_seen(job->o->viewer, a) || !is_asked_for(job->o, a))
        return 0;
    v = reallocarray(job->v, job->n + 1, sizeof(*v));
    if (!v)
        return -ENOMEM;
    job->v = v;
    r = copy_allocation(a, &v[job->n]);
    job->n += r >= 0;
    return r;
}

/* A name that is misspelt must not look like one that used nothing. */
static int check_names(const struct job *job, enum store_subject subject, const struct name_list *names, char **ret_why)
{
    for (size_t i = 0; i < names->n; i++) {
        bool found = false;

        for (size_t k = 0; k < job->n; k++)
            found = found || (job->v[k].subject == subject && strcmp(job->v[k].name, names->v[i]) == 0);
        if (!found)
            return asprintf(ret_why,
                            "no allocation is configured for %s '%s'; pdtt-report --allocations lists those that are",
                            subject == STORE_SUBJECT_USER ? "user" : "project", names->v[i]) < 0
                       ? -ENOMEM
                       : -ENOENT;
    }
    return 0;
}

/* ---- which periods ---- */

/* Without --since it is the period that holds the end of what was asked. */
static int read_asked(struct job *job, char **ret_why)
{
    const struct report_options *o = job->o;
    struct period until = {job->now_sec, job->now_sec + 1};
    int r;

    if (o->since)
        return period_parse(job->head.cal, job->now_sec, o->since, o->until, &job->asked, ret_why);
    r = o->until ? period_parse(job->head.cal, job->now_sec, NULL, o->until, &until, ret_why) : 0;
    job->asked = (struct period){until.until_sec - 1, until.until_sec};
    return r;
}

static int add_entry(struct job *job, struct period period)
{
    struct entry *v;

    if (job->n_entries == PLAN_MOST_BUCKETS)
        return -EOVERFLOW;
    v = reallocarray(job->entries, job->n_entries + 1, sizeof(*v));
    if (!v)
        return -ENOMEM;
    job->entries = v;
    v[job->n_entries++] = (struct entry){.period = period, .effective = period};
    return 0;
}

static int add_periods(struct job *job, const struct store_allocation *a)
{
    struct period p;
    int r = 0;

    for (int64_t at = job->asked.since_sec; r >= 0 && at < job->asked.until_sec; at = p.until_sec) {
        p = allocation_period(job->head.cal, a->period, a->billing_day, at);
        r = add_entry(job, p);
    }
    return r;
}

/* ---- what was used ---- */

struct summing {
    const struct store_viewer *viewer;
    enum store_direction direction;
    struct entry *entries;
    int64_t *sum; /* in place of the entries */
};

static int add_used(const struct store_row *row, void *userdata)
{
    struct summing *sum = userdata;
    int64_t bytes = store_allocation_counts(sum->direction, &row->n);

    if (sum->sum)
        *sum->sum = add_capped(*sum->sum, bytes);
    else
        sum->entries[row->bucket].booked_bytes = add_capped(sum->entries[row->bucket].booked_bytes, bytes);
    return 0;
}

static int ask_subject(struct store *s, const struct store_allocation *a, const struct store_bucket *buckets, size_t n,
                       struct summing *sum, char **ret_why)
{
    struct store_query query = {.buckets = buckets, .n_buckets = n, .classes = a->classes, .viewer = sum->viewer};

    *(a->subject == STORE_SUBJECT_USER ? &query.users : &query.projects) = (struct store_names){&a->name, 1};
    return ask_booked(s, &query, add_used, sum, ret_why);
}

/* The periods of one allocation, which are the last n entries. */
static int read_used(struct store *s, const struct job *job, const struct store_allocation *a, struct entry *entries,
                     size_t n, char **ret_why)
{
    cleanup_free struct store_bucket *buckets = calloc(n, sizeof(*buckets));
    struct summing sum = {.viewer = job->o->viewer, .direction = a->direction, .entries = entries};
    int r;

    if (!buckets)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        buckets[i] = (struct store_bucket){entries[i].period.since_sec, entries[i].period.until_sec};
    r = ask_subject(s, a, buckets, n, &sum, ret_why);
    if (r < 0)
        return r;
    r = store_plan_buckets(s, buckets, n, buckets);
    if (r < 0)
        return ask_keep_why(s, r, ret_why);
    for (size_t i = 0; i < n; i++)
        entries[i].effective = (struct period){buckets[i].start_sec, buckets[i].end_sec};
    return 0;
}

/* What was used lately, for forecasts. */
static int read_recent(struct store *s, const struct job *job, const struct store_allocation *a,
                       struct forecast_facts *facts, char **ret_why)
{
    struct store_bucket recent = {facts->now_sec - FORECAST_RECENT_SEC, facts->now_sec};
    struct summing sum = {.viewer = job->o->viewer, .direction = a->direction, .sum = &facts->recent_bytes};
    int r = ask_subject(s, a, &recent, 1, &sum, ret_why);

    if (r < 0)
        return r;
    r = store_plan_range(s, &recent.start_sec, &recent.end_sec);
    facts->recent_sec = facts->now_sec - recent.start_sec;
    return r < 0 ? ask_keep_why(s, r, ret_why) : 0;
}

/* ---- what is said of it ---- */

static const char *const subjects[] = {[STORE_SUBJECT_PROJECT] = "project", [STORE_SUBJECT_USER] = "user"};
static const char *const periods[] = {
    [STORE_PERIOD_MONTH] = "month", [STORE_PERIOD_QUARTER] = "quarter", [STORE_PERIOD_YEAR] = "year"};
static const char *const directions[] = {
    [STORE_DIRECTION_BOTH] = "both", [STORE_DIRECTION_TX] = "tx", [STORE_DIRECTION_RX] = "rx"};

/* "internal,external", or "all". */
static char *join_classes(const struct store_names *classes)
{
    char *ret = NULL;
    size_t size;
    FILE *out;

    if (classes->n == 0)
        return strdup("all");
    out = open_memstream(&ret, &size);
    for (size_t i = 0; out && i < classes->n; i++)
        fprintf(out, "%s%s", i ? "," : "", classes->v[i]);
    if (!out || fclose(out) != 0)
        return NULL;
    return ret;
}

static int describe(const struct store_allocation *a, struct allocation_use *use)
{
    use->subject = subjects[a->subject];
    use->every = periods[a->period];
    use->direction = directions[a->direction];
    use->limit_bytes = a->limit_bytes;
    use->name = strdup(a->name);
    use->classes = join_classes(&a->classes);
    if (!use->name || !use->classes)
        return -ENOMEM;
    if (asprintf(&use->counts, "%s%s%s", use->classes, a->direction == STORE_DIRECTION_BOTH ? "" : " ",
                 a->direction == STORE_DIRECTION_BOTH ? "" : use->direction) >= 0)
        return 0;
    use->counts = NULL;
    return -ENOMEM;
}

static int judge(const struct calendar *cal, const struct store_allocation *a, const struct forecast_facts *facts,
                 struct entry *entry)
{
    struct allocation_use *use = &entry->use;
    struct forecast forecast = allocation_forecast(facts);

    use->used_bytes = facts->used_bytes;
    use->used_hundredths = store_allocation_hundredths(use->used_bytes, a->limit_bytes);
    if (__builtin_sub_overflow(a->limit_bytes, use->used_bytes, &use->remaining_bytes))
        use->remaining_bytes = INT64_MAX; /* transfers can make what was used negative */
    use->forecast_bytes = forecast.basis == FORECAST_NONE ? FIELD_NO_BYTES : forecast.bytes;
    use->basis = forecast_basis_text(forecast.basis);
    use->state = allocation_state(use->used_bytes, a->limit_bytes, &forecast);
    allocation_label(cal, a->period, entry->period, entry->label);
    return describe(a, use);
}

static int read_allocation(struct store *s, struct job *job, const struct store_allocation *a, char **ret_why)
{
    size_t first = job->n_entries;
    struct forecast_facts facts = {.now_sec = job->now_sec, .counted_since_sec = job->stored.first_sec};
    int r = add_periods(job, a);

    if (r >= 0)
        r = read_used(s, job, a, &job->entries[first], job->n_entries - first, ret_why);
    if (r >= 0)
        r = read_recent(s, job, a, &facts, ret_why);
    for (size_t i = first; r >= 0 && i < job->n_entries; i++) {
        facts.period = job->entries[i].period;
        facts.used_bytes = job->entries[i].booked_bytes;
        r = judge(job->head.cal, a, &facts, &job->entries[i]);
    }
    return r;
}

/* ---- all of them ---- */

/* The time that all rows together show: as if it had been asked for. */
static void span_entries(struct job *job)
{
    struct report_head *head = &job->head;

    head->period = head->effective = job->asked;
    for (size_t i = 0; i < job->n_entries; i++) {
        const struct entry *e = &job->entries[i];

        if (i == 0 || e->period.since_sec < head->period.since_sec)
            head->period.since_sec = e->period.since_sec;
        if (i == 0 || e->period.until_sec > head->period.until_sec)
            head->period.until_sec = e->period.until_sec;
        if (i == 0 || e->effective.since_sec < head->effective.since_sec)
            head->effective.since_sec = e->effective.since_sec;
        if (i == 0 || e->effective.until_sec > head->effective.until_sec)
            head->effective.until_sec = e->effective.until_sec;
    }
}

/* Periods whose days have expired and that begin in the middle of a month: the note speaks of each. */
static void count_moved(struct job *job)
{
    for (size_t i = 0; i < job->n_entries; i++) {
        const struct entry *e = &job->entries[i];

        job->head.n_moved +=
            e->period.since_sec != e->effective.since_sec || e->period.until_sec != e->effective.until_sec;
    }
}

static int read_snapshot(struct store *s, void *userdata, char **ret_why)
{
    struct job *job = userdata;
    int r = store_query_coverage(s, job->now_sec, job->now_sec + 1, &job->stored);

    if (r >= 0)
        r = store_query_allocations(s, collect_allocation, job);
    if (r < 0)
        return ask_keep_why(s, r, ret_why);
    r = check_names(job, STORE_SUBJECT_USER, &job->o->users, ret_why);
    if (r >= 0)
        r = check_names(job, STORE_SUBJECT_PROJECT, &job->o->projects, ret_why);
    for (size_t i = 0; r >= 0 && i < job->n; i++)
        r = read_allocation(s, job, &job->v[i], ret_why);
    if (r < 0)
        return r;
    span_entries(job);
    count_moved(job);
    r = head_read(s, job->now_sec, &job->head, &job->stored);
    return r < 0 ? ask_keep_why(s, r, ret_why) : 0;
}

static int write_entries(const struct job *job, FILE *out)
{
    struct rows rows = {0};
    bool exceeded = false;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < job->n_entries; i++) {
        const struct entry *e = &job->entries[i];
        struct row row = {
            .bucket = i,
            .period = e->label,
            .since_sec = e->effective.since_sec,
            .until_sec = e->effective.until_sec,
            .uid = -1,
            .family = -1,
            .use = &e->use,
        };

        exceeded = exceeded || allocation_is_exceeded(e->use.used_bytes, e->use.limit_bytes);
        r = rows_add(&rows, &row);
    }
    if (r >= 0)
        r = output_report(job->o->output, &job->head, &rows, NULL, out);
    rows_done(&rows);
    return r < 0 ? r : job->o->check && exceeded ? REPORT_EXCEEDED : 0;
}

static void job_done(struct job *job)
{
    for (size_t i = 0; i < job->n; i++)
        allocation_done(&job->v[i]);
    free(job->v);
    for (size_t i = 0; i < job->n_entries; i++) {
        free(job->entries[i].use.name);
        free(job->entries[i].use.classes);
        free(job->entries[i].use.counts);
    }
    free(job->entries);
    head_done(&job->head);
}

int allocations_write(struct store *s, const struct calendar *cal, int64_t now_sec, const struct report_options *o,
                      FILE *out, char **ret_why)
{
    struct job job = {.o = o, .now_sec = now_sec};
    int r;

    job.head = ask_head(cal, o, FIELD_ALLOCATION | FIELD_PERIOD);
    r = read_asked(&job, ret_why);
    if (r >= 0)
        r = ask_snapshot(s, read_snapshot, &job, ret_why);
    if (r == -EOVERFLOW &&
        asprintf(ret_why, "option --since: allocations have more than %d periods since then", PLAN_MOST_BUCKETS) < 0)
        r = -ENOMEM;
    if (r >= 0)
        r = write_entries(&job, out);
    job_done(&job);
    return r == -EOVERFLOW ? -EINVAL : r;
}
