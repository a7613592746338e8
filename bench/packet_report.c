#include "bench/packet_cost.h"

#include "common/cleanup.h"
#include "common/log.h"

#include <jansson.h>
#include <string.h>

const struct ratio_row ratio_rows[RATIOS] = {
    {"pdtt_to_empty", "PDTT to an empty pair of programs", CASE_PDTT_PACKET, CASE_EMPTY, 2.0},
    {"classes_to_empty", "PDTT with its built-in classes to an empty pair", CASE_PDTT_CLASSES, CASE_EMPTY, 2.0},
    {"connections_to_empty", "PDTT with records of connections to an empty pair", CASE_PDTT_CONNECTIONS, CASE_EMPTY,
     2.0},
    {"connections_to_pdtt", "PDTT with records of connections to PDTT without", CASE_PDTT_CONNECTIONS, CASE_PDTT_PACKET,
     0},
    {"full_to_empty", "PDTT with a system call for each packet to an empty pair", CASE_PDTT, CASE_EMPTY, 0},
    {"pdtt_to_nftables", "PDTT, both directions, to nftables in one", CASE_PDTT_PACKET, CASE_NFTABLES, 0.9},
    {"classes_to_nftables", "PDTT with its built-in classes to nftables", CASE_PDTT_CLASSES, CASE_NFTABLES, 0.9},
    {"packet_to_ip_accounting", "PDTT to two counters of a cgroup", CASE_PDTT_PACKET, CASE_IP_ACCOUNTING, 0},
    {"pdtt_to_nftables_1000", "PDTT to nftables with 1,000 rules", CASE_PDTT_PACKET, CASE_NFTABLES_1000, 0},
    {"hash_to_pdtt", "a preallocated per-CPU hash to PDTT's arrays", CASE_HASH, CASE_PDTT_PACKET, 0},
    {"hash_growing_to_pdtt", "a growing per-CPU hash to PDTT's arrays", CASE_HASH_GROWING, CASE_PDTT_PACKET, 0},
};

struct spread costs_ns(const struct packet_costs *costs, unsigned c)
{
    double ns[ROUNDS_MAX];

    memcpy(ns, costs->cases[c].ns, sizeof(ns));
    return sample_spread(ns, costs->rounds);
}

/* Within a round, so that what made the whole round slow cancels out. */
static double cost_in_round(const struct packet_costs *costs, unsigned c, size_t round)
{
    return costs->cases[c].ns[round] - costs->cases[cases[c].baseline].ns[round];
}

struct spread costs_over_baseline(const struct packet_costs *costs, unsigned c)
{
    double cost[ROUNDS_MAX];

    for (size_t i = 0; i < costs->rounds; i++)
        cost[i] = cost_in_round(costs, c, i);
    return sample_spread(cost, costs->rounds);
}

struct spread costs_ratio(const struct packet_costs *costs, const struct ratio_row *row)
{
    double ratio[ROUNDS_MAX];
    struct spread spread;

    for (size_t i = 0; i < costs->rounds; i++)
        ratio[i] = cost_in_round(costs, row->over, i) / cost_in_round(costs, row->under, i);
    spread = sample_spread(ratio, costs->rounds);
    spread.median = costs_over_baseline(costs, row->over).median / costs_over_baseline(costs, row->under).median;
    return spread;
}

/* ---- for people ---- */

static void print_programs(const struct case_sample *sample)
{
    for (size_t i = 0; i < sample->n_programs; i++) {
        struct program_sample p = sample->programs[i];

        printf("    %-20s %6.1f ns a run, %.3f runs a packet\n", p.name, sample_spread(p.ns_per_run, p.n).median,
               p.runs_per_packet);
    }
}

static bool took_part(const struct packet_costs *costs, unsigned c)
{
    return costs->cases_taken >> c & 1;
}

static bool has_ratio(const struct packet_costs *costs, const struct ratio_row *row)
{
    return took_part(costs, row->over) && took_part(costs, row->under);
}

void costs_print(const struct packet_costs *costs)
{
    printf("%-58s %9s %9s %15s\n", flood_work_word(costs->work), "ns/step", "its cost", "quartiles");
    for (unsigned c = 0; c < CASES; c++) {
        struct spread cost = costs_over_baseline(costs, c);

        if (!took_part(costs, c))
            continue;

        printf("%-58s %9.1f %9.1f %7.1f %7.1f\n", cases[c].label, costs_ns(costs, c).median, cost.median, cost.low,
               cost.high);
        print_programs(&costs->cases[c]);
    }
    for (size_t i = 0; i < RATIOS; i++) {
        struct spread ratio;

        if (!has_ratio(costs, &ratio_rows[i]))
            continue;
        ratio = costs_ratio(costs, &ratio_rows[i]);
        printf("%-58s %9.2f %9s %7.2f %7.2f\n", ratio_rows[i].label, ratio.median, "", ratio.low, ratio.high);
    }
}

/* ---- for programs ---- */

static json_t *json_of_spread(struct spread s)
{
    return json_pack("{s:f, s:f, s:f}", "median", s.median, "low", s.low, "high", s.high);
}

static json_t *json_of_programs(const struct case_sample *sample)
{
    json_t *list = json_array();

    for (size_t i = 0; i < sample->n_programs; i++) {
        struct program_sample p = sample->programs[i];

        json_array_append_new(list,
                              json_pack("{s:s, s:f, s:f}", "name", p.name, "ns_per_run",
                                        sample_spread(p.ns_per_run, p.n).median, "runs_per_packet", p.runs_per_packet));
    }
    return list;
}

static json_t *json_of_cases(const struct packet_costs *costs)
{
    json_t *list = json_array();

    for (unsigned c = 0; c < CASES; c++)
        if (took_part(costs, c))
            json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "name", cases[c].name, "label",
                                                  cases[c].label, "baseline", cases[cases[c].baseline].name,
                                                  "ns_per_packet", json_of_spread(costs_ns(costs, c)), "cost_ns",
                                                  json_of_spread(costs_over_baseline(costs, c)), "programs",
                                                  json_of_programs(&costs->cases[c])));
    return list;
}

static json_t *json_of_ratios(const struct packet_costs *costs)
{
    json_t *list = json_array();

    for (size_t i = 0; i < RATIOS; i++)
        if (has_ratio(costs, &ratio_rows[i]))
            json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:f}", "name", ratio_rows[i].name, "label",
                                                  ratio_rows[i].label, "ratio",
                                                  json_of_spread(costs_ratio(costs, &ratio_rows[i])), "target",
                                                  ratio_rows[i].target));
    return list;
}

int costs_write_json(const struct packet_costs *costs, const char *path)
{
    json_t *all =
        json_pack("{s:s, s:i, s:i, s:i, s:i, s:o, s:o}", "work", flood_work_word(costs->work), "users",
                  (int)costs->users, "rounds", (int)costs->rounds, "packets_per_flood", (int)costs->packets,
                  "packet_bytes", FLOOD_PACKET_BYTES, "cases", json_of_cases(costs), "ratios", json_of_ratios(costs));
    int r = all ? json_dump_file(all, path, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) : -1;

    json_decref(all);
    if (r < 0)
        log_error("cannot write %s", path);
    return r < 0 ? -EIO : 0;
}
