-- Which thresholds of an allocation were told to somebody, once in each period. By what the allocation is and not by its place in
-- the configuration: one whose limit is changed stays the same.

CREATE TABLE notice (
    since_sec INTEGER NOT NULL,     -- when the period began
    subject TEXT NOT NULL,          -- user or project
    name TEXT NOT NULL,
    period TEXT NOT NULL,           -- month, quarter or year
    billing_day INTEGER NOT NULL,
    direction TEXT NOT NULL,
    classes TEXT NOT NULL,          -- names in order, separated by a comma; '' is all of them
    threshold INTEGER NOT NULL,     -- percent of the limit
    passed_sec INTEGER NOT NULL,    -- when it was seen that so much is used
    told_with INTEGER NOT NULL,     -- the threshold whose notice tells of this one too: this one, or a higher one
    attempts INTEGER NOT NULL,      -- times that the command was begun for this threshold
    told_sec INTEGER,               -- when the command had ended well; NULL: it has not
    result TEXT NOT NULL,           -- how it ended last; '' while it runs, or if pdttd ended before it
    PRIMARY KEY (since_sec, subject, name, period, billing_day, direction, classes, threshold)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 6;
