/*
 * Test only: PDTT_TEST_FAULT="NAME:N" in the environment ends the process with SIGKILL when it comes to the point NAME for
 * the Nth time. Who may set the environment of a root daemon may kill it anyway, so the points are in every build, and what
 * is tested is what runs.
 */
#pragma once

#include <stdbool.h>

extern int fault_armed; /* -1: the environment was not looked at yet */

void fault_reach(const char *name);

static inline void fault_point(const char *name)
{
    if (fault_armed)
        fault_reach(name);
}
