-- A release that is offered for the first time was often published long ago: the mirror is behind only since it knows of it.
CREATE VIEW eurostat.freshness AS
SELECT
    dataset,
    known.title,
    state,
    greatest(known.data_updated, known.structure_updated) AS released_at,
    greatest(offered_data, offered_structure) AS offered_at,
    published_at,
    CASE WHEN state IN ('new', 'stale', 'failed') AND offered_data IS NOT NULL
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
