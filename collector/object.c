#include "collector/object.h"

#include "bpf/pdtt.skel.h"
#include "bpf/pdtt_old.skel.h"
#include "common/cleanup.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <string.h>

_Static_assert(sizeof(struct pdtt_bpf__rodata) == sizeof(struct pdtt_old_bpf__rodata),
               "both forms are of one source: their settings are the same");

/* r0 = 0; *(u64 *)(r10 - 8) = r0; r0 = atomic_fetch_add((u64 *)(r10 - 8), r0); r0 = 0; exit */
static bool kernel_has_fetch(void)
{
    const struct bpf_insn program[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
        {.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_10, .src_reg = BPF_REG_0, .off = -8},
        {.code = BPF_STX | BPF_ATOMIC | BPF_DW,
         .dst_reg = BPF_REG_10,
         .src_reg = BPF_REG_0,
         .off = -8,
         .imm = BPF_ADD | BPF_FETCH},
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
        {.code = BPF_JMP | BPF_EXIT},
    };
    cleanup_close int fd =
        bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "pdtt_fetch", "GPL", program, array_length(program), NULL);

    return fd >= 0;
}

bool object_is_old(void)
{
    static int old = -1;

    if (old < 0)
        old = getenv("PDTT_TEST_OLD_KERNEL") || !kernel_has_fetch();
    return old;
}

static const void *object_bytes(size_t *ret_size)
{
    return object_is_old() ? pdtt_old_bpf__elf_bytes(ret_size) : pdtt_bpf__elf_bytes(ret_size);
}

int object_open(struct bpf_object **ret_object)
{
    LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "pdtt_bpf");
    size_t size;
    const void *bytes = object_bytes(&size);

    *ret_object = bpf_object__open_mem(bytes, size, &options);
    return *ret_object ? 0 : -errno;
}

static struct bpf_map *find_rodata(struct bpf_object *object)
{
    struct bpf_map *map;

    bpf_object__for_each_map(map, object)
    {
        if (strstr(bpf_map__name(map), ".rodata"))
            return map;
    }
    return NULL;
}

int object_set(struct bpf_object *object, const struct object_settings *settings)
{
    struct bpf_map *map = find_rodata(object);
    size_t size = 0;
    const void *initial = map ? bpf_map__initial_value(map, &size) : NULL;
    cleanup_free struct pdtt_bpf__rodata *rodata = initial ? malloc(size) : NULL;

    if (!initial || size < sizeof(*rodata))
        return -ENOENT;
    if (!rodata)
        return -ENOMEM;
    memcpy(rodata, initial, size);
    rodata->ledger_slots = settings->ledger_slots;
    rodata->ledger_cpus = settings->ledger_cpus;
    rodata->connections_limit = settings->connections_limit;
    rodata->slot_error = settings->slot_error;
    rodata->truth_enabled = settings->truth_enabled;
    rodata->notes_enabled = settings->notes_enabled;
    rodata->conn_uid_netns = settings->conn_uid_netns;
    rodata->policies_limit = settings->policies_limit;
    return bpf_map__set_initial_value(map, rodata, size);
}

uint64_t object_build(void)
{
    size_t size;
    const unsigned char *bytes = object_bytes(&size);
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a, 64 bit */

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
    return hash;
}
