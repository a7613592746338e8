/* pdttctl policy events: packets that policies dropped, those that are kept and those that come. */
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/escape.h"
#include "common/json_text.h"
#include "common/log.h"
#include "common/policy_values.h"
#include "common/units.h"
#include "control/ask.h"
#include "control/policy.h"

#include <pwd.h>
#include <string.h>
#include <time.h>

enum { USAGE = 2 };

const char *policy_option(const struct invocation *in)
{
    return in->follow ? "follow" : in->policy ? "policy" : in->since ? "since" : NULL;
}

/* ---- since when ---- */

static bool read_moment(const char *text, int64_t *ret_sec)
{
    static const char *const formats[] = {"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"};

    for (size_t i = 0; i < array_length(formats); i++) {
        struct tm tm = {.tm_isdst = -1};
        const char *end = strptime(text, formats[i], &tm);
        time_t when = end && !*end ? mktime(&tm) : -1;

        *ret_sec = when;
        if (when >= 0)
            return true;
    }
    return false;
}

static int read_since(const struct invocation *in, int64_t *ret_sec)
{
    int64_t now_sec = clock_realtime_sec(), ago_sec;

    *ret_sec = in->follow ? now_sec + 1 : 0; /* to follow begins now, unless one asks for more */
    if (!in->since || read_moment(in->since, ret_sec))
        return 0;
    if (units_parse_duration(in->since, &ago_sec) == 0) {
        *ret_sec = ago_sec < now_sec ? now_sec - ago_sec : 0;
        return 0;
    }
    log_error(
        "option --since: '%s': is no time; write how long ago, such as 2h, or 2026-11-29, or \"2026-11-29 08:00\"",
        in->since);
    return -EINVAL;
}

/* ---- for people ---- */

static const char *word(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key)) ?: "";
}

static void print_time(json_int_t time_ns)
{
    time_t sec = (time_t)(time_ns / NSEC_PER_SEC);
    char text[32] = "";
    struct tm tm;

    if (localtime_r(&sec, &tm))
        strftime(text, sizeof(text), "%F %T", &tm);
    printf("%s.%03d", text, (int)(time_ns % NSEC_PER_SEC / NSEC_PER_MSEC));
}

/* What has just come has no name of the database yet. */
static void print_user(const json_t *event)
{
    cleanup_free char *name = escape_terminal(word(event, "user"));
    const json_t *uid = json_object_get(event, "uid");
    const struct passwd *pw = json_is_integer(uid) && name && !*name ? getpwuid((uid_t)json_integer_value(uid)) : NULL;
    cleanup_free char *known = pw ? escape_terminal(pw->pw_name) : NULL;

    if (known || (name && *name))
        printf("  user %s", known ? known : name);
    else if (json_is_integer(uid))
        printf("  uid %lld", (long long)json_integer_value(uid));
}

static void print_end(const json_t *event, const char *address, const char *port)
{
    cleanup_free char *text = escape_terminal(word(event, address));
    json_int_t number = ask_number(event, port);
    bool brackets = number && text && strchr(text, ':');

    printf("%s%s%s", brackets ? "[" : "", text ? text : "?", brackets ? "]" : "");
    if (number)
        printf(":%lld", (long long)number);
}

static void print_event(const json_t *event)
{
    cleanup_free char *policy = escape_terminal(word(event, "policy")),
                      *action = escape_terminal(word(event, "action"));
    json_int_t packets = ask_number(event, "packets");

    print_time(ask_number(event, "time_ns"));
    printf("  %s  %s %s  ", policy ? policy : "?", action ? action : "?",
           strcmp(word(event, "direction"), "tx") == 0 ? "out" : "in");
    policy_write_protocol(stdout, (int)ask_number(event, "protocol"));
    putchar(' ');
    print_end(event, "src_ip", "src_port");
    printf(" > ");
    print_end(event, "dst_ip", "dst_port");
    printf("  %lld B", (long long)ask_number(event, "packet_size"));
    if (packets > 1)
        printf(" in %lld packets", (long long)packets);
    print_user(event);
    putchar('\n');
}

static void print_events(const json_t *answer)
{
    const json_t *events = json_object_get(answer, "events");

    if (json_is_true(json_object_get(answer, "more")))
        printf("(older ones are left out; --policy and --since choose, the view v_policy_event has all)\n");
    for (size_t i = 0; i < json_array_size(events); i++)
        print_event(json_array_get(events, i));
}

/* ---- going on ---- */

static void print_json_line(const json_t *event)
{
    cleanup_free char *text = json_dumps(event, JSON_COMPACT), *line = text ? escape_json(text) : NULL;

    puts(line ? line : "{}");
}

static void print_come(const struct invocation *in, const json_t *line)
{
    json_int_t missed = ask_number(line, "missed");

    if (in->json)
        print_json_line(line);
    else if (missed)
        printf("(%lld events came faster than they were read here)\n", (long long)missed);
    else
        print_event(line);
}

/* The first line has those that are kept, in one. */
static int on_line(const json_t *line, void *userdata)
{
    const struct invocation *in = userdata;
    const json_t *events = json_object_get(line, "events");

    if (!events)
        print_come(in, line);
    else if (!in->json)
        print_events(line);
    for (size_t i = 0; in->json && i < json_array_size(events); i++)
        print_json_line(json_array_get(events, i));
    if (fflush(stdout) == 0)
        return 0;
    log_error("cannot write what came: %s", strerror(errno));
    return -EIO;
}

int policy_events(const struct invocation *in)
{
    cleanup_free char *text = NULL, *request = NULL;
    struct invocation own = *in;
    json_t *argument, *answer;
    int64_t since_sec;
    int r;

    if (read_since(in, &since_sec) < 0)
        return USAGE;
    argument = json_pack("{s:o, s:I, s:b}", "policy", json_text_or_null(in->policy), "since_sec", (json_int_t)since_sec,
                         "follow", in->follow);
    text = argument ? json_dumps(argument, JSON_COMPACT) : NULL;
    json_decref(argument);
    if (!text || asprintf(&request, "policy events %s", text) < 0) {
        log_error("%s", strerror(ENOMEM));
        return -ENOMEM;
    }
    if (in->follow)
        return ask_and_follow(in, request, on_line, &own);
    r = ask_pdttd(in, request, NULL, &answer);
    return r < 0 ? r : ask_print(in, answer, print_events);
}
