-- Schema 3: connections, and what they moved by five minutes. They are beside the ledger, never part of it: each byte that a
-- connection moved is in the ledger too. For questions in SQL use the view v_connection.

-- Addresses and processes of connections, each once. uses is how many connections have it; the last one takes it along.
CREATE TABLE address (
    id INTEGER PRIMARY KEY,
    address TEXT NOT NULL UNIQUE,
    uses INTEGER NOT NULL
) STRICT;

CREATE TABLE process (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,             -- as the process calls itself: it may hold any byte
    cgroup TEXT NOT NULL,           -- below the root of cgroup v2; '' not known
    uses INTEGER NOT NULL,
    UNIQUE (name, cgroup)
) STRICT;

-- One TCP connection, or one UDP flow: a socket and one remote address. Counters are of all its life so far.
CREATE TABLE connection (
    id INTEGER PRIMARY KEY,
    cookie INTEGER NOT NULL,            -- of the socket, unique until the host reboots
    started_boot_ns INTEGER NOT NULL,   -- by the clock that starts at boot
    start_ms INTEGER NOT NULL,          -- since 1970, by the wall clock
    end_ms INTEGER NOT NULL,            -- when it ended; while it is open, until when it was seen to move something
    ended TEXT,                         -- how; NULL: it is open
    account INTEGER NOT NULL REFERENCES account (id),
    initiative INTEGER NOT NULL,        -- 0 not known, 1 this host connected, 2 it accepted
    local INTEGER NOT NULL REFERENCES address (id),
    local_port INTEGER NOT NULL,
    remote INTEGER NOT NULL REFERENCES address (id),
    remote_port INTEGER NOT NULL,
    pid INTEGER NOT NULL,               -- 0: not known
    process INTEGER NOT NULL REFERENCES process (id),
    tx_bytes INTEGER NOT NULL,
    rx_bytes INTEGER NOT NULL,
    tx_packets INTEGER NOT NULL,
    rx_packets INTEGER NOT NULL,
    tx_payload_bytes INTEGER NOT NULL,
    rx_payload_bytes INTEGER NOT NULL,
    retransmits INTEGER NOT NULL,       -- segments
    srtt_us INTEGER NOT NULL,           -- smoothed round trip; 0: not known
    last_sec INTEGER NOT NULL           -- five minutes in which it was last booked: what it moved is not newer
) STRICT;
CREATE INDEX connection_key ON connection (cookie, started_boot_ns);
CREATE INDEX connection_open ON connection (id) WHERE ended IS NULL;
CREATE INDEX connection_ended ON connection (last_sec) WHERE ended IS NOT NULL;

CREATE TRIGGER connection_came AFTER INSERT ON connection BEGIN
    UPDATE address SET uses = uses + 1 WHERE id = new.local;
    UPDATE address SET uses = uses + 1 WHERE id = new.remote;
    UPDATE process SET uses = uses + 1 WHERE id = new.process;
END;
CREATE TRIGGER connection_changed_hands AFTER UPDATE OF process ON connection WHEN new.process <> old.process BEGIN
    UPDATE process SET uses = uses + 1 WHERE id = new.process;
    UPDATE process SET uses = uses - 1 WHERE id = old.process;
    DELETE FROM process WHERE id = old.process AND uses = 0;
END;
CREATE TRIGGER connection_went AFTER DELETE ON connection BEGIN
    UPDATE address SET uses = uses - 1 WHERE id = old.local;
    UPDATE address SET uses = uses - 1 WHERE id = old.remote;
    UPDATE process SET uses = uses - 1 WHERE id = old.process;
    DELETE FROM address WHERE id IN (old.local, old.remote) AND uses = 0;
    DELETE FROM process WHERE id = old.process AND uses = 0;
END;

-- What a connection moved in a bucket of five minutes; only where it moved something.
CREATE TABLE connection_usage (
    start_sec INTEGER NOT NULL,
    connection INTEGER NOT NULL REFERENCES connection (id),
    tx_bytes INTEGER NOT NULL,
    rx_bytes INTEGER NOT NULL,
    tx_packets INTEGER NOT NULL,
    rx_packets INTEGER NOT NULL,
    tx_payload_bytes INTEGER NOT NULL,
    rx_payload_bytes INTEGER NOT NULL,
    PRIMARY KEY (start_sec, connection)
) STRICT, WITHOUT ROWID;

-- What was beyond limits.connections: how many connections began that got no record of their own, and what all of those moved,
-- also those that began before.
CREATE TABLE connection_excess (
    start_sec INTEGER PRIMARY KEY,
    connections INTEGER NOT NULL,
    tx_bytes INTEGER NOT NULL,
    rx_bytes INTEGER NOT NULL,
    tx_packets INTEGER NOT NULL,
    rx_packets INTEGER NOT NULL,
    tx_payload_bytes INTEGER NOT NULL,
    rx_payload_bytes INTEGER NOT NULL
) STRICT;

-- Since when connections are recorded, and the newest five minutes of which they were dropped; 0: none.
CREATE TABLE connection_kept (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    first_sec INTEGER NOT NULL,
    dropped_sec INTEGER NOT NULL
) STRICT;
INSERT INTO connection_kept VALUES (1, 0, 0);

PRAGMA user_version = 3;
