/*
 * The interface layer while it runs: which interfaces are counted and how, following those that come, go and are renamed,
 * and reading what they carried. The ledger does not depend on it: nothing here ever stops pdttd from counting.
 */
#pragma once

#include "collector/config.h"
#include "collector/interface_programs.h"
#include "collector/pins.h"
#include "collector/samples.h"
#include "sql/store.h"

struct interfaces;

struct interfaces_options {
    const struct config *config; /* must live as long as the layer */
    const struct pins *pins;
    int conn_uid_fd, stats_fd;
    uint64_t ledger; /* identity of the counters in stats_fd */
    struct interface_door door;
};

/*
 * Goes on where a former pdttd stopped and attaches what is missing. With nothing to count, or on a kernel that cannot, the
 * layer is off and *ret says why when asked. Fails with one line in ret_why (malloc'ed) only where the configuration
 * insists ("on").
 */
int interfaces_open(const struct interfaces_options *options, struct interfaces **ret, char **ret_why);
struct interfaces *interfaces_close(struct interfaces *s); /* counting goes on */

/* Readable when interfaces change: then interfaces_read(). -1: the layer is off. */
int interfaces_fd(const struct interfaces *s);
void interfaces_read(struct interfaces *s);

/*
 * What all of it has counted so far, cumulative, with the interface counters of the kernel; it belongs to s until the next
 * call. interfaces_booked() when that was committed: then what is gone is forgotten.
 */
int interfaces_measure(struct interfaces *s, const struct store_meter **ret, size_t *ret_n);
void interfaces_booked(struct interfaces *s);

/* Calls fn for each state that was not told yet: layer is "interface", or "interface NAME". */
typedef int (*interfaces_state_fn)(const char *layer, const char *state, const char *detail, void *userdata);
int interfaces_tell_states(struct interfaces *s, interfaces_state_fn fn, void *userdata);

/* The configuration was read again and says the same of interfaces: the old one is about to go. */
void interfaces_use_config(struct interfaces *s, const struct config *config);

/* Samples of packets, where the configuration wants them and the kernel draws them; NULL: there are none. */
struct samples *interfaces_samples(const struct interfaces *s);

/* Whether policies are done at the interfaces too, and calls fn for each that it is so at; hook is as interface_hook_name() says. */
bool interfaces_have_door(const struct interfaces *s);
typedef void (*interfaces_door_fn)(const char *interface, const char *hook, void *userdata);
void interfaces_tell_doors(const struct interfaces *s, interfaces_door_fn fn, void *userdata);

/* The name of an interface that is counted, or was until a moment ago; NULL: not known. For samples_book(). */
const char *interfaces_name(int ifindex, void *interfaces);

/* For --probe: whether this kernel takes the programs, which interfaces the configuration means, and how each is counted. */
void interfaces_print(const struct config *config);

/* Removes filters and links everywhere; what is pinned besides goes with the pins. */
void interfaces_unload(struct interfaces *s);
