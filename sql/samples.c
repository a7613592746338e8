/* Samples of packets: what was drawn, between two bookings and packet by packet. Beside the ledger, and never added to it. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "common/capped.h"
#include "common/clock.h"
#include "sql/asking.h"

/* Of expired samples a booking drops so many more than it brings, and of intervals so many: a pause is caught up in steps. */
#define STEP_SAMPLES   20000
#define STEP_INTERVALS 64

/* ---- booking ---- */

static const char *address_text(int family, const unsigned char *address, char text[static INET6_ADDRSTRLEN])
{
    return inet_ntop(family == AF_INET6 ? AF_INET6 : AF_INET, address, text, INET6_ADDRSTRLEN) ?: "?";
}

static int insert_source(struct store *s, int64_t interval, const struct store_sample_source *d)
{
    char text[INET6_ADDRSTRLEN];

    return statement_run(s, STATEMENT_SAMPLE_SOURCE,
                         BINDS(BIND_INT(interval), BIND_TEXT(address_text(d->family, d->address, text)),
                               BIND_INT(d->drawn), BIND_INT(d->packets), BIND_INT(d->packets_squared),
                               BIND_INT(d->bytes), BIND_INT(d->bytes_squared), BIND_INT(d->most_packets),
                               BIND_INT(d->most_bytes)));
}

static int insert_sample(struct store *s, const struct store_sample *p)
{
    char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
    int64_t user;
    int r = person_find(s, PERSON_USER, p->uid, p->time_ns / NSEC_PER_SEC, &user);

    if (r < 0)
        return r;
    return statement_run(
        s, STATEMENT_SAMPLE_INSERT,
        BINDS(BIND_INT(p->time_ns), BIND_TEXT(p->interface), BIND_TEXT(p->tx ? "tx" : "rx"), BIND_TEXT(p->kind),
              BIND_INT(p->family == AF_INET6 ? 6 : 4), BIND_INT(p->protocol), BIND_INT(p->packet_type),
              BIND_TEXT(address_text(p->family, p->src_ip, src)), BIND_TEXT(address_text(p->family, p->dst_ip, dst)),
              BIND_INT(p->src_port), BIND_INT(p->dst_port), BIND_INT(p->packet_len), BIND_INT(p->frame_len),
              BIND_INT(p->segments), BIND_INT(p->seq_num), BIND_INT(p->ack_num), BIND_INT(p->tcp_flags), BIND_INT(user),
              BIND_INT(p->uid), BIND_INT(p->gid), BIND_BLOB(p->head, (int64_t)p->head_len)));
}

static int insert_interval(struct store *s, const struct store_sampling *n, int64_t *ret_id)
{
    int r = statement_get_int(s, STATEMENT_SAMPLE_INTERVAL,
                              BINDS(BIND_INT(n->start_sec), BIND_INT(n->end_sec), BIND_INT(n->rate), BIND_TEXT(n->mode),
                                    BIND_INT(n->seen), BIND_INT(n->seen_packets), BIND_INT(n->seen_bytes),
                                    BIND_INT(n->drawn), BIND_INT(n->ring_full), BIND_INT(n->memory_full),
                                    BIND_INT(n->sources_full)),
                              ret_id);

    return r < 0 ? r : 0;
}

static int insert_all(struct store *s, const struct store_sampling *n)
{
    int64_t interval;
    int r = insert_interval(s, n, &interval);

    for (size_t i = 0; i < n->n_sources && r == 0; i++)
        r = insert_source(s, interval, &n->sources[i]);
    for (size_t i = 0; i < n->n_samples && r == 0; i++)
        r = insert_sample(s, &n->samples[i]);
    return r;
}

/* After a clock that was set forward nothing expires for a day: retention.c. */
static int expire(struct store *s, int64_t added)
{
    int64_t now_sec = clock_realtime_sec(), keep = s->policy.samples_sec;
    int64_t before_sec = keep == 0 || keep > now_sec ? 0 : now_sec - keep;
    int r = 0;

    if (before_sec > 0 && s->hold_ms <= 0) {
        r = statement_run(s, STATEMENT_SAMPLE_EXPIRE,
                          BINDS(BIND_INT(multiply_capped(before_sec, NSEC_PER_SEC)), BIND_INT(added + STEP_SAMPLES)));
        if (r == 0)
            r = statement_run(s, STATEMENT_SAMPLE_EXPIRE_SOURCES,
                              BINDS(BIND_INT(before_sec), BIND_INT(STEP_INTERVALS)));
        if (r == 0)
            r = statement_run(s, STATEMENT_SAMPLE_EXPIRE_INTERVALS,
                              BINDS(BIND_INT(before_sec), BIND_INT(STEP_INTERVALS)));
    }
    if (r == 0 && s->policy.samples_most)
        r = statement_run(s, STATEMENT_SAMPLE_DROP,
                          BINDS(BIND_INT(s->policy.samples_most), BIND_INT(added + STEP_SAMPLES)));
    return r;
}

static int book(struct store *s, void *userdata)
{
    const struct store_sampling *n = *(const struct store_sampling **)userdata;
    int r = n ? insert_all(s, n) : 0;

    return r < 0 ? r : expire(s, n ? (int64_t)n->n_samples : 0);
}

int store_book_samples(struct store *s, const struct store_sampling *sampling)
{
    int r;

    if (s->mode != STORE_WRITE)
        return store_fail(s, -EROFS, "is open for reading only");
    r = file_check_in_place(s);
    return r < 0 ? r : store_transaction(s, book, &sampling);
}

int samples_drop(struct store *s, int64_t *ret_n)
{
    int r = statement_run(s, STATEMENT_SAMPLE_DROP, BINDS(BIND_INT(0), BIND_INT(STEP_SAMPLES)));

    *ret_n = r < 0 ? 0 : sqlite3_changes64(s->db);
    return r;
}

/* ---- asking ---- */

struct listing {
    struct asking asking;
    struct store_bucket range;
    store_sample_fn fn;
    void *userdata;
};

static struct store_sample_row read_row(const struct store *s, enum statement_id id)
{
    struct store_sample_row row = {
        .user = statement_text(s, id, 2),
        .uid = statement_int(s, id, 3),
        .protocol = statement_text(s, id, 4),
        .time_ns = statement_int(s, id, 5),
        .interface = statement_text(s, id, 6),
        .direction = statement_text(s, id, 7),
        .kind = statement_text(s, id, 8),
        .family = (int)statement_int(s, id, 9),
        .source = statement_text(s, id, 10),
        .destination = statement_text(s, id, 11),
        .source_port = (int)statement_int(s, id, 12),
        .destination_port = (int)statement_int(s, id, 13),
        .packet_len = statement_int(s, id, 14),
        .frame_len = statement_int(s, id, 15),
        .segments = statement_int(s, id, 16),
        .seq_num = statement_int(s, id, 17),
        .ack_num = statement_int(s, id, 18),
        .tcp_flags = statement_int(s, id, 19),
        .gid = statement_int(s, id, 20),
    };

    row.head = statement_blob(s, id, 21, &row.head_len);
    return row;
}

static int list(struct store *s, void *userdata)
{
    struct listing *l = userdata;
    enum statement_id id = STATEMENT_SAMPLE_LIST;
    int r = asking_fill(s, &l->asking);

    if (r == 0)
        r = statement_bind(s, id,
                           BINDS(BIND_INT(multiply_capped(l->range.start_sec, NSEC_PER_SEC)),
                                 BIND_INT(multiply_capped(l->range.end_sec, NSEC_PER_SEC))));
    while (r == 0 && (r = statement_step(s, id)) > 0) {
        struct label_ids ids = {.user = statement_int(s, id, 0), .protocol = statement_int(s, id, 1)};
        struct store_sample_row row = read_row(s, id);

        r = asking_shows(&l->asking, &ids) ? l->fn(&row, l->userdata) : 0;
    }
    statement_reset(s, id);
    return r;
}

int store_query_samples(struct store *s, const struct store_query *query, store_sample_fn fn, void *userdata)
{
    struct listing l = {.asking = {.query = query}, .range = query->buckets[0], .fn = fn, .userdata = userdata};
    int r;

    free(take_ptr(s->unknown_name));
    r = query_snapshot(s, list, &l);
    asking_done(&l.asking);
    return r;
}

int store_query_sample_intervals(struct store *s, int64_t since_sec, int64_t until_sec, store_sample_interval_fn fn,
                                 void *userdata)
{
    enum statement_id id = STATEMENT_SAMPLE_INTERVALS;
    int r = statement_bind(s, id, BINDS(BIND_INT(since_sec), BIND_INT(until_sec)));

    while (r == 0 && (r = statement_step(s, id)) > 0) {
        struct store_sample_interval interval = {
            .id = statement_int(s, id, 0),
            .start_sec = statement_int(s, id, 1),
            .end_sec = statement_int(s, id, 2),
            .rate = statement_int(s, id, 3),
            .mode = statement_text(s, id, 4),
            .seen = statement_int(s, id, 5),
            .seen_packets = statement_int(s, id, 6),
            .seen_bytes = statement_int(s, id, 7),
            .drawn = statement_int(s, id, 8),
            .ring_full = statement_int(s, id, 9),
            .memory_full = statement_int(s, id, 10),
            .sources_full = statement_int(s, id, 11),
        };

        r = fn(&interval, userdata);
    }
    statement_reset(s, id);
    return r;
}

int store_query_sample_sources(struct store *s, int64_t since_sec, int64_t until_sec, store_sample_sum_fn fn,
                               void *userdata)
{
    enum statement_id id = STATEMENT_SAMPLE_SOURCES;
    int r = statement_bind(s, id, BINDS(BIND_INT(since_sec), BIND_INT(until_sec)));

    while (r == 0 && (r = statement_step(s, id)) > 0) {
        struct store_sample_sum sum = {
            .source = statement_text(s, id, 0),
            .rate = statement_int(s, id, 1),
            .mode = statement_text(s, id, 2),
            .drawn = {.drawn = statement_int(s, id, 3),
                      .packets = statement_int(s, id, 4),
                      .packets_squared = statement_int(s, id, 5),
                      .bytes = statement_int(s, id, 6),
                      .bytes_squared = statement_int(s, id, 7),
                      .most_packets = statement_int(s, id, 8),
                      .most_bytes = statement_int(s, id, 9)},
        };

        r = fn(&sum, userdata);
    }
    statement_reset(s, id);
    return r;
}
