#include "collector/textlog_internal.h"

#include "common/cleanup.h"
#include "common/escape.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define MSEC_PER_SEC 1000

/* A connection that has ended, whose texts are not its own. */
struct connection_line {
    struct store_connection connection;
    char comm[16], ended[16];
};

int textlog_configure_connections(struct textlog *log, const char *file)
{
    char *copy = strdup(file);

    if (!copy)
        return -ENOMEM;
    textlog_flush_connections(log, true); /* to where it was going */
    free(log->connections_file);
    log->connections_file = copy;
    return 0;
}

static int make_room(struct textlog *log)
{
    size_t capacity = log->lines_capacity ? 2 * log->lines_capacity : 64;
    struct connection_line *lines;

    if (log->n_lines < log->lines_capacity)
        return 0;
    lines = realloc(log->lines, capacity * sizeof(*lines));
    if (!lines)
        return -ENOMEM;
    log->lines = lines;
    log->lines_capacity = capacity;
    return 0;
}

int textlog_add_connection(struct textlog *log, const struct store_connection *connection)
{
    struct connection_line *line;
    int r;

    if (!*log->connections_file)
        return 0;
    r = make_room(log);
    if (r < 0)
        return r;
    line = &log->lines[log->n_lines++];
    line->connection = *connection;
    snprintf(line->comm, sizeof(line->comm), "%s", connection->comm);
    snprintf(line->ended, sizeof(line->ended), "%s", connection->ended ? connection->ended : "");
    return 0;
}

static void print_time(FILE *out, const struct textlog *log, int64_t sec)
{
    struct calendar_time t;

    calendar_civil(log->calendar, sec, &t);
    fprintf(out, "%04d-%02d-%02d %02d:%02d:%02d", t.year, t.month, t.day, t.hour, t.minute, t.second);
}

static void print_end(FILE *out, const struct store_connection *c, const unsigned char *address, uint16_t port)
{
    char text[INET6_ADDRSTRLEN] = "?";

    inet_ntop(c->family, address, text, sizeof(text));
    fprintf(out, c->family == AF_INET6 ? "[%s]:%u" : "%s:%u", text, port);
}

static void print_user(FILE *out, const struct textlog *log, const struct connection_line *line)
{
    const struct store_connection *c = &line->connection;
    const char *name = textlog_name_of(log, c->uid);
    cleanup_free char *user = name && *name ? escape_terminal(name) : NULL;
    cleanup_free char *comm = escape_terminal(line->comm);

    fprintf(out, "UID: %lld | Username: ", (long long)c->uid);
    if (user)
        fprintf(out, "%s", user);
    else
        fprintf(out, "uid %lld", (long long)c->uid);
    fprintf(out, " | PID: %lld | Process: %s", (long long)c->pid, comm ? comm : "");
}

static void print_line(FILE *out, const struct textlog *log, const struct connection_line *line)
{
    static const char *const arrows[] = {
        [STORE_INITIATIVE_UNKNOWN] = "--", [STORE_INITIATIVE_OUT] = "->", [STORE_INITIATIVE_IN] = "<-"};
    const struct store_connection *c = &line->connection;
    const struct store_counters *n = &c->n;

    fputc('[', out);
    print_time(out, log, c->end_ms / MSEC_PER_SEC);
    fputs("] ", out);
    print_user(out, log, line);
    fprintf(out, " | %s ", c->protocol == IPPROTO_TCP ? "tcp" : "udp");
    print_end(out, c, c->local, c->local_port);
    fprintf(out, " %s ", arrows[c->initiative]);
    print_end(out, c, c->remote, c->remote_port);
    fprintf(out, " | TX: %lld bytes (%lld packets) | RX: %lld bytes (%lld packets)", (long long)n->tx_bytes,
            (long long)n->tx_packets, (long long)n->rx_bytes, (long long)n->rx_packets);
    fprintf(out, " | Retransmits: %lld | Started: ", (long long)c->retransmits);
    print_time(out, log, c->start_ms / MSEC_PER_SEC);
    fprintf(out, " | Ended: %s\n", line->ended);
}

/* malloc'ed; NULL: no memory. */
static char *format(const struct textlog *log)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    for (size_t i = 0; i < log->n_lines; i++)
        print_line(out, log, &log->lines[i]);
    bool failed = ferror(out);
    if (fclose(out) != 0 || failed) {
        free(text);
        return NULL;
    }
    return text;
}

int textlog_flush_connections(struct textlog *log, bool force)
{
    char *path, *text;

    if (log->n_lines == 0)
        return 0;
    for (size_t i = 0; i < log->n_lines && !force; i++)
        if (!textlog_name_of(log, log->lines[i].connection.uid))
            return 0;
    path = strdup(log->connections_file);
    text = format(log);
    log->n_lines = 0;
    if (!path || !text) {
        free(path);
        free(text);
        return -ENOMEM;
    }
    return textlog_writer_put(log->writer, path, text);
}
