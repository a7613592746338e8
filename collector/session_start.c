#include "collector/session_internal.h"

#include "collector/cgroup.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"

#include <errno.h>
#include <stdlib.h>

/* What there is to say about a layer: why it is missing and what is lost, or which tier of it is in use. */
static int describe_layer(const struct session *s, enum layer layer, char **ret_detail)
{
    const struct tier_row *tier = &tier_rows[kernel_tier(s->kernel)];
    const char *missing = kernel_layer_missing(s->kernel, layer);
    int r;

    if (missing)
        r = asprintf(ret_detail, "%s; %s", missing, layer_rows[layer].lost);
    else if (layer == LAYER_SYSCALL)
        r = asprintf(ret_detail, "%s: %s%s%s", tier->name, tier->how, *tier->lost ? "; " : "", tier->lost);
    else
        r = asprintf(ret_detail, "%s", "");
    return r < 0 ? -ENOMEM : 0;
}

int session_note_layers(struct session *s)
{
    int64_t now = clock_realtime_sec();
    int r = 0;

    for (unsigned layer = 0; layer < LAYERS && r == 0; layer++) {
        const char *missing = kernel_layer_missing(s->kernel, layer);
        cleanup_free char *detail = NULL;

        r = describe_layer(s, layer, &detail);
        if (r < 0)
            return r;
        if (missing)
            log_warning("without the %s layer: %s", layer_rows[layer].name, detail);
        else if (layer == LAYER_SYSCALL && *tier_rows[kernel_tier(s->kernel)].lost)
            log_warning("the %s layer works by another way than the best: %s", layer_rows[layer].name, detail);
        r = store_put_layer_state(s->store, layer_rows[layer].name, missing ? "off" : "on", detail, now);
    }
    return r;
}

void session_log_start(const struct session *s)
{
    static const char *const how[] = {
        [KERNEL_FRESH] = "counting", [KERNEL_RESUMED] = "went on counting", [KERNEL_REPLACED] = "counting in new maps"};
    const struct pdtt_layout *layout = ledger_layout(s->ledger);
    uint64_t stats[PDTT_STATS] = {};
    unsigned loaded = 0;

    kernel_read_stats(s->kernel, stats);
    for (unsigned i = 0; i < PROGRAMS; i++)
        loaded += !kernel_missing(s->kernel, i);
    log_info("%s: %u of %u programs, %llu older sockets adopted, kernel memory %.1f MiB for %u accounts on %u CPUs, "
             "pins %s, database %s, interval %u s",
             how[kernel_start(s->kernel)], loaded, PROGRAMS, (unsigned long long)stats[PDTT_STAT_ADOPTED],
             kernel_memory_bytes(s->kernel) / 1048576.0, layout->slots - 1, layout->cpus, s->config->pin_path,
             s->config->database, s->config->interval_sec);
    if (!cgroup_is_host_root(s->cgroup))
        log_warning("%s", cgroup_partial_warning(s->cgroup, (char[CGROUP_WARNING_MAX]){}));
}
