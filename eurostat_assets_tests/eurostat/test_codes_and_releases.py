from datetime import UTC, datetime

import pytest

from eurostat_assets.eurostat import MalformedCode, Release, check_code
from eurostat_assets.eurostat.release import parse_brussels, parse_moment


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("hlth_cd_anr", "HLTH_CD_ANR"),
        ("  HLTH_CD_ANR\n", "HLTH_CD_ANR"),
        ("DS-059327", "DS-059327"),
        ("bd_9ac_l_form_r2$dv_343", "BD_9AC_L_FORM_R2$DV_343"),
    ],
)
def test_a_code_is_accepted_in_any_case_and_written_as_eurostat_does(typed: str, code: str) -> None:
    assert check_code(typed) == code


@pytest.mark.parametrize(
    "typed",
    [
        "", " ", "../../x", "hlth'; drop", "HLTH CD", "HLTH.CD", "HLTH/CD", "HLTH%2FCD",
        "..", "-rf", "_X", "$X", "A$", "A$B$C",
        "HLTH_\u017fILC", "HLTH_\u00c9", "HLTH\x00", "HLTH\nCD", "X" * 64,
    ],
)  # fmt: skip
def test_anything_else_is_refused_at_the_door_with_what_was_typed(typed: str) -> None:
    with pytest.raises(MalformedCode) as caught:
        check_code(typed)
    assert len(str(caught.value)) < 250
    assert "is not a dataset code" in str(caught.value)
    assert caught.value.remedy in str(caught.value)


def test_a_release_is_its_two_dates_in_utc_and_survives_its_version() -> None:
    release = Release.from_wire("2022-04-04T23:00:00+0200", "2024-01-03T23:00:00+0100")
    assert release.version == "2022-04-04T21:00:00Z_2024-01-03T22:00:00Z"
    assert Release.parse(release.version) == release
    assert release.updated == datetime(2024, 1, 3, 22, tzinfo=UTC)


def test_a_release_is_newer_when_either_date_is() -> None:
    old = Release.from_wire("2024-01-01T11:00:00+0100", "2023-01-01T11:00:00+0100")
    data = Release.from_wire("2024-01-02T11:00:00+0100", "2023-01-01T11:00:00+0100")
    structure = Release.from_wire("2024-01-01T11:00:00+0100", "2023-01-02T11:00:00+0100")
    assert data.newer_than(old)
    assert structure.newer_than(old)
    assert old.newer_than(None)
    assert not old.newer_than(old)
    assert not old.newer_than(data)


@pytest.mark.parametrize("missing", [None, "", "-", " "])
def test_without_a_structure_date_the_data_date_stands_for_both(missing: str | None) -> None:
    release = Release.from_wire("2024-01-01T11:00:00+0100", missing)
    assert release.structure == release.data


@pytest.mark.parametrize(
    "text", ["", "2024-01-01", "2024-01-01T11:00:00", "yesterday", "0001-01-01T00:00:00+0200"]
)
def test_a_timestamp_without_an_offset_is_not_guessed(text: str) -> None:
    with pytest.raises(ValueError, match="is not a timestamp with an offset"):
        parse_moment(text)


@pytest.mark.parametrize(
    ("wall_clock", "utc"),
    [
        ("2026-04-24 23:00:00.0", "2026-04-24T21:00:00"),
        ("2026-01-24 11:00:00.0", "2026-01-24T10:00:00"),
        ("2026-10-25 02:30:00.0", "2026-10-25T01:30:00"),  # happens twice: the later
        ("2026-03-29 02:30:00.0", "2026-03-29T01:30:00"),  # never happens: the later reading
        ("2026-09-09 23:00", "2026-09-09T21:00:00"),
    ],
)
def test_feed_dates_are_brussels_wall_clock(wall_clock: str, utc: str) -> None:
    assert parse_brussels(wall_clock) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize("text", ["not-a-date", "", "0001-01-01 00:00:00.0", "2026-13-01 11:00:00.0"])
def test_an_impossible_feed_date_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time in Brussels"):
        parse_brussels(text)
