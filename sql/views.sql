-- The stable interface for SQL, made anew after each migration. Open the database read-only when you use it:
--     sqlite3 -readonly /var/lib/pdtt/pdtt.db
-- tx and rx are seen from this host: tx left it, rx reached it. total_bytes = tx_bytes + rx_bytes, on the wire.

DROP VIEW IF EXISTS v_user_month;
DROP VIEW IF EXISTS v_user_day;
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
    coalesce(c.name, 'class ' || a.class) AS class,
    coalesce(r.name, 'proto ' || a.protocol) AS protocol,
    a.family AS family,
    CASE a.kind WHEN 0 THEN 'user' WHEN 1 THEN 'kernel' WHEN 2 THEN 'unattributed' WHEN 3 THEN 'overflow' END AS kind
FROM account a
JOIN user u ON u.id = a.user
JOIN project p ON p.id = a.project
LEFT JOIN class c ON c.id = a.class
LEFT JOIN protocol r ON r.id = a.protocol;

-- Every booked row. What alice sent and received outside in the last hour:
--     SELECT sum(tx_bytes), sum(rx_bytes) FROM v_usage
--     WHERE user = 'alice' AND class = 'external' AND start_time >= datetime('now', 'localtime', '-1 hour');
CREATE VIEW v_usage AS
SELECT i.id AS interval,
    i.start_sec AS start_sec,
    i.end_sec AS end_sec,
    datetime(i.start_sec, 'unixepoch', 'localtime') AS start_time,
    v.user AS user, v.uid AS uid, v.project AS project, v.gid AS gid, v.unit AS unit,
    v.class AS class, v.protocol AS protocol, v.family AS family, v.kind AS kind,
    r.tx_bytes AS tx_bytes, r.rx_bytes AS rx_bytes,
    r.tx_packets AS tx_packets, r.rx_packets AS rx_packets,
    r.tx_payload_bytes AS tx_payload_bytes, r.rx_payload_bytes AS rx_payload_bytes,
    r.tx_bytes + r.rx_bytes AS total_bytes
FROM interval i
CROSS JOIN usage_raw r ON r.interval = i.id
CROSS JOIN v_account v ON v.account = r.account;

-- Use by person and day, all classes; days begin at midnight in the time zone of whoever asks. The last week's ten largest:
--     SELECT user, sum(total_bytes) AS bytes FROM v_user_day
--     WHERE day >= date('now', 'localtime', '-7 days') GROUP BY user, uid ORDER BY bytes DESC LIMIT 10;
CREATE VIEW v_user_day AS
SELECT date(start_sec, 'unixepoch', 'localtime') AS day,
    user, uid,
    sum(tx_bytes) AS tx_bytes, sum(rx_bytes) AS rx_bytes,
    sum(tx_packets) AS tx_packets, sum(rx_packets) AS rx_packets,
    sum(tx_payload_bytes) AS tx_payload_bytes, sum(rx_payload_bytes) AS rx_payload_bytes,
    sum(total_bytes) AS total_bytes
FROM v_usage
GROUP BY day, user, uid;

-- The same by month. Everybody in November 2026:
--     SELECT user, total_bytes FROM v_user_month WHERE month = '2026-11' ORDER BY total_bytes DESC;
CREATE VIEW v_user_month AS
SELECT strftime('%Y-%m', start_sec, 'unixepoch', 'localtime') AS month,
    user, uid,
    sum(tx_bytes) AS tx_bytes, sum(rx_bytes) AS rx_bytes,
    sum(tx_packets) AS tx_packets, sum(rx_packets) AS rx_packets,
    sum(tx_payload_bytes) AS tx_payload_bytes, sum(rx_payload_bytes) AS rx_payload_bytes,
    sum(total_bytes) AS total_bytes
FROM v_usage
GROUP BY month, user, uid;
