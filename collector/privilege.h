/*
 * What pdttd may still do once it counts. Root is needed to load and attach programs; from the moment that counting has
 * begun pdttd stays uid 0, which owns its files and pins, but has no capability that is not in the table of privilege.c,
 * can gain none (no_new_privs, empty bounding set) and makes no system call that is not in the tables of syscalls.c and of
 * common/syscall_filter.c.
 *
 * When new work after the start is refused:
 * - a capability: add a row to capabilities[] in privilege.c. It says what for, and when it is not needed: one that a
 *   kernel, a configuration or a layer can do without is dropped there. Prefer descriptors that were opened before the
 *   drop (programs, links, sockets) to a capability that is kept for later.
 * - a system call: add its name to the group in syscalls.c that it serves, or a group with what it is for; what depends
 *   on an argument has a table of its own. What pdtt-serve needs as well stands in common/syscall_filter.c. ENOSYS, or a line "type=1326" in the kernel's log, names the number.
 * Threads must be begun by worker_start(), which leaves them no capability at all. docs/security.md has both tables for
 * people; live/privileges and unit/test_privilege hold the process to them.
 */
#pragma once

#include <stdbool.h>

struct privilege_needs {
    int map_fd;      /* any map of the ledger: reading it shows whether this kernel asks for CAP_BPF */
    bool interfaces; /* the interface layer follows interfaces: one that comes later is attached to then */
};

/*
 * Gives up everything that is not needed from here on, in this thread and, where it says so above, in all others. To be
 * called once, when the programs are attached. ret_why: one line, malloc'ed, on failure only.
 */
int privilege_drop(const struct privilege_needs *needs, char **ret_why);

/* The filter alone, in all threads. Needs no_new_privs or CAP_SYS_ADMIN. */
int syscalls_restrict(char **ret_why);
