/*
 * The compiled kernel side, in the two forms that are embedded in pdttd: for kernels from 5.12 on, and for older ones
 * without the atomic operations that return a value (bpf/atomics.bpf.h). object.c is the only file that includes skeletons.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct bpf_object;

/* Settings of the programs that are constant once they are loaded; the names are those of bpf/. */
struct object_settings {
    uint32_t ledger_slots, ledger_cpus, connections_limit, policies_limit;
    int slot_error;
    bool truth_enabled, notes_enabled, conn_uid_netns;
};

/* Opens the form for this kernel, for bpf_object__close(). A negative errno. */
int object_open(struct bpf_object **ret_object);

/* Before load. -ENOENT: the object has no such settings. */
int object_set(struct bpf_object *object, const struct object_settings *settings);

/* A number that differs between builds whose programs differ, and between the two forms. */
uint64_t object_build(void);

/* Whether this kernel gets the form for old ones. PDTT_TEST_OLD_KERNEL in the environment says yes. */
bool object_is_old(void);
