#include "collector/policy_kernel_internal.h"

#include "common/cleanup.h"
#include "common/clock.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

_Static_assert(POLICY_NAME_SIZE == PDTT_POLICY_NAME, "names");
_Static_assert((int)POLICY_ALLOW == (int)PDTT_POLICY_ALLOW && (int)POLICY_OBSERVE == (int)PDTT_POLICY_OBSERVE,
               "actions");

/* ---- opening ---- */

static int map_view(struct policies *p, struct view *view)
{
    struct bpf_map_info info = {};
    uint32_t size = sizeof(info);

    if (bpf_obj_get_info_by_fd(map_fd(p, view->map), &info, &size) < 0)
        return -errno;
    if (info.value_size != view->element)
        return -EPROTO;
    view->size = (size_t)info.max_entries * view->element;
    view->memory = mmap(NULL, view->size, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd(p, view->map), 0);
    if (view->memory != MAP_FAILED)
        return 0;
    view->memory = NULL;
    return -errno;
}

/* The names of what an earlier pdttd put in force, or this one. */
static int recall_entries(struct policies *p, int set)
{
    const struct pdtt_policy *rules = rules_of(p, set);
    struct entry *entries;
    uint32_t n = 0;

    while (n < p->room && rules[n].id)
        n++;
    entries = calloc(n + 1, sizeof(*entries));
    if (!entries)
        return -ENOMEM;
    for (uint32_t rule = 0; rule < n; rule++) {
        struct pdtt_policy_bucket bucket = {};
        struct entry *entry = &entries[rules[rule].index < n ? rules[rule].index : rule];

        bpf_map_lookup_elem(map_fd(p, MAP_POLICY_BUCKETS), &rules[rule].id, &bucket);
        memcpy(entry->name, bucket.name, sizeof(entry->name) - 1);
        entry->id = rules[rule].id;
        entry->rule = (uint32_t)set * p->room + rule;
    }
    free(p->entries);
    p->entries = entries;
    p->n = n;
    return 0;
}

static int recall(struct policies *p)
{
    int active = ledger_active(p->ledger);
    uint32_t flags = active < 0 ? 0 : ledger_epoch(p->ledger, active)->flags;

    p->in_force = flags & PDTT_EPOCH_POLICIES ? !!(flags & PDTT_EPOCH_POLICY_SET) : -1;
    if (active < 0)
        return active;
    return p->in_force < 0 ? 0 : recall_entries(p, p->in_force);
}

int policies_open(struct kernel *k, struct ledger *ledger, struct policies **ret_policies)
{
    static const struct view views[VIEWS] = {
        [SETS] = {.map = MAP_POLICY_SETS, .element = sizeof(struct pdtt_policy_head)},
        [ROWS] = {.map = MAP_POLICY_ROWS, .element = sizeof(struct pdtt_policy_row)},
        [VECTORS] = {.map = MAP_POLICY_VECTORS, .element = sizeof(struct pdtt_policy_vector)},
        [WORDS] = {.map = MAP_POLICY_WORDS, .element = sizeof(uint64_t)},
        [PORTS] = {.map = MAP_POLICY_PORTS, .element = sizeof(struct pdtt_policy_ports)},
        [RULES] = {.map = MAP_POLICY_MAP, .element = sizeof(struct pdtt_policy)},
    };
    struct policies *p = calloc(1, sizeof(*p));
    int r;

    if (!p)
        return -ENOMEM;
    *p = (struct policies){.kernel = k, .ledger = ledger, .room = kernel_policies(k), .in_force = -1, .pacer_fd = -1};
    memcpy(p->views, views, sizeof(views));
    r = p->room ? 0 : -ENOTSUP;
    for (unsigned i = 0; i < VIEWS && r == 0; i++)
        r = map_view(p, &p->views[i]);
    if (r == 0)
        r = recall(p);
    if (r == 0)
        p->pacer_fd = kernel_open_pacer(k);
    p->paced = true; /* by the pdttd before, perhaps */
    if (r < 0) {
        policies_close(p);
        return r;
    }
    *ret_policies = p;
    return 0;
}

struct policies *policies_close(struct policies *p)
{
    if (!p)
        return NULL;
    for (unsigned i = 0; i < VIEWS; i++)
        if (p->views[i].memory)
            munmap(p->views[i].memory, p->views[i].size);
    close_fd(p->pacer_fd);
    free(p->entries);
    free(p);
    return NULL;
}

uint32_t policies_epoch_flags(const struct policies *p)
{
    if (!p || p->in_force < 0)
        return 0;
    return PDTT_EPOCH_POLICIES | (p->in_force ? PDTT_EPOCH_POLICY_SET : 0);
}

uint32_t policies_room(const struct policies *p)
{
    return p->room;
}

size_t policies_n(const struct policies *p)
{
    return p->n;
}

const char *policies_name(const struct policies *p, size_t index)
{
    return index < p->n ? p->entries[index].name : NULL;
}

/* ---- names and their ids ---- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static int begin_id(const struct policies *p, uint32_t id, const char *name)
{
    int cpus = libbpf_num_possible_cpus();
    cleanup_free struct pdtt_policy_stats *zeros = calloc(cpus > 0 ? (size_t)cpus : 1, sizeof(*zeros));
    struct pdtt_policy_bucket bucket = {};

    if (!zeros)
        return -ENOMEM;
    strncpy(bucket.name, name, sizeof(bucket.name) - 1);
    if (bpf_map_update_elem(map_fd(p, MAP_POLICY_STATS), &id, zeros, BPF_ANY) < 0 ||
        bpf_map_update_elem(map_fd(p, MAP_POLICY_BUCKETS), &id, &bucket, BPF_ANY) < 0)
        return -errno;
    return 0;
}

/* Names that stay keep their id; the others get one that nothing in force has. */
static int name_entries(const struct policies *p, const struct policy *list, size_t n, struct entry *entries)
{
    cleanup_free struct entry *before = calloc(p->n + 1, sizeof(*before));
    cleanup_free bool *taken = calloc(PDTT_POLICY_IDS(p->room), sizeof(*taken));
    uint32_t next = 1;
    int r = 0;

    if (!before || !taken)
        return -ENOMEM;
    for (size_t i = 0; i < p->n; i++) {
        before[i] = p->entries[i];
        taken[before[i].id] = true;
    }
    qsort(before, p->n, sizeof(*before), compare_names);
    for (size_t i = 0; i < n && r == 0; i++) {
        struct entry *found;

        strncpy(entries[i].name, list[i].name, sizeof(entries[i].name) - 1);
        found = bsearch(&entries[i], before, p->n, sizeof(*before), compare_names);
        if (found) {
            entries[i].id = found->id;
            continue;
        }
        while (next < PDTT_POLICY_IDS(p->room) && taken[next])
            next++;
        entries[i].id = next++;
        r = begin_id(p, entries[i].id, entries[i].name);
    }
    return r;
}

/* ---- in force ---- */

/* A failure leaves connections to the bucket, which holds them. */
void policies_pace(struct policies *p)
{
    bool limits = p->in_force >= 0 && head_of(p, p->in_force)->parts & PDTT_POLICY_LIMITS;

    if (p->pacer_fd >= 0 && (limits || p->paced))
        programs_run_iterator(p->pacer_fd);
    p->paced = limits;
}

static int put_in_force(struct policies *p, int set)
{
    p->in_force = set;
    return ledger_change_flags(p->ledger, PDTT_EPOCH_POLICIES | PDTT_EPOCH_POLICY_SET, policies_epoch_flags(p));
}

void policies_withdraw(struct policies *p)
{
    if (put_in_force(p, -1) == 0)
        policies_pace(p);
}

int policies_apply(struct policies *p, const struct policy *list, size_t n, const struct policy_names *names,
                   struct policy_set **ret_set)
{
    cleanup_free struct entry *entries = calloc(n + 1, sizeof(*entries));
    struct policy_set *s;
    int set = p->in_force == 0 ? 1 : 0;
    int r = entries ? policy_set_new(list, n, names, p->room, &s) : -ENOMEM;

    if (r < 0)
        return r;
    r = name_entries(p, list, n, entries);
    if (r == 0)
        r = policies_fill(p, set, s, entries);
    if (r < 0) {
        policy_set_free(s);
        return r;
    }
    for (size_t i = 0; i < n; i++)
        entries[i].rule = (uint32_t)set * p->room + s->rule_of[i];
    free(p->entries);
    p->entries = take_ptr(entries);
    p->n = n;
    r = put_in_force(p, n ? set : -1);
    policies_pace(p);
    if (ret_set && r == 0)
        *ret_set = s;
    else
        policy_set_free(s);
    return r;
}

/*
 * A socket remembers what it found under a generation. So the new one is only written when nobody can still be searching by
 * the old switch.
 */
int policies_enable(struct policies *p, size_t index, bool on)
{
    struct pdtt_policy_row *row;
    uint64_t bit;
    int r;

    if (index >= p->n)
        return -ENOENT;
    row = (struct pdtt_policy_row *)p->views[ROWS].memory + p->entries[index].rule / PDTT_POLICY_WORD;
    bit = UINT64_C(1) << p->entries[index].rule % PDTT_POLICY_WORD;
    if (!(row->on & bit) == !on)
        return 0;
    if (on)
        __atomic_or_fetch(&row->on, bit, __ATOMIC_RELEASE);
    else
        __atomic_and_fetch(&row->on, ~bit, __ATOMIC_RELEASE);
    r = ledger_barrier(p->ledger);
    __atomic_add_fetch(&head_of(p, p->in_force)->generation, 1, __ATOMIC_RELEASE);
    policies_pace(p);
    return r;
}

/* ---- what lapses ---- */

/* The programs' clock: it stands still while the machine sleeps, and so does pdttd. */
static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

void policies_renew(struct policies *p, bool known)
{
    uint64_t now = now_ns();

    for (int set = 0; set < 2; set++) {
        __u64 *renewed_ns = head_of(p, set)->renewed_ns;

        __atomic_store_n(&renewed_ns[PDTT_POLICY_ALIVE], now, __ATOMIC_RELAXED);
        if (known)
            __atomic_store_n(&renewed_ns[PDTT_POLICY_KNOWN], now, __ATOMIC_RELAXED);
    }
}

int64_t policies_lapse_left_ns(const struct policies *p, size_t index)
{
    const struct pdtt_policy *rule;
    uint64_t renewed_ns;

    if (index >= p->n)
        return INT64_MAX;
    rule = (const struct pdtt_policy *)p->views[RULES].memory + p->entries[index].rule;
    if (!rule->lapses)
        return INT64_MAX;
    renewed_ns = head_of(p, p->in_force)->renewed_ns[rule->lapses & (PDTT_POLICY_RENEWED - 1)];
    return (int64_t)(renewed_ns + rule->lapse_ns - now_ns());
}

/* ---- counters ---- */

static int read_stats(const struct policies *p, uint32_t id, struct pdtt_policy_stats *cpu_stats, int cpus,
                      struct policy_counters *ret)
{
    if (bpf_map_lookup_elem(map_fd(p, MAP_POLICY_STATS), &id, cpu_stats) < 0)
        return -errno;
    *ret = (struct policy_counters){};
    for (int cpu = 0; cpu < cpus; cpu++) {
        ret->packets_total += cpu_stats[cpu].packets_total;
        ret->packets_allowed += cpu_stats[cpu].packets_allowed;
        ret->packets_blocked += cpu_stats[cpu].packets_blocked;
        ret->bytes_total += cpu_stats[cpu].bytes_total;
        ret->bytes_blocked += cpu_stats[cpu].bytes_blocked;
        ret->packets_marked += cpu_stats[cpu].packets_marked;
        ret->policy_lookups += cpu_stats[cpu].policy_lookups;
        ret->parse_errors += cpu_stats[cpu].parse_errors;
        ret->packets_told += cpu_stats[cpu].packets_told;
        ret->packets_held += cpu_stats[cpu].packets_held;
        ret->packets_unheard += cpu_stats[cpu].packets_unheard;
    }
    return 0;
}

int policies_read_all(const struct policies *p, struct policy_counters *ret)
{
    int cpus = libbpf_num_possible_cpus();
    cleanup_free struct pdtt_policy_stats *stats = calloc(cpus > 0 ? (size_t)cpus : 1, sizeof(*stats));

    return !stats || cpus < 0 ? -ENOMEM : read_stats(p, 0, stats, cpus, ret);
}

int policies_read(const struct policies *p, struct policy_counters *ret, struct policy_counters *ret_sum)
{
    int cpus = libbpf_num_possible_cpus(), r = 0;
    cleanup_free struct pdtt_policy_stats *stats = calloc(cpus > 0 ? (size_t)cpus : 1, sizeof(*stats));

    if (!stats || cpus < 0)
        return -ENOMEM;
    for (size_t i = 0; i < p->n && r == 0; i++)
        r = read_stats(p, p->entries[i].id, stats, cpus, &ret[i]);
    return r < 0 || !ret_sum ? r : read_stats(p, 0, stats, cpus, ret_sum);
}

/* ---- telling ---- */

#define BURST 2 /* seconds' worth */

int policies_tell(struct policies *p, unsigned rate)
{
    struct pdtt_policy_telling how = {.gap_ns = rate ? NSEC_PER_SEC / rate : 0, .burst_ns = BURST * NSEC_PER_SEC};
    uint32_t zero = 0;

    return bpf_map_update_elem(map_fd(p, MAP_POLICY_TELLING), &zero, &how, BPF_ANY) < 0 ? -errno : 0;
}

int policies_ring_fd(const struct policies *p)
{
    return map_fd(p, MAP_POLICY_EVENTS);
}
