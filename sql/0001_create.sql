-- PDTT's database, schema 1. Times are UTC seconds since 1970 unless their name says otherwise.
-- For questions in SQL use the views (v_usage, v_user_day, v_user_month): they stay, tables may change.
PRAGMA application_id = 1346655316; -- "PDTT"

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The kernel's ledgers and how far each is booked; an epoch at or below last_epoch is never booked again.
CREATE TABLE ledger (
    id INTEGER PRIMARY KEY,         -- the ledger's random 64 bits, as a signed number
    last_epoch INTEGER NOT NULL,
    first_sec INTEGER NOT NULL,
    last_sec INTEGER NOT NULL
) STRICT;

-- One drained epoch. The id is a sequence number, so that a step of the clock cannot make two intervals collide.
CREATE TABLE interval (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    ledger INTEGER NOT NULL REFERENCES ledger (id),
    epoch INTEGER NOT NULL,
    start_sec INTEGER NOT NULL,
    end_sec INTEGER NOT NULL,       -- may lie before start_sec after a step of the clock
    duration_ms INTEGER NOT NULL,   -- by a clock that does not step
    tx_bytes INTEGER NOT NULL,      -- what the packet programs counted: the sum of the interval's rows
    rx_bytes INTEGER NOT NULL,
    tx_packets INTEGER NOT NULL,
    rx_packets INTEGER NOT NULL,
    tx_payload_bytes INTEGER NOT NULL,
    rx_payload_bytes INTEGER NOT NULL,
    update_errors INTEGER NOT NULL, -- failed map updates in the kernel
    UNIQUE (ledger, epoch)
) STRICT;
CREATE INDEX interval_start ON interval (start_sec);

-- A person: a uid and the name that it had. A recycled or renamed uid has several rows; a deleted user keeps its row.
CREATE TABLE user (
    id INTEGER PRIMARY KEY,
    uid INTEGER NOT NULL,
    name TEXT,                      -- NULL until somebody knows it
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,     -- to the day
    valid_from INTEGER NOT NULL     -- intervals that start here or later are this person's; 0 for a uid's first name
) STRICT;
CREATE INDEX user_uid ON user (uid, id);
CREATE INDEX user_name ON user (name);
INSERT INTO user VALUES (1, -1, '(unattributed)', 0, 0, 0), (2, -2, '(overflow)', 0, 0, 0);

-- A project: for now a gid and the name that it had, kept in the same way.
CREATE TABLE project (
    id INTEGER PRIMARY KEY,
    gid INTEGER NOT NULL,
    name TEXT,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    valid_from INTEGER NOT NULL
) STRICT;
CREATE INDEX project_gid ON project (gid, id);
CREATE INDEX project_name ON project (name);
INSERT INTO project VALUES (1, -1, '(none)', 0, 0, 0);

-- Named sets of remote networks. A name keeps its id for ever.
CREATE TABLE class (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO class VALUES (0, 'external'), (1, 'loopback');

-- IANA protocol numbers that people know by name; 0 is that of the overflow account.
CREATE TABLE protocol (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO protocol VALUES
    (0, '(none)'), (1, 'icmp'), (2, 'igmp'), (4, 'ipip'), (6, 'tcp'), (17, 'udp'), (33, 'dccp'), (41, 'ipv6'),
    (47, 'gre'), (50, 'esp'), (51, 'ah'), (58, 'icmpv6'), (88, 'eigrp'), (89, 'ospf'),
    (103, 'pim'), (112, 'vrrp'), (115, 'l2tp'), (132, 'sctp'), (136, 'udplite');

-- Whom bytes are booked on, with the person and the project that were current when the account was first booked.
CREATE TABLE account (
    id INTEGER PRIMARY KEY,
    uid INTEGER NOT NULL,
    gid INTEGER NOT NULL,
    unit INTEGER NOT NULL,
    user INTEGER NOT NULL REFERENCES user (id),
    project INTEGER NOT NULL REFERENCES project (id),
    class INTEGER NOT NULL,
    protocol INTEGER NOT NULL,
    family INTEGER NOT NULL,        -- 4, 6, or 0 where there is none
    kind INTEGER NOT NULL,          -- 0 user, 1 kernel, 2 unattributed, 3 overflow
    UNIQUE (uid, gid, unit, user, project, class, protocol, family, kind)
) STRICT;

-- The ledger itself: one account's share of one interval, at most one row each. Bytes are L3 bytes on the wire; payload
-- is what processes handed over or took and is never added to them. A transfer to another account can be negative.
CREATE TABLE usage_raw (
    interval INTEGER NOT NULL REFERENCES interval (id),
    uid INTEGER NOT NULL,
    account INTEGER NOT NULL REFERENCES account (id),
    tx_bytes INTEGER NOT NULL,
    rx_bytes INTEGER NOT NULL,
    tx_packets INTEGER NOT NULL,
    rx_packets INTEGER NOT NULL,
    tx_payload_bytes INTEGER NOT NULL,
    rx_payload_bytes INTEGER NOT NULL,
    PRIMARY KEY (interval, uid, account)
) STRICT, WITHOUT ROWID;

-- What each layer of the collector did: a row for each change of state.
CREATE TABLE layer_state (
    id INTEGER PRIMARY KEY,
    layer TEXT NOT NULL,
    state TEXT NOT NULL,            -- on, off, failed
    detail TEXT NOT NULL,
    first_sec INTEGER NOT NULL,
    last_sec INTEGER NOT NULL
) STRICT;
CREATE INDEX layer_state_layer ON layer_state (layer, id);

-- Spans in which nothing was counted, and why.
CREATE TABLE gap (
    id INTEGER PRIMARY KEY,
    start_sec INTEGER NOT NULL,
    end_sec INTEGER NOT NULL,
    reason TEXT NOT NULL
) STRICT;

PRAGMA user_version = 1;
