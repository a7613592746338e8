#include "report/remote.h"

#include "common/cleanup.h"
#include "report/report.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <jansson.h>
#include <string.h>

#define LIBCURL "libcurl.so.4"
#define REPORT  "http://pdtt/api/v1/report?"

enum { CONNECT_SEC = 5, ANSWER_SEC = 120 };

/*
 * Loaded when it is needed: with all that it brings along it takes several times as long as a whole report from the
 * database does.
 */
struct library {
    void *handle;
    __typeof__(curl_global_init) *global_init;
    __typeof__(curl_easy_init) *init;
    __typeof__(curl_easy_setopt) *setopt;
    __typeof__(curl_easy_perform) *perform;
    __typeof__(curl_easy_getinfo) *getinfo;
    __typeof__(curl_easy_strerror) *strerror;
    __typeof__(curl_easy_cleanup) *end;
    __typeof__(curl_easy_escape) *escape;
    __typeof__(curl_free) *free;
};

struct remote {
    struct library curl;
    CURL *easy;
    char *socket, *url;
};

struct answer {
    char *text;
    size_t size;
    FILE *into; /* text */
    bool exceeded;
};

static int load(struct library *l, char **ret_why)
{
    const struct {
        const char *name;
        void *place;
    } functions[] = {
        {"curl_global_init", &l->global_init}, {"curl_easy_init", &l->init},       {"curl_easy_setopt", &l->setopt},
        {"curl_easy_perform", &l->perform},    {"curl_easy_getinfo", &l->getinfo}, {"curl_easy_strerror", &l->strerror},
        {"curl_easy_cleanup", &l->end},        {"curl_easy_escape", &l->escape},   {"curl_free", &l->free},
    };
    bool complete;

    l->handle = dlopen(LIBCURL, RTLD_NOW | RTLD_LOCAL);
    complete = l->handle != NULL;
    for (size_t i = 0; complete && i < array_length(functions); i++) {
        void *function = dlsym(l->handle, functions[i].name);

        memcpy(functions[i].place, &function, sizeof(function));
        complete = function != NULL;
    }
    if (complete)
        return l->global_init(CURL_GLOBAL_NOTHING) == CURLE_OK ? 0 : -ENOMEM;
    if (asprintf(ret_why, "cannot ask pdtt-serve: %s; install libcurl (Debian: libcurl4)", dlerror()) < 0)
        *ret_why = NULL;
    return -ENOTSUP;
}

/* ---- the question ---- */

/* What says where and how often to ask is not part of the question. */
static bool is_asked(const struct option_row *row)
{
    static const char *const local[] = {"live", "every", "count", "database", "socket"};

    for (size_t i = 0; i < array_length(local); i++)
        if (strcmp(row->long_name, local[i]) == 0)
            return false;
    return true;
}

struct building {
    struct remote *remote;
    FILE *url;
    bool since;
};

static int put_parameter(struct building *b, const char *name, const char *value)
{
    char *escaped = b->remote->curl.escape(b->remote->easy, value, 0);

    if (!escaped)
        return -ENOMEM;
    fprintf(b->url, "%s=%s&", name, escaped);
    b->remote->curl.free(escaped);
    return 0;
}

static int put_option(const struct option_row *row, const char *argument, void *userdata)
{
    struct building *b = userdata;

    b->since = b->since || strcmp(row->long_name, "since") == 0;
    return is_asked(row) ? put_parameter(b, row->long_name, argument ? argument : "1") : 0;
}

/* What a table or graph is for, and what --live means by default. */
static int put_rest(struct building *b, const struct report_options *o)
{
    struct output_target target = output_target_of(stdout);
    int r = 0;

    if (o->output == &output_table)
        r = put_parameter(b, "format", "table"); /* JSON is what pdtt-serve takes for granted */
    if (o->output == &output_table || o->output == &output_graph)
        fprintf(b->url, "width=%zu&terminal=%d&colours=%d&utf8=%d&", target.width, target.terminal, target.colours,
                target.utf8);
    if (r >= 0 && o->live && !b->since)
        r = put_parameter(b, "since", "today");
    if (r >= 0 && o->live && o->by == STORE_BY_USER)
        r = put_parameter(b, "by", "user");
    return r;
}

static int build_url(struct remote *remote, int argc, char **argv, const struct report_options *o)
{
    struct building b = {.remote = remote};
    const struct option_row *rows;
    size_t n, size;
    int r;

    b.url = open_memstream(&remote->url, &size);
    if (!b.url)
        return -ENOMEM;
    rows = report_option_rows(&n);
    fputs(REPORT, b.url);
    r = options_walk(rows, n, argc, argv, put_option, &b);
    if (r >= 0)
        r = put_rest(&b, o);
    return fclose(b.url) == 0 ? r : -ENOMEM;
}

int remote_open(int argc, char **argv, const struct report_options *o, struct remote **ret_remote, char **ret_why)
{
    struct remote *remote = calloc(1, sizeof(*remote));
    int r;

    if (!remote)
        return -ENOMEM;
    r = load(&remote->curl, ret_why);
    if (r >= 0) {
        remote->easy = remote->curl.init();
        remote->socket = strdup(o->socket);
        r = remote->easy && remote->socket ? build_url(remote, argc, argv, o) : -ENOMEM;
    }
    if (r < 0) {
        remote_close(remote);
        return r;
    }
    *ret_remote = remote;
    return 0;
}

struct remote *remote_close(struct remote *remote)
{
    if (!remote)
        return NULL;
    if (remote->easy)
        remote->curl.end(remote->easy);
    /* The library stays: what it has registered to run at the end of the program must still be there. */
    free(remote->socket);
    free(remote->url);
    free(remote);
    return NULL;
}

/* ---- the answer ---- */

static size_t keep_body(char *data, size_t size, size_t n, void *userdata)
{
    struct answer *a = userdata;

    return fwrite(data, size, n, a->into);
}

static size_t look_at_header(char *data, size_t size, size_t n, void *userdata)
{
    static const char exceeded[] = "Pdtt-Exceeded: yes";
    struct answer *a = userdata;

    if (size * n >= sizeof(exceeded) - 1 && strncasecmp(data, exceeded, sizeof(exceeded) - 1) == 0)
        a->exceeded = true;
    return size * n;
}

/* No proxy, whatever the environment says, and no other protocol: this goes to a socket of this host. */
static bool set_up(struct remote *remote, struct answer *a)
{
    const struct library *l = &remote->curl;
    CURL *e = remote->easy;

    return l->setopt(e, CURLOPT_UNIX_SOCKET_PATH, remote->socket) == CURLE_OK &&
           l->setopt(e, CURLOPT_URL, remote->url) == CURLE_OK && l->setopt(e, CURLOPT_PROXY, "") == CURLE_OK &&
           l->setopt(e, CURLOPT_PROTOCOLS_STR, "http") == CURLE_OK && l->setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           l->setopt(e, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SEC) == CURLE_OK &&
           l->setopt(e, CURLOPT_TIMEOUT, (long)ANSWER_SEC) == CURLE_OK &&
           l->setopt(e, CURLOPT_WRITEFUNCTION, keep_body) == CURLE_OK &&
           l->setopt(e, CURLOPT_WRITEDATA, a) == CURLE_OK &&
           l->setopt(e, CURLOPT_HEADERFUNCTION, look_at_header) == CURLE_OK &&
           l->setopt(e, CURLOPT_HEADERDATA, a) == CURLE_OK;
}

static int say_no_answer(struct remote *remote, CURLcode code, char **ret_why)
{
    long error = 0;
    int n;

    remote->curl.getinfo(remote->easy, CURLINFO_OS_ERRNO, &error);
    if (code == CURLE_COULDNT_CONNECT)
        n = asprintf(ret_why, "%s: pdtt-serve does not answer: %s; let the administrator start pdtt-serve.socket",
                     remote->socket, error ? strerror((int)error) : "no connection");
    else
        n = asprintf(ret_why, "%s: pdtt-serve gave no answer: %s; try again", remote->socket,
                     remote->curl.strerror(code));
    if (n < 0)
        *ret_why = NULL;
    return code == CURLE_COULDNT_CONNECT ? -ECONNREFUSED : -EIO;
}

/* A refusal is "problem details" (RFC 9457), whose detail is the line that a report from the database would say. */
static int say_problem(long status, const struct answer *a, char **ret_why)
{
    static const struct {
        long status;
        int error;
    } errors[] = {{400, -EINVAL}, {403, -EACCES}, {404, -ENOENT}, {429, -EAGAIN}, {503, -EAGAIN}};
    json_t *problem = json_loadb(a->text, a->size, 0, NULL);
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    int r = -EIO;

    for (size_t i = 0; i < array_length(errors); i++)
        if (errors[i].status == status)
            r = errors[i].error;
    if ((detail ? asprintf(ret_why, "%s", detail) : asprintf(ret_why, "pdtt-serve answers with HTTP %ld", status)) < 0)
        *ret_why = NULL;
    json_decref(problem);
    return r;
}

static int pass_on(struct remote *remote, const struct answer *a, FILE *out, char **ret_why)
{
    long status = 0;

    remote->curl.getinfo(remote->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200)
        return say_problem(status, a, ret_why);
    if (fwrite(a->text, 1, a->size, out) != a->size || fflush(out) != 0) {
        int r = errno ? -errno : -EIO;

        if (asprintf(ret_why, "cannot write the report: %s", strerror(-r)) < 0)
            *ret_why = NULL;
        return r;
    }
    return a->exceeded ? REPORT_EXCEEDED : 0;
}

int remote_write(struct remote *remote, const struct report_options *o, FILE *out, char **ret_why)
{
    struct answer a = {0};
    CURLcode code;
    int r;

    a.into = open_memstream(&a.text, &a.size);
    if (!a.into)
        return -ENOMEM;
    code = set_up(remote, &a) ? remote->curl.perform(remote->easy) : CURLE_OUT_OF_MEMORY;
    if (fclose(a.into) != 0)
        r = -ENOMEM;
    else if (code != CURLE_OK)
        r = say_no_answer(remote, code, ret_why);
    else
        r = pass_on(remote, &a, out, ret_why);
    free(a.text);
    return r;
}
