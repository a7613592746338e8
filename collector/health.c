#include "collector/health.h"

#include "collector/session.h"
#include "collector/session_policies.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "sql/store_ask.h"

#include <config.h>
#include <string.h>

#define LATE_INTERVALS 3             /* booking is late when it is this many intervals behind */
#define LARGE_LOG      (128LL << 20) /* twice what SQLite keeps of a log that nobody reads */
#define LITTLE_ROOM    (64LL << 20)  /* left on the disk */
#define FULL_PERCENT   90
#define GAPS_SEC       (INT64_C(86400)) /* gaps of the last day are shown */

void health_note_drain(struct session *s, int error, const char *why, int64_t started_boot_ns)
{
    struct health *h = &s->health;
    int64_t now = clock_boottime_ns();

    free(h->blocked_why);
    h->blocked_why = NULL;
    if (error < 0) {
        h->blocked_why = strdup(why);
        if (!h->blocked_boot_ns)
            h->blocked_boot_ns = now;
        return;
    }
    h->blocked_boot_ns = 0;
    h->booked_boot_ns = started_boot_ns;
    h->booked_sec = clock_realtime_sec() - (now - started_boot_ns) / NSEC_PER_SEC;
    h->drain_us = (now - started_boot_ns) / 1000;
    h->intervals++;
}

/* ---- parts of the answer ---- */

static void add_problem(json_t *problems, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add_problem(json_t *problems, const char *format, ...)
{
    cleanup_free char *line = NULL;
    va_list ap;

    va_start(ap, format);
    if (vasprintf(&line, format, ap) < 0)
        line = NULL;
    va_end(ap);
    if (line)
        json_array_append_new(problems, json_stringn_nocheck(line, strlen(line)));
}

/* Names of processes are bytes of strangers: what is no UTF-8 must not spoil the answer. */
static json_t *safe_string(const char *text)
{
    json_t *string = json_string(text);

    return string ? string : json_string("?");
}

static json_t *holder(bool held, const struct store_holder *who)
{
    if (!held)
        return json_null();
    return json_pack("{s:i, s:o, s:I}", "pid", who->pid, "command", safe_string(who->comm), "uid",
                     (json_int_t)who->uid);
}

static const char *const stat_names[PDTT_STATS] = {
    [PDTT_STAT_SLOTS_FULL] = "accounts_full",   [PDTT_STAT_SLOT_E2BIG] = "slots_full",
    [PDTT_STAT_SLOT_ENOMEM] = "no_memory",      [PDTT_STAT_SLOT_EBUSY] = "busy",
    [PDTT_STAT_SLOT_OTHER] = "other",           [PDTT_STAT_STORAGE_FAILED] = "no_socket_storage",
    [PDTT_STAT_LEDGER_MISSING] = "not_counted",
};

/* Since the maps were made, and how many of them this process saw. */
static json_t *update_errors(const struct session *s, json_t *problems)
{
    uint64_t now[PDTT_STATS] = {0};
    json_t *errors = json_object(), *recent = json_object();

    kernel_read_stats(s->kernel, now);
    for (unsigned stat = PDTT_STAT_FIRST_ERROR; stat <= PDTT_STAT_LAST_ERROR; stat++) {
        json_object_set_new(errors, stat_names[stat], json_integer((json_int_t)now[stat]));
        json_object_set_new(recent, stat_names[stat],
                            json_integer((json_int_t)(now[stat] - s->health.stats_before[stat])));
    }
    if (now[PDTT_STAT_LEDGER_MISSING])
        add_problem(problems, "%llu packets were not counted at all; this must not happen, please report it",
                    (unsigned long long)now[PDTT_STAT_LEDGER_MISSING]);
    return json_pack("{s:o, s:o}", "total", errors, "since_start", recent);
}

static json_t *ledger(const struct session *s, json_t *problems)
{
    const struct pdtt_layout *layout = ledger_layout(s->ledger);
    int active = ledger_active(s->ledger);
    const struct pdtt_epoch *epoch = ledger_epoch(s->ledger, active < 0 ? 0 : active);
    const struct pdtt_epoch *sealed = ledger_epoch(s->ledger, active < 0 ? 1 : !active);
    uint32_t limit = layout->slots - 1, used = epoch->next_slot - 1 > limit ? limit : epoch->next_slot - 1;

    if ((uint64_t)used * 100 >= (uint64_t)limit * FULL_PERCENT)
        add_problem(problems,
                    "%u of %u accounts are in use in this interval; what finds none free is booked as (overflow); "
                    "raise limits.accounts",
                    used, limit);
    return json_pack("{s:I, s:I, s:I, s:I, s:b, s:f}", "accounts_used", (json_int_t)used, "accounts_limit",
                     (json_int_t)limit, "epoch", (json_int_t)epoch->epoch, "cpus", (json_int_t)layout->cpus,
                     "sealed_epoch_waits", sealed->epoch != 0, "kernel_memory_mib",
                     (double)kernel_memory_bytes(s->kernel) / 1048576.0);
}

static json_t *booking(const struct session *s, int64_t now_boot_ns, json_t *problems)
{
    const struct health *h = &s->health;
    int64_t since = h->booked_boot_ns ? h->booked_boot_ns : now_boot_ns;
    double lag = (double)(now_boot_ns - since) / NSEC_PER_SEC;
    double blocked = h->blocked_boot_ns ? (double)(now_boot_ns - h->blocked_boot_ns) / NSEC_PER_SEC : 0;

    if (h->blocked_boot_ns)
        add_problem(problems, "booking has failed for %.0f s: %s; the counts wait in the kernel", blocked,
                    h->blocked_why ? h->blocked_why : "?");
    else if (lag > LATE_INTERVALS * (double)s->config->interval_sec)
        add_problem(problems, "the last interval was booked %.0f s ago; see the log", lag);
    return json_pack("{s:I, s:f, s:f, s:I, s:f, s:o}", "last_sec", (json_int_t)h->booked_sec, "last_took_ms",
                     (double)h->drain_us / 1000.0, "lag_sec", lag, "intervals", (json_int_t)h->intervals, "blocked_sec",
                     blocked, "blocked_why",
                     h->blocked_boot_ns ? safe_string(h->blocked_why ? h->blocked_why : "?") : json_null());
}

static void check_database(const struct store_health *d, json_t *problems)
{
    if (d->log_bytes > LARGE_LOG && d->read)
        add_problem(problems,
                    "the write-ahead log has grown to %lld MiB because process %d (%s, uid %u) holds a snapshot; end "
                    "that one",
                    (long long)d->log_bytes >> 20, d->reader.pid, d->reader.comm, d->reader.uid);
    else if (d->log_bytes > LARGE_LOG)
        add_problem(problems, "the write-ahead log has grown to %lld MiB", (long long)d->log_bytes >> 20);
    if (d->disk_free_bytes >= 0 && d->disk_free_bytes < LITTLE_ROOM)
        add_problem(problems, "only %lld MiB are free on the database's file system; make room",
                    (long long)d->disk_free_bytes >> 20);
}

static json_t *database(const struct session *s, json_t *problems)
{
    struct store_health d;

    store_read_health(s->store, &d);
    check_database(&d, problems);
    return json_pack("{s:o, s:I, s:I, s:I, s:I, s:o, s:o, s:i}", "path", safe_string(s->config->database), "bytes",
                     (json_int_t)d.database_bytes, "log_bytes", (json_int_t)d.log_bytes, "disk_free_bytes",
                     (json_int_t)d.disk_free_bytes, "ballast_bytes", (json_int_t)d.ballast_bytes, "blocked_by",
                     holder(d.blocked, &d.blocker), "read_by", holder(d.read, &d.reader), "begun_anew",
                     (int)s->health.databases);
}

static json_t *layers(const struct session *s, json_t *problems)
{
    json_t *all = json_array();

    for (unsigned i = 0; i < PROGRAMS; i++) {
        const char *missing = kernel_missing(s->kernel, i);
        json_array_append_new(all, json_pack("{s:s, s:s, s:b, s:o}", "program", program_rows[i].name, "layer",
                                             layer_rows[program_rows[i].layer].name, "on", missing == NULL, "why",
                                             missing ? safe_string(missing) : json_null()));
    }
    if (s->health.damage)
        add_problem(problems, "%s", s->health.damage);
    return all;
}

static int add_gap(const struct store_gap *gap, void *userdata)
{
    json_array_append_new(userdata, json_pack("{s:I, s:I, s:o}", "start_sec", (json_int_t)gap->start_sec, "end_sec",
                                              (json_int_t)gap->end_sec, "reason", safe_string(gap->reason)));
    return 0;
}

static json_t *gaps(const struct session *s)
{
    int64_t now = clock_realtime_sec();
    json_t *all = json_array();

    store_query_gaps(s->store, now - GAPS_SEC, now + 1, add_gap, all); /* of a database that cannot be read: none */
    return all;
}

/* null: nobody is told. */
static json_t *notices(const struct session *s, json_t *problems)
{
    struct notices_counts counts;

    if (!s->notices)
        return json_null();
    counts = notices_counts(s->notices);
    if (counts.gone)
        add_problem(problems,
                    "the process that runs notify.command is gone; nobody is told that allocations are used up: "
                    "start pdttd again");
    return json_pack("{s:I, s:I, s:I, s:b}", "over", (json_int_t)counts.over, "told", (json_int_t)counts.told, "failed",
                     (json_int_t)counts.failed, "telling", counts.asked);
}

json_t *health_json(struct session *s)
{
    int64_t now = clock_boottime_ns();
    json_t *problems = json_array(), *answer = json_object();

    json_object_set_new(answer, "version", json_string(PACKAGE_VERSION));
    json_object_set_new(answer, "pid", json_integer(getpid()));
    json_object_set_new(answer, "started_sec", json_integer(s->health.started_sec));
    json_object_set_new(answer, "interval_sec", json_integer(s->config->interval_sec));
    json_object_set_new(answer, "programs", layers(s, problems));
    if (interfaces_samples(s->interfaces))
        json_object_set_new(answer, "samples", samples_json(interfaces_samples(s->interfaces)));
    json_object_set_new(answer, "repairs", json_integer(s->health.repairs));
    json_object_set_new(answer, "ledger", ledger(s, problems));
    json_object_set_new(answer, "update_errors", update_errors(s, problems));
    json_object_set_new(answer, "booking", booking(s, now, problems));
    json_object_set_new(answer, "database", database(s, problems));
    json_object_set_new(answer, "policies", session_policies_json(s, problems));
    json_object_set_new(answer, "gaps", gaps(s));
    json_object_set_new(answer, "notices", notices(s, problems));
    json_object_set_new(answer, "healthy", json_boolean(json_array_size(problems) == 0));
    json_object_set_new(answer, "problems", problems);
    return answer;
}
