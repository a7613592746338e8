-- What a salvaged database needs to be one again, after as many rows as possible were copied into it. What referred to rows that
-- are lost gets stand-ins named (salvaged), so that no byte disappears from sums because a name did.

INSERT INTO user SELECT max(id) + 1, -3, '(salvaged)', 0, 0, 0 FROM user;
INSERT INTO project SELECT max(id) + 1, -3, '(salvaged)', 0, 0, 0 FROM project;
INSERT OR IGNORE INTO user
SELECT user, -3, '(salvaged)', 0, 0, 0 FROM (SELECT user FROM usage_5min UNION SELECT user FROM usage_hour
    UNION SELECT user FROM usage_day UNION SELECT user FROM usage_month UNION SELECT user FROM account);
INSERT OR IGNORE INTO project
SELECT project, -3, '(salvaged)', 0, 0, 0 FROM (SELECT project FROM usage_5min UNION SELECT project FROM usage_hour
    UNION SELECT project FROM usage_day UNION SELECT project FROM usage_month UNION SELECT project FROM account);
-- The gid makes each of them unique.
INSERT OR IGNORE INTO account
SELECT r.account, r.uid, -1000000 - r.account, 0, coalesce((SELECT max(id) FROM user u WHERE u.uid = r.uid),
    (SELECT max(id) FROM user WHERE uid = -3)), (SELECT max(id) FROM project WHERE gid = -3), 0, 0, 0, 0
FROM usage_raw r LEFT JOIN account a ON a.id = r.account
WHERE a.id IS NULL
GROUP BY r.account;
INSERT OR IGNORE INTO interval
SELECT r.interval, 0, -r.interval, 0, 1, coalesce((SELECT max(end_sec) FROM interval i WHERE i.id < r.interval), 0),
    coalesce((SELECT max(end_sec) FROM interval i WHERE i.id < r.interval), 0), 0, sum(r.tx_bytes), sum(r.rx_bytes),
    sum(r.tx_packets), sum(r.rx_packets), sum(r.tx_payload_bytes), sum(r.rx_payload_bytes), 0
FROM usage_raw r LEFT JOIN interval i ON i.id = r.interval
WHERE i.id IS NULL
GROUP BY r.interval;

-- Connections. Triggers counted uses of addresses and processes while rows came in whatever order. What a lost connection moved
-- stays in the ledger, where reports show it as (other).
INSERT OR IGNORE INTO account
SELECT DISTINCT account, -3, -1000000 - account, 0, (SELECT max(id) FROM user WHERE uid = -3),
    (SELECT max(id) FROM project WHERE gid = -3), 0, 0, 0, 0
FROM connection;
INSERT OR IGNORE INTO address
SELECT id, '(salvaged ' || id || ')', 0 FROM (SELECT local AS id FROM connection UNION SELECT remote FROM connection);
INSERT OR IGNORE INTO process SELECT DISTINCT process, '(salvaged ' || process || ')', '', 0 FROM connection;
CREATE TEMP TABLE salvage_uses (id INTEGER PRIMARY KEY, uses INTEGER);
INSERT INTO salvage_uses
SELECT id, count(*) FROM (SELECT local AS id FROM connection UNION ALL SELECT remote FROM connection) GROUP BY id;
UPDATE address SET uses = coalesce((SELECT s.uses FROM salvage_uses s WHERE s.id = address.id), 0);
DELETE FROM address WHERE uses = 0;
DELETE FROM salvage_uses;
INSERT INTO salvage_uses SELECT process, count(*) FROM connection GROUP BY process;
UPDATE process SET uses = coalesce((SELECT s.uses FROM salvage_uses s WHERE s.id = process.id), 0);
DELETE FROM process WHERE uses = 0;
DROP TABLE salvage_uses;
DELETE FROM connection_usage WHERE connection NOT IN (SELECT id FROM connection);

-- Which epochs are booked: at least those whose intervals are here.
INSERT INTO ledger
SELECT ledger, max(epoch), min(start_sec), max(start_sec) FROM interval WHERE ledger <> 0 GROUP BY ledger
ON CONFLICT (id) DO UPDATE SET last_epoch = max(last_epoch, excluded.last_epoch);

-- The watermark, where it was lost: what began within a bucket that was rolled up.
UPDATE rollup SET rolled = coalesce((SELECT max(id) FROM interval
    WHERE start_sec < (SELECT max(start_sec) + 300 FROM bucket WHERE level = 1 AND seen_ms > 0)), 0)
WHERE rolled = 0;

-- Interfaces, beside the ledger: a coarser row that is lost is the sum of the finer ones.
INSERT OR IGNORE INTO interface
SELECT interface, '(salvaged ' || interface || ')', 0, 0
FROM (SELECT interface FROM interface_usage UNION SELECT interface FROM interface_meter);
INSERT OR IGNORE INTO interface_usage
SELECT 1, b.start_sec, u.interface, u.kind, sum(u.tx_bytes), sum(u.rx_bytes), sum(u.tx_packets), sum(u.rx_packets)
FROM interval i JOIN bucket b ON b.level = 1 AND b.whole AND b.start_sec = (SELECT max(start_sec) FROM bucket
    WHERE level = 1 AND start_sec <= i.start_sec) AND b.end_sec > i.start_sec
JOIN interface_usage u ON u.level = 0 AND u.key = i.id
WHERE i.id <= (SELECT rolled FROM rollup)
GROUP BY 2, 3, 4;

-- Policies, the same.
INSERT OR IGNORE INTO policy_name
SELECT policy, '(salvaged ' || policy || ')', 0, 0
FROM (SELECT policy FROM policy_usage UNION SELECT policy FROM policy_meter UNION SELECT policy FROM policy_event);
INSERT OR IGNORE INTO policy_usage
SELECT 1, b.start_sec, u.policy, sum(u.bytes_passed), sum(u.bytes_dropped), sum(u.packets_passed), sum(u.packets_dropped)
FROM interval i JOIN bucket b ON b.level = 1 AND b.whole AND b.start_sec = (SELECT max(start_sec) FROM bucket
    WHERE level = 1 AND start_sec <= i.start_sec) AND b.end_sec > i.start_sec
JOIN policy_usage u ON u.level = 0 AND u.key = i.id
WHERE i.id <= (SELECT rolled FROM rollup)
GROUP BY 2, 3;
