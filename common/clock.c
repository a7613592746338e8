#include "common/clock.h"

#include <time.h>

static int64_t read_clock_ns(clockid_t id)
{
    struct timespec now;

    /* Both clocks exist on every kernel that we support, so this cannot fail with a valid pointer. */
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

int64_t clock_realtime_ns(void)
{
    return read_clock_ns(CLOCK_REALTIME);
}

int64_t clock_boottime_ns(void)
{
    return read_clock_ns(CLOCK_BOOTTIME);
}

int64_t clock_realtime_sec(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

int64_t clock_next_multiple(int64_t now_ns, int64_t interval_ns)
{
    int64_t past = now_ns % interval_ns;

    /* C rounds towards zero: before 1970 the remainder is negative and already points at the next multiple. */
    return past < 0 ? now_ns - past : now_ns + (interval_ns - past);
}
