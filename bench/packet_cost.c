/* What one packet costs: floods without and with programs of several kinds, taking turns; see bench/run, which makes
 * the network. */
#include "bench/packet_cost.h"
#include "bench/command.h"

#include "bench/program_time.h"
#include "common/cleanup.h"
#include "common/log.h"

#include <bpf/bpf.h>
#include <string.h>
#include <unistd.h>

enum { QUIET_SEC = 60, STAT_ROUNDS = 3, ATTEMPTS = 20 };

struct command {
    struct lab lab;
    unsigned rounds;
    const char *json;
    uint32_t cases; /* bit for each that takes part */
};

/* ---- options ---- */

COMMAND_TEXT(variants, lab.variants)
COMMAND_TEXT(pdttd, lab.pdttd)
COMMAND_TEXT(work_dir, lab.work_dir)
COMMAND_TEXT(cgroup, lab.flood.cgroup)
COMMAND_TEXT(client, lab.flood.client_ns)
COMMAND_TEXT(server, lab.flood.server_ns)
COMMAND_TEXT(address, lab.flood.server_address)
COMMAND_TEXT(json, json)

COMMAND_NUMBER(cpu, lab.flood.cpu, 0, 1023)
COMMAND_NUMBER(rounds, rounds, 1, ROUNDS_MAX)
COMMAND_NUMBER(packets, lab.flood.packets, 100, 10000000)
COMMAND_NUMBER(users, lab.flood.users, 1, FLOOD_USERS_MAX)

static int set_work(void *target, const char *argument)
{
    for (unsigned work = 0; work < FLOOD_WORKS; work++)
        if (strcmp(flood_work_word(work), argument) == 0) {
            ((struct command *)target)->lab.flood.work = work;
            return 0;
        }
    return options_complain("is not one of datagrams, requests, bulk");
}

static int set_cases(void *target, const char *argument)
{
    cleanup_free char *list = strdup(argument);
    char *rest = NULL;

    if (!list)
        return -ENOMEM;
    ((struct command *)target)->cases = 1u << CASE_NOTHING;
    for (char *word = strtok_r(list, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        unsigned c = 0;

        while (c < CASES && strcmp(cases[c].name, word) != 0)
            c++;
        if (c == CASES)
            return options_complain("'%s' is no case", word);
        ((struct command *)target)->cases |= 1u << c;
    }
    return 0;
}

static int set_shared(void *target, const char *argument)
{
    ((struct command *)target)->lab.shared = true;
    return 0;
}

#define USAGE                                                                                                          \
    "packet_cost --variants FILE … (bench/run gives all of them)\nWhat one packet costs, with programs of several "  \
    "kinds in turns. Root."

static const struct option_row rows[] = {
    {"variants", 0, "FILE", "object file with the programs to compare with", NULL, set_variants},
    {"pdttd", 0, "FILE", "the daemon", NULL, set_pdttd},
    {"work-dir", 0, "DIR", "where packet.conf, classes.conf and full.conf are", NULL, set_work_dir},
    {"cgroup", 0, "DIR", "cgroup v2 that the sockets are made in", NULL, set_cgroup},
    {"client", 0, "FILE", "network namespace that sends", NULL, set_client},
    {"server", 0, "FILE", "network namespace that receives", NULL, set_server},
    {"address", 0, "IPV4", "the server's address", NULL, set_address},
    {"cpu", 0, "N", "CPU that does all the work", NULL, set_cpu},
    {"rounds", 0, "N", "how often the cases take turns", NULL, set_rounds},
    {"packets", 0, "N", "packets, requests or blocks in one flood", NULL, set_packets},
    {"work", 0, "WORK", "datagrams (default), requests or bulk", NULL, set_work},
    {"users", 0, "N", "whose datagrams take turns (default: 1)", NULL, set_users},
    {"cases", 0, "NAME,...", "only these, and nothing attached (default: all)", NULL, set_cases},
    {"shared", 0, NULL, "go on where others count too: their price is in every case alike", NULL, set_shared},
    {"json", 0, "FILE", "where the figures go", NULL, set_json},
    COMMAND_HELP,
};

/* ---- one flood ---- */

static unsigned loaded_programs(const char *name)
{
    struct program_time times[PROGRAM_TIMES_MAX];
    unsigned found = 0;
    size_t n = 0;

    if (program_times_read(times, &n) == 0)
        for (size_t i = 0; i < n; i++)
            found += strcmp(times[i].name, name) == 0;
    return found;
}

static unsigned effective_programs(const struct lab *lab)
{
    __u32 ids[16], n = array_length(ids), flags;

    return bpf_prog_query(lab->cgroup_fd, BPF_CGROUP_INET_EGRESS, BPF_F_QUERY_EFFECTIVE, &flags, ids, &n) < 0 ? ~0U : n;
}

/* Another collector on this host, such as that of a test, would be measured too. */
static bool only_sees(const struct lab *lab, unsigned packet_programs, unsigned call_programs)
{
    if (lab->shared)
        return true;
    return effective_programs(lab) == packet_programs && loaded_programs("sock_send_lengt") == call_programs;
}

/* Waits while nothing of ours is attached, since others wait for quiet as well. */
static int await_quiet(const struct lab *lab)
{
    for (int second = 0; second < QUIET_SEC; second++) {
        if (only_sees(lab, 0, 0))
            return 0;
        sleep(1);
    }
    log_error(
        "%u programs see the packets and %u the calls of the flood, with none of ours attached; stop the other pdttd",
        effective_programs(lab), loaded_programs("sock_send_lengt"));
    return -EBUSY;
}

/* What is done while a case is in force. */
typedef int (*case_fn)(struct lab *lab, unsigned c, struct case_sample *sample, size_t round);

/* -EAGAIN: somebody else began to count meanwhile. */
static int attempt(struct lab *lab, unsigned c, case_fn fn, struct case_sample *sample, size_t round)
{
    unsigned packet = cases[c].packet_programs, call = cases[c].call_programs;
    int r = case_begin(lab, &cases[c]), ended;

    if (r == 0)
        r = only_sees(lab, packet, call) ? fn(lab, c, sample, round) : -EAGAIN;
    if (r == 0 && !only_sees(lab, packet, call))
        r = -EAGAIN;
    ended = case_end(lab, &cases[c]);
    return r < 0 ? r : ended;
}

static int in_quiet(struct lab *lab, unsigned c, case_fn fn, struct case_sample *sample, size_t round)
{
    for (int i = 0; i < ATTEMPTS; i++) {
        int r = await_quiet(lab);

        if (r == 0)
            r = attempt(lab, c, fn, sample, round);
        if (r != -EAGAIN)
            return r;
    }
    log_error("'%s': others counted as well, %d times in a row; stop them", cases[c].label, ATTEMPTS);
    return -EBUSY;
}

static int flood_case(struct lab *lab, unsigned c, struct flood_result *ret_result)
{
    struct flood flood = lab->flood;

    flood.receives = cases[c].receives;
    if (cases[c].thinner)
        flood.packets /= cases[c].thinner;
    return flood_run(&flood, ret_result);
}

/* ---- rounds ---- */

static int measure(struct lab *lab, unsigned c, struct case_sample *sample, size_t round)
{
    struct flood_result result;
    int r = flood_case(lab, c, &result);

    if (r == 0)
        sample->ns[round] = result.ns_per_packet;
    return r;
}

static bool takes_part(const struct command *command, unsigned c)
{
    return command->cases >> c & 1;
}

/* Each round begins with another case, so that none always has the same one before it. */
static int run_rounds(struct command *command, struct packet_costs *costs)
{
    for (size_t round = 0; round < command->rounds; round++) {
        for (unsigned i = 0; i < CASES; i++) {
            unsigned c = (i + round) % CASES;
            int r = !takes_part(command, c) ? 0 : in_quiet(&command->lab, c, measure, &costs->cases[c], round);

            if (r < 0)
                return r;
        }
        log_info("round %zu of %u", round + 1, command->rounds);
    }
    costs->rounds = command->rounds;
    return 0;
}

/* ---- what the kernel says of each program ---- */

static void keep_time(struct case_sample *sample, const struct program_time *time, unsigned packets)
{
    struct program_sample *p = sample->programs;

    while (p < sample->programs + sample->n_programs && strcmp(p->name, time->name) != 0)
        p++;
    if (p == sample->programs + CASE_PROGRAMS_MAX)
        return;
    if (p == sample->programs + sample->n_programs)
        memcpy(sample->programs[sample->n_programs++].name, time->name, sizeof(p->name));
    p->ns_per_run[p->n++] = (double)time->time_ns / time->runs;
    p->runs_per_packet = (double)time->runs / packets;
}

/* Of the flood are the programs of both directions, and those of the calls that send and that receive. */
static size_t expected_programs(unsigned c)
{
    return 2 * cases[c].packet_programs + (cases[c].receives ? 2 : 1) * cases[c].call_programs;
}

/* Less than one run in a hundred packets is not part of the flood. -EAGAIN: somebody else counted for a while. */
static int time_flood(struct lab *lab, unsigned c, struct case_sample *sample)
{
    cleanup_close int enabled = program_times_enable();
    struct program_time before[PROGRAM_TIMES_MAX], after[PROGRAM_TIMES_MAX];
    size_t n_before = 0, n_after = 0;
    struct flood_result result;
    int r = enabled < 0 ? enabled : program_times_read(before, &n_before);

    if (r == 0)
        r = flood_case(lab, c, &result);
    if (r == 0)
        r = program_times_read(after, &n_after);
    if (r < 0)
        return r;
    program_times_since(before, n_before, after, &n_after);
    for (size_t i = 0; i < n_after; i++)
        if (after[i].runs * 100 >= result.packets)
            keep_time(sample, &after[i], result.packets);
    /* TCP meets others of ours as well. */
    return !lab->shared && lab->flood.work == FLOOD_DATAGRAMS && sample->n_programs > expected_programs(c) ? -EAGAIN
                                                                                                           : 0;
}

/*
 * The floods are worth nothing unless every packet met the programs in both directions. How many packets a request or a
 * block takes is TCP's business, but one at least.
 */
static int check_runs(unsigned c, const struct case_sample *sample)
{
    unsigned seen = 0;

    for (size_t i = 0; i < sample->n_programs; i++)
        seen += sample->programs[i].runs_per_packet >= 0.999;
    if (seen >= 2 * cases[c].packet_programs)
        return 0;
    for (size_t i = 0; i < sample->n_programs; i++)
        log_info("%s ran %.4f times a packet", sample->programs[i].name, sample->programs[i].runs_per_packet);
    log_error("'%s': not every packet was seen in both directions", cases[c].label);
    return -ENODATA;
}

static int time_case(struct lab *lab, unsigned c, struct case_sample *sample, size_t round)
{
    int r = 0;

    memset(sample->programs, 0, sizeof(sample->programs)); /* of an attempt that was disturbed */
    sample->n_programs = 0;
    for (int i = 0; i < STAT_ROUNDS && r == 0; i++)
        r = time_flood(lab, c, sample);
    return r;
}

static int time_programs(struct command *command, struct packet_costs *costs)
{
    int r = 0;

    for (unsigned c = 0; c < CASES && r == 0; c++)
        if (takes_part(command, c) && cases[c].packet_programs) {
            r = in_quiet(&command->lab, c, time_case, &costs->cases[c], 0);
            if (r == 0)
                r = check_runs(c, &costs->cases[c]);
        }
    return r;
}

/* ---- all ---- */

static int run(struct command *command)
{
    static struct packet_costs costs; /* large */
    int r = lab_open(&command->lab);

    costs.packets = command->lab.flood.packets;
    costs.users = command->lab.flood.users;
    costs.work = command->lab.flood.work;
    costs.cases_taken = command->cases;
    if (r == 0)
        r = run_rounds(command, &costs);
    if (r == 0)
        r = time_programs(command, &costs);
    lab_close(&command->lab);
    if (r < 0)
        return r;
    costs_print(&costs);
    return costs_write_json(&costs, command->json);
}

static bool complete(const struct command *command)
{
    const struct lab *lab = &command->lab;

    return lab->variants && lab->pdttd && lab->work_dir && lab->flood.cgroup && lab->flood.client_ns &&
           lab->flood.server_ns && lab->flood.server_address && command->json;
}

int main(int argc, char **argv)
{
    struct command command = {.rounds = 9, .lab.flood = {.packets = 400000, .users = 1}, .cases = (1u << CASES) - 1};

    log_init("packet_cost");
    command_read(rows, array_length(rows), argc, argv, USAGE, &command);
    if (!complete(&command))
        command_incomplete(rows, array_length(rows), USAGE);
    return run(&command) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
