/*
 * What "pdttd --status" shows: how counting and booking are, as facts and as a list of problems, each a line with a remedy.
 * The facts are noted as they happen; the rest is looked at when somebody asks.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/pdtt_abi.h"

struct session;

struct health {
    int64_t started_sec;     /* wall clock */
    int64_t booked_boot_ns;  /* boot-time clock, when all that was counted until then was in the store; 0: never */
    int64_t booked_sec;      /* wall clock of the same moment */
    int64_t drain_us;        /* what the last drain took */
    uint64_t policy_errors;  /* how often allocations that policies depend on could not be read */
    uint64_t intervals;      /* drained by this process */
    int64_t blocked_boot_ns; /* since when booking fails; 0: it does not */
    char *blocked_why;
    int64_t looked_sec;                   /* wall clock of the last look at programs and pins */
    int64_t gap_since_sec, gap_until_sec; /* not counted, and not in the store yet; since 0: nothing */
    unsigned repairs, databases;          /* times that programs were attached again, that a database was begun anew */
    char *damage;                         /* what is detached or not pinned, and why it stays so; NULL: nothing */
    uint64_t stats_before[PDTT_STATS];    /* at the start of this process */
};

/* The answer to "status"; {"healthy": bool, "problems": [...], ...}. NULL: out of memory. */
json_t *health_json(struct session *s);

/* Notes how a drain ended that took from started_boot_ns until now. */
void health_note_drain(struct session *s, int error, const char *why, int64_t started_boot_ns);
