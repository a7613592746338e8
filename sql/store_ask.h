/*
 * Asking the store: what pdtt-report and pdtt-serve may do with a database, and pdttd with its own. store.h says how errors are told.
 */
#pragma once

#include "sql/store.h"

/* From now on questions together may take ms; what is not answered then fails with -ETIME. 0: as long as they take. */
void store_set_patience(struct store *s, int64_t ms);

/*
 * A number that is another one after anybody else has committed anything. It is of this handle: those of two cannot be
 * compared.
 */
int store_edition(struct store *s, int64_t *ret_edition);

enum store_dim {
    STORE_BY_USER = 1 << 0,
    STORE_BY_PROJECT = 1 << 1,
    STORE_BY_CLASS = 1 << 2,
    STORE_BY_PROTOCOL = 1 << 3,
    STORE_BY_FAMILY = 1 << 4,
    STORE_BY_UNIT = 1 << 5,    /* raw or connections only, see store_query_usage() */
    STORE_BY_PROCESS = 1 << 6, /* connections only */
    STORE_BY_REMOTE = 1 << 7,  /* connections only */
};

struct store_bucket {
    int64_t start_sec, end_sec; /* half open */
};

/*
 * Who asks, where that is not somebody who may see all: the answer then holds only own rows, those of the person that
 * the uid is under this name, and rows of these projects. Of the projects those of other people are one user,
 * "(others)" with STORE_UID_OTHERS, in whatever way they are asked for, and have no unit. A filter by user finds none of
 * them.
 */
struct store_viewer {
    int64_t uid;
    const char *name;            /* NULL: the uid has none */
    struct store_names projects; /* by name, as reports show them; none: own rows only */
};

#define STORE_UID_OTHERS INT64_C(-3)

struct store_query {
    const struct store_bucket *buckets; /* in order, not overlapping: one per row of --period, or one for all */
    size_t n_buckets;
    unsigned by; /* enum store_dim, or-ed */
    struct store_names users, projects, classes, protocols;
    struct store_names units;          /* globs on paths, as SQLite's GLOB: * matches / too */
    const struct store_viewer *viewer; /* NULL: sees all */
    bool connections;                  /* answered from connections, see store_query_usage() */
};

/*
 * One answer row. Dimensions that were not asked for are NULL (texts) and -1 (numbers). Texts live until the callback
 * returns.
 */
struct store_row {
    size_t bucket; /* index into buckets */
    const char *user;
    int64_t uid;
    const char *project, *class_name, *protocol;
    const char *unit;             /* "(none)" where no unit matched */
    const char *process, *remote; /* "(other)" for what no connection holds; remote is an address */
    bool other;                   /* that is what it is */
    int family;                   /* 4, 6 or 0 */
    struct store_counters n;
};

typedef int (*store_row_fn)(const struct store_row *row, void *userdata); /* non-zero stops and is returned */

/*
 * Calls fn for each group of each bucket, ordered by bucket. An interval belongs to the bucket in which it started.
 * The answer comes from the coarsest level that fits, and from finer ones at the edges; it is the same as if all came
 * from raw, unless the finer levels have expired: then it is that of the buckets that store_plan_buckets() tells.
 * -ENOENT: a name in a filter is unknown to the store; store_why() says which, store_unknown_name() returns it; a glob
 * that no unit matches is no unknown name, but has no rows. -ERANGE: a question by or for units reaches back to what is
 * no longer in the raw level, which alone knows them; store_why() says since when they are.
 */
int store_query_usage(struct store *s, const struct store_query *query, store_row_fn fn, void *userdata);
const char *store_unknown_name(const struct store *s);

/* Whether the raw level reaches back to since_sec, so that units are known: 1, 0 or a negative errno. */
int store_knows_units(struct store *s, int64_t since_sec);

/*
 * The buckets for which store_query_usage() really answers: the same, unless the level that knows a boundary has
 * expired. Then the outer boundaries move outward, and what lies across a boundary of two buckets belongs to the one
 * in which it began, so that buckets that adjoin still do, and add up to their range. ret_effective has n entries;
 * one may become empty.
 */
int store_plan_buckets(struct store *s, const struct store_bucket *buckets, size_t n,
                       struct store_bucket *ret_effective);

/* The same for one range: moves *since_sec and *until_sec outward where it must. */
int store_plan_range(struct store *s, int64_t *since_sec, int64_t *until_sec);

/* The same for questions to connections, which are kept by five minutes: -ERANGE where they have expired. */
int store_plan_connections(struct store *s, const struct store_bucket *buckets, size_t n,
                           struct store_bucket *ret_effective);

/* Since when connections are kept, and what of a range no record of a connection was left for. */
struct store_connections_kept {
    int64_t first_sec;                        /* when the first one was booked; 0: never */
    int64_t since_sec;                        /* what is older has expired; first_sec if nothing has */
    int64_t excess_connections, excess_bytes; /* how many of them began, and what all moved */
};
int store_query_connections_kept(struct store *s, int64_t since_sec, int64_t until_sec,
                                 struct store_connections_kept *ret);

/* A connection, with all that it moved in its life. Texts live until the callback returns. */
struct store_connection_row {
    const char *user, *project, *class_name, *protocol, *unit; /* unit is "(none)" where none matched */
    int64_t uid;
    int family; /* 4 or 6 */
    enum store_initiative initiative;
    const char *local, *remote; /* addresses */
    int local_port, remote_port;
    int64_t pid;                  /* 0: not known */
    const char *process, *cgroup; /* any bytes; "" not known */
    int64_t start_ms, end_ms;     /* end_ms of an open one: until when it was seen to move something */
    const char *ended;            /* NULL: it is open */
    struct store_counters n;
    int64_t retransmits, srtt_us; /* srtt_us 0: not known */
};
typedef int (*store_connection_fn)(const struct store_connection_row *row, void *userdata); /* as store_row_fn */

/*
 * The connections that were open at any time of the only bucket of query and that its filters let through, in no
 * order. Errors: those of store_query_usage() to connections.
 */
int store_query_connections(struct store *s, const struct store_query *query, store_connection_fn fn, void *userdata);

/*
 * The intervals that touch [since, until), in order of their start, so that a report can show each of them. -ERANGE:
 * the raw level does not reach back to since; store_why() says how far it does.
 */
typedef int (*store_interval_fn)(const struct store_bucket *interval, void *userdata); /* non-zero stops, is returned */
int store_query_intervals(struct store *s, int64_t since_sec, int64_t until_sec, store_interval_fn fn, void *userdata);

/*
 * All questions between the two are answered from one snapshot, so that rows, totals and coverage belong together
 * whatever pdttd books meanwhile. Without them each question is a snapshot of its own. -EALREADY when one is open;
 * ending none is a no-op. A snapshot that stays open makes the write-ahead log grow: end it before waiting for
 * anything.
 */
int store_begin_read(struct store *s);
void store_end_read(struct store *s);

/*
 * How much of [since, until) was counted, in milliseconds, and since when there is a ledger at all (0: never). It
 * outlives raw.
 */
struct store_coverage {
    int64_t first_sec, last_sec;  /* start of the first and end of the last interval of the whole store */
    int64_t seen_ms;              /* sum of the durations of the intervals that start in the range */
    int64_t since_sec, until_sec; /* the range, as store_plan_range() moves it */
};
int store_query_coverage(struct store *s, int64_t since_sec, int64_t until_sec, struct store_coverage *ret);

struct store_gap {
    int64_t start_sec, end_sec;
    const char *reason; /* until the callback returns */
};
typedef int (*store_gap_fn)(const struct store_gap *gap, void *userdata); /* non-zero stops and is returned */

/* The recorded gaps that touch [since, until), in order of time. */
int store_query_gaps(struct store *s, int64_t since_sec, int64_t until_sec, store_gap_fn fn, void *userdata);

/* What the meters of interfaces and programs added within a part of a bucket: several rows of a kind are to be added up. */
struct store_meter_row {
    size_t bucket;
    const char *source, *kind; /* until the callback returns */
    bool programs;             /* the source is STORE_METER_PROGRAMS */
    struct store_counters n;
};
typedef int (*store_meter_fn)(const struct store_meter_row *row, void *userdata); /* non-zero stops and is returned */

/* For the same buckets, levels and edges as store_query_usage(), so that the two can be compared to the byte. */
int store_query_meters(struct store *s, const struct store_bucket *buckets, size_t n, store_meter_fn fn,
                       void *userdata);

/* The same of policies: source is the name, kind is empty, tx is what it let pass and rx what it dropped. */
int store_query_policies(struct store *s, const struct store_bucket *buckets, size_t n, store_meter_fn fn,
                         void *userdata);

/* The states of layers that held within [since, until), by layer and in order of time. */
struct store_layer {
    const char *layer, *state, *detail; /* until the callback returns */
    int64_t first_sec, last_sec;        /* when it began, and when it was last confirmed */
};
typedef int (*store_layer_fn)(const struct store_layer *layer, void *userdata); /* non-zero stops and is returned */
int store_query_layers(struct store *s, int64_t since_sec, int64_t until_sec, store_layer_fn fn, void *userdata);

/* A packet that was drawn. Texts and bytes live until the callback returns. */
struct store_sample_row {
    const char *user; /* NULL: not known */
    int64_t uid, gid; /* -1: not known */
    const char *protocol;
    int64_t time_ns;
    const char *interface, *direction, *kind;
    int family; /* 4, 6 */
    const char *source, *destination;
    int source_port, destination_port;
    int64_t packet_len, frame_len, segments;
    int64_t seq_num, ack_num, tcp_flags;
    const unsigned char *head;
    size_t head_len;
};
typedef int (*store_sample_fn)(const struct store_sample_row *row, void *userdata); /* as store_row_fn */

/* Those of the only bucket of query that its filters by user and protocol let through, the newest first. -ENOENT as above. */
int store_query_samples(struct store *s, const struct store_query *query, store_sample_fn fn, void *userdata);

/* What was drawn in an interval of samples; without its sources and samples. */
struct store_sample_interval {
    int64_t id, start_sec, end_sec, rate;
    const char *mode;
    int64_t seen, seen_packets, seen_bytes, drawn, ring_full, memory_full, sources_full;
};
typedef int (*store_sample_interval_fn)(const struct store_sample_interval *interval, void *userdata);

/* Those that began in [since, until), in their order. */
int store_query_sample_intervals(struct store *s, int64_t since_sec, int64_t until_sec, store_sample_interval_fn fn,
                                 void *userdata);

/* What was drawn of a source in all of them that have this rate and mode; the largest of single frames in most_…. */
struct store_sample_sum {
    const char *source; /* an address, until the callback returns, as mode */
    int64_t rate;
    const char *mode;
    struct store_sample_source drawn; /* without its address */
};
typedef int (*store_sample_sum_fn)(const struct store_sample_sum *sum, void *userdata);

/* Ordered by source. */
int store_query_sample_sources(struct store *s, int64_t since_sec, int64_t until_sec, store_sample_sum_fn fn,
                               void *userdata);

/* The allocations in their order; what the callback gets lives until it returns. */
typedef int (*store_allocation_fn)(const struct store_allocation *allocation, void *userdata);
int store_query_allocations(struct store *s, store_allocation_fn fn, void *userdata);

/* *ret: with texts of its own, for store_allocation_done(), also when it fails (-ENOMEM). */
int store_allocation_copy(const struct store_allocation *from, struct store_allocation *ret);
void store_allocation_done(struct store_allocation *a);

/*
 * The period of an allocation that contains at_sec. It begins when the clocks show the midnight of the billing day (1
 * to 28), or the first time after it where that is skipped; quarters and years are counted from January.
 */
struct calendar;
struct store_bucket store_allocation_period(const struct calendar *cal, enum store_period unit, int billing_day,
                                            int64_t at_sec);

/* What counts of these counters. */
int64_t store_allocation_counts(enum store_direction direction, const struct store_counters *n);

/* Hundredths of a percent, rounded down; -1: of a limit of nothing there is no share. Less than nothing is nothing. */
int64_t store_allocation_hundredths(int64_t used_bytes, int64_t limit_bytes);

/* An allocation in its period that contains now. */
struct store_allocation_use {
    struct store_allocation allocation; /* its texts are the store's */
    struct store_bucket period;
    int64_t used_bytes; /* in it */
};

/*
 * All allocations in their order, for a writer: the numbers of store_query_usage(), but read only at
 * the first call, when periods, names or allocations change and once an hour, and added to with each interval that is
 * booked. What ret points to is valid until the next call of the store. ret_reading is another number after each reading, also of another handle.
 */
int store_read_uses(struct store *s, int64_t now_sec, const struct store_allocation_use **ret, size_t *ret_n,
                    int64_t *ret_reading);

/*
 * The site's time zone, in which days and months are kept: its name, owned by the store. "" before anything was
 * booked.
 */
const char *store_zone(struct store *s);

/* Host name that the ledger belongs to, written at creation; owned by the store. */
const char *store_host(struct store *s);
