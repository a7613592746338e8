#include "common/syscall_filter.h"

#include "common/cleanup.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* What every program of the house does while it runs. */
static const struct syscall_group allowed[] = {
    {"memory", (const char *const[]){"brk", "munmap", "mremap", "madvise", "msync", NULL}},
    {"threads, which give up their capabilities, and ending",
     (const char *const[]){"futex", "set_robust_list", "rseq", "set_tid_address", "sched_yield", "sched_getaffinity",
                           "gettid", "exit", "exit_group", "capset", NULL}},
    {"signals, and abort(3)", (const char *const[]){"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack",
                                                    "restart_syscall", "signalfd4", "tgkill", "getpid", NULL}},
    {"an event loop",
     (const char *const[]){"epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "timerfd_create",
                           "timerfd_settime", "timerfd_gettime", "eventfd2", "pipe2", "poll", "ppoll", "select",
                           "pselect6", "nanosleep", "clock_nanosleep", NULL}},
    {"clocks, where the vdso has none",
     (const char *const[]){"clock_gettime", "clock_getres", "gettimeofday", "time", NULL}},
    {"reading files, and writing to what is open",
     (const char *const[]){"openat", "open", "close", "read", "write", "readv", "writev", "pread64", "pwrite64",
                           "lseek", "fcntl", "dup", "dup2", "dup3", "fadvise64", "getdents64", NULL}},
    {"names and properties of files",
     (const char *const[]){"fstat", "stat", "lstat", "newfstatat", "statx", "statfs", "fstatfs", "access", "faccessat",
                           "faccessat2", "readlink", "readlinkat", "getcwd", "umask", NULL}},
    {"SQLite's temporary files", (const char *const[]){"unlink", "unlinkat", "ftruncate", "fchmod", NULL}},
    {"who and where this is",
     (const char *const[]){"getppid", "getuid", "geteuid", "getgid", "getegid", "getgroups", "uname", "sysinfo",
                           "getrandom", "getrlimit", "prlimit64", "capget", NULL}},
    {"name services and sd_notify(3), over the Unix sockets that socket(2) below allows",
     (const char *const[]){"connect", "sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "recvmmsg", "getsockname",
                           "getpeername", "getsockopt", "setsockopt", "shutdown", NULL}},
    {"a socket that listens already", (const char *const[]){"accept4", NULL}},
#ifdef __SANITIZE_ADDRESS__
    {"the sanitizers, in builds with them",
     (const char *const[]){"clone", "clone3", "wait4", "ptrace", "kill", "prctl", "mmap", "mprotect", "personality",
                           "sched_setaffinity", "process_vm_readv", "getpgrp", "setrlimit", NULL}},
#endif
};

static const struct syscall_argument allowed_if[] = {
    {"mmap", 2, PROT_EXEC, 0, "memory and files"},
    {"mmap", 2, PROT_WRITE, 0, "modules of name services, never writable and executable at once"},
    {"mprotect", 2, PROT_EXEC, 0, "threads' stacks, and what modules relocate"},
    {"clone", 0, CLONE_THREAD, CLONE_THREAD, "threads, never processes"},
    {"prctl", 0, UINT64_MAX, PR_SET_NAME, "names of threads"},
    {"ioctl", 1, UINT32_MAX, FIONREAD, "name services"},
    {"ioctl", 1, UINT32_MAX, TCGETS, "is this a terminal?"},
    {"socket", 0, UINT32_MAX, AF_UNIX, "name services and sd_notify(3); no network"},
};

/* Of these ENOSYS would be a lie that a library may repeat to somebody who reads it. */
static const struct syscall_argument no_network[] = {
    {"socket", 0, UINT32_MAX, AF_INET, NULL},
    {"socket", 0, UINT32_MAX, AF_INET6, NULL},
    {"socket", 0, UINT32_MAX, AF_PACKET, NULL},
};

/* Nothing of ours, in SQLite or in a name service has a reason to call these: whoever does has taken over the process. */
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
static const struct syscall_policy *in_force;

/* ---- what a forbidden call leaves behind: runs in any thread, between any two instructions ---- */

static void put_text(char **to, const char *end, const char *text)
{
    while (*text && *to < end)
        *(*to)++ = *text++;
}

static void on_forbidden(int signal_number, siginfo_t *info, void *context)
{
    char line[256], *to = line;
    const char *name = "?", *end = line + sizeof(line) - 1;

    for (size_t i = 0; i < array_length(forbidden); i++)
        if (forbidden_numbers[i] == info->si_syscall)
            name = forbidden[i];
    put_text(&to, end, in_force->program);
    put_text(&to, end, ": the system call ");
    put_text(&to, end, name);
    put_text(&to, end, " is forbidden to it now, so something else runs in this process: ending it; ");
    put_text(&to, end, in_force->left);
    *to++ = '\n';
    if (write(STDERR_FILENO, line, (size_t)(to - line)) < 0)
        to = line; /* there is nowhere else to say it */
    raise(SIGSYS); /* SA_RESETHAND: this one is final */
}

static int catch_forbidden(const struct syscall_policy *policy)
{
    struct sigaction action = {.sa_sigaction = on_forbidden, .sa_flags = SA_SIGINFO | SA_RESETHAND | SA_NODEFER};

    in_force = policy;
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

static int add_groups(scmp_filter_ctx filter, const struct syscall_group *groups, size_t n)
{
    int r = 0;

    for (size_t i = 0; i < n; i++)
        for (const char *const *name = groups[i].names; *name && r == 0; name++)
            r = add_rule(filter, SCMP_ACT_ALLOW, *name, 0, NULL);
    return r;
}

static int add_arguments(scmp_filter_ctx filter, uint32_t action, const struct syscall_argument *arguments, size_t n)
{
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++) {
        const struct syscall_argument *a = &arguments[i];
        struct scmp_arg_cmp comparison = SCMP_CMP(a->argument, SCMP_CMP_MASKED_EQ, a->mask, a->value);

        r = add_rule(filter, action, a->name, 1, &comparison);
    }
    return r;
}

static int add_rules(scmp_filter_ctx filter, const struct syscall_policy *policy)
{
    int r = add_groups(filter, allowed, array_length(allowed));

    if (r == 0)
        r = add_groups(filter, policy->allowed, policy->n_allowed);
    if (r == 0)
        r = add_arguments(filter, SCMP_ACT_ALLOW, allowed_if, array_length(allowed_if));
    if (r == 0)
        r = add_arguments(filter, SCMP_ACT_ALLOW, policy->allowed_if, policy->n_allowed_if);
    if (r == 0)
        r = add_arguments(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), no_network, array_length(no_network));
    for (size_t i = 0; i < array_length(forbidden) && r == 0; i++)
        r = add_rule(filter, SCMP_ACT_TRAP, forbidden[i], 0, NULL);
    return r;
}

static int load_filter(const struct syscall_policy *policy)
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
        r = add_rules(filter, policy);
    if (r == 0)
        r = catch_forbidden(policy);
    if (r == 0)
        r = seccomp_load(filter);
    seccomp_release(filter);
    return r;
}

int syscall_filter_load(const struct syscall_policy *policy, char **ret_why)
{
    int r = load_filter(policy);

    if (r < 0 && asprintf(ret_why, "cannot restrict system calls: %s; the kernel must have CONFIG_SECCOMP_FILTER",
                          strerror(-r)) < 0)
        *ret_why = NULL;
    return r;
}
