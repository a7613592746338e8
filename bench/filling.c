#include "bench/filling.h"

#include "collector/programs.h"
#include "common/cleanup.h"
#include "common/clock.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>

enum { FIRST_UID = 100000, FIRST_GID = 5000, ACCOUNTS_PER_GID = 50, PACKET = 1500 };

struct filling {
    struct programs *programs;
    struct ledger_maps maps;
    struct ledger *ledger;
    struct pdtt_counters *counters[2]; /* mapped */
    struct pdtt_slot *accounts;        /* mapped */
    struct pdtt_layout layout;
    size_t counters_size, accounts_size;
};

static int load(uint32_t slots, uint32_t cpus, uint32_t policies, struct programs **ret_programs, char **ret_why)
{
    struct programs_config config = {.slots = slots, .cpus = cpus, .policies = programs_policies_room(policies)};

    for (unsigned i = 0; i < PROGRAMS; i++)
        if (program_rows[i].layer == LAYER_CGROUP)
            config.wanted |= 1u << i;
    memset(config.reuse_fd, -1, sizeof(config.reuse_fd));
    return programs_load(&config, ret_programs, ret_why);
}

static void *map_memory(int fd, size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

static int open_ledger(struct filling *f)
{
    struct ledger_start start = {.epoch = 1, .start_ns = clock_realtime_ns(), .boot_ns = clock_boottime_ns()};
    uint32_t zero = 0;
    int r;

    f->maps = (struct ledger_maps){
        .outer = programs_map_fd(f->programs, MAP_OUTER),
        .inner = {programs_map_fd(f->programs, MAP_INNER_0), programs_map_fd(f->programs, MAP_INNER_1)},
        .accounts = programs_map_fd(f->programs, MAP_ACCOUNTS),
        .slots = programs_map_fd(f->programs, MAP_SLOTS),
        .layout = programs_map_fd(f->programs, MAP_LAYOUT),
    };
    if (getrandom(&f->layout.ledger, sizeof(f->layout.ledger), 0) < 0)
        return -errno;
    f->layout.ledger &= INT64_MAX;
    if (bpf_map_update_elem(f->maps.layout, &zero, &f->layout, BPF_ANY) < 0)
        return -errno;
    r = ledger_open(&f->maps, &f->ledger);
    if (r == 0)
        ledger_begin(f->ledger, 0, &start);
    return r;
}

static int map_all(struct filling *f)
{
    f->counters_size = PDTT_LEDGER_ELEMENTS((size_t)f->layout.cpus, f->layout.slots) * sizeof(struct pdtt_counters);
    f->accounts_size = 2 * (size_t)f->layout.slots * sizeof(struct pdtt_slot);
    for (int half = 0; half < 2; half++) {
        f->counters[half] = map_memory(f->maps.inner[half], f->counters_size);
        if (!f->counters[half])
            return -errno;
    }
    f->accounts = map_memory(f->maps.accounts, f->accounts_size);
    return f->accounts ? 0 : -errno;
}

int filling_open(uint32_t n_accounts, uint32_t policies, struct filling **ret_filling, char **ret_why)
{
    struct filling *f = calloc(1, sizeof(*f));
    int r;

    *ret_why = NULL;
    if (!f)
        return -ENOMEM;
    f->layout.abi_version = PDTT_ABI_VERSION;
    f->layout.slots = n_accounts + 1;
    f->layout.cpus = libbpf_num_possible_cpus();
    r = load(f->layout.slots, f->layout.cpus, policies, &f->programs, ret_why);
    if (r == 0)
        r = open_ledger(f);
    if (r == 0)
        r = map_all(f);
    if (r < 0) {
        filling_close(f);
        return r;
    }
    *ret_filling = f;
    return 0;
}

const struct programs *filling_programs(const struct filling *f)
{
    return f->programs;
}

struct filling *filling_close(struct filling *f)
{
    if (!f)
        return NULL;
    for (int half = 0; half < 2; half++)
        if (f->counters[half])
            munmap(f->counters[half], f->counters_size);
    if (f->accounts)
        munmap(f->accounts, f->accounts_size);
    ledger_close(f->ledger);
    programs_free(f->programs);
    free(f);
    return NULL;
}

struct ledger *filling_ledger(const struct filling *f)
{
    return f->ledger;
}

int filling_program_fd(const struct filling *f, const char *name)
{
    return programs_fd(f->programs, programs_find(name));
}

/* As the kernel tells in a descriptor's information (memlock, from Linux 6.4 what is in use). */
static uint64_t map_bytes(int fd)
{
    char path[64], line[128];
    unsigned long long bytes = 0;

    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    cleanup_fclose FILE *info = fopen(path, "re");
    while (info && fgets(line, sizeof(line), info))
        if (sscanf(line, "memlock: %llu", &bytes) == 1)
            break;
    return bytes;
}

uint64_t filling_kernel_bytes(const struct filling *f)
{
    return map_bytes(f->maps.inner[0]) + map_bytes(f->maps.inner[1]) + map_bytes(f->maps.accounts) +
           map_bytes(f->maps.slots);
}

static void fill_account(struct pdtt_slot *account, uint32_t slot)
{
    account->account = (struct pdtt_account){
        .uid = FIRST_UID + slot,
        .gid = FIRST_GID + slot / ACCOUNTS_PER_GID,
        .class_id = PDTT_CLASS_EXTERNAL,
        .protocol = IPPROTO_TCP,
        .family = AF_INET,
        .kind = PDTT_KIND_USER,
    };
}

static void fill_counters(struct pdtt_counters *c, uint32_t slot)
{
    for (int d = 0; d < PDTT_DIRECTIONS; d++) {
        c->packets[d] = 1 + slot % 1000;
        c->bytes[d] = c->packets[d] * PACKET;
        c->payload[d] = c->packets[d] * (PACKET - 52);
    }
}

static int add_slots(const struct filling *f, const struct pdtt_slot *accounts, uint64_t epoch)
{
    uint32_t n = f->layout.slots - 1;
    cleanup_free struct pdtt_account *keys = calloc(n, sizeof(*keys));
    cleanup_free uint64_t *slots = calloc(n, sizeof(*slots));

    if (!keys || !slots)
        return -ENOMEM;
    for (uint32_t i = 0; i < n; i++) {
        keys[i] = accounts[i + 1].account;
        slots[i] = epoch << PDTT_SLOT_BITS | (i + 1);
    }
    return bpf_map_update_batch(f->maps.slots, keys, slots, &n, NULL) < 0 ? -errno : 0;
}

int filling_fill(struct filling *f)
{
    int half = ledger_active(f->ledger);
    struct pdtt_slot *accounts;
    struct pdtt_epoch *epoch;

    if (half < 0)
        return half;
    epoch = (struct pdtt_epoch *)f->counters[half];
    accounts = f->accounts + (epoch->epoch & 1) * (size_t)f->layout.slots;
    for (uint32_t slot = 1; slot < f->layout.slots; slot++) {
        fill_account(&accounts[slot], slot);
        for (uint32_t cpu = 0; cpu < f->layout.cpus; cpu++)
            fill_counters(f->counters[half] + 1 + (size_t)cpu * f->layout.slots + slot, slot);
    }
    epoch->next_slot = f->layout.slots;
    return add_slots(f, accounts, epoch->epoch);
}
