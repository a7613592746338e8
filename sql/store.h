/*
 * The store: the only room that speaks SQL. It opens a PDTT database, books intervals into it exactly once and
 * answers usage questions from it. It knows neither the kernel side nor any output format.
 *
 * Every function returns 0 or a negative errno unless it says otherwise. Where one fails, store_why() (or ret_why
 * while there is no handle yet) holds one line that names the file, the value and the remedy; the caller logs it, the
 * store never does.
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

/* Sets SQLite up for the process. store_open() does, but who uses SQLite before has to: later it changes nothing. */
void store_set_up_sqlite(void);

/*
 * Opens the database at path. Errors: -ENOENT (reader, no such file), -EACCES (also where a writer finds that somebody
 * else could choose or change what it writes: links, hard links, directories that others may write to), -EEXIST (another writer holds it),
 * -ENOTSUP (schema of a newer program, or for a reader an older one that pdttd must migrate), -EBADMSG (not a
 * database, zero length, not a PDTT database), -EIO. ret_why is malloc'ed and set only on failure.
 */
int store_open(const char *path, enum store_mode mode, struct store **ret_store, char **ret_why);

/*
 * Only looks, writes nothing: 0 a pdttd could open the file, 1 it could and would bring an older schema up to date,
 * else the errors of store_open(). ret_why as there; with 1 it says what would be done.
 */
int store_check(const char *path, char **ret_why);

struct store *store_close(struct store *s); /* NULL is a no-op; returns NULL */

/* Gives back what it keeps of the file in memory: for whoever will not ask again for seconds. */
void store_release_memory(struct store *s);
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
#define STORE_UID_OVERFLOW     INT64_C(-2)
#define STORE_GID_NONE         INT64_C(-1)

/* Ids of the two classes that always exist; configured classes get ids from store_sync_classes(). */
#define STORE_CLASS_EXTERNAL 0
#define STORE_CLASS_LOOPBACK 1

struct store_counters {
    int64_t tx_bytes, rx_bytes;                 /* wire bytes (L3), billed */
    int64_t tx_packets, rx_packets;             /* wire packets, GSO segments counted one by one */
    int64_t tx_payload_bytes, rx_payload_bytes; /* what processes handed over or took; never added to wire bytes */
};

/* Each level holds the same bytes, raw by interval and the others by bucket of the calendar. */
enum store_level {
    STORE_RAW,
    STORE_5MIN,
    STORE_HOUR,
    STORE_DAY,
    STORE_MONTH,
    STORE_LEVELS,
};

#define STORE_FOREVER INT64_MAX

struct store_policy {
    const char *timezone;                /* of days and months; as for calendar_open(): "local", "Australia/Perth" */
    int64_t retention_sec[STORE_LEVELS]; /* how long each level is kept; STORE_FOREVER */
    int64_t
        max_size_bytes; /* of the database, 0: no limit; raw and connections go first, then the finer levels, never days and months */
    int64_t connections_sec;                       /* how long connections are kept; 0, STORE_FOREVER: for ever */
    int64_t samples_sec;                           /* the same of samples of packets */
    int64_t samples_most;                          /* how many of them are kept at most; 0: no limit */
    int64_t policy_events_sec, policy_events_most; /* the same of packets that policies dropped */
};

/*
 * Holds from the next interval on; without a call the zone is that of the last policy (else "local"), everything is
 * kept and there is no limit. Another time zone ends the current buckets and begins new ones: no byte that was booked
 * moves to another day. -EINVAL: a level that is kept longer than the next coarser one (its bytes would be in no
 * coarser level any more, and reports of long ranges would miss them), a negative retention or size; the errors of
 * calendar_open(): a zone that is none. After a clock that steps forward by more than an hour nothing expires for a
 * day of counting, so that a wrong clock that somebody corrects costs no history.
 */
int store_set_policy(struct store *s, const struct store_policy *policy);

/* Frames that a process sent past IP (AF_PACKET); a number that no IP protocol can have. */
#define STORE_PROTOCOL_PACKET 256

/* One account's share of one interval. May be negative: a transfer can move bytes booked in an earlier interval. */
struct store_usage {
    int64_t uid, gid;
    int64_t unit;     /* from store_unit_id(), 0: none */
    int64_t class_id; /* from store_sync_classes() */
    int protocol;     /* IPPROTO_*, 0..255, or STORE_PROTOCOL_PACKET */
    int family;       /* AF_INET or AF_INET6; anything else is none: overflow, packet sockets */
    enum store_kind kind;
    const char *project; /* the project that a rule gave; NULL: the one of the gid, by the group's name */
    struct store_counters n;
};

/* How a connection began, as seen from this host. */
enum store_initiative {
    STORE_INITIATIVE_UNKNOWN,
    STORE_INITIATIVE_OUT, /* we connected */
    STORE_INITIATIVE_IN,  /* we accepted */
};

/* One TCP connection, or one UDP flow (a socket and one remote). Counters are cumulative since it began. */
struct store_connection {
    uint64_t cookie;          /* of the socket, unique until reboot */
    uint64_t started_boot_ns; /* boot-time clock; with cookie and remote the permanent key */
    int64_t start_ms, end_ms; /* wall clock, ms since 1970; end_ms 0: still open */
    const char *ended;        /* "closed", "reset", "timeout", "idle" (UDP), ...; NULL while open */
    int protocol, family;     /* IPPROTO_*, AF_* */
    enum store_initiative initiative;
    unsigned char local[16], remote[16]; /* network order; IPv4 in the first 4 bytes */
    uint16_t local_port, remote_port;    /* host order */
    int64_t uid, gid;
    int64_t unit, class_id; /* as in struct store_usage */
    const char *project;    /* as in struct store_usage */
    int64_t pid;            /* 0: not known */
    const char *comm;       /* name of the process that uses it; raw bytes from outside; "" not known */
    const char *cgroup;     /* path below the cgroup root; "" not known */
    struct store_counters n;
    int64_t retransmits; /* segments, cumulative */
    int64_t srtt_us;     /* smoothed round trip, 0: not known */
};

/* What was ended by nobody: the host rebooted, or the records were lost with the programs that kept them. */
#define STORE_ENDED_LOST "lost"

/* The source of meters that is no interface: what the programs had to do other than count, by cause. */
#define STORE_METER_PROGRAMS "(programs)"

/*
 * A counter that goes on by itself, as it stands now: what an interval adds is what it is ahead of the last reading that was
 * booked. The first reading of an identity adds all of it. Kinds of an interface: "kernel", its own counters with the link
 * layer's headers, and what the interface layer tells apart, in L3 bytes: "socket", "other_namespace", "time_wait",
 * "forwarded", "packet_socket", "not_ip", "icmp", "fragment", "no_socket", "malformed", "blocked". Of the programs: causes, with how
 * often in rx_packets. A policy's source is its name, it has no kind, and tx is what it let pass, rx what it dropped.
 */
struct store_meter {
    const char *source; /* an interface's name; NULL: the one of its last reading */
    const char *kind;
    uint64_t identity;       /* the same from reading to reading, random, never used again */
    struct store_counters n; /* without payload */
    bool last;               /* it will not be read again */
};

struct store_interval {
    uint64_t ledger;   /* identity of the kernel ledger, random per load; with epoch it makes booking exactly once */
    uint64_t epoch;    /* counts up by one per swap within a ledger */
    int64_t start_sec; /* wall clock, UTC seconds since 1970, when the epoch became active */
    int64_t end_sec;   /* when it was sealed; may lie before start_sec after a clock step, see store_book_interval() */
    int64_t duration_ms; /* by the boot-time clock, which no step moves; 0: not known, the wall clock is trusted */
    struct store_counters
        counted;           /* what the packet programs added, without transfers: must equal the sum of the rows */
    int64_t update_errors; /* failed map updates during the epoch, all causes */
    const struct store_connection *connections; /* in any order, each once; may be all or only those that changed */
    size_t n_connections;
    bool connections_all; /* no other connection is open: what the store still takes for open is lost */
    struct store_counters other_connections; /* what was beyond limits.connections in this interval */
    int64_t other_connections_count;
    const struct store_meter *meters;   /* read when it was sealed, those of an identity beside each other */
    size_t n_meters;                    /* 0: they wait for the next interval */
    const struct store_meter *policies; /* the same of policies, see struct store_meter */
    size_t n_policies;
};

/*
 * Books one interval: interval row, usage rows and the ledger's epoch in one transaction, rows sorted by key. rows
 * may hold an account more than once (they are added) and rows of zeros (they are left out); it is sorted in place.
 * Unknown accounts and the gid's project are created on the way. Before it writes it checks that the file was not
 * moved, deleted or replaced.
 *
 * An epoch of more than 60 s that reaches over a boundary of five minutes (the daemon was down, the host slept)
 * becomes one interval for each part, cut at boundaries of 5 minutes up to an hour, of hours up to two days, of days
 * up to 400 days, of months beyond. Each column is shared out by time, to the byte, and the parts are marked as
 * estimated. Where the wall clock says another length than duration_ms it was stepped: the epoch is then booked at
 * the duration_ms before end_sec, as the corrected clock counts.
 *
 * What is booked is rolled up in memory into the coarser levels and written there every 5 minutes, by store_flush()
 * and by store_close(); what a killed process had in memory is read from the raw level again. Each booking also drops
 * a little of what the policy keeps no longer, never of what is not rolled up. That a roll-up may fail (store_notice())
 * fails no booking.
 *
 * Connections are booked with it: what their counters are ahead of what the store has of them is what they moved in the
 * interval, shared out as the rows are. So a record may be given again and again, also after it ended, and books nothing
 * twice. One whose counters are behind is stale and changes nothing. A connection belongs to whom it was last given for.
 * With the first interval of another ledger, or where connections_all says so, those that are open and not among the
 * connections end as STORE_ENDED_LOST when the interval before ended; should one be given later it is open again.
 *
 * Errors: -EALREADY the epoch is booked already (nothing written), -EBUSY another process holds a lock (nothing
 * written; try again with the same interval), -ESTALE the file was moved, deleted or replaced, -ENOSPC, -EIO.
 */
int store_book_interval(struct store *s, const struct store_interval *interval, struct store_usage *rows,
                        size_t n_rows);

/* A packet that was drawn. Texts and bytes are the caller's. */
struct store_sample {
    int64_t time_ns;       /* wall clock, since 1970 */
    const char *interface; /* its name; "?" of one that is gone */
    const char *kind;      /* as in struct store_meter */
    bool tx;
    int protocol, family; /* IPPROTO_*, AF_* */
    int packet_type;      /* 0 TCP, 1 UDP, 2 ICMP, 3 others */
    unsigned char src_ip[16], dst_ip[16];
    uint16_t src_port, dst_port;
    int64_t packet_len, frame_len, segments;
    uint32_t seq_num, ack_num;
    uint8_t tcp_flags;
    int64_t uid, gid; /* STORE_UID_UNATTRIBUTED, STORE_GID_NONE: not known */
    const unsigned char *head;
    size_t head_len;
};

/* What was drawn of a source's packets; squares are those of single frames. */
struct store_sample_source {
    unsigned char address[16];
    int family;
    int64_t drawn, packets, packets_squared, bytes, bytes_squared, most_packets, most_bytes;
};

/* What was drawn since the last booking of samples; see sql/0007_samples.sql. */
struct store_sampling {
    int64_t start_sec, end_sec;
    int64_t rate;
    const char *mode;
    int64_t seen, seen_packets, seen_bytes, drawn, ring_full, memory_full, sources_full;
    const struct store_sample_source *sources; /* each address once */
    size_t n_sources;
    const struct store_sample *samples;
    size_t n_samples;
};

/*
 * Books them in a transaction of their own, so that they never keep an interval from being booked, and drops samples that the
 * policy keeps no longer. NULL: only that. The errors are those of store_flush().
 */
int store_book_samples(struct store *s, const struct store_sampling *sampling);

/* A packet that a policy dropped. Texts are the caller's. */
struct store_policy_event {
    int64_t time_ns;    /* wall clock, since 1970 */
    const char *policy; /* its name */
    const char *action; /* block, limit */
    bool tx;
    int protocol, family; /* IPPROTO_*, AF_* */
    unsigned char src_ip[16], dst_ip[16];
    uint16_t src_port, dst_port;
    int64_t packet_size, packets;
    int64_t uid; /* STORE_UID_UNATTRIBUTED: not known */
};

/*
 * Books them in a transaction of their own, as store_book_samples(), and drops those that the policy keeps no longer. n may be 0.
 */
int store_book_policy_events(struct store *s, const struct store_policy_event *events, size_t n);

/* The same as it was booked; texts live until the callback returns. */
struct store_policy_event_row {
    int64_t time_ns;
    const char *policy, *action, *direction;
    int family; /* 4, 6 */
    int protocol;
    const char *src_ip, *dst_ip;
    int src_port, dst_port;
    int64_t packet_size, packets;
    const char *user; /* NULL: not known */
    int64_t uid;      /* -1: not known */
};
typedef int (*store_policy_event_fn)(const struct store_policy_event_row *row, void *userdata); /* non-zero stops */

/* The newest of them since then, the newest first; policy NULL: of all policies. */
int store_query_policy_events(struct store *s, int64_t since_ns, const char *policy, int64_t most,
                              store_policy_event_fn fn, void *userdata);

/* Rolls up what was booked so far. Errors: -EBUSY, -ESTALE, -ENOSPC, -EIO; nothing is lost, the next one catches up. */
int store_flush(struct store *s);

/*
 * The oldest line that the administrator should read and that no call failed for: raw data dropped early because of
 * max_size, a roll-up that failed. NULL: none (left). The caller frees it.
 */
char *store_notice(struct store *s);

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

/* The permanent id, above 0, of a unit (the path of a cgroup); the same for the same path for ever. */
int store_unit_id(struct store *s, const char *path, int64_t *ret_id);

/* The path of a unit, malloc'ed. -ENOENT: there is none of this id. */
int store_unit_path(struct store *s, int64_t id, char **ret_path);

enum store_subject { STORE_SUBJECT_PROJECT, STORE_SUBJECT_USER };
enum store_period { STORE_PERIOD_MONTH, STORE_PERIOD_QUARTER, STORE_PERIOD_YEAR };
enum store_direction { STORE_DIRECTION_BOTH, STORE_DIRECTION_TX, STORE_DIRECTION_RX };

/* A list of names or numbers; empty means no filter. */
struct store_names {
    const char *const *v;
    size_t n;
};

/* How much a project or a user may move in a period. Names are as in reports. */
struct store_allocation {
    int64_t id; /* 1, 2, ... in the order of store_sync_allocations(), which does not read it */
    enum store_subject subject;
    const char *name;
    enum store_period period;
    int64_t limit_bytes;
    enum store_direction direction;
    struct store_names classes; /* that count; empty: all */
    int billing_day;            /* of the month on which periods begin, 1 to 28; quarters and years begin in January */
};

/* A policy that was given while pdttd ran. */
struct store_kept_policy {
    const char *name, *words; /* as common/policy_text.h has them */
    const char *origin;       /* STORE_POLICY_* */
    int64_t since_sec;
};

#define STORE_POLICY_PDTTCTL    "pdttctl"
#define STORE_POLICY_CONNECTION "connection" /* that of an administrator, which is protected */

/* Keeps these in place of those before, in this order, all or nothing. */
int store_keep_policies(struct store *s, const struct store_kept_policy *policies, size_t n);

typedef int (*store_kept_policy_fn)(const struct store_kept_policy *policy, void *userdata); /* non-zero stops */
int store_query_kept_policies(struct store *s, store_kept_policy_fn fn, void *userdata);

/* The meters of policies as they were read last: source, identity and counters. */
typedef int (*store_policy_meter_fn)(const struct store_meter *meter, void *userdata); /* non-zero stops */
int store_query_policy_meters(struct store *s, store_policy_meter_fn fn, void *userdata);

/* "project", "quarter", "both": as files and reports have them. */
const char *store_subject_word(enum store_subject subject);
const char *store_period_word(enum store_period period);
const char *store_direction_word(enum store_direction direction);

/* Makes these the allocations that reports see, all or nothing. -EINVAL names the one that is nonsense. */
int store_sync_allocations(struct store *s, const struct store_allocation *allocations, size_t n);

/* That an allocation reached a threshold in a period. An allocation stays the same when only its limit changes. */
struct store_notice {
    struct store_allocation allocation;
    int64_t since_sec;  /* when the period began */
    unsigned threshold; /* percent */
};

#define STORE_NOTICE_ATTEMPTS 3

struct store_notice_state {
    unsigned settled;  /* the highest threshold of the period that was told, or that all attempts failed for; 0: none */
    unsigned attempts; /* that were begun for the notice's own */
};

int store_find_notice(struct store *s, const struct store_notice *n, struct store_notice_state *ret);

/*
 * Somebody is told now of the notice's threshold and of the lower ones among thresholds: committed before that begins, so that
 * a pdttd which is killed meanwhile tells once more, and never more often than STORE_NOTICE_ATTEMPTS. -EBUSY and the like:
 * nobody must be told yet.
 */
int store_begin_notice(struct store *s, const struct store_notice *n, const unsigned *thresholds, size_t n_thresholds,
                       int64_t now_sec);

/* How it ended: told is final. */
int store_end_notice(struct store *s, const struct store_notice *n, bool told, const char *result, int64_t now_sec);

/*
 * Records the state of a layer ("cgroup", "syscall", ...): state is "on", "off" or "failed"; detail says why and what
 * is lost.
 */
int store_put_layer_state(struct store *s, const char *layer, const char *state, const char *detail, int64_t now_sec);

/*
 * Records that nothing was counted from start_sec to end_sec; reason is a short word such as "reboot", "not running",
 * "disk full". One that begins where the last one of the same reason ends prolongs that one.
 */
int store_put_gap(struct store *s, int64_t start_sec, int64_t end_sec, const char *reason);

/* A process that holds a lock on the database. */
struct store_holder {
    int pid;
    uint32_t uid;
    char comm[32]; /* raw bytes from outside */
};

/* How the files are. Sizes in bytes, -1: not known. */
struct store_health {
    int64_t database_bytes, log_bytes, disk_free_bytes;
    int64_t ballast_bytes; /* kept for a full disk; 0: released */
    bool blocked, read;    /* another process keeps us from writing; holds a snapshot, so that the log must grow */
    struct store_holder blocker, reader;
};
void store_read_health(const struct store *s, struct store_health *ret);

/* ---- a database that is damaged or gone (quarantine.c, salvage.c, carry.c) ---- */

/*
 * Moves a damaged database aside, whole and with its log, and says where to (malloc'ed). Nobody may have it open. A note beside
 * it remembers that it is to be salvaged, until store_salvage_done(). -EPERM: the file is not recognisable as PDTT's, and was
 * left alone; was_ours: it is moved all the same, since PDTT's was in its place.
 */
int store_quarantine(const char *path, bool was_ours, char **ret_moved, char **ret_why);

/* The file that an earlier process moved aside from path and did not salvage to the end (malloc'ed); NULL: there is none. */
char *store_find_unsalvaged(const char *path);
void store_salvage_done(struct store *s);

/* What was copied from a damaged database. */
struct store_salvage {
    bool readable; /* at all */
    int64_t rows, rows_refused;
    int tables_damaged, holes; /* places that could not be read */
    int64_t bytes;             /* sent and received, which the new database tells of */
    int64_t bytes_lost;        /* which intervals had and no level has; more may be missing of what nothing tells */
    int64_t
        intervals_lost; /* of which no row is there, or one without its time; what they had may be in coarser levels */
    int64_t gaps;       /* recorded for the two, with the reason "damaged" */
};

/*
 * Copies what can be read of a quarantined database into s, which is new and in which nothing is booked; may be done again after
 * it was interrupted. Sums of levels are made to agree where one has what another lost. May take a while, about a second for
 * 200,000 rows, in which still_alive() is called every now and then.
 */
int store_salvage(struct store *s, const char *from, void (*still_alive)(void), struct store_salvage *ret);

/*
 * For a database that was moved or deleted while it is still open: what is in its log goes into the file, wherever that is now,
 * since the log stays behind. What fails stays in the log.
 */
void store_fold_log(struct store *s);

/*
 * What the kernel still goes by, from a database that was moved or deleted into a new one: how far ledgers are booked, numbers
 * of classes and units, readings of meters, open connections, names. Kept in memory between the two, since two handles on one
 * path would share the index of a log. A database in which something is booked stays as it is. kept: NULL if it failed.
 */
struct store_kept;
struct store_kept *store_keep(struct store *s);
struct store_kept *store_kept_free(struct store_kept *kept);
int store_carry_over(struct store *s, struct store_kept *kept);

/* Gives a class the id that it had in a database that is gone; a name or id that is there already stays. */
int store_restore_class(struct store *s, int64_t id, const char *name);

/* Keeps numbers of units up to last from being given anew; of a database that is gone. */
int store_reserve_units(struct store *s, int64_t last);

/* Whether the last failure was that of a damaged file, not of a lock, a disk or a permission. */
bool store_is_damaged(const struct store *s);
