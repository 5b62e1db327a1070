CREATE TABLE eurostat.audits (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject text NOT NULL,
    kind text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('error', 'warning')),
    sentence text NOT NULL,
    numbers jsonb NOT NULL DEFAULT '{}',
    remedy text NOT NULL DEFAULT '',
    first_seen timestamptz NOT NULL DEFAULT now(),
    last_seen timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz
);
CREATE UNIQUE INDEX ON eurostat.audits (subject, kind) WHERE resolved_at IS NULL;
COMMENT ON TABLE eurostat.audits IS
    'What audits found: tables that differ from their Parquet files, and what belongs nowhere. Kept when it is over.';
COMMENT ON COLUMN eurostat.audits.subject IS 'A dataset, a table or a folder of the store.';
COMMENT ON COLUMN eurostat.audits.remedy IS
    'What `eurostat-assets audit --repair` does: publish the Parquet file again, or read the raw file first; empty: a person.';
COMMENT ON COLUMN eurostat.audits.last_seen IS 'By the last audit that looked for it.';
COMMENT ON COLUMN eurostat.audits.resolved_at IS 'When an audit looked for it and did not find it any more.';

CREATE TABLE eurostat.seals (
    dataset text PRIMARY KEY,
    published_at timestamptz,
    checksum numeric,
    evidence jsonb,
    sealed_at timestamptz,
    audited_at timestamptz NOT NULL DEFAULT now(),
    compared_at timestamptz
);
COMMENT ON TABLE eurostat.seals IS
    'What each table and its Parquet file looked like when they were last the same by checksum; and when they were looked at.';
COMMENT ON COLUMN eurostat.seals.published_at IS 'Of the publication the seal is for.';
COMMENT ON COLUMN eurostat.seals.evidence IS
    'Rows and writing transaction of the table, size and date of the file: while they stay, both are what they were.';
COMMENT ON COLUMN eurostat.seals.sealed_at IS 'When both had this checksum; null: never, or not since something changed.';
COMMENT ON COLUMN eurostat.seals.compared_at IS 'When the checksums were last compared, with whatever result.';
