"""What publishers send that no table can have, or that is written in another way: cleaned, refused by name, or dated."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eurostat_assets.jsonstat import (
    BadStatus,
    BadStructure,
    JsonStatError,
    NotADataset,
    NotJson,
    read,
    read_facts,
    read_header,
    write_parquet,
)
from eurostat_assets_tests.jsonstat.documents import Held

GEO = {"AT": "Austria", "BE": "Belgium"}


def document(dimensions: dict[str, dict[str, str]] | None = None, **members: Any) -> Held:
    """A dataset of one observation per cell."""
    described = dimensions or {"geo": GEO, "time": {"2020": "2020"}}
    size = 1
    for codes in described.values():
        size *= len(codes)
    body: dict[str, Any] = {
        "class": "dataset", "label": "Invented", "updated": "2026-03-05T11:00:00+0100",
        "value": {str(cell): cell / 2 for cell in range(size)},
        "id": list(described), "size": [len(codes) for codes in described.values()],
        "dimension": {
            name: {"label": name, "category": {"index": {code: n for n, code in enumerate(codes)}, "label": codes}}
            for name, codes in described.items()
        },
        "extension": {"id": "HLTH_SENT", "lang": "EN"},
    }  # fmt: skip
    return Held(json.dumps(body | members).encode())


LANES = pytest.mark.parametrize("piece_size", [None, 8, 1 << 17])
BAD = ["\0", "\x01", "\n", "\x7f", "\x9b", "\u202e", "\u200b", "\u2028", "\ufeff"]


@pytest.mark.parametrize("bad", BAD)
@LANES
def test_a_control_character_is_refused_in_every_kind_of_code(bad: str, piece_size: int | None) -> None:
    code = f"B{bad}E"
    named = f"U\\+{ord(bad):04X}"
    for held, kind, member, position in [
        (document({"geo": {"AT": "x", code: "y"}, "time": {"2020": "z"}}), BadStructure, "dimension.geo", 1),
        (document({"geo": GEO, "time": {"2020": "z", "2021": "y", code: "x"}}), BadStructure, "dimension.time", 2),
        (document({"geo": GEO, code: {"A": "a"}}), BadStructure, "id", 1),
        (document(status={"0": "p", "1": code}), BadStatus, "status", 1),
        (document(status={"1": f"u|{code}"}), BadStatus, "status", 1),
        (document(extension={"id": "X", "status": {"label": {"b": "b", code: "?"}}}), BadStructure,
         "extension.status.label", 1),
        (document(extension={"id": code}), BadStructure, "extension.id", 0),
    ]:  # fmt: skip
        with pytest.raises(kind, match=named) as refusal:
            list(read(held, piece_size=piece_size))
        assert (refusal.value.member, refusal.value.position) == (member, position)
        assert repr(code)[1:-1] in str(refusal.value) or repr(code.upper())[1:-1] in str(refusal.value)


@LANES
def test_control_characters_are_taken_out_of_every_text(piece_size: int | None, tmp_path: Path) -> None:
    held = document(
        {"geo": {"AT": "Aus\0tria", "BE": "Bel\x1fgium"}, "time": {"2020": "20\x7f20"}},
        label="Inven\0ted\ttitle\u202e",
        source="ES\x01TAT",
        extension={
            "id": "HLTH_SENT",
            "lang": "EN",
            "status": {"label": {"p": "provi\0sional"}},
            "annotation": [{"type": "FOOTNOTE", "text": "a\0b", "more": [{"x": "c\0"}]}],
        },
    )
    observations = read(held, piece_size=piece_size)
    header = observations.header
    assert (header.title, header.source) == ("Invented title", "ESTAT")
    assert header.dimensions[0].labels == {"AT": "Austria", "BE": "Bel gium"}
    assert header.status_labels == {"p": "provisional"}
    assert header.annotations == ({"type": "FOOTNOTE", "text": "ab", "more": [{"x": "c"}]},)
    assert pa.Table.from_batches(observations).num_rows == 2
    write_parquet(held, tmp_path / "o.parquet")
    metadata = pq.read_schema(tmp_path / "o.parquet").metadata
    assert b"\\u0000" not in metadata[b"jsonstat"]


@pytest.mark.parametrize(
    "name",
    ["xmin", "XMAX", "cmin", "cmax", "ctid", "Tableoid", "source_dataset_id", "obs_flag", "conf_status", "Period_Start",
     "period_end", "obs_value", "", " ", "x" * 64, "\u00e4" * 32],
)  # fmt: skip
def test_a_dimension_with_a_name_that_no_column_can_have_is_refused_by_name(name: str) -> None:
    for ask in (read, read_header):
        with pytest.raises(
            BadStructure, match="HLTH_SENT, member 'id', position 1: the column of dimension"
        ) as refusal:
            ask(document({"freq": {"A": "a"}, name: {"1": "x", "2": "y"}, "time": {"2020": "z"}}))
        assert repr(name) in str(refusal.value)


@pytest.mark.parametrize("name", ["oid", "user", "select", "time", "ä b", "x" * 63, "value", "status"])
def test_other_names_are_names(name: str) -> None:
    table = pa.Table.from_batches(read(document({"freq": {"A": "a"}, name: {"1": "x", "2": "y"}})))
    assert table.num_rows == 2


def test_a_dimension_may_be_called_time_period_where_it_is_time() -> None:
    table = pa.Table.from_batches(read(document({"geo": GEO, "TIME_PERIOD": {"2020": "z"}})))
    assert table.column("time_period").to_pylist() == ["2020", "2020"]


def test_without_annotations_the_data_are_dated_by_updated(tmp_path: Path) -> None:
    dated = {"id": "HLTH_SENT", "annotation": [{"type": "UPDATE_DATA", "date": "2026-01-01T11:00:00+0100"}]}
    assert read_header(document()).update_data == "2026-03-05T11:00:00+0100"
    assert read_header(
        document(extension={"id": "X", "annotation": [{"type": "UPDATE_DATA"}]})
    ).update_data == ("2026-03-05T11:00:00+0100")
    assert read_header(document(extension=dated)).update_data == "2026-01-01T11:00:00+0100"
    assert read_header(document(updated=None)).update_data is None
    write_parquet(document(), tmp_path / "o.parquet")
    about = json.loads(pq.read_schema(tmp_path / "o.parquet").metadata[b"jsonstat"])
    assert about["update_data"] == "2026-03-05T11:00:00+0100"


def test_which_dataset_a_body_is_can_be_read_whatever_its_description_says() -> None:
    refused = document({"geo": {"A\0T": "x"}, "ctid": {"2020": "z"}})
    with pytest.raises(BadStructure):
        read_header(refused)
    facts = read_facts(refused)
    assert (facts.dataset, facts.update_data) == ("HLTH_SENT", "2026-03-05T11:00:00+0100")
    header, same = read_header(document()), read_facts(document())
    assert all(getattr(header, one.name) == getattr(same, one.name) for one in fields(same))
    whole = json.dumps({"class": "dataset", "value": {"0": 1}, "extension": {"id": "HLTH_SENT"}}).encode()
    assert read_facts(Held(whole)).dataset == "HLTH_SENT"
    for text, kind in [
        (whole[:-1], NotJson),
        (whole.replace(b"dataset", b"dimension"), NotADataset),
        (whole.replace(b"value", b"values"), NotADataset),
        (b'{"error": [{"status": 503}]}', NotADataset),
        (b"[]", NotADataset),
    ]:
        with pytest.raises(kind):
            read_facts(Held(text))


CSV = "DATAFLOW,LAST UPDATE,geo,TIME_PERIOD,OBS_VALUE,OBS_FLAG,CONF_STATUS\n"


def outlined(*rows: str) -> list[Held]:
    outline = document({"geo": GEO, "time": {}}, value={})
    lines = "".join(f"ESTAT:HLTH_SENT(1.0),05/03/26 11:00:00,{row}\n" for row in rows)
    return [outline, Held((CSV + lines).encode())]


@pytest.mark.parametrize("bad", [one for one in BAD if one != "\n"])
def test_the_bulk_file_is_read_as_strictly(bad: str) -> None:
    good = "AT,2020,1.5,p,"
    assert pa.Table.from_batches(read(outlined(good))).num_rows == 1
    for row, member, position in [
        (f"BE,20{bad}21,1,,", "time", None),
        (f"BE,2021,1,p{bad},", "OBS_FLAG", 1),
        (f"BE,2021,1,p,C{bad}", "CONF_STATUS", 1),
        (f"B{bad}E,2021,1,,", "geo", None),
    ]:
        with pytest.raises(JsonStatError) as refusal:
            list(read(outlined(good, row)))
        assert (refusal.value.dataset, refusal.value.member, refusal.value.position) == (
            "HLTH_SENT",
            member,
            position,
        )


# The small failing inputs beside the checkout


@pytest.fixture
def cases(shared: Path) -> Path:
    if not (shared / "cases").exists():
        pytest.skip("the folder of small failing inputs is not there")
    return shared / "cases"


def test_the_case_of_a_nul_in_a_title(cases: Path) -> None:
    assert read_header(cases / "HLTH_NUL_TITLE.json").title == "Inventedtitle"


def test_the_case_of_a_nul_in_a_code(cases: Path) -> None:
    with pytest.raises(BadStructure, match=r"HLTH_NUL_CODE, member 'dimension.geo', position 0: .*U\+0000"):
        read(cases / "HLTH_NUL_CODE.json")


def test_the_case_of_a_system_column(cases: Path) -> None:
    with pytest.raises(BadStructure, match=r"dimension 'xmin'.*system column of PostgreSQL"):
        read(cases / "HLTH_SYSCOL.json")


def test_the_case_without_annotations(cases: Path) -> None:
    assert read_header(cases / "HLTH_NOANN.json").update_data == "2026-03-05T11:00:00+0100"


def test_the_case_of_odd_periods(cases: Path) -> None:
    rows = pa.Table.from_batches(read(cases / "HLTH_T_ODD.json")).to_pylist()
    days = {row["time_period"]: (row["period_start"], row["period_end"]) for row in rows}
    assert len(days) == 16
    assert {one for one, (start, _) in days.items() if start is None} == {"2023-H1", "2020-13"}
    assert days["2020-D366"] == days["2020D366"] == (date(2020, 12, 31), date(2020, 12, 31))
    assert days["2012-12-01/P1M"] == (date(2012, 12, 1), date(2012, 12, 31))
    assert days["2020-T1"] == (date(2020, 1, 1), date(2020, 4, 30))
    assert days["2021-2022"] == (date(2021, 1, 1), date(2022, 12, 31))


def test_the_case_of_ranges(cases: Path) -> None:
    rows = pa.Table.from_batches(read(cases / "HLTH_T_SPANS.json")).to_pylist()
    assert {(row["period_start"].year, row["period_end"].year) for row in rows} == {
        (2014, 2016),
        (2015, 2017),
        (2016, 2018),
    }


def test_the_case_of_another_shape_of_code(cases: Path) -> None:
    assert read_header(cases / "DS-056120.json").dataset == "DS-056120"
