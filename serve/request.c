#include "serve/request.h"

#include "common/cleanup.h"

#include <string.h>

static int complain(char **ret_why, const char *what)
{
    *ret_why = strdup(what);
    return -EINVAL;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte that stands at *at, which is moved past it; -1: none. */
static int byte_at(const char **at, const char *end)
{
    const char *s = *at;
    int high, low;

    *at += 1;
    if (*s != '%')
        return *s == '+' ? ' ' : (unsigned char)*s;
    if (end - s < 3 || (high = digit_of(s[1])) < 0 || (low = digit_of(s[2])) < 0)
        return -1;
    *at += 2;
    return high * 16 + low;
}

static int decode(const char *text, size_t length, char **ret, char **ret_why)
{
    cleanup_free char *out = malloc(length + 1);
    const char *end = text + length;
    size_t n = 0;

    if (!out)
        return -ENOMEM;
    while (text < end) {
        int byte = byte_at(&text, end);

        if (byte < 0)
            return complain(ret_why,
                            "the query is encoded wrongly: a percent sign stands before two hexadecimal digits");
        if (byte == 0)
            return complain(ret_why, "the query holds a zero byte");
        out[n++] = (char)byte;
    }
    out[n] = '\0';
    *ret = take_ptr(out);
    return 0;
}

static int add_parameter(struct request *request, const char *text, size_t length, char **ret_why)
{
    const char *equals = memchr(text, '=', length);
    size_t name_length = equals ? (size_t)(equals - text) : length;
    size_t value_length = equals ? length - name_length - 1 : 0;
    struct parameter *v, *p;
    int r;

    if (request->n == REQUEST_MOST_PARAMETERS) {
        *ret_why = strdup("the query has more than 64 parameters");
        return -E2BIG;
    }
    v = reallocarray(request->parameters, request->n + 1, sizeof(*v));
    if (!v)
        return -ENOMEM;
    request->parameters = v;
    p = &v[request->n++];
    *p = (struct parameter){0};
    r = decode(text, name_length, &p->name, ret_why);
    return r < 0 ? r : decode(equals ? equals + 1 : "", value_length, &p->value, ret_why);
}

static int parse_query(struct request *request, const char *query, char **ret_why)
{
    for (const char *s = query;; s++) {
        size_t length = strcspn(s, "&");
        int r = length ? add_parameter(request, s, length, ret_why) : 0;

        if (r < 0)
            return r;
        s += length;
        if (!*s)
            return 0;
    }
}

int request_parse(const char *target, struct request *ret, char **ret_why)
{
    size_t length = strcspn(target, "?");
    struct request request = {0};
    int r;

    if (*target != '/' || strchr(target, '#'))
        return complain(ret_why, "the target is not a path, such as /api/v1/report");
    request.path = strndup(target, length);
    r = request.path ? 0 : -ENOMEM;
    if (r == 0 && target[length])
        r = parse_query(&request, target + length + 1, ret_why);
    if (r < 0)
        request_done(&request);
    else
        *ret = request;
    return r;
}

void request_done(struct request *request)
{
    for (size_t i = 0; i < request->n; i++) {
        free(request->parameters[i].name);
        free(request->parameters[i].value);
    }
    free(request->parameters);
    free(request->path);
    *request = (struct request){0};
}
