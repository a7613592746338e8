/*
 * Telling somebody that an allocation is used up to a threshold: once for each threshold and period, whatever happens to pdttd.
 * Decides what is due and keeps it in the store; who runs the command is passed in.
 */
#pragma once

#include "collector/allocation_watch.h"
#include "collector/notifier.h"

struct notices;

struct notices_options {
    /* Begins to tell and does not wait, as notifier_ask(). */
    int (*ask)(uint64_t id, const char *const words[NOTICE_WORDS], void *userdata);
    void *userdata;
};

/* What it did since it was made, and what is. */
struct notices_counts {
    uint64_t told, failed; /* attempts that failed */
    size_t over;           /* allocations that are over a threshold now */
    bool asked;            /* somebody is being told */
    bool gone;             /* nobody can be told any more */
};

int notices_new(const struct notices_options *options, struct notices **ret);
struct notices *notices_free(struct notices *n); /* NULL is a no-op; returns NULL */

/* From now on these thresholds, the lowest first. -ENOMEM. */
int notices_set_thresholds(struct notices *n, const unsigned *at, size_t n_at);

/* After an interval is booked and the watch has looked: begins to tell what is due. What fails is logged and tried again. */
void notices_look(struct notices *n, struct store *store, const struct allocation_watch *watch, int64_t now_sec);

/* How the telling ended; begins with the next one. */
void notices_settle(struct notices *n, struct store *store, const struct allocation_watch *watch,
                    const struct notifier_outcome *outcome, int64_t now_sec);

/* Who runs the command is gone: says it once. */
void notices_lost(struct notices *n);

/* Nothing more is told: pdttd is about to end, and would take the command with it. */
void notices_stop(struct notices *n);

struct notices_counts notices_counts(const struct notices *n);
