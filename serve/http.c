#include "serve/http.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "serve/connections.h"
#include "serve/http_stream.h"
#include "serve/listen.h"
#include "serve/page.h"
#include "serve/shared.h"

#include <microhttpd.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
    HEADERS_MAX = 16 << 10, /* of a request, and what the library needs to read it */
    SILENCE_SEC = 20,
    STOP_MS = 5000,
};

struct http {
    struct MHD_Daemon *daemon;
    struct queue *queue;
    struct connections *connections;
    struct sources sources;
};

/* One request, from its first line to its end. */
struct exchange {
    struct job job; /* first: the queue hands it back */
    struct MHD_Connection *connection;
    char *target;
    bool begun, asked, answered, close, openmetrics;
    int64_t last_event;
    const struct page_file *page; /* that it is for, whoever asks */
};

static struct http *only; /* for what is called back without a closure */

static int64_t after_sec(int64_t sec)
{
    return clock_boottime_ns() + sec * NSEC_PER_SEC;
}

static int fd_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    return info ? info->connect_fd : -1;
}

/* ---- requests ---- */

/* The target as it came; the library's own decoding would cut it at an encoded zero byte. */
static void *begin_exchange(void *userdata, const char *target, struct MHD_Connection *connection)
{
    struct exchange *e = calloc(1, sizeof(*e));

    if (!e)
        return NULL;
    e->connection = connection;
    e->target = strdup(target);
    if (!e->target) {
        free(e);
        return NULL;
    }
    return e;
}

static void end_exchange(void *userdata, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why)
{
    struct http *h = userdata;
    struct exchange *e = *state;

    *state = NULL;
    connections_limit(h->connections, fd_of(connection), after_sec(CONNECTION_IDLE_SEC));
    if (!e)
        return;
    request_done(&e->job.request);
    answer_done(&e->job.answer);
    free(e->job.accepts.known);
    free(e->target);
    free(e);
}

/* By a worker, or by whom a question was given up. */
static void go_on(struct job *job)
{
    struct exchange *e = (struct exchange *)job;

    e->answered = true;
    if (job->answer.status < 400)
        connections_keep(only->connections, fd_of(e->connection));
    connections_limit(only->connections, fd_of(e->connection), after_sec(CONNECTION_ANSWER_SEC));
    MHD_resume_connection(e->connection);
}

static bool has_body(struct MHD_Connection *connection)
{
    const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

    return (length && strcmp(length, "0") != 0) ||
           MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_TRANSFER_ENCODING);
}

/* What is refused before more of the request is read; false: nothing is. */
static bool refuse_at_once(struct exchange *e, const char *method, struct answer *ret)
{
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        answer_problem(405, "reports are for GET", ret);
    else if (has_body(e->connection))
        answer_problem(400, "a question has no body; put it into the query", ret);
    else
        return false;
    return e->close = true;
}

static const char *header_of(void *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static bool is_loopback(int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);

    return getpeername(fd, (struct sockaddr *)&address, &size) == 0 && listen_is_loopback(&address);
}

/* Finds for whom the request is, and how it takes its answer; true: it is refused. */
static bool refuse_nobody(struct http *h, struct exchange *e, struct answer *ret)
{
    bool network = e->job.who == CLAIM_NETWORK;
    struct evidence evidence = {.network = network, .uid = network ? -1 : e->job.who};
    const char *why = NULL, *known = header_of(e->connection, MHD_HTTP_HEADER_IF_NONE_MATCH);
    const char *accept = header_of(e->connection, MHD_HTTP_HEADER_ACCEPT);
    const char *last_event = header_of(e->connection, "Last-Event-ID");
    int r;

    evidence.loopback = network && is_loopback(fd_of(e->connection));
    r = directory_claim(h->sources.directory, evidence, header_of, e->connection, &e->job.claim, &why);
    if (r < 0) {
        answer_problem(r == -EPERM ? 401 : 403, why, ret);
        return e->close = true;
    }
    e->job.who = claim_who(&e->job.claim);
    e->job.accepts.gzip = encode_takes_gzip(header_of(e->connection, MHD_HTTP_HEADER_ACCEPT_ENCODING));
    e->openmetrics = accept && strstr(accept, "application/openmetrics-text");
    e->last_event = last_event ? strtoll(last_event, NULL, 10) : 0;
    e->job.accepts.known = known ? strdup(known) : NULL;
    return false;
}

static void answer_page(struct exchange *e, struct answer *ret)
{
    page_answer(e->page, encode_takes_gzip(header_of(e->connection, MHD_HTTP_HEADER_ACCEPT_ENCODING)),
                header_of(e->connection, MHD_HTTP_HEADER_IF_NONE_MATCH), ret);
}

/* What can be said without reading the database; false: nothing can. */
static bool answer_early(struct exchange *e, struct answer *ret)
{
    cleanup_free char *why = NULL;
    int r;

    if (e->page) {
        answer_page(e, ret);
        return true;
    }
    r = request_parse(e->target, &e->job.request, &why);
    e->job.request.openmetrics = e->openmetrics;
    e->job.request.last_event = e->last_event;
    if (r < 0)
        answer_problem(r == -ENOMEM ? 500 : 400, why ? why : strerror(-r), ret);
    else if (!answer_knows_path(e->job.request.path))
        answer_problem(404, "there is nothing of this name; /api/v1/report is one that there is", ret);
    else
        return false;
    return true;
}

static void add_headers(struct MHD_Response *response, const struct exchange *e)
{
    const struct answer *a = &e->job.answer;
    char retry[16];

    snprintf(retry, sizeof(retry), "%u", a->retry_sec);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, a->media_type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL,
                            a->cache  ? a->cache
                            : *a->tag ? "private, no-cache"
                                      : "no-store");
    if (*a->tag) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, a->tag);
        MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, "Accept-Encoding, Authorization");
    }
    if (a->gzip)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
    if (*a->next)
        MHD_add_response_header(response, "Pdtt-Next", a->next);
    if (a->status == 401)
        MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer realm=\"pdtt\"");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (strcmp(a->media_type, "text/event-stream") == 0)
        MHD_add_response_header(response, "X-Accel-Buffering", "no"); /* or nginx would collect events */
    if (a->retry_sec)
        MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, retry);
    if (a->status == 405)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    if (a->policy) {
        MHD_add_response_header(response, "Content-Security-Policy", a->policy);
        MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    } else if (a->status == 200 || a->status == 304)
        MHD_add_response_header(response, "Pdtt-Rows", a->own_rows ? "own" : "all");
    if (a->exceeded)
        MHD_add_response_header(response, "Pdtt-Exceeded", "yes");
    if (e->close)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
}

/* Body and stream are the response's then. */
static struct MHD_Response *make_response(struct exchange *e)
{
    struct answer *a = &e->job.answer;
    struct MHD_Response *response;

    if (a->stream)
        return http_stream_response(take_ptr(a->stream), e->connection, only->connections, fd_of(e->connection));
    response = MHD_create_response_from_buffer(a->size, a->body, MHD_RESPMEM_MUST_FREE);
    if (response)
        a->body = NULL;
    return response;
}

static enum MHD_Result send_answer(struct exchange *e)
{
    struct MHD_Response *response = make_response(e);
    enum MHD_Result r;

    if (!response)
        return MHD_NO;
    add_headers(response, e);
    r = MHD_queue_response(e->connection, e->job.answer.status, response);
    MHD_destroy_response(response);
    return r;
}

/* Suspended first: the answer may be there before this returns. */
static void ask(struct http *h, struct exchange *e)
{
    connections_limit(h->connections, fd_of(e->connection), CONNECTION_NO_LIMIT);
    MHD_suspend_connection(e->connection);
    if (!queue_put(h->queue, &e->job))
        go_on(&e->job);
}

/*
 * Called when the headers are there, when the request is, and when an answer is. What is answered at the first of these
 * ends the connection, because the library would not read on.
 */
static enum MHD_Result handle(void *userdata, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *data, size_t *size, void **state)
{
    struct http *h = userdata;
    struct exchange *e = *state;

    if (!e)
        return MHD_NO;
    if (!e->begun) {
        e->begun = true;
        e->job.who = connections_uid(h->connections, fd_of(connection));
        if (e->job.who < 0)
            return MHD_NO;
        if (refuse_at_once(e, method, &e->job.answer))
            return send_answer(e);
        e->page = page_find(e->target);
        return !e->page && refuse_nobody(h, e, &e->job.answer) ? send_answer(e) : MHD_YES;
    }
    if (e->answered || (!e->asked && answer_early(e, &e->job.answer)))
        return send_answer(e);
    if (!e->asked) {
        e->asked = true;
        ask(h, e);
    }
    return MHD_YES;
}

/* ---- connections ---- */

static void notice_connection(void *userdata, struct MHD_Connection *connection, void **state,
                              enum MHD_ConnectionNotificationCode what)
{
    struct http *h = userdata;
    int64_t uid;

    if (what != MHD_CONNECTION_NOTIFY_CLOSED)
        return;
    uid = connections_remove(h->connections, fd_of(connection));
    if (uid >= 0)
        queue_disconnect(h->queue, uid);
}

/* Not worth a connection: said at once, in what fits a socket's buffer, and without waiting for the request. */
static void turn_away(int fd)
{
    static const char answer[] = "HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nRetry-After: 5\r\n"
                                 "Content-Type: application/problem+json\r\nContent-Length: 126\r\n\r\n"
                                 "{\"type\": \"about:blank\", \"title\": \"Too Many Requests\", \"status\": 429, "
                                 "\"detail\": \"too many connections; close some, try again\"}\n\n\n\n\n\n";
    char request[1024];

    while (recv(fd, request, sizeof(request), MSG_DONTWAIT) > 0)
        ;
    if (send(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        log_debug("a connection that is too many was closed");
    close_fd(fd);
}

/* Where there is no room for one of many people, a connection goes that said nothing yet; a user's own are the user's affair. */
static bool is_granted(struct http *h, int64_t who)
{
    bool many = who == CLAIM_NETWORK || directory_trusts(h->sources.directory, who);

    if (queue_connect(h->queue, who, many))
        return true;
    if (!many || !connections_make_room(h->connections, who))
        return false;
    queue_disconnect(h->queue, who);
    return queue_connect(h->queue, who, many);
}

void http_add(struct http *h, int fd, int64_t who)
{
    const struct sockaddr_un address = {.sun_family = AF_UNIX};
    int64_t stale;

    if (!is_granted(h, who)) {
        turn_away(fd);
        return;
    }
    if (!connections_add(h->connections, fd, who, after_sec(CONNECTION_REQUEST_SEC), &stale)) {
        queue_disconnect(h->queue, who);
        turn_away(fd);
        return;
    }
    if (stale >= 0)
        queue_disconnect(h->queue, stale);
    /* What fails is closed by the library. */
    if (MHD_add_connection(h->daemon, fd, (const struct sockaddr *)&address, sizeof(address)) != MHD_YES &&
        connections_remove(h->connections, fd) >= 0)
        queue_disconnect(h->queue, who);
}

/* ---- the whole ---- */

static void log_library(void *userdata, const char *format, va_list args)
{
    cleanup_free char *line = NULL;

    if (vasprintf(&line, format, args) < 0)
        line = NULL;
    else
        log_debug("libmicrohttpd: %s", line);
}

static struct MHD_Daemon *start_library(struct http *h)
{
    return MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC |
                                MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
                            0, NULL, NULL, handle, h, MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,
                            MHD_OPTION_URI_LOG_CALLBACK, begin_exchange, h, MHD_OPTION_NOTIFY_COMPLETED, end_exchange,
                            h, MHD_OPTION_NOTIFY_CONNECTION, notice_connection, h, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                            (size_t)HEADERS_MAX, MHD_OPTION_CONNECTION_LIMIT, 2u * LIMIT_ALL_CONNECTIONS,
                            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SILENCE_SEC, MHD_OPTION_STRICT_FOR_CLIENT, 1,
                            MHD_OPTION_END);
}

int http_start(struct directory *d, struct http **ret_http)
{
    struct http *h = calloc(1, sizeof(*h));
    int r = -ENOMEM;

    if (h && (h->connections = connections_new()) && (h->sources.shared = shared_new())) {
        h->sources.directory = d;
        r = watch_start(d, &h->sources.watch);
    }
    if (r == 0)
        r = queue_start(&h->sources, go_on, &h->queue);
    if (r == 0) {
        only = h;
        h->daemon = start_library(h);
        r = h->daemon ? 0 : -EAGAIN;
    }
    if (r < 0) { /* the queue's threads go with the process */
        if (h)
            connections_free(h->connections);
        free(h);
        return r;
    }
    *ret_http = h;
    return 0;
}

void http_tick(struct http *h)
{
    int64_t now = clock_boottime_ns();

    queue_expire(h->queue, now);
    connections_expire(h->connections, now);
    shared_rest(h->sources.shared, now);
}

bool http_stop(struct http *h)
{
    if (!watch_stop(h->sources.watch, STOP_MS) || !queue_stop(h->queue, STOP_MS))
        return false;
    MHD_stop_daemon(h->daemon);
    watch_free(h->sources.watch);
    shared_free(h->sources.shared);
    connections_free(h->connections);
    free(h);
    return true;
}
