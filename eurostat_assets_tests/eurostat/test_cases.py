"""The small failing inputs beside the checkout, each with its right outcome. Their kinds have tests of their own."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from eurostat_assets.eurostat import ExtractionTooBig, Theme, Transient
from eurostat_assets.eurostat.errors import EmptyTheme, Refused
from eurostat_assets.eurostat.feed import parse_feed
from eurostat_assets.eurostat.inventory import parse_inventory
from eurostat_assets.eurostat.refusals import refusal
from eurostat_assets.eurostat.toc import parse_toc

HEALTH = ("HLTH_CD_ARO", "HLTH_RS_BDS")


@pytest.fixture
def cases(shared: Path) -> Path:
    if not (shared / "cases").exists():
        pytest.skip("the folder of small failing inputs is not there")
    return shared / "cases"


@pytest.mark.parametrize("name", ["toc_folder_tab_in_title", "toc_folder_doubled_tab"])
def test_a_folder_that_cannot_be_read_gives_its_datasets_to_no_other(cases: Path, name: str) -> None:
    toc = parse_toc((cases / f"{name}.txt").read_bytes())
    found = {entry.code: entry.folders for entry in toc if entry.type != "folder"}
    assert found["EDUC_X"] == ("data", "popul", "educ")
    for code in HEALTH:
        assert found[code][:2] == ("data", "popul")
        assert "educ" not in found[code]
    educ = Theme(pattern="", subtree="educ").select(toc, {})
    assert [entry.code for entry in educ] == ["EDUC_X"]
    recorded: dict[str, tuple[str, ...]] = dict.fromkeys(HEALTH, ("data/popul/hlth", "data/reg"))
    kept = Theme(pattern="", subtree="hlth").select(toc, {}, recorded)
    assert [entry.code for entry in kept] == [*HEALTH]
    assert all("data/popul/hlth" in entry.folders for entry in kept)


def test_a_folder_with_a_doubled_tab_is_unknown_and_no_reason_to_invent_a_theme(cases: Path) -> None:
    toc = parse_toc((cases / "toc_folder_doubled_tab.txt").read_bytes())
    assert [line.split(":")[0] for line in toc.broken_lines] == ["line 6"]
    with pytest.raises(EmptyTheme):
        Theme(pattern="", subtree="hlth").select(toc, {})
    entries = Theme(pattern="HLTH").select(toc, {})
    assert [(entry.code, entry.folders) for entry in entries] == [(code, ()) for code in HEALTH]


def test_a_size_that_is_none_costs_one_cell(cases: Path) -> None:
    toc = parse_toc((cases / "toc_row_size_not_a_number.txt").read_bytes())
    values = {entry.code: entry.values for entry in toc if entry.type != "folder"}
    assert values == {"EDUC_X": 12, "HLTH_CD_ARO": None, "HLTH_RS_BDS": None}
    assert not toc.broken_lines
    assert toc.unknown_cells.total == 2


@pytest.mark.parametrize("name", ["inventory_new_column", "inventory_twice_older_last"])
def test_an_inventory_is_read_by_name_and_its_newest_line_counts(cases: Path, name: str) -> None:
    inventory = parse_inventory((cases / f"{name}.tsv").read_bytes())
    assert list(inventory) == ["HLTH_X"]
    assert inventory["HLTH_X"].release.data == datetime(2026, 2, 6, 22, tzinfo=UTC)
    assert not inventory.broken_lines


@pytest.mark.parametrize(
    ("name", "codes"),
    [("feed_databrowser_view_links", ["HLTH_X"]), ("feed_one_bare_ampersand", ["HLTH_X", "HLTH_Y"])],
)
def test_every_item_that_names_a_dataset_is_a_hint(cases: Path, name: str, codes: list[str]) -> None:
    now = datetime(2026, 4, 25, tzinfo=UTC)
    feed = parse_feed((cases / f"{name}.rss").read_bytes(), now)
    assert [item.code for item in feed] == codes
    assert all(item.published == now - timedelta(hours=3) for item in feed)


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("refusal_413_sdmx_error_message", ExtractionTooBig, "Invented: the answer would be too large"),
        ("refusal_400_bom", Refused, "INVALID_QUERY_DIMENSION: invented"),
        ("refusal_200_status_503_inside", Transient, "status 503: Service Unavailable"),
    ],
)
def test_a_refusal_says_what_the_server_said(
    cases: Path, name: str, kind: type[Exception], words: str
) -> None:
    status, _, body = (cases / f"{name}.resp").read_bytes().split(b"\n", 2)
    error = refusal(int(status), body, {}, dataset="HLTH_X", url="http://x")
    assert isinstance(error, kind)
    assert words in str(error)
