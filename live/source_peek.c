#include "live/source.h"

#include "common/cleanup.h"
#include "common/control_client.h"
#include "live/people.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

/* Flows by all that tells them apart, with the counters of the last sample: {"key": [rx, tx]}. */
struct peek_source {
    struct live_source source;
    char *socket_path;
    json_t *last;
    json_int_t serial;     /* of the counters in last */
    bool last_connections; /* last has connections */
    struct people *people;
};

struct counted {
    const char *key;
    struct live_bytes bytes;
};

/* What a flow moved since the last sample, which it may not have been in; nothing if that had other counters. */
static struct live_bytes since_last(const struct peek_source *s, bool continued, const struct counted *c)
{
    const json_t *before = json_object_get(s->last, c->key);

    if (!continued)
        return (struct live_bytes){0};
    return (struct live_bytes){c->bytes.rx - json_integer_value(json_array_get(before, 0)),
                               c->bytes.tx - json_integer_value(json_array_get(before, 1))};
}

/* Notes the counters of a flow. 1: it moved, so that its texts are worth finding; 0: not; -ENOMEM. */
static int note(const struct peek_source *s, bool continued, json_t *next, const struct counted *c,
                struct live_bytes *ret_moved)
{
    *ret_moved = since_last(s, continued, c);
    if (json_object_set_new(next, c->key, json_pack("[I, I]", (json_int_t)c->bytes.rx, (json_int_t)c->bytes.tx)) < 0)
        return -ENOMEM;
    return ret_moved->rx || ret_moved->tx;
}

/* ---- accounts ---- */

static const char *user_of(struct people *people, const char *kind, int64_t uid)
{
    if (strcmp(kind, "unattributed") == 0)
        return "(unattributed)";
    return strcmp(kind, "overflow") == 0 ? "(overflow)" : people_user(people, uid);
}

static int feed_account(const struct peek_source *s, bool continued, json_t *next, json_t *account,
                        struct live_model *m)
{
    const char *kind, *class_name, *project = json_string_value(json_object_get(account, "project"));
    const char *unit = json_string_value(json_object_get(account, "unit"));
    cleanup_free char *key = NULL;
    json_int_t uid, gid, rx, tx;
    const char *texts[LIVE_HEADINGS] = {NULL};
    struct live_bytes moved;
    int r;

    if (json_unpack(account, "{s:I, s:I, s:s, s:s, s:I, s:I}", "uid", &uid, "gid", &gid, "kind", &kind, "class",
                    &class_name, "rx_bytes", &rx, "tx_bytes", &tx) < 0)
        return -EPROTO;
    if (asprintf(&key, "%" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT "/%s/%s/%s/%s", uid, gid, kind, class_name,
                 project ? project : "", unit ? unit : "") < 0) {
        key = NULL;
        return -ENOMEM;
    }
    r = note(s, continued, next, &(struct counted){key, {rx, tx}}, &moved);
    if (r <= 0)
        return r;
    texts[LIVE_USER] = user_of(s->people, kind, uid);
    texts[LIVE_PROJECT] = project ? project : people_group(s->people, gid);
    texts[LIVE_CLASS] = class_name;
    texts[LIVE_UNIT] = unit ? unit : "(none)";
    return live_model_add(m, LIVE_ACCOUNTS, uid, texts, moved);
}

/* ---- connections ---- */

struct connection {
    json_int_t uid, gid, pid, rx, tx;
    const char *id, *class_name, *initiative, *local, *remote;
    int local_port, remote_port;
};

static int read_connection(json_t *json, struct connection *c)
{
    return json_unpack(json, "{s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:i, s:i, s:I, s:I}", "id", &c->id, "uid",
                       &c->uid, "gid", &c->gid, "pid", &c->pid, "class", &c->class_name, "initiative", &c->initiative,
                       "local", &c->local, "remote", &c->remote, "local_port", &c->local_port, "remote_port",
                       &c->remote_port, "rx_bytes", &c->rx, "tx_bytes", &c->tx) < 0
               ? -EPROTO
               : 0;
}

static const char *optional_text(const json_t *json, const char *key, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(json, key));

    return text && *text ? text : otherwise;
}

/* "tcp 10.0.0.1:22 <- 10.0.0.2:50000": who began stands at the arrow's tail. */
static char *connection_text(const json_t *json, const struct connection *c)
{
    const char *arrow = strcmp(c->initiative, "in") == 0 ? "<-" : strcmp(c->initiative, "out") == 0 ? "->" : "--";
    const char *format = strchr(c->remote, ':') ? "%s [%s]:%d %s [%s]:%d" : "%s %s:%d %s %s:%d";
    char *text;

    return asprintf(&text, format, optional_text(json, "protocol", "?"), c->local, c->local_port, arrow, c->remote,
                    c->remote_port) < 0
               ? NULL
               : text;
}

static char *process_text(const json_t *json, const struct connection *c)
{
    char *text;

    return asprintf(&text, "%s[%" JSON_INTEGER_FORMAT "]", optional_text(json, "process", "?"), c->pid) < 0 ? NULL
                                                                                                            : text;
}

static int add_connection(const struct peek_source *s, const json_t *json, const struct connection *c,
                          struct live_bytes moved, struct live_model *m)
{
    cleanup_free char *process = process_text(json, c);
    cleanup_free char *text = connection_text(json, c);
    const char *texts[LIVE_HEADINGS] = {[LIVE_PROCESS] = process, [LIVE_CONNECTION] = text};

    if (!process || !text)
        return -ENOMEM;
    texts[LIVE_REMOTE] = c->remote;
    texts[LIVE_USER] = c->uid < 0 ? "(unattributed)" : people_user(s->people, c->uid);
    texts[LIVE_PROJECT] = optional_text(json, "project", people_group(s->people, c->gid));
    texts[LIVE_CLASS] = c->class_name;
    texts[LIVE_UNIT] = optional_text(json, "unit", "(none)");
    return live_model_add(m, LIVE_CONNECTIONS, c->uid, texts, moved);
}

static int feed_connection(const struct peek_source *s, bool continued, json_t *next, json_t *json,
                           struct live_model *m)
{
    struct live_bytes moved;
    struct connection c;
    int r = read_connection(json, &c);

    if (r == 0)
        r = note(s, continued, next, &(struct counted){c.id, {c.rx, c.tx}}, &moved);
    return r <= 0 ? r : add_connection(s, json, &c, moved, m);
}

/* ---- samples ---- */

static int feed(struct peek_source *s, const json_t *answer, struct live_model *m)
{
    json_int_t serial = json_integer_value(json_object_get(answer, "serial"));
    json_t *accounts = json_object_get(answer, "accounts"), *connections = json_object_get(answer, "connections");
    json_t *next = json_object();
    bool continued = s->last && serial == s->serial;
    int r = next ? 0 : -ENOMEM;

    if (!json_is_array(accounts))
        r = -EPROTO;
    live_model_begin(m, json_integer_value(json_object_get(answer, "at_ms")));
    for (size_t i = 0; r == 0 && i < json_array_size(accounts); i++)
        r = feed_account(s, continued, next, json_array_get(accounts, i), m);
    for (size_t i = 0; r == 0 && i < json_array_size(connections); i++)
        r = feed_connection(s, continued && s->last_connections, next, json_array_get(connections, i), m);
    json_decref(s->last);
    s->last_connections = json_is_array(connections);
    s->last = next;
    s->serial = serial;
    return r;
}

static int peek_sample(struct live_source *source, struct live_model *m, char **ret_why)
{
    struct peek_source *s = (struct peek_source *)source;
    json_t *answer = NULL;
    int r = control_ask(s->socket_path, source->connections ? "peek connections" : "peek", &answer, ret_why);

    if (r < 0)
        return r;
    r = feed(s, answer, m);
    if (r == -EPROTO && asprintf(ret_why, "%s: the answer is none that this version knows", s->socket_path) < 0)
        *ret_why = NULL;
    json_decref(answer);
    return r;
}

static void peek_close(struct live_source *source)
{
    struct peek_source *s = (struct peek_source *)source;

    json_decref(s->last);
    people_free(s->people);
    free(s->socket_path);
    free(s);
}

static const struct live_source_kind peek_kind = {"pdttd", peek_sample, peek_close};

int live_source_open_peek(const char *socket_path, struct live_source **ret_source, char **ret_why)
{
    struct peek_source *s = calloc(1, sizeof(*s));
    json_t *answer = NULL;
    int r = 0;

    if (!s)
        return -ENOMEM;
    s->source.kind = &peek_kind;
    s->socket_path = strdup(socket_path);
    s->people = people_new();
    if (!s->socket_path || !s->people)
        r = -ENOMEM;
    if (r == 0) /* whether it may be asked at all */
        r = control_ask(socket_path, "peek", &answer, ret_why);
    json_decref(answer);
    if (r < 0) {
        peek_close(&s->source);
        return r;
    }
    *ret_source = &s->source;
    return 0;
}
