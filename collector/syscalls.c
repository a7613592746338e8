/* The system calls of a pdttd that counts, besides those that every program of the house makes. */
#include "collector/privilege.h"
#include "common/cleanup.h"
#include "common/syscall_filter.h"

#include <linux/bpf.h>
#include <sys/socket.h>

static const struct syscall_group allowed[] = {
    {"writing the database, its log and lock, text logs and pins",
     (const char *const[]){"flock", "fsync", "fdatasync", "fallocate", "copy_file_range", "rename", "renameat",
                           "renameat2", "mkdir", "mkdirat", "rmdir", "utimensat", NULL}},
    {"SQLite gives a new log the owner of its database", (const char *const[]){"fchown", NULL}},
    {"following interfaces: netlink's sockets are bound", (const char *const[]){"bind", NULL}},
    {"following cgroups", (const char *const[]){"inotify_init1", "inotify_add_watch", "inotify_rm_watch", NULL}},
};

static const struct syscall_argument allowed_if[] = {
    {"socket", 0, UINT32_MAX, AF_NETLINK, "which interfaces there are, and counting on those that come"},
    {"bpf", 0, UINT32_MAX, BPF_MAP_LOOKUP_ELEM, "the ledger"},
    {"bpf", 0, UINT32_MAX, BPF_MAP_UPDATE_ELEM, "the next epoch; classes; units"},
    {"bpf", 0, UINT32_MAX, BPF_MAP_DELETE_ELEM, "classes; units"},
    {"bpf", 0, UINT32_MAX, BPF_MAP_GET_NEXT_KEY, "classes"},
    {"bpf", 0, UINT32_MAX, BPF_MAP_LOOKUP_AND_DELETE_ELEM, "the ledger"},
    {"bpf", 0, UINT32_MAX, BPF_MAP_LOOKUP_BATCH, "sweeping the ledger's keys"},
    {"bpf", 0, UINT32_MAX, BPF_MAP_LOOKUP_AND_DELETE_BATCH, "sweeping the ledger's keys"},
    {"bpf", 0, UINT32_MAX, BPF_MAP_UPDATE_BATCH, "classes"},
    {"bpf", 0, UINT32_MAX, BPF_MAP_DELETE_BATCH, "sweeping the ledger's keys"},
    {"bpf", 0, UINT32_MAX, BPF_ITER_CREATE, "reading live connections; who holds a socket"},
    {"bpf", 0, UINT32_MAX, BPF_LINK_CREATE, "interfaces that come later"},
    {"bpf", 0, UINT32_MAX, BPF_LINK_UPDATE, "interfaces whose number is used again"},
    {"bpf", 0, UINT32_MAX, BPF_OBJ_GET, "pins"},
    {"bpf", 0, UINT32_MAX, BPF_OBJ_PIN, "pins"},
    {"bpf", 0, UINT32_MAX, BPF_OBJ_GET_INFO_BY_FD, "whose map and which link a descriptor is"},
};

int syscalls_restrict(char **ret_why)
{
    static const struct syscall_policy policy = {
        .program = "pdttd",
        .left = "the kernel goes on counting",
        .allowed = allowed,
        .n_allowed = array_length(allowed),
        .allowed_if = allowed_if,
        .n_allowed_if = array_length(allowed_if),
    };

    return syscall_filter_load(&policy, ret_why);
}
