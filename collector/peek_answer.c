#include "collector/peek_answer.h"

#include "collector/session_internal.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/json_text.h"
#include "sql/store.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>

static json_t *unit_text(const struct session *s, int64_t unit)
{
    cleanup_free char *path = NULL;

    return unit && store_unit_path(s->store, unit, &path) == 0 ? json_text_or_null(path) : json_null();
}

/* Takes possession of value, NULL being that there was no memory. */
static int append(json_t *array, json_t *value)
{
    return json_array_append_new(array, value) < 0 ? -ENOMEM : 0;
}

/* ---- accounts ---- */

static const char *const kind_words[] = {[STORE_KIND_USER] = "user",
                                         [STORE_KIND_KERNEL] = "kernel",
                                         [STORE_KIND_UNATTRIBUTED] = "unattributed",
                                         [STORE_KIND_OVERFLOW] = "overflow"};

static json_t *account(const struct session *s, const struct peek_row *row)
{
    return json_pack("{s:I, s:I, s:s, s:o, s:o, s:s, s:I, s:I, s:I, s:I}", "uid", (json_int_t)row->uid, "gid",
                     (json_int_t)row->gid, "kind", kind_words[row->kind], "project", json_text_or_null(row->project),
                     "unit", unit_text(s, row->unit), "class", peek_class(s->peek, row->class_id), "rx_bytes",
                     (json_int_t)row->rx_bytes, "tx_bytes", (json_int_t)row->tx_bytes, "rx_packets",
                     (json_int_t)row->rx_packets, "tx_packets", (json_int_t)row->tx_packets);
}

static int add_accounts(struct session *s, int64_t now_ns, json_t *answer)
{
    cleanup_free struct peek_row *rows = NULL;
    struct drain d = session_drain_of(s, s->ledger);
    json_t *array = json_array();
    uint64_t booked, serial;
    size_t n = 0;
    int r = store_last_epoch(s->store, ledger_layout(s->ledger)->ledger, &booked);

    if (r == 0)
        r = peek_look(s->peek, &d, booked, now_ns, &rows, &n, &serial);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = append(array, account(s, &rows[i]));
    if (r == 0 && json_object_set_new(answer, "serial", json_integer((json_int_t)serial)) < 0)
        r = -ENOMEM;
    if (json_object_set_new(answer, "accounts", array) < 0 && r == 0)
        r = -ENOMEM;
    return r;
}

/* ---- connections ---- */

static json_t *protocol_text(int protocol)
{
    return protocol == IPPROTO_TCP ? json_string("tcp") : protocol == IPPROTO_UDP ? json_string("udp") : json_null();
}

static json_t *address_text(int family, const unsigned char *address)
{
    char text[INET6_ADDRSTRLEN];

    return inet_ntop(family, address, text, sizeof(text)) ? json_string(text) : json_null();
}

/* As the store tells connections apart. */
static json_t *id_text(const struct store_connection *c, const char *remote)
{
    return json_sprintf("%" PRIx64 "-%" PRIx64 "-%s-%u", c->cookie, c->started_boot_ns, remote ? remote : "",
                        c->remote_port);
}

static json_t *connection(const struct session *s, const struct store_connection *c)
{
    static const char *const initiatives[] = {
        [STORE_INITIATIVE_UNKNOWN] = "unknown", [STORE_INITIATIVE_OUT] = "out", [STORE_INITIATIVE_IN] = "in"};
    json_t *remote = address_text(c->family, c->remote);

    return json_pack("{s:o, s:I, s:I, s:o, s:o, s:s, s:I, s:o, s:o, s:s, s:o, s:i, s:o, s:i, s:I, s:I}", "id",
                     id_text(c, json_string_value(remote)), "uid", (json_int_t)c->uid, "gid", (json_int_t)c->gid,
                     "project", json_text_or_null(c->project), "unit", unit_text(s, c->unit), "class",
                     peek_class(s->peek, c->class_id), "pid", (json_int_t)c->pid, "process", json_text_or_null(c->comm),
                     "protocol", protocol_text(c->protocol), "initiative", initiatives[c->initiative], "local",
                     address_text(c->family, c->local), "local_port", (int)c->local_port, "remote", remote,
                     "remote_port", (int)c->remote_port, "rx_bytes", (json_int_t)c->n.rx_bytes, "tx_bytes",
                     (json_int_t)c->n.tx_bytes);
}

enum { ENDED_KEPT_SEC = 15, ENDED_MOST = 16384 };

/* The oldest come first. */
static void let_go_of_ended(struct peek_cache *cache, int64_t now_ns)
{
    size_t n = json_array_size(cache->ended), old = n > ENDED_MOST ? n - ENDED_MOST : 0;
    json_t *kept = json_array();

    while (old < n &&
           json_integer_value(json_array_get(json_array_get(cache->ended, old), 0)) + ENDED_KEPT_SEC * NSEC_PER_SEC <
               now_ns)
        old++;
    for (size_t i = old; kept && i < n; i++)
        json_array_append(kept, json_array_get(cache->ended, i));
    json_decref(cache->ended);
    cache->ended = kept;
}

void peek_connection_ended(struct session *s, const struct store_connection *c)
{
    struct peek_cache *cache = &s->peeked;

    if (!cache->ended || !peek_is_watched(s->peek))
        return;
    json_array_append_new(cache->ended, json_pack("[I, o]", (json_int_t)clock_boottime_ns(), connection(s, c)));
    if (json_array_size(cache->ended) > 2 * ENDED_MOST)
        let_go_of_ended(cache, clock_boottime_ns());
}

static int add_connections(struct session *s, int64_t now_ns, json_t *answer)
{
    int active = ledger_active(s->ledger);
    const struct store_connection *all = NULL;
    json_t *array = s->connections ? json_array() : json_null();
    size_t n = 0;
    int r = active < 0 ? active : 0;

    let_go_of_ended(&s->peeked, now_ns);
    if (r == 0 && s->connections)
        r = connections_look(s->connections, ledger_epoch(s->ledger, active)->epoch, &all, &n);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = append(array, connection(s, &all[i]));
    for (size_t i = 0; r == 0 && s->connections && i < json_array_size(s->peeked.ended); i++)
        if (json_array_append(array, json_array_get(json_array_get(s->peeked.ended, i), 1)) < 0)
            r = -ENOMEM;
    if (json_object_set_new(answer, "connections", array) < 0 && r == 0)
        r = -ENOMEM;
    return r;
}

/* ---- answers ---- */

static json_t *look(struct session *s, bool connections, int64_t now_ns)
{
    json_t *answer = json_pack("{s:I, s:i}", "at_ms", (json_int_t)(now_ns / NSEC_PER_MSEC), "interval_sec",
                               (int)s->config->interval_sec);
    int r = answer ? add_accounts(s, now_ns, answer) : -ENOMEM;

    if (r == 0 && connections)
        r = add_connections(s, now_ns, answer);
    if (r == 0)
        return answer;
    json_decref(answer);
    return json_pack("{s:s}", "error", "the counters cannot be read");
}

json_t *peek_answer(struct session *s, bool connections)
{
    struct peek_cache *cache = &s->peeked;
    int64_t now_ns = clock_boottime_ns();

    if (!cache->answers[connections] || now_ns - cache->at_ns[connections] >= PEEK_SHARED_MS * NSEC_PER_MSEC) {
        json_decref(cache->answers[connections]);
        cache->answers[connections] = look(s, connections, now_ns);
        cache->at_ns[connections] = now_ns;
    }
    return json_incref(cache->answers[connections]);
}

void peek_cache_done(struct peek_cache *cache)
{
    for (int i = 0; i < 2; i++)
        json_decref(cache->answers[i]);
    json_decref(cache->ended);
    *cache = (struct peek_cache){};
}
