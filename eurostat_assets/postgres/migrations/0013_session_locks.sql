-- Locks that last as long as a session and that only our own roles can take (session_locks.py). After a crash of the server
-- no session is left, so these rows need not outlive it.

CREATE UNLOGGED TABLE eurostat.session_locks (
    name text PRIMARY KEY,
    key bigint,
    role oid,
    taken_at timestamptz
);
COMMENT ON TABLE eurostat.session_locks IS
    'Who works alone on what: the session of this role that holds the advisory lock with this key. The row stays when the'
    ' session has ended; eurostat.held_locks has only those that are held.';
COMMENT ON COLUMN eurostat.session_locks.name IS
    'dataset:CODE is being published, bulk:SCHEMA.TABLE loaded, run:ID is a Dagster run at work, alarms are being sent.';
COMMENT ON COLUMN eurostat.session_locks.key IS 'Chosen at random each time it is taken.';

CREATE VIEW eurostat.held_locks AS
SELECT name, pid, usename, application_name, taken_at
FROM eurostat.session_locks
JOIN pg_catalog.pg_locks ON locktype = 'advisory' AND granted AND mode = 'ExclusiveLock' AND objsubid = 1
    AND (classid::bigint << 32) | objid::bigint = key
    AND pg_locks.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
JOIN pg_catalog.pg_stat_activity USING (pid)
WHERE usesysid = role;
COMMENT ON VIEW eurostat.held_locks IS 'The locks that are held now, and the session that holds each.';

COMMENT ON TABLE eurostat.run_leases IS
    'One row for each Dagster run at work: the process that executes it renews expires_at every few seconds and, on a'
    ' session of its own, holds the lock run:ID (eurostat.held_locks). Without both, the run is dead.';
