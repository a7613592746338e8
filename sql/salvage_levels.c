/*
 * After salvaging each level is held against the next finer one, from the finest up. Where the finer one has more, the coarser one
 * lost rows and gets them from it; where it has less, it lost some itself, and nobody may look into it any more.
 */
#include "sql/store_internal.h"

/* ---- interfaces, beside the ledger: a coarser row that is lost is the sum of the finer ones ---- */

#define FILL_INTERFACES(level, finer)                                                                                  \
    "INSERT OR IGNORE INTO interface_usage"                                                                            \
    " SELECT " level ", b.start_sec, u.interface, u.kind, sum(u.tx_bytes), sum(u.rx_bytes), sum(u.tx_packets),"        \
    " sum(u.rx_packets)"                                                                                               \
    " FROM bucket b JOIN interface_usage u ON u.level = " finer " AND u.key >= b.start_sec AND u.key < b.end_sec"      \
    " WHERE b.level = " level " AND b.whole GROUP BY 2, 3, 4;"

#define FILL_POLICIES(level, finer)                                                                                    \
    "INSERT OR IGNORE INTO policy_usage"                                                                               \
    " SELECT " level ", b.start_sec, u.policy, sum(u.bytes_passed), sum(u.bytes_dropped), sum(u.packets_passed),"      \
    " sum(u.packets_dropped)"                                                                                          \
    " FROM bucket b JOIN policy_usage u ON u.level = " finer " AND u.key >= b.start_sec AND u.key < b.end_sec"         \
    " WHERE b.level = " level " AND b.whole GROUP BY 2, 3;"

/* ---- the ledger ---- */

/* What each whole bucket of a level ought to hold. dims: which table of those in from has them. */
#define FINE(dims, from)                                                                                               \
    "CREATE TEMP TABLE salvage_fine AS"                                                                                \
    " SELECT b.start_sec AS start_sec, " dims ".user AS user, " dims ".project AS project, " dims                      \
    ".class AS class, " dims ".protocol AS protocol, " dims                                                            \
    ".family AS family, sum(r.tx_bytes) AS tx_bytes, sum(r.rx_bytes) AS rx_bytes,"                                     \
    " sum(r.tx_packets) AS tx_packets, sum(r.rx_packets) AS rx_packets, sum(r.tx_payload_bytes) AS tx_payload_bytes,"  \
    " sum(r.rx_payload_bytes) AS rx_payload_bytes" from " GROUP BY 1, 2, 3, 4, 5, 6;"

/* By the interval in which raw was booked, up to the watermark. */
#define FINE_OF_RAW                                                                                                    \
    FINE("a", " FROM interval i JOIN bucket b ON b.level = 1 AND b.whole AND b.start_sec ="                            \
              " (SELECT max(start_sec) FROM bucket WHERE level = 1 AND start_sec <= i.start_sec)"                      \
              " AND b.end_sec > i.start_sec"                                                                           \
              " JOIN usage_raw r ON r.interval = i.id JOIN account a ON a.id = r.account"                              \
              " WHERE i.id <= (SELECT rolled FROM rollup)")

#define FINE_OF(level, finer)                                                                                          \
    FINE("r", " FROM bucket b JOIN " finer " r ON r.start_sec >= b.start_sec AND r.start_sec < b.end_sec"              \
              " WHERE b.level = " level " AND b.whole")

#define AGREE(level, table)                                                                                            \
    "CREATE INDEX temp.salvage_fine_start ON salvage_fine (start_sec);"                                                \
    "CREATE TEMP TABLE salvage_differs AS"                                                                             \
    " SELECT b.start_sec AS start_sec,"                                                                                \
    " coalesce((SELECT sum(tx_bytes + rx_bytes) FROM salvage_fine f WHERE f.start_sec = b.start_sec), 0)"              \
    " - coalesce((SELECT sum(tx_bytes + rx_bytes) FROM " table " c WHERE c.start_sec = b.start_sec), 0) AS more"       \
    " FROM bucket b WHERE b.level = " level " AND b.whole;"                                                            \
    "DELETE FROM " table " WHERE start_sec IN (SELECT start_sec FROM salvage_differs WHERE more > 0);"                 \
    "INSERT INTO " table " SELECT * FROM salvage_fine"                                                                 \
    " WHERE start_sec IN (SELECT start_sec FROM salvage_differs WHERE more > 0);"                                      \
    "UPDATE bucket SET whole = 0 WHERE level = " level                                                                 \
    " AND start_sec IN (SELECT start_sec FROM salvage_differs WHERE more < 0);"                                        \
    "DROP TABLE salvage_fine;"                                                                                         \
    "DROP TABLE salvage_differs;"

/* In this order: which buckets are whole changes with each level. */
static const char *const steps[] = {
    FILL_INTERFACES("2", "1") FILL_POLICIES("2", "1"),   FILL_INTERFACES("3", "2") FILL_POLICIES("3", "2"),
    FILL_INTERFACES("4", "3") FILL_POLICIES("4", "3"),   FINE_OF_RAW AGREE("1", "usage_5min"),
    FINE_OF("2", "usage_5min") AGREE("2", "usage_hour"), FINE_OF("3", "usage_hour") AGREE("3", "usage_day"),
    FINE_OF("4", "usage_day") AGREE("4", "usage_month"),
};

int salvage_agree(struct store *s)
{
    for (size_t i = 0; i < array_length(steps); i++)
        if (sqlite3_exec(s->db, steps[i], NULL, NULL, NULL) != SQLITE_OK)
            return store_fail_sqlite(s, "salvaging");
    return 0;
}
