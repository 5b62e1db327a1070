ALTER TABLE eurostat.bulk_loads
    ADD COLUMN mode text,
    ADD COLUMN scope text,
    ADD COLUMN deleted_rows bigint,
    ADD COLUMN emptied_at timestamptz;
COMMENT ON COLUMN eurostat.bulk_loads.scope IS 'The rows it put in place of whatever was there; null: it only added.';
COMMENT ON COLUMN eurostat.bulk_loads.deleted_rows IS 'How many rows it put its own in the place of.';
COMMENT ON COLUMN eurostat.bulk_loads.emptied_at IS 'When later loads had replaced the last of its rows.';

ALTER TABLE eurostat.bulk_files
    ADD COLUMN number integer,
    ADD COLUMN replaced bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN eurostat.bulk_files.number IS
    'The number of the file within its load: the hidden column "#file" of its rows. Null: loaded before rows had one.';
COMMENT ON COLUMN eurostat.bulk_files.replaced IS 'How many of its rows loads of a scope have replaced since.';
CREATE INDEX ON eurostat.bulk_files (load_id, number);
