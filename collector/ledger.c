#include "collector/ledger.h"

#include "common/cleanup.h"
#include "common/fault.h"

#include <bpf/bpf.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

struct ledger {
    struct ledger_maps maps;
    struct pdtt_layout layout;
    uint32_t inner_id[2];
    struct pdtt_counters *counters[2]; /* mapped; element 0 is the header */
    struct pdtt_slot *accounts;        /* mapped; both halves */
    size_t counters_size, accounts_size;
    uint64_t keys; /* in the slots map, at most; not known at first */
};

static size_t counters_per_half(const struct pdtt_layout *layout)
{
    return PDTT_LEDGER_ELEMENTS((size_t)layout->cpus, layout->slots);
}

/* -EPROTO unless the map has the shape that the layout says. */
static int check_map(int fd, uint32_t type, uint32_t value_size, uint64_t entries, uint32_t *ret_id)
{
    struct bpf_map_info info = {};
    uint32_t size = sizeof(info);

    if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
        return -errno;
    if (info.type != type || info.value_size != value_size || info.max_entries != entries)
        return -EPROTO;
    if (ret_id)
        *ret_id = info.id;
    return 0;
}

static int check_shape(struct ledger *l)
{
    const struct pdtt_layout *layout = &l->layout;
    uint64_t both = 2 * (uint64_t)layout->slots;
    int r = 0;

    if (layout->abi_version != PDTT_ABI_VERSION || layout->slots < 2 || !layout->cpus)
        return -EPROTO;
    for (int half = 0; half < 2 && r == 0; half++)
        r = check_map(l->maps.inner[half], BPF_MAP_TYPE_ARRAY, sizeof(struct pdtt_counters), counters_per_half(layout),
                      &l->inner_id[half]);
    if (r == 0)
        r = check_map(l->maps.accounts, BPF_MAP_TYPE_ARRAY, sizeof(struct pdtt_slot), both, NULL);
    if (r == 0)
        r = check_map(l->maps.slots, BPF_MAP_TYPE_HASH, sizeof(uint64_t), both, NULL);
    return r;
}

static int map_memory(int fd, size_t size, void *ret_memory)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (memory == MAP_FAILED)
        return -errno;
    *(void **)ret_memory = memory;
    return 0;
}

int ledger_open(const struct ledger_maps *maps, struct ledger **ret_ledger)
{
    struct ledger *l = calloc(1, sizeof(*l));
    uint32_t zero = 0;
    int r;

    if (!l)
        return -ENOMEM;
    l->maps = *maps;
    l->keys = UINT32_MAX; /* what an earlier process left is counted by the first sweep */
    r = check_map(maps->layout, BPF_MAP_TYPE_ARRAY, sizeof(l->layout), 1, NULL);
    if (r == 0 && bpf_map_lookup_elem(maps->layout, &zero, &l->layout) < 0)
        r = -errno;
    if (r == 0)
        r = check_shape(l);
    l->counters_size = counters_per_half(&l->layout) * sizeof(struct pdtt_counters);
    l->accounts_size = 2 * (size_t)l->layout.slots * sizeof(struct pdtt_slot);
    for (int half = 0; half < 2 && r == 0; half++)
        r = map_memory(maps->inner[half], l->counters_size, &l->counters[half]);
    if (r == 0)
        r = map_memory(maps->accounts, l->accounts_size, &l->accounts);
    if (r < 0) {
        ledger_close(l);
        return r;
    }
    *ret_ledger = l;
    return 0;
}

struct ledger *ledger_close(struct ledger *l)
{
    if (!l)
        return NULL;
    for (int half = 0; half < 2; half++)
        if (l->counters[half])
            munmap(l->counters[half], l->counters_size);
    if (l->accounts)
        munmap(l->accounts, l->accounts_size);
    free(l);
    return NULL;
}

const struct pdtt_layout *ledger_layout(const struct ledger *l)
{
    return &l->layout;
}

int ledger_active(const struct ledger *l)
{
    uint32_t zero = 0, id;

    if (bpf_map_lookup_elem(l->maps.outer, &zero, &id) < 0)
        return -errno;
    for (int half = 0; half < 2; half++)
        if (l->inner_id[half] == id)
            return half;
    return -EPROTO;
}

static struct pdtt_epoch *header(const struct ledger *l, int half)
{
    return (struct pdtt_epoch *)&l->counters[half][0];
}

const struct pdtt_epoch *ledger_epoch(const struct ledger *l, int half)
{
    return header(l, half);
}

void ledger_begin(struct ledger *l, int half, const struct ledger_start *start)
{
    *header(l, half) = (struct pdtt_epoch){
        .epoch = start->epoch,
        .start_ns = start->start_ns,
        .boot_ns = start->boot_ns,
        .next_slot = 1,
        .generation = start->generation,
        .flags = start->flags,
        .errors = start->errors,
    };
}

static int activate(struct ledger *l, int half)
{
    uint32_t zero = 0;

    return bpf_map_update_elem(l->maps.outer, &zero, &l->maps.inner[half], BPF_ANY) < 0 ? -errno : 0;
}

int ledger_swap(struct ledger *l, const struct ledger_start *start)
{
    int active = ledger_active(l);

    if (active < 0)
        return active;
    ledger_begin(l, !active, start);
    fault_point("swap-prepared");
    return activate(l, !active);
}

int ledger_change_flags(struct ledger *l, uint32_t mask, uint32_t flags)
{
    int active = ledger_active(l);

    if (active < 0)
        return active;
    __atomic_store_n(&header(l, active)->flags, (header(l, active)->flags & ~mask) | flags, __ATOMIC_RELEASE);
    return activate(l, active);
}

int ledger_barrier(struct ledger *l)
{
    int active = ledger_active(l);

    return active < 0 ? active : activate(l, active);
}

static uint32_t slots_in_use(const struct ledger *l, int half)
{
    uint32_t next = header(l, half)->next_slot;

    return next > l->layout.slots ? l->layout.slots : next;
}

/* Which part of the accounts map belongs to a half: the epoch's parity says, as in the programs. */
static struct pdtt_slot *half_accounts(const struct ledger *l, int half)
{
    return l->accounts + (header(l, half)->epoch & 1) * (size_t)l->layout.slots;
}

static struct pdtt_counters *cpu_counters(const struct ledger *l, int half, uint32_t cpu)
{
    return l->counters[half] + 1 + (size_t)cpu * l->layout.slots;
}

static bool row_is_zero(const struct ledger_row *row)
{
    uint64_t any = 0;

    for (int d = 0; d < PDTT_DIRECTIONS; d++)
        any |= row->bytes[d] | row->packets[d] | row->payload[d];
    return any == 0;
}

static void add_counters(struct ledger_row *row, const struct pdtt_counters *c)
{
    for (int d = 0; d < PDTT_DIRECTIONS; d++) {
        row->bytes[d] += c->bytes[d];
        row->packets[d] += c->packets[d];
        row->payload[d] += c->payload[d];
    }
}

static void add_row(struct ledger_row *sum, const struct ledger_row *row)
{
    for (int d = 0; d < PDTT_DIRECTIONS; d++) {
        sum->bytes[d] += row->bytes[d];
        sum->packets[d] += row->packets[d];
        sum->payload[d] += row->payload[d];
    }
}

static void add_moved(struct ledger_row *row, const struct pdtt_slot *slot)
{
    for (int d = 0; d < PDTT_DIRECTIONS; d++) {
        row->bytes[d] += slot->moved_bytes[d];
        row->packets[d] += slot->moved_packets[d];
    }
}

static void name_account(struct ledger_row *row, const struct pdtt_slot *slot, uint32_t index)
{
    row->account = slot->account;
    if (index == 0)
        row->account = (struct pdtt_account){.uid = PDTT_NO_ID, .gid = PDTT_NO_ID, .kind = PDTT_KIND_OVERFLOW};
}

int ledger_read(const struct ledger *l, int half, struct ledger_row **ret_rows, size_t *ret_n,
                struct ledger_row *ret_counted)
{
    uint32_t n_slots = slots_in_use(l, half);
    const struct pdtt_slot *accounts = half_accounts(l, half);
    cleanup_free struct ledger_row *rows = calloc(n_slots ? n_slots : 1, sizeof(*rows));
    struct ledger_row counted = {};
    size_t n = 0;

    if (!rows)
        return -ENOMEM;
    for (uint32_t cpu = 0; cpu < l->layout.cpus; cpu++)
        for (uint32_t slot = 0; slot < n_slots; slot++)
            add_counters(&rows[slot], cpu_counters(l, half, cpu) + slot);
    for (uint32_t slot = 0; slot < n_slots; slot++) {
        struct ledger_row row = rows[slot];

        add_row(&counted, &row);
        add_moved(&row, &accounts[slot]);
        if (row_is_zero(&row))
            continue;
        name_account(&row, &accounts[slot], slot);
        rows[n++] = row;
    }
    *ret_rows = take_ptr(rows);
    *ret_n = n;
    *ret_counted = counted;
    return 0;
}

static struct pdtt_counters *beyond_of(const struct ledger *l, int half, uint32_t cpu)
{
    return l->counters[half] + PDTT_BEYOND_ELEMENT((size_t)l->layout.cpus, l->layout.slots, cpu);
}

void ledger_read_beyond(const struct ledger *l, int half, struct ledger_row *ret_sum, uint64_t *ret_connections)
{
    *ret_sum = (struct ledger_row){};
    *ret_connections = 0;
    for (uint32_t cpu = 0; cpu < l->layout.cpus; cpu++) {
        add_counters(ret_sum, &beyond_of(l, half, cpu)[PDTT_BEYOND_SUM]);
        *ret_connections += beyond_of(l, half, cpu)[PDTT_BEYOND_COUNT].bytes[0];
    }
}

/* ---- the slots map: entries outlive their epoch, so they are swept before they can fill it ---- */

#define SWEEP_BATCH 4096

struct sweep {
    struct pdtt_account *keys, *stale;
    uint64_t *values;
    uint32_t n, n_stale;
};

static void sweep_done(struct sweep *sweep)
{
    free(sweep->keys);
    free(sweep->stale);
    free(sweep->values);
}

static int sweep_allocate(struct sweep *sweep, uint32_t capacity)
{
    *sweep = (struct sweep){.keys = calloc(capacity, sizeof(*sweep->keys)),
                            .stale = calloc(capacity, sizeof(*sweep->stale)),
                            .values = calloc(capacity, sizeof(*sweep->values))};
    return sweep->keys && sweep->stale && sweep->values ? 0 : -ENOMEM;
}

/* All entries, as they are at some moment during the call; a batch that is too small for a bucket is a kernel's ENOSPC. */
static int sweep_read(const struct ledger *l, struct sweep *sweep, uint32_t capacity)
{
    uint32_t position = 0;
    bool first = true;

    while (sweep->n < capacity) {
        uint32_t n = capacity - sweep->n < SWEEP_BATCH ? capacity - sweep->n : SWEEP_BATCH;
        int r = bpf_map_lookup_batch(l->maps.slots, first ? NULL : &position, &position, sweep->keys + sweep->n,
                                     sweep->values + sweep->n, &n, NULL);

        if (r < 0 && errno != ENOENT)
            return -errno;
        sweep->n += n;
        if (r < 0)
            break;
        first = false;
    }
    return 0;
}

/* A batch stops at a key that is not there: step over it. */
static int delete_keys(int fd, const struct pdtt_account *keys, uint32_t n)
{
    while (n) {
        uint32_t done = n;

        if (bpf_map_delete_batch(fd, keys, &done, NULL) == 0)
            return 0;
        if (errno != ENOENT || done >= n)
            return -errno;
        keys += done + 1;
        n -= done + 1;
    }
    return 0;
}

/*
 * An entry that a program renews between our look and the deletion is lost with it; the account then gets a second slot in
 * that epoch, and both are read.
 */
static int sweep_slots(struct ledger *l, uint64_t active_epoch)
{
    uint32_t capacity = 2 * l->layout.slots + SWEEP_BATCH;
    cleanup(sweep_done) struct sweep sweep;
    int r = sweep_allocate(&sweep, capacity);

    if (r == 0)
        r = sweep_read(l, &sweep, capacity);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < sweep.n; i++)
        if (PDTT_SLOT_EPOCH(sweep.values[i]) != active_epoch)
            sweep.stale[sweep.n_stale++] = sweep.keys[i];
    r = delete_keys(l->maps.slots, sweep.stale, sweep.n_stale);
    if (r == 0)
        l->keys = sweep.n - sweep.n_stale;
    return r;
}

/* The map takes twice the accounts of an epoch: swept when half full, it can always take a whole epoch's new ones. */
static int keep_room_for_keys(struct ledger *l, int sealed)
{
    l->keys += header(l, sealed)->new_keys;
    if (l->keys <= l->layout.slots)
        return 0;
    return sweep_slots(l, header(l, !sealed)->epoch);
}

int ledger_clear(struct ledger *l, int half)
{
    uint32_t n_slots = slots_in_use(l, half);
    struct pdtt_slot *accounts = half_accounts(l, half);
    int r;

    if (header(l, half)->epoch == 0)
        return 0;
    r = keep_room_for_keys(l, half);
    if (r < 0)
        return r;
    fault_point("clear-begun");
    for (uint32_t cpu = 0; cpu < l->layout.cpus; cpu++) {
        memset(cpu_counters(l, half, cpu), 0, n_slots * sizeof(struct pdtt_counters));
        fault_point("clear-cpu");
    }
    memset(beyond_of(l, half, 0), 0, l->layout.cpus * PDTT_BEYOND * sizeof(struct pdtt_counters));
    memset(accounts, 0, n_slots * sizeof(*accounts));
    fault_point("clear-accounts");
    __atomic_thread_fence(__ATOMIC_RELEASE);
    memset(header(l, half), 0, sizeof(struct pdtt_epoch));
    fault_point("clear-done");
    return 0;
}
