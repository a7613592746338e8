/* A thread that works beside the daemon and may hang without hanging it. */
#pragma once

/*
 * Starts work(argument) detached, without any capability and with all signals blocked: they are for the daemon's
 * signalfd. What it shares with its starter must be counted by references, as either may outlive the other. 0 or a
 * negative errno.
 */
int worker_start(void *(*work)(void *), void *argument);
