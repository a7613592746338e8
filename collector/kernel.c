#include "collector/adoption.h"
#include "collector/kernel_internal.h"

#include "common/cleanup.h"
#include "common/clock.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>

/* ---- the three ways to start ---- */

static int begin_ledger(struct kernel *k, const struct pdtt_epoch *before)
{
    struct ledger_start start = {.epoch = before->epoch + 1,
                                 .start_ns = clock_realtime_ns(),
                                 .boot_ns = clock_boottime_ns(),
                                 .generation = before->generation + 1};
    uint32_t policies = before->flags & (PDTT_EPOCH_POLICIES | PDTT_EPOCH_POLICY_SET); /* their maps are carried */
    uint64_t stats[PDTT_STATS];
    struct ledger_maps maps;
    struct ledger *l;
    int r = k->options->fill_classes(k->maps.fd[MAP_CLASSES_V4], k->maps.fd[MAP_CLASSES_V6], k->options->userdata,
                                     &start.flags);

    start.flags |= policies;
    if (r == 0)
        r = kernel_read_stats(k, stats);
    if (r == 0) {
        start.errors = kernel_errors(stats);
        mapset_ledger(&k->maps, &maps);
        r = ledger_open(&maps, &l);
    }
    if (r < 0)
        return r;
    ledger_begin(l, 0, &start);
    ledger_close(l);
    return 0;
}

struct links kernel_links(struct kernel *k)
{
    return (struct links){
        .pins = k->pins, .cgroup_fd = k->cgroup_fd, .wanted = k->choice.wanted, .unpinned = k->unpinned};
}

/* The build is written last: a start that was interrupted before it is done again by the next one. */
static int attach(struct kernel *k, const struct programs *p, char **ret_why)
{
    struct links links = kernel_links(k);
    int r = links_attach(&links, p, ret_why);

    if (r == 0)
        r = adoption_run(&k->choice, p, &k->sweep_fd);
    if (r < 0)
        return r;
    k->layout.build = programs_build();
    k->layout.refused = tier_refused(&k->choice);
    k->layout.tier = tier_remember(&k->choice);
    return mapset_write_layout(&k->maps, &k->layout);
}

/* New maps in dir, complete and with their first epoch begun, before any program counts into them. */
static int make_maps(struct kernel *k, const struct programs *p, const char *dir, const struct pdtt_epoch *before)
{
    int r = mapset_take(&k->maps, p);

    if (r == 0)
        r = mapset_write_layout(&k->maps, &k->layout);
    if (r == 0)
        r = begin_ledger(k, before);
    if (r == 0)
        r = mapset_pin(&k->maps, k->pins, dir);
    return r;
}

static int start_fresh(struct kernel *k, char **ret_why)
{
    const struct pdtt_epoch before = {.epoch = 0};
    struct programs *p;
    struct mapset none;
    int r = pins_remove_dir(k->pins, PINS_LINKS);

    if (r == 0)
        r = pins_remove_dir(k->pins, PINS_MAPS);
    if (r == 0 && getrandom(&k->layout.ledger, sizeof(k->layout.ledger), 0) < 0)
        r = -errno;
    k->layout.ledger &= INT64_MAX; /* SQLite's integers are signed */
    mapset_clear(&none);
    if (r == 0)
        r = kernel_load(k, &none, &p, ret_why);
    if (r < 0)
        return r;
    r = make_maps(k, p, PINS_MAPS, &before);
    if (r == 0)
        r = attach(k, p, ret_why);
    programs_free(p);
    k->start = KERNEL_FRESH;
    return r;
}

/* Other programs on the same maps: another build, other layers, or links that somebody removed. */
int kernel_reload(struct kernel *k, const char *dir, char **ret_why)
{
    struct programs *p;
    int r = kernel_load(k, &k->maps, &p, ret_why);

    if (r < 0)
        return r;
    if (!mapset_complete(&k->maps)) {
        r = mapset_take(&k->maps, p);
        if (r == 0)
            r = mapset_pin(&k->maps, k->pins, dir);
    }
    if (r == 0)
        r = attach(k, p, ret_why);
    programs_free(p);
    return r;
}

/*
 * Another size: new maps beside the old ones, then each link moves to programs that count into the new maps. Socket storage,
 * classes and statistics are carried over. From the moment that the new set is pinned the step is finished by any later start.
 */
static int start_replacement(struct kernel *k, const struct pdtt_layout *wanted, char **ret_why)
{
    struct programs *p;
    struct pdtt_epoch before;
    struct mapset carried;
    int r = mapset_last_epoch(&k->maps, &before);

    if (r < 0)
        return r;
    k->old = k->maps;
    mapset_clear(&k->maps);
    for (unsigned map = 0; map < MAPS; map++)
        carried.fd[map] = map_rows[map].carried ? k->old.fd[map] : -1;
    k->layout = (struct pdtt_layout){.abi_version = PDTT_ABI_VERSION,
                                     .slots = wanted->slots,
                                     .cpus = wanted->cpus,
                                     .truth = wanted->truth,
                                     .connections = wanted->connections,
                                     .ledger = k->layout.ledger};
    r = kernel_load(k, &carried, &p, ret_why);
    if (r < 0)
        return r;
    r = make_maps(k, p, PINS_MAPS_NEXT, &before);
    if (r == 0)
        r = attach(k, p, ret_why);
    programs_free(p);
    k->start = KERNEL_REPLACED;
    return r;
}

static bool same_geometry(const struct pdtt_layout *a, const struct pdtt_layout *b)
{
    return a->slots == b->slots && a->cpus == b->cpus && a->truth == b->truth && a->connections == b->connections;
}

static int check_version(const struct kernel *k, char **ret_why)
{
    if (k->layout.abi_version == PDTT_ABI_VERSION)
        return 0;
    if (asprintf(ret_why,
                 "%s: the pinned maps have layout %u and this pdttd knows %u; run 'pdttd --unload' of the version that "
                 "made them, which books what they hold",
                 k->pins->path, k->layout.abi_version, PDTT_ABI_VERSION) < 0)
        *ret_why = NULL;
    return -EPROTO;
}

/* Pins that are not all there, or not what their names say: which, and what to do. error as it was met. */
static int complain_of_pins(const struct kernel *k, const char *dir, int error, char **ret_why)
{
    const char *name = mapset_absent(&k->maps);

    if (asprintf(
            ret_why,
            "%s/%s%s%s: missing, or not a map of pdttd (%s); put it back, or remove %s: what was counted since the "
            "last interval is lost then",
            k->pins->path, dir, name ? "/" : "", name ? name : "", strerror(-error), k->pins->path) < 0)
        *ret_why = NULL;
    return error;
}

/* The ledger's maps fit each other. What does not is left alone: somebody may know what it was. */
static int check_ledger(const struct kernel *k)
{
    struct ledger_maps maps;
    struct ledger *l;
    int r;

    mapset_ledger(&k->maps, &maps);
    r = ledger_open(&maps, &l);
    if (r == 0)
        ledger_close(l);
    return r;
}

static int resume(struct kernel *k, const struct pdtt_layout *wanted, char **ret_why)
{
    bool pending = pins_exist(k->pins, PINS_MAPS_NEXT, map_rows[MAP_LAYOUT].name);
    const char *dir = pending ? PINS_MAPS_NEXT : PINS_MAPS;
    struct links links;
    int r = mapset_get(&k->maps, k->pins, dir);

    if (r == 0)
        r = mapset_read_layout(&k->maps, &k->layout);
    if (r < 0)
        return complain_of_pins(k, dir, r, ret_why);
    r = check_version(k, ret_why);
    if (r < 0)
        return r;
    mapset_drop_other_policies(&k->maps, k->policies);
    r = check_ledger(k);
    if (r < 0)
        return complain_of_pins(k, dir, r, ret_why);
    if (pending) { /* an interrupted replacement is finished first, whatever is wanted now */
        r = mapset_get(&k->old, k->pins, PINS_MAPS);
        k->start = KERNEL_REPLACED;
        return r < 0 ? r : kernel_reload(k, dir, ret_why);
    }
    if (!same_geometry(&k->layout, wanted))
        return start_replacement(k, wanted, ret_why);
    k->start = KERNEL_RESUMED;
    if (k->layout.build == programs_build())
        kernel_recall(k); /* asked already: pins do not outlive a kernel */
    kernel_note_detached(k);
    links = kernel_links(k);
    if (k->layout.build == programs_build() && mapset_complete(&k->maps) && links_complete(&links))
        return 0;
    return kernel_reload(k, dir, ret_why);
}

/* A crash after the old maps were dropped and before the new ones got their name leaves only maps_next. */
static int tidy_pins(struct kernel *k)
{
    bool next = pins_exist(k->pins, PINS_MAPS_NEXT, map_rows[MAP_LAYOUT].name);
    bool current = pins_exist(k->pins, PINS_MAPS, map_rows[MAP_LAYOUT].name);

    if (!next)
        return pins_remove_dir(k->pins, PINS_MAPS_NEXT);
    if (current)
        return 0;
    return kernel_drop_old(k);
}

static int start(struct kernel *k, char **ret_why)
{
    struct pdtt_layout wanted = {.abi_version = PDTT_ABI_VERSION,
                                 .slots = k->options->accounts + 1,
                                 .cpus = libbpf_num_possible_cpus(),
                                 .truth = k->options->truth,
                                 .connections = k->options->connections};
    int r = tidy_pins(k);

    if (r < 0)
        return r;
    kernel_hope(k);
    if (pins_exist(k->pins, PINS_MAPS, map_rows[MAP_LAYOUT].name)) {
        r = resume(k, &wanted, ret_why);
    } else {
        k->layout = wanted;
        r = start_fresh(k, ret_why);
    }
    if (r == 0)
        r = kernel_prepare_sweep(k);
    return r < 0 ? r : tier_require(&k->choice, k->options->layers_required, ret_why);
}

/* Where no policies can be in force (any more), connections that one of before paced get back what they had. */
static void give_back_pacing(const struct kernel *k)
{
    cleanup_close int pacer = k->policies || k->start == KERNEL_FRESH ? -1 : kernel_open_pacer(k);

    if (pacer >= 0)
        programs_run_iterator(pacer);
}

int kernel_open(const struct kernel_options *options, struct kernel **ret_kernel, char **ret_why)
{
    struct kernel *k = calloc(1, sizeof(*k));
    int r;

    *ret_why = NULL;
    if (!k)
        return -ENOMEM;
    k->options = options;
    k->policies = programs_take_policies() ? programs_policies_room(options->policies) : 0;
    kernel_wish(k);
    mapset_clear(&k->maps);
    mapset_clear(&k->old);
    kernel_let_go(k);
    memset(k->unpinned, -1, sizeof(k->unpinned));
    k->sweep_fd = -1;
    k->cgroup_fd = open(options->cgroup_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    r = k->cgroup_fd < 0 ? -errno : pins_open(options->pin_path, &k->pins, ret_why);
    if (r == 0)
        r = start(k, ret_why);
    if (r < 0) {
        if (!*ret_why &&
            asprintf(ret_why, "cannot set up the kernel side in %s: %s", options->pin_path, strerror(-r)) < 0)
            *ret_why = NULL;
        kernel_close(k);
        return r;
    }
    k->options = NULL;
    kernel_hold(k);
    give_back_pacing(k);
    *ret_kernel = k;
    return 0;
}

struct kernel *kernel_close(struct kernel *k)
{
    if (!k)
        return NULL;
    mapset_close(&k->maps);
    mapset_close(&k->old);
    kernel_let_go(k);
    close_fd(k->cgroup_fd);
    pins_close(k->pins);
    close_fd(k->sweep_fd);
    for (unsigned i = 0; i < PROGRAMS; i++)
        close_fd(k->unpinned[i]);
    tier_forget(&k->choice);
    free(k);
    return NULL;
}

int kernel_drop_old(struct kernel *k)
{
    int r = pins_remove_dir(k->pins, PINS_MAPS);

    mapset_close(&k->old);
    return r < 0 ? r : pins_rename_dir(k->pins, PINS_MAPS_NEXT, PINS_MAPS);
}

int kernel_unload(struct kernel *k)
{
    return pins_remove_all(k->pins);
}
