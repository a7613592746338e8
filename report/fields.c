#include "report/fields.h"

#include "common/cleanup.h"
#include "sql/store_ask.h"

#include <string.h>

#define AT(member)     offsetof(struct row, member)
#define USE(member)    offsetof(struct allocation_use, member)
#define OF(member)     offsetof(struct connection_use, member)
#define LINE(member)   offsetof(struct audit_line, member)
#define SAMPLE(member) offsetof(struct sample_use, member)
#define SOURCE(member) offsetof(struct source_use, member)

const struct field fields[] = {
    {"section", "SECTION", FIELD_AUDIT, FIELD_TEXT, FIELD_ALWAYS, LINE(section)},
    {"interface", "INTERFACE", FIELD_AUDIT, FIELD_TEXT, FIELD_ALWAYS, LINE(source)},
    {"what", "WHAT", FIELD_AUDIT, FIELD_TEXT, FIELD_ALWAYS, LINE(what)},
    {"subject", "TYPE", FIELD_ALLOCATION, FIELD_TEXT, FIELD_ALWAYS, USE(subject)},
    {"name", "NAME", FIELD_ALLOCATION, FIELD_TEXT, FIELD_ALWAYS, USE(name)},
    {"period", "PERIOD", FIELD_PERIOD, FIELD_TEXT, FIELD_ALWAYS, AT(period)},
    {"since", NULL, FIELD_PERIOD, FIELD_NUMBER, FIELD_HIDDEN, AT(since_sec)},
    {"until", NULL, FIELD_PERIOD, FIELD_NUMBER, FIELD_HIDDEN, AT(until_sec)},
    {"host", "HOST", FIELD_HOST, FIELD_TEXT, FIELD_ALWAYS, AT(host)},
    {"user", "USER", STORE_BY_USER, FIELD_TEXT, FIELD_ALWAYS, AT(user)},
    {"uid", NULL, STORE_BY_USER, FIELD_NUMBER, FIELD_HIDDEN, AT(uid)},
    {"project", "PROJECT", STORE_BY_PROJECT, FIELD_TEXT, FIELD_ALWAYS, AT(project)},
    {"unit", "UNIT", STORE_BY_UNIT, FIELD_TEXT, FIELD_ALWAYS, AT(unit)},
    {"process", "PROCESS", STORE_BY_PROCESS, FIELD_TEXT, FIELD_ALWAYS, AT(process)},
    {"pid", "PID", FIELD_CONNECTION, FIELD_NUMBER, FIELD_ALWAYS, OF(pid)},
    {"cgroup", NULL, FIELD_CONNECTION, FIELD_TEXT, FIELD_HIDDEN, OF(cgroup)},
    {"remote", "REMOTE", STORE_BY_REMOTE, FIELD_TEXT, FIELD_ALWAYS, AT(remote)},
    {"class", "CLASS", STORE_BY_CLASS, FIELD_TEXT, FIELD_ALWAYS, AT(class_name)},
    {"protocol", "PROTOCOL", STORE_BY_PROTOCOL, FIELD_TEXT, FIELD_ALWAYS, AT(protocol)},
    {"family", "FAMILY", STORE_BY_FAMILY, FIELD_FAMILY, FIELD_ALWAYS, AT(family)},
    {"initiative", "DIR", FIELD_CONNECTION, FIELD_TEXT, FIELD_ALWAYS, OF(initiative)},
    {"local_end", "LOCAL", FIELD_CONNECTION, FIELD_TEXT, FIELD_PEOPLE, OF(local)},
    {"local_address", NULL, FIELD_CONNECTION, FIELD_TEXT, FIELD_HIDDEN, OF(local_address)},
    {"local_port", NULL, FIELD_CONNECTION, FIELD_NUMBER, FIELD_HIDDEN, OF(local_port)},
    {"remote_end", "REMOTE", FIELD_CONNECTION, FIELD_TEXT, FIELD_PEOPLE, OF(remote)},
    {"remote_address", NULL, FIELD_CONNECTION, FIELD_TEXT, FIELD_HIDDEN, OF(remote_address)},
    {"remote_port", NULL, FIELD_CONNECTION, FIELD_NUMBER, FIELD_HIDDEN, OF(remote_port)},
    {"started", "START", FIELD_CONNECTION, FIELD_TEXT, FIELD_PEOPLE, OF(started)},
    {"start", NULL, FIELD_CONNECTION, FIELD_NUMBER, FIELD_HIDDEN, OF(start_sec)},
    {"end", NULL, FIELD_CONNECTION, FIELD_NUMBER, FIELD_HIDDEN, OF(end_sec)},
    {"duration_ms", "DURATION", FIELD_CONNECTION, FIELD_MS, FIELD_ALWAYS, OF(duration_ms)},
    {"policy", "POLICY", FIELD_POLICY, FIELD_TEXT, FIELD_ALWAYS, AT(policy)},
    {"packets_passed", "PASSED PACKETS", FIELD_POLICY, FIELD_PACKETS, FIELD_ALWAYS, AT(n.tx_packets)},
    {"packets_dropped", "DROPPED PACKETS", FIELD_POLICY, FIELD_PACKETS, FIELD_ALWAYS, AT(n.rx_packets)},
    {"bytes_passed", "PASSED", FIELD_POLICY, FIELD_BYTES, FIELD_ALWAYS, AT(n.tx_bytes)},
    {"bytes_dropped", "DROPPED", FIELD_POLICY, FIELD_BYTES, FIELD_ALWAYS, AT(n.rx_bytes)},
    {"tx_bytes", "TX", 0, FIELD_BYTES, FIELD_WIRE, AT(n.tx_bytes)},
    {"rx_bytes", "RX", 0, FIELD_BYTES, FIELD_WIRE, AT(n.rx_bytes)},
    {"tx_packets", "TX PACKETS", 0, FIELD_PACKETS, FIELD_WIRE, AT(n.tx_packets)},
    {"rx_packets", "RX PACKETS", 0, FIELD_PACKETS, FIELD_WIRE, AT(n.rx_packets)},
    {"tx_payload_bytes", "TX PAYLOAD", 0, FIELD_BYTES, FIELD_PAYLOAD, AT(n.tx_payload_bytes)},
    {"rx_payload_bytes", "RX PAYLOAD", 0, FIELD_BYTES, FIELD_PAYLOAD, AT(n.rx_payload_bytes)},
    {"total_bytes", "TOTAL", 0, FIELD_BYTES, FIELD_ALWAYS, AT(total_bytes)},
    {"retransmits", "RETRANS", FIELD_CONNECTION, FIELD_PACKETS, FIELD_ALWAYS, OF(retransmits)},
    {"srtt_us", "SRTT", FIELD_CONNECTION, FIELD_US, FIELD_ALWAYS, OF(srtt_us)},
    {"ended", "ENDED", FIELD_CONNECTION, FIELD_TEXT, FIELD_ALWAYS, OF(ended)},
    {"every", NULL, FIELD_ALLOCATION, FIELD_TEXT, FIELD_HIDDEN, USE(every)},
    {"direction", NULL, FIELD_ALLOCATION, FIELD_TEXT, FIELD_HIDDEN, USE(direction)},
    {"classes", NULL, FIELD_ALLOCATION, FIELD_TEXT, FIELD_HIDDEN, USE(classes)},
    {"counts", "COUNTS", FIELD_ALLOCATION, FIELD_TEXT, FIELD_ALWAYS, USE(counts)},
    {"limit_bytes", "LIMIT", FIELD_ALLOCATION, FIELD_BYTES, FIELD_ALWAYS, USE(limit_bytes)},
    {"used_bytes", "USED", FIELD_ALLOCATION, FIELD_BYTES, FIELD_ALWAYS, USE(used_bytes)},
    {"used_percent", "%", FIELD_ALLOCATION, FIELD_PERCENT, FIELD_ALWAYS, USE(used_hundredths)},
    {"remaining_bytes", "REMAINING", FIELD_ALLOCATION, FIELD_BYTES, FIELD_ALWAYS, USE(remaining_bytes)},
    {"state", "STATE", FIELD_ALLOCATION, FIELD_TEXT, FIELD_ALWAYS, USE(state)},
    {"forecast_bytes", "FORECAST", FIELD_ALLOCATION, FIELD_BYTES, FIELD_ALWAYS, USE(forecast_bytes)},
    {"forecast_basis", "BASIS", FIELD_ALLOCATION, FIELD_TEXT, FIELD_ALWAYS, USE(basis)},
    {"percent", "%", FIELD_AUDIT, FIELD_PERCENT, FIELD_ALWAYS, LINE(hundredths)},
    {"count", "COUNT", FIELD_AUDIT, FIELD_NUMBER, FIELD_ALWAYS, LINE(count)},
    {"meaning", NULL, FIELD_AUDIT, FIELD_TEXT, FIELD_HIDDEN, LINE(meaning)},
    {"time", "TIME", FIELD_SAMPLE, FIELD_TEXT, FIELD_PEOPLE, SAMPLE(time)},
    {"time_ns", NULL, FIELD_SAMPLE, FIELD_NUMBER, FIELD_HIDDEN, SAMPLE(time_ns)},
    {"interface", "INTERFACE", FIELD_SAMPLE, FIELD_TEXT, FIELD_ALWAYS, SAMPLE(interface)},
    {"direction", "DIR", FIELD_SAMPLE, FIELD_TEXT, FIELD_ALWAYS, SAMPLE(direction)},
    {"kind", NULL, FIELD_SAMPLE, FIELD_TEXT, FIELD_HIDDEN, SAMPLE(kind)},
    {"user", "USER", FIELD_SAMPLE, FIELD_TEXT, FIELD_ALWAYS, SAMPLE(user)},
    {"uid", NULL, FIELD_SAMPLE, FIELD_NUMBER, FIELD_HIDDEN, SAMPLE(uid)},
    {"gid", NULL, FIELD_SAMPLE, FIELD_NUMBER, FIELD_HIDDEN, SAMPLE(gid)},
    {"protocol", "PROTOCOL", FIELD_SAMPLE, FIELD_TEXT, FIELD_ALWAYS, SAMPLE(protocol)},
    {"family", NULL, FIELD_SAMPLE, FIELD_FAMILY, FIELD_HIDDEN, SAMPLE(family)},
    {"source_end", "SOURCE", FIELD_SAMPLE, FIELD_TEXT, FIELD_PEOPLE, SAMPLE(source_end)},
    {"source", NULL, FIELD_SAMPLE, FIELD_TEXT, FIELD_HIDDEN, SAMPLE(source)},
    {"source_port", NULL, FIELD_SAMPLE, FIELD_NUMBER, FIELD_HIDDEN, SAMPLE(source_port)},
    {"destination_end", "DESTINATION", FIELD_SAMPLE, FIELD_TEXT, FIELD_PEOPLE, SAMPLE(destination_end)},
    {"destination", NULL, FIELD_SAMPLE, FIELD_TEXT, FIELD_HIDDEN, SAMPLE(destination)},
    {"destination_port", NULL, FIELD_SAMPLE, FIELD_NUMBER, FIELD_HIDDEN, SAMPLE(destination_port)},
    {"length", "LENGTH", FIELD_SAMPLE, FIELD_PACKETS, FIELD_ALWAYS, SAMPLE(length)},
    {"segments", NULL, FIELD_SAMPLE, FIELD_PACKETS, FIELD_HIDDEN, SAMPLE(segments)},
    {"seq_num", "SEQ", FIELD_SAMPLE, FIELD_PACKETS, FIELD_ALWAYS, SAMPLE(seq_num)},
    {"ack_num", "ACK", FIELD_SAMPLE, FIELD_PACKETS, FIELD_ALWAYS, SAMPLE(ack_num)},
    {"tcp_flags", NULL, FIELD_SAMPLE, FIELD_PACKETS, FIELD_HIDDEN, SAMPLE(tcp_flags)},
    {"flags", "FLAGS", FIELD_SAMPLE, FIELD_TEXT, FIELD_PEOPLE, SAMPLE(flags)},
    {"head", NULL, FIELD_SAMPLE, FIELD_TEXT, FIELD_HIDDEN, SAMPLE(head)},
    {"source", "SOURCE", FIELD_SOURCE, FIELD_TEXT, FIELD_ALWAYS, SOURCE(address)},
    {"drawn", "DRAWN", FIELD_SOURCE, FIELD_PACKETS, FIELD_ALWAYS, SOURCE(drawn)},
    {"packets", "PACKETS", FIELD_SOURCE, FIELD_PACKETS, FIELD_ALWAYS, SOURCE(packets)},
    {"packets_low", "95% FROM", FIELD_SOURCE, FIELD_PACKETS, FIELD_ALWAYS, SOURCE(packets_low)},
    {"packets_high", "TO", FIELD_SOURCE, FIELD_PACKETS, FIELD_ALWAYS, SOURCE(packets_high)},
    {"bytes", "BYTES", FIELD_SOURCE, FIELD_BYTES, FIELD_ALWAYS, SOURCE(bytes)},
    {"bytes_low", "95% FROM", FIELD_SOURCE, FIELD_BYTES, FIELD_ALWAYS, SOURCE(bytes_low)},
    {"bytes_high", "TO", FIELD_SOURCE, FIELD_BYTES, FIELD_ALWAYS, SOURCE(bytes_high)},
};
const size_t n_fields = array_length(fields);

/* Shorter words for --sort. */
static const struct {
    const char *word, *key, *payload_key;
} aliases[] = {
    {"total", "total_bytes", "total_bytes"},    {"tx", "tx_bytes", "tx_payload_bytes"},
    {"rx", "rx_bytes", "rx_payload_bytes"},     {"proto", "protocol", "protocol"},
    {"duration", "duration_ms", "duration_ms"}, {"srtt", "srtt_us", "srtt_us"},
};

bool field_is_in(const struct field *field, unsigned by)
{
    if (by & FIELD_POLICY && field->dim == 0)
        return field->offset == AT(total_bytes);
    return field->dim & by || (field->dim == 0 && !(by & FIELD_NO_COUNTERS));
}

bool field_is_in_data(const struct field *field, unsigned by)
{
    return field_is_in(field, by) && field->view != FIELD_PEOPLE;
}

bool field_is_label(const struct field *field)
{
    return field->kind == FIELD_TEXT || field->kind == FIELD_NUMBER || field->kind == FIELD_FAMILY;
}

bool field_is_none(const struct field *field, const struct row *row)
{
    if (field->dim == FIELD_CONNECTION && !row->connection)
        return true;
    switch (field->kind) {
    case FIELD_TEXT:
        return !field_text(field, row);
    case FIELD_FAMILY:
        return field_number(field, row) <= 0;
    case FIELD_NUMBER:
        /* -1 is also the uid of unattributed bytes, which is a value. */
        return field_number(field, row) == -1 && (field->dim != STORE_BY_USER || !row->user);
    case FIELD_PERCENT:
    case FIELD_US:
        return field_number(field, row) < 0;
    case FIELD_BYTES:
    case FIELD_PACKETS:
        return field_number(field, row) == FIELD_NO_BYTES;
    default:
        return false;
    }
}

/* Where the value is. */
static const void *place_of(const struct field *field, const struct row *row)
{
    static const struct connection_use none = {.pid = -1, .start_sec = -1, .end_sec = -1};
    const void *place = row;

    if (field->dim == FIELD_ALLOCATION)
        place = row->use;
    else if (field->dim == FIELD_AUDIT)
        place = row->audit;
    else if (field->dim == FIELD_SAMPLE)
        place = row->sample;
    else if (field->dim == FIELD_SOURCE)
        place = row->source;
    else if (field->dim == FIELD_CONNECTION)
        place = row->connection ? row->connection : &none;
    return (const char *)place + field->offset;
}

const char *field_text(const struct field *field, const struct row *row)
{
    return *(const char *const *)place_of(field, row);
}

int64_t field_number(const struct field *field, const struct row *row)
{
    return *(const int64_t *)place_of(field, row);
}

const struct field *field_for_sort(const char *name, bool payload)
{
    for (size_t i = 0; i < array_length(aliases); i++)
        if (strcmp(name, aliases[i].word) == 0)
            name = payload ? aliases[i].payload_key : aliases[i].key;
    for (size_t i = 0; i < n_fields; i++)
        if (!(fields[i].dim & FIELD_OTHER_REPORTS) && fields[i].view != FIELD_PEOPLE &&
            strcmp(name, fields[i].key) == 0)
            return &fields[i];
    return NULL;
}

const char *field_sort_names(void)
{
    return "total, tx, rx, tx_packets, rx_packets, tx_payload_bytes, rx_payload_bytes, period, host, user, uid, "
           "project, unit, process, remote, class, protocol, family; of policies policy, packets_passed, "
           "packets_dropped, bytes_passed, bytes_dropped; of connections also start, duration, retransmits, "
           "srtt, remote_address";
}
