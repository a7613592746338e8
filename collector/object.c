#include "collector/object.h"

#include "bpf/pdtt.skel.h"
#include "bpf/pdtt_old.skel.h"
#include "bpf/pdtt_whole.skel.h"
#include "common/cleanup.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <cap-ng.h>
#include <linux/bpf.h>
#include <string.h>

_Static_assert(sizeof(struct pdtt_bpf__rodata) == sizeof(struct pdtt_whole_bpf__rodata) &&
                   sizeof(struct pdtt_bpf__rodata) == sizeof(struct pdtt_old_bpf__rodata),
               "all forms are of one source: their settings are the same");

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

/* The functions by which programs look into the kernel's sk_buff (6.2) */
static bool kernel_has_casts(void)
{
    struct btf *btf = btf__load_vmlinux_btf();
    bool has = btf && btf__find_by_name_kind(btf, "bpf_cast_to_kern_ctx", BTF_KIND_FUNC) > 0 &&
               btf__find_by_name_kind(btf, "bpf_rdonly_cast", BTF_KIND_FUNC) > 0;

    btf__free(btf);
    return has;
}

enum object_form object_form(void)
{
    static int form = -1; /* the answer cannot change while we run */

    if (form < 0 && (getenv("PDTT_TEST_OLD_KERNEL") || !kernel_has_fetch()))
        form = OBJECT_OLD;
    if (form < 0)
        form = kernel_has_casts() ? OBJECT_FULL : OBJECT_WHOLE;
    return form;
}

static const void *object_bytes(size_t *ret_size)
{
    switch (object_form()) {
    case OBJECT_OLD:
        return pdtt_old_bpf__elf_bytes(ret_size);
    case OBJECT_WHOLE:
        return pdtt_whole_bpf__elf_bytes(ret_size);
    default:
        return pdtt_bpf__elf_bytes(ret_size);
    }
}

/*
 * Types of the kernel's modules are shown to CAP_SYS_ADMIN alone, and libbpf 1.1 fails where it may not look for one there that the
 * kernel itself lacks; not if it is told where to look. /sys/kernel/btf/vmlinux is what it would read first.
 */
static bool may_see_modules(void)
{
    return capng_get_caps_process() == 0 && capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN);
}

int object_open(struct bpf_object **ret_object)
{
    LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "pdtt_bpf");
    size_t size;

    if (!may_see_modules())
        options.btf_custom_path = "/sys/kernel/btf/vmlinux";
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
