/* What packet_cost found: every round of every case, and what the kernel says of each program. */
#pragma once

#include "bench/cases.h"
#include "bench/sample.h"

#include <stdint.h>

#define ROUNDS_MAX        101
#define CASE_PROGRAMS_MAX 16

struct program_sample {
    char name[16];
    double ns_per_run[ROUNDS_MAX], runs_per_packet;
    size_t n;
};

struct case_sample {
    double ns[ROUNDS_MAX]; /* per packet */
    struct program_sample programs[CASE_PROGRAMS_MAX];
    size_t n_programs;
};

struct packet_costs {
    struct case_sample cases[CASES];
    size_t rounds;
    unsigned packets; /* of one flood */
    unsigned users;
    enum flood_work work;
    uint32_t cases_taken; /* bit for each that took part */
};

/* One case against another, from their costs over their baselines. */
struct ratio_row {
    const char *name, *label;
    unsigned over, under;
    double target; /* at most; 0: none */
};
#define RATIOS 11
extern const struct ratio_row ratio_rows[RATIOS];

struct spread costs_ns(const struct packet_costs *costs, unsigned c); /* per packet */
struct spread costs_over_baseline(const struct packet_costs *costs, unsigned c);
struct spread costs_ratio(const struct packet_costs *costs,
                          const struct ratio_row *row); /* median is that of the medians */

void costs_print(const struct packet_costs *costs);
int costs_write_json(const struct packet_costs *costs, const char *path);
