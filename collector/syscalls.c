/*
 * The system calls of a pdttd that counts, as an allow-list. What is not in it gives ENOSYS rather than death: name
 * services bring modules and newer C libraries bring calls, and both know how to do without one. What only an intruder
 * would call ends the process with one line; the kernel goes on counting, and the next start books it.
 */
#include "collector/privilege.h"
#include "common/cleanup.h"

#include <linux/bpf.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

static const struct call_group {
    const char *what_for;
    const char *const *names;
} allowed[] = {
    {"memory", (const char *const[]){"brk", "munmap", "mremap", "madvise", "msync", NULL}},
    {"threads, which give up their capabilities, and ending",
     (const char *const[]){"futex", "set_robust_list", "rseq", "set_tid_address", "sched_yield", "sched_getaffinity",
                           "gettid", "exit", "exit_group", "capset", NULL}},
    {"signals, and abort(3)", (const char *const[]){"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack",
                                                    "restart_syscall", "signalfd4", "tgkill", "getpid", NULL}},
    {"the event loop",
     (const char *const[]){"epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "timerfd_create",
                           "timerfd_settime", "timerfd_gettime", "eventfd2", "pipe2", "poll", "ppoll", "select",
                           "pselect6", "nanosleep", "clock_nanosleep", NULL}},
    {"clocks, where the vdso has none",
     (const char *const[]){"clock_gettime", "clock_getres", "gettimeofday", "time", NULL}},
    {"reading and writing files", (const char *const[]){"openat",     "open",
                                                        "close",      "read",
                                                        "write",      "readv",
                                                        "writev",     "pread64",
                                                        "pwrite64",   "lseek",
                                                        "fcntl",      "flock",
                                                        "dup",        "dup2",
                                                        "dup3",       "fsync",
                                                        "fdatasync",  "ftruncate",
                                                        "fallocate",  "fadvise64",
                                                        "getdents64", "copy_file_range",
                                                        NULL}},
    {"names and properties of files: the database, its log and lock, text logs, pins",
     (const char *const[]){"fstat",    "stat",      "lstat",      "newfstatat", "statx",      "statfs",  "fstatfs",
                           "access",   "faccessat", "faccessat2", "readlink",   "readlinkat", "getcwd",  "rename",
                           "renameat", "renameat2", "unlink",     "unlinkat",   "mkdir",      "mkdirat", "rmdir",
                           "umask",    "fchmod",    "utimensat",  NULL}},
    {"SQLite gives a new log the owner of its database", (const char *const[]){"fchown", NULL}},
    {"following interfaces: netlink's sockets are bound", (const char *const[]){"bind", NULL}},
    {"following cgroups", (const char *const[]){"inotify_init1", "inotify_add_watch", "inotify_rm_watch", NULL}},
    {"who and where this is",
     (const char *const[]){"getppid", "getuid", "geteuid", "getgid", "getegid", "getgroups", "uname", "sysinfo",
                           "getrandom", "getrlimit", "prlimit64", "capget", NULL}},
    {"name services and sd_notify(3), over the Unix sockets that socket(2) below allows",
     (const char *const[]){"connect", "sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "recvmmsg", "getsockname",
                           "getpeername", "getsockopt", "setsockopt", "shutdown", NULL}},
    {"the control socket, which listens already", (const char *const[]){"accept4", NULL}},
#ifdef __SANITIZE_ADDRESS__
    {"the sanitizers, in builds with them",
     (const char *const[]){"clone", "clone3", "wait4", "ptrace", "kill", "prctl", "mmap", "mprotect", "personality",
                           "sched_setaffinity", "process_vm_readv", "getpgrp", "setrlimit", NULL}},
#endif
};

/* Allowed if argument & mask == value. */
static const struct call_argument {
    const char *name;
    unsigned argument;
    uint64_t mask, value;
    const char *what_for;
} allowed_if[] = {
    {"mmap", 2, PROT_EXEC, 0, "memory and files"},
    {"mmap", 2, PROT_WRITE, 0, "modules of name services, never writable and executable at once"},
    {"mprotect", 2, PROT_EXEC, 0, "threads' stacks, and what modules relocate"},
    {"clone", 0, CLONE_THREAD, CLONE_THREAD, "threads, never processes"},
    {"prctl", 0, UINT64_MAX, PR_SET_NAME, "names of threads"},
    {"ioctl", 1, UINT32_MAX, FIONREAD, "name services"},
    {"ioctl", 1, UINT32_MAX, TCGETS, "is this a terminal?"},
    {"socket", 0, UINT32_MAX, AF_UNIX, "name services and sd_notify(3); no network"},
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

/* Of these ENOSYS would be a lie that a library may repeat to somebody who reads it. */
static const struct call_argument no_network[] = {
    {"socket", 0, UINT32_MAX, AF_INET, NULL},
    {"socket", 0, UINT32_MAX, AF_INET6, NULL},
    {"socket", 0, UINT32_MAX, AF_PACKET, NULL},
};

/* Nothing in pdttd, in SQLite or in a name service has a reason to call these: whoever does has taken over the process. */
static const char *const forbidden[] = {
    "execve",
    "execveat",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "kexec_file_load",
    "mount",
    "umount2",
    "move_mount",
    "open_tree",
    "fsopen",
    "pivot_root",
    "chroot",
    "setns",
    "unshare",
    "setuid",
    "setgid",
    "setreuid",
    "setregid",
    "setresuid",
    "setresgid",
    "setgroups",
    "setfsuid",
    "setfsgid",
    "userfaultfd",
    "perf_event_open",
    "keyctl",
    "add_key",
    "request_key",
    "io_uring_setup",
    "reboot",
    "swapon",
    "swapoff",
    "settimeofday",
    "clock_settime",
    "adjtimex",
    "clock_adjtime",
    "sethostname",
    "setdomainname",
    "iopl",
    "ioperm",
    "open_by_handle_at",
    "mknod",
    "mknodat",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "acct",
    "quotactl",
    "syslog",
};

static int forbidden_numbers[array_length(forbidden)];

/* ---- what a forbidden call leaves behind: runs in any thread, between any two instructions ---- */

static void put_text(char **to, const char *text)
{
    *to = stpcpy(*to, text);
}

static void on_forbidden(int signal_number, siginfo_t *info, void *context)
{
    char line[256], *to = line;
    const char *name = "?";

    for (size_t i = 0; i < array_length(forbidden); i++)
        if (forbidden_numbers[i] == info->si_syscall)
            name = forbidden[i];
    put_text(&to, "pdttd: the system call ");
    put_text(&to, name);
    put_text(&to, " is forbidden once it counts, so something else runs in this process: ending it; the kernel goes on "
                  "counting\n");
    if (write(STDERR_FILENO, line, (size_t)(to - line)) < 0)
        to = line; /* there is nowhere else to say it */
    raise(SIGSYS); /* SA_RESETHAND: this one is final */
}

static int catch_forbidden(void)
{
    struct sigaction action = {.sa_sigaction = on_forbidden, .sa_flags = SA_SIGINFO | SA_RESETHAND | SA_NODEFER};

    for (size_t i = 0; i < array_length(forbidden); i++)
        forbidden_numbers[i] = seccomp_syscall_resolve_name(forbidden[i]);
    return sigaction(SIGSYS, &action, NULL) < 0 ? -errno : 0;
}

/* ---- the filter ---- */

/* Another architecture, or an older library, may not know a call: what it does not know it cannot allow. */
static int add_rule(scmp_filter_ctx filter, uint32_t action, const char *name, unsigned n,
                    const struct scmp_arg_cmp *comparison)
{
    int call = seccomp_syscall_resolve_name(name);

    if (call == __NR_SCMP_ERROR)
        return 0;
    return seccomp_rule_add_array(filter, action, call, n, comparison);
}

static int add_argument(scmp_filter_ctx filter, uint32_t action, const struct call_argument *c)
{
    struct scmp_arg_cmp comparison = SCMP_CMP(c->argument, SCMP_CMP_MASKED_EQ, c->mask, c->value);

    return add_rule(filter, action, c->name, 1, &comparison);
}

static int add_rules(scmp_filter_ctx filter)
{
    int r = 0;

    for (size_t i = 0; i < array_length(allowed); i++)
        for (const char *const *name = allowed[i].names; *name && r == 0; name++)
            r = add_rule(filter, SCMP_ACT_ALLOW, *name, 0, NULL);
    for (size_t i = 0; i < array_length(allowed_if) && r == 0; i++)
        r = add_argument(filter, SCMP_ACT_ALLOW, &allowed_if[i]);
    for (size_t i = 0; i < array_length(no_network) && r == 0; i++)
        r = add_argument(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), &no_network[i]);
    for (size_t i = 0; i < array_length(forbidden) && r == 0; i++)
        r = add_rule(filter, SCMP_ACT_TRAP, forbidden[i], 0, NULL);
    return r;
}

static int load_filter(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    int r;

    if (!filter)
        return -ENOMEM;
    r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0); /* is set already, and would hide that it was not */
    if (r == 0)
        r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (r == 0)
        r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
    if (r == 0)
        r = add_rules(filter);
    if (r == 0)
        r = catch_forbidden();
    if (r == 0)
        r = seccomp_load(filter);
    seccomp_release(filter);
    return r;
}

int syscalls_restrict(char **ret_why)
{
    int r = load_filter();

    if (r < 0 && asprintf(ret_why, "cannot restrict system calls: %s; the kernel must have CONFIG_SECCOMP_FILTER",
                          strerror(-r)) < 0)
        *ret_why = NULL;
    return r;
}
