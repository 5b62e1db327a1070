COMMENT ON SCHEMA eurostat IS 'A mirror of Eurostat: one table per dataset, and what is known about them.';

CREATE SCHEMA eurostat_releases;
COMMENT ON SCHEMA eurostat_releases IS
    'One table per loaded release, attached to the table of its dataset in schema eurostat. Query that one.';

CREATE TABLE eurostat.mirror (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    api_url text NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE eurostat.mirror IS 'The one source this database is filled from.';

CREATE TABLE eurostat.catalogue (
    dataset text PRIMARY KEY,
    title text NOT NULL,
    type text NOT NULL,
    in_theme boolean NOT NULL,
    folders text[] NOT NULL,
    data_updated timestamptz,
    structure_updated timestamptz,
    period_start text,
    period_end text,
    obs_count bigint,
    first_seen timestamptz NOT NULL DEFAULT now(),
    last_seen timestamptz NOT NULL DEFAULT now(),
    withdrawn_at timestamptz
);
COMMENT ON TABLE eurostat.catalogue IS
    'What Eurostat offers. A dataset that left the catalogue keeps its row, with the date we noticed.';

CREATE TABLE eurostat.releases (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dataset text NOT NULL,
    state text NOT NULL CHECK (state IN ('loading', 'published', 'superseded', 'failed', 'interrupted')),
    release text,
    data_updated timestamptz,
    structure_updated timestamptz,
    rows bigint,
    bytes bigint,
    seconds double precision,
    url text,
    sha256 text,
    fetched_at timestamptz,
    stored_as text,
    error text,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);
CREATE INDEX ON eurostat.releases (dataset, id);
CREATE UNIQUE INDEX ON eurostat.releases (dataset) WHERE state = 'published';
COMMENT ON TABLE eurostat.releases IS 'Every attempt to publish a release, and how it ended.';
COMMENT ON COLUMN eurostat.releases.bytes IS 'On disk, with indexes.';
COMMENT ON COLUMN eurostat.releases.seconds IS 'From opening the Parquet file to the switch.';
COMMENT ON COLUMN eurostat.releases.stored_as IS
    'Its table in schema eurostat_releases; null once that is dropped, or never was.';

CREATE TABLE eurostat.datasets (
    dataset text PRIMARY KEY,
    title text,
    table_name text,
    release_id bigint REFERENCES eurostat.releases,
    release text,
    data_updated timestamptz,
    structure_updated timestamptz,
    rows bigint,
    bytes bigint,
    source_bytes bigint,
    sha256 text,
    published_at timestamptz,
    error text,
    failed_at timestamptz,
    comments jsonb NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE eurostat.datasets IS
    'One row per dataset: the release that readers see now (none where release is null), and the last failure since.';
COMMENT ON COLUMN eurostat.datasets.source_bytes IS 'Of the raw file it was read from.';
COMMENT ON COLUMN eurostat.datasets.comments IS
    'The comments we wrote on its table and columns, so that those of others are left alone.';
