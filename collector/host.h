/* What pdttd --check and --probe say about this host, without counting anything. */
#pragma once

#include "collector/explain.h"

#include <stdbool.h>

/*
 * Configuration and host: one line per finding on stdout or in the log. 0 if pdttd could start. With a question in it, the
 * answer to that alone.
 */
int host_check(const char *config_path, const struct explain_question *question);

/* Whether anything is pinned that counts; says so if nothing is. */
int host_has_pins(const char *config_path, bool *ret_has);

/* Prints the table of layers and programs that this kernel takes. */
int host_probe(const char *config_path);

/* -EPERM, -ENOENT (no BTF): logged with the remedy. What every start needs before anything is opened. */
int host_require(void);
