"""One rule for dataset codes: what passes it can be a partition key, a folder and a table; what cannot is refused early."""

from pathlib import PurePosixPath, PureWindowsPath
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from eurostat_assets.eurostat import MalformedCode, check_code
from eurostat_assets.model.codes import LONGEST, RESERVED_TABLES, dataset_code
from eurostat_assets.postgres.errors import MalformedTableName
from eurostat_assets.postgres.table import child_name, coded_parent, codes_of, codes_parent, table_name
from eurostat_assets.settings import Settings

CODES = st.from_regex(r"[A-Z0-9][A-Z0-9_-]{0,50}(\$[A-Z0-9_-]{1,11})?", fullmatch=True).filter(
    lambda code: code.lower() not in RESERVED_TABLES
)
ANYTHING = st.one_of(
    st.text(max_size=80),
    st.from_regex(r"[A-Za-z0-9_$./%\\ -]{0,70}", fullmatch=True),
    CODES,
    CODES.map(str.lower),
)


@given(ANYTHING)
def test_door_table_and_settings_say_the_same_of_every_text(text: str) -> None:
    try:
        code = dataset_code(text)
    except ValueError:
        with pytest.raises(MalformedCode):
            check_code(text)
        with pytest.raises(MalformedTableName):
            table_name(text)
        if "," not in text and text.strip():
            with pytest.raises(ValidationError):
                Settings(theme_include=text)  # pyright: ignore[reportArgumentType]
    else:
        assert check_code(text) == code
        assert table_name(text.strip()) == code.lower()
        assert Settings(theme_include=text).theme_include == (code,)  # pyright: ignore[reportArgumentType]


@given(ANYTHING)
def test_a_code_is_safe_as_file_name_address_and_name_of_a_table(text: str) -> None:
    try:
        code = dataset_code(text)
    except ValueError:
        return
    assert dataset_code(code) == code
    assert code.upper() == code
    assert code.lower().upper() == code
    assert PurePosixPath("x", code).parts == ("x", code)
    assert PureWindowsPath("x", code).parts == ("x", code)
    assert quote(code, safe="$") == code
    assert len(code.lower().encode()) <= LONGEST


@given(CODES, CODES, st.integers(1, 2**63 - 1), st.integers(1, 2**63 - 1))
def test_names_made_of_a_code_fit_and_stay_different(code: str, other: str, attempt: int, later: int) -> None:
    def names(table: str, number: int) -> list[str]:
        child = child_name(table, number)
        return [child, codes_of(child), coded_parent(table), codes_parent(table)]

    made = names(code.lower(), attempt)
    assert all(len(name.encode()) <= LONGEST for name in made)
    assert len(set(made)) == len(made)
    if other != code:
        assert not {*made[2:]} & {*names(other.lower(), later)[2:]}
    if later != attempt:
        assert not {*made[:2]} & {*names(code.lower(), later)[:2]}


def test_long_codes_that_differ_at_their_end_only_have_tables_of_their_own() -> None:
    one, other = "hlth_" + "x" * 57 + "1", "hlth_" + "x" * 57 + "2"
    assert coded_parent(one) != coded_parent(other)
    assert codes_parent(one) != codes_parent(other)


@pytest.mark.parametrize("code", ["../X", "HLTH_X/..", "A" * 64, "checks", "Datasets", "HLTH_\u0130"])
def test_a_code_that_can_be_no_table_is_refused_when_settings_are_read(code: str) -> None:
    with pytest.raises(ValidationError, match="is not a dataset code"):
        Settings(theme_include=f"HLTH_A,{code}")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValidationError, match="is not a dataset code"):
        Settings(checks_relaxed=f"{code}:*")  # pyright: ignore[reportArgumentType]
