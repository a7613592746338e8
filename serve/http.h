/* HTTP on connections that are handed over, each with the uid of its other end, or CLAIM_NETWORK. The library's thread does all talking. */
#pragma once

#include "serve/queue.h"

struct http;

/* One at a time in a process. -EAGAIN: the library cannot start; -ENOMEM. */
int http_start(struct directory *d, struct http **ret_http);

/*
 * Takes a connected socket, which is closed in any case. The user has too many connections, or all together: they are
 * told so.
 */
void http_add(struct http *h, int fd, int64_t who);

/* To be called several times a second: ends connections that take too long, and gives up questions that nobody answers. */
void http_tick(struct http *h);

/* Ends all connections; questions that are being answered may go on for some seconds. False: one still does. */
bool http_stop(struct http *h);
