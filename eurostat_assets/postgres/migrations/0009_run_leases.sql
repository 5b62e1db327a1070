CREATE TABLE eurostat.run_leases (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id text NOT NULL UNIQUE,
    kind text NOT NULL CHECK (kind IN ('daemon', 'sync', 'repair')),
    dataset text,
    host text NOT NULL,
    pid integer NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    heartbeat_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    expired_at timestamptz,
    reported boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE eurostat.run_leases IS
    'One row for each Dagster run at work: the process that executes it renews expires_at every few seconds and, on a'
    ' session of its own, holds the advisory lock (1702195811, id). Without both, the run is dead.';
COMMENT ON COLUMN eurostat.run_leases.run_id IS 'Of the Dagster run.';
COMMENT ON COLUMN eurostat.run_leases.dataset IS 'What the run is for; null: no single dataset.';
COMMENT ON COLUMN eurostat.run_leases.pid IS 'On that host; for people, nothing is decided by it.';
COMMENT ON COLUMN eurostat.run_leases.expired_at IS
    'When the run was found dead. Its process, should it still be there, interrupts itself when it sees this.';
COMMENT ON COLUMN eurostat.run_leases.reported IS 'Whether Dagster knows of it.';
