/* "pdttd --status", "pdttctl status": how the running pdttd says that it is, for people or as it came. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/*
 * 0: healthy; 3: it says that something is wrong; a negative errno: it does not answer, which was logged. With json the answer
 * is printed as it came, else as text for people.
 */
#define STATUS_UNHEALTHY 3

int status_print(const char *config_path, bool json);

/* The same for an answer that is there. -ENOMEM, -EIO: it could not be printed, not logged. */
int status_print_answer(const json_t *answer, bool json);

/* Any answer as JSON, indented, harmless on a terminal. 0, -ENOMEM, -EIO. */
int status_print_json(const json_t *answer);
