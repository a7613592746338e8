/*
 * Everything a counting pdttd has open: configuration, store, kernel side, names, rules. The event loop, --once and --unload all
 * work on one of these.
 */
#pragma once

#include "collector/allocation_watch.h"
#include "collector/config.h"
#include "collector/connections.h"
#include "collector/control.h"
#include "collector/drain.h"
#include "collector/health.h"
#include "collector/interfaces.h"
#include "collector/kernel.h"
#include "collector/names.h"
#include "collector/notices.h"
#include "collector/notifier.h"
#include "collector/peek.h"
#include "collector/peek_answer.h"
#include "collector/rules.h"

/* What this process has booked since it started. */
struct session_booked {
    uint64_t intervals, rows;
    struct store_counters sum;
};

struct session {
    const char *config_path; /* as given with -c; NULL: the default path, which may be missing */
    struct config *config;
    struct store *store;
    struct kernel *kernel;
    struct ledger *ledger;
    struct policies *policies;       /* NULL: limits.policies is 0, or this kernel takes none */
    struct session_policies *policy; /* what is in force of them; NULL: nothing can be */
    struct session_door *door;       /* what it knows at the interfaces; NULL: nothing yet */
    struct connections *connections; /* NULL: none are recorded */
    struct names *names;
    struct rules *rules;
    struct interfaces *interfaces;
    char *cgroup;               /* where packets are counted; units are below it */
    uint32_t generation, flags; /* of the class table */
    int book_error;             /* of the last attempt, so that a blocked writer is said once */
    int connections_error;      /* the same of reading and removing records of connections */
    struct health health;
    struct session_booked booked;
    struct control *control;             /* NULL: nobody can ask */
    int samples_error;                   /* of the last booking of samples */
    int64_t samples_expire_ns;           /* boot-time clock: when those left of earlier ones are looked at again */
    struct policy_lapse *policy_lapse;   /* NULL: nothing is in force */
    struct policy_events *policy_events; /* what policies tell; NULL: there can be none */
    int policy_events_error;             /* of their last booking */
    int64_t policy_events_expire_ns;     /* boot-time clock: when old ones are looked at again */
    int sweep_error;                     /* of the last look at who holds sockets */
    bool needs_restart;                  /* programs are detached, and this process may attach nothing any more */
    struct allocation_watch *watch;
    int watch_error;           /* of its last look */
    struct notices *notices;   /* NULL: nobody is told anything */
    struct notifier *notifier; /* by which they are told */
    struct peek *peek;         /* for whoever watches */
    struct peek_cache peeked;
};

/* The configuration that -c or its absence means. One line is logged on failure. */
int session_load_config(const char *config_path, struct config **ret_config);

/*
 * Opens all of it; when it returns 0 packets are being counted, what a former pdttd left is booked and the start line is
 * written. Where it tells, notices are sent from then on as the configuration says. One line is logged on failure.
 */
int session_open(const char *config_path, bool tells, struct session **ret_session);
struct session *session_close(struct session *s); /* counting goes on in the pinned programs */

/*
 * Seals and books the active epoch. Logs a failure when it begins and its end when it is over. -ESTALE is final: the
 * database is not where it was.
 */
int session_drain(struct session *s);

/* Opens the control socket. A failure is logged, and fails nothing else. */
int session_listen(struct session *s);

/* Stores the names that have been found, and gives the ids that rules asked for to them. */
int session_take_names(struct session *s);

/* Readable when a notice was sent or could not be; -1: none are. Below 0 from session_take_notices(): it is of no use any more. */
int session_notices_fd(const struct session *s);
int session_take_notices(struct session *s);

/* No notice is begun any more: the end of pdttd would be that of its command. */
void session_stop_notices(struct session *s);

/* What has changed among the cgroups; to be called when rules_units_fd() is readable. */
void session_read_units(struct session *s);

/* Gives names that were just asked for a moment to arrive: before closing, or when somebody waits to read them. */
#define SESSION_LAST_NAMES_MS 2000
void session_await_names(struct session *s, int at_most_ms);

/*
 * Reads the configuration again and applies what can change while counting. A bad one is refused with a line in the log, and
 * the old one stays. ret_changes (may be NULL): on success an array of {key, before, after, origin}, the caller's. ret_why
 * (may be NULL): on failure the line, malloc'ed.
 */
int session_reload(struct session *s, json_t **ret_changes, char **ret_why);

/* Drains, then ends counting and removes everything from bpffs. */
int session_unload(struct session *s);
