/* The event loop: the clock's multiples, signals, names. */
#pragma once

#include "collector/session.h"

/* Runs until SIGTERM or SIGINT, then drains. ready() is called once counting has begun. 0 or a negative errno, logged. */
int daemon_run(struct session *s, void (*ready)(void));
