/* What a session answers on the control socket. */
#include "collector/session.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/json_text.h"
#include "common/log.h"
#include "sql/counters.h"

#include <string.h>
#include <sys/stat.h>

static json_t *tell_status(const struct control_peer *peer, void *userdata)
{
    return health_json(userdata);
}

static json_t *tell_peek(const struct control_peer *peer, void *userdata)
{
    return peek_answer(userdata, false);
}

static json_t *tell_peek_connections(const struct control_peer *peer, void *userdata)
{
    return peek_answer(userdata, true);
}

static json_t *error_answer(const char *why, int error)
{
    json_t *text = json_text_or_null(why ? why : strerror(-error));

    return json_pack("{s:o}", "error", text);
}

/* Who drains wants to read a report, by name; a directory server that hangs is not worth more. */
#define DRAIN_NAMES_MS 500

/* Between two events of the loop, so never beside another drain: whoever asks meanwhile gets the interval after this one. */
static json_t *drain_now(const struct control_peer *peer, void *userdata)
{
    struct session *s = userdata;
    struct session_booked before = s->booked;
    int64_t started_ns = clock_boottime_ns();
    struct store_counters sum;
    int r = session_drain(s);

    if (r == -ESTALE)
        s->needs_restart = true;
    if (r < 0)
        return error_answer(*store_why(s->store) ? store_why(s->store) : NULL, r);
    session_await_names(s, DRAIN_NAMES_MS);
    sum = s->booked.sum;
    counters_subtract(&sum, &before.sum);
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "intervals",
                     (json_int_t)(s->booked.intervals - before.intervals), "rows",
                     (json_int_t)(s->booked.rows - before.rows), "tx_bytes", (json_int_t)sum.tx_bytes, "rx_bytes",
                     (json_int_t)sum.rx_bytes, "tx_packets", (json_int_t)sum.tx_packets, "rx_packets",
                     (json_int_t)sum.rx_packets, "took_ms", (double)(clock_boottime_ns() - started_ns) / NSEC_PER_MSEC);
}

static json_t *read_again(const struct control_peer *peer, void *userdata)
{
    struct session *s = userdata;
    cleanup_free char *why = NULL;
    json_t *changes = NULL;
    int r;

    log_info("uid %u, process %d, asks to read the configuration again", peer->uid, (int)peer->pid);
    r = session_reload(s, &changes, &why);
    if (r < 0)
        return error_answer(why, r);
    return json_pack("{s:o, s:o}", "configuration", json_text_or_null(s->config->path), "changes", changes);
}

static const struct control_verb verbs[] = {
    {.name = "status", .answer = tell_status},
    {.name = "peek", .answer = tell_peek},
    {.name = "peek connections", .answer = tell_peek_connections},
    {.name = "drain", .answer = drain_now, .admin_only = true},
    {.name = "reload", .answer = read_again, .admin_only = true},
};

/* Who may read the database may ask as well: both belong to the group of its directory. */
int session_listen(struct session *s)
{
    cleanup_free char *why = NULL, *directory = strdup(s->config->database);
    char *slash = directory ? strrchr(directory, '/') : NULL;
    struct stat st = {0};
    int r;

    if (slash && slash != directory)
        *slash = '\0';
    if (!directory || stat(directory, &st) < 0)
        st.st_gid = 0;
    r = control_open(s->config->control, st.st_gid, verbs, array_length(verbs), s, &s->control, &why);
    if (r < 0)
        log_warning("without a control socket, so pdttd --status and pdttctl will not work: %s",
                    why ? why : strerror(-r));
    return r;
}
