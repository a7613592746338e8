#include "collector/status.h"

#include "collector/tiers.h"
#include "common/cleanup.h"
#include "common/escape.h"
#include "common/units.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static json_int_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value ? value : "";
}

static const char *bytes(const json_t *object, const char *key, char buffer[static UNITS_TEXT_MAX])
{
    return units_format_bytes(buffer, number(object, key), UNITS_AUTO);
}

/* Local time, as the log and reports show it. */
static const char *moment(json_int_t sec, char buffer[static 32])
{
    time_t when = (time_t)sec;
    struct tm tm;

    if (sec && localtime_r(&when, &tm))
        strftime(buffer, 32, "%Y-%m-%d %H:%M:%S", &tm);
    else
        strcpy(buffer, "never");
    return buffer;
}

static void print_label(const char *label)
{
    printf("%-10s ", label);
}

static void print_programs(const json_t *answer)
{
    const json_t *programs = json_object_get(answer, "programs"), *program;
    size_t i, on = 0, wanted = 0;

    json_array_foreach ((json_t *)programs, i, program) {
        on += json_is_true(json_object_get(program, "on"));
        wanted += strcmp(text(program, "why"), TIER_NOT_NEEDED) != 0;
    }
    print_label("Programs");
    printf("%zu of %zu attached, attached again %lld times\n", on, wanted, (long long)number(answer, "repairs"));
    json_array_foreach ((json_t *)programs, i, program)
        if (!json_is_true(json_object_get(program, "on")) && strcmp(text(program, "why"), TIER_NOT_NEEDED) != 0) {
            cleanup_free char *why = escape_terminal(text(program, "why"));
            print_label("");
            printf("without %s: %s\n", text(program, "program"), why ? why : "?");
        }
}

static void print_ledger(const json_t *answer)
{
    const json_t *ledger = json_object_get(answer, "ledger");
    json_int_t limit = number(ledger, "accounts_limit");

    print_label("Ledger");
    printf("%lld of %lld accounts in this interval (%.1f %%), epoch %lld, %.1f MiB of kernel memory\n",
           (long long)number(ledger, "accounts_used"), (long long)limit,
           limit ? 100.0 * (double)number(ledger, "accounts_used") / (double)limit : 0.0,
           (long long)number(ledger, "epoch"), json_real_value(json_object_get(ledger, "kernel_memory_mib")));
}

static void print_errors(const json_t *answer)
{
    const json_t *total = json_object_get(json_object_get(answer, "update_errors"), "total");
    const char *name;
    json_t *value;
    bool any = false;

    print_label("Errors");
    json_object_foreach ((json_t *)total, name, value) {
        if (!json_integer_value(value))
            continue;
        printf("%s%lld %s", any ? ", " : "", (long long)json_integer_value(value), name);
        any = true;
    }
    puts(any ? "" : "none");
}

static void print_samples(const json_t *answer)
{
    const json_t *samples = json_object_get(answer, "samples");
    json_int_t lost = number(samples, "ring_full") + number(samples, "memory_full");

    if (!json_is_object(samples))
        return;
    print_label("Samples");
    printf("one in %lld, %s: %lld of %lld drawn, %lld of them lost, %lld from more sources than are told apart\n",
           (long long)number(samples, "rate"), text(samples, "mode"), (long long)number(samples, "drawn"),
           (long long)number(samples, "seen"), (long long)lost, (long long)number(samples, "sources_full"));
}

static void print_booking(const json_t *answer)
{
    const json_t *booking = json_object_get(answer, "booking");
    char when[32];

    print_label("Booking");
    printf("last %s, took %.1f ms, %.0f s behind (interval %lld s), %lld intervals since the start\n",
           moment(number(booking, "last_sec"), when), json_real_value(json_object_get(booking, "last_took_ms")),
           json_real_value(json_object_get(booking, "lag_sec")), (long long)number(answer, "interval_sec"),
           (long long)number(booking, "intervals"));
}

static void print_holder(const json_t *database, const char *key, const char *what)
{
    const json_t *who = json_object_get(database, key);
    cleanup_free char *command = escape_terminal(text(who, "command"));

    if (!json_is_object(who))
        return;
    print_label("");
    printf("%s process %lld (%s, uid %lld)\n", what, (long long)number(who, "pid"), command ? command : "?",
           (long long)number(who, "uid"));
}

static void print_database(const json_t *answer)
{
    const json_t *database = json_object_get(answer, "database");
    cleanup_free char *path = escape_terminal(text(database, "path"));
    char a[UNITS_TEXT_MAX], b[UNITS_TEXT_MAX], c[UNITS_TEXT_MAX], d[UNITS_TEXT_MAX];

    print_label("Database");
    printf("%s: %s, log %s, ballast %s, %s free on its disk\n", path ? path : "?", bytes(database, "bytes", a),
           bytes(database, "log_bytes", b), bytes(database, "ballast_bytes", c), bytes(database, "disk_free_bytes", d));
    if (number(database, "begun_anew")) {
        print_label("");
        printf("opened again or begun anew %lld times since the start; the table layer_state says why\n",
               (long long)number(database, "begun_anew"));
    }
    print_holder(database, "blocked_by", "writing is blocked by");
    print_holder(database, "read_by", "read by");
}

/* What was not told, by cause; nothing where nothing was. */
static void print_policy_events(const json_t *e)
{
    json_int_t held = number(e, "held"), ring = number(e, "ring_full"), memory = number(e, "memory_full");

    if (!number(e, "told") && !held && !ring)
        return;
    print_label("");
    printf("told of %lld dropped packets, not of %lld above the rate of %lld a second and %lld while pdttd did not "
           "read; %lld events lost before they were booked, %lld not in the log\n",
           (long long)number(e, "told"), (long long)held, (long long)number(e, "rate"), (long long)ring,
           (long long)memory, (long long)number(e, "unlogged"));
}

static void print_policies(const json_t *answer)
{
    const json_t *p = json_object_get(answer, "policies"), *waits = json_object_get(p, "waits_sec");

    print_label("Policies");
    if (!json_is_object(p)) {
        puts("none are possible here");
        return;
    }
    printf("%lld in force", (long long)number(p, "in_force"));
    if (number(p, "off"))
        printf(", %lld of them off until their condition holds", (long long)number(p, "off"));
    if (number(p, "lapsed"))
        printf(", %lld of them lapsed", (long long)number(p, "lapsed"));
    if (number(p, "never"))
        printf(", %lld that can never match", (long long)number(p, "never"));
    if (json_is_integer(waits))
        printf("; the list goes back in %lld s unless it is confirmed", (long long)json_integer_value(waits));
    putchar('\n');
    if (json_is_string(json_object_get(p, "not_paced"))) {
        print_label("");
        puts(json_string_value(json_object_get(p, "not_paced")));
    }
    print_policy_events(json_object_get(p, "events"));
}

static void print_gaps(const json_t *answer)
{
    const json_t *gaps = json_object_get(answer, "gaps"), *gap;
    size_t i;

    print_label("Gaps");
    printf("%zu in the last day\n", json_array_size(gaps));
    json_array_foreach ((json_t *)gaps, i, gap) {
        cleanup_free char *reason = escape_terminal(text(gap, "reason"));
        char since[32], until[32];
        print_label("");
        printf("%s to %s: %s\n", moment(number(gap, "start_sec"), since), moment(number(gap, "end_sec"), until),
               reason ? reason : "?");
    }
}

static void print_notices(const json_t *answer)
{
    const json_t *notices = json_object_get(answer, "notices");

    if (!json_is_object(notices))
        return;
    print_label("Notices");
    printf("%lld allocations over a threshold; %lld told, %lld attempts failed since the start\n",
           (long long)number(notices, "over"), (long long)number(notices, "told"),
           (long long)number(notices, "failed"));
}

static void print_problems(const json_t *answer)
{
    const json_t *problems = json_object_get(answer, "problems"), *problem;
    size_t i;

    print_label("Health");
    printf("%s\n", json_array_size(problems) ? "NOT healthy:" : "healthy");
    json_array_foreach ((json_t *)problems, i, problem) {
        cleanup_free char *line = escape_terminal(json_string_value(problem));
        print_label("");
        printf("- %s\n", line ? line : "?");
    }
}

int status_print_json(const json_t *answer)
{
    cleanup_free char *page = json_dumps(answer, JSON_INDENT(2));
    cleanup_free char *harmless = page ? escape_json(page) : NULL;

    return !harmless ? -ENOMEM : puts(harmless) < 0 ? -EIO : 0;
}

static void print_text(const json_t *answer)
{
    char when[32];

    print_problems(answer);
    print_label("Counting");
    printf("pdttd %s, process %lld, since %s\n", text(answer, "version"), (long long)number(answer, "pid"),
           moment(number(answer, "started_sec"), when));
    print_programs(answer);
    print_ledger(answer);
    print_errors(answer);
    print_booking(answer);
    print_samples(answer);
    print_database(answer);
    print_policies(answer);
    print_gaps(answer);
    print_notices(answer);
}

int status_print_answer(const json_t *answer, bool json)
{
    int r = 0;

    if (json)
        r = status_print_json(answer);
    else
        print_text(answer);
    return r < 0 ? r : json_is_true(json_object_get(answer, "healthy")) ? 0 : STATUS_UNHEALTHY;
}
