/*
 * Prepared statements as a table: one row holds the text and the names of its parameters, in the order in which callers
 * give values. A name that the text lacks, or a parameter without a name here, fails when the statement is prepared.
 */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cleanup.h"

struct store;

enum statement_id {
    STATEMENT_BEGIN_WRITE,
    STATEMENT_BEGIN_READ,
    STATEMENT_COMMIT,
    STATEMENT_ROLLBACK,
    STATEMENT_META_GET,
    STATEMENT_LEDGER_ADVANCE,
    STATEMENT_LEDGER_LAST,
    STATEMENT_INTERVAL_INSERT,
    STATEMENT_USAGE_INSERT,
    STATEMENT_ACCOUNT_FIND,
    STATEMENT_ACCOUNT_INSERT,
    STATEMENT_USER_AT,
    STATEMENT_USER_LATEST,
    STATEMENT_USER_INSERT,
    STATEMENT_USER_NAME,
    STATEMENT_USER_SEEN,
    STATEMENT_PROJECT_AT,
    STATEMENT_PROJECT_LATEST,
    STATEMENT_PROJECT_INSERT,
    STATEMENT_PROJECT_NAME,
    STATEMENT_PROJECT_SEEN,
    STATEMENT_PROJECT_OF_RULE,
    STATEMENT_NEWEST_NAME,
    STATEMENT_CLASS_FIND,
    STATEMENT_CLASS_INSERT,
    STATEMENT_CLASS_RESTORE,
    STATEMENT_UNIT_RESERVE,
    STATEMENT_LAYER_LATEST,
    STATEMENT_LAYER_INSERT,
    STATEMENT_LAYER_SEEN,
    STATEMENT_GAP_PROLONG,
    STATEMENT_GAP_INSERT,
    STATEMENT_GAP_LIST,
    STATEMENT_UNIT_FIND,
    STATEMENT_UNIT_INSERT,
    STATEMENT_UNIT_PATH,
    STATEMENT_ALLOCATION_CLEAR,
    STATEMENT_ALLOCATION_CLASS_CLEAR,
    STATEMENT_ALLOCATION_INSERT,
    STATEMENT_ALLOCATION_CLASS_INSERT,
    STATEMENT_ALLOCATION_LIST,
    STATEMENT_ALLOCATION_CLASS_LIST,
    STATEMENT_ZONE_LATEST,
    STATEMENT_ZONE_INSERT,
    STATEMENT_ZONE_CUT_AT,
    STATEMENT_ZONE_CUT,
    STATEMENT_BUCKET_AT,
    STATEMENT_BUCKET_AFTER,
    STATEMENT_BUCKET_INSERT,
    STATEMENT_BUCKET_SEEN,
    STATEMENT_BUCKET_THINNED,
    STATEMENT_BUCKET_DELETE,
    STATEMENT_BUCKET_EXPIRED,
    STATEMENT_ROLLED,
    STATEMENT_ROLLED_SET,
    STATEMENT_UNROLLED,
    STATEMENT_UNROLLED_ROWS,
    STATEMENT_ROLL_5MIN, /* those of the levels in the order of enum store_level */
    STATEMENT_ROLL_HOUR,
    STATEMENT_ROLL_DAY,
    STATEMENT_ROLL_MONTH,
    STATEMENT_RAW_EXPIRED,
    STATEMENT_RAW_DELETE,
    STATEMENT_INTERVAL_DELETE,
    STATEMENT_DROP_5MIN,
    STATEMENT_DROP_HOUR,
    STATEMENT_DROP_DAY,
    STATEMENT_DROP_MONTH,
    STATEMENT_EDITION,
    STATEMENT_PAGE_COUNT,
    STATEMENT_PAGE_SIZE,
    STATEMENT_FREE_COUNT,
    STATEMENT_VACUUM,
    STATEMENT_PICK_USER_NAME,
    STATEMENT_PICK_USER_NUMBER,
    STATEMENT_PICK_PROJECT_NAME,
    STATEMENT_PICK_PROJECT_NUMBER,
    STATEMENT_PICK_CLASS_NAME,
    STATEMENT_PICK_CLASS_NUMBER,
    STATEMENT_PICK_PROTOCOL_NAME,
    STATEMENT_PICK_PROTOCOL_NUMBER,
    STATEMENT_PICK_UNITS,
    STATEMENT_PICK_OWN,
    STATEMENT_PIECE_BUCKET_AT,
    STATEMENT_PIECE_BUCKETS,
    STATEMENT_PIECE_NEWEST,
    STATEMENT_PIECE_INTERVALS,
    STATEMENT_PIECE_UNROLLED,
    STATEMENT_ALL_RAW,
    STATEMENT_ALL_5MIN,
    STATEMENT_ALL_HOUR,
    STATEMENT_ALL_DAY,
    STATEMENT_ALL_MONTH,
    STATEMENT_SUM_RAW,
    STATEMENT_SUM_5MIN,
    STATEMENT_SUM_HOUR,
    STATEMENT_SUM_DAY,
    STATEMENT_SUM_MONTH,
    STATEMENT_USER_RAW,
    STATEMENT_USER_5MIN,
    STATEMENT_USER_HOUR,
    STATEMENT_USER_DAY,
    STATEMENT_USER_MONTH,
    STATEMENT_LABEL_USER,
    STATEMENT_LABEL_PROJECT,
    STATEMENT_LABEL_CLASS,
    STATEMENT_LABEL_PROTOCOL,
    STATEMENT_LABEL_UNIT,
    STATEMENT_LABEL_CONNECTION_UNIT,
    STATEMENT_LABEL_PROCESS,
    STATEMENT_LABEL_REMOTE,
    STATEMENT_CONNECTION_FIND,
    STATEMENT_CONNECTION_OPEN,
    STATEMENT_CONNECTION_INSERT,
    STATEMENT_CONNECTION_COUNT,
    STATEMENT_CONNECTION_OWNER,
    STATEMENT_CONNECTION_LOST,
    STATEMENT_CONNECTION_USAGE,
    STATEMENT_CONNECTION_EXCESS,
    STATEMENT_CONNECTION_FIRST,
    STATEMENT_CONNECTION_SEEN,
    STATEMENT_CONNECTION_OLDEST,
    STATEMENT_CONNECTION_USAGE_DROP,
    STATEMENT_CONNECTION_EXCESS_DROP,
    STATEMENT_CONNECTION_DROP,
    STATEMENT_CONNECTION_DROPPED,
    STATEMENT_CONNECTION_KEPT,
    STATEMENT_CONNECTION_MOVED,
    STATEMENT_CONNECTION_IDS,
    STATEMENT_CONNECTION_EXCEEDED,
    STATEMENT_CONNECTION_LIST_ENDED,
    STATEMENT_CONNECTION_LIST_OPEN,
    STATEMENT_ADDRESS_FIND,
    STATEMENT_ADDRESS_INSERT,
    STATEMENT_PROCESS_FIND,
    STATEMENT_PROCESS_INSERT,
    STATEMENT_METER_SOURCE,
    STATEMENT_METER_SOURCE_OF,
    STATEMENT_METER_LAST,
    STATEMENT_METER_SET,
    STATEMENT_METER_USAGE,
    STATEMENT_METER_FORGET,
    STATEMENT_METER_ROLL,
    STATEMENT_METER_DROP,
    STATEMENT_METER_PIECE,
    STATEMENT_NOTICE_LIST,
    STATEMENT_NOTICE_BEGIN,
    STATEMENT_NOTICE_TOLD,
    STATEMENT_NOTICE_FAILED,
    STATEMENT_NOTICE_DROP,
    STATEMENT_LAYER_LIST,
    STATEMENT_POLICY_SOURCE,
    STATEMENT_POLICY_SOURCE_OF,
    STATEMENT_POLICY_LAST,
    STATEMENT_POLICY_SET,
    STATEMENT_POLICY_USAGE,
    STATEMENT_POLICY_FORGET,
    STATEMENT_POLICY_ROLL,
    STATEMENT_POLICY_DROP,
    STATEMENT_POLICY_PIECE,
    STATEMENT_POLICY_METERS,
    STATEMENT_POLICY_CLEAR,
    STATEMENT_POLICY_INSERT,
    STATEMENT_POLICY_LIST,
    STATEMENT_POLICY_EVENT_INSERT,
    STATEMENT_POLICY_EVENT_EXPIRE,
    STATEMENT_POLICY_EVENT_DROP,
    STATEMENT_POLICY_EVENT_LIST,
    STATEMENT_SAMPLE_INTERVAL,
    STATEMENT_SAMPLE_SOURCE,
    STATEMENT_SAMPLE_INSERT,
    STATEMENT_SAMPLE_EXPIRE,
    STATEMENT_SAMPLE_DROP,
    STATEMENT_SAMPLE_EXPIRE_SOURCES,
    STATEMENT_SAMPLE_EXPIRE_INTERVALS,
    STATEMENT_SAMPLE_LIST,
    STATEMENT_SAMPLE_INTERVALS,
    STATEMENT_SAMPLE_SOURCES,
    STATEMENT_FIRST_LAST,
    STATEMENT_RAW_REACH,
    STATEMENT_RAW_INTERVALS,
    STATEMENT_COUNT
};

#define STATEMENT_MAX_BINDS 24

struct statement_row {
    const char *sql;
    const char *binds[STATEMENT_MAX_BINDS]; /* names, NULL terminated unless full */
    bool writes;                            /* prepared for a writer only */
};

extern const struct statement_row statement_rows[STATEMENT_COUNT];

struct statement {
    sqlite3_stmt *stmt;
    int index[STATEMENT_MAX_BINDS]; /* SQLite's number of each name */
    size_t n_binds;
    bool has_text; /* or bytes: bound without a copy */
};

struct bind {
    const char *text; /* a text that stays until the statement is reset; used when is_text, where NULL is SQL's NULL */
    int64_t number;
    bool is_text;
    const void *blob; /* bytes that stay likewise, number of them; NULL: it is no blob */
};

#define BIND_INT(n)     ((struct bind){.number = (n)})
#define BIND_BLOB(b, n) ((struct bind){.blob = (b), .number = (n)})
#define BIND_TEXT(t)    ((struct bind){.text = (t), .is_text = true})
/* Six of them, for struct store_counters *n. */
#define BIND_COUNTERS(n)                                                                                               \
    BIND_INT((n)->tx_bytes), BIND_INT((n)->rx_bytes), BIND_INT((n)->tx_packets), BIND_INT((n)->rx_packets),            \
        BIND_INT((n)->tx_payload_bytes), BIND_INT((n)->rx_payload_bytes)
/* Values for all the parameters of a statement, and how many: fills the last two arguments of the functions below. */
#define BINDS(...) (const struct bind[]){__VA_ARGS__}, array_length(((const struct bind[]){__VA_ARGS__}))
#define NO_BINDS   NULL, 0

/*
 * For a writer, which should fail when it starts. A reader's statements are prepared when they are first bound: parsing
 * all of them takes as long as answering. -EBADMSG when the schema or the table above is not what it should be.
 */
int statement_prepare_all(struct store *s);
void statement_finalize_all(struct store *s);

/* Starts a statement: binds all of its parameters. -EINVAL when the number of values is not that of the names. */
int statement_bind(struct store *s, enum statement_id id, const struct bind *binds, size_t n);

/* 1: there is a row (read it with statement_int(), statement_text()); 0: done; else a negative errno with store_why().
 */
int statement_step(struct store *s, enum statement_id id);
void statement_reset(struct store *s, enum statement_id id);

int64_t statement_int(const struct store *s, enum statement_id id, int column);
const void *statement_blob(const struct store *s, enum statement_id id, int column, size_t *ret_size);
const char *statement_text(const struct store *s, enum statement_id id, int column); /* NULL is SQL's NULL */

/* Binds, runs to the end, resets. */
int statement_run(struct store *s, enum statement_id id, const struct bind *binds, size_t n);

/* As statement_run(), and the first column of the first row: 1 found, 0 no row (ret untouched), else a negative errno.
 */
int statement_get_int(struct store *s, enum statement_id id, const struct bind *binds, size_t n, int64_t *ret);
