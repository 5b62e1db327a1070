CREATE TABLE eurostat.release_profiles (
    dataset text NOT NULL,
    release text NOT NULL,
    profiled_at timestamptz NOT NULL DEFAULT now(),
    numbers jsonb NOT NULL,
    PRIMARY KEY (dataset, release)
);
COMMENT ON TABLE eurostat.release_profiles IS
    'What was counted in the Parquet file of each release, published or not: what later ones are compared with.';

CREATE TABLE eurostat.check_results (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dataset text NOT NULL,
    release text NOT NULL,
    check_name text NOT NULL,
    passed boolean NOT NULL,
    severity text NOT NULL CHECK (severity IN ('block', 'warn')),
    sentence text NOT NULL,
    numbers jsonb NOT NULL,
    accepted text,
    run_id text,
    checked_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON eurostat.check_results (dataset, check_name, id);
COMMENT ON TABLE eurostat.check_results IS 'What every check said of every release it saw.';
COMMENT ON COLUMN eurostat.check_results.severity IS 'block: a release that does not pass is not published; warn: it is.';
COMMENT ON COLUMN eurostat.check_results.accepted IS 'Why a person let it pass all the same.';

CREATE VIEW eurostat.checks AS
    SELECT DISTINCT ON (dataset, check_name)
        dataset, check_name, passed, severity, sentence, release, accepted, numbers, run_id, checked_at
    FROM eurostat.check_results
    ORDER BY dataset, check_name, id DESC;
COMMENT ON VIEW eurostat.checks IS 'What every check of a dataset said last.';

CREATE TABLE eurostat.acceptances (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dataset text NOT NULL,
    release text NOT NULL,
    checks text[] NOT NULL,
    reason text NOT NULL,
    accepted_by text NOT NULL,
    accepted_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON eurostat.acceptances (dataset, release);
COMMENT ON TABLE eurostat.acceptances IS
    'Releases that a person wants published although these checks held them back: each for one release, with the reason.';
