/* The text of every statement. Input never becomes part of one: values are bound, lists go through temporary tables. */
#include "sql/statement.h"

#define COUNTERS       "tx_bytes, rx_bytes, tx_packets, rx_packets, tx_payload_bytes, rx_payload_bytes"
#define COUNTER_BINDS  ":tx_bytes", ":rx_bytes", ":tx_packets", ":rx_packets", ":tx_payload_bytes", ":rx_payload_bytes"
#define COUNTER_VALUES ":tx_bytes, :rx_bytes, :tx_packets, :rx_packets, :tx_payload_bytes, :rx_payload_bytes"
#define KEY            "start_sec, user, project, class, protocol, family"

/* clang-format off */

/* A level's rows: rolled up into, dropped, asked for by bucket and by bucket and user, which is the order of its key. */
#define ROLL(table)                                                                                                    \
    {.sql = "INSERT INTO " table " (" KEY ", " COUNTERS ") VALUES"                                                     \
            " (:start_sec, :user, :project, :class, :protocol, :family, " COUNTER_VALUES ")"                           \
            " ON CONFLICT DO UPDATE SET " ADD_COUNTERS,                                                                \
     .binds = {":start_sec", ":user", ":project", ":class", ":protocol", ":family", COUNTER_BINDS},                    \
     .writes = true}
/* The sums of a bucket grow by what is given; the column before the counters is a key or a count of its own. */
#define ADD_COUNTERS                                                                                                   \
    "tx_bytes = tx_bytes + excluded.tx_bytes, rx_bytes = rx_bytes + excluded.rx_bytes,"                                \
    " tx_packets = tx_packets + excluded.tx_packets, rx_packets = rx_packets + excluded.rx_packets,"                   \
    " tx_payload_bytes = tx_payload_bytes + excluded.tx_payload_bytes,"                                                \
    " rx_payload_bytes = rx_payload_bytes + excluded.rx_payload_bytes"
#define METER_ADD                                                                                                      \
    "ON CONFLICT (level, key, interface, kind) DO UPDATE SET tx_bytes = tx_bytes + excluded.tx_bytes,"                 \
    " rx_bytes = rx_bytes + excluded.rx_bytes, tx_packets = tx_packets + excluded.tx_packets,"                         \
    " rx_packets = rx_packets + excluded.rx_packets"
#define DROP(table) {.sql = "DELETE FROM " table " WHERE start_sec = :start_sec", .binds = {":start_sec"}, .writes = true}
#define ALL(table)                                                                                                     \
    {.sql = "SELECT user, project, class, protocol, family, " COUNTERS " FROM " table " WHERE start_sec = :key",       \
     .binds = {":key"}}
/* One row for all, or none: where nobody asks who it was. Summing here takes half of the time of summing their rows. */
#define SUM(table, key)                                                                                                \
    {.sql = "SELECT 0, 0, 0, 0, 0, * FROM (SELECT sum(tx_bytes) AS tx_bytes, sum(rx_bytes), sum(tx_packets),"          \
            " sum(rx_packets), sum(tx_payload_bytes), sum(rx_payload_bytes) FROM " table " WHERE " key " = :key)"      \
            " WHERE tx_bytes NOT NULL",                                                                                \
     .binds = {":key"}}
#define USER(table)                                                                                                    \
    {.sql = "SELECT user, project, class, protocol, family, " COUNTERS " FROM " table                                  \
            " WHERE start_sec = :key AND user = :user",                                                                \
     .binds = {":key", ":user"}}
/* CROSS JOIN keeps the order of the loops: the planner has no statistics and may scan the ledger. */
#define RAW_ROWS                                                                                                       \
    "SELECT a.user, a.project, a.class, a.protocol, a.family, r.tx_bytes, r.rx_bytes, r.tx_packets, r.rx_packets,"     \
    " r.tx_payload_bytes, r.rx_payload_bytes, a.unit FROM usage_raw r CROSS JOIN account a ON a.id = r.account"        \
    " WHERE r.interval = :key"

/* What the writer remembers of a connection, in the order of connections.c. */
#define CONNECTION_COLUMNS                                                                                             \
    "SELECT c.id, c.cookie, c.started_boot_ns, r.address, c.remote_port, c.account, c.pid, p.name, p.cgroup,"          \
    " c.end_ms, c.tx_bytes, c.rx_bytes, c.tx_packets, c.rx_packets, c.tx_payload_bytes,"                   \
    " c.rx_payload_bytes, c.retransmits, c.ended IS NULL FROM connection c CROSS JOIN address r ON r.id = c.remote"    \
    " CROSS JOIN process p ON p.id = c.process"

/* A connection with all that is known of it, in the order of connection_list.c; ids first, for filters. */
#define LIST_COLUMNS                                                                                                   \
    "a.user, a.project, a.class, a.protocol, a.family, a.unit, coalesce(u.name, 'uid ' || u.uid), u.uid,"              \
    " coalesce(j.name, 'gid ' || j.gid), coalesce(k.name, 'class ' || a.class),"                                       \
    " coalesce(o.name, 'proto ' || a.protocol), coalesce(n.path, '(none)'), c.initiative, l.address, c.local_port,"    \
    " r.address, c.remote_port, c.pid, p.name, p.cgroup, c.start_ms, c.end_ms, c.ended, c.tx_bytes, c.rx_bytes,"       \
    " c.tx_packets, c.rx_packets, c.tx_payload_bytes, c.rx_payload_bytes, c.retransmits, c.srtt_us"
#define LIST_JOINS                                                                                                     \
    " CROSS JOIN account a ON a.id = c.account CROSS JOIN user u ON u.id = a.user"                                     \
    " CROSS JOIN project j ON j.id = a.project LEFT JOIN class k ON k.id = a.class"                                    \
    " LEFT JOIN protocol o ON o.id = a.protocol LEFT JOIN unit n ON n.id = a.unit"                                     \
    " CROSS JOIN address l ON l.id = c.local CROSS JOIN address r ON r.id = c.remote"                                  \
    " CROSS JOIN process p ON p.id = c.process"

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
        {.sql = "INSERT INTO interval (ledger, epoch, part, estimated, start_sec, end_sec, duration_ms, " COUNTERS
                ", update_errors)"
                " VALUES (:ledger, :epoch, :part, :estimated, :start_sec, :end_sec, :duration_ms, " COUNTER_VALUES
                ", :update_errors)"
                " RETURNING id",
         .binds = {":ledger", ":epoch", ":part", ":estimated", ":start_sec", ":end_sec", ":duration_ms", COUNTER_BINDS,
                   ":update_errors"},
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
    [STATEMENT_PROJECT_OF_RULE] = {.sql = "SELECT id FROM project WHERE gid = :number AND name = :name",
                                   .binds = {":number", ":name"}},
    [STATEMENT_NEWEST_NAME] = {.sql = "SELECT max((SELECT max(valid_from) FROM user),"
                                      " (SELECT max(valid_from) FROM project))"},

    [STATEMENT_CLASS_FIND] = {.sql = "SELECT id FROM class WHERE name = :name", .binds = {":name"}},
    [STATEMENT_CLASS_INSERT] = {.sql = "INSERT INTO class (name) VALUES (:name) RETURNING id",
                                .binds = {":name"},
                                .writes = true},
    [STATEMENT_CLASS_RESTORE] = {"INSERT OR IGNORE INTO class VALUES (:id, :name)", {":id", ":name"}, true},
    [STATEMENT_UNIT_RESERVE] = {"INSERT OR IGNORE INTO unit VALUES (:last, '(lost)')", {":last"}, true},
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
    [STATEMENT_GAP_PROLONG] = {.sql = "UPDATE gap SET end_sec = max(end_sec, :end_sec)"
                                      " WHERE id = (SELECT max(id) FROM gap) AND reason = :reason"
                                      " AND start_sec <= :start_sec AND end_sec >= :start_sec RETURNING id",
                               .binds = {":start_sec", ":end_sec", ":reason"},
                               .writes = true},
    [STATEMENT_GAP_INSERT] = {.sql =
                                  "INSERT INTO gap (start_sec, end_sec, reason) VALUES (:start_sec, :end_sec, :reason)",
                              .binds = {":start_sec", ":end_sec", ":reason"},
                              .writes = true},
    [STATEMENT_GAP_LIST] = {.sql = "SELECT start_sec, end_sec, reason FROM gap"
                                   " WHERE end_sec > :since_sec AND start_sec < :until_sec ORDER BY start_sec, id",
                            .binds = {":since_sec", ":until_sec"}},
    [STATEMENT_UNIT_FIND] = {.sql = "SELECT id FROM unit WHERE path = :path", .binds = {":path"}},
    [STATEMENT_UNIT_PATH] = {.sql = "SELECT path FROM unit WHERE id = :id", .binds = {":id"}},
    [STATEMENT_UNIT_INSERT] = {.sql = "INSERT INTO unit (path) VALUES (:path) RETURNING id",
                               .binds = {":path"},
                               .writes = true},

    [STATEMENT_ALLOCATION_CLEAR] = {.sql = "DELETE FROM allocation", .writes = true},
    [STATEMENT_ALLOCATION_CLASS_CLEAR] = {.sql = "DELETE FROM allocation_class", .writes = true},
    [STATEMENT_ALLOCATION_INSERT] =
        {.sql = "INSERT INTO allocation (id, subject, name, period, limit_bytes, direction, billing_day)"
                " VALUES (:id, :subject, :name, :period, :limit_bytes, :direction, :billing_day)",
         .binds = {":id", ":subject", ":name", ":period", ":limit_bytes", ":direction", ":billing_day"},
         .writes = true},
    [STATEMENT_ALLOCATION_CLASS_INSERT] = {.sql = "INSERT OR IGNORE INTO allocation_class VALUES (:allocation, :class)",
                                           .binds = {":allocation", ":class"},
                                           .writes = true},
    [STATEMENT_ALLOCATION_LIST] = {.sql = "SELECT id, subject, name, period, limit_bytes, direction, billing_day"
                                          " FROM allocation ORDER BY id"},
    [STATEMENT_ALLOCATION_CLASS_LIST] = {.sql = "SELECT c.name FROM allocation_class a JOIN class c ON c.id = a.class"
                                                " WHERE a.allocation = :allocation ORDER BY c.id",
                                         .binds = {":allocation"}},

    [STATEMENT_ZONE_LATEST] = {.sql = "SELECT name FROM zone ORDER BY id DESC LIMIT 1"},
    [STATEMENT_ZONE_INSERT] = {.sql = "INSERT INTO zone (name, from_sec) VALUES (:name, :from_sec)",
                               .binds = {":name", ":from_sec"},
                               .writes = true},
    /* After all that was booked in the month that the newest interval reached; a stepped clock may have been beyond it.
     */
    [STATEMENT_ZONE_CUT_AT] =
        {.sql = "SELECT max(i.end_sec, i.start_sec + 1, coalesce((SELECT max(start_sec) + 1 FROM interval"
                " WHERE start_sec < (SELECT b.end_sec FROM bucket b WHERE b.level = 4 AND b.start_sec <= i.end_sec"
                " ORDER BY b.start_sec DESC LIMIT 1)), 0))"
                " FROM interval i ORDER BY i.id DESC LIMIT 1"},
    [STATEMENT_ZONE_CUT] = {.sql =
                                "UPDATE bucket SET end_sec = :at_sec WHERE start_sec < :at_sec AND end_sec > :at_sec",
                            .binds = {":at_sec"},
                            .writes = true},

    [STATEMENT_BUCKET_AT] = {.sql = "SELECT start_sec, end_sec FROM bucket WHERE level = :level"
                                    " AND start_sec <= :at_sec ORDER BY start_sec DESC LIMIT 1",
                             .binds = {":level", ":at_sec"}},
    [STATEMENT_BUCKET_AFTER] = {.sql = "SELECT start_sec FROM bucket WHERE level = :level AND start_sec > :at_sec"
                                       " ORDER BY start_sec LIMIT 1",
                                .binds = {":level", ":at_sec"}},
    [STATEMENT_BUCKET_INSERT] = {.sql = "INSERT INTO bucket (level, start_sec, end_sec, label, seen_ms, whole)"
                                        " VALUES (:level, :start_sec, :end_sec, :label, 0, 1)",
                                 .binds = {":level", ":start_sec", ":end_sec", ":label"},
                                 .writes = true},
    [STATEMENT_BUCKET_SEEN] = {.sql = "UPDATE bucket SET seen_ms = seen_ms + :seen_ms"
                                      " WHERE level = :level AND start_sec = :start_sec",
                               .binds = {":level", ":start_sec", ":seen_ms"},
                               .writes = true},
    [STATEMENT_BUCKET_THINNED] = {.sql = "UPDATE bucket SET whole = 0 WHERE level = :level AND whole AND start_sec ="
                                         " (SELECT max(start_sec) FROM bucket WHERE level = :level"
                                         " AND start_sec <= :at_sec)",
                                  .binds = {":level", ":at_sec"},
                                  .writes = true},
    [STATEMENT_BUCKET_DELETE] = {.sql = "DELETE FROM bucket WHERE level = :level AND start_sec = :start_sec",
                                 .binds = {":level", ":start_sec"},
                                 .writes = true},
    /* Not while something that began in it waits to be rolled up, or it would come back with that alone. */
    [STATEMENT_BUCKET_EXPIRED] = {.sql = "SELECT b.start_sec FROM bucket b WHERE b.level = :level"
                                         " AND b.start_sec < :before_sec AND b.end_sec <= :before_sec"
                                         " AND NOT EXISTS (SELECT 1 FROM interval i"
                                         " WHERE i.id > (SELECT rolled FROM rollup) AND +i.start_sec >= b.start_sec"
                                         " AND +i.start_sec < b.end_sec) ORDER BY b.start_sec LIMIT 1",
                                  .binds = {":level", ":before_sec"}},

    [STATEMENT_ROLLED] = {.sql = "SELECT rolled FROM rollup"},
    [STATEMENT_ROLLED_SET] = {.sql = "UPDATE rollup SET rolled = :rolled", .binds = {":rolled"}, .writes = true},
    [STATEMENT_UNROLLED] = {.sql =
                                "SELECT id, start_sec, duration_ms FROM interval WHERE id > :after ORDER BY id LIMIT 1",
                            .binds = {":after"}},
    [STATEMENT_UNROLLED_ROWS] = {.sql = RAW_ROWS, .binds = {":key"}},
    [STATEMENT_ROLL_5MIN] = ROLL("usage_5min"),
    [STATEMENT_ROLL_HOUR] = ROLL("usage_hour"),
    [STATEMENT_ROLL_DAY] = ROLL("usage_day"),
    [STATEMENT_ROLL_MONTH] = ROLL("usage_month"),

    /* The newest interval stays whatever its age: it says until when was counted. */
    [STATEMENT_RAW_EXPIRED] = {.sql = "SELECT id, start_sec FROM interval WHERE start_sec < :before_sec"
                                      " AND id <= (SELECT rolled FROM rollup) AND id < (SELECT max(id) FROM interval)"
                                      " ORDER BY start_sec LIMIT 1",
                               .binds = {":before_sec"}},
    [STATEMENT_RAW_DELETE] = {.sql = "DELETE FROM usage_raw WHERE interval = :id", .binds = {":id"}, .writes = true},
    [STATEMENT_INTERVAL_DELETE] = {.sql = "DELETE FROM interval WHERE id = :id", .binds = {":id"}, .writes = true},
    [STATEMENT_DROP_5MIN] = DROP("usage_5min"),
    [STATEMENT_DROP_HOUR] = DROP("usage_hour"),
    [STATEMENT_DROP_DAY] = DROP("usage_day"),
    [STATEMENT_DROP_MONTH] = DROP("usage_month"),
    [STATEMENT_EDITION] = {.sql = "PRAGMA data_version"},
    [STATEMENT_PAGE_COUNT] = {.sql = "PRAGMA page_count"},
    [STATEMENT_PAGE_SIZE] = {.sql = "PRAGMA page_size"},
    [STATEMENT_FREE_COUNT] = {.sql = "PRAGMA freelist_count"},
    [STATEMENT_VACUUM] = {.sql = "PRAGMA incremental_vacuum(256)", .writes = true},

    [STATEMENT_PICK_USER_NAME] = {.sql = "SELECT id, uid FROM user WHERE name = :name", .binds = {":name"}},
    [STATEMENT_PICK_USER_NUMBER] = {.sql = "SELECT id, uid FROM user WHERE uid = :number", .binds = {":number"}},
    [STATEMENT_PICK_PROJECT_NAME] = {.sql = "SELECT id, gid FROM project WHERE name = :name", .binds = {":name"}},
    [STATEMENT_PICK_PROJECT_NUMBER] = {.sql = "SELECT id, gid FROM project WHERE gid = :number AND gid >= -1",
                                       .binds = {":number"}},
    [STATEMENT_PICK_CLASS_NAME] = {.sql = "SELECT id, id FROM class WHERE name = :name", .binds = {":name"}},
    [STATEMENT_PICK_CLASS_NUMBER] = {.sql = "SELECT id, id FROM class WHERE id = :number", .binds = {":number"}},
    [STATEMENT_PICK_PROTOCOL_NAME] = {.sql = "SELECT id, id FROM protocol WHERE name = :name", .binds = {":name"}},
    [STATEMENT_PICK_PROTOCOL_NUMBER] = {.sql = "SELECT :number, :number WHERE :number BETWEEN 0 AND 255",
                                        .binds = {":number"}},
    [STATEMENT_PICK_UNITS] = {.sql = "SELECT id, id FROM unit WHERE path GLOB :glob"
                                     " UNION ALL SELECT 0, 0 WHERE :glob = '(none)'",
                              .binds = {":glob"}},
    /* Not all that the uid ever was: a deleted user's rows are not those of who has the uid now. */
    [STATEMENT_PICK_OWN] = {.sql = "SELECT id, uid FROM user WHERE uid = :uid AND (name IS NULL OR name = :name)",
                            .binds = {":uid", ":name"}},

    [STATEMENT_PIECE_BUCKET_AT] = {.sql = "SELECT start_sec, end_sec, whole FROM bucket WHERE level = :level"
                                          " AND start_sec <= :at_sec ORDER BY start_sec DESC LIMIT 1",
                                   .binds = {":level", ":at_sec"}},
    [STATEMENT_PIECE_BUCKETS] = {.sql = "SELECT start_sec, end_sec, seen_ms FROM bucket WHERE level = :level"
                                        " AND start_sec >= coalesce((SELECT max(start_sec) FROM bucket"
                                        " WHERE level = :level AND start_sec <= :since_sec), :since_sec)"
                                        " AND start_sec < :until_sec AND end_sec > :since_sec ORDER BY start_sec",
                                 .binds = {":level", ":since_sec", ":until_sec"}},
    [STATEMENT_PIECE_NEWEST] = {.sql = "SELECT coalesce(max(start_sec), 0) FROM interval"},
    [STATEMENT_PIECE_INTERVALS] = {.sql = "SELECT id, duration_ms FROM interval INDEXED BY interval_begin"
                                          " WHERE start_sec >= :since_sec AND start_sec < :until_sec"
                                          " AND id <= (SELECT rolled FROM rollup)",
                                   .binds = {":since_sec", ":until_sec"}},
    [STATEMENT_PIECE_UNROLLED] = {.sql = "SELECT id, start_sec, duration_ms FROM interval"
                                         " WHERE id > (SELECT rolled FROM rollup)"},
    [STATEMENT_ALL_RAW] = {.sql = RAW_ROWS, .binds = {":key"}},
    [STATEMENT_ALL_5MIN] = ALL("usage_5min"),
    [STATEMENT_ALL_HOUR] = ALL("usage_hour"),
    [STATEMENT_ALL_DAY] = ALL("usage_day"),
    [STATEMENT_ALL_MONTH] = ALL("usage_month"),
    [STATEMENT_SUM_RAW] = SUM("usage_raw", "interval"),
    [STATEMENT_SUM_5MIN] = SUM("usage_5min", "start_sec"),
    [STATEMENT_SUM_HOUR] = SUM("usage_hour", "start_sec"),
    [STATEMENT_SUM_DAY] = SUM("usage_day", "start_sec"),
    [STATEMENT_SUM_MONTH] = SUM("usage_month", "start_sec"),
    [STATEMENT_USER_RAW] = {.sql = RAW_ROWS " AND r.uid = :uid AND a.user = :user", .binds = {":key", ":user", ":uid"}},
    [STATEMENT_USER_5MIN] = USER("usage_5min"),
    [STATEMENT_USER_HOUR] = USER("usage_hour"),
    [STATEMENT_USER_DAY] = USER("usage_day"),
    [STATEMENT_USER_MONTH] = USER("usage_month"),
    /* Ids begin at 1; 0 is what a viewer sees of somebody else, STORE_UID_OTHERS. */
    [STATEMENT_LABEL_USER] = {.sql = "SELECT coalesce(name, 'uid ' || uid), uid FROM user WHERE id = :id"
                                     " UNION ALL SELECT '(others)', -3 WHERE :id = 0",
                              .binds = {":id"}},
    [STATEMENT_LABEL_PROJECT] = {.sql = "SELECT coalesce(name, 'gid ' || gid), 0 FROM project WHERE id = :id",
                                 .binds = {":id"}},
    [STATEMENT_LABEL_CLASS] = {.sql = "SELECT coalesce((SELECT name FROM class WHERE id = :id), 'class ' || :id), 0",
                               .binds = {":id"}},
    [STATEMENT_LABEL_PROTOCOL] = {.sql =
                                      "SELECT coalesce((SELECT name FROM protocol WHERE id = :id), 'proto ' || :id), 0",
                                  .binds = {":id"}},
    [STATEMENT_LABEL_UNIT] = {.sql = "SELECT CASE :id WHEN 0 THEN '(none)'"
                                     " ELSE coalesce((SELECT path FROM unit WHERE id = :id), 'unit ' || :id) END, 0",
                              .binds = {":id"}},
#include "sql/statement_connections.inc"
#include "sql/statement_meters.inc"
#include "sql/statement_notices.inc"
#include "sql/statement_policies.inc"
#include "sql/statement_policy_events.inc"
#include "sql/statement_samples.inc"
    [STATEMENT_FIRST_LAST] = {.sql = "SELECT coalesce((SELECT min(first_sec) FROM ledger), 0),"
                                     " coalesce((SELECT end_sec FROM interval ORDER BY id DESC LIMIT 1), 0)"},
    [STATEMENT_RAW_REACH] = {.sql = "SELECT coalesce((SELECT min(first_sec) FROM ledger), 0),"
                                    " coalesce((SELECT min(start_sec) FROM interval), 0)"},
    /* The bound from below is where the one begins in which since lies, so that the index is sought and not walked. */
    [STATEMENT_RAW_INTERVALS] = {.sql = "SELECT start_sec, end_sec FROM interval INDEXED BY interval_begin"
                                        " WHERE start_sec >= coalesce((SELECT max(start_sec) FROM interval"
                                        " WHERE start_sec < :since_sec), :since_sec) AND start_sec < :until_sec"
                                        " AND (start_sec >= :since_sec OR end_sec > :since_sec) ORDER BY start_sec",
                                 .binds = {":since_sec", ":until_sec"}},
};
