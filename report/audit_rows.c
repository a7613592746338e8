#include "common/capped.h"
#include "common/cleanup.h"
#include "report/audit_internal.h"
#include "sql/counters.h"

#include <string.h>

#define ALL_INTERFACES "(all)"
#define LINK_HEADER    14

static const struct store_counters none = {.tx_bytes = FIELD_NO_BYTES,
                                           .rx_bytes = FIELD_NO_BYTES,
                                           .tx_packets = FIELD_NO_BYTES,
                                           .rx_packets = FIELD_NO_BYTES,
                                           .tx_payload_bytes = FIELD_NO_BYTES,
                                           .rx_payload_bytes = FIELD_NO_BYTES};

/* line: the texts stay the caller's. */
static int add_line(struct audit_job *job, size_t bucket, const struct store_counters *n, struct audit_line line)
{
    const struct store_bucket *span = &job->plan.effective[bucket];
    const struct audit_words *words = audit_words_find(line.section, line.what);
    struct audit_line *copy = malloc(sizeof(*copy)), **v;
    struct row row = {
        .bucket = bucket,
        .period = job->plan.labels ? job->plan.labels[bucket] : NULL,
        .since_sec = span->start_sec,
        .until_sec = span->end_sec,
        .uid = -1,
        .family = -1,
        .n = n ? *n : none,
        .total_bytes = n ? add_capped(n->tx_bytes, n->rx_bytes) : FIELD_NO_BYTES,
        .audit = copy,
    };

    v = copy ? reallocarray(job->lines, job->n_lines + 1, sizeof(*v)) : NULL;
    if (!v) {
        free(copy);
        return -ENOMEM;
    }
    if (!line.meaning && words)
        line.meaning = words->meaning;
    *copy = line;
    job->lines = v;
    v[job->n_lines++] = copy;
    return rows_add(&job->rows, &row);
}

static struct audit_line line_of(const char *section, const char *what, const char *source, int64_t hundredths)
{
    return (struct audit_line){
        .section = section, .what = what, .source = source, .hundredths = hundredths, .count = -1};
}

/* Of bytes in both directions; -1: of nothing there is no share. */
static int64_t share(const struct store_counters *part, const struct store_counters *whole)
{
    int64_t bytes = add_capped(part->tx_bytes, part->rx_bytes), all = add_capped(whole->tx_bytes, whole->rx_bytes);

    return all > 0 ? share_capped(bytes, all) : -1;
}

static bool is_kernel(const struct audit_sum *sum)
{
    return strcmp(sum->kind, "kernel") == 0;
}

/* What an interface carried, by the layer and by the kernel; source NULL: all of them. */
static void sum_up(const struct audit_job *job, size_t bucket, const char *source, struct store_counters *ret_kernel,
                   struct store_counters *ret_carried)
{
    *ret_kernel = *ret_carried = (struct store_counters){0};
    for (size_t i = 0; i < job->n_sums; i++) {
        const struct audit_sum *sum = &job->sums[i];

        if (sum->bucket == bucket && !sum->programs && (!source || strcmp(sum->source, source) == 0))
            counters_add(is_kernel(sum) ? ret_kernel : ret_carried, &sum->n);
    }
}

static int add_interface(struct audit_job *job, size_t bucket, const char *source)
{
    static const char *const kinds[] = {"socket",        "other_namespace", "forwarded", "time_wait",
                                        "packet_socket", "not_ip",          "icmp",      "fragment",
                                        "no_socket",     "malformed",       "blocked"};
    struct store_counters kernel, carried, headers, difference;
    int r;

    sum_up(job, bucket, source, &kernel, &carried);
    headers = (struct store_counters){.tx_bytes = multiply_capped(LINK_HEADER, kernel.tx_packets),
                                      .rx_bytes = multiply_capped(LINK_HEADER, kernel.rx_packets)};
    difference = kernel;
    counters_subtract(&difference, &carried);
    counters_subtract(&difference, &headers);
    r = add_line(job, bucket, &kernel, line_of(AUDIT_INTERFACES, "kernel", source, -1));
    if (r == 0)
        r = add_line(job, bucket, &headers, line_of(AUDIT_INTERFACES, "layer2", source, -1));
    if (r == 0)
        r = add_line(job, bucket, &difference, line_of(AUDIT_INTERFACES, "difference", source, -1));
    if (r == 0)
        r = add_line(job, bucket, &carried, line_of(AUDIT_INTERFACES, "carried", source, -1));
    for (size_t i = 0; i < array_length(kinds) && r == 0; i++) {
        const struct audit_sum *sum = audit_find_sum(job, bucket, source, kinds[i]);

        if (sum)
            r = add_line(job, bucket, &sum->n, line_of(AUDIT_INTERFACES, kinds[i], source, share(&sum->n, &carried)));
    }
    return r;
}

/* Each interface once, in the order in which the store told of them. */
static bool is_first_of_source(const struct audit_job *job, size_t index)
{
    const struct audit_sum *sum = &job->sums[index];

    for (size_t i = 0; i < index; i++)
        if (job->sums[i].bucket == sum->bucket && strcmp(job->sums[i].source, sum->source) == 0)
            return false;
    return !sum->programs;
}

static int add_interfaces(struct audit_job *job, size_t bucket)
{
    int r = 0;

    for (size_t i = 0; i < job->n_sums && r == 0; i++)
        if (job->sums[i].bucket == bucket && is_first_of_source(job, i))
            r = add_interface(job, bucket, job->sums[i].source);
    return r;
}

static int add_ledger(struct audit_job *job, size_t bucket)
{
    const struct audit_booked *b = &job->booked[bucket];
    struct store_counters payload = none;
    int r = add_line(job, bucket, &b->wire, line_of(AUDIT_LEDGER, "wire", NULL, -1));

    payload.tx_bytes = b->wire.tx_payload_bytes;
    payload.rx_bytes = b->wire.rx_payload_bytes;
    if (r == 0)
        r = add_line(job, bucket, &b->loopback, line_of(AUDIT_LEDGER, "loopback", NULL, -1));
    if (r == 0)
        r = add_line(job, bucket, &payload, line_of(AUDIT_LEDGER, "payload", NULL, share(&payload, &b->wire)));
    if (r == 0)
        r = add_line(job, bucket, &b->unattributed, line_of(AUDIT_LEDGER, "unattributed", NULL, -1));
    return r == 0 ? add_line(job, bucket, &b->overflow, line_of(AUDIT_LEDGER, "overflow", NULL, -1)) : r;
}

static int add_compared(struct audit_job *job, size_t bucket)
{
    const struct audit_booked *b = &job->booked[bucket];
    struct store_counters kernel, carried, attributed = b->wire, not_booked, sockets = {0};
    int r;

    sum_up(job, bucket, NULL, &kernel, &carried);
    if (!carried.tx_packets && !carried.rx_packets) /* the layer was off: there is nothing to compare with */
        return 0;
    counters_subtract(&attributed, &b->unattributed);
    counters_subtract(&attributed, &b->overflow);
    not_booked = carried;
    counters_subtract(&not_booked, &b->wire);
    for (size_t i = 0; i < job->n_sums; i++)
        if (job->sums[i].bucket == bucket && !job->sums[i].programs &&
            (strcmp(job->sums[i].kind, "socket") == 0 || strcmp(job->sums[i].kind, "other_namespace") == 0))
            counters_add(&sockets, &job->sums[i].n);
    counters_subtract(&sockets, &b->wire);
    r = add_line(job, bucket, &attributed,
                 line_of(AUDIT_COMPARED, "attributed", ALL_INTERFACES, share(&attributed, &carried)));
    if (r == 0)
        r = add_line(job, bucket, &not_booked,
                     line_of(AUDIT_COMPARED, "not_booked", ALL_INTERFACES, share(&not_booked, &carried)));
    return r == 0 ? add_line(job, bucket, &sockets,
                             line_of(AUDIT_COMPARED, "socket_less_wire", ALL_INTERFACES, share(&sockets, &carried)))
                  : r;
}

static int add_causes(struct audit_job *job, size_t bucket)
{
    int r = 0;

    for (size_t i = 0; i < job->n_sums && r == 0; i++) {
        struct audit_line line = line_of(AUDIT_CAUSES, job->sums[i].kind, NULL, -1);

        line.count = job->sums[i].n.rx_packets;
        if (job->sums[i].bucket == bucket && job->sums[i].programs)
            r = add_line(job, bucket, NULL, line);
    }
    return r;
}

/* They hold for all of the time, so they stand once, with its last period. */
static int add_layers(struct audit_job *job, size_t bucket)
{
    int r = 0;

    for (size_t i = 0; i < job->n_layers && r == 0; i++) {
        struct audit_line line = line_of(AUDIT_LAYERS, job->layers[i].name, NULL, -1);

        line.meaning = job->layers[i].text;
        r = add_line(job, bucket, NULL, line);
    }
    return r;
}

int audit_add_rows(struct audit_job *job)
{
    size_t n = job->plan.n_buckets;
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++) {
        const struct store_bucket *span = &job->plan.effective[i];

        if (n > 1 && (span->end_sec <= job->stored.first_sec || span->start_sec >= job->stored.last_sec))
            continue;
        r = add_interfaces(job, i);
        if (r == 0)
            r = add_ledger(job, i);
        if (r == 0)
            r = add_compared(job, i);
        if (r == 0)
            r = add_causes(job, i);
    }
    return r == 0 && n > 0 ? add_layers(job, n - 1) : r;
}
