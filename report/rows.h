/* The rows of a report between the store's answer and the page: collected, merged, sorted, cut to the top. Pure. */
#pragma once

#include "sql/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a row of --allocations says; texts that are not owned are static. */
struct allocation_use {
    char *name, *classes, *counts; /* owned; classes is "all" or "a,b", counts is for people: "internal, tx" */
    const char *subject, *every, *direction, *state, *basis;
    int64_t limit_bytes, used_bytes, used_hundredths, remaining_bytes, forecast_bytes;
};

/* What a row of --connections says beside what it moved; texts are owned but for initiative. */
struct connection_use {
    char *cgroup, *local, *remote, *local_address, *remote_address, *started, *ended; /* ended NULL: it is open */
    const char *initiative;                                                           /* NULL: not known */
    int64_t pid, local_port, remote_port;                                             /* pid -1: not known */
    int64_t start_sec, end_sec;                                                       /* end_sec -1: it is open */
    int64_t duration_ms, retransmits, srtt_us;                                        /* srtt_us -1: not known */
};

/* What a row of --audit says beside its counters; nothing is owned. */
struct audit_line {
    const char *section, *source, *what; /* source: an interface, NULL where there is none */
    const char *meaning;                 /* for people: what it counts and what not, or the state of a layer */
    int64_t hundredths;                  /* of a percent, of what was carried; -1: none */
    int64_t count;                       /* how often, -1: none */
};

/* What a row of --samples says; texts are owned. */
struct sample_use {
    char *time, *interface, *direction, *kind, *user, *protocol; /* user NULL: not known */
    char *source, *destination, *source_end, *destination_end;
    char *flags, *head;        /* flags NULL: it is not TCP; head in hexadecimal */
    int64_t time_ns, uid, gid; /* -1: not known */
    int64_t family, source_port, destination_port, length, segments; /* ports -1: none */
    int64_t seq_num, ack_num, tcp_flags;
    int64_t frame_len;
    unsigned char bytes[128];
    size_t head_len;
};

/* What a row of --by source says: estimates, each with its interval; nothing is owned. */
struct source_use {
    const char *address;
    int64_t drawn, packets, packets_low, packets_high, bytes, bytes_low, bytes_high;
};

/* Texts that were not asked for are NULL, numbers -1. */
struct row {
    size_t bucket;                /* index of the period */
    const char *period;           /* its label; not owned. NULL: no --period, or others of all periods together */
    int64_t since_sec, until_sec; /* that period */
    const char *host;             /* not owned */
    char *user, *project, *unit, *class_name, *protocol, *process, *remote, *policy; /* owned */
    int64_t uid, family;                                                             /* family 4, 6 or 0 */
    struct store_counters n;
    int64_t total_bytes;                     /* tx + rx of what the report bills: wire bytes, or payload */
    size_t n_others;                         /* 0; else this row is the sum of so many that rows_top() cut off */
    bool other;                              /* what no connection holds */
    const struct allocation_use *use;        /* of --allocations only; not owned */
    const struct connection_use *connection; /* of --connections only; not owned */
    const struct audit_line *audit;          /* of --audit only; not owned */
    const struct sample_use *sample;         /* of --samples only; not owned */
    const struct source_use *source;         /* of --by source only; not owned */
};

struct rows {
    struct row *v;
    size_t n, capacity;
};

struct field;

/* Appends a copy of row, texts included. -ENOMEM. */
int rows_add(struct rows *rows, const struct row *row);
void rows_done(struct rows *rows);

/* Adds up rows of the same period and dimensions, which a report of several queries can have. */
void rows_merge(struct rows *rows);

/* Texts and plain numbers ascending, bytes and packets descending; by_period sorts by period first. Ties have a defined
 * order. */
void rows_sort(struct rows *rows, const struct field *field, bool by_period);

/*
 * Leaves the first top rows (of each period if per_period) and sums up the rest in one more row whose n_others says how
 * many they were, so that totals hold. Rows must be sorted; top 0 leaves all.
 */
void rows_top(struct rows *rows, size_t top, bool per_period);

/* The sum of all rows; without dimensions. */
struct row rows_sum(const struct rows *rows);
