-- Schema 2: the coarser levels, the calendar they are kept on, units and allocations. The coarser levels start empty; pdttd
-- fills them from usage_raw when it first runs, and until then everything past rollup.rolled is answered from there.

-- They are made anew after each migration, and refer to what changes here.
DROP VIEW IF EXISTS v_user_month;
DROP VIEW IF EXISTS v_user_day;
DROP VIEW IF EXISTS v_usage;
DROP VIEW IF EXISTS v_account;

-- One drained epoch, or one part of it where it reached over a boundary of the calendar. The index has another name than in
-- schema 1, so that a program of schema 1 that is still running fails instead of answering from raw alone.
CREATE TABLE interval_2 (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    ledger INTEGER NOT NULL REFERENCES ledger (id),
    epoch INTEGER NOT NULL,
    part INTEGER NOT NULL,          -- 0, 1, ... within the epoch
    estimated INTEGER NOT NULL,     -- 1: shared out by time, or the clock was stepped; when the bytes moved is not exact
    start_sec INTEGER NOT NULL,
    end_sec INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,   -- by a clock that does not step
    tx_bytes INTEGER NOT NULL,      -- what the packet programs counted: the sum of the interval's rows
    rx_bytes INTEGER NOT NULL,
    tx_packets INTEGER NOT NULL,
    rx_packets INTEGER NOT NULL,
    tx_payload_bytes INTEGER NOT NULL,
    rx_payload_bytes INTEGER NOT NULL,
    update_errors INTEGER NOT NULL, -- failed map updates in the kernel
    UNIQUE (ledger, epoch, part)
) STRICT;
INSERT INTO interval_2
SELECT id, ledger, epoch, 0, 0, start_sec, end_sec, duration_ms, tx_bytes, rx_bytes, tx_packets, rx_packets,
    tx_payload_bytes, rx_payload_bytes, update_errors
FROM interval;
DROP TABLE interval;
ALTER TABLE interval_2 RENAME TO interval;
CREATE INDEX interval_begin ON interval (start_sec);

-- Intervals up to rolled are in all coarser levels too, later ones in usage_raw alone.
CREATE TABLE rollup (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    rolled INTEGER NOT NULL
) STRICT;
INSERT INTO rollup VALUES (1, 0);

-- The site's time zones and since when; days and months begin at their midnights.
CREATE TABLE zone (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    from_sec INTEGER NOT NULL       -- 0 for the first one
) STRICT;

-- The buckets of the coarser levels in which something was booked. Those of a level do not overlap, and each lies within one of
-- the next level, whatever the clock and the time zone did.
CREATE TABLE bucket (
    level INTEGER NOT NULL,         -- 1 five minutes, 2 hour, 3 day, 4 month
    start_sec INTEGER NOT NULL,
    end_sec INTEGER NOT NULL,       -- half open
    label TEXT NOT NULL,            -- in the site's time: 2026-11-21 14:00, 2026-11-21, 2026-11
    seen_ms INTEGER NOT NULL,       -- durations of its intervals that are rolled up
    whole INTEGER NOT NULL,         -- 1: all of it is in the next finer level as well; 0: that has expired
    PRIMARY KEY (level, start_sec)
) STRICT, WITHOUT ROWID;

-- The coarser levels: what a user moved in a bucket, by project, class, protocol and family (4, 6 or 0).
CREATE TABLE usage_5min (
    start_sec INTEGER NOT NULL,
    user INTEGER NOT NULL,
    project INTEGER NOT NULL,
    class INTEGER NOT NULL,
    protocol INTEGER NOT NULL,
    family INTEGER NOT NULL,
    tx_bytes INTEGER NOT NULL,
    rx_bytes INTEGER NOT NULL,
    tx_packets INTEGER NOT NULL,
    rx_packets INTEGER NOT NULL,
    tx_payload_bytes INTEGER NOT NULL,
    rx_payload_bytes INTEGER NOT NULL,
    PRIMARY KEY (start_sec, user, project, class, protocol, family)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage_hour (
    start_sec INTEGER NOT NULL,
    user INTEGER NOT NULL,
    project INTEGER NOT NULL,
    class INTEGER NOT NULL,
    protocol INTEGER NOT NULL,
    family INTEGER NOT NULL,
    tx_bytes INTEGER NOT NULL,
    rx_bytes INTEGER NOT NULL,
    tx_packets INTEGER NOT NULL,
    rx_packets INTEGER NOT NULL,
    tx_payload_bytes INTEGER NOT NULL,
    rx_payload_bytes INTEGER NOT NULL,
    PRIMARY KEY (start_sec, user, project, class, protocol, family)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage_day (
    start_sec INTEGER NOT NULL,
    user INTEGER NOT NULL,
    project INTEGER NOT NULL,
    class INTEGER NOT NULL,
    protocol INTEGER NOT NULL,
    family INTEGER NOT NULL,
    tx_bytes INTEGER NOT NULL,
    rx_bytes INTEGER NOT NULL,
    tx_packets INTEGER NOT NULL,
    rx_packets INTEGER NOT NULL,
    tx_payload_bytes INTEGER NOT NULL,
    rx_payload_bytes INTEGER NOT NULL,
    PRIMARY KEY (start_sec, user, project, class, protocol, family)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage_month (
    start_sec INTEGER NOT NULL,
    user INTEGER NOT NULL,
    project INTEGER NOT NULL,
    class INTEGER NOT NULL,
    protocol INTEGER NOT NULL,
    family INTEGER NOT NULL,
    tx_bytes INTEGER NOT NULL,
    rx_bytes INTEGER NOT NULL,
    tx_packets INTEGER NOT NULL,
    rx_packets INTEGER NOT NULL,
    tx_payload_bytes INTEGER NOT NULL,
    rx_payload_bytes INTEGER NOT NULL,
    PRIMARY KEY (start_sec, user, project, class, protocol, family)
) STRICT, WITHOUT ROWID;

-- Units: cgroups that a project rule names. account.unit is 0 for none. A path keeps its id for ever.
CREATE TABLE unit (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE
) STRICT;

-- What a project or user may move in a period, as the configuration says now.
CREATE TABLE allocation (
    id INTEGER PRIMARY KEY,
    subject TEXT NOT NULL CHECK (subject IN ('project', 'user')),
    name TEXT NOT NULL,
    period TEXT NOT NULL CHECK (period IN ('month', 'quarter', 'year')),
    limit_bytes INTEGER NOT NULL CHECK (limit_bytes >= 0),
    direction TEXT NOT NULL CHECK (direction IN ('both', 'tx', 'rx')),
    billing_day INTEGER NOT NULL CHECK (billing_day BETWEEN 1 AND 28)
) STRICT;

-- The classes that count for an allocation; none: all do.
CREATE TABLE allocation_class (
    allocation INTEGER NOT NULL REFERENCES allocation (id),
    class INTEGER NOT NULL REFERENCES class (id),
    PRIMARY KEY (allocation, class)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 2;
