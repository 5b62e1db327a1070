"""A dataset in parts gives the rows of the undivided one: slices joined by code, or an outline and SDMX-CSV."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eurostat_assets.jsonstat import (
    BadNumber,
    BadPosition,
    CorruptSource,
    DuplicateCell,
    JsonStatError,
    NotSdmxCsv,
    PartsDisagree,
    read,
    write_parquet,
)
from eurostat_assets.jsonstat import sort as external
from eurostat_assets_tests.jsonstat.documents import Held, eurostat_like

Document = dict[str, Any]
CODES = st.lists(
    st.sampled_from(["T", "F", "M", "NA", "01", "1", "null", "true", "Y_GE65", "É", "A-B"]),
    unique=True,
    min_size=1,
    max_size=5,
)
VALUES = st.none() | st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False)
STATUSES = st.sampled_from(["", "", "b", "ep", "|C", "u|C", "zz|N"])
ANNOUNCED = {"b": "break", "ep": "estimated, provisional", "|C": "|confidential", "u|C": "low|confidential"}


def document_of(codes: dict[str, list[str]], cells: dict[tuple[str, ...], tuple[Any, str]]) -> Document:
    """As Eurostat writes it. `cells`: value and status by the codes, of which those not in `codes` are left out."""
    value: dict[str, Any] = {}
    status: dict[str, str] = {}
    for index, key in enumerate(itertools.product(*codes.values())):
        number, text = cells.get(key, (None, ""))
        value |= {} if number is None else {str(index): number}
        status |= {str(index): text} if text else {}
    used = {text: label for text, label in ANNOUNCED.items() if text in status.values()}
    return {
        "class": "dataset",
        "label": "Invented",
        "source": "ESTAT",
        "updated": "2026-02-06T23:00:00+0100",
        "value": value,
        **({"status": status} if status else {}),
        "id": list(codes),
        "size": [len(one) for one in codes.values()],
        "dimension": {
            name: {
                "label": f"About {name}",
                "category": {
                    "index": {code: place for place, code in enumerate(one)},
                    "label": {code: code if name == "time" else f"Label of {code}" for code in one},
                },
            }
            for name, one in codes.items()
        },
        "extension": {
            "lang": "EN",
            "id": "HLTH_X",
            "annotation": [
                {"type": "OBS_COUNT", "title": str(sum(cell != (None, "") for cell in cells.values()))},
                {"type": "UPDATE_DATA", "date": "2026-02-06T23:00:00+0100"},
                {"type": "UPDATE_STRUCTURE", "date": "2026-01-07T11:00:00+0100"},
            ],
            **({"status": {"label": used}} if used else {}),
        },
    }


@st.composite
def cubes(draw: st.DrawFn) -> tuple[dict[str, list[str]], dict[tuple[str, ...], tuple[Any, str]]]:
    codes = {name: draw(CODES) for name in draw(st.permutations(["sex", "Age", "geo"]))}
    years = draw(st.lists(st.integers(1990, 2030), unique=True, min_size=1, max_size=4))
    codes["time"] = sorted(map(str, years))
    keys = list(itertools.product(*codes.values()))
    chosen = draw(st.lists(st.sampled_from(keys), unique=True, max_size=40))
    return codes, {key: (draw(VALUES), draw(STATUSES)) for key in chosen}


def held(document: Document) -> Held:
    return Held(json.dumps(document).encode())


def rows(*parts: Held) -> list[dict[str, Any]]:
    observations = read(parts)
    return pa.Table.from_batches(observations, observations.schema).to_pylist()


def told(schema: pa.Schema) -> dict[str, Any]:
    """What the schema says about the data, with JSON read, so that the order of its members does not count."""

    def read_json(metadata: dict[bytes, bytes] | None) -> dict[bytes, Any]:
        found = {key: text.decode() for key, text in (metadata or {}).items() if key != b"provenance"}
        return {key: text if key == b"label" else json.loads(text) for key, text in found.items()}

    fields = {field.name: (str(field.type), field.nullable, read_json(field.metadata)) for field in schema}
    return {"dataset": read_json(schema.metadata), **fields}


@given(cubes(), st.data())
@settings(max_examples=80, deadline=None)
def test_slices_however_a_cube_is_divided_are_joined_to_the_whole(cube: Any, data: st.DataObject) -> None:
    codes, cells = cube
    whole = held(document_of(codes, cells))
    split = data.draw(st.lists(st.sampled_from(list(codes)), unique=True, min_size=1, max_size=2))
    of_neighbours = data.draw(st.booleans())
    runs = {name: _divided(codes[name], of_neighbours, data) for name in split}
    pieces = [
        held(document_of({**codes, **dict(zip(runs, chosen, strict=True))}, cells))
        for chosen in itertools.product(*runs.values())
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(external, "CELLS_PER_RUN", 7)
        assert rows(*pieces) == rows(whole)
    joined, undivided = read(pieces).schema, read(whole).schema
    assert told(joined) == told(undivided)
    for name in (
        codes if of_neighbours else ()
    ):  # as Eurostat is asked for them; then in the same order as well
        of_field = "time_period" if name == "time" else name.lower()
        assert _labels(joined, of_field) == _labels(undivided, of_field)


def _labels(schema: pa.Schema, name: str) -> list[str]:
    return list(json.loads(schema.field(name).metadata[b"labels"]))


def _divided(codes: list[str], of_neighbours: bool, data: st.DataObject) -> list[list[str]]:
    codes = codes if of_neighbours else data.draw(st.permutations(codes))
    cuts = data.draw(st.sets(st.integers(1, len(codes) - 1))) if len(codes) > 1 else set()
    bounds = [0, *sorted(cuts), len(codes)]
    return [codes[start:end] for start, end in itertools.pairwise(bounds)]


def test_positions_that_only_some_slices_list_are_put_where_they_belong() -> None:
    cells = {("A", "2000"): (1, ""), ("A", "2002"): (2, ""), ("B", "2001"): (3, ""), ("B", "2002"): (4, "b")}
    pieces = [
        document_of({"geo": ["B"], "time": ["2001", "2002"]}, cells),
        document_of({"geo": ["A"], "time": ["2000", "2002"]}, cells),
    ]
    whole = document_of({"geo": ["B", "A"], "time": ["2000", "2001", "2002"]}, cells)
    assert rows(*map(held, pieces)) == rows(held(whole))
    labels = _labels(read([*map(held, pieces)]).schema, "time_period")
    assert sorted(labels) == ["2000", "2001", "2002"]
    assert labels.index("2001") < labels.index("2002")


def sliced(document: Document, dimension: str, size: int) -> list[Document]:
    """The document's slices of `size` neighbouring codes each, with positions of their own."""
    ids = document["id"]
    codes = {name: list(document["dimension"][name]["category"]["index"]) for name in ids}
    cells = {
        key: (document["value"].get(str(index)), document["status"].get(str(index), ""))
        for index, key in enumerate(itertools.product(*codes.values()))
    }
    runs = [codes[dimension][at : at + size] for at in range(0, len(codes[dimension]), size)]
    return [document_of({**codes, dimension: run}, cells) for run in runs]


def test_the_parquet_file_of_slices_is_that_of_the_whole(tmp_path: Path) -> None:
    pieces = sliced(eurostat_like(20_000), "geo", 7)
    [whole] = sliced(eurostat_like(20_000), "geo", 1000)
    paths = [tmp_path / f"{number}.json" for number in range(len(pieces))]
    for path, piece in zip(paths, pieces, strict=True):
        path.write_text(json.dumps(piece))
    (tmp_path / "whole.json.gz").write_bytes(gzip.compress(json.dumps(whole).encode()))
    progress: list[tuple[int, int]] = []
    written = write_parquet(
        paths,
        tmp_path / "joined.parquet",
        provenance={"route": "slices"},
        on_progress=lambda *now: progress.append(now),
    )
    expected = write_parquet(tmp_path / "whole.json.gz", tmp_path / "whole.parquet", provenance={})
    joined, undivided = pq.read_table(written.path), pq.read_table(expected.path)
    assert joined.to_pylist() == undivided.to_pylist()
    assert told(joined.schema) == told(undivided.schema)
    assert written.rows == expected.rows == written.header.obs_count
    assert json.loads(joined.schema.metadata[b"provenance"]) == {"route": "slices"}
    total = sum(path.stat().st_size for path in paths)
    assert progress == sorted(progress)
    assert progress[-1] == (total, total)
    assert len(list(tmp_path.iterdir())) == len(paths) + 3


def test_one_part_is_the_dataset_and_none_is_not() -> None:
    whole = held(eurostat_like(1000))
    assert rows(whole) == pa.Table.from_batches(read(whole)).to_pylist()
    with pytest.raises(ValueError, match="one part at least"):
        read([])


def test_slices_of_different_releases_datasets_or_structures_are_not_joined() -> None:
    cells = {("A", "2000"): (1, "")}
    one = document_of({"geo": ["A"], "time": ["2000"]}, cells)
    other = document_of({"geo": ["B"], "time": ["2000"]}, cells)

    def changed(old: str, new: str) -> Held:
        text = json.dumps(other)
        assert old in text
        return Held(text.replace(old, new).encode())

    for part, words in [
        (changed("2026-02-06T23:00:00+0100", "2026-02-07T11:00:00+0100"), "UPDATE_DATA"),
        (changed("2026-01-07", "2026-01-08"), "UPDATE_STRUCTURE"),
        (changed("HLTH_X", "HLTH_Y"), "code"),
        (changed("EN", "FR"), "language"),
        (changed('"title": "1"', '"title": "2"'), "OBS_COUNT"),
        (changed('"geo"', '"nuts"'), "dimensions"),
    ]:
        with pytest.raises(PartsDisagree, match=f"dataset HLTH_X: part 1 has .* for its {words}, but part 3"):
            read([held(one), held(other), part])


def test_a_cell_in_two_slices_is_found() -> None:
    cells = {("A", "2000"): (1, ""), ("B", "2000"): (2, "")}
    pieces = [
        document_of({"geo": ["A", "B"], "time": ["2000"]}, cells),
        document_of({"geo": ["B"], "time": ["2000"]}, cells),
    ]
    with pytest.raises(DuplicateCell, match="HLTH_X"):
        rows(*map(held, pieces))


# The outline and SDMX-CSV.


def outline_of(document: Document) -> Document:
    """The same without cells, as the answer to a request for no period."""
    names = [name for name in document["id"] if name != "time"]
    codes = {name: list(document["dimension"][name]["category"]["index"]) for name in names}
    empty = document_of({**codes, "time": []}, {})
    return {**empty, "extension": {**empty["extension"], "annotation": document["extension"]["annotation"]}}


def table_of(document: Document, *, confidentiality: bool = True) -> bytes:
    """SDMX-CSV with the cells of the document, sorted by their codes as Eurostat's."""
    names = [name for name in document["id"] if name != "time"]
    decoded = rows(held(document))
    columns = [*names, "TIME_PERIOD", "OBS_VALUE", "OBS_FLAG", *(["CONF_STATUS"] if confidentiality else [])]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["DATAFLOW", "LAST UPDATE", *columns])
    for row in decoded:
        cells = [row[name.lower()] for name in columns]
        written = ["" if cell is None else repr(cell) if isinstance(cell, float) else cell for cell in cells]
        writer.writerow(["ESTAT:HLTH_X(1.0)", "06/02/26 23:00:00", *written])
    return text.getvalue().encode()


@given(cubes(), st.booleans(), st.booleans())
@settings(max_examples=80, deadline=None)
def test_an_outline_and_sdmx_csv_give_the_rows_of_the_json(cube: Any, shuffled: bool, packed: bool) -> None:
    codes, cells = cube
    document = document_of(codes, cells)
    expected = rows(held(document))
    if not expected:
        return
    header, *lines = table_of(document).splitlines(keepends=True)
    table = header + b"".join(reversed(lines) if shuffled else lines)
    parts = held(outline_of(document)), Held(gzip.compress(table) if packed else table)
    assert rows(*parts) == expected
    outlined, undivided = told(read(parts).schema), told(read(held(document)).schema)
    for name in outlined.keys() - {"dataset", "time_period", "obs_flag", "conf_status"}:
        assert outlined[name] == undivided[name]
    for schema in (outlined, undivided):
        del schema["dataset"][b"jsonstat"]["status_labels"]  # Eurostat tells them only beside cells
    assert outlined["dataset"] == undivided["dataset"]


def test_the_parquet_file_of_an_outline_and_sdmx_csv_is_complete_and_in_order(tmp_path: Path) -> None:
    [document] = sliced(eurostat_like(50_000), "geo", 1000)
    (tmp_path / "outline.json").write_text(json.dumps(outline_of(document)))
    (tmp_path / "whole.json").write_text(json.dumps(document))
    progress: list[tuple[int, int]] = []
    for name, table in {"csv": table_of(document), "csv.gz": gzip.compress(table_of(document))}.items():
        (tmp_path / name).write_bytes(table)
        progress.clear()
        written = write_parquet(
            [tmp_path / "outline.json", tmp_path / name],
            tmp_path / "x.parquet",
            on_progress=lambda *now: progress.append(now),
        )
        expected = write_parquet(tmp_path / "whole.json", tmp_path / "whole.parquet")
        assert pq.read_table(written.path).to_pylist() == pq.read_table(expected.path).to_pylist()
        assert written.rows == written.header.obs_count
        assert progress == sorted(progress)
        assert progress[-1] == (len(table), len(table))


def test_a_dataflow_without_confidentiality_has_none() -> None:
    document = document_of(
        {"geo": ["B", "A"], "time": ["2000"]}, {("A", "2000"): (1, "b"), ("B", "2000"): (2, "")}
    )
    table = table_of(document, confidentiality=False)
    assert b"CONF_STATUS" not in table
    assert rows(held(outline_of(document)), Held(table)) == rows(held(document))


_ROW = b"ESTAT:HLTH_X(1.0),06/02/26 23:00:00,A,2000,1.0,,\r\n"


@pytest.mark.parametrize(
    ("old", "new", "kind", "words"),
    [
        (_ROW, _ROW + _ROW, DuplicateCell, "occurs twice"),
        (b",A,2000", b",XX,2000", BadPosition, "'XX' is not one of its codes"),
        (b",A,2000", b",,2000", BadPosition, "'' is not one of its codes"),
        (b"1.0,,", b"x,,", BadNumber, "'x'"),
        (b"1.0,,", b"nan,,", BadNumber, "no number"),
        (b"1.0,,", b"1e999,,", BadNumber, ""),
        (b"geo,", b"nuts,", NotSdmxCsv, "its columns are 'DATAFLOW,LAST UPDATE,nuts,"),
        (b"geo,", b"geo,sex,", NotSdmxCsv, "its columns are"),
        (b",OBS_FLAG", b"", NotSdmxCsv, "its columns are"),
        (b"OBS_FLAG", b"geo", NotSdmxCsv, "its columns are"),
        (b",1.0,,\r\n", b",1.0", NotSdmxCsv, "cut off or damaged"),
        (b",A,2000", b",\xff,2000", NotSdmxCsv, "cut off or damaged"),
        (b"HLTH_X(1.0),06/02/26 23:00:00,A", b"HLTH_Y(1.0),06/02/26 23:00:00,A", PartsDisagree, "DATAFLOW"),
        (b"06/02/26 23:00:00,A", b"07/02/26 23:00:00,A", PartsDisagree, "LAST UPDATE"),
        (b"HLTH_X", b"HLTH_Y", PartsDisagree, "the rows are of ESTAT:HLTH_Y"),
    ],
)
def test_a_table_that_is_not_what_it_should_be_is_not_read(
    old: bytes, new: bytes, kind: type[JsonStatError], words: str
) -> None:
    document = document_of(
        {"geo": ["B", "A"], "time": ["2000"]}, {("A", "2000"): (1, ""), ("B", "2000"): (2, "")}
    )
    table = table_of(document)
    assert old in table
    with pytest.raises(kind, match="dataset HLTH_X") as caught:
        rows(held(outline_of(document)), Held(table.replace(old, new)))
    assert words in str(caught.value)


def test_a_packed_table_that_is_cut_is_noticed() -> None:
    [document] = sliced(eurostat_like(20_000), "geo", 1000)
    packed = gzip.compress(table_of(document))
    for cut in (len(packed) // 2, len(packed) - 4):
        with pytest.raises(CorruptSource, match="cut off"):
            rows(held(outline_of(document)), Held(packed[:cut]))
