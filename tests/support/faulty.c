/*
 * Preloaded into a pdttd under test: makes single calls fail, or shows another clock, as files in $FAULTY_DIR say. Each file
 * is looked at when the call is made, so a test switches a fault on and off under a running pdttd.
 *
 *   clock        seconds that the wall clock is ahead (may be negative)
 *   cpus         what libbpf says is the number of possible CPUs
 *   update       errno of the next bpf_map_update_elem() calls; the file is one number, "ERRNO COUNT" with a count
 *   hang-names   name look-ups never return
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define EXPORT   __attribute__((visibility("default")))
#define NEXT(fn) ((__typeof__(&fn))dlsym(RTLD_NEXT, #fn))

/* The two numbers of a file: how many there are. */
static int read_file(const char *name, long *a, long *b)
{
    const char *directory = getenv("FAULTY_DIR");
    char path[512], text[64] = "";
    int fd, saved = errno;
    ssize_t n;

    snprintf(path, sizeof(path), "%s/%s", directory ? directory : "/nowhere", name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        close(fd);
    errno = saved;
    return n > 0 ? sscanf(text, "%ld %ld", a, b) : fd < 0 ? -1 : 0;
}

static long clock_offset(void)
{
    long ahead = 0, unused;

    read_file("clock", &ahead, &unused);
    return ahead;
}

EXPORT int clock_gettime(clockid_t id, struct timespec *ts)
{
    int r = NEXT(clock_gettime)(id, ts);

    if (r == 0 && id == CLOCK_REALTIME)
        ts->tv_sec += clock_offset();
    return r;
}

EXPORT time_t time(time_t *ret)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (ret)
        *ret = now.tv_sec;
    return now.tv_sec;
}

/* The kernel's timer goes by the kernel's clock. Armed after that was set, it says so once, and is armed all the same. */
EXPORT int timerfd_settime(int fd, int flags, const struct itimerspec *at, struct itimerspec *old)
{
    static long offset_seen;
    struct itimerspec shifted = *at;
    long offset = clock_offset();
    int r;

    if (flags & TFD_TIMER_ABSTIME)
        shifted.it_value.tv_sec -= offset;
    r = NEXT(timerfd_settime)(fd, flags, &shifted, old);
    if (r < 0 || !(flags & TFD_TIMER_CANCEL_ON_SET) || offset == offset_seen)
        return r;
    offset_seen = offset;
    errno = ECANCELED;
    return -1;
}

int libbpf_num_possible_cpus(void);
EXPORT int libbpf_num_possible_cpus(void)
{
    long cpus, unused;

    return read_file("cpus", &cpus, &unused) > 0 ? (int)cpus : NEXT(libbpf_num_possible_cpus)();
}

int bpf_map_update_elem(int fd, const void *key, const void *value, unsigned long long flags);
EXPORT int bpf_map_update_elem(int fd, const void *key, const void *value, unsigned long long flags)
{
    long error, unused;

    if (read_file("update", &error, &unused) > 0) {
        errno = (int)error;
        return -(int)error;
    }
    return NEXT(bpf_map_update_elem)(fd, key, value, flags);
}

static void hang_if_asked(void)
{
    long a, b;

    while (read_file("hang-names", &a, &b) >= 0)
        pause();
}

EXPORT int getpwuid_r(uid_t uid, struct passwd *pwd, char *buffer, size_t size, struct passwd **ret)
{
    hang_if_asked();
    return NEXT(getpwuid_r)(uid, pwd, buffer, size, ret);
}

EXPORT int getgrgid_r(gid_t gid, struct group *group, char *buffer, size_t size, struct group **ret)
{
    hang_if_asked();
    return NEXT(getgrgid_r)(gid, group, buffer, size, ret);
}

EXPORT int getpwnam_r(const char *name, struct passwd *pwd, char *buffer, size_t size, struct passwd **ret)
{
    hang_if_asked();
    return NEXT(getpwnam_r)(name, pwd, buffer, size, ret);
}

EXPORT int getgrnam_r(const char *name, struct group *group, char *buffer, size_t size, struct group **ret)
{
    hang_if_asked();
    return NEXT(getgrnam_r)(name, group, buffer, size, ret);
}
