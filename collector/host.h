/* What pdttd --check and --probe say about this host, without counting anything. */
#pragma once

/* Configuration and host: one line per finding on stdout or in the log. 0 if pdttd could start. */
int host_check(const char *config_path);

/* Prints the table of layers and programs that this kernel takes. */
int host_probe(const char *config_path);

/* -EPERM, -ENOENT (no BTF): logged with the remedy. What every start needs before anything is opened. */
int host_require(void);
