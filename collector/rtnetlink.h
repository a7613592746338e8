/* Questions to rtnetlink that a list answers, in the network namespace of the caller. */
#pragma once

#include <libmnl/libmnl.h>
#include <stddef.h>
#include <stdint.h>

/* groups: RTMGRP_*, of which it is told; flags: of socket(2). *ret is closed by mnl_socket_close(). A negative errno. */
int rtnetlink_open(unsigned groups, int flags, struct mnl_socket **ret);

/*
 * Calls fn for each message of the answer to what (RTM_GETLINK, RTM_GETADDR), whose header has header_size bytes with the family
 * first. begin before each attempt: what came before it is to be forgotten, because the list changed while it was told. fn returns
 * MNL_CB_ERROR with errno to end it. A negative errno; -EINTR: it changed each time, what came last may be neither the
 * old nor the new one.
 */
int rtnetlink_list(uint16_t what, size_t header_size, void (*begin)(void *userdata), mnl_cb_t fn, void *userdata);
