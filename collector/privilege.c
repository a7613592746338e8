#include "collector/privilege.h"

#include "common/cleanup.h"
#include "common/log.h"

#include <bpf/bpf.h>
#include <cap-ng.h>
#include <string.h>
#include <sys/prctl.h>

/*
 * Linux before 6.0 asks for CAP_BPF in every bpf(2) where kernel.unprivileged_bpf_disabled is set, as distributions do;
 * later ones only to load programs and to make maps. Trying is surer than version numbers: distributions carry it back.
 */
static bool map_needs_capability(const struct privilege_needs *needs)
{
    uint32_t key = UINT32_MAX;
    char value; /* never written: no map has this key */

    return bpf_map_lookup_elem(needs->map_fd, &key, &value) < 0 && errno == EPERM;
}

static bool follows_interfaces(const struct privilege_needs *needs)
{
    return needs->interfaces;
}

static bool needs_bpf(const struct privilege_needs *needs)
{
    return needs->interfaces || map_needs_capability(needs);
}

/* Each that may be kept: what for, and whether this host needs it, asked while none is in effect. */
static const struct capability_row {
    unsigned capability;
    const char *what_for;
    bool (*needed)(const struct privilege_needs *needs);
} capabilities[] = {
    {CAP_BPF, "to read and swap the ledger, where this kernel asks for it, and for interfaces that come later",
     needs_bpf},
    {CAP_NET_ADMIN, "to count on interfaces that come later", follows_interfaces},
};

static int say(char **ret_why, int error, const char *doing)
{
    if (asprintf(ret_why, "cannot give up privileges: %s: %s; start pdttd as root, or by its systemd unit", doing,
                 strerror(-error)) < 0)
        *ret_why = NULL;
    return error;
}

/* Permitted: all rows of the mask; in effect as well, or not. */
static int set_capabilities(unsigned mask, bool effective)
{
    capng_clear(CAPNG_SELECT_CAPS);
    for (size_t i = 0; i < array_length(capabilities); i++)
        if (mask & 1u << i)
            capng_update(CAPNG_ADD, effective ? CAPNG_PERMITTED | CAPNG_EFFECTIVE : CAPNG_PERMITTED,
                         capabilities[i].capability);
    return capng_apply(CAPNG_SELECT_CAPS) == 0 ? 0 : -EPERM;
}

/* What this process holds: a row that it never had cannot be kept. */
static unsigned held_rows(void)
{
    unsigned mask = 0;

    for (size_t i = 0; i < array_length(capabilities); i++)
        if (capng_have_capability(CAPNG_PERMITTED, capabilities[i].capability))
            mask |= 1u << i;
    return mask;
}

static unsigned needed_rows(const struct privilege_needs *needs, unsigned mask)
{
    unsigned needed = 0;

    for (size_t i = 0; i < array_length(capabilities); i++)
        if (mask & 1u << i && capabilities[i].needed(needs)) {
            needed |= 1u << i;
            log_info("keeping %s, %s", capng_capability_to_name(capabilities[i].capability), capabilities[i].what_for);
        }
    return needed;
}

/* Inherited and gained ones: uid 0 would get all of the bounding set back by an exec. */
static int close_ways_back(void)
{
    bool may = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);

    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        return -errno;
    capng_clear(CAPNG_SELECT_BOUNDS);
    if (may && capng_apply(CAPNG_SELECT_BOUNDS) != 0)
        return -EPERM;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

int privilege_drop(const struct privilege_needs *needs, char **ret_why)
{
    unsigned held;
    int r = capng_get_caps_process() == 0 ? 0 : -errno;

    if (r < 0)
        return say(ret_why, r, "reading the capabilities");
    held = held_rows();
    r = close_ways_back();
    if (r < 0)
        return say(ret_why, r, "closing the ways back to them");
    r = set_capabilities(held, false);
    if (r == 0)
        r = set_capabilities(needed_rows(needs, held), true);
    if (r < 0)
        return say(ret_why, r, "dropping capabilities");
    return syscalls_restrict(ret_why);
}
