-- The stable interface for SQL, made anew after each migration. Open the database read-only when you use it:
--     sqlite3 -readonly /var/lib/pdtt/pdtt.db
-- tx and rx are seen from this host: tx left it, rx reached it. total_bytes = tx_bytes + rx_bytes, on the wire.

DROP VIEW IF EXISTS v_packet_sample;
DROP VIEW IF EXISTS v_policy_event;
DROP VIEW IF EXISTS v_policy;
DROP VIEW IF EXISTS v_interface_day;
DROP VIEW IF EXISTS v_connection;
DROP VIEW IF EXISTS v_coverage;
DROP VIEW IF EXISTS v_allocation;
DROP VIEW IF EXISTS v_project_month;
DROP VIEW IF EXISTS v_user_month;
DROP VIEW IF EXISTS v_user_day;
DROP VIEW IF EXISTS v_month;
DROP VIEW IF EXISTS v_day;
DROP VIEW IF EXISTS v_usage;
DROP VIEW IF EXISTS v_account;

-- Accounts with the names that people know. Reports and the views below agree on names because both read them here.
CREATE VIEW v_account AS
SELECT a.id AS account,
    coalesce(u.name, 'uid ' || a.uid) AS user,
    a.uid AS uid,
    coalesce(p.name, 'gid ' || p.gid) AS project,
    a.gid AS gid,
    a.unit AS unit,
    coalesce(n.path, '') AS unit_path,
    coalesce(c.name, 'class ' || a.class) AS class,
    coalesce(r.name, 'proto ' || a.protocol) AS protocol,
    a.family AS family,
    CASE a.kind WHEN 0 THEN 'user' WHEN 1 THEN 'kernel' WHEN 2 THEN 'unattributed' WHEN 3 THEN 'overflow' END AS kind
FROM account a
JOIN user u ON u.id = a.user
JOIN project p ON p.id = a.project
LEFT JOIN unit n ON n.id = a.unit
LEFT JOIN class c ON c.id = a.class
LEFT JOIN protocol r ON r.id = a.protocol;

-- Every booked row that the raw level still has; the views below go back further. What alice sent and received outside in the
-- last hour:
--     SELECT sum(tx_bytes), sum(rx_bytes) FROM v_usage
--     WHERE user = 'alice' AND class = 'external' AND start_time >= datetime('now', 'localtime', '-1 hour');
CREATE VIEW v_usage AS
SELECT i.id AS interval,
    i.start_sec AS start_sec,
    i.end_sec AS end_sec,
    datetime(i.start_sec, 'unixepoch', 'localtime') AS start_time,
    i.estimated AS estimated,
    v.user AS user, v.uid AS uid, v.project AS project, v.gid AS gid,
    v.unit AS unit, v.unit_path AS unit_path,
    v.class AS class, v.protocol AS protocol, v.family AS family, v.kind AS kind,
    r.tx_bytes AS tx_bytes, r.rx_bytes AS rx_bytes,
    r.tx_packets AS tx_packets, r.rx_packets AS rx_packets,
    r.tx_payload_bytes AS tx_payload_bytes, r.rx_payload_bytes AS rx_payload_bytes,
    r.tx_bytes + r.rx_bytes AS total_bytes
FROM interval i
CROSS JOIN usage_raw r ON r.interval = i.id
CROSS JOIN v_account v ON v.account = r.account;

-- Use by day, user, project, class, protocol and family, as far back as days are kept, up to the last interval. Days begin at
-- midnight in the site's time zone (table zone). A key may have several rows: sum them.
--     SELECT day, sum(rx_bytes) FROM v_day WHERE project = 'physics' AND class = 'external' GROUP BY day;
CREATE VIEW v_day AS
SELECT l.label AS day, l.start_sec AS start_sec,
    coalesce(u.name, 'uid ' || u.uid) AS user, u.uid AS uid,
    coalesce(p.name, 'gid ' || p.gid) AS project,
    coalesce(c.name, 'class ' || l.class) AS class,
    coalesce(o.name, 'proto ' || l.protocol) AS protocol,
    l.family AS family,
    l.tx_bytes AS tx_bytes, l.rx_bytes AS rx_bytes,
    l.tx_packets AS tx_packets, l.rx_packets AS rx_packets,
    l.tx_payload_bytes AS tx_payload_bytes, l.rx_payload_bytes AS rx_payload_bytes,
    l.tx_bytes + l.rx_bytes AS total_bytes
FROM (
    SELECT b.label AS label, b.start_sec AS start_sec, r.user AS user, r.project AS project, r.class AS class,
        r.protocol AS protocol, r.family AS family,
        r.tx_bytes AS tx_bytes, r.rx_bytes AS rx_bytes, r.tx_packets AS tx_packets, r.rx_packets AS rx_packets,
        r.tx_payload_bytes AS tx_payload_bytes, r.rx_payload_bytes AS rx_payload_bytes
    FROM bucket b
    CROSS JOIN usage_day r ON r.start_sec = b.start_sec
    WHERE b.level = 3
    UNION ALL
    SELECT coalesce(b.label, strftime('%Y-%m-%d', i.start_sec, 'unixepoch', 'localtime')), coalesce(b.start_sec, i.start_sec),
        a.user, a.project, a.class, a.protocol, a.family,
        r.tx_bytes, r.rx_bytes, r.tx_packets, r.rx_packets, r.tx_payload_bytes, r.rx_payload_bytes
    FROM interval i
    LEFT JOIN bucket b ON b.level = 3 AND b.start_sec <= i.start_sec AND b.end_sec > i.start_sec
    CROSS JOIN usage_raw r ON r.interval = i.id
    CROSS JOIN account a ON a.id = r.account
    WHERE i.id > (SELECT rolled FROM rollup)
) l
CROSS JOIN user u ON u.id = l.user
CROSS JOIN project p ON p.id = l.project
LEFT JOIN class c ON c.id = l.class
LEFT JOIN protocol o ON o.id = l.protocol;

-- The same by month of the site.
CREATE VIEW v_month AS
SELECT l.label AS month, l.start_sec AS start_sec,
    coalesce(u.name, 'uid ' || u.uid) AS user, u.uid AS uid,
    coalesce(p.name, 'gid ' || p.gid) AS project,
    coalesce(c.name, 'class ' || l.class) AS class,
    coalesce(o.name, 'proto ' || l.protocol) AS protocol,
    l.family AS family,
    l.tx_bytes AS tx_bytes, l.rx_bytes AS rx_bytes,
    l.tx_packets AS tx_packets, l.rx_packets AS rx_packets,
    l.tx_payload_bytes AS tx_payload_bytes, l.rx_payload_bytes AS rx_payload_bytes,
    l.tx_bytes + l.rx_bytes AS total_bytes
FROM (
    SELECT b.label AS label, b.start_sec AS start_sec, r.user AS user, r.project AS project, r.class AS class,
        r.protocol AS protocol, r.family AS family,
        r.tx_bytes AS tx_bytes, r.rx_bytes AS rx_bytes, r.tx_packets AS tx_packets, r.rx_packets AS rx_packets,
        r.tx_payload_bytes AS tx_payload_bytes, r.rx_payload_bytes AS rx_payload_bytes
    FROM bucket b
    CROSS JOIN usage_month r ON r.start_sec = b.start_sec
    WHERE b.level = 4
    UNION ALL
    SELECT coalesce(b.label, strftime('%Y-%m', i.start_sec, 'unixepoch', 'localtime')), coalesce(b.start_sec, i.start_sec),
        a.user, a.project, a.class, a.protocol, a.family,
        r.tx_bytes, r.rx_bytes, r.tx_packets, r.rx_packets, r.tx_payload_bytes, r.rx_payload_bytes
    FROM interval i
    LEFT JOIN bucket b ON b.level = 4 AND b.start_sec <= i.start_sec AND b.end_sec > i.start_sec
    CROSS JOIN usage_raw r ON r.interval = i.id
    CROSS JOIN account a ON a.id = r.account
    WHERE i.id > (SELECT rolled FROM rollup)
) l
CROSS JOIN user u ON u.id = l.user
CROSS JOIN project p ON p.id = l.project
LEFT JOIN class c ON c.id = l.class
LEFT JOIN protocol o ON o.id = l.protocol;

-- Use by person and day, all classes. The last week's ten largest:
--     SELECT user, sum(total_bytes) AS bytes FROM v_user_day
--     WHERE day >= date('now', 'localtime', '-7 days') GROUP BY user, uid ORDER BY bytes DESC LIMIT 10;
CREATE VIEW v_user_day AS
SELECT day,
    user, uid,
    sum(tx_bytes) AS tx_bytes, sum(rx_bytes) AS rx_bytes,
    sum(tx_packets) AS tx_packets, sum(rx_packets) AS rx_packets,
    sum(tx_payload_bytes) AS tx_payload_bytes, sum(rx_payload_bytes) AS rx_payload_bytes,
    sum(total_bytes) AS total_bytes
FROM v_day
GROUP BY day, user, uid;

-- The same by month. Everybody in November 2026:
--     SELECT user, total_bytes FROM v_user_month WHERE month = '2026-11' ORDER BY total_bytes DESC;
CREATE VIEW v_user_month AS
SELECT month,
    user, uid,
    sum(tx_bytes) AS tx_bytes, sum(rx_bytes) AS rx_bytes,
    sum(tx_packets) AS tx_packets, sum(rx_packets) AS rx_packets,
    sum(tx_payload_bytes) AS tx_payload_bytes, sum(rx_payload_bytes) AS rx_payload_bytes,
    sum(total_bytes) AS total_bytes
FROM v_month
GROUP BY month, user, uid;

-- Use by project and month, by class since allocations often count the external one alone:
--     SELECT project, sum(total_bytes) FROM v_project_month WHERE month = '2026-11' AND class = 'external' GROUP BY project;
CREATE VIEW v_project_month AS
SELECT month,
    project, class,
    sum(tx_bytes) AS tx_bytes, sum(rx_bytes) AS rx_bytes,
    sum(tx_packets) AS tx_packets, sum(rx_packets) AS rx_packets,
    sum(tx_payload_bytes) AS tx_payload_bytes, sum(rx_payload_bytes) AS rx_payload_bytes,
    sum(total_bytes) AS total_bytes
FROM v_month
GROUP BY month, project, class;

-- Allocations with what is used in the period that is running. Its beginning is that of the asker's time zone; what is used
-- comes from days, and from months where days have expired. Who has used more than 80 %:
--     SELECT name, used_percent FROM v_allocation WHERE used_percent > 80;
CREATE VIEW v_allocation AS
WITH running AS (
    SELECT a.*,
        CAST(strftime('%s', date('now', 'localtime', '-' || (a.billing_day - 1) || ' days',
            CASE a.period WHEN 'year' THEN 'start of year' ELSE 'start of month' END,
            CASE a.period WHEN 'quarter' THEN '-' || ((CAST(strftime('%m', 'now', 'localtime',
                '-' || (a.billing_day - 1) || ' days') AS INTEGER) - 1) % 3) || ' months' ELSE '+0 days' END,
            '+' || (a.billing_day - 1) || ' days'), 'utc') AS INTEGER) AS since_sec
    FROM allocation a
), used AS (
    SELECT a.id AS id,
        coalesce((
            SELECT sum(CASE a.direction WHEN 'tx' THEN d.tx_bytes WHEN 'rx' THEN d.rx_bytes ELSE d.total_bytes END)
            FROM (
                SELECT start_sec, user, uid, project, class, tx_bytes, rx_bytes, total_bytes FROM v_day
                WHERE NOT EXISTS (SELECT 1 FROM bucket b WHERE b.level = 4 AND NOT b.whole
                    AND b.start_sec <= v_day.start_sec AND b.end_sec > v_day.start_sec)
                UNION ALL
                SELECT start_sec, user, uid, project, class, tx_bytes, rx_bytes, total_bytes FROM v_month
                WHERE start_sec IN (SELECT start_sec FROM bucket WHERE level = 4 AND NOT whole)
            ) d
            WHERE d.start_sec >= a.since_sec
                AND CASE a.subject WHEN 'user' THEN d.user = a.name ELSE d.project = a.name END
                AND (NOT EXISTS (SELECT 1 FROM allocation_class k WHERE k.allocation = a.id)
                    OR d.class IN (SELECT c.name FROM allocation_class k JOIN class c ON c.id = k.class
                        WHERE k.allocation = a.id))
        ), 0) AS used_bytes
    FROM running a
)
SELECT a.id AS id, a.subject AS subject, a.name AS name, a.period AS period, a.direction AS direction,
    coalesce((SELECT group_concat(c.name, ', ') FROM allocation_class k JOIN class c ON c.id = k.class
        WHERE k.allocation = a.id), 'all') AS classes,
    a.since_sec AS since_sec,
    date(a.since_sec, 'unixepoch', 'localtime') AS since,
    a.limit_bytes AS limit_bytes,
    u.used_bytes AS used_bytes,
    a.limit_bytes - u.used_bytes AS remaining_bytes,
    CASE WHEN a.limit_bytes > 0 THEN round(100.0 * u.used_bytes / a.limit_bytes, 2) END AS used_percent
FROM running a
JOIN used u ON u.id = a.id;

-- How much of each day was counted, for days in which anything was. The gaps that touch it are named.
--     SELECT day, percent, gaps FROM v_coverage WHERE percent < 99;
CREATE VIEW v_coverage AS
WITH ends AS (
    SELECT (SELECT min(first_sec) FROM ledger) AS first_sec, (SELECT end_sec FROM interval ORDER BY id DESC LIMIT 1) AS last_sec
), day AS (
    SELECT b.label AS day, b.start_sec AS start_sec, b.end_sec AS end_sec,
        1000 * max(min(b.end_sec, e.last_sec) - max(b.start_sec, e.first_sec), 0) AS expected_ms,
        b.seen_ms + coalesce((SELECT sum(i.duration_ms) FROM interval i WHERE i.id > (SELECT rolled FROM rollup)
            AND +i.start_sec >= b.start_sec AND +i.start_sec < b.end_sec), 0) AS seen_ms
    FROM bucket b CROSS JOIN ends e
    WHERE b.level = 3
)
SELECT day, start_sec, end_sec, expected_ms, seen_ms,
    CASE WHEN expected_ms > 0 THEN min(round(100.0 * seen_ms / expected_ms, 2), 100.0) END AS percent,
    (SELECT group_concat(DISTINCT g.reason) FROM gap g WHERE g.end_sec > day.start_sec AND g.start_sec < day.end_sec) AS gaps
FROM day;

-- Connections (and flows of UDP), as long as they are kept, with all that each moved in its life. start and end are in the
-- asker's time zone; end and ended are NULL while it is open. What process calls itself may hold any character: look at it with
-- hex() or quote() where that matters. Who talked to an address, and how much:
--     SELECT user, process, sum(total_bytes) FROM v_connection WHERE remote_address = '203.0.113.7' GROUP BY user, process;
CREATE VIEW v_connection AS
SELECT c.id AS connection,
    v.user AS user, v.uid AS uid, v.project AS project, v.gid AS gid,
    v.unit AS unit, v.unit_path AS unit_path,
    v.class AS class, v.protocol AS protocol, v.family AS family,
    CASE c.initiative WHEN 1 THEN 'out' WHEN 2 THEN 'in' ELSE '' END AS initiative,
    l.address AS local_address, c.local_port AS local_port,
    r.address AS remote_address, c.remote_port AS remote_port,
    c.pid AS pid, p.name AS process, p.cgroup AS cgroup,
    datetime(c.start_ms / 1000, 'unixepoch', 'localtime') AS start,
    CASE WHEN c.ended NOT NULL THEN datetime(c.end_ms / 1000, 'unixepoch', 'localtime') END AS end,
    c.ended AS ended,
    c.start_ms AS start_ms,
    CASE WHEN c.ended NOT NULL THEN c.end_ms END AS end_ms,
    max(c.end_ms - c.start_ms, 0) AS duration_ms,
    c.tx_bytes AS tx_bytes, c.rx_bytes AS rx_bytes,
    c.tx_packets AS tx_packets, c.rx_packets AS rx_packets,
    c.tx_payload_bytes AS tx_payload_bytes, c.rx_payload_bytes AS rx_payload_bytes,
    c.tx_bytes + c.rx_bytes AS total_bytes,
    c.retransmits AS retransmits, c.srtt_us AS srtt_us
FROM connection c
CROSS JOIN v_account v ON v.account = c.account
CROSS JOIN address l ON l.id = c.local
CROSS JOIN address r ON r.id = c.remote
CROSS JOIN process p ON p.id = c.process;

-- What each interface carried on each day: by the kernel's own counters (kind kernel, with the link layer's headers), and by
-- the interface layer, whose kinds add up to what it carried in L3 bytes. Which of it was no socket's:
--     SELECT day, interface, kind, tx_bytes, rx_bytes FROM v_interface_day WHERE kind NOT IN ('kernel', 'socket');
CREATE VIEW v_interface_day AS
WITH added AS (
    SELECT key AS start_sec, interface, kind, tx_bytes, rx_bytes, tx_packets, rx_packets
    FROM interface_usage WHERE level = 3
    UNION ALL
    SELECT (SELECT max(b.start_sec) FROM bucket b WHERE b.level = 3 AND b.start_sec <= i.start_sec),
        u.interface, u.kind, u.tx_bytes, u.rx_bytes, u.tx_packets, u.rx_packets
    FROM interval i JOIN interface_usage u ON u.level = 0 AND u.key = i.id
    WHERE i.id > (SELECT rolled FROM rollup)
)
SELECT b.label AS day, a.start_sec AS start_sec, n.name AS interface, a.kind AS kind, sum(a.tx_bytes) AS tx_bytes,
    sum(a.rx_bytes) AS rx_bytes, sum(a.tx_packets) AS tx_packets, sum(a.rx_packets) AS rx_packets
FROM added a
JOIN interface n ON n.id = a.interface
LEFT JOIN bucket b ON b.level = 3 AND b.start_sec = a.start_sec
WHERE a.interface > 0
GROUP BY a.start_sec, a.interface, a.kind;

-- What each policy let pass and dropped on each day, in wire bytes, beside the ledger: what was dropped is booked to nobody.
--     SELECT day, policy, packets_dropped FROM v_policy WHERE policy = 'scan';
CREATE VIEW v_policy AS
WITH added AS (
    SELECT key AS start_sec, policy, bytes_passed, bytes_dropped, packets_passed, packets_dropped
    FROM policy_usage WHERE level = 3
    UNION ALL
    SELECT (SELECT max(b.start_sec) FROM bucket b WHERE b.level = 3 AND b.start_sec <= i.start_sec),
        u.policy, u.bytes_passed, u.bytes_dropped, u.packets_passed, u.packets_dropped
    FROM interval i JOIN policy_usage u ON u.level = 0 AND u.key = i.id
    WHERE i.id > (SELECT rolled FROM rollup)
)
SELECT b.label AS day, a.start_sec AS start_sec, n.name AS policy,
    sum(a.bytes_passed) + sum(a.bytes_dropped) AS bytes_total, sum(a.bytes_passed) AS bytes_passed,
    sum(a.bytes_dropped) AS bytes_dropped, sum(a.packets_passed) + sum(a.packets_dropped) AS packets_total,
    sum(a.packets_passed) AS packets_passed, sum(a.packets_dropped) AS packets_dropped
FROM added a
JOIN policy_name n ON n.id = a.policy
LEFT JOIN bucket b ON b.level = 3 AND b.start_sec = a.start_sec
GROUP BY a.start_sec, a.policy;

-- Packets that were drawn, one a row. How many a row stands for says sample_interval: seen / drawn of its time.
--     SELECT time, source, source_port, destination, destination_port, length FROM v_packet_sample WHERE tcp_flags & 2;
CREATE VIEW v_packet_sample AS
SELECT datetime(p.time_ns / 1000000000, 'unixepoch', 'localtime') AS time, p.time_ns AS time_ns,
    p.interface AS interface, p.direction AS direction, p.kind AS kind,
    CASE WHEN p.uid >= 0 THEN coalesce(u.name, 'uid ' || p.uid) END AS user,
    CASE WHEN p.uid >= 0 THEN p.uid END AS uid, CASE WHEN p.gid >= 0 THEN p.gid END AS gid,
    coalesce(o.name, 'proto ' || p.protocol) AS protocol, p.family AS family,
    p.src_ip AS source, p.src_port AS source_port, p.dst_ip AS destination, p.dst_port AS destination_port,
    p.packet_len AS length, p.segments AS segments,
    p.seq_num AS seq_num, p.ack_num AS ack_num, p.tcp_flags AS tcp_flags, p.head AS head
FROM packet_sample p
LEFT JOIN user u ON u.id = p.user
LEFT JOIN protocol o ON o.id = p.protocol;

-- Packets that policies dropped, one a row, as far as each told of them: how many in all says v_policy.
--     SELECT time, source, destination, destination_port FROM v_policy_event WHERE policy = 'scan' ORDER BY time_ns DESC LIMIT 20;
CREATE VIEW v_policy_event AS
SELECT datetime(e.time_ns / 1000000000, 'unixepoch', 'localtime') AS time, e.time_ns AS time_ns,
    n.name AS policy, e.action AS action, e.direction AS direction,
    CASE WHEN e.uid >= 0 THEN coalesce(u.name, 'uid ' || e.uid) END AS user, CASE WHEN e.uid >= 0 THEN e.uid END AS uid,
    coalesce(o.name, 'proto ' || e.protocol) AS protocol, e.family AS family,
    e.src_ip AS source, e.src_port AS source_port, e.dst_ip AS destination, e.dst_port AS destination_port,
    e.packet_size AS length, e.packets AS packets
FROM policy_event e
JOIN policy_name n ON n.id = e.policy
LEFT JOIN user u ON u.id = e.user
LEFT JOIN protocol o ON o.id = e.protocol;
