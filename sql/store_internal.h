/*
 * What the files of this room share: the handle, how a failure is told, and the steps that an open store goes
 * through. Nothing outside sql/ includes it, except the room's own tests.
 */
#pragma once

#include <sqlite3.h>
#include <sys/stat.h>

#include "common/calendar.h"
#include "sql/split.h"
#include "sql/statement.h"
#include "sql/store_ask.h"
#include "sql/tally.h"

#define STORE_APPLICATION_ID 0x50445454 /* "PDTT" */

struct accounts;
struct uses;

/* The buckets that hold an instant, by level; that of STORE_RAW is not used. */
struct buckets {
    struct store_bucket at[STORE_LEVELS];
};

/* What is booked and not yet in the coarser levels. */
struct rollup {
    struct tally sums;    /* by start of the five minutes, user, project, class, protocol, family */
    struct tally seen;    /* by start of the five minutes; the counter tx_bytes holds milliseconds */
    int64_t last_id;      /* the newest interval that is in sums */
    size_t largest;       /* of the intervals in sums, in accounts */
    bool current;         /* all booked intervals past the watermark are in sums */
    int64_t five_minutes; /* start of those in which the newest interval began */
    bool failed;          /* the last attempt did, and it was told */
};

struct open_connection;

/* What the writer remembers of connections that are open, so that one that moved nothing costs no query. */
struct connections {
    bool loaded;
    struct open_connection *v; /* sorted by key */
    size_t n;
    struct open_connection *next; /* the same after the transaction that runs, if it is committed */
    size_t n_next;
    uint64_t ledger; /* of the interval that was booked last */
    int64_t seen_ms; /* its end */
    bool first_noted;
};

#define STORE_NOTICES 8

struct store {
    sqlite3 *db;
    char *path; /* as given, for messages */
    enum store_mode mode;
    char *lock_path;
    int lock_fd;
    struct stat wal; /* the write-ahead log's identity when it was opened */
    struct statement statements[STATEMENT_COUNT];
    struct accounts *accounts;
    bool reading;               /* between store_begin_read() and store_end_read() */
    bool ready;                 /* opened to the end */
    struct store_policy policy; /* the zone's name is in calendar */
    struct calendar *calendar;  /* NULL until it is needed */
    struct buckets buckets;     /* of the last instant that was asked for */
    struct rollup rollup;
    struct connections connections;
    struct uses *uses; /* NULL: nobody asked for them */
    int64_t hold_ms;   /* nothing expires until so much more is counted */
    bool over_quota;
    int64_t calm_ms; /* counted since something was dropped for the quota */
    char *notices[STORE_NOTICES];
    char *zone;
    char *host;
    char *why;
    bool damaged;       /* SQLite said so when it failed last */
    bool meters_anew;   /* readings of meters may be lost: those of the next interval are where they begin */
    bool policies_anew; /* the same of policies */
    char *unknown_name;
    int64_t patience_until_ns; /* by the boot-time clock; see store_set_patience() */
};

/* ---- failure.c ---- */

/* Keeps "PATH: MESSAGE" for store_why() and returns error, so that "return store_fail(...)" reads well. */
int store_fail(struct store *s, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * The same for what SQLite just said about s->db: finds the errno and the remedy. doing is what was tried: "booking".
 */
int store_fail_sqlite(struct store *s, const char *doing);

/* ---- blocker.c ---- */

/* Another process that keeps s from being written, or holds a snapshot of it; false if none is to be seen. */
bool store_find_blocker(const struct store *s, struct store_holder *ret);
bool store_find_reader(const struct store *s, struct store_holder *ret);

/* ---- file.c ---- */

/* Refuses a path that cannot be a database before anything is opened. ret_exists may be false for a writer only. */
int file_check_path(struct store *s, bool *ret_exists);

/*
 * For a writer: -EACCES where somebody else could choose or change what is written to. given_path is the path before
 * links in it were resolved.
 */
int trust_check(struct store *s, const char *given_path);

/* Opens s->db on path (never creates). flags is SQLITE_OPEN_READONLY or SQLITE_OPEN_READWRITE. */
int file_connect(struct store *s, const char *path, int flags);

/* Size and header: SQLite takes an empty file for an empty database. -EBADMSG. */
int file_check_contents(struct store *s);

/* Makes a file that was created or renamed at path stay there through a loss of power. A negative errno. */
int file_sync_directory(const char *path);

/* Whether the database is no longer the file at its path. */
bool file_has_moved(const struct store *s);

/* Notes which file the write-ahead log is, for file_check_in_place(). */
int file_remember_wal(struct store *s);

/*
 * -ESTALE when the database or its log was moved, deleted or replaced: writes would go on "succeeding". -EBADMSG: it was emptied,
 * or its header is gone.
 */
int file_check_in_place(struct store *s);

/* ---- lock.c ---- */

/*
 * Takes <path>-lock against a second writer. It is a file of its own because closing any descriptor of the database
 * drops the POSIX locks that SQLite holds on it. -EEXIST names the holder.
 */
int lock_take(struct store *s);
void lock_release(struct store *s);

/* ---- migrate.c ---- */

/* Creates the database beside its place and renames it there, so that a crash leaves all of it or none. */
int migrate_create(struct store *s);

/* -EBADMSG: another program's database; -ENOTSUP: the schema of a newer PDTT. Changes nothing. */
int migrate_check_identity(struct store *s);

/* Brings an opened database to this program's schema, one transaction for each step. -ENOTSUP it is newer. */
int migrate_upgrade(struct store *s);

/* The key in meta of the schema that a database was created with: one that was brought up to it later has other pages. */
#define MIGRATE_CREATED_SCHEMA "created_schema"
int migrate_schema_version(void);

/* An empty database of this program's schema in memory, for sqlite3_close(). */
int migrate_make_memory(struct store *s, sqlite3 **ret_db);

/* An empty database of this program's schema, its views and triggers left out, as bytes (for sqlite3_free()). */
int migrate_make_template(struct store *s, unsigned char **ret_bytes, int64_t *ret_size);

/* For a reader, which cannot migrate: -ENOTSUP when the schema is not this program's. */
int migrate_check(struct store *s);

/* 1: the schema is older than this program's, and store_why() says so; 0: it is this program's; -ENOTSUP: newer. */
int migrate_is_due(struct store *s);

/* ---- person.c ---- */

enum person_kind { PERSON_USER, PERSON_PROJECT };

/* The user (project) that uid (gid) number was when an interval started; creates a nameless one. In a transaction. */
int person_find(struct store *s, enum person_kind kind, int64_t number, int64_t start_sec, int64_t *ret_id);

/* What a project has for a gid that a rule gave and not a group. No report shows it. */
#define PERSON_GID_RULE INT64_C(-2)

/* The project that a rule gave; creates it. In a transaction. */
int person_find_rule_project(struct store *s, const char *name, int64_t start_sec, int64_t *ret_id);

/* ---- accounts.c ---- */

struct account_key {
    int64_t uid, gid, unit, class_id;
    int protocol, family, kind; /* family 4, 6 or 0 */
    int64_t project;            /* from accounts_find_project(); 0: that of the gid */
};

/* An account's row, and what of it the coarser levels keep. */
struct account {
    int64_t id, user, project;
};

/* Remembers ids, so that an account that was booked before costs no query. NULL is a no-op for free and forget. */
struct accounts *accounts_new(void);
struct accounts *accounts_free(struct accounts *a);

/* To be called when a person or project changed and when a transaction that looked up accounts was rolled back. */
void accounts_forget(struct accounts *a);

/* An interval of n_rows is booked next: what is remembered has room for its accounts, however many. */
void accounts_expect(struct accounts *a, size_t n_rows);

/*
 * The id of the account for an interval that starts at start_sec; creates it, its person and its project. In a
 * transaction.
 */
int accounts_find(struct store *s, const struct account_key *key, int64_t start_sec, struct account *ret);

/* The id of the project that a rule gave. In a transaction. */
int accounts_find_project(struct store *s, const char *name, int64_t start_sec, int64_t *ret_id);

/* ---- book.c ---- */

/* The parts of the calendar that an epoch is booked in. */
struct book_parts {
    struct split_span span;
    struct store_bucket *v;
    size_t n;
    int64_t *ids;          /* of their intervals */
    int64_t *five_minutes; /* in which they begin */
};

/* What of n belongs to a part. */
struct store_counters book_share(const struct book_parts *p, size_t part, const struct store_counters *n);

/* The account that u is booked on (its counters are not read). ret_key may be NULL. In a transaction. */
int book_find_account(struct store *s, const struct store_usage *u, int64_t start_sec, struct account_key *ret_key,
                      struct account *ret);

/* ---- connections.c ---- */

/* What connections moved is kept by the buckets of STORE_5MIN, which are not longer than this. */
#define STORE_CONNECTION_SEC 300

/* Reads what is open, unless it is known; before the interval is inserted. */
int connections_load(struct store *s);

/* Books the connections of an interval whose parts are inserted. In a transaction. */
int connections_book(struct store *s, const struct store_interval *interval, const struct book_parts *parts);

/* To be called after the transaction of connections_book(): it holds, or was rolled back. */
void connections_committed(struct store *s, const struct store_interval *interval, const struct book_parts *parts);
void connections_rolled_back(struct store *s);
void connections_forget(struct store *s);

/* ---- buckets.c ---- */

/*
 * The buckets in which at_sec lies; creates them. They are those that are there already, else what the calendar says,
 * cut so that none overlaps another or reaches out of its coarser one. In a transaction.
 */
int buckets_find(struct store *s, int64_t at_sec, struct buckets *ret);

/* To be called when buckets changed. */
void buckets_forget(struct store *s);

/* To be called when a transaction was rolled back: buckets and a first zone may be gone. */
void buckets_rolled_back(struct store *s);

/* Opens the site's calendar unless it is open: the zone of the newest policy, else the host's. In a transaction. */
int buckets_need_calendar(struct store *s);

/* Makes calendar, of which it takes possession, the site's from now on: ends the buckets of another zone. */
int buckets_change_calendar(struct store *s, struct calendar *calendar);

/* ---- rollup.c ---- */

/* Reads what is past the watermark and not in memory. Not in a transaction. */
int rollup_catch_up(struct store *s);

/* Notes that the interval id was booked; rollup_sum() adds its rows. After the commit. */
void rollup_add(struct store *s, int64_t id, int64_t five_minutes, int64_t duration_ms);
void rollup_sum(struct store *s, int64_t five_minutes, const struct tally_key *account, const struct store_counters *n);

/* Writes it when it is time to, after n_accounts of the newest interval; a failure becomes a notice. Not in a transaction. */
void rollup_flush_if_due(struct store *s, int64_t five_minutes, size_t n_accounts);
void rollup_forget(struct store *s);

/* ---- uses.c ---- */

/* To be called when names, allocations or the calendar changed: they are read anew. NULL is a no-op for all of these. */
void uses_forget(struct uses *u);
struct uses *uses_free(struct uses *u);

/* Adds what an account, a key as of rollup_sum(), moved in an interval that began at start_sec. After the commit. */
void uses_add(struct uses *u, int64_t start_sec, const struct tally_key *account, const struct store_counters *n);

/* ---- retention.c ---- */

/*
 * Drops a little of what the policy keeps no longer and of what max_size has no room for. In the transaction of a
 * booking, before its rows.
 */
int retention_expire(struct store *s, int64_t now_sec);

/* Gives free pages back to the file system in small steps. In a transaction. */
int retention_shrink(struct store *s);

/* What an interval means to the two above, before it is booked. */
void retention_note(struct store *s, int64_t duration_ms, int64_t stepped_forward_sec);

/* ---- policy.c ---- */

/* Keeps a line for store_notice(). */
void notice_add(struct store *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- damaged.c ---- */

/*
 * Opens a quarantined database for reading; *ret_old is NULL when nothing of it can be read. Where its beginning is gone that is a
 * copy with the beginning of s, which damaged_close() removes.
 */
int damaged_open(struct store *s, const char *from, sqlite3 **ret_old);
void damaged_close(struct store *s, sqlite3 *old);

/* -EBADMSG: the structure of the file is broken. One that is too large to look at in a moment is found broken when it is used. */
int damaged_check(struct store *s);

/* ---- salvage.c ---- */

/* "INSERT OR REPLACE INTO TABLE VALUES (?,...)" for a table of db; NULL: SQLite's error. */
sqlite3_stmt *salvage_insert(sqlite3 *db, const char *table, int *ret_columns);

/* ---- salvage_levels.c ---- */

/* Makes the sums of levels agree after rows of them were lost; within a transaction. */
int salvage_agree(struct store *s);

/* After that: adds to ret what is told and what is known to be missing, and records gaps; within a transaction. */
int salvage_tell_loss(struct store *s, struct store_salvage *ret);

/* ---- quarantine.c ---- */

/* Moves a log that lies where that of a new database will be, and holds something, aside as well. */
int quarantine_log(const char *path);

/* ---- ballast.c ---- */

#define BALLAST_SUFFIX "-ballast"

/* Makes the ballast if there is none and room enough; what fails is tried again with the next interval. */
void ballast_take(struct store *s);

/* Gives its room back to a full file system: true if there was one. */
bool ballast_release(struct store *s);

/* ---- meters.c ---- */

/* What the meters of an interval are ahead of their last reading. In the transaction of a booking, after its intervals. */
int meters_book(struct store *s, const struct store_interval *interval, const struct book_parts *parts);

/* Adds raw rows past the watermark, up to last_id, to the coarser levels. In a transaction, before the watermark moves. */
int meters_roll_up(struct store *s, int64_t last_id);

/* Drops what a raw interval or a bucket of a level has of them. In a transaction. */
int meters_drop(struct store *s, int level, int64_t key);

/* ---- policy_events.c ---- */

/* As samples_drop(). In a transaction. */
int policy_events_drop(struct store *s, int64_t *ret_n);

/* ---- samples.c ---- */

/* Drops some of the oldest, for the quota; *ret_n says how many. In a transaction. */
int samples_drop(struct store *s, int64_t *ret_n);

/* ---- record.c ---- */

/* The id of a class; gives it one. In a transaction. */
int class_find(struct store *s, const char *name, int64_t *ret_id);

/* The same for an address, and for a process in a cgroup: a connection must refer to it before the transaction ends. */
int address_find(struct store *s, const char *text, int64_t *ret_id);
int process_find(struct store *s, const char *name, const char *cgroup, int64_t *ret_id);

/* As store_put_layer_state(), in a transaction. */
int layer_put(struct store *s, const char *layer, const char *state, const char *detail, int64_t now_sec);

/* ---- pieces.c ---- */

/* A bucket of a level, or a raw interval, that lies within a bucket of a question. */
struct piece {
    enum store_level level;
    int64_t key;   /* start of the bucket, or the interval's id */
    size_t bucket; /* of the question */
    int64_t seen_ms;
};

struct pieces {
    struct piece *v;
    size_t n, room;
    struct store_bucket *effective; /* one for each bucket of the question */
};

/* What a question is answered from: each byte of the effective buckets once. In a snapshot. */
int pieces_plan(struct store *s, const struct store_bucket *buckets, size_t n, struct pieces *ret);

/* The same from buckets of finest on, but for what is newer than any other. */
int pieces_plan_from(struct store *s, enum store_level finest, const struct store_bucket *buckets, size_t n,
                     struct pieces *ret);

/* The effective buckets alone. */
int pieces_bounds(struct store *s, enum store_level finest, const struct store_bucket *buckets, size_t n,
                  struct store_bucket *ret_effective);

/* The same from raw alone, which must reach back to the first bucket: raw_check_reach(). */
int pieces_plan_raw(struct store *s, const struct store_bucket *buckets, size_t n, struct pieces *ret);
void pieces_done(struct pieces *p);

/* ---- raw.c ---- */

/* -ERANGE: what the raw level held of since_sec, or of later, has expired. In a snapshot. */
int raw_check_reach(struct store *s, int64_t since_sec);

/* ---- labels.c ---- */

/* A dimension beside those of enum store_dim: the unit of a connection, which may be that of none. */
#define LABELS_BY_CONNECTION_UNIT (1u << 30)

/* Whose bytes they are. */
struct label_ids {
    int64_t user, project, class_id, protocol, family, unit;
    int64_t process, remote; /* of a connection */
    bool other;              /* of none: process, remote and the connection's unit are "(other)" */
};

/* The key of a sum by bucket and dimensions. */
struct tally_key labels_key(size_t bucket, unsigned by, const struct label_ids *ids);

/* Turns sums by such keys into rows with names, in order, and hands them to fn. */
int labels_emit(struct store *s, const struct tally *sums, unsigned by, store_row_fn fn, void *userdata);

/* ---- query.c ---- */

/* Runs work in the snapshot that is open, else in one of its own. */
int query_snapshot(struct store *s, int (*work)(struct store *s, void *userdata), void *userdata);

/* ---- transactions (open.c) ---- */

/* Runs work between BEGIN IMMEDIATE and COMMIT; rolls back when either fails and returns that error. */
int store_transaction(struct store *s, int (*work)(struct store *s, void *userdata), void *userdata);
