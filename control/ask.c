#include "control/ask.h"

#include "collector/config.h"
#include "collector/status.h"
#include "common/cleanup.h"
#include "common/control_client.h"
#include "common/log.h"

#include <string.h>

/* A drain waits for whoever blocks the database, and a reload for names of users and groups. */
enum { PATIENCE_SEC = 60 };

static int find_socket(const struct invocation *in, char **ret_path)
{
    cleanup_free char *why = NULL;
    int r = 0;

    if (in->socket)
        *ret_path = strdup(in->socket);
    else
        r = config_find_control(in->config_path, ret_path, &why);
    if (r < 0)
        log_error("%s; --socket names the control socket without a configuration", why ? why : strerror(-r));
    return r == 0 && !*ret_path ? -ENOMEM : r;
}

static int complain(const char *path, const json_t *answer, const char *what)
{
    if (json_object_get(answer, "group")) {
        cleanup_free char *line = control_tell_who_may(path);
        log_error("%s", line ? line : strerror(ENOMEM));
        return -EACCES;
    }
    log_error("%s%s%s", what ? what : "", what ? ": " : "",
              json_string_value(json_object_get(answer, "error")) ?: "pdttd does not say why");
    return -EREMOTEIO;
}

int ask_pdttd(const struct invocation *in, const char *request, const char *what, json_t **ret_answer)
{
    cleanup_free char *path = NULL, *why = NULL;
    json_t *answer = NULL;
    int r = find_socket(in, &path);

    if (r < 0)
        return r;
    r = control_ask_within(path, request, PATIENCE_SEC, &answer, &why);
    if (r < 0)
        log_error("%s", why ? why : strerror(-r));
    else if (json_object_get(answer, "error"))
        r = complain(path, answer, what);
    if (r == 0)
        *ret_answer = take_ptr(answer);
    json_decref(answer);
    return r;
}

struct following {
    const char *path;
    int (*fn)(const json_t *line, void *userdata);
    void *userdata;
    bool done; /* what ended it was said, or is fn's */
};

static int on_line(const json_t *line, void *userdata)
{
    struct following *f = userdata;
    int r = json_object_get(line, "error") ? complain(f->path, line, NULL) : f->fn(line, f->userdata);

    f->done = r != 0;
    return r;
}

int ask_and_follow(const struct invocation *in, const char *request, int (*fn)(const json_t *line, void *userdata),
                   void *userdata)
{
    cleanup_free char *path = NULL, *why = NULL;
    struct following f = {.fn = fn, .userdata = userdata};
    int r = find_socket(in, &path);

    if (r < 0)
        return r;
    f.path = path;
    r = control_follow(path, request, PATIENCE_SEC, on_line, &f, &why);
    if (r < 0 && !f.done)
        log_error("%s", why ? why : strerror(-r));
    return r;
}

int ask_print(const struct invocation *in, json_t *answer, void (*print)(const json_t *answer))
{
    int r = 0;

    if (in->json)
        r = status_print_json(answer);
    else
        print(answer);
    if (r == 0 && fflush(stdout) != 0)
        r = -errno;
    if (r < 0)
        log_error("cannot write the answer: %s", strerror(-r));
    json_decref(answer);
    return r;
}

json_int_t ask_number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}
