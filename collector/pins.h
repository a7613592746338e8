/*
 * The directory on bpffs in which links and maps outlive pdttd: PIN/maps, PIN/links, and PIN/maps_next while one set of maps
 * is being replaced by another. One pdttd at a time owns it, by a lock that dies with the process.
 */
#pragma once

#include <stdbool.h>

struct pins {
    char *path;
    int lock_fd;
};

#define PINS_MAPS       "maps"
#define PINS_MAPS_NEXT  "maps_next" /* bpffs reserves names with dots */
#define PINS_LINKS      "links"
#define PINS_INTERFACES "interfaces" /* links and counts of the interface layer */

/*
 * Makes the directory if need be and locks it. -EBUSY: another pdttd has it; -ENODEV: not on bpffs; ret_why is malloc'ed
 * and says what to do.
 */
int pins_open(const char *path, struct pins **ret_pins, char **ret_why);
struct pins *pins_close(struct pins *pins);

/* Whether pins_open() could, but for another pdttd that has it; nothing is made. Errors and ret_why as there. */
int pins_check(const char *path, char **ret_why);

/* Where the directory is gone (bpffs was unmounted, somebody removed it) makes and locks it anew; as pins_open(). */
int pins_renew(struct pins *pins, char **ret_why);

/* "PIN/dir" or "PIN/dir/name" (name NULL); malloc'ed, NULL when memory is out. */
char *pins_path(const struct pins *pins, const char *dir, const char *name);

int pins_make_dir(const struct pins *pins, const char *dir); /* an existing one is fine */
bool pins_exist(const struct pins *pins, const char *dir, const char *name);

/* A descriptor of the pinned object, or a negative errno. */
int pins_get(const struct pins *pins, const char *dir, const char *name);

/* Pins fd, replacing a pin of that name. */
int pins_put(const struct pins *pins, const char *dir, const char *name, int fd);

/* Removes every pin in dir and dir itself. A missing one is fine. */
int pins_remove_dir(const struct pins *pins, const char *dir);

int pins_rename_dir(const struct pins *pins, const char *from, const char *to);

/* Removes everything, PIN included. */
int pins_remove_all(const struct pins *pins);
