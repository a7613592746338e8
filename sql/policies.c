/* Policies that were given while pdttd ran: kept as a list in words, replaced as a whole. */
#include <errno.h>

#include "sql/store_internal.h"

struct list {
    const struct store_kept_policy *v;
    size_t n;
};

static int replace(struct store *s, void *userdata)
{
    const struct list *list = userdata;
    int r = statement_run(s, STATEMENT_POLICY_CLEAR, NO_BINDS);

    for (size_t i = 0; i < list->n && r == 0; i++) {
        const struct store_kept_policy *p = &list->v[i];

        r = statement_run(s, STATEMENT_POLICY_INSERT,
                          BINDS(BIND_INT((int64_t)i), BIND_TEXT(p->name), BIND_TEXT(p->words), BIND_TEXT(p->origin),
                                BIND_INT(p->since_sec)));
    }
    return r;
}

int store_keep_policies(struct store *s, const struct store_kept_policy *policies, size_t n)
{
    struct list list = {policies, n};

    return store_transaction(s, replace, &list);
}

int store_query_kept_policies(struct store *s, store_kept_policy_fn fn, void *userdata)
{
    enum statement_id id = STATEMENT_POLICY_LIST;
    int r = statement_bind(s, id, NO_BINDS);

    while (r == 0 && (r = statement_step(s, id)) > 0) {
        struct store_kept_policy policy = {
            .name = statement_text(s, id, 0),
            .words = statement_text(s, id, 1),
            .origin = statement_text(s, id, 2),
            .since_sec = statement_int(s, id, 3),
        };

        r = fn(&policy, userdata);
    }
    statement_reset(s, id);
    return r;
}

int store_query_policy_meters(struct store *s, store_policy_meter_fn fn, void *userdata)
{
    enum statement_id id = STATEMENT_POLICY_METERS;
    int r = statement_bind(s, id, NO_BINDS);

    while (r == 0 && (r = statement_step(s, id)) > 0) {
        struct store_meter meter = {
            .source = statement_text(s, id, 0),
            .identity = (uint64_t)statement_int(s, id, 1),
            .n = {.tx_bytes = statement_int(s, id, 2),
                  .rx_bytes = statement_int(s, id, 3),
                  .tx_packets = statement_int(s, id, 4),
                  .rx_packets = statement_int(s, id, 5)},
        };

        r = fn(&meter, userdata);
    }
    statement_reset(s, id);
    return r;
}
