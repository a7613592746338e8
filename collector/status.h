/* "pdttd --status": asks the running pdttd how it is, over the control socket. */
#pragma once

#include <stdbool.h>

/*
 * 0: healthy; 3: it says that something is wrong; a negative errno: it does not answer, which was logged. With json the answer
 * is printed as it came, else as text for people.
 */
#define STATUS_UNHEALTHY 3

int status_print(const char *config_path, bool json);
