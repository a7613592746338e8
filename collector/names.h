/*
 * Names of users and groups through NSS, which may ask a directory server and may hang for minutes: a worker thread
 * asks, the caller never waits. All functions are for one thread, the one that called names_start().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct names;

enum names_kind {
    NAMES_USER,  /* the name of a uid */
    NAMES_GROUP, /* the name of a gid */
    NAMES_UID,   /* the uid of a name */
    NAMES_GID,   /* the gid of a name */
};

struct names_answer {
    enum names_kind kind;
    uint32_t id;
    const char *name; /* "" when the id has no entry; valid until the next names_take() or names_stop() */
    int error;        /* NAMES_UID, NAMES_GID: 0; -ENOENT no such name; another negative errno: could not be asked */
};

/* Starts the worker with NSS, a refresh after 10 minutes and room for 16384 questions. Negative errno on failure. */
int names_start(struct names **ret);

/*
 * Asks for a name; meant to be called for every id of every interval. A question that is under way, or was answered
 * less than the refresh time ago, is not asked again; after that it is, so that renamed and recycled ids are noticed.
 * When NSS fails there is no answer, and the id is asked anew after half a minute. 0, or -ENOBUFS (too many questions
 * wait: ask in the next interval), -ENOMEM.
 */
int names_ask_user(struct names *n, uint32_t uid);
int names_ask_group(struct names *n, uint32_t gid);

/*
 * Asks for the id of a name, each time it is called: the caller remembers what it has asked and when. There always is
 * one answer. 0, or -ENOBUFS (too many questions wait), -ENOMEM: then there is none.
 */
int names_find_user(struct names *n, const char *name);
int names_find_group(struct names *n, const char *name);

/* Readable (EPOLLIN, level) while answers wait; owned by names. */
int names_fd(const struct names *n);

/* The next answer; false when none waits. Never blocks. */
bool names_take(struct names *n, struct names_answer *ret);

/* How many questions have no answer that was taken; those that NSS failed at do not count. */
size_t names_waiting(struct names *n);

/*
 * Ends it at once even when NSS hangs: the worker is left to end by itself and frees what it shares. Closes names_fd().
 * NULL is a no-op; returns NULL.
 */
struct names *names_stop(struct names *n);

/* For tests, and for hosts with other needs. Zero and NULL stand for the default of names_start(). */
struct names_options {
    /* 0 and a malloc'ed name; -ENOENT no entry; another negative errno: could not be asked. Run in the worker. */
    int (*find_user)(uint32_t uid, char **ret_name);
    int (*find_group)(uint32_t gid, char **ret_name);
    int64_t (*now_ns)(void); /* default clock_boottime_ns() */
    int64_t refresh_sec;
    int64_t retry_sec;  /* after a failure of NSS */
    size_t max_pending; /* questions and answers that wait */
    /* 0; -ENOENT no such name; another negative errno: could not be asked. Run in the worker. */
    int (*find_uid)(const char *name, uint32_t *ret_uid);
    int (*find_gid)(const char *name, uint32_t *ret_gid);
};
int names_start_with(const struct names_options *options, struct names **ret);
