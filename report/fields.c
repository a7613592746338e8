#include "report/fields.h"

#include "common/cleanup.h"

#include <string.h>

#define AT(member) offsetof(struct row, member)

const struct field fields[] = {
    {"period", "PERIOD", FIELD_PERIOD, FIELD_TEXT, FIELD_ALWAYS, AT(period)},
    {"since", NULL, FIELD_PERIOD, FIELD_NUMBER, FIELD_HIDDEN, AT(since_sec)},
    {"until", NULL, FIELD_PERIOD, FIELD_NUMBER, FIELD_HIDDEN, AT(until_sec)},
    {"user", "USER", STORE_BY_USER, FIELD_TEXT, FIELD_ALWAYS, AT(user)},
    {"uid", NULL, STORE_BY_USER, FIELD_NUMBER, FIELD_HIDDEN, AT(uid)},
    {"project", "PROJECT", STORE_BY_PROJECT, FIELD_TEXT, FIELD_ALWAYS, AT(project)},
    {"class", "CLASS", STORE_BY_CLASS, FIELD_TEXT, FIELD_ALWAYS, AT(class_name)},
    {"protocol", "PROTOCOL", STORE_BY_PROTOCOL, FIELD_TEXT, FIELD_ALWAYS, AT(protocol)},
    {"family", "FAMILY", STORE_BY_FAMILY, FIELD_FAMILY, FIELD_ALWAYS, AT(family)},
    {"tx_bytes", "TX", 0, FIELD_BYTES, FIELD_WIRE, AT(n.tx_bytes)},
    {"rx_bytes", "RX", 0, FIELD_BYTES, FIELD_WIRE, AT(n.rx_bytes)},
    {"tx_packets", "TX PACKETS", 0, FIELD_PACKETS, FIELD_WIRE, AT(n.tx_packets)},
    {"rx_packets", "RX PACKETS", 0, FIELD_PACKETS, FIELD_WIRE, AT(n.rx_packets)},
    {"tx_payload_bytes", "TX PAYLOAD", 0, FIELD_BYTES, FIELD_PAYLOAD, AT(n.tx_payload_bytes)},
    {"rx_payload_bytes", "RX PAYLOAD", 0, FIELD_BYTES, FIELD_PAYLOAD, AT(n.rx_payload_bytes)},
    {"total_bytes", "TOTAL", 0, FIELD_BYTES, FIELD_ALWAYS, AT(total_bytes)},
};
const size_t n_fields = array_length(fields);

/* Shorter words for --sort. */
static const struct {
    const char *word, *key, *payload_key;
} aliases[] = {
    {"total", "total_bytes", "total_bytes"},
    {"tx", "tx_bytes", "tx_payload_bytes"},
    {"rx", "rx_bytes", "rx_payload_bytes"},
    {"proto", "protocol", "protocol"},
};

bool field_is_in(const struct field *field, unsigned by)
{
    return field->dim == 0 || (field->dim & by);
}

bool field_is_none(const struct field *field, const struct row *row)
{
    switch (field->kind) {
    case FIELD_TEXT:
        return !field_text(field, row);
    case FIELD_FAMILY:
        return field_number(field, row) <= 0;
    case FIELD_NUMBER:
        /* -1 is also the uid of unattributed bytes, which is a value. */
        return field_number(field, row) == -1 && (field->dim != STORE_BY_USER || !row->user);
    default:
        return false;
    }
}

const char *field_text(const struct field *field, const struct row *row)
{
    return *(const char *const *)((const char *)row + field->offset);
}

int64_t field_number(const struct field *field, const struct row *row)
{
    return *(const int64_t *)((const char *)row + field->offset);
}

const struct field *field_for_sort(const char *name, bool payload)
{
    for (size_t i = 0; i < array_length(aliases); i++)
        if (strcmp(name, aliases[i].word) == 0)
            name = payload ? aliases[i].payload_key : aliases[i].key;
    for (size_t i = 0; i < n_fields; i++)
        if (strcmp(name, fields[i].key) == 0)
            return &fields[i];
    return NULL;
}

const char *field_sort_names(void)
{
    return "total, tx, rx, tx_packets, rx_packets, tx_payload_bytes, rx_payload_bytes, period, user, uid, project, "
           "class, protocol or family";
}
