/* Policies as people read them. */
#include "common/cleanup.h"
#include "common/columns.h"
#include "common/escape.h"
#include "common/policy_text.h"
#include "common/units.h"
#include "control/ask.h"
#include "control/policy.h"

#include <string.h>
#include <time.h>

static char *text(const json_t *object, const char *key)
{
    return escape_terminal(json_string_value(json_object_get(object, key)) ?: "");
}

/* What the name is followed by in its words. */
static const char *behind_name(const char *words)
{
    const char *blank = words ? strchr(words, ' ') : NULL;

    return blank ? blank + 1 : "";
}

static void print_warnings(const json_t *answer)
{
    const json_t *never = json_object_get(answer, "never"), *unknown = json_object_get(answer, "unknown");

    for (size_t i = 0; i < json_array_size(never); i++) {
        cleanup_free char *name = text(json_array_get(never, i), "name"),
                          *why = text(json_array_get(never, i), "never");

        printf("warning: policy '%s' %s\n", name ? name : "", why ? why : "");
    }
    for (size_t i = 0; i < json_array_size(unknown); i++) {
        cleanup_free char *name = text(json_array_get(unknown, i), "name"),
                          *what = text(json_array_get(unknown, i), "unknown");

        printf("warning: policy '%s' matches nothing yet: %s\n", name ? name : "", what ? what : "");
    }
}

static void print_waiting(const json_t *answer)
{
    const json_t *sec = json_object_get(answer, "waits_sec");

    if (json_is_integer(sec))
        printf("The list goes back in %lld s unless \"pdttctl policy confirm\" keeps it.\n",
               (long long)json_integer_value(sec));
}

void policy_print_connection(const json_t *answer)
{
    cleanup_free char *protected = text(answer, "protected"), *by = text(answer, "blocked_by");

    if (by && *by)
        printf("warning: policy '%s' %s block your own connection; '%s' keeps it open, and no other\n", by,
               json_is_true(json_object_get(answer, "blocked_surely")) ? "would" : "may", protected ? protected : "");
}

void policy_print_changed(const json_t *answer)
{
    json_int_t n = ask_number(answer, "policies");

    printf("%lld polic%s in force\n", (long long)n, n == 1 ? "y" : "ies");
    policy_print_connection(answer);
    print_warnings(answer);
    print_waiting(answer);
}

/* ---- list ---- */

static void print_doors(const char *before, const json_t *doors)
{
    for (size_t i = 0; i < json_array_size(doors); i++) {
        cleanup_free char *interface = text(json_array_get(doors, i), "interface"),
                          *hook = text(json_array_get(doors, i), "hook");

        printf("%s%s (%s)", i ? ", " : before, interface ? interface : "", hook ? hook : "");
    }
    puts("");
}

static size_t widest_name(const json_t *policies, size_t least)
{
    for (size_t i = 0; i < json_array_size(policies); i++) {
        size_t n = json_string_length(json_object_get(json_array_get(policies, i), "name"));

        least = n > least ? n : least;
    }
    return least;
}

static bool at_door(const json_t *answer, const json_t *policy)
{
    return json_is_true(json_object_get(policy, "door")) && json_array_size(json_object_get(answer, "doors")) > 0;
}

void policy_print_list(const json_t *answer)
{
    const json_t *policies = json_object_get(answer, "policies"), *reverted = json_object_get(answer, "reverted");
    int width = (int)widest_name(policies, strlen("NAME"));
    char when[32] = "";
    bool doors = false;
    time_t at = (time_t)json_integer_value(reverted);

    if (json_array_size(policies) == 0)
        puts("no policy is in force");
    else
        printf("%-*s  %-10s  POLICY\n", width, "NAME", "FROM");
    for (size_t i = 0; i < json_array_size(policies); i++) {
        const json_t *p = json_array_get(policies, i);
        cleanup_free char *name = text(p, "name"), *origin = text(p, "origin"), *words = text(p, "words"),
                          *never = text(p, "never"), *unknown = text(p, "unknown");

        if (!name || !origin || !words || !never || !unknown)
            return;
        printf("%-*s  %-10s  %s%s%s%s%s%s%s%s%s%s\n", width, name,
               strcmp(origin, "connection") == 0 ? "protected" : origin, behind_name(words), *never ? " (" : "", never,
               *never ? ")" : "", *unknown ? " (" : "", unknown, *unknown ? ")" : "",
               json_is_true(json_object_get(p, "off")) ? " (off)" : "",
               json_is_true(json_object_get(p, "lapsed")) ? " (lapsed)" : "",
               at_door(answer, p) ? " (at the door)" : "");
        doors |= at_door(answer, p);
    }
    if (doors)
        print_doors("at the door: of ", json_object_get(answer, "doors"));
    print_waiting(answer);
    if (json_is_integer(reverted) && strftime(when, sizeof(when), "%F %T", localtime(&at)))
        printf("A list that nobody confirmed was taken back at %s.\n", when);
}

/* ---- one, and counters ---- */

static void print_counters(const json_t *c)
{
    char passed[UNITS_TEXT_MAX], dropped[UNITS_TEXT_MAX];

    printf("%-14s %lld packets, %s\n", "passed", (long long)ask_number(c, "packets_passed"),
           units_format_bytes(passed, ask_number(c, "bytes_passed"), UNITS_AUTO));
    printf("%-14s %lld dropped packets, %lld more than its rate, %lld while nobody read\n", "told of",
           (long long)ask_number(c, "packets_told"), (long long)ask_number(c, "packets_held"),
           (long long)ask_number(c, "packets_unheard"));
    printf("%-14s %lld packets, %s\n", "dropped", (long long)ask_number(c, "packets_dropped"),
           units_format_bytes(dropped, ask_number(c, "bytes_dropped"), UNITS_AUTO));
}

void policy_print_one(const json_t *policy, const json_t *counters)
{
    cleanup_free char *never = text(policy, "never"), *origin = text(policy, "origin"),
                      *unknown = text(policy, "unknown");

    for (size_t i = 0; policy_key_name(i); i++) {
        cleanup_free char *value = text(policy, policy_key_name(i));

        if (value && *value)
            printf("%-14s %s\n", policy_key_name(i), value);
    }
    printf("%-14s %s\n", "from", origin ? origin : "");
    if (json_is_integer(json_object_get(policy, "lapse_sec")))
        printf("%-14s %lld s after pdttd last %s%s\n", "lapses", (long long)ask_number(policy, "lapse_sec"),
               json_is_string(json_object_get(policy, "when")) ? "knew the allocation" : "ran",
               json_is_true(json_object_get(policy, "lapsed")) ? ": it has" : "");
    if (never && *never)
        printf("%-14s %s\n", "warning", never);
    if (unknown && *unknown)
        printf("%-14s %s\n", "warning", unknown);
    if (at_door(policy, policy))
        print_doors("at the door of ", json_object_get(policy, "doors"));
    if (json_is_object(counters))
        print_counters(counters);
}

void policy_print_stats(const json_t *answer)
{
    const json_t *policies = json_object_get(answer, "policies");
    int width = (int)widest_name(policies, strlen("POLICY"));

    printf("%-*s  %-7s  %14s  %10s  %14s  %10s  %10s  %10s\n", width, "POLICY", "ACTION", "PASSED PACKETS", "PASSED",
           "DROPPED PKTS", "DROPPED", "TOLD", "NOT TOLD");
    for (size_t i = 0; i < json_array_size(policies); i++) {
        const json_t *p = json_array_get(policies, i);
        cleanup_free char *name = text(p, "name"), *action = text(p, "action");
        char passed[UNITS_TEXT_MAX], dropped[UNITS_TEXT_MAX];

        printf("%-*s  %-7s  %14lld  %10s  %14lld  %10s  %10lld  %10lld\n", width, name ? name : "",
               action ? action : "", (long long)ask_number(p, "packets_passed"),
               units_format_bytes(passed, ask_number(p, "bytes_passed"), UNITS_AUTO),
               (long long)ask_number(p, "packets_dropped"),
               units_format_bytes(dropped, ask_number(p, "bytes_dropped"), UNITS_AUTO),
               (long long)ask_number(p, "packets_told"),
               (long long)(ask_number(p, "packets_held") + ask_number(p, "packets_unheard")));
    }
}
