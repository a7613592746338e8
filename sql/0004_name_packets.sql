-- Frames that a process sends past IP (AF_PACKET) have no IP protocol; their number is one that IANA cannot give to any.

INSERT INTO protocol VALUES (256, 'packet');

PRAGMA user_version = 4;
