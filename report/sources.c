/* --by source: how much each source address sent, estimated from what was drawn. */
#include "common/capped.h"
#include "common/cleanup.h"
#include "report/estimate.h"
#include "report/listing.h"
#include "report/samples.h"
#include "report/samples_read.h"

#include <string.h>

/* A source in all of the time. */
struct source {
    char *address;
    int64_t drawn;
    struct estimate_sum packets, bytes;
    struct source_use use;
};

/* What was seen and drawn, all sources together, in the times of one rate. */
struct rate {
    int64_t rate;
    bool every;
    int64_t seen, drawn;
    int64_t most_packets, most_bytes; /* of one frame of any source */
};

struct job {
    struct listing l; /* first: the one is got from the other */
    struct rate *rates;
    size_t n_rates;
};

static int read_snapshot(struct store *s, void *userdata, char **ret_why);
static int write_rows(struct listing *l, FILE *out);
static void source_free(void *kept);

static const struct listing_kind listing = {.read = read_snapshot, .write = write_rows, .free_kept = source_free};

/* ---- times of one rate ---- */

static bool is_every(const char *mode)
{
    return strcmp(mode, "every") == 0;
}

static struct rate *find_rate(const struct job *job, int64_t rate, const char *mode)
{
    for (size_t i = 0; i < job->n_rates; i++)
        if (job->rates[i].rate == rate && job->rates[i].every == is_every(mode))
            return &job->rates[i];
    return NULL;
}

/* Intervals of one rate are scaled together, by what was really drawn of them: in each alone it may be next to nothing. */
static int collect_interval(const struct store_sample_interval *n, void *userdata)
{
    struct job *job = userdata;
    struct rate *rate = find_rate(job, n->rate, n->mode);

    if (!rate) {
        struct rate *v = reallocarray(job->rates, job->n_rates + 1, sizeof(*v));

        if (!v)
            return -ENOMEM;
        job->rates = v;
        rate = &v[job->n_rates++];
        *rate = (struct rate){.rate = n->rate, .every = is_every(n->mode)};
    }
    rate->seen = add_capped(rate->seen, n->seen);
    rate->drawn = add_capped(rate->drawn, n->drawn);
    return 0;
}

/* ---- sources ---- */

static void source_free(void *kept)
{
    struct source *source = kept;

    free(source->address);
    free(source);
}

static struct source *append(struct job *job, const char *address)
{
    struct source *source = calloc(1, sizeof(*source));

    if (source && !(source->address = strdup(address))) {
        free(source);
        return NULL;
    }
    return listing_keep(&job->l, &listing, source) < 0 ? NULL : source;
}

/* They come ordered by source, one for each rate. */
static int add_source(const struct store_sample_sum *sum, void *userdata)
{
    struct job *job = userdata;
    const struct store_sample_source *d = &sum->drawn;
    struct rate *rate = find_rate(job, sum->rate, sum->mode);
    struct source *source = job->l.n ? job->l.kept[job->l.n - 1] : NULL;

    if (!source || strcmp(source->address, sum->source) != 0)
        source = append(job, sum->source);
    if (!source)
        return -ENOMEM;
    if (!rate) /* its interval is lost with a damaged database */
        return 0;
    source->drawn = add_capped(source->drawn, d->drawn);
    if (d->most_packets > rate->most_packets)
        rate->most_packets = d->most_packets;
    if (d->most_bytes > rate->most_bytes)
        rate->most_bytes = d->most_bytes;
    estimate_add(&source->packets, rate->seen, rate->drawn,
                 &(struct estimate_drawn){d->drawn, d->packets, d->packets_squared, d->most_packets});
    estimate_add(&source->bytes, rate->seen, rate->drawn,
                 &(struct estimate_drawn){d->drawn, d->bytes, d->bytes_squared, d->most_bytes});
    return 0;
}

static int read_snapshot(struct store *s, void *userdata, char **ret_why)
{
    struct job *job = userdata;
    struct report_head *head = &job->l.head;
    int r = samples_read_head(s, job->l.now_sec, head);

    if (r >= 0)
        r = store_query_sample_intervals(s, head->period.since_sec, head->period.until_sec, collect_interval, job);
    if (r >= 0)
        r = store_query_sample_sources(s, head->period.since_sec, head->period.until_sec, add_source, job);
    return r < 0 ? ask_keep_why(s, r, ret_why) : 0;
}

/* ---- the page ---- */

/* The largest frame of all, with its weight. */
static void find_most(const struct job *job, double *ret_packets, double *ret_bytes)
{
    *ret_packets = *ret_bytes = 0;
    for (size_t i = 0; i < job->n_rates; i++) {
        const struct rate *rate = &job->rates[i];
        double weight = estimate_weight(rate->seen, rate->drawn);

        if (weight * (double)rate->most_packets > *ret_packets)
            *ret_packets = weight * (double)rate->most_packets;
        if (weight * (double)rate->most_bytes > *ret_bytes)
            *ret_bytes = weight * (double)rate->most_bytes;
    }
}

static int add_row(struct job *job, struct source *source, double most_packets, double most_bytes)
{
    struct estimate packets = estimate_make(&source->packets, most_packets, job->l.head.samples.packets);
    struct estimate bytes = estimate_make(&source->bytes, most_bytes, job->l.head.samples.bytes);
    struct row row = {.since_sec = -1, .until_sec = -1, .uid = -1, .family = -1, .source = &source->use};

    source->use = (struct source_use){
        .address = source->address,
        .drawn = source->drawn,
        .packets = packets.value,
        .packets_low = packets.low,
        .packets_high = packets.high,
        .bytes = bytes.value,
        .bytes_low = bytes.low,
        .bytes_high = bytes.high,
    };
    return rows_add(&job->l.rows, &row);
}

static int compare_rows(const void *left, const void *right)
{
    const struct source_use *a = ((const struct row *)left)->source, *b = ((const struct row *)right)->source;

    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? 1 : -1;
    return strcmp(a->address, b->address);
}

static int write_rows(struct listing *l, FILE *out)
{
    struct job *job = (struct job *)l;
    double most_packets, most_bytes;
    int r = 0;

    find_most(job, &most_packets, &most_bytes);
    for (size_t i = 0; i < l->n && r >= 0; i++)
        r = add_row(job, l->kept[i], most_packets, most_bytes);
    if (r < 0)
        return r;
    if (l->rows.n)
        qsort(l->rows.v, l->rows.n, sizeof(*l->rows.v), compare_rows);
    if (l->o->top && l->rows.n > l->o->top)
        l->rows.n = l->o->top; /* rows of these own nothing */
    return output_report(l->o->output, &l->head, &l->rows, NULL, out);
}

int sources_write(struct store *s, const struct calendar *cal, int64_t now_sec, const struct report_options *o,
                  FILE *out, char **ret_why)
{
    struct job job = {0};
    int r = listing_write(&job.l, &listing, s, cal, now_sec, o, out, ret_why);

    free(job.rates);
    return r;
}
