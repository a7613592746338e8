/* The socket that questions come in by, and who is at the other end. */
#pragma once

#include <stdint.h>

/* The socket that systemd has opened. -ENOENT: it gave none; -EINVAL: not one socket of the right kind. */
int listen_inherit(int *ret_fd);

/*
 * Makes a socket at path that everybody may connect to. One that is there and that nobody listens at any more is taken
 * away first; anything else there is left alone. A negative errno and *ret_why, malloc'ed, NULL when memory is out.
 */
int listen_at(const char *path, int *ret_fd, char **ret_why);

/* Takes the next connection and tells the kernel's word for who made it. -EAGAIN: there is none, or nobody. */
int listen_accept(int fd, int *ret_fd, int64_t *ret_uid);

/*
 * Whether the kernel can tell all users of the host apart for this process: in a user namespace it cannot, and calls
 * those it has no number for by the same one.
 */
int listen_knows_users(char **ret_why);
