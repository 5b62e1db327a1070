ALTER TABLE eurostat.datasets
    ADD COLUMN offered_data timestamptz,
    ADD COLUMN offered_structure timestamptz,
    ADD COLUMN offered_rows bigint,
    ADD COLUMN checked_at timestamptz,
    ADD COLUMN note text,
    ADD COLUMN waiting_since timestamptz,
    ADD COLUMN failures integer NOT NULL DEFAULT 0,
    ADD COLUMN next_attempt_at timestamptz,
    ADD COLUMN withdrawn_at timestamptz,
    ADD COLUMN excluded text,
    ADD COLUMN route text,
    ADD COLUMN state text NOT NULL GENERATED ALWAYS AS (
        CASE
            WHEN withdrawn_at IS NOT NULL THEN 'withdrawn'
            WHEN excluded IS NOT NULL THEN 'excluded'
            WHEN release IS NOT NULL
                AND coalesce(offered_data <= data_updated, true)
                AND coalesce(offered_structure <= structure_updated, true) THEN 'current'
            WHEN error IS NOT NULL THEN 'failed'
            WHEN release IS NULL THEN 'new'
            ELSE 'stale'
        END
    ) STORED;
COMMENT ON TABLE eurostat.datasets IS
    'One row per dataset of the mirror: where it stands, the release that readers see now, and the last failure since.';
COMMENT ON COLUMN eurostat.datasets.state IS
    'new: never published; current; stale: Eurostat has a newer release; failed: neither could be brought up to date;'
    ' withdrawn: gone from Eurostat, kept here; excluded: not wanted here, see excluded.';
COMMENT ON COLUMN eurostat.datasets.offered_data IS
    'When the data last changed at Eurostat, as far as feed, inventory and the dataset itself told us.';
COMMENT ON COLUMN eurostat.datasets.offered_structure IS 'The same of the structure.';
COMMENT ON COLUMN eurostat.datasets.offered_rows IS 'Observations, as the table of contents counts them.';
COMMENT ON COLUMN eurostat.datasets.checked_at IS
    'When the source itself was last asked or read and what is published here was found to be its newest release.';
COMMENT ON COLUMN eurostat.datasets.note IS 'Why it has to wait though nothing failed.';
COMMENT ON COLUMN eurostat.datasets.waiting_since IS 'When the first of the waits began that no success has ended yet.';
COMMENT ON COLUMN eurostat.datasets.failures IS 'In a row, since the last success.';
COMMENT ON COLUMN eurostat.datasets.next_attempt_at IS 'Not tried again before that by itself; null: at once when it is due.';
COMMENT ON COLUMN eurostat.datasets.route IS 'How it was had: whole, in slices, or as sdmx-csv.';

CREATE TABLE eurostat.polls (
    source text PRIMARY KEY,
    succeeded_at timestamptz,
    failed_at timestamptz,
    error text,
    failures integer NOT NULL DEFAULT 0,
    found jsonb NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE eurostat.polls IS
    'When Eurostat was last asked for news: its feed, and the sweep over its whole inventory. An outage is not "nothing new".';
COMMENT ON COLUMN eurostat.polls.error IS 'Of the last time; null where that succeeded.';
COMMENT ON COLUMN eurostat.polls.failures IS 'In a row, since the last success.';
