#include "collector/interface_attach.h"

#include "common/cleanup.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <string.h>

/* In the kernel's headers since 6.6, later than Debian 12's. */
#define ATTACH_TCX_INGRESS 46
#define ATTACH_TCX_EGRESS  47

/* What tells our clsact filters from others': nothing else outlives pdttd without a pin. */
#define FILTER_HANDLE   0x7064
#define FILTER_PRIORITY 50084

enum place { PLACE_XDP, PLACE_INGRESS, PLACE_EGRESS, PLACES };

static const struct {
    const char *name; /* of the pin, after the interface's number */
    enum interface_program program;
    int tcx;
    enum bpf_tc_attach_point clsact;
} places[PLACES] = {
    [PLACE_XDP] = {"xdp", INTERFACE_XDP, 0, 0},
    [PLACE_INGRESS] = {"ingress", INTERFACE_TC_INGRESS, ATTACH_TCX_INGRESS, BPF_TC_INGRESS},
    [PLACE_EGRESS] = {"egress", INTERFACE_TC_EGRESS, ATTACH_TCX_EGRESS, BPF_TC_EGRESS},
};

const char *interface_hook_name(enum interface_hook hook)
{
    static const char *const names[] = {
        [HOOK_NONE] = "not counted", [HOOK_XDP_NATIVE] = "xdp native", [HOOK_XDP_GENERIC] = "xdp generic",
        [HOOK_TCX] = "tcx",          [HOOK_CLSACT] = "clsact",
    };

    return names[hook];
}

/* ---- pinned links ---- */

#define PIN_NAME_MAX 32

static char *pin_name(int ifindex, enum place place, char buf[static PIN_NAME_MAX])
{
    snprintf(buf, PIN_NAME_MAX, "%d_%s", ifindex, places[place].name);
    return buf;
}

/* Detached first: of a link that is only unpinned the kernel takes its program off some time later, and meanwhile it counts on. */
static void drop_link(const struct pins *pins, int ifindex, enum place place)
{
    char name[PIN_NAME_MAX];
    cleanup_free char *path = pins_path(pins, PINS_INTERFACES, pin_name(ifindex, place, name));
    cleanup_close int link = pins_get(pins, PINS_INTERFACES, name);

    if (link >= 0)
        bpf_link_detach(link);
    if (path)
        unlink(path);
}

/* Gives a link that is pinned this program; a link whose interface is gone cannot be updated and goes. */
static bool update_pinned(const struct interface_attacher *a, int ifindex, enum place place, int program)
{
    char name[PIN_NAME_MAX];
    cleanup_close int link = pins_get(a->pins, PINS_INTERFACES, pin_name(ifindex, place, name));

    if (link < 0)
        return false;
    if (bpf_link_update(link, program, NULL) == 0)
        return true;
    drop_link(a->pins, ifindex, place);
    return false;
}

static int make_link(const struct interface_attacher *a, int ifindex, enum place place, int type, unsigned flags)
{
    LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags);
    char name[PIN_NAME_MAX];
    cleanup_close int link = bpf_link_create(interface_programs_fd(a->programs, places[place].program), ifindex,
                                             (enum bpf_attach_type)type, &options);

    return link < 0 ? -errno : pins_put(a->pins, PINS_INTERFACES, pin_name(ifindex, place, name), link);
}

/* ---- XDP ---- */

static int query_xdp(int ifindex, struct bpf_xdp_query_opts *ret)
{
    *ret = (struct bpf_xdp_query_opts){.sz = sizeof(*ret)};
    return bpf_xdp_query(ifindex, 0, ret);
}

static uint32_t pinned_program(const struct pins *pins, int ifindex)
{
    char name[PIN_NAME_MAX];
    cleanup_close int link = pins_get(pins, PINS_INTERFACES, pin_name(ifindex, PLACE_XDP, name));
    struct bpf_link_info info = {0};
    uint32_t size = sizeof(info);

    return link >= 0 && bpf_obj_get_info_by_fd(link, &info, &size) == 0 ? info.prog_id : 0;
}

bool interface_has_foreign_xdp(const struct pins *pins, int ifindex)
{
    struct bpf_xdp_query_opts query;

    if (query_xdp(ifindex, &query) < 0 || query.attach_mode == XDP_ATTACHED_NONE)
        return false;
    return query.attach_mode == XDP_ATTACHED_MULTI || query.prog_id != pinned_program(pins, ifindex);
}

static enum interface_hook xdp_mode(int ifindex)
{
    struct bpf_xdp_query_opts query;

    return query_xdp(ifindex, &query) == 0 && query.attach_mode == XDP_ATTACHED_SKB ? HOOK_XDP_GENERIC
                                                                                    : HOOK_XDP_NATIVE;
}

static bool mode_is_wanted(const struct interface_attacher *a, int ifindex)
{
    return a->xdp == CONFIG_XDP_GENERIC || xdp_mode(ifindex) == HOOK_XDP_NATIVE;
}

static enum interface_hook attach_xdp(const struct interface_attacher *a, int ifindex, int *ret_error)
{
    int program = interface_programs_fd(a->programs, INTERFACE_XDP);

    *ret_error = program < 0 ? -ENOTSUP : 0;
    if (a->xdp == CONFIG_XDP_OFF || program < 0) {
        drop_link(a->pins, ifindex, PLACE_XDP);
        return HOOK_NONE;
    }
    if (update_pinned(a, ifindex, PLACE_XDP, program)) {
        if (mode_is_wanted(a, ifindex))
            return xdp_mode(ifindex);
        drop_link(a->pins, ifindex, PLACE_XDP);
    }
    *ret_error = make_link(a, ifindex, PLACE_XDP, BPF_XDP, XDP_FLAGS_DRV_MODE);
    if (*ret_error == 0)
        return HOOK_XDP_NATIVE;
    if (a->xdp == CONFIG_XDP_GENERIC && *ret_error != -EBUSY && *ret_error != -EEXIST)
        *ret_error = make_link(a, ifindex, PLACE_XDP, BPF_XDP, XDP_FLAGS_SKB_MODE);
    return *ret_error == 0 ? HOOK_XDP_GENERIC : HOOK_NONE;
}

/* ---- TC ---- */

/* The clsact qdisc stays when we go: others may have their filters in it, and an empty one does nothing. */
static int attach_clsact(const struct interface_attacher *a, int ifindex, enum place place)
{
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = places[place].clsact);
    LIBBPF_OPTS(bpf_tc_opts, options, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY, .flags = BPF_TC_F_REPLACE,
                .prog_fd = interface_programs_fd(a->programs, places[place].program));
    int r = bpf_tc_hook_create(&hook);

    return r < 0 && r != -EEXIST ? r : bpf_tc_attach(&hook, &options);
}

static void detach_clsact(int ifindex, enum place place)
{
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = places[place].clsact);
    LIBBPF_OPTS(bpf_tc_opts, options, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);

    if (bpf_tc_query(&hook, &options) < 0)
        return;
    options.flags = options.prog_fd = options.prog_id = 0;
    bpf_tc_detach(&hook, &options);
}

static enum interface_hook attach_tc(const struct interface_attacher *a, int ifindex, enum place place, int *ret_error)
{
    int program = interface_programs_fd(a->programs, places[place].program);

    *ret_error = 0;
    if (a->tc != CONFIG_TC_CLSACT) {
        if (update_pinned(a, ifindex, place, program))
            return HOOK_TCX;
        *ret_error = make_link(a, ifindex, place, places[place].tcx, 0);
        if (*ret_error == 0) {
            detach_clsact(ifindex, place); /* of the time before a newer kernel, or another setting */
            return HOOK_TCX;
        }
    }
    drop_link(a->pins, ifindex, place);
    *ret_error = attach_clsact(a, ifindex, place);
    return *ret_error == 0 ? HOOK_CLSACT : HOOK_NONE;
}

static void detach_tc(const struct pins *pins, int ifindex, enum place place)
{
    drop_link(pins, ifindex, place);
    detach_clsact(ifindex, place);
}

/* ---- an interface ---- */

void interface_attach(const struct interface_attacher *a, int ifindex, bool ethernet, struct interface_attachment *ret)
{
    struct interface_attacher chosen = *a;
    int xdp_error, error = 0;

    *ret = (struct interface_attachment){0};
    if (!ethernet) /* what XDP hands over there has headers of other lengths */
        chosen.xdp = CONFIG_XDP_OFF;
    ret->rx = attach_xdp(&chosen, ifindex, &xdp_error);
    ret->foreign_xdp = ret->rx == HOOK_NONE && interface_has_foreign_xdp(a->pins, ifindex);
    if (a->tc == CONFIG_TC_OFF || ret->rx != HOOK_NONE)
        detach_tc(a->pins, ifindex, PLACE_INGRESS);
    else
        ret->rx = attach_tc(a, ifindex, PLACE_INGRESS, &error);
    if (ret->rx == HOOK_NONE)
        ret->error = error ? error : xdp_error;
    if (a->tc == CONFIG_TC_OFF)
        detach_tc(a->pins, ifindex, PLACE_EGRESS);
    else
        ret->tx = attach_tc(a, ifindex, PLACE_EGRESS, &error);
    if (error)
        ret->error = error;
}

static enum interface_hook look_tc(const struct pins *pins, int ifindex, enum place place)
{
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = places[place].clsact);
    LIBBPF_OPTS(bpf_tc_opts, options, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);
    char name[PIN_NAME_MAX];

    if (pins_exist(pins, PINS_INTERFACES, pin_name(ifindex, place, name)))
        return HOOK_TCX;
    return bpf_tc_query(&hook, &options) == 0 ? HOOK_CLSACT : HOOK_NONE;
}

void interface_look(const struct pins *pins, int ifindex, struct interface_attachment *ret)
{
    char name[PIN_NAME_MAX];
    bool xdp = pins_exist(pins, PINS_INTERFACES, pin_name(ifindex, PLACE_XDP, name));

    *ret = (struct interface_attachment){
        .rx = xdp ? xdp_mode(ifindex) : look_tc(pins, ifindex, PLACE_INGRESS),
        .tx = look_tc(pins, ifindex, PLACE_EGRESS),
        .foreign_xdp = interface_has_foreign_xdp(pins, ifindex),
    };
}

void interface_unpin(const struct pins *pins, int ifindex)
{
    for (enum place place = 0; place < PLACES; place++)
        drop_link(pins, ifindex, place);
}

void interface_detach(const struct pins *pins, int ifindex)
{
    drop_link(pins, ifindex, PLACE_XDP);
    detach_tc(pins, ifindex, PLACE_INGRESS);
    detach_tc(pins, ifindex, PLACE_EGRESS);
}
