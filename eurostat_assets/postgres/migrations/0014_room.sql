ALTER TABLE eurostat.datasets ADD COLUMN room_needed bigint;
COMMENT ON COLUMN eurostat.datasets.room_needed IS
    'Bytes that have to be free on a disk for its next load, where it waits for them (note says on which); else null.';
