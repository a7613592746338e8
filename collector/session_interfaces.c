#include "collector/session_interfaces.h"

#include "collector/session_door.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"

#include <string.h>

static struct interface_door door_of(const struct session *s)
{
    if (!session_wants_door(s))
        return (struct interface_door){0};
    return (struct interface_door){
        .open = true,
        .ledger_fd = kernel_map_fd(s->kernel, MAP_OUTER),
        .sets_fd = kernel_map_fd(s->kernel, MAP_POLICY_SETS),
        .networks_fd = kernel_map_fd(s->kernel, MAP_POLICY_NETWORKS),
        .rules_fd = kernel_map_fd(s->kernel, MAP_POLICY_MAP),
        .buckets_fd = kernel_map_fd(s->kernel, MAP_POLICY_BUCKETS),
        .counters_fd = kernel_map_fd(s->kernel, MAP_POLICY_STATS),
        .telling_fd = kernel_map_fd(s->kernel, MAP_POLICY_TELLING),
        .events_fd = kernel_map_fd(s->kernel, MAP_POLICY_EVENTS),
    };
}

int session_open_interfaces(struct session *s)
{
    struct interfaces_options options = {
        .config = s->config,
        .pins = kernel_pins(s->kernel),
        .conn_uid_fd = kernel_map_fd(s->kernel, MAP_CONN_UID),
        .stats_fd = kernel_map_fd(s->kernel, MAP_STATS),
        .ledger = kernel_ledger_id(s->kernel),
        .door = door_of(s),
    };
    cleanup_free char *why = NULL;
    int r = interfaces_open(&options, &s->interfaces, &why);

    if (r < 0)
        log_error("%s", why ? why : strerror(-r));
    else
        session_note_interfaces(s);
    return r;
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

void session_seal_samples(struct session *s)
{
    struct samples *samples = s->interfaces ? interfaces_samples(s->interfaces) : NULL;

    if (samples)
        samples_seal(samples);
}

#define EXPIRE_SEC 60 /* between two looks at samples that are left, while none are drawn */

/* Said when it begins to fail: the samples of one interval are not worth more lines. */
void session_book_samples(struct session *s)
{
    struct samples *samples = s->interfaces ? interfaces_samples(s->interfaces) : NULL;
    int64_t now_ns = clock_boottime_ns();
    int r = 0;

    if (samples) {
        r = samples_book(samples, s->store, interfaces_name, s->interfaces);
    } else if (now_ns >= s->samples_expire_ns) {
        r = store_book_samples(s->store, NULL); /* of earlier ones */
        s->samples_expire_ns = now_ns + EXPIRE_SEC * NSEC_PER_SEC;
    }
    if (r < 0 && r != s->samples_error)
        log_warning("cannot book samples of packets: %s; tried again with the next interval",
                    *store_why(s->store) ? store_why(s->store) : strerror(-r));
    s->samples_error = r;
}

void session_note_interfaces(struct session *s)
{
    if (interfaces_tell_states(s->interfaces, note_state, s) < 0)
        log_warning("cannot record the state of the interface layer: %s", store_why(s->store));
}
