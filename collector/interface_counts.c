#include "collector/interface_counts.h"

#include "common/cleanup.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>

#define PIN_NAME "counts"

int interface_counts_get(const struct pins *pins)
{
    cleanup_free char *path = pins_path(pins, PINS_INTERFACES, PIN_NAME);
    cleanup_close int fd = pins_get(pins, PINS_INTERFACES, PIN_NAME);
    struct bpf_map_info info = {0};
    uint32_t size = sizeof(info);

    if (fd < 0 || !path)
        return fd < 0 ? fd : -ENOMEM;
    if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
        return -errno;
    if (info.value_size == sizeof(struct pdtt_interface))
        return take_fd(fd);
    unlink(path);
    return -ENOENT;
}

int interface_counts_put(const struct pins *pins, int fd)
{
    int r = pins_make_dir(pins, PINS_INTERFACES);

    return r < 0 ? r : pins_put(pins, PINS_INTERFACES, PIN_NAME, fd);
}

static struct pdtt_interface *make_values(int *ret_cpus)
{
    *ret_cpus = libbpf_num_possible_cpus();
    return *ret_cpus > 0 ? calloc((size_t)*ret_cpus, sizeof(struct pdtt_interface)) : NULL;
}

int interface_counts_create(int fd, int ifindex, const struct pdtt_interface *entry)
{
    int cpus;
    cleanup_free struct pdtt_interface *values = make_values(&cpus);

    if (!values)
        return -ENOMEM;
    for (int cpu = 0; cpu < cpus; cpu++) {
        values[cpu] = *entry;
        memset(values[cpu].n, 0, sizeof(values[cpu].n));
    }
    return bpf_map_update_elem(fd, &ifindex, values, BPF_NOEXIST) < 0 ? -errno : 0;
}

int interface_counts_read(int fd, int ifindex, struct pdtt_interface *ret)
{
    int cpus;
    cleanup_free struct pdtt_interface *values = make_values(&cpus);

    if (!values)
        return -ENOMEM;
    if (bpf_map_lookup_elem(fd, &ifindex, values) < 0)
        return -errno;
    *ret = values[0];
    for (int cpu = 1; cpu < cpus; cpu++)
        for (int direction = 0; direction < PDTT_DIRECTIONS; direction++)
            for (int kind = 0; kind < PDTT_IFACE_KINDS; kind++) {
                ret->n[direction][kind].bytes += values[cpu].n[direction][kind].bytes;
                ret->n[direction][kind].packets += values[cpu].n[direction][kind].packets;
            }
    return 0;
}

int interface_counts_remove(int fd, int ifindex)
{
    return bpf_map_delete_elem(fd, &ifindex) < 0 ? -errno : 0;
}

int interface_counts_list(int fd, int **ret, size_t *ret_n)
{
    cleanup_free int *v = calloc(PDTT_INTERFACES, sizeof(*v));
    size_t n = 0;
    int key;

    if (!v)
        return -ENOMEM;
    for (const int *before = NULL; n < PDTT_INTERFACES && bpf_map_get_next_key(fd, before, &key) == 0; before = &v[n++])
        v[n] = key;
    *ret = take_ptr(v);
    *ret_n = n;
    return 0;
}
