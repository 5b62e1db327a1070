CREATE TABLE eurostat.incidents (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    subject text NOT NULL,
    sentence text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('alarm', 'notice')),
    opened_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz
);
CREATE UNIQUE INDEX ON eurostat.incidents (kind, subject) WHERE closed_at IS NULL;
COMMENT ON TABLE eurostat.incidents IS
    'What was or is wrong with the mirror, each from its beginning to its end.';
COMMENT ON COLUMN eurostat.incidents.subject IS 'A dataset, a sensor, a source of news, a folder.';
COMMENT ON COLUMN eurostat.incidents.severity IS 'alarm: somebody has to look; notice: news, told once and without an all-clear.';
COMMENT ON COLUMN eurostat.incidents.closed_at IS 'When it was over; null while it lasts.';

CREATE TABLE eurostat.incidents_told (
    incident bigint NOT NULL REFERENCES eurostat.incidents,
    channel text NOT NULL,
    told_at timestamptz NOT NULL DEFAULT now(),
    cleared_at timestamptz,
    PRIMARY KEY (incident, channel)
);
COMMENT ON TABLE eurostat.incidents_told IS 'When each channel took the alarm and the all-clear.';

CREATE TABLE eurostat.alarm_channels (
    channel text PRIMARY KEY,
    told_at timestamptz,
    failed_at timestamptz,
    error text,
    failures integer NOT NULL DEFAULT 0
);
COMMENT ON TABLE eurostat.alarm_channels IS 'Whether alarms get through.';
COMMENT ON COLUMN eurostat.alarm_channels.error IS 'Of the last message; null where it was taken.';
COMMENT ON COLUMN eurostat.alarm_channels.failures IS 'In a row.';
