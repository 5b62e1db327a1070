"""Tab-separated tables, whatever their publisher does to the columns: properties of the reader and its two uses."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eurostat_assets.eurostat import Theme
from eurostat_assets.eurostat.errors import Unreadable
from eurostat_assets.eurostat.inventory import parse_inventory
from eurostat_assets.eurostat.tables import MOST_NOTES, Table
from eurostat_assets.eurostat.toc import parse_toc
from eurostat_assets.eurostat.tree import UNKNOWN

COLUMNS = ("Code", "Type", "Source dataset", "Last data change", "Last structural change")
CELLS = st.text(
    st.characters(codec="utf-8", exclude_characters='\t\n\r"', exclude_categories=["Cc"]), max_size=12
)
CASES = st.sampled_from([str.lower, str.upper, str.title, lambda name: name.replace(" ", "_")])


@given(
    st.data(), st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=5), st.booleans(), st.booleans()
)
def test_a_table_says_the_same_whatever_happens_to_its_columns(
    data: st.DataObject, rows: list[tuple[str, str, str]], quoted: bool, windows: bool
) -> None:
    names = ["Code", "Last data change", "Title"]
    company = data.draw(st.lists(st.sampled_from(["Label", "Link", "Note 1"]), unique=True))
    order = data.draw(st.permutations([*names, *company]))
    change_case = data.draw(CASES)
    lines = [[change_case(name) for name in order]]
    lines += [[dict(zip(names, row, strict=True)).get(name, "decoration") for name in order] for row in rows]
    quote = '"' if quoted else ""
    text = "".join(
        "\t".join(f"{quote}{cell}{quote}" for cell in line) + ("\r\n" if windows else "\n") for line in lines
    )
    table = Table(("\ufeff" * quoted + text).encode(), "table", names, needed=names)
    found = [tuple(line[name] for name in names) for line in table]
    assert found == [row for row in rows if quoted or company or "".join(row).strip()]


def test_a_column_that_is_missing_or_there_twice_is_an_unreadable_table() -> None:
    for header in (b"Title\tDay\n", b"Code\tcode\tDay\n", b"", b"\n\n"):
        with pytest.raises(Unreadable, match="the table begins with"):
            Table(header, "table", ["Code", "Day"], needed=["Code"])


def test_of_a_million_broken_lines_few_are_kept() -> None:
    header, line = b"Code\tLast data change\n", b"HLTH_A\t2026-02-06T23:00:00+0100\n"
    inventory = parse_inventory(header + b"x\n" * 1_000_000 + line)
    assert list(inventory) == ["HLTH_A"]
    assert len(inventory.broken_lines) == MOST_NOTES
    assert inventory.broken_lines.total == 1_000_000


def inventory_of(*lines: str, columns: tuple[str, ...] = COLUMNS) -> bytes:
    return "\n".join(["\t".join(columns), *lines]).encode()


EARLY, LATE = "2026-01-01T23:00:00+0100", "2026-02-06T23:00:00+0100"


@pytest.mark.parametrize("lines", [(EARLY, LATE), (LATE, EARLY), (EARLY, LATE, EARLY), (LATE, LATE)])
def test_of_a_code_that_is_there_more_than_once_the_newest_line_counts(lines: tuple[str, ...]) -> None:
    inventory = parse_inventory(inventory_of(*(f"HLTH_A\tDATASET\t-\t{day}\t{EARLY}" for day in lines)))
    assert inventory["HLTH_A"].release.data == datetime(2026, 2, 6, 22, tzinfo=UTC)


def test_a_decorative_cell_that_cannot_be_read_is_unknown_and_counted() -> None:
    inventory = parse_inventory(
        inventory_of(
            f"HLTH_A\tDATASET\t-\t{LATE}\tsome day",
            f"HLTH_B\tVIEW\tnot a code\t{LATE}\t{EARLY}",
            f"HLTH_C\t\t\t{LATE}\t",
            f"HLTH_D\tDATASET\t-\tsome day\t{LATE}",
        )
    )
    assert list(inventory) == ["HLTH_A", "HLTH_B", "HLTH_C"]
    assert inventory["HLTH_A"].release.structure == inventory["HLTH_A"].release.data
    assert (inventory["HLTH_B"].type, inventory["HLTH_B"].source_dataset) == ("VIEW", None)
    assert inventory["HLTH_C"].type == "DATASET"
    assert [note.split(":")[0] for note in inventory.unknown_cells] == ["line 2", "line 3"]
    assert [note.split(":")[0] for note in inventory.broken_lines] == ["line 5"]


def test_a_line_with_a_tab_too_few_or_too_many_is_read_only_where_it_proves_itself() -> None:
    columns = (*COLUMNS, "Url (tsv)", "Url (csv)")
    inventory = parse_inventory(
        inventory_of(
            f"HLTH_A\tDATASET\t-\t{LATE}\t{EARLY}\thttps://a",
            f"HLTH_B\tDATASET\t-\t{LATE}\t{EARLY}\thttps://a\tx\ty",
            f"HLTH_C\tDATASET\t-{LATE}\t{EARLY}\thttps://a\thttps://b",
            f"HLTH_D\tDATASET\t\t-\t{LATE}\t{EARLY}\thttps://a\thttps://b",
            columns=columns,
        )
    )
    assert {code: entry.release.version for code, entry in inventory.items()} == dict.fromkeys(
        ["HLTH_A", "HLTH_B"], "2026-02-06T22:00:00Z_2026-01-01T22:00:00Z"
    )
    assert len(inventory.broken_lines) == 2


TOC_NAMES = (
    "title",
    "code",
    "type",
    "last update of data",
    "last table structure change",
    "data start",
    "data end",
    "values",
)
TREE = [
    (0, "Database", "data"),
    (1, "Population", "popul"),
    (2, "Education", "educ"),
    (3, "Pupils", "EDUC_X"),
    (3, "Staff", "EDUC_Y"),
    (2, "Health", "hlth"),
    (3, "Care", "hlth_care"),
    (4, "Beds", "HLTH_RS"),
    (3, "Deaths", "HLTH_CD"),
    (2, "Youth", "yth"),
    (3, "Idle", "YTH_X"),
]
PLACES = {
    "EDUC_X": "data/popul/educ", "EDUC_Y": "data/popul/educ", "HLTH_RS": "data/popul/hlth/hlth_care",
    "HLTH_CD": "data/popul/hlth", "YTH_X": "data/popul/yth",
}  # fmt: skip


def line_of(depth: int, title: str, code: str) -> str:
    indented = f'"{" " * 4 * depth}{title}"\t"{code.lower()}"'
    if code.islower():
        return indented + '\t"folder"\t" "\t" "\t" "\t" "\t'
    return indented + '\t"dataset"\t"06.02.2026"\t"07.01.2026"\t"2004"\t"2025"\t12'


def toc_of(lines: list[str]) -> bytes:
    return "\n".join(["\t".join(f'"{name}"' for name in TOC_NAMES), *lines, ""]).encode()


def places(body: bytes) -> dict[str, str]:
    return {entry.code: "/".join(entry.folders) for entry in parse_toc(body) if entry.type != "folder"}


DAMAGES = {
    "a doubled tab": lambda line: line.replace('"\t"', '"\t\t"', 1),
    "a tab in an unquoted title": lambda line: line.replace('"', "").replace("l", "\t", 1),
    "no tabs": lambda line: line.replace("\t", ""),
    "cut": lambda line: line[: len(line) // 2],
    "cut after the title": lambda line: line.partition("\t")[0],
    "a code that is none": lambda line: line.replace('"\t"', '"\t"?', 1),
    "another type": lambda line: line.replace("folder", "fold\0r"),
    "a quote lost": lambda line: line[1:],
    "one blank lost": lambda line: line.replace('" ', '"', 1),
    "one blank overwritten": lambda line: line.replace('    "'[:4], "x   ", 1),
    "no title and no indentation": lambda line: '""' + line[line.index("\t") :],
    "a line break in the title": lambda line: line.replace("a", "a\n", 1),
    "a line break in the indentation": lambda line: line.replace("  ", "  \n", 1),
    "a line break between cells": lambda line: line.replace("\t", "\n", 1),
    "junk": lambda _: "\0\xff\tjunk",
    "too deep": lambda line: line.replace('"', '"            ', 1),
    "not deep enough": lambda line: line.replace("    ", "", 1),
    "merged with the line before": lambda line: "\b" + line,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("folder", ["educ", "hlth", "hlth_care", "yth"])
def test_no_dataset_goes_to_a_neighbour_of_a_folder_that_cannot_be_read(damage, folder: str) -> None:
    lines = [damage(line_of(*row)) if row[2] == folder else line_of(*row) for row in TREE]
    found = places(toc_of("\n".join(lines).replace("\n\b", "").split("\n")))
    untouched = (
        PLACES if damage is not DAMAGES["merged with the line before"] else PLACES.keys() & found.keys()
    )
    assert found.keys() >= set(untouched)
    for code, place in found.items():
        assert place == PLACES[code] or UNKNOWN in place.split("/"), f"{code} is filed under {place}"
    two_lines = ("not deep enough", "merged with the line before", "a line break between cells")
    if damage not in [DAMAGES[name] for name in two_lines]:  # these may concern the folder above as well
        elsewhere = [code for code, place in PLACES.items() if folder not in place.split("/")]
        assert [found[code] for code in elsewhere if found[code] == PLACES[code]], (
            "what is elsewhere keeps its place"
        )


def test_a_root_broken_in_two_gives_its_datasets_to_no_other_root() -> None:
    second = [(0, "Topics", "topics"), (1, "Care", "care"), (2, "Beds", "HLTH_B")]
    root, *rest = [line_of(*row) for row in second]
    lines = [line_of(*row) for row in TREE] + [root[:20], f'"        {root[24:]}', *rest]
    assert UNKNOWN in places(toc_of(lines))["HLTH_B"].split("/")


def test_the_tree_itself_is_read_and_its_parts_by_name() -> None:
    lines = [line_of(*row) for row in TREE]
    assert places(toc_of(lines)) == PLACES
    order = (2, 7, 1, 0, 3, 4, 5, 6)
    names = ["\t".join(TOC_NAMES[place].upper() for place in order)]
    moved = ["\t".join(line.split("\t")[place] for place in order) for line in lines]
    assert places("\n".join([*names, *moved]).encode()) == PLACES
    french = ["titre", "code-fr", "genre", "données", "structure", "début", "fin", "valeurs"]
    assert places("\n".join(["\t".join(french), *lines]).encode()) == PLACES


@pytest.mark.parametrize(
    ("cell", "unknown"),
    [
        ("12", None),
        ("", None),
        (":", "values"),
        ("12 345", "values"),
        ("1e3", "values"),
        ("-1", "values"),
        ("٣", "values"),
    ],
)
def test_a_size_that_cannot_be_read_is_unknown(cell: str, unknown: str | None) -> None:
    lines = [line_of(*row) for row in TREE]
    lines[3] = lines[3].rpartition("\t")[0] + f"\t{cell}"
    toc = parse_toc(toc_of(lines))
    [entry] = [entry for entry in toc if entry.code == "EDUC_X"]
    assert entry.values == (12 if cell == "12" else None)
    assert (entry.folders, entry.data_end) == (("data", "popul", "educ"), "2025")
    assert toc.unknown_cells.total == (unknown is not None)


def test_a_day_that_cannot_be_read_is_unknown() -> None:
    lines = [line_of(*row).replace("06.02.2026", "31.02.2026").replace("07.01.2026", "soon") for row in TREE]
    lines[3] = line_of(*TREE[3])
    toc = parse_toc(toc_of(lines))
    days = {entry.code: entry.last_data_change for entry in toc if entry.type != "folder"}
    assert days == {**dict.fromkeys(PLACES), "EDUC_X": date(2026, 2, 6)}
    assert not toc.broken_lines


def test_control_characters_are_taken_out_of_titles() -> None:
    lines = [line_of(depth, title + "\0\u202e", code) for depth, title, code in TREE]
    assert {entry.title for entry in parse_toc(toc_of(lines))} == {title for _, title, _ in TREE}


def test_the_newest_row_of_a_dataset_speaks_for_it() -> None:
    older = line_of(3, "Old", "HLTH_CD").replace("06.02.2026", "05.02.2026").replace("12", "11")
    lines = (
        [line_of(*row) for row in TREE[:2]]
        + [line_of(2, "Old place", "old"), older]
        + [line_of(*row) for row in TREE[2:]]
    )
    [entry] = Theme("HLTH_CD").select(parse_toc(toc_of(lines)), {})
    assert (entry.title, entry.values) == ("Deaths", 12)
    assert entry.folders == ("data/popul/old", "data/popul/hlth")


def test_what_a_broken_table_of_contents_does_not_place_keeps_the_folders_last_recorded() -> None:
    recorded = {code: (place,) for code, place in PLACES.items()}
    lines = [line_of(*row) for row in TREE]
    lines[5] = lines[5].replace('"\t"', '"\t\t"', 1)
    del lines[-1]
    lines.append("junk")
    toc = parse_toc(toc_of(lines))
    subtree = Theme("", subtree="hlth")
    assert [entry.code for entry in subtree.select(toc, parse_inventory(ALL), recorded)] == [
        "HLTH_CD",
        "HLTH_RS",
    ]
    everything = Theme("*").select(toc, parse_inventory(ALL), recorded)
    assert {entry.code: entry.folders for entry in everything} == recorded
    # Whole again, it is believed: nothing recorded is added to what it says, or brings back what it has no more.
    whole = parse_toc(toc_of([line_of(*row) for row in TREE[:-1]]))
    stale = dict.fromkeys(PLACES, ("somewhere/else",))
    found = {entry.code: entry.folders for entry in Theme("*").select(whole, parse_inventory(ALL), stale)}
    assert found == {**recorded, "YTH_X": ()}


ALL = inventory_of(*(f"{code}\tDATASET\t-\t{LATE}\t{EARLY}" for code in PLACES))
