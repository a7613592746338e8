/*
 * What the files of this room share: the handle, how a failure is told, and the steps that an open store goes through.
 * Nothing outside sql/ includes it, except the room's own tests.
 */
#pragma once

#include <sqlite3.h>
#include <sys/stat.h>

#include "sql/statement.h"
#include "sql/store.h"

#define STORE_APPLICATION_ID 0x50445454 /* "PDTT" */

struct accounts;

struct store {
    sqlite3 *db;
    char *path; /* as given, for messages */
    enum store_mode mode;
    char *lock_path;
    int lock_fd;
    struct stat wal; /* the write-ahead log's identity when it was opened */
    struct statement statements[STATEMENT_COUNT];
    struct accounts *accounts;
    bool reading; /* between store_begin_read() and store_end_read() */
    char *host;
    char *why;
    char *unknown_name;
};

/* ---- failure.c ---- */

/* Keeps "PATH: MESSAGE" for store_why() and returns error, so that "return store_fail(...)" reads well. */
int store_fail(struct store *s, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same for what SQLite just said about s->db: finds the errno and the remedy. doing is what was tried: "booking".
 */
int store_fail_sqlite(struct store *s, const char *doing);

/* Process that holds the write lock of s, 0 if none is to be seen. */
int store_find_blocker(const struct store *s);

/* ---- file.c ---- */

/* Refuses a path that cannot be a database before anything is opened. ret_exists may be false for a writer only. */
int file_check_path(struct store *s, bool *ret_exists);

/* Opens s->db on path (never creates). flags is SQLITE_OPEN_READONLY or SQLITE_OPEN_READWRITE. */
int file_connect(struct store *s, const char *path, int flags);

/* Size and header: SQLite takes an empty file for an empty database. -EBADMSG. */
int file_check_contents(struct store *s);

/* Notes which file the write-ahead log is, for file_check_in_place(). */
int file_remember_wal(struct store *s);

/* -ESTALE when the database or its log was moved, deleted, replaced or emptied: writes would go on "succeeding". */
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

/* For a reader, which cannot migrate: -ENOTSUP when the schema is not this program's. */
int migrate_check(struct store *s);

/* ---- person.c ---- */

enum person_kind { PERSON_USER, PERSON_PROJECT };

/* The user (project) that uid (gid) number was when an interval started; creates a nameless one. In a transaction. */
int person_find(struct store *s, enum person_kind kind, int64_t number, int64_t start_sec, int64_t *ret_id);

/* ---- accounts.c ---- */

struct account_key {
    int64_t uid, gid, unit, class_id;
    int protocol, family, kind; /* family 4, 6 or 0 */
};

/* Remembers ids, so that an account that was booked before costs no query. NULL is a no-op for free and forget. */
struct accounts *accounts_new(void);
struct accounts *accounts_free(struct accounts *a);

/* To be called when a person or project changed and when a transaction that looked up accounts was rolled back. */
void accounts_forget(struct accounts *a);

/* The id of the account for an interval that starts at start_sec; creates it, its person and its project. In a
 * transaction. */
int accounts_find(struct store *s, const struct account_key *key, int64_t start_sec, int64_t *ret_id);

/* ---- transactions (open.c) ---- */

/* Runs work between BEGIN IMMEDIATE and COMMIT; rolls back when either fails and returns that error. */
int store_transaction(struct store *s, int (*work)(struct store *s, void *userdata), void *userdata);
