/*
 * The text log that sites know from before:
 *
 *   === Network Statistics Report [2025-10-27 14:30:00] ===
 *   UID: 1000 | Username: user
 *     TX: 2048 bytes (15 packets)
 *     RX: 4096 bytes (20 packets)
 *     Total: 6144 bytes (35 packets)
 *   ---
 *
 * with the end of the period as its time. Other dimensions follow in the first line of a row. Connections are told like
 * this, the one who connected being the source:
 *
 *   === Per-Connection Statistics [2025-01-15 10:30:00] ===
 *   UID: 1000 | Username: john
 *   Process: curl (PID: 12345)
 *     Source: 192.168.1.100:54321
 *     Destination: 93.184.216.34:443
 *     TX: 2048 bytes (20 packets)
 *     RX: 5240832 bytes (3600 packets)
 *     Total: 5242880 bytes (3620 packets)
 *   ---
 */
#include "report/output.h"

#include "common/capped.h"
#include "common/cleanup.h"
#include "common/escape.h"

#include <inttypes.h>
#include <string.h>

/* In their order; period and host change least. */
static const struct {
    const char *key, *label;
} labels[] = {
    {"host", "Host"},       {"period", "Period"},     {"uid", "UID"},
    {"user", "Username"},   {"project", "Project"},   {"unit", "Unit"},
    {"class", "Class"},     {"protocol", "Protocol"}, {"family", "Family"},
    {"process", "Process"}, {"remote", "Remote"},     {"name", NULL},
    {"counts", "Counts"},   {"section", "Section"},   {"interface", "Interface"},
    {"what", "What"},       {"policy", "Policy"},
};

static int log_begin(struct output_job *job)
{
    struct calendar_time t;

    calendar_civil(job->head->cal, job->head->effective.until_sec, &t);
    fprintf(job->out, "=== %s [%04d-%02d-%02d %02d:%02d:%02d] ===\n",
            job->head->by & FIELD_CONNECTION ? "Per-Connection Statistics" : "Network Statistics Report", t.year,
            t.month, t.day, t.hour, t.minute, t.second);
    return 0;
}

static const struct field *field_of(const char *key)
{
    for (size_t i = 0; i < n_fields; i++)
        if (strcmp(fields[i].key, key) == 0)
            return &fields[i];
    return NULL;
}

/* "UID: 1000 | Username: user"; a row of others has only what they share. */
static int put_labels(struct output_job *job, const struct row *row)
{
    const char *separator = "";
    char others[32];

    for (size_t i = 0; i < array_length(labels); i++) {
        const struct field *field = field_of(labels[i].key);
        cleanup_free char *text = NULL;

        if (!field || !field_is_in(field, job->head->by) || field_is_none(field, row) ||
            (row->connection && field->dim == STORE_BY_PROCESS))
            continue;
        text = output_cell_text(job->head, field, row);
        if (!text)
            return -ENOMEM;
        fprintf(job->out, "%s%s: %s", separator, labels[i].label ? labels[i].label : row->use->subject, text);
        separator = " | ";
    }
    if (row->n_others)
        fprintf(job->out, "%s%s", separator, output_others_label(row, others));
    fputc('\n', job->out);
    return 0;
}

/* In payload there are no packets: those of the wire carry more than it. */
static void put_usage(FILE *out, const struct row *row, bool payload)
{
    const struct store_counters *n = &row->n;

    if (payload) {
        fprintf(out, "  TX: %" PRId64 " payload bytes\n  RX: %" PRId64 " payload bytes\n", n->tx_payload_bytes,
                n->rx_payload_bytes);
        fprintf(out, "  Total: %" PRId64 " payload bytes\n", row->total_bytes);
        return;
    }
    fprintf(out, "  TX: %" PRId64 " bytes (%" PRId64 " packets)\n", n->tx_bytes, n->tx_packets);
    fprintf(out, "  RX: %" PRId64 " bytes (%" PRId64 " packets)\n", n->rx_bytes, n->rx_packets);
    fprintf(out, "  Total: %" PRId64 " bytes (%" PRId64 " packets)\n", row->total_bytes,
            add_capped(n->tx_packets, n->rx_packets));
}

static void put_policy(FILE *out, const struct row *row)
{
    const struct store_counters *n = &row->n;

    fprintf(out, "  Passed: %" PRId64 " bytes (%" PRId64 " packets)\n", n->tx_bytes, n->tx_packets);
    fprintf(out, "  Dropped: %" PRId64 " bytes (%" PRId64 " packets)\n", n->rx_bytes, n->rx_packets);
    fprintf(out, "  Total: %" PRId64 " bytes (%" PRId64 " packets)\n", row->total_bytes,
            add_capped(n->tx_packets, n->rx_packets));
}

static void put_allocation(FILE *out, const struct allocation_use *use)
{
    fprintf(out, "  Limit: %" PRId64 " bytes\n  Used: %" PRId64 " bytes", use->limit_bytes, use->used_bytes);
    if (use->used_hundredths >= 0)
        fprintf(out, " (%" PRId64 ".%02d %%)", use->used_hundredths / 100, (int)(use->used_hundredths % 100));
    fprintf(out, "\n  Remaining: %" PRId64 " bytes (%s)\n  Forecast: ", use->remaining_bytes, use->state);
    if (use->forecast_bytes == FIELD_NO_BYTES)
        fprintf(out, "none (%s)\n", use->basis);
    else
        fprintf(out, "%" PRId64 " bytes (%s)\n", use->forecast_bytes, use->basis);
}

/* The line of the process and those of the two ends; all of it is text from outside. */
static int put_connection(struct output_job *job, const struct row *row)
{
    const struct connection_use *c = row->connection;
    bool in = c->initiative && strcmp(c->initiative, "in") == 0;
    cleanup_free char *process = escape_terminal(row->process), *local = escape_terminal(c->local);
    cleanup_free char *remote = escape_terminal(c->remote), *ended = escape_terminal(c->ended ? c->ended : "open");
    cleanup_free char *duration = output_cell_text(job->head, field_of("duration_ms"), row);

    if (!process || !local || !remote || !ended || !duration)
        return -ENOMEM;
    fprintf(job->out, "Process: %s", process);
    if (c->pid >= 0)
        fprintf(job->out, " (PID: %" PRId64 ")", c->pid);
    fprintf(job->out, "\n  Source: %s\n  Destination: %s\n", in ? remote : local, in ? local : remote);
    fprintf(job->out, "  Start: %s | Duration: %s | Ended: %s\n", c->started, duration, ended);
    return 0;
}

static int put_audit(FILE *out, const struct row *row)
{
    cleanup_free char *meaning = row->audit->meaning ? escape_terminal(row->audit->meaning) : strdup("");

    if (!meaning)
        return -ENOMEM;
    if (row->audit->count >= 0)
        fprintf(out, "  Count: %" PRId64 "\n", row->audit->count);
    else if (row->n.tx_packets != FIELD_NO_BYTES)
        put_usage(out, row, false);
    else if (row->n.tx_bytes != FIELD_NO_BYTES)
        fprintf(out, "  TX: %" PRId64 " bytes\n  RX: %" PRId64 " bytes\n", row->n.tx_bytes, row->n.rx_bytes);
    if (row->audit->hundredths >= 0)
        fprintf(out, "  Share: %" PRId64 ".%02d %%\n", row->audit->hundredths / 100,
                (int)(row->audit->hundredths % 100));
    if (*meaning)
        fprintf(out, "  Meaning: %s\n", meaning);
    return 0;
}

static int put_sample(FILE *out, const struct sample_use *p)
{
    cleanup_free char *user = escape_terminal(p->user ? p->user : "-"), *interface = escape_terminal(p->interface);

    if (!user || !interface)
        return -ENOMEM;
    fprintf(out, "Time: %s | Interface: %s | Direction: %s | User: %s | Protocol: %s\n", p->time, interface,
            p->direction, user, p->protocol);
    fprintf(out, "  Source: %s\n  Destination: %s\n  Length: %" PRId64 " bytes\n", p->source_end, p->destination_end,
            p->length);
    if (p->flags)
        fprintf(out, "  Sequence: %" PRId64 " | Acknowledgment: %" PRId64 " | Flags: %s\n", p->seq_num, p->ack_num,
                p->flags);
    return 0;
}

static void put_source(FILE *out, const struct source_use *p)
{
    fprintf(out, "Source: %s | Drawn: %" PRId64 "\n", p->address, p->drawn);
    fprintf(out, "  Packets: %" PRId64 " (95 %%: %" PRId64 " to %" PRId64 ")\n", p->packets, p->packets_low,
            p->packets_high);
    fprintf(out, "  Bytes: %" PRId64 " (95 %%: %" PRId64 " to %" PRId64 ")\n", p->bytes, p->bytes_low, p->bytes_high);
}

static int log_row(struct output_job *job, const struct row *row)
{
    if (row->sample || row->source) {
        int r = row->sample ? put_sample(job->out, row->sample) : 0;

        if (row->source)
            put_source(job->out, row->source);
        fputs("---\n", job->out);
        return r;
    }
    if (put_labels(job, row) < 0)
        return -ENOMEM;
    if (row->connection && put_connection(job, row) < 0)
        return -ENOMEM;
    if (row->audit && put_audit(job->out, row) < 0)
        return -ENOMEM;
    if (row->use)
        put_allocation(job->out, row->use);
    else if (job->head->by & FIELD_POLICY)
        put_policy(job->out, row);
    else if (!row->audit)
        put_usage(job->out, row, job->head->payload);
    fputs("---\n", job->out);
    return 0;
}

static int log_end(struct output_job *job, const struct row *totals)
{
    return 0;
}

static void log_done(struct output_job *job) {}

const struct output output_log = {"log", log_begin, log_row, log_end, log_done};
