/* What the files of a session share: session.c opens and books, session_connections.c looks after connections,
 * session_notices.c after allocations, session_start.c says how it started, session_reload.c reads the configuration again. */
#pragma once

#include "collector/session.h"

/*
 * Reads records of ended connections from this map from now on, and those of live ones from their sockets. Without the
 * sockops layer there are none, and what an earlier pdttd recorded has ended. retired: no program adds to this map any more.
 */
int session_open_connections(struct session *s, int records_fd, bool retired);

/* How this session drains a ledger of its kernel side. */
struct drain session_drain_of(struct session *s, struct ledger *ledger);

/* For struct drain. */
void session_add_connections(struct store_interval *interval, uint64_t active_epoch, void *session);

/* Logs a failure (a negative errno) when it begins; 0 when there is none. */
void session_note_connections_error(struct session *s, int error);

/* Into the store and, what is missing, into the log: which layers there are. Errors are the store's. */
int session_note_layers(struct session *s);

/* The line that says that packets are counted, and how. */
void session_log_start(const struct session *s);

/* Starts the process that tells, if the configuration has a command: before the first thread. One line is logged on failure. */
int session_start_notices(struct session *s);
void session_close_notices(struct session *s);

/* Looks at allocations after an interval was booked, and begins to tell what is due. What fails is logged. */
void session_watch_allocations(struct session *s);

/* Those of the configuration, from now on. -ENOMEM. */
int session_use_thresholds(struct session *s);

/* Gives the users and groups of rules a moment to be found. */
void session_await_rule_names(struct session *s);

/* Puts the networks of the classes in force, from the next epoch on. What fails is logged. */
int session_apply_classes(struct session *s);
