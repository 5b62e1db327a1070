"""What cannot be read exactly is refused, by an error that names the dataset, the member and the cell."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from eurostat_assets.jsonstat import (
    BadNumber,
    BadPosition,
    BadStatus,
    BadStructure,
    CorruptSource,
    DuplicateCell,
    JsonStatError,
    NotADataset,
    NotJson,
    read,
    read_header,
    write_parquet,
)
from eurostat_assets_tests.jsonstat.documents import Held, eurostat_like


def body(**members: Any) -> bytes:
    """A small dataset of four cells, with members replaced (None: left out)."""
    dataset = {
        "version": "2.0",
        "class": "dataset",
        "value": {"0": 1, "3": 2.5},
        "status": {"3": "b"},
        "id": ["geo", "time"],
        "size": [2, 2],
        "dimension": {
            "geo": {"category": {"index": {"AT": 0, "BE": 1}}},
            "time": {"category": {"index": {"2020": 0, "2021": 1}}},
        },
        "extension": {"id": "hlth_x"},
    }
    kept = {name: value for name, value in {**dataset, **members}.items() if value is not None}
    return json.dumps(kept, separators=(",", ":")).encode()


def with_cells(text: str, member: str = "value") -> bytes:
    return body(**{member: "CELLS"}).replace(b'"CELLS"', text.encode())


REFUSED: list[tuple[str, bytes, type[JsonStatError], str]] = [
    ("a cell twice", with_cells('{"0":1,"0":2}'), DuplicateCell, "HLTH_X, member 'value', position 0"),
    ("a cell twice, apart", with_cells('{"0":1,"1":1,"0":2}'), DuplicateCell, "member 'value', position 0"),
    ("a null cell twice", with_cells('{"1":null,"1":2}'), DuplicateCell, "position 1"),
    (
        "a status twice",
        with_cells('{"3":"b","3":"b"}', "status"),
        DuplicateCell,
        "member 'status', position 3",
    ),
    ("outside the cube", with_cells('{"4":1}'), BadPosition, "position 4: outside the cube of 4 cells"),
    ("far outside the cube", with_cells('{"99999999999":1}'), BadPosition, "position 99999999999"),
    ("beyond any integer", with_cells('{"99999999999999999999":1}'), BadPosition, "'9999"),
    ("a negative position", with_cells('{"-1":1}'), BadPosition, "'-1' is not the number of a cell"),
    ("a position with a zero before it", with_cells('{"01":1}'), BadPosition, "'01'"),
    ("a code for a position", with_cells('{"AT":1}'), BadPosition, "'AT'"),
    ("a number too large", with_cells('{"0":1e999}'), BadNumber, "position 0: a number that does not fit"),
    (
        "a long number too large",
        with_cells('{"0":' + "9" * 400 + "}"),
        BadNumber,
        "position 0: a number that does not fit",
    ),
    (
        "an integer no float holds",
        with_cells('{"0":9007199254740993}'),
        BadNumber,
        "integer 9007199254740993 does not fit",
    ),
    ("a number in quotes", with_cells('{"0":"1"}'), BadNumber, "position 0: '1' is not a number"),
    ("a boolean", with_cells('{"0":true}'), BadNumber, "position 0: True is not a number"),
    ("an object for a value", with_cells('{"0":{"a":1}}'), BadNumber, "position 0"),
    ("an array for a value", with_cells('{"0":[1]}'), BadNumber, "position 0"),
    ("a number for a status", with_cells('{"3":7}', "status"), BadStatus, "member 'status', position 3: 7"),
    ("too few elements", with_cells("[1,2,3]"), BadStructure, "3 elements, but the cube has 4 cells"),
    ("too many elements", with_cells("[1,2,3,4,5]"), BadPosition, "position 4: outside the cube"),
    ("too few statuses", with_cells('["a","b"]', "status"), BadStructure, "member 'status': 2 elements"),
    ("NaN", with_cells('{"0":NaN}'), NotJson, "HLTH_X, member 'value'"),
    ("a number JSON does not know", with_cells('{"0":.5}'), NotJson, "member 'value'"),
    ("a comma too many", with_cells('{"0":1,}'), NotJson, "member 'value'"),
    ("a comma too many in an array", with_cells("[1,2,3,4,]"), NotJson, "member 'value'"),
    ("the wrong bracket at the end", with_cells('{"0":1]'), NotJson, "']' where '}' belongs"),
    ("a vertical tab between cells", with_cells('{"0":1,\v"1":2}'), NotJson, "member 'value'"),
    ("a raw newline in a status", with_cells('{"3":"a\nb"}', "status"), NotJson, "member 'status'"),
    ("value as a number", body(value=5), NotADataset, "HLTH_X, member 'value': it has no values"),
    ("no value", body(value=None), NotADataset, "it has no values"),
    ("no dimension", body(dimension=None), NotADataset, "HLTH_X"),
    ("no id", body(id=None), BadStructure, "member 'id'"),
    (
        "size against the codes",
        body(size=[2, 3]),
        BadStructure,
        r"\[2, 3\], but the dimensions have \[2, 2\]",
    ),
    ("size of another length", body(size=[2]), BadStructure, "member 'size'"),
    ("a dimension missing from id", body(id=["geo"], size=[2, 1]), BadStructure, "member 'size'"),
    (
        "time missing from id",
        body(id=["geo"], size=[2], role={"time": ["time"]}),
        BadStructure,
        r"member 'role.time': \['time'\] are not dimensions",
    ),
    ("size negative", body(size=[2, -2]), BadStructure, "-2 is not a number of positions"),
    ("an id twice", body(id=["geo", "geo"]), BadStructure, "names a dimension twice"),
    ("an id unknown", body(id=["geo", "sex"]), BadStructure, "dimension.sex"),
    (
        "columns of one name",
        body(
            id=["geo", "time", "GEO"],
            size=[2, 2, 1],
            dimension={
                "geo": {"category": {"index": ["AT", "BE"]}},
                "GEO": {"category": {"index": ["A"]}},
                "time": {"category": {"index": ["2020", "2021"]}},
            },
        ),
        BadStructure,
        "HLTH_X.*would be called geo",
    ),
    (
        "a column of ours",
        body(
            id=["obs_value", "time"],
            dimension={
                "obs_value": {"category": {"index": ["AT", "BE"]}},
                "time": {"category": {"index": ["2020", "2021"]}},
            },
        ),
        BadStructure,
        "would be called obs_value",
    ),
    ("status as a number", body(status=5), BadStructure, "member 'status'"),
    ("a member twice", body()[:-1] + b',"id":["geo"]}', BadStructure, "member 'id': occurs twice"),
    ("value twice", body()[:-1] + b',"value":{}}', BadStructure, "member 'value': occurs twice"),
    ("a code twice", body().replace(b'"BE":1', b'"AT":1'), BadStructure, "member 'AT': occurs twice"),
    ("positions with a gap", body().replace(b'"BE":1', b'"BE":2'), BadStructure, "not the positions 0, 1, 2"),
    ("a position as text", body().replace(b'"BE":1', b'"BE":"1"'), BadStructure, "not the positions 0, 1, 2"),
    ("something after the end", body() + b"x", NotJson, "Extra data"),
    ("two documents", body() * 2, NotJson, "Extra data"),
    (
        "half a surrogate pair",
        body(label="?").replace(b'"?"', b'"\\ud800"'),
        NotJson,
        "surrogates not allowed",
    ),
    (
        "half a surrogate pair as a status",
        body(status={"0": "?"}).replace(b'"?"', b'"\\ude00\\ud83d"'),
        NotJson,
        "half a surrogate pair",
    ),
    ("not UTF-8", body(label="?").replace(b'"?"', b'"\xff"'), NotJson, "not UTF-8"),
    ("an HTML page", b"<!DOCTYPE html><html><body>Sorry</body></html>", NotJson, "not JSON"),
    ("nothing", b"", NotJson, "not JSON"),
    ("a JSON list", b"[1]", NotADataset, "a JSON list"),
    ("deep nesting", b'{"value":' + b"[" * 100_000, NotJson, "cut off"),
    ("deep nesting elsewhere", b'{"label":' + b"[" * 9**5 + b"]" * 9**5 + b"}", NotJson, "nested deeper"),
]


@pytest.mark.parametrize(
    ("text", "error", "complaint"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
@pytest.mark.parametrize("piece_size", [None, 8, 1 << 17])
def test_it_is_refused(
    text: bytes, error: type[JsonStatError], complaint: str, piece_size: int | None
) -> None:
    with pytest.raises(error, match=complaint):
        list(read(Held(text), piece_size=piece_size))


def test_the_small_dataset_itself_is_read() -> None:
    table = pa.Table.from_batches(read(Held(body())))
    assert [(row["geo"], row["obs_value"], row["obs_flag"]) for row in table.to_pylist()] == [
        ("AT", 1.0, None),
        ("BE", 2.5, "b"),
    ]


def test_a_text_cut_anywhere_is_refused() -> None:
    text = body()
    for end in range(len(text)):
        with pytest.raises(JsonStatError):
            list(read(Held(text[:end])))


def test_more_different_statuses_than_anybody_has_are_refused_instead_of_kept() -> None:
    many = {str(n): f"s{n}" for n in range(2_000)}
    text = body(
        value={},
        status=many,
        id=["geo"],
        size=[2_000],
        dimension={"geo": {"category": {"index": [str(n) for n in range(2_000)]}}},
    )
    with pytest.raises(BadStatus, match="more than 1000 different statuses"):
        list(read(Held(text)))


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize("compress", [gzip.compress, zstd], ids=["gzip", "zstd"])
def test_a_compressed_stream_cut_or_damaged_is_refused_and_a_whole_one_read(
    compress: Callable[[bytes], bytes],
) -> None:
    plain = json.dumps(eurostat_like(3000)).encode()
    packed = compress(plain)
    assert pa.Table.from_batches(read(Held(packed))) == pa.Table.from_batches(read(Held(plain)))
    for cut in (5, len(packed) // 2, len(packed) - 1):
        with pytest.raises(JsonStatError):
            list(read(Held(packed[:cut])))
    with pytest.raises(CorruptSource, match="damaged or cut off"):
        list(read(Held(packed[: len(packed) // 2])))


def test_a_flipped_bit_in_a_gzip_stream_is_refused() -> None:
    packed = bytearray(gzip.compress(json.dumps(eurostat_like(3000)).encode()))
    packed[len(packed) // 2] ^= 1
    with pytest.raises(JsonStatError):
        list(read(Held(bytes(packed))))


def test_a_file_that_is_cut_while_it_is_read_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "x.json"
    source.write_bytes(body())
    observations = read(source, piece_size=8)
    whole = source.read_bytes()
    source.write_bytes(whole[: whole.index(b"2.5") + 1])
    with pytest.raises(CorruptSource, match="shorter"):
        list(observations)


def test_a_refused_text_leaves_the_old_file_alone_and_nothing_else(tmp_path: Path) -> None:
    source, target = tmp_path / "in.json", tmp_path / "out" / "x.parquet"
    target.parent.mkdir()
    target.write_bytes(b"the last good file")
    dataset = eurostat_like(3000)
    dataset["value"]["99999999"] = 1
    source.write_text(json.dumps(dataset))
    with pytest.raises(BadPosition):
        write_parquet(source, target)
    assert [path.name for path in target.parent.iterdir()] == ["x.parquet"]
    assert target.read_bytes() == b"the last good file"


def test_a_source_that_is_not_there_stays_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_header(tmp_path / "no.json")


@pytest.mark.parametrize("text", ['{"a": [1, {', "}]}],", '"' * 7, "\\" * 9])
def test_a_text_longer_than_what_is_read_at_once_is_no_structure(tmp_path: Path, text: str) -> None:
    """Whatever stands in it, wherever the reading stops."""
    path = tmp_path / "hlth_x.json"
    for shift in range(12):
        label = "x" * shift + text * (600_000 // len(text))
        members = json.loads(body())
        path.write_bytes(json.dumps({"label": label, **members}).encode())
        header = read_header(path)
        assert header.dataset == "HLTH_X"
        assert write_parquet(path, tmp_path / "x.parquet").rows == 2
