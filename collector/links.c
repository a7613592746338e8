#include "collector/links.h"

#include "common/cleanup.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* -ENOENT unless the pinned link is on this cgroup: a configuration may have moved it. */
static int check_cgroup(int link_fd, int cgroup_fd)
{
    struct bpf_link_info info = {};
    uint32_t size = sizeof(info);
    struct stat st;

    if (bpf_obj_get_info_by_fd(link_fd, &info, &size) < 0 || fstat(cgroup_fd, &st) < 0)
        return -errno;
    return info.cgroup.cgroup_id == st.st_ino ? 0 : -ENOENT;
}

/* A cgroup link changes programs in one step, so no packet is missed or counted twice. */
static int update_link(const struct links *links, const struct programs *p, unsigned program)
{
    cleanup_close int link = pins_get(links->pins, PINS_LINKS, program_rows[program].name);
    int r = link;

    if (r >= 0 && program_rows[program].kind != PROGRAM_CGROUP)
        r = -ENOENT; /* tracing links cannot be updated: attach anew */
    if (r >= 0)
        r = check_cgroup(link, links->cgroup_fd);
    if (r >= 0 && bpf_link_update(link, programs_fd(p, program), NULL) < 0)
        r = -errno;
    return r;
}

static int unlink_pin(const struct links *links, const char *name)
{
    cleanup_free char *path = pins_path(links->pins, PINS_LINKS, name);

    if (!path)
        return -ENOMEM;
    return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int make_link(const struct links *links, const struct programs *p, unsigned program)
{
    cleanup_close int link = -1;
    int r = unlink_pin(links, program_rows[program].name);

    if (r < 0)
        return r;
    link = programs_attach(p, program, links->cgroup_fd);
    r = link < 0 ? link : pins_put(links->pins, PINS_LINKS, program_rows[program].name, link);
    if (r < 0 && link >= 0 && program_rows[program].kind == PROGRAM_KPROBE) { /* no perf links before 5.15 */
        close_fd(links->unpinned[program]);
        links->unpinned[program] = fcntl(link, F_DUPFD_CLOEXEC, 3);
        r = links->unpinned[program] < 0 ? -errno : 0;
    }
    return r;
}

static int attach_program(const struct links *links, const struct programs *p, unsigned program)
{
    int r;

    if (program_rows[program].kind == PROGRAM_ITERATOR)
        return 0;
    if (!(links->wanted & program_bit(program)))
        return unlink_pin(links, program_rows[program].name);
    r = update_link(links, p, program);
    return r == -ENOENT ? make_link(links, p, program) : r;
}

int links_attach(const struct links *links, const struct programs *p, char **ret_why)
{
    int r = pins_make_dir(links->pins, PINS_LINKS);

    for (unsigned i = 0; i < PROGRAMS && r == 0; i++) {
        r = attach_program(links, p, i);
        if (r < 0 && asprintf(ret_why, "cannot attach %s: %s", program_rows[i].name, strerror(-r)) < 0)
            *ret_why = NULL;
    }
    return r;
}

bool links_complete(const struct links *links)
{
    for (unsigned i = 0; i < PROGRAMS; i++) {
        bool want = links->wanted & program_bit(i) && program_rows[i].kind != PROGRAM_ITERATOR;
        cleanup_close int link = pins_get(links->pins, PINS_LINKS, program_rows[i].name);

        if (want != (link >= 0))
            return false;
        if (want && program_rows[i].kind == PROGRAM_CGROUP && check_cgroup(link, links->cgroup_fd) < 0)
            return false;
    }
    return true;
}
