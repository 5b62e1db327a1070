"""Inventory, table of contents and theme: parsed, never guessed."""

from pathlib import Path

import pytest

from eurostat_assets.eurostat import Theme
from eurostat_assets.eurostat.errors import EmptyTheme, Unreadable
from eurostat_assets.eurostat.inventory import parse_inventory
from eurostat_assets.eurostat.toc import Toc, parse_toc

INVENTORY = b"""\
Code\tType\tSource dataset\tLast data change\tLast structural change\tData download url (tsv)
HLTH_A\tDATASET\t-\t2026-02-06T23:00:00+0100\t2026-01-07T11:00:00+0100\thttps://a
HLTH_BROKEN\tDATASET\t-\t06.02.2026\t2026-01-07T11:00:00+0100\thttps://b
HLTH_SHORT\tDATASET
../../X\tDATASET\t-\t2026-02-06T23:00:00+0100\t2026-01-07T11:00:00+0100\thttps://b
HLTH_A$DV_343\tEXTRACTION\tHLTH_A\t2026-02-06T23:00:00+0100\t2026-01-07T11:00:00+0100\thttps://c
ENPE_HLTH_EXP\tDATASET\t-\t2026-02-06T23:00:00+0100\t\thttps://d
NAMA_10_GDP\tDATASET\t-\t2026-02-06T23:00:00+0100\t2026-01-07T11:00:00+0100\thttps://e
"""

TOC_HEADER = (
    b'"title"\t"code"\t"type"\t"last update of data"\t"last table structure change"'
    b'\t"data start"\t"data end"\t"values"\n'
)
TOC = (
    TOC_HEADER
    + b"""\
"Database by themes"\t"data"\t"folder"\t" "\t" "\t" "\t" "\t
"    Population"\t"popul"\t"folder"\t" "\t" "\t" "\t" "\t
"        Health"\t"hlth"\t"folder"\t" "\t" "\t" "\t" "\t
"            The ""A"" of health"\t"hlth_a"\t"dataset"\t"06.02.2026"\t"07.01.2026"\t"2004-Q1"\t"2025-Q4"\t9
""\t"hsw_untitled"\t"dataset"\t"06.02.2026"\t"07.01.2026"\t"LTAA"\t" "\t
"            Broken"\t"hlth b"\t"dataset"\t"06.02.2026"\t"07.01.2026"\t"2004"\t"2025"\t1
"Cross cutting topics"\t"data"\t"folder"\t" "\t" "\t" "\t" "\t
"    Youth"\t"yth"\t"folder"\t" "\t" "\t" "\t" "\t
"        The A again"\t"hlth_a"\t"table"\t"06.02.2026"\t"07.01.2026"\t"2004-Q1"\t"2025-Q4"\t9
"""
)

PAGE = b"<!DOCTYPE html><html><head><title>Sorry</title></head><body>Maintenance</body></html>"


def test_a_broken_inventory_line_is_reported_and_the_rest_used() -> None:
    inventory = parse_inventory(INVENTORY)
    assert list(inventory) == ["HLTH_A", "HLTH_A$DV_343", "ENPE_HLTH_EXP", "NAMA_10_GDP"]
    assert inventory["HLTH_A"].release.version == "2026-02-06T22:00:00Z_2026-01-07T10:00:00Z"
    assert inventory["HLTH_A"].source_dataset is None
    assert inventory["HLTH_A$DV_343"].source_dataset == "HLTH_A"
    assert [line.split(":")[0] for line in inventory.broken_lines] == ["line 3", "line 4", "line 5"]


@pytest.mark.parametrize("body", [b"", PAGE, b"\x00\xff", INVENTORY.split(b"\n")[0], TOC])
def test_what_is_no_inventory_is_never_an_empty_one(body: bytes) -> None:
    with pytest.raises(Unreadable, match="inventory"):
        parse_inventory(body)


def test_the_indentation_of_the_table_of_contents_is_its_tree() -> None:
    toc = parse_toc(TOC)
    places = {(entry.code, entry.title): entry.folders for entry in toc}
    assert places == {
        ("data", "Database by themes"): (),
        ("popul", "Population"): ("data",),
        ("hlth", "Health"): ("data", "popul"),
        ("HLTH_A", 'The "A" of health'): ("data", "popul", "hlth"),
        ("HSW_UNTITLED", ""): ("data", "popul", "hlth"),
        ("data", "Cross cutting topics"): (),
        ("yth", "Youth"): ("data",),
        ("HLTH_A", "The A again"): ("data", "yth"),
    }
    assert [line.split(":")[0] for line in toc.broken_lines] == ["line 7"]
    quarterly, untitled = toc[3], toc[4]
    assert (quarterly.data_start, quarterly.data_end, quarterly.values) == ("2004-Q1", "2025-Q4", 9)
    assert (untitled.data_start, untitled.data_end, untitled.values) == ("LTAA", None, None)


def test_an_old_copy_without_the_values_column_is_read_as_well() -> None:
    old = b"\n".join(line.rpartition(b"\t")[0] for line in TOC.split(b"\n"))
    assert {entry.code for entry in parse_toc(old)} == {entry.code for entry in parse_toc(TOC)}
    assert all(entry.values is None for entry in parse_toc(old))


@pytest.mark.parametrize("body", [b"", PAGE, b"\n".join(TOC.split(b"\n")[:4]), b"a\tb\tc"])
def test_what_is_no_table_of_contents_is_never_an_empty_one(body: bytes) -> None:
    with pytest.raises(Unreadable, match="table of contents"):
        parse_toc(body)


@pytest.fixture(scope="module")
def real_toc(shared: Path) -> Toc:
    return parse_toc((shared / "real/toc/table_of_contents_en_a.txt").read_bytes())


def test_the_recorded_table_of_contents_is_read_whole(real_toc: Toc) -> None:
    assert not real_toc.broken_lines
    assert len(real_toc) == 10752
    assert sum("hlth_" in entry.code.lower() for entry in real_toc) == 686
    assert sum(entry.code.lower().startswith("hlth_") for entry in real_toc) == 677
    bmi = [entry for entry in real_toc if entry.code == "HLTH_EHIS_BM1E"]
    assert ("data", "popul", "hlth", "hlth_det", "hlth_bmi") in [entry.folders for entry in bmi]
    assert max(len(entry.folders) for entry in real_toc) == 8


def test_the_recorded_health_subtree_holds_what_was_counted_in_it(real_toc: Toc) -> None:
    under = Theme(pattern="", subtree="data/popul/hlth").select(real_toc, {})
    assert len(under) == 590
    assert sum(entry.code.startswith("HSW_") for entry in under) == 122
    default = Theme().select(real_toc, {})
    assert len(default) == 484
    assert len({entry.code for entry in default} - {entry.code for entry in under}) == 16
    filed = next(entry for entry in default if entry.code == "HLTH_EHIS_BM1E")
    assert len(filed.folders) == len(set(filed.folders)) > 1
    assert filed.title.startswith("Body mass index (BMI) by sex, age")


def test_a_theme_is_its_pattern_its_subtree_and_its_includes_without_its_excludes() -> None:
    toc, inventory = parse_toc(TOC), parse_inventory(INVENTORY)

    def codes(theme: Theme) -> list[str]:
        return [entry.code for entry in theme.select(toc, inventory)]

    assert codes(Theme()) == ["ENPE_HLTH_EXP", "HLTH_A"]
    assert codes(Theme("hlth_*")) == ["HLTH_A"]
    assert codes(Theme("", subtree="HLTH")) == ["HLTH_A", "HSW_UNTITLED"]
    assert codes(Theme(subtree="hlth", exclude=["hlth_a"])) == ["ENPE_HLTH_EXP", "HSW_UNTITLED"]
    assert codes(Theme("", include=["nama_10_gdp", "hlth_a$dv_343", "GONE"])) == [
        "HLTH_A$DV_343",
        "NAMA_10_GDP",
    ]
    assert Theme(exclude=["HLTH_A"]).matches("HLTH_NEW")
    assert not Theme(exclude=["HLTH_A"]).matches("HLTH_A")


def test_a_catalogue_entry_joins_both_sources() -> None:
    entry = Theme(exclude=["ENPE_HLTH_EXP"]).select(parse_toc(TOC), parse_inventory(INVENTORY))[0]
    assert entry.release is not None
    assert (entry.code, entry.title, entry.values) == ("HLTH_A", 'The "A" of health', 9)
    assert (entry.period_start, entry.period_end) == ("2004-Q1", "2025-Q4")
    assert entry.folders == ("data/popul/hlth", "data/yth")


@pytest.mark.parametrize(
    "theme", [Theme("NOSUCH"), Theme(""), Theme(subtree="nosuch"), Theme(exclude=["HLTH_A", "ENPE_HLTH_EXP"])]
)
def test_a_theme_that_selects_nothing_is_an_alarm_not_a_fact(theme: Theme) -> None:
    with pytest.raises(EmptyTheme, match="Nothing was withdrawn"):
        theme.select(parse_toc(TOC), parse_inventory(INVENTORY))
