/* Who belongs to what, by the host's users and groups and by the rules of the configuration, as they are now. */
#pragma once

#include "collector/config.h"
#include "serve/authorise.h"
#include "serve/claim.h"

struct directory;

/*
 * Reads the configuration at path (NULL: where pdttd looks, or the defaults). It is read again when its file changes; a
 * bad one is logged and the one before it stays. *ret_why as of config_load().
 */
int directory_open(const char *path, struct directory **ret_directory, char **ret_why);
struct directory *directory_close(struct directory *d); /* NULL is a no-op; returns NULL */

/* The path of the database, malloc'ed; NULL when memory is out. */
char *directory_database(struct directory *d);

/* The path of pdttd's control socket, alike. */
char *directory_control(struct directory *d);

/* How many users have series of their own. */
size_t directory_metrics_users(struct directory *d);

/* A header of the request; NULL: there is none. */
typedef const char *(*directory_header_fn)(void *request, const char *name);

/* For whom a request is answered; the headers of evidence are looked up here. As claim_decide(). */
int directory_claim(struct directory *d, struct evidence evidence, directory_header_fn header, void *request,
                    struct claim *ret, const char **ret_why);

/* Whether this uid is the configured proxy's. */
bool directory_trusts(struct directory *d, int64_t uid);

/* Whether directory_find() would ask the host's services, which may hang. */
bool directory_must_ask(struct directory *d, const struct claim *claim);

/*
 * Who that is. What is found is believed for some seconds. Any number of threads may call it. -EAGAIN: the host's
 * services could not be asked; -EACCES: the host has no user of this name; -ENOMEM. membership_done() is due after
 * success.
 */
int directory_find(struct directory *d, const struct claim *claim, struct membership *ret);

/* ---- pure ---- */

struct identity_group {
    int64_t gid;
    char *name; /* NULL: none */
};

/* A user and all groups, primary and supplementary. */
struct identity {
    int64_t uid;
    char *name; /* NULL: none */
    struct identity_group *groups;
    size_t n_groups;
};

/*
 * Projects are those of the rules that name the user or one of the groups, and those that are named like one of the
 * groups. -ENOMEM.
 */
int membership_decide(const struct config *config, const struct identity *identity, struct membership *ret);
