/* What the kernel itself says that BPF programs take: kernel.bpf_stats_enabled, switched on for as long as a descriptor
 * is open. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define PROGRAM_TIMES_MAX 128

struct program_time {
    uint32_t id;
    char name[16]; /* BPF_OBJ_NAME_LEN */
    uint64_t runs, time_ns;
};

/* All programs that are loaded now. */
int program_times_read(struct program_time ret_times[static PROGRAM_TIMES_MAX], size_t *ret_n);

/* after minus before, only those that ran in between. */
void program_times_since(const struct program_time *before, size_t n_before, struct program_time *after,
                         size_t *n_after);

/* A descriptor that keeps the kernel measuring run times until it is closed. */
int program_times_enable(void);
