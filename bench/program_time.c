#include "bench/program_time.h"

#include "common/cleanup.h"

#include <bpf/bpf.h>
#include <string.h>

static int read_time(uint32_t id, struct program_time *ret_time)
{
    cleanup_close int fd = bpf_prog_get_fd_by_id(id);
    struct bpf_prog_info info = {};
    uint32_t size = sizeof(info);

    if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
        return -errno;
    *ret_time = (struct program_time){.id = id, .runs = info.run_cnt, .time_ns = info.run_time_ns};
    memcpy(ret_time->name, info.name, sizeof(ret_time->name));
    ret_time->name[sizeof(ret_time->name) - 1] = '\0';
    return 0;
}

int program_times_read(struct program_time ret_times[static PROGRAM_TIMES_MAX], size_t *ret_n)
{
    size_t n = 0;

    for (uint32_t id = 0; n < PROGRAM_TIMES_MAX && bpf_prog_get_next_id(id, &id) == 0;)
        if (read_time(id, &ret_times[n]) == 0) /* else it was unloaded meanwhile */
            n++;
    if (n == PROGRAM_TIMES_MAX)
        return -E2BIG;
    *ret_n = n;
    return errno == ENOENT || n ? 0 : -errno;
}

void program_times_since(const struct program_time *before, size_t n_before, struct program_time *after,
                         size_t *n_after)
{
    size_t kept = 0;

    for (size_t i = 0; i < *n_after; i++) {
        struct program_time t = after[i];

        for (size_t k = 0; k < n_before; k++)
            if (before[k].id == t.id) {
                t.runs -= before[k].runs;
                t.time_ns -= before[k].time_ns;
            }
        if (t.runs)
            after[kept++] = t;
    }
    *n_after = kept;
}

int program_times_enable(void)
{
    int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);

    return fd < 0 ? -errno : fd;
}
