"""200 hostile bodies and keys through HTTP, reader, Parquet and PostgreSQL: a typed sentence each, and none is published."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from eurostat_assets.eurostat import Eurostat, EurostatError, MalformedCode
from eurostat_assets.io_managers import ParquetStore, RawStore
from eurostat_assets.jsonstat import JsonStatError, read_facts, write_parquet
from eurostat_assets.postgres import PostgresError, migrate, publish
from eurostat_assets_tests.mirroring import table
from eurostat_assets_tests.test_what_is_sent import body

CODE = "HLTH_HOSTILE"
LATER = "2026-03-11T11:00:00+0100"


def changed(**members: Any) -> bytes:
    return json.dumps(body(CODE, updated=LATER, **members), ensure_ascii=False).encode()


def named(name: str) -> bytes:
    return json.dumps(body(CODE, {name: {"x": "x"}, "time": {"2018": "2018"}}, updated=LATER)).encode()


def coded(code: str) -> bytes:
    geo = {"PT": "Portugal", code: "another"}
    return json.dumps(body(CODE, {"geo": geo, "time": {"2018": "2018"}}, updated=LATER)).encode()


def indexed(index: object) -> bytes:
    sent = body(CODE, updated=LATER)
    sent["dimension"]["geo"]["category"]["index"] = index
    return json.dumps(sent).encode()


def replaced(old: str, new: str | bytes) -> bytes:
    whole = changed()
    assert whole.count(old.encode()) >= 1
    return whole.replace(old.encode(), new.encode() if isinstance(new, str) else new, 1)


def without(member: str) -> bytes:
    sent = body(CODE, updated=LATER)
    del sent[member]
    return json.dumps(sent).encode()


VALUE = '"value": {"0": 0.25'
_BAD_VALUES = [
    '"1e3"', '" 1"', '"x"', '""', "true", "false", "[1]", "{}", "NaN", "Infinity", "-Infinity", "1e999", "-1e999", "01",
    "+1", ".5", "1.", "0x10", "1_000", "--1", "1e", "9" * 400, "1" * 5_000_000, "nul", "undefined", "'1'",
]  # fmt: skip
_BAD_KEYS = [
    "-1", "4", "99999999999", "9" * 30, "1e3", " 1", "1 ", "01", "0x1", "1.0", "", "a", "+1", "\\u0661", "\\u00b2", "null",
    "0\\u0000", "\\ud800", "4294967296", "9223372036854775807", "18446744073709551616", "__proto__", "1" * 5_000_000,
]  # fmt: skip
_BAD_SIZES = [
    [-1, 2, 2], [1, 2], [1, 2, 2, 2], [1, 2, 3], [1.0, 2, 2], [1, 2.5, 2], [True, 2, 2], [1, "2x", 2], [1, None, 2],
    [1, [2], 2], [1, 10**30, 2], [1, 0, 2], [1, "-2", 2], [1, "\u0662", 2], [2, 2, 1], "122", {"0": 1}, None, 4, [],
]  # fmt: skip
_BAD_IDS = [
    ["freq", "geo"], ["freq", "geo", "time", "geo"], ["freq", "geo", "time", "unit"], ["geo", "freq", "time"],
    ["freq", "GEO", "time"], ["freq", "geo", 3], ["freq", None, "time"], "freq", {}, None, [], [["freq"], "geo", "time"],
    ["freq", "geo", "time\0"], ["freq", "../../x", "time"],
]  # fmt: skip
_BAD_NAMES = [
    "ctid", "xmin", "CMAX", "tableoid", "obs_value", "OBS_FLAG", "Conf_Status", "source_dataset_id", "period_start",
    "Period_End", "FREQ", "Freq", "", " ", "\t", "a\0b", "\u202ecod", "a\nb", "\u200b", "x" * 64, "\u00e4" * 40,
    "x" * 100_000, "\ud800",
]  # fmt: skip
_BAD_CODES = [
    "a\0b", "\x1b[31m", "\u202eTA", "zero\u200bwidth", "\ufeffAT", "a\nb", "a\rb", "\x7f", "\x9b", "\u2028", "\ud800",
    "x" * 257, "y" * 1_000_000,
]  # fmt: skip
_BAD_INDEXES = [
    {"PT": 0, "FI": 0}, {"PT": 1, "FI": 2}, {"PT": -1, "FI": 0}, {"PT": 0, "FI": 10**30}, {"PT": "0", "FI": "1"},
    {"PT": 0.0, "FI": 1.0}, {"PT": True, "FI": False}, {"PT": 0}, {"PT": 0, "FI": 1, "SE": 2}, ["PT", "PT"], ["PT"],
    ["PT", 1], ["PT", None], [["PT"], "FI"], "PT", 2, None, [], {},
]  # fmt: skip
_BAD_STATUSES = [
    {"0": 1}, {"0": True}, {"0": ["p"]}, {"0": {}}, {"4": "p"}, {"-1": "p"}, {"x": "p"}, {"0": "\0"}, {"0": "\u202ep"},
    {"0": "\ud800"}, ["p", "p"], ["p"] * 5, [1, 2, 3, 4], 7, True,
]  # fmt: skip
_BAD_DATES = [
    "",
    "yesterday",
    "2026-03-11",
    "2026-13-45T99:99:99+0100",
    "2026-03-11T11:00:00",
    "9999-12-31T23:59:59-1200",
    "\0",
]
_WHOLE = changed()

BODIES: dict[str, bytes] = {
    **{f"value {one[:20]}": replaced(VALUE, f'"value": {{"0": {one}') for one in _BAD_VALUES},
    **{f"key {one[:20]!r}": replaced(VALUE, f'"value": {{"{one}": 7, "0": 0.25') for one in _BAD_KEYS},
    **{f"size {one}"[:40]: changed(size=one) for one in _BAD_SIZES},
    **{f"id {one}"[:60]: changed(id=one) for one in _BAD_IDS},
    **{f"dimension {one[:20]!r} {len(one)}": named(one) for one in _BAD_NAMES},
    **{f"code {one[:20]!r} {len(one)}": coded(one) for one in _BAD_CODES},
    **{f"index {one}"[:60]: indexed(one) for one in _BAD_INDEXES},
    **{f"status {one}"[:40].encode("ascii", "replace").decode(): json.dumps(body(CODE, updated=LATER, status=one)).encode()
       for one in _BAD_STATUSES},
    **{f"date {one!r}": json.dumps(body(CODE, updated=one)).encode() for one in _BAD_DATES},
    **{f"without {one}": without(one) for one in ("value", "id", "size", "dimension", "extension")},
    "the value twice": replaced('"value":', '"value": {"0": 1}, "value":'),
    "the dimension twice": replaced('"dimension":', '"dimension": {}, "dimension":'),
    "the id twice": replaced('"id":', '"id": [], "id":'),
    "a cell twice": replaced(VALUE, VALUE + ', "0": 0.5'),
    "a cell twice, once escaped": replaced(VALUE, VALUE + ', "\\u0030": 0.5'),
    "a code twice": replaced('"PT": 0', '"PT": 0, "PT": 1'),
    "value an array too short": changed(value=[1, 2]),
    "value an array too long": changed(value=[1, 2, 3, 4, 5]),
    "value a text": changed(value="1"),
    "value a number": changed(value=1),
    "value null": changed(value=None),
    "UTF-16": _WHOLE.decode().encode("utf-16"),
    "UTF-32": _WHOLE.decode().encode("utf-32"),
    "invalid UTF-8": replaced("Portugal", b"Port\xffugal"),
    "overlong UTF-8": replaced("Portugal", b"Port\xc0\xafugal"),
    "half a surrogate pair": replaced("Portugal", "Port\\ud800ugal"),
    "a NUL byte": replaced("Portugal", b"Port\0ugal"),
    "a comment": replaced('"value":', '/* x */ "value":'),
    "a trailing comma": _WHOLE[:-1] + b",}",
    "two documents": _WHOLE + _WHOLE,
    "trailing text": _WHOLE + b"x",
    "cut off": _WHOLE[:-1],
    "an array around": b"[" + _WHOLE + b"]",
    "only a text": b'"HLTH_HOSTILE"',
    "only a number": b"1" * 10_000,
    "only brackets": b"[" * 100_000,
    "objects in objects": b'{"a":' * 100_000,
    "nested cells": replaced(VALUE, '"value": {"0": ' + "[" * 600_000),
    "nested extension": replaced('"extension": {', '"extension": {"x": ' + "[" * 5000 + "]" * 5000 + ", "),
    "a million values": replaced('"extension": {', '"extension": {"x": [' + "1," * 1_000_000 + "1], "),
    "many containers": replaced('"extension":', '"x": [' + "[]," * 20_000 + '[]], "extension":'),
    "another dataset": replaced(f'"id": "{CODE}"', '"id": "HLTH_OTHER"'),
    "another dataset, with a path": replaced(f'"id": "{CODE}"', '"id": "../../HLTH_OTHER"'),
    "a nameless dataset": replaced(f'"id": "{CODE}"', '"id": ""'),
    "a name of a million characters": replaced(f'"id": "{CODE}"', f'"id": "{"X" * 1_000_000}"'),
    "33 dimensions": json.dumps(
        body(CODE, {**{f"d{n}": {"x": "x"} for n in range(32)}, "time": {"2018": "2018"}}, updated=LATER)
    ).encode(),
    "more cells than a number counts": json.dumps({
        **body(CODE, updated=LATER), "id": [f"d{n}" for n in range(22)], "size": [10] * 22, "value": {"0": 1},
        "dimension": {f"d{n}": {"category": {"index": [str(code) for code in range(10)]}} for n in range(22)},
    }).encode(),
}  # fmt: skip

KEYS = [
    "", " ", ".", "..", "../../x", "/etc/passwd", "HLTH/../X", "HLTH\\X", "HLTH%2f..", "HLTH\0X", "HLTH\nX",
    "\u202eHLTH", "HLTH\u200b",
    "\ufeffHLTH", "\u017fHLTH", "HLTH_\u00c4", "x" * 64, "x" * 1_000_000, "-x", "--all", "$X", "X$", "A$B$C",
    "HLTH X", "HLTH;X",
    "HLTH'X", 'HLTH"X', "HLTH`X`", "$(x)", "{HLTH}", "%s", "*", "~", "datasets", "RELEASES", "dataset=HLTH",
    "HLTH?x=1", "HLTH#x",
    "\ud800", "\uff28LTH",
]  # fmt: skip


class Serving(BaseHTTPRequestHandler):
    sent = b""
    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.sent)))
        self.end_headers()
        self.wfile.write(self.sent)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class' name
        """Be silent."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Serving) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def mirrored(address: str, database: str, folder: Path, sent: bytes) -> None:
    Serving.sent = sent
    with Eurostat(address, attempts=1, read_timeout=20) as eurostat:
        raw = eurostat.download(CODE, folder / "scratch", inspect=read_facts)
    try:
        parquet = write_parquet(raw.paths, folder / f"{CODE}.parquet", provenance=raw.provenance())
        publish(database, parquet.path, dataset=CODE)
    finally:
        for path in raw.paths:
            Path(str(path)).unlink()


def test_no_hostile_body_is_published(address: str, database: str, tmp_path: Path) -> None:
    migrate(database)
    mirrored(address, database, tmp_path, json.dumps(body(CODE)).encode())
    good, file = table(database, CODE), (tmp_path / f"{CODE}.parquet").read_bytes()
    assert len(good) == 4
    wrong: dict[str, object] = {}
    for reason, sent in BODIES.items():
        try:
            mirrored(address, database, tmp_path, sent)
            wrong[reason] = "accepted"
        except (EurostatError, JsonStatError, PostgresError) as error:
            if len(str(error)) > 1500 or not str(error).isprintable():
                wrong[reason] = str(error)[:300]
        except Exception as error:  # noqa: BLE001 - a traceback is what must not be
            wrong[reason] = repr(error)[:300]
        if list((tmp_path / "scratch").iterdir()) or {path.name for path in tmp_path.iterdir()} != {
            "scratch",
            f"{CODE}.parquet",
        }:
            wrong[reason] = "something is left"
    assert wrong == {}
    assert table(database, CODE) == good
    assert (tmp_path / f"{CODE}.parquet").read_bytes() == file
    # And the mirror goes on.
    mirrored(address, database, tmp_path, _WHOLE)
    assert len(BODIES) + len(KEYS) >= 200


@pytest.mark.parametrize("key", KEYS, ids=[f"{number}" for number in range(len(KEYS))])
def test_no_hostile_key_asks_or_writes_anything(address: str, tmp_path: Path, key: str) -> None:
    before = Serving.asked
    doors = (
        lambda: Eurostat(address).download(key, tmp_path, inspect=read_facts),
        lambda: Eurostat(address).probe(key),
        lambda: ParquetStore(str(tmp_path)).path(key),
        lambda: RawStore(str(tmp_path))._folder(key),  # pyright: ignore[reportPrivateUsage]
    )
    for door in doors:
        with pytest.raises(MalformedCode) as refused:
            door()
        assert len(str(refused.value)) < 500
        assert str(refused.value).isprintable()
    assert Serving.asked == before
    assert not list(tmp_path.iterdir())
