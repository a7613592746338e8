/* The pinned links: what keeps a program attached while no pdttd runs, and how it is exchanged for another. */
#pragma once

#include "collector/pins.h"
#include "collector/programs.h"

#include <stdint.h>

struct links {
    const struct pins *pins;
    int cgroup_fd;
    program_set wanted;
    int *unpinned; /* PROGRAMS descriptors of links that this kernel cannot pin: they end with the process; -1: none */
};

/*
 * Makes the pinned links exactly those of the wanted programs of p: new ones are attached, existing ones exchange their
 * program, unwanted ones go. ret_why (malloc'ed) names the program that failed.
 */
int links_attach(const struct links *links, const struct programs *p, char **ret_why);

/* Every wanted program is linked to this cgroup, and no other is. */
bool links_complete(const struct links *links);
