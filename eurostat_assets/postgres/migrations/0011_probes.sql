-- Who told of a release, which runs were requested, and which datasets Eurostat does not answer for.

ALTER TABLE eurostat.datasets
    ADD found_by text,
    ADD requested_at timestamptz,
    ADD probe_error text,
    ADD probe_failures integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN eurostat.datasets.found_by IS
    'What told of the newest release: sweep, or the feed item with its category and time in UTC.';
COMMENT ON COLUMN eurostat.datasets.requested_at IS 'When the feed''s sensor last requested a run.';
COMMENT ON COLUMN eurostat.datasets.probe_error IS
    'The feed tells of news, and Eurostat''s answer about this dataset''s dates was this error; null after the next good answer.';
COMMENT ON COLUMN eurostat.datasets.probe_failures IS 'In a row, since the last good answer.';

-- While the dates cannot be had, nobody knows that a dataset is current.
DROP VIEW eurostat.freshness; -- made again below
ALTER TABLE eurostat.datasets DROP COLUMN state;
ALTER TABLE eurostat.datasets ADD COLUMN state text NOT NULL GENERATED ALWAYS AS (
    CASE
        WHEN withdrawn_at IS NOT NULL THEN 'withdrawn'
        WHEN excluded IS NOT NULL THEN 'excluded'
        WHEN release IS NOT NULL AND probe_error IS NULL
            AND coalesce(offered_data <= data_updated, true)
            AND coalesce(offered_structure <= structure_updated, true) THEN 'current'
        WHEN error IS NOT NULL THEN 'failed'
        WHEN release IS NULL THEN 'new'
        ELSE 'stale'
    END
) STORED;
COMMENT ON COLUMN eurostat.datasets.state IS
    'new: never published; current; stale: Eurostat has a newer release, or tells of one and does not answer for it;'
    ' failed: neither could be brought up to date; withdrawn: gone from Eurostat, kept here; excluded: not wanted here.';

CREATE VIEW eurostat.freshness AS
SELECT
    dataset,
    known.title,
    state,
    greatest(known.data_updated, known.structure_updated) AS released_at,
    greatest(offered_data, offered_structure) AS offered_at,
    published_at,
    CASE WHEN state IN ('new', 'stale', 'failed') AND offered_data IS NOT NULL
              AND (release IS NULL OR offered_data > known.data_updated OR offered_structure > known.structure_updated)
         THEN greatest(offered_data, offered_structure, CASE WHEN release IS NULL THEN first_seen END)
    END AS behind_since
FROM eurostat.datasets AS known LEFT JOIN eurostat.catalogue USING (dataset);
COMMENT ON VIEW eurostat.freshness IS
    'Every dataset beside its source. A dataset is behind while behind_since is not null: Eurostat has a release that'
    ' is wanted here and not published here.';
COMMENT ON COLUMN eurostat.freshness.released_at IS 'When Eurostat released what is published here.';
COMMENT ON COLUMN eurostat.freshness.offered_at IS 'When Eurostat released the newest release it has.';
COMMENT ON COLUMN eurostat.freshness.behind_since IS
    'When the missing release appeared at Eurostat, or here in the catalogue where nothing was published yet.';

ALTER TABLE eurostat.polls ADD requested_at timestamptz;
COMMENT ON COLUMN eurostat.polls.requested_at IS 'When a sweep was last requested, so that nobody else requests it too.';
