/* What the interface layer and the kernel's interface counters read, in the form that the store takes. */
#pragma once

#include "bpf/pdtt_abi.h"
#include "collector/netdev.h"
#include "sql/store.h"

/* "socket", ...: enum pdtt_interface_kind as the store and reports call it. Static text. */
const char *interface_kind_name(unsigned kind);

struct interface_meters {
    struct store_meter *v;
    size_t n, capacity;
};

/* Begins a reading with the programs' own counters of causes, whose identity is that of the ledger. */
int interface_meters_begin(struct interface_meters *m, int stats_fd, uint64_t ledger);

/* Adds an interface; dev NULL: the kernel no longer tells of it. last: it will not be read again. */
int interface_meters_add(struct interface_meters *m, const struct pdtt_interface *entry, const struct netdev *dev,
                         bool last);
void interface_meters_done(struct interface_meters *m);
