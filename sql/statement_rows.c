/* The text of every statement. Input never becomes part of one: values are bound, lists go through temporary tables. */
#include "sql/statement.h"

#define COUNTERS       "tx_bytes, rx_bytes, tx_packets, rx_packets, tx_payload_bytes, rx_payload_bytes"
#define COUNTER_BINDS  ":tx_bytes", ":rx_bytes", ":tx_packets", ":rx_packets", ":tx_payload_bytes", ":rx_payload_bytes"
#define COUNTER_VALUES ":tx_bytes, :rx_bytes, :tx_packets, :rx_packets, :tx_payload_bytes, :rx_payload_bytes"
#define COUNTER_SUMS(t)                                                                                                \
    "sum(" t ".tx_bytes) AS tx_bytes, sum(" t ".rx_bytes) AS rx_bytes, sum(" t ".tx_packets) AS tx_packets, "          \
    "sum(" t ".rx_packets) AS rx_packets, sum(" t ".tx_payload_bytes) AS tx_payload_bytes, "                           \
    "sum(" t ".rx_payload_bytes) AS rx_payload_bytes"

/* clang-format off */

/*
 * First the sums by account, which need no names, then the few rows that are left by the dimensions asked for. CROSS
 * JOIN keeps the order of the loops: buckets, their intervals by the index, then the ledger's key. Left to itself the
 * planner, which has no statistics, may scan the ledger.
 */
#define USAGE_QUERY(ledger)                                                                                            \
    "WITH part AS MATERIALIZED ("                                                                                      \
    "  SELECT b.id AS bucket, r.account AS account, " COUNTER_SUMS("r")                                                \
    "  FROM temp.query_bucket b"                                                                                       \
    "  CROSS JOIN interval i INDEXED BY interval_start ON i.start_sec >= b.start_sec AND i.start_sec < b.end_sec "     \
    ledger                                                                                                             \
    "  GROUP BY b.id, r.account)"                                                                                      \
    " SELECT p.bucket,"                                                                                                \
    "  CASE WHEN :by_user THEN v.user END AS user, CASE WHEN :by_user THEN v.uid ELSE -1 END AS uid,"                  \
    "  CASE WHEN :by_project THEN v.project END AS project, CASE WHEN :by_class THEN v.class END AS class,"            \
    "  CASE WHEN :by_protocol THEN v.protocol END AS protocol,"                                                        \
    "  CASE WHEN :by_family THEN v.family ELSE -1 END AS family, " COUNTER_SUMS("p")                                   \
    " FROM part p CROSS JOIN v_account v ON v.account = p.account"                                                     \
    " GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1, 2, 3, 4, 5, 6, 7"
#define USAGE_BINDS {":by_user", ":by_project", ":by_class", ":by_protocol", ":by_family"}

/* The person or project of a number: the newest row that was valid at a time, and the newest of all. */
#define NAME_AT(table, number)                                                                                         \
    "SELECT id FROM " table " WHERE " number " = :number AND valid_from <= max(:start_sec, 0)"                         \
    " ORDER BY id DESC LIMIT 1"
#define NAME_LATEST(table, number)                                                                                     \
    "SELECT id, name, last_seen FROM " table " WHERE " number " = :number ORDER BY id DESC LIMIT 1"
#define NAME_INSERT(table, number)                                                                                     \
    "INSERT INTO " table " (" number ", name, first_seen, last_seen, valid_from)"                                      \
    " VALUES (:number, :name, :seen_sec, :seen_sec, :valid_from) RETURNING id"
#define NAME_NAME(table)                                                                                               \
    "UPDATE " table " SET name = :name, first_seen = min(first_seen, :seen_sec),"                                      \
    " last_seen = max(last_seen, :seen_sec) WHERE id = :id"
#define NAME_SEEN(table) "UPDATE " table " SET last_seen = :seen_sec WHERE id = :id"
/* clang-format on */

/* A filter's matches. REPLACE, because a name that is given twice is not an unknown name: it must count as a change. */
#define PICK(dimension, from) "INSERT OR REPLACE INTO temp.query_pick SELECT " dimension ", " from

const struct statement_row statement_rows[STATEMENT_COUNT] = {
    [STATEMENT_BEGIN_WRITE] = {.sql = "BEGIN IMMEDIATE", .writes = true},
    [STATEMENT_BEGIN_READ] = {.sql = "BEGIN"},
    [STATEMENT_COMMIT] = {.sql = "COMMIT"},
    [STATEMENT_ROLLBACK] = {.sql = "ROLLBACK"},
    [STATEMENT_META_GET] = {.sql = "SELECT value FROM meta WHERE key = :key", .binds = {":key"}},

    [STATEMENT_LEDGER_ADVANCE] = {.sql = "INSERT INTO ledger VALUES (:id, :epoch, :start_sec, :start_sec)"
                                         " ON CONFLICT (id) DO UPDATE SET last_epoch = excluded.last_epoch,"
                                         " last_sec = excluded.last_sec WHERE last_epoch < excluded.last_epoch"
                                         " RETURNING id",
                                  .binds = {":id", ":epoch", ":start_sec"},
                                  .writes = true},
    [STATEMENT_LEDGER_LAST] = {.sql = "SELECT last_epoch FROM ledger WHERE id = :id", .binds = {":id"}},
    [STATEMENT_INTERVAL_INSERT] =
        {.sql = "INSERT INTO interval (ledger, epoch, start_sec, end_sec, duration_ms, " COUNTERS ", update_errors)"
                " VALUES (:ledger, :epoch, :start_sec, :end_sec, :duration_ms, " COUNTER_VALUES ", :update_errors)"
                " RETURNING id",
         .binds = {":ledger", ":epoch", ":start_sec", ":end_sec", ":duration_ms", COUNTER_BINDS, ":update_errors"},
         .writes = true},
    [STATEMENT_USAGE_INSERT] = {.sql = "INSERT INTO usage_raw (interval, uid, account, " COUNTERS ")"
                                       " VALUES (:interval, :uid, :account, " COUNTER_VALUES ")",
                                .binds = {":interval", ":uid", ":account", COUNTER_BINDS},
                                .writes = true},
    [STATEMENT_ACCOUNT_FIND] = {.sql = "SELECT id FROM account WHERE uid = :uid AND gid = :gid AND unit = :unit"
                                       " AND user = :user AND project = :project AND class = :class"
                                       " AND protocol = :protocol AND family = :family AND kind = :kind",
                                .binds = {":uid", ":gid", ":unit", ":user", ":project", ":class", ":protocol",
                                          ":family", ":kind"}},
    [STATEMENT_ACCOUNT_INSERT] =
        {.sql = "INSERT INTO account (uid, gid, unit, user, project, class, protocol, family, kind) VALUES"
                " (:uid, :gid, :unit, :user, :project, :class, :protocol, :family, :kind) RETURNING id",
         .binds = {":uid", ":gid", ":unit", ":user", ":project", ":class", ":protocol", ":family", ":kind"},
         .writes = true},

    [STATEMENT_USER_AT] = {.sql = NAME_AT("user", "uid"), .binds = {":number", ":start_sec"}},
    [STATEMENT_USER_LATEST] = {.sql = NAME_LATEST("user", "uid"), .binds = {":number"}},
    [STATEMENT_USER_INSERT] = {.sql = NAME_INSERT("user", "uid"),
                               .binds = {":number", ":name", ":seen_sec", ":valid_from"},
                               .writes = true},
    [STATEMENT_USER_NAME] = {.sql = NAME_NAME("user"), .binds = {":id", ":name", ":seen_sec"}, .writes = true},
    [STATEMENT_USER_SEEN] = {.sql = NAME_SEEN("user"), .binds = {":id", ":seen_sec"}, .writes = true},
    [STATEMENT_PROJECT_AT] = {.sql = NAME_AT("project", "gid"), .binds = {":number", ":start_sec"}},
    [STATEMENT_PROJECT_LATEST] = {.sql = NAME_LATEST("project", "gid"), .binds = {":number"}},
    [STATEMENT_PROJECT_INSERT] = {.sql = NAME_INSERT("project", "gid"),
                                  .binds = {":number", ":name", ":seen_sec", ":valid_from"},
                                  .writes = true},
    [STATEMENT_PROJECT_NAME] = {.sql = NAME_NAME("project"), .binds = {":id", ":name", ":seen_sec"}, .writes = true},
    [STATEMENT_PROJECT_SEEN] = {.sql = NAME_SEEN("project"), .binds = {":id", ":seen_sec"}, .writes = true},
    [STATEMENT_NEWEST_NAME] = {.sql = "SELECT max((SELECT max(valid_from) FROM user),"
                                      " (SELECT max(valid_from) FROM project))"},

    [STATEMENT_CLASS_FIND] = {.sql = "SELECT id FROM class WHERE name = :name", .binds = {":name"}},
    [STATEMENT_CLASS_INSERT] = {.sql = "INSERT INTO class (name) VALUES (:name) RETURNING id",
                                .binds = {":name"},
                                .writes = true},
    [STATEMENT_LAYER_LATEST] = {.sql = "SELECT id, state = :state AND detail = :detail FROM layer_state"
                                       " WHERE layer = :layer ORDER BY id DESC LIMIT 1",
                                .binds = {":layer", ":state", ":detail"}},
    [STATEMENT_LAYER_INSERT] = {.sql = "INSERT INTO layer_state (layer, state, detail, first_sec, last_sec)"
                                       " VALUES (:layer, :state, :detail, :now_sec, :now_sec)",
                                .binds = {":layer", ":state", ":detail", ":now_sec"},
                                .writes = true},
    [STATEMENT_LAYER_SEEN] = {.sql = "UPDATE layer_state SET last_sec = :now_sec WHERE id = :id",
                              .binds = {":id", ":now_sec"},
                              .writes = true},
    [STATEMENT_GAP_INSERT] = {.sql =
                                  "INSERT INTO gap (start_sec, end_sec, reason) VALUES (:start_sec, :end_sec, :reason)",
                              .binds = {":start_sec", ":end_sec", ":reason"},
                              .writes = true},

    [STATEMENT_CLEAR_BUCKETS] = {.sql = "DELETE FROM temp.query_bucket"},
    [STATEMENT_CLEAR_PICKS] = {.sql = "DELETE FROM temp.query_pick"},
    [STATEMENT_CLEAR_ACCOUNTS] = {.sql = "DELETE FROM temp.query_account"},
    [STATEMENT_CLEAR_UIDS] = {.sql = "DELETE FROM temp.query_uid"},
    [STATEMENT_BUCKET_INSERT] = {.sql = "INSERT INTO temp.query_bucket VALUES (:id, :start_sec, :end_sec)",
                                 .binds = {":id", ":start_sec", ":end_sec"}},
    [STATEMENT_PICK_USER_NAME] = {.sql = PICK("'user'", "id FROM user WHERE name = :name"), .binds = {":name"}},
    [STATEMENT_PICK_USER_NUMBER] = {.sql = PICK("'user'", "id FROM user WHERE uid = :number"), .binds = {":number"}},
    [STATEMENT_PICK_PROJECT_NAME] = {.sql = PICK("'project'", "id FROM project WHERE name = :name"),
                                     .binds = {":name"}},
    [STATEMENT_PICK_PROJECT_NUMBER] = {.sql = PICK("'project'", "id FROM project WHERE gid = :number"),
                                       .binds = {":number"}},
    [STATEMENT_PICK_CLASS_NAME] = {.sql = PICK("'class'", "id FROM class WHERE name = :name"), .binds = {":name"}},
    [STATEMENT_PICK_CLASS_NUMBER] = {.sql = PICK("'class'", "id FROM class WHERE id = :number"), .binds = {":number"}},
    [STATEMENT_PICK_PROTOCOL_NAME] = {.sql = PICK("'protocol'", "id FROM protocol WHERE name = :name"),
                                      .binds = {":name"}},
    [STATEMENT_PICK_PROTOCOL_NUMBER] = {.sql = PICK("'protocol'", ":number WHERE :number BETWEEN 0 AND 255"),
                                        .binds = {":number"}},
    [STATEMENT_PICK_ACCOUNTS] =
        {.sql = "INSERT INTO temp.query_account SELECT id FROM account"
                " WHERE (NOT :users OR user IN (SELECT id FROM temp.query_pick WHERE dimension = 'user'))"
                " AND (NOT :projects OR project IN (SELECT id FROM temp.query_pick WHERE dimension = 'project'))"
                " AND (NOT :classes OR class IN (SELECT id FROM temp.query_pick WHERE dimension = 'class'))"
                " AND (NOT :protocols OR protocol IN (SELECT id FROM temp.query_pick WHERE dimension = 'protocol'))",
         .binds = {":users", ":projects", ":classes", ":protocols"}},
    [STATEMENT_PICK_UIDS] = {.sql = "INSERT INTO temp.query_uid SELECT DISTINCT uid FROM account"
                                    " WHERE id IN (SELECT id FROM temp.query_account)"},

    [STATEMENT_USAGE_ALL] = {.sql = USAGE_QUERY("CROSS JOIN usage_raw r ON r.interval = i.id"), .binds = USAGE_BINDS},
    [STATEMENT_USAGE_PICKED] = {.sql = USAGE_QUERY("CROSS JOIN usage_raw r ON r.interval = i.id"
                                                   " AND r.account IN (SELECT id FROM temp.query_account)"),
                                .binds = USAGE_BINDS},
    [STATEMENT_USAGE_USERS] = {.sql = USAGE_QUERY("CROSS JOIN temp.query_uid q"
                                                  " CROSS JOIN usage_raw r ON r.interval = i.id AND r.uid = q.uid"
                                                  " AND +r.account IN (SELECT id FROM temp.query_account)"),
                               .binds = USAGE_BINDS},
    [STATEMENT_COVERAGE] = {.sql = "SELECT coalesce((SELECT start_sec FROM interval ORDER BY id LIMIT 1), 0),"
                                   " coalesce((SELECT end_sec FROM interval ORDER BY id DESC LIMIT 1), 0),"
                                   " (SELECT coalesce(sum(duration_ms), 0) FROM interval"
                                   " WHERE start_sec >= :since_sec AND start_sec < :until_sec)",
                            .binds = {":since_sec", ":until_sec"}},
};
