#include "serve/metrics.h"

#include "common/cleanup.h"
#include "common/escape.h"

#include <inttypes.h>
#include <string.h>

const char *metrics_media_type(bool openmetrics)
{
    return openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                       : "text/plain; version=0.0.4; charset=utf-8";
}

static const char *suffix_of(const char *type)
{
    return strcmp(type, "counter") == 0 ? "_total" : "";
}

void metrics_family(const struct metrics *m, const char *name, const char *type, const char *unit, const char *help)
{
    const char *suffix = m->openmetrics ? "" : suffix_of(type);

    fprintf(m->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, suffix, help, name, suffix, type);
    if (m->openmetrics && *unit)
        fprintf(m->out, "# UNIT %s %s\n", name, unit);
}

/* Backslash, quote and newline are escaped, and what is no UTF-8 is replaced. */
static int put_value(FILE *out, const char *value)
{
    cleanup_free char *valid = escape_utf8(value);

    if (!valid)
        return -ENOMEM;
    for (const char *s = valid; *s; s++) {
        if (*s == '\n')
            fputs("\\n", out);
        else if (*s == '"' || *s == '\\')
            fprintf(out, "\\%c", *s);
        else
            fputc(*s, out);
    }
    return 0;
}

static int put_labels(FILE *out, const char *const *labels)
{
    int r = 0;

    for (size_t i = 0; r == 0 && labels && labels[i]; i += 2) {
        fprintf(out, "%c%s=\"", i == 0 ? '{' : ',', labels[i]);
        r = put_value(out, labels[i + 1]);
        fputc('"', out);
    }
    if (labels && labels[0])
        fputc('}', out);
    return r;
}

int metrics_count(const struct metrics *m, const char *name, int64_t value, const char *const *labels)
{
    int r;

    fprintf(m->out, "%s_total", name);
    r = put_labels(m->out, labels);
    fprintf(m->out, " %" PRId64 "\n", value > 0 ? value : 0); /* a counter is never below 0 */
    return r;
}

int metrics_gauge(const struct metrics *m, const char *name, double value, const char *const *labels)
{
    int r;

    fputs(name, m->out);
    r = put_labels(m->out, labels);
    fprintf(m->out, " %.15g\n", value);
    return r;
}

/* ---- health ---- */

static const struct health_row {
    const char *name, *type, *unit, *help;
    const char *group, *key; /* in the answer; group NULL: at its top */
    double scale;
} health_rows[] = {
    {"pdtt_healthy", "gauge", "", "1 if pdttd finds nothing wrong.", NULL, "healthy", 1},
    {"pdtt_start_time_seconds", "gauge", "seconds", "When pdttd started.", NULL, "started_sec", 1},
    {"pdtt_ledger_accounts", "gauge", "", "Entries of the ledger in use in this interval.", "ledger", "accounts_used",
     1},
    {"pdtt_ledger_accounts_capacity", "gauge", "", "Entries that there is room for.", "ledger", "accounts_limit", 1},
    {"pdtt_kernel_memory_bytes", "gauge", "bytes", "Memory of the maps.", "ledger", "kernel_memory_mib", 1048576},
    {"pdtt_program_repairs", "counter", "", "Times that programs were attached again.", NULL, "repairs", 1},
    {"pdtt_last_drain_timestamp_seconds", "gauge", "seconds", "When an interval was booked last.", "booking",
     "last_sec", 1},
    {"pdtt_last_drain_duration_seconds", "gauge", "seconds", "How long that took.", "booking", "last_took_ms", 0.001},
    {"pdtt_booking_lag_seconds", "gauge", "seconds", "Age of what is not booked yet.", "booking", "lag_sec", 1},
    {"pdtt_booking_blocked_seconds", "gauge", "seconds", "For how long nothing could be booked.", "booking",
     "blocked_sec", 1},
    {"pdtt_intervals_booked", "counter", "", "Intervals booked since pdttd started.", "booking", "intervals", 1},
    {"pdtt_interval_seconds", "gauge", "seconds", "Length of an interval.", NULL, "interval_sec", 1},
    {"pdtt_database_size_bytes", "gauge", "bytes", "Size of the database.", "database", "bytes", 1},
    {"pdtt_database_log_size_bytes", "gauge", "bytes", "Size of its write-ahead log.", "database", "log_bytes", 1},
    {"pdtt_database_disk_free_bytes", "gauge", "bytes", "Free on its disk.", "database", "disk_free_bytes", 1},
};

static double value_of(const json_t *status, const struct health_row *row, bool *ret_known)
{
    const json_t *value = json_object_get(row->group ? json_object_get(status, row->group) : status, row->key);

    *ret_known = json_is_number(value) || json_is_boolean(value);
    return json_is_boolean(value) ? json_is_true(value) : json_number_value(value) * row->scale;
}

static int put_errors(const struct metrics *m, const json_t *status)
{
    json_t *total = json_object_get(json_object_get(status, "update_errors"), "total"), *value;
    const char *cause;
    int r = 0;

    metrics_family(m, "pdtt_update_errors", "counter", "",
                   "What the programs met, by cause: full and failing maps (overflow), lost records, missing storage.");
    json_object_foreach (total, cause, value) {
        const char *const labels[] = {"cause", cause, NULL};

        r = r == 0 ? metrics_count(m, "pdtt_update_errors", json_integer_value(value), labels) : r;
    }
    return r;
}

static int put_programs(const struct metrics *m, const json_t *status)
{
    json_t *programs = json_object_get(status, "programs"), *program;
    size_t i;
    int r = 0;

    metrics_family(m, "pdtt_program_attached", "gauge", "", "1 for each program that is attached.");
    json_array_foreach (programs, i, program) {
        const char *name = json_string_value(json_object_get(program, "program"));
        const char *layer = json_string_value(json_object_get(program, "layer"));
        const char *const labels[] = {"program", name ? name : "", "layer", layer ? layer : "", NULL};

        if (r == 0)
            r = metrics_gauge(m, "pdtt_program_attached", json_is_true(json_object_get(program, "on")), labels);
    }
    return r;
}

int metrics_put_health(const struct metrics *m, const json_t *status)
{
    int r;

    metrics_family(m, "pdtt_up", "gauge", "", "1 if pdttd answers.");
    r = metrics_gauge(m, "pdtt_up", status != NULL, NULL);
    for (size_t i = 0; r == 0 && status && i < array_length(health_rows); i++) {
        const struct health_row *row = &health_rows[i];
        bool known;
        double value = value_of(status, row, &known);

        if (!known)
            continue;
        metrics_family(m, row->name, row->type, row->unit, row->help);
        if (*suffix_of(row->type))
            r = metrics_count(m, row->name, (int64_t)value, NULL);
        else
            r = metrics_gauge(m, row->name, value, NULL);
    }
    if (r == 0 && status)
        r = put_errors(m, status);
    return r == 0 && status ? put_programs(m, status) : r;
}

void metrics_end(const struct metrics *m)
{
    if (m->openmetrics)
        fputs("# EOF\n", m->out);
}
