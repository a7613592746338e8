/* What the kernel's verifier says of each program that pdttd would load here: loaded alone, with tiny maps, and dropped. */
#pragma once

#include <stdbool.h>

/*
 * To stdout: a line for each program, and below it the verifier's words. In full these are each instruction on each path, some 50 MB;
 * else a summary of a program that is taken, and the path on which one is refused. Nothing is booked or kept, and attached as by host_probe() alone. 0 if this
 * kernel takes what counting needs; a negative errno, said in the log, otherwise.
 */
int verifier_log_print(const char *config_path, bool full);
