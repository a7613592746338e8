/*
 * What reports of single things (connections, packets, sources) have in common: all is read in one snapshot, and rows point to
 * what is kept beside them.
 */
#pragma once

#include "report/ask.h"
#include "report/report.h"

struct listing {
    const struct report_options *o;
    int64_t now_sec;
    struct report_head head;
    struct rows rows;
    void **kept; /* of rows; each on its own, so that it stays where it is */
    size_t n, room;
};

struct listing_kind {
    ask_snapshot_fn read; /* userdata: the listing */
    int (*write)(struct listing *l, FILE *out);
    void (*free_kept)(void *kept); /* not NULL */
};

/* Takes it, malloc'ed, also when it fails (-ENOMEM). NULL fails so too. */
int listing_keep(struct listing *l, const struct listing_kind *kind, void *kept);

/* As report_write(). l: zeroed; nothing in it is the caller's afterwards. */
int listing_write(struct listing *l, const struct listing_kind *kind, struct store *s, const struct calendar *cal,
                  int64_t now_sec, const struct report_options *o, FILE *out, char **ret_why);
