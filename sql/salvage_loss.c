/*
 * What a salvaged database lacks, as far as it can tell itself: each interval says what all of its rows moved, intervals are numbered
 * without gaps, and what one level lost another may have. Where something is gone a gap is recorded, so that reports name it.
 */
#include "sql/store_internal.h"

/* ---- bytes: intervals that say more than what is there of them ---- */

/* Of five minutes that were rolled up, and then of the intervals after the watermark. */
static const char short_of_bytes[] =
    "CREATE TEMP TABLE salvage_short AS"
    " SELECT b.start_sec AS start_sec, b.end_sec AS end_sec, sum(i.tx_bytes + i.rx_bytes)"
    " - coalesce((SELECT sum(tx_bytes + rx_bytes) FROM usage_5min c WHERE c.start_sec = b.start_sec), 0) AS bytes"
    " FROM interval i JOIN bucket b ON b.level = 1 AND b.start_sec = (SELECT max(start_sec) FROM bucket"
    " WHERE level = 1 AND start_sec <= i.start_sec) AND b.end_sec > i.start_sec"
    " WHERE i.id <= (SELECT rolled FROM rollup) GROUP BY b.start_sec;"
    "DELETE FROM salvage_short WHERE bytes <= 0;";

/* A coarser level that has more than the finer one has what that lost. */
#define HELD_BY(level, table, finer)                                                                                   \
    "CREATE TEMP TABLE salvage_held AS"                                                                                \
    " SELECT b.start_sec AS start_sec, min(m.start_sec) AS from_sec, max(m.end_sec) AS until_sec,"                     \
    " sum(m.bytes) - max(0,"                                                                                           \
    " coalesce((SELECT sum(tx_bytes + rx_bytes) FROM " table " c WHERE c.start_sec = b.start_sec), 0) -"               \
    " coalesce((SELECT sum(tx_bytes + rx_bytes) FROM " finer                                                           \
    " f WHERE f.start_sec >= b.start_sec AND f.start_sec < b.end_sec), 0)) AS bytes, sum(m.bytes) AS bytes_before"     \
    " FROM salvage_short m JOIN bucket b ON b.level = " level                                                          \
    " AND b.start_sec <= m.start_sec AND b.end_sec > m.start_sec GROUP BY b.start_sec;"                                \
    "DELETE FROM salvage_held WHERE bytes = bytes_before;"                                                             \
    "DELETE FROM salvage_short WHERE EXISTS (SELECT 1 FROM salvage_held h"                                             \
    " WHERE salvage_short.start_sec >= h.from_sec AND salvage_short.end_sec <= h.until_sec);"                          \
    "INSERT INTO salvage_short SELECT from_sec, until_sec, bytes FROM salvage_held WHERE bytes > 0;"                   \
    "DROP TABLE salvage_held;"

static const char short_after_the_watermark[] =
    "INSERT INTO salvage_short SELECT start_sec, end_sec, bytes FROM (SELECT i.start_sec, i.end_sec, i.tx_bytes"
    " + i.rx_bytes - coalesce((SELECT sum(tx_bytes + rx_bytes) FROM usage_raw r WHERE r.interval = i.id), 0) AS bytes"
    " FROM interval i WHERE i.id > (SELECT rolled FROM rollup)) WHERE bytes > 0;";

/* What is gone is told once: from now on these intervals say what there is of them, as intervals do. */
#define THERE(column) "coalesce(sum(" column "), 0)"
static const char say_what_is_there[] =
    "UPDATE interval SET (tx_bytes, rx_bytes, tx_packets, rx_packets, tx_payload_bytes, rx_payload_bytes) = "
    "(SELECT " THERE("tx_bytes") ", " THERE("rx_bytes") ", " THERE("tx_packets") ", " THERE("rx_packets") ", " THERE(
        "tx_payload_bytes") ", " THERE("rx_payload_bytes") " FROM usage_raw r WHERE r.interval = interval.id)"
                                                           " WHERE id IN (SELECT i.id FROM salvage_short s JOIN "
                                                           "interval i ON i.start_sec >= s.start_sec"
                                                           " AND i.start_sec < max(s.end_sec, s.start_sec + 1));";

/* ---- intervals that are not there, or only as stand-ins of which nobody knows when they were ---- */

/* Between two that are there, and behind the last one, as far as the ledger was booked. last_id: of those that are missing. */
static const char missing_intervals[] =
    "CREATE TEMP TABLE salvage_hole AS"
    " SELECT end_sec AS start_sec, next_sec AS end_sec, next_id - id - 1 AS intervals, next_id - 1 AS last_id"
    " FROM (SELECT id, end_sec, lead(id) OVER (ORDER BY id) AS next_id, lead(start_sec) OVER (ORDER BY id) AS next_sec"
    " FROM interval WHERE ledger <> 0) WHERE next_id > id + 1;"
    "INSERT INTO salvage_hole"
    " SELECT i.end_sec, max(l.last_sec, i.end_sec), l.last_epoch - i.epoch, i.id + l.last_epoch - i.epoch FROM ledger l"
    " JOIN interval i ON i.id = (SELECT max(id) FROM interval WHERE ledger = l.id) WHERE l.last_epoch > i.epoch;";

/*
 * Without the five minutes in which they were rolled up: nothing is lost there. The newest of these may have been rolled up in part,
 * when pdttd ended in it, and is left in then.
 */
static const char without_what_was_rolled_up[] =
    "CREATE TEMP TABLE salvage_gap AS SELECT start_sec, end_sec FROM salvage_short;"
    "INSERT INTO salvage_gap SELECT known_sec, start_sec FROM (SELECT start_sec, max(end_sec) OVER (PARTITION BY hole"
    " ORDER BY start_sec, end_sec ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS known_sec FROM ("
    "SELECT rowid AS hole, start_sec, start_sec AS end_sec FROM salvage_hole"
    " UNION ALL SELECT h.rowid, b.start_sec, b.end_sec FROM salvage_hole h JOIN bucket b ON b.level = 1"
    " AND b.seen_ms > 0 AND b.start_sec < h.end_sec AND b.end_sec > h.start_sec"
    " WHERE h.last_id <= (SELECT rolled FROM rollup) OR b.seen_ms > 1000 * (b.end_sec - b.start_sec) - 2000"
    " OR b.start_sec < (SELECT max(start_sec) FROM bucket WHERE level = 1 AND seen_ms > 0)"
    " UNION ALL SELECT rowid, end_sec, end_sec FROM salvage_hole)) WHERE known_sec < start_sec;";

/* ---- all of it ---- */

/* Those that touch become one. What an earlier salvage noted is not noted again. */
static const char note_gaps[] =
    "DELETE FROM salvage_gap WHERE end_sec <= start_sec OR EXISTS (SELECT 1 FROM gap g WHERE g.reason = 'damaged'"
    " AND g.start_sec <= salvage_gap.start_sec AND g.end_sec >= salvage_gap.end_sec);"
    "CREATE TEMP TABLE salvage_before AS SELECT coalesce(max(id), 0) AS id FROM gap;"
    "INSERT INTO gap (start_sec, end_sec, reason)"
    " SELECT min(start_sec), max(end_sec), 'damaged' FROM (SELECT start_sec, end_sec, sum(begins) OVER o AS span FROM ("
    "SELECT start_sec, end_sec, coalesce(start_sec > max(end_sec) OVER (ORDER BY start_sec, end_sec ROWS BETWEEN"
    " UNBOUNDED PRECEDING AND 1 PRECEDING), 1) AS begins FROM salvage_gap)"
    " WINDOW o AS (ORDER BY start_sec, end_sec)) GROUP BY span ORDER BY 1;";

static const char *const steps[] = {
    short_of_bytes,
    HELD_BY("2", "usage_hour", "usage_5min"),
    HELD_BY("3", "usage_day", "usage_hour"),
    short_after_the_watermark,
    say_what_is_there,
    missing_intervals,
    without_what_was_rolled_up,
    note_gaps,
};

static const char told[] =
    "SELECT coalesce((SELECT sum(tx_bytes + rx_bytes) FROM usage_month), 0) + coalesce((SELECT sum(tx_bytes + rx_bytes)"
    " FROM usage_raw WHERE interval > (SELECT rolled FROM rollup)), 0),"
    " coalesce((SELECT sum(bytes) FROM salvage_short), 0),"
    " coalesce((SELECT sum(intervals) FROM salvage_hole), 0), (SELECT count(*) FROM gap WHERE id > (SELECT id FROM "
    "salvage_before))";

static const char forget[] = "DROP TABLE salvage_short; DROP TABLE salvage_hole; DROP TABLE salvage_gap;"
                             " DROP TABLE salvage_before;";

int salvage_tell_loss(struct store *s, struct store_salvage *ret)
{
    sqlite3_stmt *row = NULL;

    for (size_t i = 0; i < array_length(steps); i++)
        if (sqlite3_exec(s->db, steps[i], NULL, NULL, NULL) != SQLITE_OK)
            return store_fail_sqlite(s, "salvaging");
    int rc = sqlite3_prepare_v2(s->db, told, -1, &row, NULL);
    if (rc == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW) {
        ret->bytes = sqlite3_column_int64(row, 0);
        ret->bytes_lost = sqlite3_column_int64(row, 1);
        ret->intervals_lost = sqlite3_column_int64(row, 2);
        ret->gaps = sqlite3_column_int64(row, 3);
    }
    sqlite3_finalize(row);
    if (rc != SQLITE_OK || sqlite3_exec(s->db, forget, NULL, NULL, NULL) != SQLITE_OK)
        return store_fail_sqlite(s, "salvaging");
    return 0;
}
