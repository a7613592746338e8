/* The columns of a report: one row of a table gives each its JSON key, CSV header, table heading and sort order. */
#pragma once

#include "report/rows.h"

/* A dimension beside those of enum store_dim: the period of a row. */
#define FIELD_PERIOD (1u << 16)

enum field_kind {
    FIELD_TEXT,   /* const char *, may be NULL */
    FIELD_NUMBER, /* an id or a time; -1 where there is none */
    FIELD_FAMILY, /* 4, 6 or 0 */
    FIELD_BYTES,
    FIELD_PACKETS,
};

/* When a table for people shows the column; machine formats have them all. */
enum field_view { FIELD_HIDDEN, FIELD_ALWAYS, FIELD_WIRE, FIELD_PAYLOAD };

struct field {
    const char *key;     /* JSON and CSV; part of the contract with scripts */
    const char *heading; /* in a table */
    unsigned dim;        /* shown only when the report is --by it; 0: a counter, always there */
    enum field_kind kind;
    enum field_view view;
    size_t offset; /* in struct row */
};

extern const struct field fields[];
extern const size_t n_fields;

/* The field is part of a report --by these dimensions. */
bool field_is_in(const struct field *field, unsigned by);

/* There is no value: the family of the overflow account, the user of a row of others. Shown as null, an empty cell or
 * "-". */
bool field_is_none(const struct field *field, const struct row *row);

const char *field_text(const struct field *field, const struct row *row); /* FIELD_TEXT only */
int64_t field_number(const struct field *field, const struct row *row);   /* all other kinds */

/* The field that --sort calls name ("total", "tx", "user", or a key), NULL if none. With payload tx and rx are payload.
 */
const struct field *field_for_sort(const char *name, bool payload);

/* "total, tx, rx, …": what field_for_sort() knows, for a complaint. Static text. */
const char *field_sort_names(void);
