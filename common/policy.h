/*
 * A policy: what is done with the packets that match it. The definition that the configuration, pdttctl and the store share;
 * what the kernel makes of a list of them is collector/policy_set.h.
 */
#ifndef PDTT_POLICY_H
#define PDTT_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICIES_MAX     16384
#define POLICY_NAME_SIZE 64 /* with the NUL */

enum policy_action {
    POLICY_ALLOW,
    POLICY_BLOCK,
    POLICY_LIMIT,   /* to rate, with burst */
    POLICY_OBSERVE, /* counted, and the next policy that matches decides: the dry run of any of the others */
};

enum policy_direction { POLICY_BOTH, POLICY_IN, POLICY_OUT };

/* A network; family 0 is any address of any family. */
struct policy_network {
    uint8_t family;      /* AF_INET, AF_INET6 or 0 */
    uint8_t prefix;      /* length in bits */
    uint8_t address[16]; /* network order, host bits 0 */
};

/* first..last, both included; 0..65535 is any, also for protocols without ports. */
struct policy_ports {
    uint16_t first, last;
};

/* How long a policy stays in force when nobody renews it: see docs/policies.md. */
#define POLICY_LAPSE_NEVER UINT32_MAX
struct policy_lapses {
    uint32_t when_sec, others_sec; /* of those that block or limit, with a condition and without; POLICY_LAPSE_NEVER */
};

/* Strings are owned by the policy; NULL is any. Names are resolved when a list is put in force, not here. */
struct policy {
    char name[POLICY_NAME_SIZE]; /* unique in a list: letters, digits, '-', '_', '.' */
    uint32_t priority;           /* 0 to 65535, the higher is looked at first */
    enum policy_action action;
    uint64_t rate;  /* bytes (layer 3) in a second; of POLICY_LIMIT */
    uint64_t burst; /* bytes */
    enum policy_direction direction;
    struct policy_network remote, local;
    struct policy_ports remote_ports, local_ports;
    int protocol; /* IPPROTO_*, -1: any */
    char *user, *group, *project, *class_name, *unit;
    unsigned when_percent; /* in force while the allocation named below is used up to more than this, 0: always */
    char *when_allocation; /* "user" or "project": of whom the packet is charged to */
    uint32_t lapse_sec;    /* POLICY_LAPSE_NEVER; 0: as configured for its kind */
};

#endif
