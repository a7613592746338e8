#include "collector/daemon.h"

#include "collector/policy_admin.h"
#include "collector/session_door.h"
#include "collector/session_policies.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"

#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <systemd/sd-daemon.h>

struct daemon {
    struct session *session;
    int timer_fd, signal_fd, watchdog_fd, epoll_fd;
    unsigned armed_sec; /* the interval that the timer was armed for */
    bool stop;
};

/* ---- what happens ---- */

/*
 * Absolute wall-clock time: the timer also fires, with ECANCELED, when somebody sets the clock. Arming it says so as well, of a clock
 * that was set since the last look (during a drain, say): then the time that was computed may be of the old one.
 */
static int arm_timer(struct daemon *d)
{
    int64_t interval_ns = d->session->config->interval_sec * NSEC_PER_SEC;
    int r;

    do {
        int64_t next_ns = clock_next_multiple(clock_realtime_ns(), interval_ns);
        struct itimerspec at = {.it_value = {.tv_sec = next_ns / NSEC_PER_SEC, .tv_nsec = next_ns % NSEC_PER_SEC}};
        r = timerfd_settime(d->timer_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL) < 0 ? -errno : 0;
    } while (r == -ECANCELED);
    d->armed_sec = d->session->config->interval_sec;
    return r;
}

/* Only what another start alone can mend ends the daemon: everything else may pass, and the counts wait in the kernel. */
static int drain(struct daemon *d)
{
    int r = session_drain(d->session);

    return r == -ESTALE || d->session->needs_restart ? -ESTALE : 0;
}

static int on_timer(struct daemon *d)
{
    uint64_t expirations;
    int r = 0;

    if (read(d->timer_fd, &expirations, sizeof(expirations)) > 0)
        r = drain(d);
    else if (errno != ECANCELED && errno != EAGAIN)
        r = -errno;
    return r < 0 ? r : arm_timer(d);
}

static int on_watchdog(struct daemon *d)
{
    uint64_t expirations;

    if (read(d->watchdog_fd, &expirations, sizeof(expirations)) > 0)
        sd_notify(0, "WATCHDOG=1");
    return 0;
}

static int on_stop(struct daemon *d)
{
    d->stop = true;
    return 0;
}

static int on_reload(struct daemon *d)
{
    sd_notify(0, "RELOADING=1");
    session_reload(d->session, NULL, NULL);
    sd_notify(0, "READY=1");
    return arm_timer(d);
}

static const struct signal_row {
    int signal;
    int (*act)(struct daemon *d);
} signal_rows[] = {
    {SIGTERM, on_stop},
    {SIGINT, on_stop},
    {SIGHUP, on_reload},
    {SIGUSR1, drain},
};

static sigset_t daemon_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    for (size_t i = 0; i < array_length(signal_rows); i++)
        sigaddset(&signals, signal_rows[i].signal);
    return signals;
}

/* A start may be ended at any point, as kill -9 may end it: what is counted waits in the kernel, the store rolls back. */
static void end_start(int signal_number)
{
    static const char line[] = "pdttd: told to end during its start; what is counted is booked at the next one\n";

    _exit(write(STDERR_FILENO, line, sizeof(line) - 1) < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

int daemon_hold_signals(void)
{
    const struct sigaction end = {.sa_handler = end_start};
    sigset_t signals = daemon_signals();

    if (sigaction(SIGTERM, &end, NULL) < 0 || sigaction(SIGINT, &end, NULL) < 0)
        return -errno;
    sigdelset(&signals, SIGTERM);
    sigdelset(&signals, SIGINT);
    return sigprocmask(SIG_BLOCK, &signals, NULL) < 0 ? -errno : 0;
}

static int on_signal(struct daemon *d)
{
    struct signalfd_siginfo info;

    if (read(d->signal_fd, &info, sizeof(info)) != sizeof(info))
        return errno == EAGAIN ? 0 : -errno;
    for (size_t i = 0; i < array_length(signal_rows); i++)
        if (signal_rows[i].signal == (int)info.ssi_signo)
            return signal_rows[i].act(d);
    return 0;
}

static int on_names(struct daemon *d)
{
    session_take_names(d->session); /* a name that could not be stored is asked for again */
    return 0;
}

static int on_control(struct daemon *d)
{
    control_serve(d->session->control); /* which may drain, or read another interval */
    if (d->session->needs_restart)
        return -ESTALE;
    return d->session->config->interval_sec == d->armed_sec ? 0 : arm_timer(d);
}

static int on_units(struct daemon *d)
{
    session_read_units(d->session);
    return 0;
}

static int on_interfaces(struct daemon *d)
{
    interfaces_read(d->session->interfaces);
    session_refresh_door(d->session);
    return 0;
}

static int on_policies(struct daemon *d)
{
    session_beat_policies(d->session);
    policy_admin_tick(session_policy_admin(d->session)); /* nobody confirmed a list */
    session_beat_policies(d->session);
    return 0;
}

static int on_policy_events(struct daemon *d)
{
    session_read_policy_events(d->session);
    return 0;
}

static int on_policy_lapse(struct daemon *d)
{
    if (session_read_policy_lapse(d->session))
        session_beat_policies(d->session);
    return 0;
}

static int on_notices(struct daemon *d)
{
    if (session_take_notices(d->session) < 0)
        epoll_ctl(d->epoll_fd, EPOLL_CTL_DEL, session_notices_fd(d->session), NULL);
    return 0;
}

static int on_samples(struct daemon *d)
{
    samples_read(interfaces_samples(d->session->interfaces));
    return 0;
}

/* ---- the loop ---- */

typedef int (*event_fn)(struct daemon *d);

static int watch(struct daemon *d, int fd, event_fn fn)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = fn}};

    return epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/*
 * The service manager's watchdog is told by a clock of its own that this loop goes round: an interval may be longer than the
 * watchdog's patience. Half of that, as sd_watchdog_enabled(3) advises. Without a watchdog there is nothing to do.
 */
static int set_up_watchdog(struct daemon *d)
{
    uint64_t usec, half_ns;
    struct itimerspec each;

    if (sd_watchdog_enabled(0, &usec) <= 0)
        return 0;
    half_ns = usec * 1000 / 2;
    each.it_value.tv_sec = (time_t)(half_ns / NSEC_PER_SEC);
    each.it_value.tv_nsec = (long)(half_ns % NSEC_PER_SEC);
    each.it_interval = each.it_value;
    d->watchdog_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (d->watchdog_fd < 0 || timerfd_settime(d->watchdog_fd, 0, &each, NULL) < 0)
        return -errno;
    return watch(d, d->watchdog_fd, on_watchdog);
}

static int set_up(struct daemon *d)
{
    sigset_t signals = daemon_signals();
    int r;

    /* SIGTERM and SIGINT too from now on: what comes between is kept, and is the first that the loop sees. */
    if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
        return -errno;
    d->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    d->timer_fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    d->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (d->signal_fd < 0 || d->timer_fd < 0 || d->epoll_fd < 0)
        return -errno;
    r = watch(d, d->signal_fd, on_signal);
    if (r == 0)
        r = watch(d, d->timer_fd, on_timer);
    if (r == 0)
        r = set_up_watchdog(d);
    if (r == 0)
        r = watch(d, names_fd(d->session->names), on_names);
    if (r == 0 && session_notices_fd(d->session) >= 0)
        r = watch(d, session_notices_fd(d->session), on_notices);
    if (r == 0 && rules_units_fd(d->session->rules) >= 0)
        r = watch(d, rules_units_fd(d->session->rules), on_units);
    if (r == 0 && d->session->control)
        r = watch(d, control_fd(d->session->control), on_control);
    if (r == 0 && interfaces_fd(d->session->interfaces) >= 0)
        r = watch(d, interfaces_fd(d->session->interfaces), on_interfaces);
    if (r == 0 && session_policy_admin(d->session))
        r = watch(d, policy_admin_fd(session_policy_admin(d->session)), on_policies);
    if (r == 0 && session_policy_lapse_fd(d->session) >= 0)
        r = watch(d, session_policy_lapse_fd(d->session), on_policy_lapse);
    if (r == 0 && session_policy_events_fd(d->session) >= 0)
        r = watch(d, session_policy_events_fd(d->session), on_policy_events);
    if (r == 0 && interfaces_samples(d->session->interfaces))
        r = watch(d, samples_fd(interfaces_samples(d->session->interfaces)), on_samples);
    return r < 0 ? r : arm_timer(d);
}

static int loop(struct daemon *d)
{
    while (!d->stop) {
        struct epoll_event event;
        int n = epoll_wait(d->epoll_fd, &event, 1, -1), r = 0;

        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 1)
            r = ((event_fn)event.data.ptr)(d);
        if (r < 0)
            return r;
    }
    return 0;
}

int daemon_run(struct session *s, void (*ready)(void))
{
    struct daemon d = {.session = s, .timer_fd = -1, .signal_fd = -1, .watchdog_fd = -1, .epoll_fd = -1};
    int r = set_up(&d);

    if (r == 0) {
        ready();
        r = loop(&d);
    }
    sd_notify(0, "STOPPING=1");
    session_stop_notices(s);
    if (r == 0) {
        r = session_drain(s);
        session_await_names(s, SESSION_LAST_NAMES_MS);
        session_tell_policy_lapses(s);
    } else if (r != -ESTALE) { /* that one was said when it happened */
        log_error("event loop: %s", strerror(-r));
    }
    close_fd(d.timer_fd);
    close_fd(d.signal_fd);
    close_fd(d.watchdog_fd);
    close_fd(d.epoll_fd);
    return r;
}
