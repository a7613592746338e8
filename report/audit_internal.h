/* What the files of --audit share: audit.c asks the store, audit_rows.c makes the rows of its answers. */
#pragma once

#include "report/audit.h"
#include "report/audit_words.h"
#include "report/plan.h"

/* What was added up of one kind of one source within one period; the texts are owned. */
struct audit_sum {
    size_t bucket;
    char *source, *kind;
    bool programs;
    struct store_counters n;
};

/* What the ledger has of one period. */
struct audit_booked {
    struct store_counters wire, loopback, unattributed, overflow;
    int64_t update_errors;
};

struct audit_layer {
    char *name, *text;
};

struct audit_job {
    const struct report_options *o;
    int64_t now_sec;
    struct period period;
    struct plan plan;
    struct report_head head;
    struct store_coverage stored;
    struct audit_sum *sums;
    size_t n_sums;
    struct audit_booked *booked; /* of each period */
    struct audit_layer *layers;
    size_t n_layers;
    struct audit_line **lines; /* of the rows; owned */
    size_t n_lines;
    struct rows rows;
};

/* The sum of a kind of a source within a period, NULL: nothing was added up. */
struct audit_sum *audit_find_sum(const struct audit_job *job, size_t bucket, const char *source, const char *kind);

/* The rows of all periods, in order. 0 or -ENOMEM. */
int audit_add_rows(struct audit_job *job);
