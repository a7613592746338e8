/*
 * The kernel side with policies and nothing around it, for tests: no store, no names service, no interval. Reads commands, one
 * a line, and answers each with lines of which the last is "done" or "failed REASON":
 *
 *   class NAME ID ADDRESS/LENGTH    (before begin; IPv4)
 *   begin PIN_PATH POLICIES CGROUP  sets up or goes on, for what is in the cgroup: policies are for nobody else on the machine
 *   member user|group|unit ID PROJECT
 *   unit PATH NUMBER                processes in this cgroup belong to the unit that policies call by its number
 *   apply FILE                      a policy a line, as common/policy_text.h reads it
 *   flip FILE FILE TIMES            applies the one and the other in turn
 *   enable INDEX 0|1
 *   renew 0|1                       policies that may lapse stay in force; with 1 also those that go by allocations
 *   never                           "never NAME BY WHY" for what the latest list has of them
 *   read                            "policy NAME total allowed blocked bytes blocked_bytes marked lookups", and "sum ..." with errors
 *   drain                           "row UID GID UNIT CLASS PROTOCOL FAMILY RX_BYTES TX_BYTES RX_PACKETS TX_PACKETS"
 */
#include "collector/policy_kernel.h"
#include "collector/units_table.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/policy_text.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

enum { MANY = 64 };

static struct kernel *kernel;
static struct ledger *ledger;
static struct policies *policies;
static struct policy_set *latest;
static struct policy_list lists[2];
static struct {
    char name[32];
    uint32_t id, prefix_len;
    uint8_t address[4];
} classes[MANY];
static struct {
    enum policy_member kind;
    uint32_t id;
    char project[32];
} members[MANY];
static size_t n_classes, n_members;

/* ---- names ---- */

static int find_user(const char *name, uint32_t *ret_uid, void *userdata)
{
    struct passwd *entry = getpwnam(name);

    (void)userdata;
    if (!entry)
        return -ENOENT;
    *ret_uid = entry->pw_uid;
    return 0;
}

static int find_group(const char *name, uint32_t *ret_gid, void *userdata)
{
    struct group *entry = getgrnam(name);

    (void)userdata;
    if (!entry)
        return -ENOENT;
    *ret_gid = entry->gr_gid;
    return 0;
}

static int find_class(const char *name, uint32_t *ret_class, void *userdata)
{
    (void)userdata;
    if (strcmp(name, "loopback") == 0 || strcmp(name, "external") == 0) {
        *ret_class = *name == 'l' ? PDTT_CLASS_LOOPBACK : PDTT_CLASS_EXTERNAL;
        return 0;
    }
    for (size_t i = 0; i < n_classes; i++)
        if (strcmp(classes[i].name, name) == 0) {
            *ret_class = classes[i].id;
            return 0;
        }
    return -ENOENT;
}

static int find_units(const char *unit, policy_add_unit_fn add, void *adder, void *userdata)
{
    (void)userdata;
    return add((uint32_t)atoi(unit), adder);
}

static int tell_members(policy_add_member_fn add, void *adder, void *userdata)
{
    int r = 0;

    (void)userdata;
    for (size_t i = 0; i < n_members && r == 0; i++)
        r = add(members[i].kind, members[i].id, members[i].project, adder);
    return r;
}

static const struct policy_names names = {
    .user = find_user, .group = find_group, .class_id = find_class, .units = find_units, .members = tell_members};

/* ---- commands ---- */

static int fill_classes(int fd_v4, int fd_v6, void *userdata, uint32_t *ret_flags)
{
    (void)fd_v6;
    (void)userdata;
    *ret_flags = PDTT_EPOCH_UNITS | (n_classes ? PDTT_EPOCH_CLASSES_V4 : 0);
    for (size_t i = 0; i < n_classes; i++) {
        struct pdtt_class_v4 key = {.prefix_len = classes[i].prefix_len};

        memcpy(key.address, classes[i].address, sizeof(key.address));
        if (bpf_map_update_elem(fd_v4, &key, &classes[i].id, BPF_ANY) < 0)
            return -errno;
    }
    return 0;
}

static int add_class(char **words)
{
    char *slash = strchr(words[3], '/');

    if (!slash || n_classes == MANY)
        return -EINVAL;
    *slash = '\0';
    snprintf(classes[n_classes].name, sizeof(classes[n_classes].name), "%s", words[1]);
    classes[n_classes].id = (uint32_t)atoi(words[2]);
    classes[n_classes].prefix_len = (uint32_t)atoi(slash + 1);
    return inet_pton(AF_INET, words[3], classes[n_classes++].address) == 1 ? 0 : -EINVAL;
}

static int begin(char **words)
{
    struct kernel_options options = {.pin_path = words[1],
                                     .cgroup_path = words[3],
                                     .accounts = 4096,
                                     .policies = (uint32_t)atoi(words[2]),
                                     .best_tier = getenv("PDTT_TEST_TIER"),
                                     .layers_off = 1u << LAYER_SOCKOPS,
                                     .fill_classes = fill_classes};
    cleanup_free char *why = NULL;
    struct ledger_maps maps;
    int r = kernel_open(&options, &kernel, &why);

    if (why)
        printf("%s\n", why);
    if (r < 0)
        return r;
    kernel_ledger_maps(kernel, &maps);
    r = ledger_open(&maps, &ledger);
    if (r == 0)
        r = ledger_clear(ledger, !ledger_active(ledger));
    return r < 0 ? r : policies_open(kernel, ledger, &policies);
}

static int add_member(char **words)
{
    if (n_members == MANY)
        return -ENOSPC;
    members[n_members].kind = strcmp(words[1], "unit") == 0   ? POLICY_MEMBER_UNIT
                              : strcmp(words[1], "user") == 0 ? POLICY_MEMBER_USER
                                                              : POLICY_MEMBER_GROUP;
    members[n_members].id = (uint32_t)atoi(words[2]);
    snprintf(members[n_members++].project, sizeof(members->project), "%s", words[3]);
    return 0;
}

static int note_unit(char **words)
{
    struct stat st;

    if (stat(words[1], &st) < 0)
        return -errno;
    return units_table_put(kernel_map_fd(kernel, MAP_UNITS), st.st_ino, (uint32_t)atoi(words[2]));
}

static int read_list(const char *path, struct policy_list *ret_list)
{
    cleanup_fclose FILE *f = fopen(path, "re");
    char line[POLICY_TEXT_MAX];
    int r = f ? 0 : -errno;

    while (r == 0 && fgets(line, sizeof(line), f)) {
        cleanup_free char *why = NULL;
        struct policy policy;

        line[strcspn(line, "\n")] = '\0';
        if (!*line)
            continue;
        r = policy_parse(line, &policy, &why);
        if (r < 0)
            printf("%s\n", why ? why : "no memory");
        else
            r = policy_list_add(ret_list, &policy);
    }
    return r;
}

static int apply(const char *path, unsigned which)
{
    struct policy_set *set = NULL;
    int r = 0;

    if (path) {
        policy_list_done(&lists[which]);
        lists[which] = (struct policy_list){};
        r = read_list(path, &lists[which]);
    }
    if (r == 0)
        r = policies_apply(policies, lists[which].v, lists[which].n, &names, &set);
    if (r == 0) {
        policy_set_free(latest);
        latest = set;
    }
    return r;
}

static int do_apply(char **words)
{
    return apply(words[1], 0);
}

static int do_flip(char **words)
{
    int r = apply(words[1], 0);

    if (r == 0)
        r = apply(words[2], 1);
    for (int i = 0; i < atoi(words[3]) && r == 0; i++)
        r = apply(NULL, i % 2);
    return r;
}

static int do_enable(char **words)
{
    return policies_enable(policies, (size_t)atoi(words[1]), atoi(words[2]) != 0);
}

static int do_renew(char **words)
{
    policies_renew(policies, atoi(words[1]) != 0);
    return 0;
}

static int do_never(char **words)
{
    size_t n = 0;
    const struct policy_never *never = latest ? policy_set_never(latest, &n) : NULL;

    (void)words;
    for (size_t i = 0; i < n; i++)
        printf("never %s %s %s\n", policies_name(policies, never[i].policy),
               never[i].by < 0 ? "-" : policies_name(policies, (size_t)never[i].by), never[i].why);
    return 0;
}

static void print_counters(const char *kind, const char *name, const struct policy_counters *c)
{
    printf("%s %s %llu %llu %llu %llu %llu %llu %llu %llu\n", kind, name, (unsigned long long)c->packets_total,
           (unsigned long long)c->packets_allowed, (unsigned long long)c->packets_blocked,
           (unsigned long long)c->bytes_total, (unsigned long long)c->bytes_blocked,
           (unsigned long long)c->packets_marked, (unsigned long long)c->policy_lookups,
           (unsigned long long)c->parse_errors);
}

static int do_read(char **words)
{
    size_t n = policies_n(policies);
    cleanup_free struct policy_counters *counters = calloc(n + 1, sizeof(*counters));
    struct policy_counters sum;
    int r = counters ? policies_read(policies, counters, &sum) : -ENOMEM;

    (void)words;
    for (size_t i = 0; i < n && r == 0; i++)
        print_counters("policy", policies_name(policies, i), &counters[i]);
    if (r == 0)
        print_counters("sum", "-", &sum);
    return r;
}

static int do_drain(char **words)
{
    int sealed = ledger_active(ledger);
    const struct pdtt_epoch *epoch = ledger_epoch(ledger, sealed);
    struct ledger_start start = {.epoch = epoch->epoch + 1,
                                 .start_ns = clock_realtime_ns(),
                                 .boot_ns = clock_boottime_ns(),
                                 .generation = epoch->generation,
                                 .flags = (epoch->flags & (PDTT_EPOCH_CLASSES_V4 | PDTT_EPOCH_UNITS)) |
                                          policies_epoch_flags(policies)};
    cleanup_free struct ledger_row *rows = NULL;
    struct ledger_row counted;
    size_t n = 0;
    int r = ledger_swap(ledger, &start);

    (void)words;
    if (r == 0)
        r = ledger_read(ledger, sealed, &rows, &n, &counted);
    for (size_t i = 0; i < n && r == 0; i++)
        printf("row %d %d %u %u %u %u %lld %lld %lld %lld\n", (int)rows[i].account.uid, (int)rows[i].account.gid,
               rows[i].account.unit, rows[i].account.class_id, rows[i].account.protocol, rows[i].account.family,
               (long long)rows[i].bytes[PDTT_RX], (long long)rows[i].bytes[PDTT_TX],
               (long long)rows[i].packets[PDTT_RX], (long long)rows[i].packets[PDTT_TX]);
    return r < 0 ? r : ledger_clear(ledger, sealed);
}

static const struct {
    const char *word;
    int words;
    int (*run)(char **words);
} commands[] = {
    {"class", 4, add_class}, {"begin", 4, begin},  {"member", 4, add_member}, {"unit", 3, note_unit},
    {"apply", 2, do_apply},  {"flip", 4, do_flip}, {"enable", 3, do_enable},  {"never", 1, do_never},
    {"renew", 2, do_renew},  {"read", 1, do_read}, {"drain", 1, do_drain},
};

static int run(char *line)
{
    char *words[8] = {}, *rest = NULL;
    int n = 0;

    for (char *word = strtok_r(line, " \n", &rest); word && n < 8; word = strtok_r(NULL, " \n", &rest))
        words[n++] = word;
    for (size_t i = 0; i < array_length(commands); i++)
        if (n == commands[i].words && strcmp(words[0], commands[i].word) == 0)
            return commands[i].run(words);
    return -EINVAL;
}

int main(void)
{
    char line[512];

    while (fgets(line, sizeof(line), stdin)) {
        int r = run(line);

        if (r < 0)
            printf("failed %s\n", strerror(-r));
        else
            printf("done\n");
        fflush(stdout);
    }
    policies_close(policies);
    ledger_close(ledger);
    kernel_close(kernel);
    return EXIT_SUCCESS;
}
