/*
 * The text logs: what each user moved in each interval, appended to one file for all and to one per user. The files are
 * opened for each report and closed again, so that whatever renames or removes them needs to tell nobody. A thread of
 * its own writes them, so that a disk that is full or hangs delays no booking.
 *
 * A report waits for the names of its users, at most until the next one comes.
 */
#pragma once

#include "sql/store.h"

struct textlog;

/* -ENOMEM, -EAGAIN (no thread). */
int textlog_open(struct textlog **ret_log);

/* Writes what waits, for at most two seconds, and ends. NULL is a no-op; returns NULL. */
struct textlog *textlog_close(struct textlog *log);

/*
 * Where the next reports go, "" is nowhere; and the time zone of their times, as calendar_open() takes it. Errors are
 * those of calendar_open(), -ENOMEM; then everything stays as it was.
 */
int textlog_configure(struct textlog *log, const char *file, const char *per_user_prefix, const char *timezone);

/* Where a line for each connection that ended goes, "" is nowhere; after textlog_configure(), whose time zone it has. -ENOMEM. */
int textlog_configure_connections(struct textlog *log, const char *file);

/* A connection that ended; its line goes with the next report, at the latest. Its texts are copied. -ENOMEM. */
int textlog_add_connection(struct textlog *log, const struct store_connection *connection);

bool textlog_is_on(const struct textlog *log);

/* Starts the report of an interval: rows may hold a user more than once. The one before goes as it is. -ENOMEM. */
int textlog_add(struct textlog *log, int64_t end_sec, const struct store_usage *rows, size_t n);

/* The name of a user, "" when there is none. -ENOMEM. */
int textlog_note_name(struct textlog *log, int64_t uid, const char *name);

/* Hands the report to the thread if all names are known, or with force. -ENOMEM, -ENOBUFS: dropped, too much waits. */
int textlog_flush(struct textlog *log, bool force);

/* What went wrong in writing and was not told yet: one line, malloc'ed; NULL: nothing. */
char *textlog_take_complaint(struct textlog *log);

/*
 * Pure: the path of a user's log, PREFIX + NAME + ".log"; malloc'ed, or NULL. Bytes of the name other than letters,
 * digits and -_@+. (not at the beginning) become %XX, so that no name is a path, and no two names are one file. A user
 * without a name is uid-NUMBER.
 */
char *textlog_user_path(const char *prefix, int64_t uid, const char *name);
