/*
 * The store: the only room that speaks SQL. It opens a PDTT database, books intervals into it exactly
 * once and answers usage questions from it. It knows neither the kernel side nor any output format.
 *
 * Every function returns 0 or a negative errno unless it says otherwise. Where one fails,
 * store_why() (or ret_why while there is no handle yet) holds one line that names the file, the value
 * and the remedy; the caller logs it, the store never does.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

enum store_mode {
    STORE_READ,  /* pdtt-report: never creates, writes or migrates */
    STORE_WRITE, /* pdttd: creates and migrates; holds an exclusive lock against a second writer */
};

/*
 * Opens the database at path. Errors: -ENOENT (reader, no such file), -EACCES, -EEXIST (another writer
 * holds it), -ENOTSUP (schema of a newer program, or for a reader an older one that pdttd must migrate),
 * -EBADMSG (not a database, zero length, not a PDTT database), -EIO. ret_why is malloc'ed and set only on failure.
 */
int store_open(const char *path, enum store_mode mode, struct store **ret_store, char **ret_why);
struct store *store_close(struct store *s); /* NULL is a no-op; returns NULL */
const char *store_why(const struct store *s);

/* ---- writing (pdttd) ---- */

/* What an account's bytes were seen as. Stored in account.kind; part of the contract of v_usage. */
enum store_kind {
    STORE_KIND_USER = 0,         /* a process used the socket */
    STORE_KIND_KERNEL = 1,       /* no process known: the uid is the one the kernel gives the socket */
    STORE_KIND_UNATTRIBUTED = 2, /* no socket, no account */
    STORE_KIND_OVERFLOW = 3,     /* the kernel's table of accounts was full */
};

/* uids and gids that no system has; users see them as "(unattributed)", "(overflow)" and "(none)". */
#define STORE_UID_UNATTRIBUTED INT64_C(-1)
#define STORE_UID_OVERFLOW INT64_C(-2)
#define STORE_GID_NONE INT64_C(-1)

/* Ids of the two classes that always exist; configured classes get ids from store_sync_classes(). */
#define STORE_CLASS_EXTERNAL 0
#define STORE_CLASS_LOOPBACK 1

struct store_counters {
    int64_t tx_bytes, rx_bytes;                 /* wire bytes (L3), billed */
    int64_t tx_packets, rx_packets;             /* wire packets, GSO segments counted one by one */
    int64_t tx_payload_bytes, rx_payload_bytes; /* what processes handed over or took; never added to wire bytes */
};

/* One account's share of one interval. May be negative: a transfer can move bytes booked in an earlier interval. */
struct store_usage {
    int64_t uid, gid;
    int64_t unit;     /* 0 until units exist */
    int64_t class_id; /* from store_sync_classes() */
    int protocol;     /* IPPROTO_*, 0..255 */
    int family;       /* AF_INET or AF_INET6; 0 for overflow */
    enum store_kind kind;
    struct store_counters n;
};

struct store_interval {
    uint64_t ledger;      /* identity of the kernel ledger, random per load; with epoch it makes booking exactly once */
    uint64_t epoch;       /* counts up by one per swap within a ledger */
    int64_t start_sec;    /* wall clock, UTC seconds since 1970, when the epoch became active */
    int64_t end_sec;      /* when it was sealed; may lie before start_sec after a clock step */
    int64_t duration_ms;  /* by the boot-time clock, which no step moves */
    struct store_counters counted; /* what the packet programs added, without transfers: must equal the sum of the rows */
    int64_t update_errors;         /* failed map updates during the epoch, all causes */
};

/*
 * Books one interval: interval row, usage rows and the ledger's epoch in one transaction, rows sorted by key.
 * rows may hold an account more than once (they are added) and rows of zeros (they are left out); it is sorted in place.
 * Unknown accounts and the gid's project are created on the way. Before it writes it checks that the file was
 * not moved, deleted or replaced. Errors: -EALREADY the epoch is booked already (nothing written), -EBUSY another process
 * holds a lock (nothing written; try again with the same interval), -ESTALE the file was moved, deleted or replaced,
 * -ENOSPC, -EIO.
 */
int store_book_interval(struct store *s, const struct store_interval *interval, struct store_usage *rows, size_t n_rows);

/* The last epoch booked of this ledger, 0 if none. */
int store_last_epoch(struct store *s, uint64_t ledger, uint64_t *ret_epoch);

/* Gives each class name its permanent id (a name keeps its id for ever). ret_ids has n entries. */
int store_sync_classes(struct store *s, const char *const *names, size_t n, int64_t *ret_ids);

/*
 * Remembers that uid (gid) had this name at now_sec. A new name for a known uid starts a new person: rows booked
 * before keep the old name, rows after get the new one. A gid's name is its project; a new name starts a new project.
 * Until a name is noted reports show "uid 1234" / "gid 1234".
 */
int store_note_user(struct store *s, int64_t uid, const char *name, int64_t now_sec);
int store_note_group(struct store *s, int64_t gid, const char *name, int64_t now_sec);

/* Records the state of a layer ("cgroup", "syscall", ...): state is "on", "off" or "failed"; detail says why and what is lost. */
int store_put_layer_state(struct store *s, const char *layer, const char *state, const char *detail, int64_t now_sec);

/* Records that nothing was counted from start_sec to end_sec; reason is a short word such as "reboot". */
int store_put_gap(struct store *s, int64_t start_sec, int64_t end_sec, const char *reason);

/* ---- asking (pdtt-report) ---- */

enum store_dim {
    STORE_BY_USER = 1 << 0,
    STORE_BY_PROJECT = 1 << 1,
    STORE_BY_CLASS = 1 << 2,
    STORE_BY_PROTOCOL = 1 << 3,
    STORE_BY_FAMILY = 1 << 4,
};

struct store_bucket {
    int64_t start_sec, end_sec; /* half open */
};

/* A list of names or numbers; empty means no filter. */
struct store_names {
    const char *const *v;
    size_t n;
};

struct store_query {
    const struct store_bucket *buckets; /* in order, not overlapping: one per row of --period, or one for all */
    size_t n_buckets;
    unsigned by; /* enum store_dim, or-ed */
    struct store_names users, projects, classes, protocols;
};

/* One answer row. Dimensions that were not asked for are NULL (texts) and -1 (numbers). Texts live until the callback returns. */
struct store_row {
    size_t bucket; /* index into buckets */
    const char *user;
    int64_t uid;
    const char *project, *class_name, *protocol;
    int family; /* 4, 6 or 0 */
    struct store_counters n;
};

typedef int (*store_row_fn)(const struct store_row *row, void *userdata); /* non-zero stops and is returned */

/*
 * Calls fn for each group of each bucket, ordered by bucket. An interval belongs to the bucket in which it started.
 * -ENOENT: a name in a filter is unknown to the store; store_why() says which, store_unknown_name() returns it.
 */
int store_query_usage(struct store *s, const struct store_query *query, store_row_fn fn, void *userdata);
const char *store_unknown_name(const struct store *s);

/*
 * All questions between the two are answered from one snapshot, so that rows, totals and coverage belong together whatever
 * pdttd books meanwhile. Without them each question is a snapshot of its own. -EALREADY when one is open; ending none is a no-op.
 * A snapshot that stays open makes the write-ahead log grow: end it before waiting for anything.
 */
int store_begin_read(struct store *s);
void store_end_read(struct store *s);

/* How much of [since, until) was counted, in milliseconds, and since when there is a ledger at all (0: never). */
struct store_coverage {
    int64_t first_sec, last_sec; /* start of the first and end of the last interval of the whole store */
    int64_t seen_ms;             /* sum of the durations of the intervals that start in the range */
};
int store_query_coverage(struct store *s, int64_t since_sec, int64_t until_sec, struct store_coverage *ret);

/* Host name that the ledger belongs to, written at creation; owned by the store. */
const char *store_host(struct store *s);
