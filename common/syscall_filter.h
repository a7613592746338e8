/*
 * Which system calls a program may make once it has opened what it needs: an allow-list for all of its threads (libseccomp).
 * What every daemon of the house needs is here; what one of them does besides is its own policy.
 *
 * What is not listed gives ENOSYS rather than death: name services bring modules and newer C libraries bring calls, and both
 * know how to do without one. What only an intruder would call (running programs, changing user, mounting ...) ends the
 * process with one line.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct syscall_group {
    const char *what_for;
    const char *const *names; /* ends with NULL */
};

/* Allowed if argument & mask == value. */
struct syscall_argument {
    const char *name;
    unsigned argument;
    uint64_t mask, value;
    const char *what_for;
};

struct syscall_policy {
    const char *program; /* begins the line that a forbidden call leaves */
    const char *left;    /* ends it: what becomes of the work */
    const struct syscall_group *allowed;
    size_t n_allowed;
    const struct syscall_argument *allowed_if;
    size_t n_allowed_if;
};

/*
 * Restricts all threads of this process for good. Needs no_new_privs or CAP_SYS_ADMIN. The policy is read also later, when
 * a forbidden call is made. A negative errno; ret_why: one line, malloc'ed, on failure only.
 */
int syscall_filter_load(const struct syscall_policy *policy, char **ret_why);
