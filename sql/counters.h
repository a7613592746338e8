/*
 * Sums of counters, for all rooms. What leaves the numbers stays at their end, for a file may hold anything; what pdttd itself
 * counts does not get there.
 */
#pragma once

#include "common/capped.h"
#include "sql/store.h"

static inline void counters_add(struct store_counters *to, const struct store_counters *n)
{
    to->tx_bytes = add_capped(to->tx_bytes, n->tx_bytes);
    to->rx_bytes = add_capped(to->rx_bytes, n->rx_bytes);
    to->tx_packets = add_capped(to->tx_packets, n->tx_packets);
    to->rx_packets = add_capped(to->rx_packets, n->rx_packets);
    to->tx_payload_bytes = add_capped(to->tx_payload_bytes, n->tx_payload_bytes);
    to->rx_payload_bytes = add_capped(to->rx_payload_bytes, n->rx_payload_bytes);
}

static inline void counters_subtract(struct store_counters *from, const struct store_counters *n)
{
    from->tx_bytes = subtract_capped(from->tx_bytes, n->tx_bytes);
    from->rx_bytes = subtract_capped(from->rx_bytes, n->rx_bytes);
    from->tx_packets = subtract_capped(from->tx_packets, n->tx_packets);
    from->rx_packets = subtract_capped(from->rx_packets, n->rx_packets);
    from->tx_payload_bytes = subtract_capped(from->tx_payload_bytes, n->tx_payload_bytes);
    from->rx_payload_bytes = subtract_capped(from->rx_payload_bytes, n->rx_payload_bytes);
}

static inline bool counters_zero(const struct store_counters *n)
{
    return !(n->tx_bytes | n->rx_bytes | n->tx_packets | n->rx_packets | n->tx_payload_bytes | n->rx_payload_bytes);
}
