/* Policies that are done at the interfaces too: where there is a door, and what it knows of this host. */
#pragma once

#include "collector/session.h"

/* Whether the interface layer is to have one: where policies hold for all of the host, or as the configuration insists. */
bool session_wants_door(const struct session *s);

/* The addresses of this host may be others: after each interval, and when the kernel tells of a change. A failure is logged. */
void session_refresh_door(struct session *s);
void session_close_door(struct session *s);

/* [{"interface", "hook"}], those at which policies are done; empty: there is no door. NULL: out of memory. */
json_t *session_doors_json(const struct session *s);
