/* A real pdttd on a configuration of the benchmark's own, started and taken away again between two measurements. */
#pragma once

#include <sys/types.h>

/*
 * Starts PROGRAM -c CONFIG and returns when it is counting. Its output is appended to LOG. -ECHILD: it ended before it
 * counted, -ETIMEDOUT: it does not count after 20 s.
 */
int pdttd_start(const char *program, const char *config, const char *log, pid_t *ret_pid);

/* Ends it and removes everything it pinned: the kernel is as it was. -ECHILD: it did not end well. */
int pdttd_stop(const char *program, const char *config, const char *log, pid_t pid);
