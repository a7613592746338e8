-- Packets that were drawn from those that passed the interfaces, and what is needed to estimate from them how many there were.

-- What was drawn between two bookings. Estimates need seen and drawn alone; what was lost are details.
CREATE TABLE sample_interval (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    start_sec INTEGER NOT NULL,
    end_sec INTEGER NOT NULL,
    rate INTEGER NOT NULL,          -- one in so many, as configured
    mode TEXT NOT NULL,             -- random, every
    seen INTEGER NOT NULL,          -- frames that could have been drawn
    seen_packets INTEGER NOT NULL,  -- their segments
    seen_bytes INTEGER NOT NULL,    -- L3 bytes on the wire
    drawn INTEGER NOT NULL,
    ring_full INTEGER NOT NULL,     -- drawn, but the kernel's buffer had no room: counted by source, not in packet_sample
    memory_full INTEGER NOT NULL,   -- drawn, but pdttd had no room or could not write in time: the same
    sources_full INTEGER NOT NULL   -- drawn, but there were too many sources: in packet_sample at most
) STRICT;
CREATE INDEX sample_interval_start ON sample_interval (start_sec);

-- What was drawn by source address. The squares are those of single frames.
CREATE TABLE sample_source (
    interval INTEGER NOT NULL,
    source TEXT NOT NULL,
    drawn INTEGER NOT NULL,
    packets INTEGER NOT NULL,
    packets_squared INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    bytes_squared INTEGER NOT NULL,
    most_packets INTEGER NOT NULL,
    most_bytes INTEGER NOT NULL,
    PRIMARY KEY (interval, source)
) STRICT, WITHOUT ROWID;

-- Single packets. user is the id of a person, 1 where the owner is not known; a uid that comes later to another does not change it.
CREATE TABLE packet_sample (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time_ns INTEGER NOT NULL,       -- since 1970
    interface TEXT NOT NULL,
    direction TEXT NOT NULL,        -- rx, tx
    kind TEXT NOT NULL,             -- as in interface_usage
    family INTEGER NOT NULL,        -- 4, 6
    protocol INTEGER NOT NULL,
    packet_type INTEGER NOT NULL,   -- 0 TCP, 1 UDP, 2 ICMP, 3 others
    src_ip TEXT NOT NULL,
    dst_ip TEXT NOT NULL,
    src_port INTEGER NOT NULL,      -- 0: none
    dst_port INTEGER NOT NULL,
    packet_len INTEGER NOT NULL,    -- L3 bytes on the wire, of all its segments
    frame_len INTEGER NOT NULL,     -- L3 bytes as it passed
    segments INTEGER NOT NULL,
    seq_num INTEGER NOT NULL,       -- of TCP, as the next two; else 0
    ack_num INTEGER NOT NULL,
    tcp_flags INTEGER NOT NULL,
    user INTEGER NOT NULL,
    uid INTEGER NOT NULL,           -- -1: not known
    gid INTEGER NOT NULL,           -- -1: not known
    head BLOB NOT NULL              -- the first bytes, from the IP header on
) STRICT;
CREATE INDEX packet_sample_time ON packet_sample (time_ns);

PRAGMA user_version = 7;
