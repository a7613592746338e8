/* The door of policies: what the programs on the interfaces know of this host, beside the list in force (bpf/door.bpf.h). */
#pragma once

#include "collector/addresses.h"

/*
 * Only what is addressed to one of these is dropped at the interfaces, from now on; networks_fd is the map policy_networks. Sorted,
 * each once. -ENOSPC: more than PDTT_POLICY_OWN_MAX, and some are left out.
 */
int policy_door_use_addresses(int networks_fd, const struct address *addresses, size_t n);
