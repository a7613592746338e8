/*
 * Policies in the kernel: puts a list in force, reads its counters, switches single ones on and off. What is in force stays so
 * while pdttd is away, and counters go on; a pdttd that starts finds them by the names of the policies.
 */
#pragma once

#include "collector/kernel.h"
#include "collector/ledger.h"
#include "collector/policy_set.h"

struct policies;

/*
 * ledger is the one that is in use, and must live as long. -ENOTSUP: limits.policies is 0, or this kernel takes no programs with
 * policies. -ENOMEM.
 */
int policies_open(struct kernel *k, struct ledger *ledger, struct policies **ret_policies);
struct policies *policies_close(struct policies *p); /* what is in force stays so */

/* PDTT_EPOCH_POLICIES and what belongs to it, for the header of each epoch that begins; NULL: 0. */
uint32_t policies_epoch_flags(const struct policies *p);

/*
 * Puts the list in force in place of the one before, in one step: each packet sees one list as a whole. When this returns no
 * program uses the one before. Counters of a name that stays go on, and so does the bucket of its limit. n == 0: nothing is in
 * force. ret_set (or NULL) is what was made of it, for policy_set_never() and policy_set_free(). On failure the list before
 * stays in force: -ENOSPC more than limits.policies, -EEXIST two of one name, -ENOMEM.
 */
int policies_apply(struct policies *p, const struct policy *list, size_t n, const struct policy_names *names,
                   struct policy_set **ret_set);

/*
 * Paces connections that live already by what is in force, or gives them back what they had (bpf/pacing.bpf.h); done by what
 * changes that, and again by whoever calls this now and then: a connection is only known to be limited when it has sent again.
 */
void policies_pace(struct policies *p);

/* Nothing is in force any more, and connections get back what they had; for the end of counting. */
void policies_withdraw(struct policies *p);

/* How many policies may be in force: limits.policies. */
uint32_t policies_room(const struct policies *p);

/* Switches one of the list in force off or on again, for conditions. A list that is applied begins with all switched on. */
int policies_enable(struct policies *p, size_t index, bool on);

/*
 * pdttd runs, and with known also knows what is used of the allocations: policies that may lapse (lapse_sec of those that were
 * applied) stay in force for as long again from now on. Those with a condition go by "known".
 */
void policies_renew(struct policies *p, bool known);

/* Of one of the list in force: how long until it lapses unless it is renewed; below 0: it has; INT64_MAX: it never does. */
int64_t policies_lapse_left_ns(const struct policies *p, size_t index);

/* Of the list in force, by its own index; for a pdttd that has not applied one yet. NULL: there is none of that index. */
size_t policies_n(const struct policies *p);
const char *policies_name(const struct policies *p, size_t index);

/* Cumulative since the name is in force, in wire bytes; the fields have the names of stats_map. */
struct policy_counters {
    uint64_t packets_total, packets_allowed, packets_blocked; /* total: that it decided, or saw if it observes */
    uint64_t bytes_total, bytes_blocked;
    uint64_t packets_marked;                              /* of those allowed: the sender was told to slow down */
    uint64_t packets_told, packets_held, packets_unheard; /* of those blocked while policies_tell() was on */
    uint64_t policy_lookups; /* decided by a search; the rest from what the socket remembers */
    uint64_t parse_errors;   /* of the sum alone: packets that could not be read and were let through */
};

/* Of all packets that were judged, since the maps were made. */
int policies_read_all(const struct policies *p, struct policy_counters *ret);

/* ret has policies_n() elements, in the order of the list in force; ret_sum: all packets that were judged. */
int policies_read(const struct policies *p, struct policy_counters *ret, struct policy_counters *ret_sum);

/*
 * Each policy tells of so many packets a second that it dropped, twice as many after a pause, on the ring of policies_ring_fd()
 * (struct packet_event), from now on; 0: of none. What it tells no more is in packets_held, what found the ring full in
 * packets_unheard.
 */
int policies_tell(struct policies *p, unsigned rate);
int policies_ring_fd(const struct policies *p);
