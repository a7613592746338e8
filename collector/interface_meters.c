#include "collector/interface_meters.h"

#include "collector/mapset.h"
#include "common/cleanup.h"

/* Names that the store and reports know; those of causes are those of pdttd --status. */
static const char *const kinds[PDTT_IFACE_KINDS] = {
    [PDTT_IFACE_SOCKET] = "socket",
    [PDTT_IFACE_OTHER_NAMESPACE] = "other_namespace",
    [PDTT_IFACE_TIME_WAIT] = "time_wait",
    [PDTT_IFACE_FORWARDED] = "forwarded",
    [PDTT_IFACE_PACKET_SOCKET] = "packet_socket",
    [PDTT_IFACE_NOT_IP] = "not_ip",
    [PDTT_IFACE_ICMP] = "icmp",
    [PDTT_IFACE_FRAGMENT] = "fragment",
    [PDTT_IFACE_NO_SOCKET] = "no_socket",
    [PDTT_IFACE_MALFORMED] = "malformed",
    [PDTT_IFACE_BLOCKED] = "blocked",
};

static const char *const causes[PDTT_STATS] = {
    [PDTT_STAT_SLOTS_FULL] = "accounts_full",
    [PDTT_STAT_SLOT_E2BIG] = "slots_full",
    [PDTT_STAT_SLOT_ENOMEM] = "no_memory",
    [PDTT_STAT_SLOT_EBUSY] = "busy",
    [PDTT_STAT_SLOT_OTHER] = "other",
    [PDTT_STAT_STORAGE_FAILED] = "no_socket_storage",
    [PDTT_STAT_LEDGER_MISSING] = "not_counted",
    [PDTT_STAT_TRANSFERS] = "transfers",
    [PDTT_STAT_PARSE_ERRORS] = "parse_errors",
    [PDTT_STAT_ADOPTED] = "adopted",
    [PDTT_STAT_CONN_UID_FULL] = "conn_uid_full",
    [PDTT_STAT_CONN_UID_ENOMEM] = "conn_uid_enomem",
    [PDTT_STAT_CONN_UID_OTHER] = "conn_uid_other",
    [PDTT_STAT_FLOWS_BEYOND] = "flows_beyond",
    [PDTT_STAT_FLOW_E2BIG] = "flow_e2big",
    [PDTT_STAT_FLOW_ENOMEM] = "flow_enomem",
    [PDTT_STAT_FLOW_OTHER] = "flow_other",
    [PDTT_STAT_FLOW_LATE] = "flow_late",
    [PDTT_STAT_INTERFACE_MISSING] = "interface_missing",
};

const char *interface_kind_name(unsigned kind)
{
    return kind < PDTT_IFACE_KINDS ? kinds[kind] : "?";
}

static int append(struct interface_meters *m, const struct store_meter *meter)
{
    if (m->n == m->capacity) {
        size_t capacity = m->capacity ? 2 * m->capacity : 64;
        struct store_meter *v = reallocarray(m->v, capacity, sizeof(*v));

        if (!v)
            return -ENOMEM;
        m->v = v;
        m->capacity = capacity;
    }
    m->v[m->n++] = *meter;
    return 0;
}

int interface_meters_begin(struct interface_meters *m, int stats_fd, uint64_t ledger)
{
    uint64_t stats[PDTT_STATS];
    int r = stats_read(stats_fd, stats);

    m->n = 0;
    for (unsigned i = 0; i < PDTT_STATS && r == 0; i++) {
        struct store_meter meter = {.source = STORE_METER_PROGRAMS,
                                    .kind = causes[i],
                                    .identity = ledger,
                                    .n = {.rx_packets = (int64_t)stats[i]}};

        r = causes[i] ? append(m, &meter) : 0;
    }
    return r;
}

static int add_kinds(struct interface_meters *m, const struct pdtt_interface *entry, struct store_meter meter)
{
    int r = 0;

    for (unsigned kind = 0; kind < PDTT_IFACE_KINDS && r == 0; kind++) {
        meter.kind = kinds[kind];
        meter.n = (struct store_counters){
            .tx_bytes = (int64_t)entry->n[PDTT_TX][kind].bytes,
            .rx_bytes = (int64_t)entry->n[PDTT_RX][kind].bytes,
            .tx_packets = (int64_t)entry->n[PDTT_TX][kind].packets,
            .rx_packets = (int64_t)entry->n[PDTT_RX][kind].packets,
        };
        r = append(m, &meter);
    }
    return r;
}

/* Since counting began: what the interface carried before is nobody's business here. */
static int add_kernel(struct interface_meters *m, const struct pdtt_interface *entry, const struct netdev *dev,
                      struct store_meter meter)
{
    meter.kind = "kernel";
    meter.n = (struct store_counters){
        .tx_bytes = (int64_t)(dev->tx.bytes - entry->base[PDTT_TX].bytes),
        .rx_bytes = (int64_t)(dev->rx.bytes - entry->base[PDTT_RX].bytes),
        .tx_packets = (int64_t)(dev->tx.packets - entry->base[PDTT_TX].packets),
        .rx_packets = (int64_t)(dev->rx.packets - entry->base[PDTT_RX].packets),
    };
    return append(m, &meter);
}

int interface_meters_add(struct interface_meters *m, const struct pdtt_interface *entry, const struct netdev *dev,
                         bool last)
{
    struct store_meter meter = {.source = dev ? dev->name : NULL, .identity = entry->id, .last = last};
    int r = add_kinds(m, entry, meter);

    return r == 0 && dev ? add_kernel(m, entry, dev, meter) : r;
}

void interface_meters_done(struct interface_meters *m)
{
    free(m->v);
    *m = (struct interface_meters){0};
}
