"""The bulk files of the SDMX API: SDMX-CSV and TSV of a whole dataset, and the API's XML in place of an answer.

Written from the observations, not from any JSON; one row for each cell with a value or a flag.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.compute as pc

from eurostat_assets.sandbox.body import joined
from eurostat_assets.sandbox.clock import BRUSSELS
from eurostat_assets.sandbox.datasets import Edition
from eurostat_assets.sandbox.draw import code_hash
from eurostat_assets.sandbox.sources import Source

_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


def csv(source: Source, edition: Edition) -> Iterator[bytes]:
    """SDMX-CSV, lines ending in CRLF; LAST UPDATE is that of the JSON's `updated`, in Brussels' time."""
    updated = edition.updated.astimezone(BRUSSELS).strftime("%d/%m/%y %H:%M:%S")
    names = [dimension.id for dimension in source.dimensions(edition) if dimension.id != "time"]
    header = ["DATAFLOW", "LAST UPDATE", *names, "TIME_PERIOD", "OBS_VALUE", "OBS_FLAG", "CONF_STATUS"]
    yield ",".join(header).encode() + b"\r\n"
    for batch in source.observations(edition):
        parts: list[object] = [f"ESTAT:{source.code}(1.0),{updated}"]
        for name in (*names, "time_period", "obs_value", "obs_flag", "conf_status"):
            parts += [",", _texts(batch.column(name))]
        yield joined([*parts, "\r\n"])


def tsv(source: Source, edition: Edition) -> Iterator[bytes]:
    """A row per combination of the other dimensions, a column per period, lines ending in CRLF."""
    dimensions = source.dimensions(edition)
    names = [dimension.id for dimension in dimensions if dimension.id != "time"]
    periods = [code for dimension in dimensions if dimension.id == "time" for code in dimension.codes]
    header = "\t".join([",".join(names) + "\\TIME_PERIOD", *(f"{period} " for period in periods)])
    yield f"{header}\r\n".encode()
    rows = groupby(_rows(source, edition, names), lambda row: row[0])
    for key, group in rows:
        cells = {period: _tsv_cell(*cell) for _, period, *cell in group}
        yield ("\t".join([",".join(key), *(cells.get(period, "") for period in periods)]) + "\r\n").encode()


def fault(code: int, text: str) -> bytes:
    """An error of the SDMX API, which is XML whatever was asked for."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><S:Fault xmlns:S="{_SOAP}"><faultcode>{code}</faultcode>'
        f"<faultstring>{escape(text)}</faultstring></S:Fault>"
    ).encode()


def queued(code: str) -> bytes:
    """The envelope that says that an extraction is being prepared."""
    key = f"{code_hash('queued', code):016x}"
    identifier = f"{key[:8]}-{key[8:12]}-4000-8000-{key[12:]:0>12}"
    return (
        f'<env:Envelope xmlns:env="{_SOAP}"><env:Header/><env:Body><ns0:syncResponse xmlns:ns0='
        '"http://estat.ec.europa.eu/disschain/soap/extraction"><queued>'
        f"<id>{identifier}</id><status>SUBMITTED</status></queued></ns0:syncResponse></env:Body></env:Envelope>"
    ).encode()


def _texts(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return pc.fill_null(pc.cast(column, pa.string()), "")


def _rows(source: Source, edition: Edition, names: list[str]) -> Iterator[tuple[Any, ...]]:
    """(codes, period, value, flag, confidentiality) of each observation; the periods of one row follow each other."""
    for batch in source.observations(edition):
        keys = zip(*(batch.column(name).to_pylist() for name in names), strict=True)
        others = ("time_period", "obs_value", "obs_flag", "conf_status")
        yield from zip(keys, *(batch.column(name).to_pylist() for name in others), strict=True)


def _tsv_cell(value: float | None, flag: str | None, confidential: str | None) -> str:
    """`12.5 p`, `: @C`, `: m`, `5 `."""
    text = ":" if value is None else repr(value).removesuffix(".0")
    return f"{text} {flag or ''}" + (f"@{confidential}" if confidential else "")
