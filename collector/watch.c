/*
 * Whether the kernel still counts as pdttd left it. Links and maps are held by descriptors as well as by pins, so removed pins
 * cost no packet; a link that was detached does, until the next look.
 */
#include "collector/kernel_internal.h"

#include "common/cleanup.h"

#include <bpf/bpf.h>
#include <string.h>
#include <sys/stat.h>

static int link_info(int fd, struct bpf_link_info *ret)
{
    uint32_t size = sizeof(*ret);

    memset(ret, 0, sizeof(*ret));
    return bpf_obj_get_info_by_fd(fd, ret, &size) < 0 ? -errno : 0;
}

static bool is_linked(const struct kernel *k, unsigned program)
{
    enum program_kind kind = program_rows[program].kind;

    return k->choice.wanted & program_bit(program) && (kind == PROGRAM_CGROUP || kind == PROGRAM_TRACING);
}

void kernel_let_go(struct kernel *k)
{
    for (unsigned i = 0; i < PROGRAMS; i++) {
        close_fd(k->held[i].fd - 1);
        k->held[i] = (struct held_link){0};
    }
}

void kernel_hold(struct kernel *k)
{
    struct bpf_link_info info;

    kernel_let_go(k);
    for (unsigned i = 0; i < PROGRAMS; i++) {
        int fd = is_linked(k, i) ? pins_get(k->pins, PINS_LINKS, program_rows[i].name) : -ENOENT;

        if (fd >= 0 && link_info(fd, &info) == 0)
            k->held[i] = (struct held_link){fd + 1, info.id, info.prog_id};
        else
            close_fd(fd);
    }
}

/* A detached cgroup link names no cgroup any more. */
static bool is_attached(const struct kernel *k, unsigned program)
{
    const struct held_link *held = &k->held[program];
    struct bpf_link_info info;
    struct stat st;

    if (!held->fd || link_info(held->fd - 1, &info) < 0 || info.prog_id != held->program)
        return false;
    if (program_rows[program].kind != PROGRAM_CGROUP)
        return true;
    return fstat(k->cgroup_fd, &st) == 0 && info.cgroup.cgroup_id == st.st_ino;
}

static bool is_pinned(const struct kernel *k, unsigned program)
{
    cleanup_close int fd = pins_get(k->pins, PINS_LINKS, program_rows[program].name);
    struct bpf_link_info info;

    return fd >= 0 && link_info(fd, &info) == 0 && info.id == k->held[program].id;
}

void kernel_note_detached(struct kernel *k)
{
    struct kernel_damage damage;

    kernel_hold(k);
    kernel_look(k, &damage);
    k->was_detached = damage.ledger_stopped;
    kernel_let_go(k);
}

bool kernel_was_detached(const struct kernel *k)
{
    return k->was_detached;
}

/* What an earlier look could not finish (no memory, no right) leaves nothing held, and counts as detached. */
void kernel_look(const struct kernel *k, struct kernel_damage *ret)
{
    *ret = (struct kernel_damage){0};
    for (unsigned i = 0; i < PROGRAMS; i++) {
        if (!is_linked(k, i))
            continue;
        if (!is_attached(k, i)) {
            ret->n_detached++;
            ret->first_detached = ret->first_detached ? ret->first_detached : program_rows[i].name;
            ret->ledger_stopped |= program_rows[i].layer == LAYER_CGROUP;
        } else if (!is_pinned(k, i)) {
            ret->n_unpinned++;
        }
    }
    for (unsigned map = 0; map < MAPS; map++)
        ret->n_unpinned += !pins_exist(k->pins, PINS_MAPS, map_rows[map].name);
}

static int pin_again(struct kernel *k, char **ret_why)
{
    int r = pins_renew(k->pins, ret_why);

    if (r == 0)
        r = pins_make_dir(k->pins, PINS_MAPS);
    if (r == 0)
        r = pins_make_dir(k->pins, PINS_LINKS);
    for (unsigned map = 0; map < MAPS && r == 0; map++)
        if (!pins_exist(k->pins, PINS_MAPS, map_rows[map].name))
            r = pins_put(k->pins, PINS_MAPS, map_rows[map].name, k->maps.fd[map]);
    for (unsigned i = 0; i < PROGRAMS && r == 0; i++)
        if (k->held[i].fd && !is_pinned(k, i))
            r = pins_put(k->pins, PINS_LINKS, program_rows[i].name, k->held[i].fd - 1);
    return r;
}

int kernel_repair(struct kernel *k, const struct kernel_damage *damage, char **ret_why)
{
    int r = damage->n_unpinned ? pin_again(k, ret_why) : 0;

    if (r == 0 && damage->n_detached) {
        r = kernel_reload(k, PINS_MAPS, ret_why);
        kernel_hold(k);
    }
    if (r < 0 && !*ret_why && asprintf(ret_why, "%s: %s", k->pins->path, strerror(-r)) < 0)
        *ret_why = NULL;
    return r;
}
