-- Policies: those that were given while pdttd ran, and what each let pass and dropped, beside the ledger and never added to it.

-- What was given over the control socket and is to be in force after a restart as well. Those of the configuration are not here.
CREATE TABLE policy (
    position INTEGER PRIMARY KEY,   -- in the list, from 0
    name TEXT NOT NULL UNIQUE,
    words TEXT NOT NULL,            -- 'scan action=block remote=203.0.113.0/24', as pdttctl policy add takes it
    origin TEXT NOT NULL,           -- pdttctl, or connection: that of an administrator, which is protected
    since_sec INTEGER NOT NULL
) STRICT;

-- Every policy that ever let pass or dropped something, by its name, also of the configuration.
CREATE TABLE policy_name (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    first_sec INTEGER NOT NULL,
    last_sec INTEGER NOT NULL
) STRICT;

-- The counters of those in force as they were read last: what an interval adds is what they are ahead of this.
CREATE TABLE policy_meter (
    identity INTEGER PRIMARY KEY,   -- random: of a name from its coming in force to its going
    policy INTEGER NOT NULL REFERENCES policy_name (id),
    bytes_passed INTEGER NOT NULL,
    bytes_dropped INTEGER NOT NULL,
    packets_passed INTEGER NOT NULL,
    packets_dropped INTEGER NOT NULL
) STRICT;

-- By level and bucket, as interface_usage is. Wire bytes, of packets that the policy decided, or saw if it observes.
CREATE TABLE policy_usage (
    level INTEGER NOT NULL,
    key INTEGER NOT NULL,
    policy INTEGER NOT NULL REFERENCES policy_name (id),
    bytes_passed INTEGER NOT NULL,
    bytes_dropped INTEGER NOT NULL,
    packets_passed INTEGER NOT NULL,
    packets_dropped INTEGER NOT NULL,
    PRIMARY KEY (level, key, policy)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 8;
