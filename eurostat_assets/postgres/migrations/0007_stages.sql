-- What each stage of a release took, and in which stage one failed.

ALTER TABLE eurostat.releases
    ADD source_bytes bigint,
    ADD download_seconds double precision,
    ADD read_seconds double precision,
    ADD failed_in text CHECK (failed_in IN ('download', 'read', 'check', 'publish'));
COMMENT ON COLUMN eurostat.releases.source_bytes IS 'Of the raw file, as it was received.';
COMMENT ON COLUMN eurostat.releases.download_seconds IS 'Receiving the raw file, without waiting for a turn.';
COMMENT ON COLUMN eurostat.releases.read_seconds IS 'From the raw file to the Parquet file.';
COMMENT ON COLUMN eurostat.releases.failed_in IS 'The stage in which the attempt failed; null where its process died.';
