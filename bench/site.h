/*
 * An invented site: its accounts, which of them are active when, and how much they move. Pure and deterministic: the
 * same numbers give the same traffic on every machine.
 */
#pragma once

#include "sql/store.h"

#include <stddef.h>
#include <stdint.h>

#define SITE_FIRST_UID 10000
#define SITE_FIRST_GID 5000

struct site_account {
    int64_t user, project; /* numbers from 0, in the order of their names */
    int64_t class_id;
    int protocol, family;
    unsigned tx_scale, rx_scale; /* bytes in ten seconds are 2 to the power of this, and up to twice that */
};

struct site {
    struct site_account *accounts; /* in the order of user, project, class, protocol, family */
    size_t n_accounts, n_users, n_projects;
};

/* Six accounts for each user, in two projects. internal is the id of the class that is neither external nor loopback.
 */
int site_make(size_t n_users, int64_t internal, struct site *ret_site);
void site_done(struct site *site);

struct site_random {
    uint64_t state;
};

/* Accounts by their index, in order. */
struct site_set {
    uint32_t *v;
    size_t n;
};

/* n of the accounts of from, each set equally likely, in order; from->n at most. ret has room for them. */
void site_choose(struct site_random *random, const struct site_set *from, size_t n, struct site_set *ret);

/* What an account that is active moves in so many seconds. */
struct store_counters site_move(struct site_random *random, const struct site_account *account, int64_t seconds);
