/* Connections one by one, with all that is known of each. */
#include <string.h>

#include "common/capped.h"
#include "sql/asking.h"

/*
 * The index of those that ended is by when they were booked, which is later than their end or, by an interval and five
 * minutes, before it.
 */
#define SLACK_SEC 7200

struct listing {
    struct asking asking;
    struct store_bucket range;
    store_connection_fn fn;
    void *userdata;
};

/* In the order of LIST_COLUMNS. */
static struct store_connection_row read_row(const struct store *s, enum statement_id id)
{
    return (struct store_connection_row){
        .user = statement_text(s, id, 6),
        .uid = statement_int(s, id, 7),
        .project = statement_text(s, id, 8),
        .class_name = statement_text(s, id, 9),
        .protocol = statement_text(s, id, 10),
        .unit = statement_text(s, id, 11),
        .family = (int)statement_int(s, id, 4),
        .initiative = (enum store_initiative)statement_int(s, id, 12),
        .local = statement_text(s, id, 13),
        .local_port = (int)statement_int(s, id, 14),
        .remote = statement_text(s, id, 15),
        .remote_port = (int)statement_int(s, id, 16),
        .pid = statement_int(s, id, 17),
        .process = statement_text(s, id, 18),
        .cgroup = statement_text(s, id, 19),
        .start_ms = statement_int(s, id, 20),
        .end_ms = statement_int(s, id, 21),
        .ended = statement_text(s, id, 22),
        .n = {statement_int(s, id, 23), statement_int(s, id, 24), statement_int(s, id, 25), statement_int(s, id, 26),
              statement_int(s, id, 27), statement_int(s, id, 28)},
        .retransmits = statement_int(s, id, 29),
        .srtt_us = statement_int(s, id, 30),
    };
}

static bool is_asked_for(const struct store *s, enum statement_id id, const struct asking *a)
{
    struct label_ids ids = {
        .user = statement_int(s, id, 0),
        .project = statement_int(s, id, 1),
        .class_id = statement_int(s, id, 2),
        .protocol = statement_int(s, id, 3),
        .unit = statement_int(s, id, 5),
    };

    return asking_shows(a, &ids);
}

static int list_with(struct store *s, struct listing *l, enum statement_id id, const struct bind *binds, size_t n)
{
    int r = statement_bind(s, id, binds, n);

    while (r == 0 && (r = statement_step(s, id)) > 0) {
        struct store_connection_row row = read_row(s, id);
        r = is_asked_for(s, id, &l->asking) ? l->fn(&row, l->userdata) : 0;
    }
    statement_reset(s, id);
    return r;
}

/* "For ever" has more seconds than there are milliseconds. */
static int64_t ms_of(int64_t sec)
{
    return sec < 0 ? 0 : multiply_capped(sec, 1000);
}

static int list(struct store *s, void *userdata)
{
    struct listing *l = userdata;
    int64_t since_ms = ms_of(l->range.start_sec), until_ms = ms_of(l->range.end_sec);
    int r = connections_check_reach(s, l->range.start_sec);

    if (r == 0)
        r = asking_fill(s, &l->asking);
    if (r == 0)
        r = list_with(s, l, STATEMENT_CONNECTION_LIST_ENDED,
                      BINDS(BIND_INT(since_ms / 1000 - SLACK_SEC), BIND_INT(since_ms), BIND_INT(until_ms)));
    return r ? r : list_with(s, l, STATEMENT_CONNECTION_LIST_OPEN, BINDS(BIND_INT(until_ms)));
}

int store_query_connections(struct store *s, const struct store_query *query, store_connection_fn fn, void *userdata)
{
    struct listing l = {.asking = {.query = query}, .range = query->buckets[0], .fn = fn, .userdata = userdata};

    free(take_ptr(s->unknown_name));
    int r = query_snapshot(s, list, &l);
    asking_done(&l.asking);
    return r;
}
