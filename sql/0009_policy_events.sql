-- Packets that policies dropped, as far as each told of them: how many it dropped in all is in policy_usage.
CREATE TABLE policy_event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time_ns INTEGER NOT NULL,       -- since 1970
    policy INTEGER NOT NULL REFERENCES policy_name (id),
    action TEXT NOT NULL,           -- block, limit
    direction TEXT NOT NULL,        -- rx, tx
    family INTEGER NOT NULL,        -- 4, 6
    protocol INTEGER NOT NULL,
    src_ip TEXT NOT NULL,
    dst_ip TEXT NOT NULL,
    src_port INTEGER NOT NULL,      -- 0: none
    dst_port INTEGER NOT NULL,
    packet_size INTEGER NOT NULL,   -- L3 bytes on the wire, of all its segments
    packets INTEGER NOT NULL,       -- segments
    user INTEGER NOT NULL,          -- id of a person, 1 where it is not known
    uid INTEGER NOT NULL            -- -1: not known
) STRICT;
CREATE INDEX policy_event_time ON policy_event (time_ns);

PRAGMA user_version = 9;
