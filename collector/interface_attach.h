/*
 * Attaching the interface layer's programs to one interface and keeping them there: pinned links (XDP; TCX from Linux 6.6)
 * or, below that, filters of clsact. Programs of others are never touched.
 */
#pragma once

#include "collector/config.h"
#include "collector/interface_programs.h"
#include "collector/pins.h"

enum interface_hook {
    HOOK_NONE,
    HOOK_XDP_NATIVE,
    HOOK_XDP_GENERIC,
    HOOK_TCX,
    HOOK_CLSACT,
};

/* "xdp native", ...; "not counted" for HOOK_NONE. Static text. */
const char *interface_hook_name(enum interface_hook hook);

struct interface_attachment {
    enum interface_hook rx, tx;
    bool foreign_xdp; /* somebody else's XDP program is there, which is why ours is not */
    int error;        /* why something is missing, a negative errno; 0 */
};

struct interface_attacher {
    const struct pins *pins;
    const struct interface_programs *programs;
    enum config_xdp xdp;
    enum config_tc tc;
};

/*
 * Attaches what the configuration wants, exchanges what a former pdttd left for these programs, removes what is wanted no
 * more. Never fails as a whole: *ret says what is in force.
 */
void interface_attach(const struct interface_attacher *a, int ifindex, bool ethernet, struct interface_attachment *ret);

/* What an earlier pdttd, or a running one, has attached there. */
void interface_look(const struct pins *pins, int ifindex, struct interface_attachment *ret);

/* Removes all of ours from the interface, which may be gone. */
void interface_detach(const struct pins *pins, int ifindex);

/* The pinned links only: they end with their last pin, in whatever network namespace they are. */
void interface_unpin(const struct pins *pins, int ifindex);

/* Whether somebody has an XDP program there that is not pinned by us. */
bool interface_has_foreign_xdp(const struct pins *pins, int ifindex);
