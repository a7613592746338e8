/* The columns of a report: one row of a table gives each its JSON key, CSV header, table heading and sort order. */
#pragma once

#include "report/rows.h"

/* Dimensions beside those of enum store_dim: the period of a row, and the host that all rows are of. */
#define FIELD_PERIOD (1u << 16)
#define FIELD_HOST   (1u << 17)
/* Not a dimension but another kind of report, whose fields are those of struct allocation_use and the period. */
#define FIELD_ALLOCATION (1u << 18)
/* A report of one connection in each row, with the fields of struct connection_use beside those of its dimensions. */
#define FIELD_CONNECTION (1u << 19)
/* Another kind of report again: the fields of struct audit_line beside the counters. */
#define FIELD_AUDIT (1u << 20)

/* And another: what each policy let pass (tx of the row), dropped (rx) and both together. */
#define FIELD_POLICY (1u << 23)
/* And two more: the fields of struct sample_use, and those of struct source_use. */
#define FIELD_SAMPLE (1u << 21)
#define FIELD_SOURCE (1u << 22)
/* Fields that no report of the ledger or of connections has. */
#define FIELD_OTHER_REPORTS (FIELD_ALLOCATION | FIELD_AUDIT | FIELD_SAMPLE | FIELD_SOURCE)
/* Reports without the ledger's counters. */
#define FIELD_NO_COUNTERS (FIELD_ALLOCATION | FIELD_SAMPLE | FIELD_SOURCE)

/* Of FIELD_BYTES and FIELD_PACKETS: there is no such number. */
#define FIELD_NO_BYTES INT64_MIN

enum field_kind {
    FIELD_TEXT,   /* const char *, may be NULL */
    FIELD_NUMBER, /* an id or a time; -1 where there is none */
    FIELD_FAMILY, /* 4, 6 or 0 */
    FIELD_BYTES,
    FIELD_PACKETS,
    FIELD_PERCENT, /* hundredths of it; -1 where there is none */
    FIELD_MS,      /* a length of time in milliseconds */
    FIELD_US,      /* the same in microseconds; -1 where there is none */
};

/* When a table for people shows the column; machine formats have them all but those for people only. */
enum field_view { FIELD_HIDDEN, FIELD_ALWAYS, FIELD_WIRE, FIELD_PAYLOAD, FIELD_PEOPLE };

struct field {
    const char *key;     /* JSON and CSV; part of the contract with scripts */
    const char *heading; /* in a table */
    unsigned dim;        /* shown only when the report is --by it; 0: a counter, always there */
    enum field_kind kind;
    enum field_view view;
    size_t offset; /* in struct row, or with FIELD_ALLOCATION and FIELD_CONNECTION in what they have of their own */
};

extern const struct field fields[];
extern const size_t n_fields;

/* The field is part of a report --by these dimensions. */
bool field_is_in(const struct field *field, unsigned by);

/* The same for machines. */
bool field_is_in_data(const struct field *field, unsigned by);

/* There is no value: the family of the overflow account, the user of a row of others. Shown as null, an empty cell or
 * "-". */
bool field_is_none(const struct field *field, const struct row *row);

/* It is a name of what is counted, not a number to be lined up. */
bool field_is_label(const struct field *field);

const char *field_text(const struct field *field, const struct row *row); /* FIELD_TEXT only */
int64_t field_number(const struct field *field, const struct row *row);   /* all other kinds */

/* The field that --sort calls name ("total", "tx", "user", or a key), NULL if none. With payload tx and rx are payload.
 */
const struct field *field_for_sort(const char *name, bool payload);

/* "total, tx, rx, …": what field_for_sort() knows, for a complaint. Static text. */
const char *field_sort_names(void);
