/* The socket that questions come in by, and who is at the other end. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LISTENERS_MOST = 4 };

/* The sockets that systemd has opened. -ENOENT: it gave none; -EINVAL: not stream sockets that listen, or too many. */
int listen_inherit(int ret_fds[static LISTENERS_MOST], size_t *ret_n);

/* "127.0.0.1:8080", "[::1]:8080", as the configuration takes it. As listen_at(). */
int listen_on_network(const char *address, int *ret_fd, char **ret_why);

struct sockaddr_storage;
bool listen_is_loopback(const struct sockaddr_storage *address);

/*
 * Makes a socket at path that everybody may connect to. One that is there and that nobody listens at any more is taken
 * away first; anything else there is left alone. A negative errno and *ret_why, malloc'ed, NULL when memory is out.
 */
int listen_at(const char *path, int *ret_fd, char **ret_why);

/*
 * Takes the next connection and tells the kernel's word for who made it, CLAIM_NETWORK for one of TCP. -EAGAIN: there is
 * none, or nobody.
 */
int listen_accept(int fd, int *ret_fd, int64_t *ret_who);

/*
 * Whether the kernel can tell all users of the host apart for this process: in a user namespace it cannot, and calls
 * those it has no number for by the same one.
 */
int listen_knows_users(char **ret_why);
