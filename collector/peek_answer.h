/* The answers to "peek" and "peek connections" on the control socket. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct session;
struct store_connection;

/* However many ask, the kernel is read so often at most; who comes in between gets the answer that was made last. */
#define PEEK_SHARED_MS 500

/* Zero-initialised; of a session. */
struct peek_cache {
    json_t *answers[2];
    int64_t at_ns[2];
    json_t *ended; /* connections that ended lately, with when that was */
};

void peek_cache_done(struct peek_cache *cache);

/* A connection was booked for the last time: whoever watches is still to see what it moved last. */
void peek_connection_ended(struct session *s, const struct store_connection *connection);

/*
 * {"serial": N, "at_ms": of the boot-time clock, "interval_sec": N, "accounts": [{"uid", "gid", "kind": "user" | "kernel" |
 * "unattributed" | "overflow", "project": of a rule or null, "unit": path or null, "class", "rx_bytes", "tx_bytes",
 * "rx_packets", "tx_packets"}, ...]}: counters as peek.h has them, ids as numbers. NULL: no memory.
 *
 * With connections: "connections": [{"id", "uid", "gid", "project", "unit", "class", "pid", "process", "protocol",
 * "initiative": "in" | "out" | "unknown", "local", "local_port", "remote", "remote_port", "rx_bytes", "tx_bytes"}, ...],
 * open ones and those that ended within the last 15 s; counters since each began. null: no records are kept.
 */
json_t *peek_answer(struct session *s, bool connections);
