/*
 * The compiled kernel side, in the three forms that are embedded in pdttd: for kernels from 6.2 on, for those before, in which a
 * datagram cannot be asked for its fragments (bpf/fragments.bpf.h), and for those before 5.12 without the atomic operations that
 * return a value (bpf/atomics.bpf.h). object.c is the only file that includes skeletons.
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

/* A number that differs between builds whose programs differ, and between the forms. */
uint64_t object_build(void);

enum object_form {
    OBJECT_OLD,
    OBJECT_WHOLE, /* datagrams are counted as if they had no fragments */
    OBJECT_FULL,
};

/* Which form this kernel gets. PDTT_TEST_OLD_KERNEL in the environment makes it the oldest. */
enum object_form object_form(void);
