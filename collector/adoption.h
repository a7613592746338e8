/* Giving sockets to the processes that hold them: once at the start, and again and again where no call is seen. */
#pragma once

#include "collector/tiers.h"

/*
 * Runs the iterators of choice that are loaded in p. Where no system call is seen (TIER_NONE) the link of one is kept in
 * sweep_fd, which is the caller's: it can be run when nothing can be loaded any more.
 */
int adoption_run(const struct tier_choice *choice, const struct programs *p, int *sweep_fd);

/* The iterators of a choice alone. */
program_set adoption_programs(const struct tier_choice *choice);
