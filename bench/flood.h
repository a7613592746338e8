/*
 * A bounded flood of small UDP packets from one network namespace to another, all of it on one CPU: a packet is sent,
 * crosses the veth pair and is delivered to a socket within the sender's own system call, so wall time over packets is
 * the whole cost.
 */
#pragma once

#include <stdbool.h>

#define FLOOD_PACKET_BYTES 64 /* L3 */

struct flood {
    const char *client_ns, *server_ns; /* files that hold the namespaces */
    const char *server_address;        /* IPv4 */
    const char *cgroup;                /* directory of the cgroup v2 that the sockets are made in */
    int cpu;
    unsigned packets; /* rounded up to whole chunks */
    bool receives; /* the process takes every packet; without, the socket drops what it has no room for, after counting
                    */
};

struct flood_result {
    double ns_per_packet; /* lower quartile of many short chunks: what disturbs a chunk only ever makes it slower */
    unsigned packets;     /* sent and delivered */
};

/* Runs one flood in a process of its own. -EPIPE: that process failed and has said why on stderr. */
int flood_run(const struct flood *flood, struct flood_result *ret_result);
