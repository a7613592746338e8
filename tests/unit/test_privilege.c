/* What is left to a process that has given up its privileges: asked of the kernel, in children that really drop them. */
#include "collector/privilege.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "common/worker.h"
#include "tests/support/unit.h"

#include <bpf/bpf.h>
#include <linux/capability.h>
#include <poll.h>
#include <pwd.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Runs fn in a process of its own; its status as from waitpid(2), its stderr in text. */
static int run(int (*fn)(void), char *text, size_t size)
{
    int ends[2], status;
    ssize_t n = 0, got;
    pid_t pid;

    ck_assert_int_eq(pipe(ends), 0);
    fflush(NULL);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        _exit(fn());
    }
    close(ends[1]);
    while (n + 1 < (ssize_t)size && (got = read(ends[0], text + n, size - 1 - n)) > 0)
        n += got;
    text[n] = '\0';
    close(ends[0]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status;
}

static bool drop(void)
{
    const struct privilege_needs needs = {.map_fd = -1};
    cleanup_free char *why = NULL;
    int r = privilege_drop(&needs, &why);

    if (r < 0)
        fprintf(stderr, "%s\n", why ? why : strerror(-r));
    return r == 0;
}

static void expect(int (*fn)(void))
{
    char text[4096];
    int status = run(fn, text, sizeof(text));

    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %#x: %s", status, text);
}

#define HOLDS(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition, strerror(errno));                       \
            return 1;                                                                                                  \
        }                                                                                                              \
    } while (0)

/* A field of /proc/.../status, as it stands there. */
static bool status_says(const char *path, const char *field, const char *value)
{
    cleanup_fclose FILE *f = fopen(path, "re");
    char line[256];

    while (f && fgets(line, sizeof(line), f)) {
        size_t n = strlen(field);
        if (strncmp(line, field, n) == 0 && line[n] == ':') {
            char *text = line + n + 1 + strspn(line + n + 1, " \t");
            text[strcspn(text, "\n")] = '\0';
            return strcmp(text, value) == 0;
        }
    }
    return false;
}

/* ---- capabilities ---- */

static int nothing_is_left(void)
{
    static const char *const sets[] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"};

    HOLDS(drop());
    for (size_t i = 0; i < array_length(sets); i++)
        HOLDS(status_says("/proc/self/status", sets[i], "0000000000000000"));
    HOLDS(status_says("/proc/self/status", "NoNewPrivs", "1"));
    HOLDS(status_says("/proc/self/status", "Seccomp", "2"));
    return 0;
}

START_TEST(test_a_kernel_that_lets_maps_be_read_leaves_no_capability)
{
    expect(nothing_is_left);
}
END_TEST

/* As Linux 5.10 does where kernel.unprivileged_bpf_disabled is set, for want of such a kernel. */
static bool refuse_bpf(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int r = filter ? seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(bpf), 0) : -ENOMEM;

    if (r == 0)
        r = seccomp_load(filter);
    seccomp_release(filter);
    return r == 0;
}

static int bpf_is_kept(void)
{
    HOLDS(refuse_bpf());
    HOLDS(drop());
    HOLDS(status_says("/proc/self/status", "CapPrm", "0000008000000000"));
    HOLDS(status_says("/proc/self/status", "CapEff", "0000008000000000"));
    HOLDS(status_says("/proc/self/status", "CapBnd", "0000000000000000"));
    return 0;
}

START_TEST(test_a_kernel_that_refuses_maps_without_cap_bpf_leaves_that_one)
{
    expect(bpf_is_kept);
}
END_TEST

static int worker_done = -1;

static void *look_at_itself(void *argument)
{
    bool *ret_none = argument;

    *ret_none = status_says("/proc/thread-self/status", "CapPrm", "0000000000000000") &&
                status_says("/proc/thread-self/status", "CapEff", "0000000000000000");
    eventfd_write(worker_done, 1);
    return NULL;
}

static int worker_has_none(void)
{
    bool none = false;
    eventfd_t ignored;

    worker_done = eventfd(0, EFD_CLOEXEC);
    HOLDS(!status_says("/proc/self/status", "CapPrm", "0000000000000000"));
    HOLDS(worker_start(look_at_itself, &none) == 0);
    HOLDS(eventfd_read(worker_done, &ignored) == 0);
    HOLDS(none);
    HOLDS(!status_says("/proc/self/status", "CapPrm", "0000000000000000"));
    return 0;
}

START_TEST(test_a_thread_that_begins_before_the_drop_has_no_capability)
{
    expect(worker_has_none);
}
END_TEST

static void *wait_for_the_filter(void *argument)
{
    bool *ret_filtered = argument;

    for (int i = 0; i < 1000 && !*ret_filtered; i++) {
        *ret_filtered = status_says("/proc/thread-self/status", "Seccomp", "2") &&
                        status_says("/proc/thread-self/status", "NoNewPrivs", "1");
        poll(NULL, 0, 10);
    }
    eventfd_write(worker_done, 1);
    return NULL;
}

static int worker_is_filtered(void)
{
    bool filtered = false;
    eventfd_t ignored;

    worker_done = eventfd(0, EFD_CLOEXEC);
    HOLDS(worker_start(wait_for_the_filter, &filtered) == 0);
    HOLDS(drop());
    HOLDS(eventfd_read(worker_done, &ignored) == 0);
    HOLDS(filtered);
    return 0;
}

START_TEST(test_a_thread_that_begins_before_the_drop_is_filtered_as_well)
{
    expect(worker_is_filtered);
}
END_TEST

/* ---- system calls ---- */

static int no_network_socket(void)
{
    static const int families[] = {AF_INET, AF_INET6, AF_PACKET};

    HOLDS(drop());
    for (size_t i = 0; i < array_length(families); i++) {
        HOLDS(socket(families[i], SOCK_DGRAM, 0) < 0 && errno == EAFNOSUPPORT);
    }
    return 0;
}

START_TEST(test_there_is_no_network)
{
    expect(no_network_socket);
}
END_TEST

static void *do_nothing(void *argument)
{
    eventfd_write(worker_done, 1);
    return NULL;
}

static int work_goes_on(void)
{
    char name[] = "/tmp/pdtt-privilege-XXXXXX";
    eventfd_t ignored;
    int fd;

    worker_done = eventfd(0, EFD_CLOEXEC);
    HOLDS(drop());
    HOLDS(getpwuid(0) && strcmp(getpwuid(0)->pw_name, "root") == 0);
    HOLDS(socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
    HOLDS((fd = mkstemp(name)) >= 0 && write(fd, "x", 1) == 1 && fsync(fd) == 0 && unlink(name) == 0);
    HOLDS(worker_start(do_nothing, NULL) == 0);
    HOLDS(eventfd_read(worker_done, &ignored) == 0);
    return 0;
}

START_TEST(test_files_names_and_threads_work_as_before)
{
    expect(work_goes_on);
}
END_TEST

static int new_process(void)
{
    HOLDS(drop());
    HOLDS(fork() < 0 && errno == ENOSYS);
    return 0;
}

START_TEST(test_there_are_no_other_processes)
{
#ifdef __SANITIZE_ADDRESS__
    return; /* the leak checker needs one */
#endif
    expect(new_process);
}
END_TEST

static int load_program(void)
{
    HOLDS(drop());
    HOLDS(bpf_map_create(BPF_MAP_TYPE_ARRAY, "privilege", 4, 4, 1, NULL) < 0);
    HOLDS(bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "privilege", "GPL", NULL, 0, NULL) < 0);
    return 0;
}

START_TEST(test_nothing_can_be_loaded_into_the_kernel)
{
    expect(load_program);
}
END_TEST

/* ---- what only an intruder calls ---- */

static int exec_a_shell(void)
{
    HOLDS(drop());
    execl("/bin/sh", "sh", "-c", "exit 0", NULL);
    return 0;
}

static int become_somebody(void)
{
    HOLDS(drop());
    syscall(SYS_setresuid, 1, 1, 1);
    return 0;
}

static void *exec_beside(void *argument)
{
    execl("/bin/sh", "sh", "-c", "exit 0", NULL);
    return NULL;
}

static int exec_in_a_thread(void)
{
    HOLDS(drop());
    HOLDS(worker_start(exec_beside, NULL) == 0);
    poll(NULL, 0, 10000);
    return 0;
}

static const struct intrusion {
    int (*fn)(void);
    const char *name;
} intrusions[] = {{exec_a_shell, "execve"}, {become_somebody, "setresuid"}, {exec_in_a_thread, "execve"}};

START_TEST(test_a_forbidden_call_ends_the_process_with_a_line_that_names_it)
{
    const struct intrusion *x = &intrusions[_i];
    char text[4096], wanted[128];
    int status = run(x->fn, text, sizeof(text));

    snprintf(wanted, sizeof(wanted), "pdttd: the system call %s is forbidden", x->name);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "status %#x: %s", status, text);
    ck_assert_msg(strncmp(text, wanted, strlen(wanted)) == 0, "said: %s", text);
    ck_assert_msg(strchr(text, '\n') == text + strlen(text) - 1, "more than a line: %s", text);
}
END_TEST

static Suite *privilege_suite(void)
{
    Suite *suite = suite_create("privilege");
    TCase *c = tcase_create("privilege");

    if (geteuid() == 0) { /* there is nothing to drop for anybody else */
        tcase_add_test(c, test_a_kernel_that_lets_maps_be_read_leaves_no_capability);
        tcase_add_test(c, test_a_kernel_that_refuses_maps_without_cap_bpf_leaves_that_one);
        tcase_add_test(c, test_a_thread_that_begins_before_the_drop_has_no_capability);
    }
    tcase_add_test(c, test_a_thread_that_begins_before_the_drop_is_filtered_as_well);
    tcase_add_test(c, test_there_is_no_network);
    tcase_add_test(c, test_files_names_and_threads_work_as_before);
    tcase_add_test(c, test_there_are_no_other_processes);
    tcase_add_test(c, test_nothing_can_be_loaded_into_the_kernel);
    tcase_add_loop_test(c, test_a_forbidden_call_ends_the_process_with_a_line_that_names_it, 0,
                        array_length(intrusions));
    suite_add_tcase(suite, c);
    return suite;
}

int main(void)
{
    log_init("pdttd");
    return unit_main(privilege_suite());
}
