#include "live/source.h"

#include "common/cleanup.h"
#include "sql/store_ask.h"

#include <string.h>

struct store_source {
    struct live_source source;
    struct store *store;
    int64_t until_sec; /* end of the intervals that were fed */
};

static int feed(const struct store_row *row, void *model)
{
    const char *texts[LIVE_HEADINGS] = {
        [LIVE_USER] = row->user, [LIVE_PROJECT] = row->project, [LIVE_CLASS] = row->class_name};

    return live_model_add(model, LIVE_ACCOUNTS, row->uid, texts, (struct live_bytes){row->n.rx_bytes, row->n.tx_bytes});
}

static int feed_since(struct store_source *s, int64_t until_sec, struct live_model *m)
{
    const struct store_bucket bucket = {s->until_sec, until_sec};
    const struct store_query query = {
        .buckets = &bucket, .n_buckets = 1, .by = STORE_BY_USER | STORE_BY_PROJECT | STORE_BY_CLASS};

    live_model_begin(m, until_sec * 1000);
    return store_query_usage(s->store, &query, feed, m);
}

/* What was booked since the last look. An interval belongs to the second in which it began, so the ends tell them apart. */
static int store_sample(struct live_source *source, struct live_model *m, char **ret_why)
{
    struct store_source *s = (struct store_source *)source;
    struct store_coverage coverage;
    int r = store_begin_read(s->store);

    if (r == 0)
        r = store_query_coverage(s->store, 0, INT64_MAX, &coverage);
    if (r == 0 && coverage.last_sec == s->until_sec) {
        store_end_read(s->store);
        return 1;
    }
    if (r == 0 && s->until_sec)
        r = feed_since(s, coverage.last_sec, m);
    else if (r == 0)
        live_model_begin(m, coverage.last_sec * 1000);
    store_end_read(s->store);
    if (r < 0) {
        *ret_why = strdup(*store_why(s->store) ? store_why(s->store) : strerror(-r));
        return r;
    }
    s->until_sec = coverage.last_sec;
    return 0;
}

static void store_close_source(struct live_source *source)
{
    store_close(((struct store_source *)source)->store);
    free(source);
}

static const struct live_source_kind store_kind = {"the database", store_sample, store_close_source};

int live_source_open_store(const char *database, struct live_source **ret_source, char **ret_why)
{
    struct store_source *s = calloc(1, sizeof(*s));
    int r;

    if (!s)
        return -ENOMEM;
    s->source.kind = &store_kind;
    r = store_open(database, STORE_READ, &s->store, ret_why);
    if (r < 0) {
        free(s);
        return r;
    }
    *ret_source = &s->source;
    return 0;
}
