/* A question in the course of being answered: what its filters let through, and the sums that it is answered with. */
#pragma once

#include "sql/store_internal.h"
#include "sql/viewer.h"

enum filter_id { FILTER_USER, FILTER_PROJECT, FILTER_CLASS, FILTER_PROTOCOL, FILTERS };

struct asking {
    const struct store_query *query;
    store_row_fn fn;
    void *userdata;
    struct picks picks[FILTERS], units; /* what each filter lets through */
    struct sight sight;
    const struct picks *users; /* whom to ask for; NULL: the viewer may see nobody of them, empty: everybody */
    unsigned by;               /* as the question has it; LABELS_BY_CONNECTION_UNIT in place of STORE_BY_UNIT */
    bool raw;                  /* units are known to the raw level alone */
    struct tally sums;         /* by bucket and what was asked for: labels_key() */
};

/* Looks up the names of the question's filters. In a snapshot; -ENOENT as store_query_usage(). */
int asking_fill(struct store *s, struct asking *a);
void asking_done(struct asking *a);

/* Adds the ids that a name means, or a number: how many, or a negative errno. In a snapshot. */
int asking_pick(struct store *s, enum filter_id filter, const char *name, struct picks *p);

/* Whether the filters but that of users let it through. */
bool asking_passes(const struct asking *a, const struct label_ids *ids);
bool picks_pass(const struct picks *p, int64_t id);

/* Whether a connection is one of those asked for, whose owner the viewer may know. */
bool asking_shows(const struct asking *a, const struct label_ids *ids);

/* Adds n to the sum of those dimensions of ids that were asked for. */
int asking_sum(struct store *s, struct asking *a, size_t bucket, const struct label_ids *ids,
               const struct store_counters *n);

/* Adds what the ledger has of a piece. */
int asking_add_piece(struct store *s, struct asking *a, const struct piece *p);

/* ---- connection_query.c ---- */

/* -ERANGE: connections of that time have expired. In a snapshot. */
int connections_check_reach(struct store *s, int64_t since_sec);

/* The same sums from connections, and one of what no connection holds, so that both add up to the ledger's. */
int connections_sum(struct store *s, struct asking *a);
