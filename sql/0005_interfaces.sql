-- What network interfaces carried, beside the ledger and never added to it: as the kernel's own counters say it and as the
-- programs on the interfaces say it, by kind of frame. And how often the programs had to take another way, by cause.

-- Interface 0 is no interface but the programs: its kinds are causes, and rx_packets says how often.
CREATE TABLE interface (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,      -- an interface that is renamed goes on under its new name
    first_sec INTEGER NOT NULL,
    last_sec INTEGER NOT NULL
) STRICT;
INSERT INTO interface VALUES (0, '(programs)', 0, 0);

-- The meters as they were read last. All count on by themselves: what an interval adds is what they are ahead of this.
CREATE TABLE interface_meter (
    identity INTEGER NOT NULL,      -- random: of an interface from its coming to its going, or of a ledger
    kind TEXT NOT NULL,
    interface INTEGER NOT NULL REFERENCES interface (id),
    tx_bytes INTEGER NOT NULL,
    rx_bytes INTEGER NOT NULL,
    tx_packets INTEGER NOT NULL,
    rx_packets INTEGER NOT NULL,
    PRIMARY KEY (identity, kind)
) STRICT, WITHOUT ROWID;

-- By level and bucket as usage is: level 0 is raw, keyed by interval; then five minutes, hour, day, month, keyed by the start of
-- the bucket. Retention and rollup.rolled hold for it too.
CREATE TABLE interface_usage (
    level INTEGER NOT NULL,
    key INTEGER NOT NULL,
    interface INTEGER NOT NULL REFERENCES interface (id),
    kind TEXT NOT NULL,             -- kernel: its own counters, with link headers; the others are L3 bytes by the layer
    tx_bytes INTEGER NOT NULL,
    rx_bytes INTEGER NOT NULL,
    tx_packets INTEGER NOT NULL,
    rx_packets INTEGER NOT NULL,
    PRIMARY KEY (level, key, interface, kind)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 5;
