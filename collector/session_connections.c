#include "collector/session_internal.h"

#include "common/cleanup.h"
#include "common/log.h"

#include <fcntl.h>
#include <string.h>

static const char *project_of(const struct pdtt_account *account, void *userdata)
{
    return rules_project(((struct session *)userdata)->rules, account);
}

static void on_ended(const struct store_connection *connection, void *userdata)
{
    struct session *s = userdata;

    rules_connection_ended(s->rules, connection);
    peek_connection_ended(s, connection);
}

static int copy_of(int fd)
{
    return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

int session_open_connections(struct session *s, int records_fd, bool retired)
{
    struct connections_options options = {
        .cgroup = s->cgroup, .retired = retired, .project = project_of, .ended = on_ended, .userdata = s};

    s->connections = connections_close(s->connections);
    options.reader_fd = kernel_open_reader(s->kernel, &options.all);
    if (options.reader_fd < 0 || records_fd < 0 || !kernel_layer_on(s->kernel, LAYER_SOCKOPS)) {
        close_fd(options.reader_fd);
        return 0;
    }
    options.records_fd = copy_of(records_fd);
    options.room_fd = copy_of(kernel_map_fd(s->kernel, MAP_CONN_ROOM));
    return connections_open(&options, &s->connections);
}

void session_add_connections(struct store_interval *interval, uint64_t active_epoch, void *userdata)
{
    struct session *s = userdata;

    if (s->connections)
        session_note_connections_error(s, connections_collect(s->connections, active_epoch, interval));
    else
        interval->connections_all = true; /* what an earlier pdttd recorded is not followed any more */
}

void session_note_connections_error(struct session *s, int error)
{
    if (error < 0 && error != s->connections_error)
        log_warning("cannot read the records of connections: %s; they are tried again at the next interval",
                    strerror(-error));
    s->connections_error = error;
}
