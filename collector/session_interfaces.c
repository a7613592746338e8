#include "collector/session_interfaces.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"

#include <string.h>

int session_open_interfaces(struct session *s)
{
    struct interfaces_options options = {
        .config = s->config,
        .pins = kernel_pins(s->kernel),
        .conn_uid_fd = kernel_map_fd(s->kernel, MAP_CONN_UID),
        .stats_fd = kernel_map_fd(s->kernel, MAP_STATS),
        .ledger = kernel_ledger_id(s->kernel),
    };
    cleanup_free char *why = NULL;
    int r = interfaces_open(&options, &s->interfaces, &why);

    if (r < 0)
        log_error("%s", why ? why : strerror(-r));
    else
        session_note_interfaces(s);
    return r;
}

bool session_same_interfaces(const struct config *a, const struct config *b)
{
    if (a->layer_xdp != b->layer_xdp || a->layer_tc != b->layer_tc || a->interfaces.n != b->interfaces.n)
        return false;
    for (size_t i = 0; i < a->interfaces.n; i++)
        if (strcmp(a->interfaces.v[i], b->interfaces.v[i]) != 0)
            return false;
    return true;
}

int session_read_meters(const struct store_meter **ret, size_t *ret_n, void *session)
{
    struct session *s = session;
    int r = s->interfaces ? interfaces_measure(s->interfaces, ret, ret_n) : -ENODEV;

    if (r < 0 && r != -ENODEV)
        log_warning("cannot read what the interfaces carried: %s; it waits for the next interval", strerror(-r));
    return r;
}

static int note_state(const char *layer, const char *state, const char *detail, void *userdata)
{
    struct session *s = userdata;

    return store_put_layer_state(s->store, layer, state, detail, clock_realtime_sec());
}

void session_note_interfaces(struct session *s)
{
    if (interfaces_tell_states(s->interfaces, note_state, s) < 0)
        log_warning("cannot record the state of the interface layer: %s", store_why(s->store));
}
