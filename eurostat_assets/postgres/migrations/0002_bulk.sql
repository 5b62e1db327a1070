CREATE TABLE eurostat.bulk_loads (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_name text NOT NULL,
    state text NOT NULL CHECK (state IN ('loading', 'loaded', 'failed', 'interrupted')),
    files bigint,
    rows bigint,
    seconds double precision,
    error text,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);
COMMENT ON TABLE eurostat.bulk_loads IS 'Every loading of Parquet files by hand, and how it ended.';

CREATE TABLE eurostat.bulk_files (
    table_name text NOT NULL,
    path text NOT NULL,
    size bigint NOT NULL,
    modified_ns bigint NOT NULL,
    rows bigint NOT NULL,
    load_id bigint NOT NULL REFERENCES eurostat.bulk_loads,
    PRIMARY KEY (table_name, path)
);
COMMENT ON TABLE eurostat.bulk_files IS 'The files a table was loaded from: none is loaded twice.';
