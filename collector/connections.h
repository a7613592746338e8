/*
 * Records of connections, from the kernel side to the store. Counters are those since a connection began, on both sides, so
 * a record may be read and handed over again and again: what the store books is what it gains. Live flows are read from
 * their sockets, ended ones from conn_stats_map, which they leave once the store has their last state.
 */
#pragma once

#include "bpf/pdtt_abi.h"
#include "sql/store.h"

#include <stdbool.h>

struct connections;

struct connections_options {
    int records_fd;     /* conn_stats_map */
    int room_fd;        /* conn_room */
    int reader_fd;      /* link of a reader of live flows; -1: only ended ones are read. All three are taken over. */
    bool all;           /* the reader knows of every live flow */
    bool retired;       /* no program adds to conn_stats_map any more: what is in it has ended */
    const char *cgroup; /* where packets are counted: paths of cgroups begin below its mount */
    const char *(*project)(const struct pdtt_account *account, void *userdata); /* NULL: that of the group */
    void (*ended)(const struct store_connection *connection, void *userdata);   /* booked for the last time; or NULL */
    void *userdata;
};

/* Descriptors are closed on failure too. */
int connections_open(const struct connections_options *options, struct connections **ret_connections);
struct connections *connections_close(struct connections *c); /* NULL is a no-op; returns NULL */

/*
 * Reads all there is into the interval, each connection once; what it points to lives until the next call. epoch is the
 * active one.
 */
int connections_collect(struct connections *c, uint64_t epoch, struct store_interval *interval);

/* The same for whoever only watches: nothing is marked, and ret lives until the next call of either. */
int connections_look(struct connections *c, uint64_t epoch, const struct store_connection **ret, size_t *ret_n);

/* The interval was booked: removes what has ended from conn_stats_map. */
int connections_booked(struct connections *c);

/* ---- pure ---- */

struct connections_moment {
    uint64_t boot_ns;
    int64_t wall_offset_ns; /* wall clock - boot-time clock */
    uint64_t epoch;         /* the active one */
};

/* How it ended, NULL: it has not. */
const char *connections_ended(const struct pdtt_connection *record, uint64_t epoch);

/* Whether nothing can be added to the entry of an ended record any more, so that it may go once it is booked. */
bool connections_settled(const struct pdtt_connection *record, const struct connections_moment *now);

/* All but names: project, cgroup. comm points into record. */
void connections_describe(const struct pdtt_connection *record, const struct connections_moment *now,
                          struct store_connection *ret_connection);

/* Sorts, and keeps one record of each: the ended one, else the one that is ahead. Returns how many. */
size_t connections_unique(struct pdtt_connection *records, size_t n);
