#include "collector/verifier_log.h"

#include "collector/host.h"
#include "collector/programs.h"
#include "collector/session.h"
#include "collector/tiers.h"
#include "common/cleanup.h"
#include "common/escape.h"
#include "common/log.h"

#include <string.h>

/* Room of which only what is written costs memory: the ledger's programs take some 50 MB in full. */
#define ROOM (256u << 20)

/* Levels of the verifier: BPF_LOG_LEVEL1, 2 and BPF_LOG_STATS of linux/bpf_verifier.h. */
#define SUMMARY (1 | 4)
#define ALL     (2 | 4)

static int probe(unsigned program, bool notes, char **ret_why, void *userdata)
{
    return programs_probe(program, notes, ret_why);
}

/* Programs of a tier below the one that is in use say nothing about this host. */
static bool is_wanted(const struct tier_choice *choice, unsigned program)
{
    return choice->wanted & program_bit(program) || !choice->missing[program] ||
           strcmp(choice->missing[program], TIER_NOT_NEEDED) != 0;
}

static int print_program(unsigned program, const struct programs_log *log, bool notes, uint32_t policies)
{
    const struct program_row *row = &program_rows[program];
    cleanup_free char *why = NULL, *shown = NULL;
    int r;

    log->text[0] = '\0';
    r = programs_explain(program, notes, policies, log, &why);
    shown = escape_terminal(why ? why : strerror(-r));
    printf("== %s %s: %s%s\n%s", layer_rows[row->layer].name, row->name, r == 0 ? "taken" : "refused: ",
           r == 0  ? ""
           : shown ? shown
                   : "?",
           log->text);
    if (*log->text && log->text[strlen(log->text) - 1] != '\n')
        putchar('\n');
    if (r < 0 && layer_rows[row->layer].required)
        log_error("this kernel refuses %s, without which nothing can be counted", row->name);
    return layer_rows[row->layer].required ? r : 0;
}

static int print_all(const struct config *config, const struct programs_log *log)
{
    uint32_t policies = programs_take_policies() ? programs_policies_room(config->limit_policies) : 0;
    struct tier_wish wish = {.probe = probe};
    struct tier_choice choice;
    int r = 0;

    tier_choose(&wish, &choice);
    for (unsigned i = 0; i < PROGRAMS; i++) {
        int one = is_wanted(&choice, i) ? print_program(i, log, choice.notes, policies) : 0;

        r = one < 0 ? one : r;
    }
    tier_forget(&choice);
    return fflush(stdout) == 0 ? r : -errno;
}

int verifier_log_print(const char *config_path, bool full)
{
    cleanup_free char *text = calloc(1, ROOM);
    const struct programs_log log = {text, ROOM, full ? ALL : SUMMARY};
    struct config *config = NULL;
    int r = text ? host_require() : -ENOMEM;

    if (r == 0)
        r = session_load_config(config_path, &config);
    if (r == 0)
        r = print_all(config, &log);
    config_free(config);
    return r;
}
