/* The map of the interface layer's counts: an entry for each interface, summed over the CPUs. */
#pragma once

#include "bpf/pdtt_abi.h"
#include "collector/pins.h"

#include <stddef.h>

/* The pinned map of a former pdttd; -ENOENT: there is none, or it has another layout and was removed. */
int interface_counts_get(const struct pins *pins);
int interface_counts_put(const struct pins *pins, int fd);

/* A new entry, with counts of zero; id and base are the caller's. */
int interface_counts_create(int fd, int ifindex, const struct pdtt_interface *entry);

/* Reads an entry: n is the sum over all CPUs. -ENOENT. */
int interface_counts_read(int fd, int ifindex, struct pdtt_interface *ret);
int interface_counts_remove(int fd, int ifindex);

/* The numbers of all entries; *ret is the caller's to free. */
int interface_counts_list(int fd, int **ret, size_t *ret_n);
