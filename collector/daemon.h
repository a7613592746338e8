/* The event loop: the clock's multiples, signals, names, the service manager's watchdog. */
#pragma once

#include "collector/session.h"

/*
 * To be called first of all: from here on SIGHUP and SIGUSR1 wait until daemon_run() takes them, and SIGTERM and SIGINT end
 * the process at once, with a line and status 0, until it does. A negative errno.
 */
int daemon_hold_signals(void);

/* Runs until SIGTERM or SIGINT, then drains. ready() is called once counting has begun. 0 or a negative errno, logged. */
int daemon_run(struct session *s, void (*ready)(void));
