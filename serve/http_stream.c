#include "serve/http_stream.h"

#include "common/clock.h"

#include <stdlib.h>

enum { BLOCK_SIZE = 8 << 10 };

struct following {
    struct watch_stream *stream;
    struct MHD_Connection *connection;
    struct connections *connections;
    int fd;
};

/* All that there was has been handed to the socket: silence is ours, and limits nothing. */
static void suspend(void *userdata)
{
    struct following *f = userdata;

    connections_limit(f->connections, f->fd, CONNECTION_NO_LIMIT);
    MHD_suspend_connection(f->connection);
}

/* From now on it is for who reads to take it. */
static void resume(void *userdata)
{
    struct following *f = userdata;

    connections_limit(f->connections, f->fd, clock_boottime_ns() + CONNECTION_ANSWER_SEC * NSEC_PER_SEC);
    MHD_resume_connection(f->connection);
}

static ssize_t read_events(void *userdata, uint64_t position, char *buffer, size_t max)
{
    struct following *f = userdata;
    ssize_t n = watch_stream_read(f->stream, buffer, max);

    return n == WATCH_END ? MHD_CONTENT_READER_END_OF_STREAM : n;
}

static void leave(void *userdata)
{
    struct following *f = userdata;

    watch_stream_leave(f->stream);
    free(f);
}

struct MHD_Response *http_stream_response(struct watch_stream *stream, struct MHD_Connection *connection,
                                          struct connections *connections, int fd)
{
    struct following *f = calloc(1, sizeof(*f));
    struct MHD_Response *response =
        f ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_SIZE, read_events, f, leave) : NULL;

    if (!response) {
        watch_stream_leave(stream);
        free(f);
        return NULL;
    }
    *f = (struct following){stream, connection, connections, fd};
    watch_stream_begin(stream, &(struct watch_reader){suspend, resume, f});
    return response;
}
