/*
 * Bounded work between two network namespaces, all of it on one CPU: what is sent crosses the veth pair and is delivered
 * within the sender's own system call, so wall time over the number of steps is the whole cost of one.
 */
#pragma once

#include <stdbool.h>

#define FLOOD_PACKET_BYTES 64 /* L3 */

enum flood_work {
    FLOOD_DATAGRAMS, /* a step is a small UDP packet */
    FLOOD_REQUESTS,  /* a step is a byte over TCP and the byte that answers it */
    FLOOD_BULK,      /* a step is 64 KiB over TCP */
    FLOOD_WORKS,
};

const char *flood_work_word(enum flood_work work); /* "datagrams", ... */

#define FLOOD_USERS_MAX 1000
#define FLOOD_FIRST_UID 700000 /* of more than one user */

struct flood {
    enum flood_work work;
    unsigned users;                    /* whose sockets take turns, 1 to FLOOD_USERS_MAX; datagrams only */
    const char *client_ns, *server_ns; /* files that hold the namespaces */
    const char *server_address;        /* IPv4 */
    const char *cgroup;                /* directory of the cgroup v2 that the sockets are made in */
    int cpu;
    unsigned packets; /* steps, rounded up to whole chunks */
    bool receives; /* the process takes every packet; without, the socket drops what it has no room for, after counting
                    */
};

struct flood_result {
    double
        ns_per_packet; /* of a step: lower quartile of many short chunks: what disturbs a chunk only ever makes it slower */
    unsigned packets; /* steps that were done */
};

/* Runs one flood in a process of its own. -EPIPE: that process failed and has said why on stderr. */
int flood_run(const struct flood *flood, struct flood_result *ret_result);
