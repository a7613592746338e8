/* Packets that policies dropped and told of, one by one. Beside the ledger, and never added to it. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "common/capped.h"
#include "common/clock.h"
#include "sql/store_internal.h"

/* Of expired events a booking drops so many more than it brings: a pause is caught up in steps. */
#define STEP_EVENTS 20000

struct events {
    const struct store_policy_event *v;
    size_t n;
};

/* ---- booking ---- */

static int insert_event(struct store *s, const struct store_policy_event *e)
{
    char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
    int64_t user, policy = 0, now_sec = e->time_ns / NSEC_PER_SEC;
    int family = e->family == AF_INET6 ? AF_INET6 : AF_INET;
    int r = person_find(s, PERSON_USER, e->uid, now_sec, &user);

    if (r == 0)
        r = statement_get_int(s, STATEMENT_POLICY_SOURCE, BINDS(BIND_TEXT(e->policy), BIND_INT(now_sec)), &policy);
    if (r < 0)
        return r;
    return statement_run(s, STATEMENT_POLICY_EVENT_INSERT,
                         BINDS(BIND_INT(e->time_ns), BIND_INT(policy), BIND_TEXT(e->action),
                               BIND_TEXT(e->tx ? "tx" : "rx"), BIND_INT(family == AF_INET6 ? 6 : 4),
                               BIND_INT(e->protocol), BIND_TEXT(inet_ntop(family, e->src_ip, src, sizeof(src)) ?: "?"),
                               BIND_TEXT(inet_ntop(family, e->dst_ip, dst, sizeof(dst)) ?: "?"), BIND_INT(e->src_port),
                               BIND_INT(e->dst_port), BIND_INT(e->packet_size), BIND_INT(e->packets), BIND_INT(user),
                               BIND_INT(e->uid)));
}

/* After a clock that was set forward nothing expires for a day: retention.c. */
static int expire(struct store *s, int64_t added)
{
    int64_t now_sec = clock_realtime_sec(), keep = s->policy.policy_events_sec;
    int64_t before_sec = keep == 0 || keep > now_sec ? 0 : now_sec - keep;
    int r = 0;

    if (before_sec > 0 && s->hold_ms <= 0)
        r = statement_run(s, STATEMENT_POLICY_EVENT_EXPIRE,
                          BINDS(BIND_INT(multiply_capped(before_sec, NSEC_PER_SEC)), BIND_INT(added + STEP_EVENTS)));
    if (r == 0 && s->policy.policy_events_most)
        r = statement_run(s, STATEMENT_POLICY_EVENT_DROP,
                          BINDS(BIND_INT(s->policy.policy_events_most), BIND_INT(added + STEP_EVENTS)));
    return r;
}

static int book(struct store *s, void *userdata)
{
    const struct events *events = userdata;
    int r = 0;

    for (size_t i = 0; i < events->n && r == 0; i++)
        r = insert_event(s, &events->v[i]);
    return r < 0 ? r : expire(s, (int64_t)events->n);
}

int store_book_policy_events(struct store *s, const struct store_policy_event *events, size_t n)
{
    struct events all = {events, n};
    int r;

    if (s->mode != STORE_WRITE)
        return store_fail(s, -EROFS, "is open for reading only");
    r = file_check_in_place(s);
    return r < 0 ? r : store_transaction(s, book, &all);
}

int policy_events_drop(struct store *s, int64_t *ret_n)
{
    int r = statement_run(s, STATEMENT_POLICY_EVENT_DROP, BINDS(BIND_INT(0), BIND_INT(STEP_EVENTS)));

    *ret_n = r < 0 ? 0 : sqlite3_changes64(s->db);
    return r;
}

/* ---- asking ---- */

int store_query_policy_events(struct store *s, int64_t since_ns, const char *policy, int64_t most,
                              store_policy_event_fn fn, void *userdata)
{
    enum statement_id id = STATEMENT_POLICY_EVENT_LIST;
    int r = statement_bind(s, id, BINDS(BIND_INT(since_ns), BIND_TEXT(policy), BIND_INT(most)));

    while (r == 0 && (r = statement_step(s, id)) > 0) {
        struct store_policy_event_row row = {
            .time_ns = statement_int(s, id, 0),
            .policy = statement_text(s, id, 1),
            .action = statement_text(s, id, 2),
            .direction = statement_text(s, id, 3),
            .family = (int)statement_int(s, id, 4),
            .protocol = (int)statement_int(s, id, 5),
            .src_ip = statement_text(s, id, 6),
            .dst_ip = statement_text(s, id, 7),
            .src_port = (int)statement_int(s, id, 8),
            .dst_port = (int)statement_int(s, id, 9),
            .packet_size = statement_int(s, id, 10),
            .packets = statement_int(s, id, 11),
            .user = statement_text(s, id, 12),
            .uid = statement_int(s, id, 13),
        };

        r = fn(&row, userdata);
    }
    statement_reset(s, id);
    return r;
}
