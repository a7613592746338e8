/* An answer that goes on: events of a watch on their way to a connection. */
#pragma once

#include "serve/connections.h"
#include "serve/watch.h"

#include <microhttpd.h>

/*
 * A response that tells the stream, which is the response's then, on this connection of that descriptor. NULL: no memory,
 * and the stream has been left.
 */
struct MHD_Response *http_stream_response(struct watch_stream *stream, struct MHD_Connection *connection,
                                          struct connections *connections, int fd);
