#include "collector/host.h"

#include "collector/cgroup.h"
#include "collector/interfaces.h"
#include "collector/pins.h"
#include "collector/programs.h"
#include "collector/session.h"
#include "collector/tiers.h"
#include "common/cleanup.h"
#include "common/escape.h"
#include "common/log.h"
#include "common/trusted.h"

#include <string.h>
#include <sys/utsname.h>

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"

int host_require(void)
{
    if (geteuid() != 0) {
        log_error("must be started by root: loading BPF programs needs it; try: sudo pdttd");
        return -EPERM;
    }
    if (access(KERNEL_BTF, R_OK) < 0) {
        log_error(
            "%s is missing: this kernel was built without CONFIG_DEBUG_INFO_BTF, which the programs need; boot one "
            "that has it (Debian's have)",
            KERNEL_BTF);
        return -ENOENT;
    }
    return 0;
}

static int find_cgroup(const struct config *config, char **ret_path)
{
    cleanup_free char *why = NULL;
    const char *origin = config_origin_of(config, "cgroup");
    int r = cgroup_find_root(config->cgroup, ret_path, &why);

    if (r < 0)
        log_error("%s%s%s", origin ? origin : "", origin ? ": " : "", why ? why : strerror(-r));
    return r;
}

/* Whether a file may be made there. */
static int check_parent(const char *path, char **ret_why)
{
    cleanup_close int fd = -1;

    free(take_ptr(*ret_why));
    return trusted_open_parent(path, &fd, ret_why);
}

/* Only a look: checking must not create or migrate anything. */
static int check_database(const struct config *config)
{
    cleanup_free char *why = NULL;
    int r = store_check(config->database, &why);

    if (r == 1) {
        log_info("%s", why ? why : "the database will be brought up to date when pdttd starts");
        return 0;
    }
    if (r == -ENOENT) {
        cleanup_free char *directory = strdup(config->database);
        char *slash = directory ? strrchr(directory, '/') : NULL;

        if (slash && slash != directory)
            *slash = '\0';
        if (directory && access(directory, W_OK) == 0)
            r = check_parent(config->database, &why); /* it will be made */
    }
    if (r < 0)
        log_error("%s", why ? why : strerror(-r));
    return r;
}

static int check_cgroup_layer(void)
{
    for (unsigned i = 0; i < PROGRAMS; i++) {
        cleanup_free char *why = NULL;
        int r = layer_rows[program_rows[i].layer].required ? programs_probe(i, false, &why) : 0;

        if (r < 0) {
            log_error("this kernel refuses %s: %s", program_rows[i].name, why ? why : strerror(-r));
            return r;
        }
    }
    return 0;
}

static int check_notices(const struct config *config)
{
    struct config_notify_user user;
    cleanup_free char *why = NULL;
    int r = config->notify_command.n ? config_check_notify(config, &user, &why) : 0;

    if (r < 0)
        log_error("%s", why ? why : strerror(-r));
    return r;
}

/* No start fails for these: reports are lost until they can be written. */
static void check_text_logs(const struct config *config)
{
    const struct {
        const char *key, *path;
    } logs[] = {{"log.file", config->log_file},
                {"log.per_user_prefix", config->log_per_user_prefix},
                {"log.connections", config->log_connections}};

    for (size_t i = 0; i < array_length(logs); i++) {
        cleanup_free char *why = NULL;
        int r = *logs[i].path ? check_parent(logs[i].path, &why) : 0;

        if (r < 0)
            log_warning("%s: key '%s': value \"%s\": cannot be written: %s%s", config_origin_of(config, logs[i].key),
                        logs[i].key, logs[i].path, why ? why : strerror(-r), r == -ENOENT ? "; make it" : "");
    }
}

static int check_pins(const struct config *config)
{
    cleanup_free char *why = NULL;
    int r = pins_check(config->pin_path, &why);

    if (r < 0)
        log_error("%s", why ? why : strerror(-r));
    return r;
}

static void print_fine(const struct config *config, const char *cgroup)
{
    printf("%s: fine; %zu class%s, %zu project%s, %zu polic%s, cgroup %s, database %s\n",
           config->path ? config->path : "built-in defaults", config->n_classes, config->n_classes == 1 ? "" : "es",
           config->n_projects, config->n_projects == 1 ? "" : "s", config->policies.n,
           config->policies.n == 1 ? "y" : "ies", cgroup, config->database);
}

static int check_host(const struct config *config, const char *cgroup)
{
    int r = host_require();

    if (r == 0 && !cgroup_is_host_root(cgroup))
        log_warning("%s", cgroup_partial_warning(cgroup, (char[CGROUP_WARNING_MAX]){}));
    if (r == 0)
        r = check_database(config);
    if (r == 0)
        r = check_pins(config);
    if (r == 0)
        r = check_notices(config);
    if (r == 0)
        r = check_cgroup_layer();
    if (r == 0)
        r = explain_unknown_names(config);
    if (r < 0)
        return r;
    check_text_logs(config);
    print_fine(config, cgroup);
    return 0;
}

/* A question about a rule is about the configuration alone, whoever asks it and wherever. */
static int answer(const struct config *config, const struct explain_question *question)
{
    cleanup_free char *cgroup = NULL, *why = NULL;

    cgroup_find_root(config->cgroup, &cgroup, &why);
    return explain_project(config, cgroup ? cgroup : "/sys/fs/cgroup", question);
}

int host_check(const char *config_path, const struct explain_question *question)
{
    cleanup_free char *cgroup = NULL;
    struct config *config = NULL;
    int r = session_load_config(config_path, &config);

    if (r < 0)
        return r;
    if (question->user || question->group || question->unit) {
        r = answer(config, question);
    } else {
        r = find_cgroup(config, &cgroup);
        if (r == 0)
            r = check_host(config, cgroup);
    }
    config_free(config);
    return r;
}

int host_has_pins(const char *config_path, bool *ret_has)
{
    cleanup_free char *maps = NULL, *links = NULL;
    struct config *config = NULL;
    int r = session_load_config(config_path, &config);

    if (r < 0)
        return r;
    if (asprintf(&maps, "%s/" PINS_MAPS, config->pin_path) < 0)
        maps = NULL;
    if (asprintf(&links, "%s/" PINS_LINKS, config->pin_path) < 0)
        links = NULL;
    r = maps && links ? 0 : -ENOMEM;
    /* What cannot be looked at is for the session to complain about. */
    if (r == 0)
        *ret_has = access(maps, F_OK) == 0 || errno != ENOENT || access(links, F_OK) == 0 || errno != ENOENT;
    if (r == 0 && !*ret_has)
        log_info("nothing is pinned below %s: counting has ended already", config->pin_path);
    config_free(config);
    return r;
}

static int probe(unsigned program, bool notes, char **ret_why, void *userdata)
{
    return programs_probe(program, notes, ret_why);
}

static void print_program(const struct tier_choice *choice, unsigned program)
{
    const struct program_row *row = &program_rows[program];
    const char *why = choice->missing[program];
    cleanup_free char *shown = why ? escape_terminal(why) : NULL;
    cleanup_free char *asked = NULL;

    /* What a start needs in any case is chosen unasked. */
    if (layer_rows[row->layer].required && programs_probe(program, false, &asked) < 0)
        shown = asked ? escape_terminal(asked) : NULL;
    printf("%-8s  %-22s  %-4s  %s\n", layer_rows[row->layer].name, row->name, why || asked ? "no" : "ok",
           shown ? shown : "");
}

/* Programs of a tier below the one that is in use say nothing about this host. */
static bool is_worth_a_line(const struct tier_choice *choice, unsigned program)
{
    return choice->wanted & program_bit(program) || !choice->missing[program] ||
           strcmp(choice->missing[program], TIER_NOT_NEEDED) != 0;
}

static void print_layer(const struct tier_choice *choice, enum layer layer)
{
    const struct tier_row *tier = &tier_rows[choice->tier];

    for (unsigned i = 0; i < PROGRAMS; i++)
        if (program_rows[i].layer == layer && is_worth_a_line(choice, i))
            print_program(choice, i);
    if (tier_layer_missing(choice, layer))
        printf("%-8s  without it: %s\n", "", layer_rows[layer].lost);
    else if (layer == LAYER_SYSCALL)
        printf("%-8s  tier %s: %s%s%s\n", "", tier->name, tier->how, *tier->lost ? "; " : "", tier->lost);
}

int host_probe(const char *config_path)
{
    struct config *config = NULL;
    cleanup_free char *cgroup = NULL;
    struct tier_wish wish = {.probe = probe};
    struct tier_choice choice;
    struct utsname host;
    int r = host_require();

    if (r == 0)
        r = session_load_config(config_path, &config);
    if (r < 0)
        return r;
    uname(&host);
    r = find_cgroup(config, &cgroup);
    if (r < 0) {
        config_free(config);
        return r;
    }
    printf("Linux %s, cgroup v2 at %s\n\n%-8s  %-22s  %-4s  %s\n", host.release, cgroup, "LAYER", "PROGRAM", "HERE",
           "WHY NOT");
    tier_choose(&wish, &choice);
    for (unsigned layer = 0; layer < LAYERS; layer++)
        print_layer(&choice, layer);
    tier_forget(&choice);
    interfaces_print(config);
    config_free(config);
    return 0;
}
