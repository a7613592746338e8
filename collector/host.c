#include "collector/host.h"

#include "collector/cgroup.h"
#include "collector/programs.h"
#include "collector/session.h"
#include "common/cleanup.h"
#include "common/escape.h"
#include "common/log.h"

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
        log_error("%s is missing: this kernel was built without CONFIG_DEBUG_INFO_BTF, which the programs need; boot one "
                  "that has it (Debian's have)", KERNEL_BTF);
        return -ENOENT;
    }
    return 0;
}

static int find_cgroup(const struct config *config, char **ret_path)
{
    cleanup_free char *why = NULL;
    int r = cgroup_find_root(config->cgroup, ret_path, &why);

    if (r < 0)
        log_error("%s", why ? why : strerror(-r));
    return r;
}

/* Only a reader's look: checking must not create or migrate anything. */
static int check_database(const struct config *config)
{
    cleanup_free char *why = NULL;
    struct store *store;
    int r = store_open(config->database, STORE_READ, &store, &why);

    if (r == 0)
        store_close(store);
    if (r == -ENOENT) {
        cleanup_free char *directory = strdup(config->database);
        char *slash = directory ? strrchr(directory, '/') : NULL;

        if (slash && slash != directory)
            *slash = '\0';
        if (directory && access(directory, W_OK) == 0)
            return 0; /* it will be made */
    }
    if (r < 0)
        log_error("%s", why ? why : strerror(-r));
    return r;
}

static int check_cgroup_layer(void)
{
    for (unsigned i = 0; i < PROGRAMS; i++) {
        cleanup_free char *why = NULL;
        int r = layer_rows[program_rows[i].layer].required ? programs_probe(i, &why) : 0;

        if (r < 0) {
            log_error("this kernel refuses %s: %s", program_rows[i].name, why ? why : strerror(-r));
            return r;
        }
    }
    return 0;
}

int host_check(const char *config_path)
{
    cleanup_free char *cgroup = NULL;
    struct config *config = NULL;
    int r = session_load_config(config_path, &config);

    if (r < 0)
        return r;
    r = find_cgroup(config, &cgroup);
    if (r == 0)
        r = host_require();
    if (r == 0)
        r = check_database(config);
    if (r == 0)
        r = check_cgroup_layer();
    if (r == 0)
        printf("%s: fine; %zu classes, cgroup %s, database %s\n", config->path ? config->path : "built-in defaults",
               config->n_classes, cgroup, config->database);
    config_free(config);
    return r;
}

static void print_program(unsigned program)
{
    const struct program_row *row = &program_rows[program];
    const struct layer_row *layer = &layer_rows[row->layer];
    cleanup_free char *why = NULL;
    int r = programs_probe(program, &why);
    cleanup_free char *shown = why ? escape_terminal(why) : NULL;

    printf("%-8s  %-20s  %-4s  %s\n", layer->name, row->name, r < 0 ? "no" : "ok", r < 0 && shown ? shown : "");
    if (r < 0 && !row->optional)
        printf("%-8s  %-20s  %-4s  without it: %s\n", "", "", "", layer->lost);
}

int host_probe(const char *config_path)
{
    struct config *config = NULL;
    cleanup_free char *cgroup = NULL;
    struct utsname host;
    int r = host_require();

    if (r == 0)
        r = session_load_config(config_path, &config);
    if (r < 0)
        return r;
    uname(&host);
    r = find_cgroup(config, &cgroup);
    config_free(config);
    if (r < 0)
        return r;
    printf("Linux %s, cgroup v2 at %s\n\n%-8s  %-20s  %-4s  %s\n", host.release, cgroup, "LAYER", "PROGRAM", "HERE",
           "WHY NOT");
    for (unsigned i = 0; i < PROGRAMS; i++)
        print_program(i);
    return 0;
}
