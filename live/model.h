/*
 * What moves right now: the rates, totals and recent past of everything that a view can show, fed by samples of pdttd's
 * counters. Pure: it has no clock, no socket and no screen.
 *
 * A flow is the finest thing that the samples tell apart. Its texts say what it is under each heading, and a view adds
 * up all flows that have the same text under the chosen one. Accounts and connections are two sets of flows that hold
 * the same bytes twice, so no view mixes them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum live_heading {
    LIVE_USER,
    LIVE_PROJECT,
    LIVE_CLASS,
    LIVE_UNIT,
    LIVE_PROCESS,
    LIVE_REMOTE,
    LIVE_CONNECTION,
    LIVE_HEADINGS
};

enum live_set { LIVE_ACCOUNTS, LIVE_CONNECTIONS, LIVE_SETS };

/* Samples that the past of a flow reaches back. */
#define LIVE_PAST 60

/* The set that knows a heading. Users are in both; the accounts hold all of what they move. */
enum live_set live_set_of(enum live_heading heading);

struct live_bytes {
    int64_t rx, tx;
};

struct live_model;

struct live_model *live_model_new(void); /* NULL: no memory */
struct live_model *live_model_free(struct live_model *m);

/* A sample begins, taken at at_ms of a clock that never steps. All that live_model_add() gets belongs to it. */
void live_model_begin(struct live_model *m, int64_t at_ms);

/*
 * What a flow of uid (below 0: nobody's, or not known) moved since the sample before. texts has LIVE_HEADINGS entries, NULL
 * where the set does not know it; they are copied. May be called more than once for a flow: it is added up. -ENOMEM.
 */
int live_model_add(struct live_model *m, enum live_set set, int64_t uid, const char *const texts[static LIVE_HEADINGS],
                   struct live_bytes moved);

/* The oldest flows that moved nothing within the past go when there are more than this: their bytes stay in the sum. */
#define LIVE_MOST_FLOWS 20000

enum live_order { LIVE_BY_RATE, LIVE_BY_RX_RATE, LIVE_BY_TX_RATE, LIVE_BY_TOTAL, LIVE_BY_NAME, LIVE_ORDERS };

struct live_row {
    const char *text; /* lives until the next sample */
    const char *user; /* of a process, remote or connection when it is one user's; NULL else */
    struct live_bytes total;
    double rx_rate, tx_rate; /* bytes a second, over the last sample */
    double past[LIVE_PAST];  /* bytes a second, both directions, the oldest first */
};

struct live_view {
    struct live_row *rows; /* malloc'ed, sorted */
    size_t n;
    struct live_row sum; /* of all rows, those that the filter leaves out included */
    size_t left_out;     /* by the filter */
};

/* Who is told as this: a user whom the viewer may not know. */
#define LIVE_OTHERS "(others)"

/* What a view is made of; all zero: of everything. */
struct live_sight {
    bool own;      /* only what is of uid, under the name user; NULL: it has none */
    bool nameless; /* whoever is not that is LIVE_OTHERS */
    int64_t uid;
    const char *user;
    const char *const *projects; /* only what is of one of these; n_projects 0: of any */
    size_t n_projects;
};

/*
 * The rows under a heading of what sight (NULL: everything) lets through, which the sum is of as well. filter: part of the text or of the user, in any case of the letters; NULL or "" leaves
 * none out. The view is live_view_done()'s. -ENOMEM.
 */
int live_model_view(const struct live_model *m, const struct live_sight *sight, enum live_heading heading,
                    enum live_order order, const char *filter, struct live_view *ret_view);
void live_view_done(struct live_view *view);
