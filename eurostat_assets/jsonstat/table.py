"""SDMX-CSV as Eurostat writes it: checked, and read as batches of text.

    DATAFLOW,LAST UPDATE,freq,sex,geo,TIME_PERIOD,OBS_VALUE,OBS_FLAG,CONF_STATUS
    ESTAT:HLTH_INVENTED(1.0),06/02/26 23:00:00,A,F,AT,2024,10.5,p,
    ESTAT:HLTH_INVENTED(1.0),06/02/26 23:00:00,A,F,AT,2025,,,C

All columns are read as text, so that no code NA becomes a null, and no 01 a 1. What a row means is said in sdmxcsv.py.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from pyarrow import csv as pa_csv

from eurostat_assets.jsonstat.errors import NotSdmxCsv, PartsDisagree
from eurostat_assets.jsonstat.header import Header
from eurostat_assets.jsonstat.members import LONGEST_CODE
from eurostat_assets.jsonstat.source import Progress, Source, Text

DATAFLOW, LAST_UPDATE, TIME = "DATAFLOW", "LAST UPDATE", "TIME_PERIOD"
VALUE, FLAG, CONFIDENTIALITY = "OBS_VALUE", "OBS_FLAG", "CONF_STATUS"
_LONGEST_HEADER = 1 << 16
_MOST_PERIODS = 100_000


def is_sdmx_csv(source: Source) -> bool:
    """Whether the text begins like SDMX-CSV, which no JSON does."""
    with Text(source) as text:
        return text.read(64).removeprefix(b"\xef\xbb\xbf").lstrip(b'"').upper().startswith(DATAFLOW.encode())


class Table:
    """The rows in `source` of the dataset with this header; the dimensions' columns are called by their ids.

    Raises `NotSdmxCsv` unless the columns are those of the dataset.
    """

    def __init__(self, source: Source, header: Header) -> None:
        self._source = source
        self._header = header
        self._names = _columns(source, header)
        self.size = 0  # bytes of text, as far as it has been gone over

    def batches(
        self, progress: Progress | None = None, only: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """All rows, in batches of about a megabyte of text. `only`: the columns wanted. Raises `NotSdmxCsv`."""
        with Text(self._source, progress=progress) as text:
            file = _Counted(text)
            try:
                with pa_csv.open_csv(
                    pa.PythonFile(file, mode="r"),
                    pa_csv.ReadOptions(column_names=self._names, skip_rows=1),
                    pa_csv.ParseOptions(),
                    pa_csv.ConvertOptions(
                        column_types=dict.fromkeys(self._names, pa.string()),
                        include_columns=list(only or self._names),
                        strings_can_be_null=False,
                    ),
                ) as reader:
                    yield from reader
            except pa.ArrowInvalid as bad:
                raise NotSdmxCsv(f"{bad}: the bulk file is cut off or damaged") from bad
            self.size = file.count

    def periods(self) -> set[str]:
        """The periods of the rows. Raises `PartsDisagree` unless all rows are of one state of this dataset."""
        time = self._header.time or TIME
        found: dict[str, set[str]] = {name: set() for name in (DATAFLOW, LAST_UPDATE, time)}
        for batch in self.batches(only=list(found)):
            for name, texts in found.items():
                texts.update(coded(batch.column(name))[0])
                if long := next((text for text in texts if len(text) > LONGEST_CODE), None):
                    raise PartsDisagree(f"{long[:40]!r}… is too long a text for {name}", member=name)
                if len(texts) > (_MOST_PERIODS if name == time else 1):
                    raise PartsDisagree(
                        f"its rows have {len(texts):,} different texts for {name}", member=name
                    )
        for dataflow in found[DATAFLOW]:
            if dataflow.rpartition(":")[2].partition("(")[0].upper() != self._header.dataset:
                raise PartsDisagree(f"the rows are of {dataflow}", member=DATAFLOW)
        return found[time]


class _Counted:
    """A text as a file for Arrow, and how many bytes of it have been read."""

    closed = False

    def __init__(self, text: Text) -> None:
        self._text = text
        self.count = 0

    def read(self, size: int) -> bytes:
        chunk = self._text.read(size)
        self.count += len(chunk)
        return chunk

    def close(self) -> None:
        pass


def _columns(table: Source, header: Header) -> list[str]:
    """What to call the columns, in their order. Raises `NotSdmxCsv` unless they are those of the dataset."""
    with Text(table) as text:
        line = text.read(_LONGEST_HEADER).partition(b"\n")[0].decode("utf-8-sig", errors="replace")
    known = {one.id.upper(): one.id for one in header.dimensions if one.id != header.time}
    known |= {name: name for name in (DATAFLOW, LAST_UPDATE, VALUE, FLAG, CONFIDENTIALITY)}
    known[TIME] = header.time or TIME
    try:
        names = [name.strip().upper() for name in next(csv.reader([line]), [])]
    except csv.Error as bad:
        raise NotSdmxCsv(f"its first line {line[:200]!r} names no columns ({bad})") from bad
    missing = known.keys() - {CONFIDENTIALITY} - set(names)  # that column is there on some dataflows only
    if len(names) > len(set(names)) or not known.keys() >= set(names) or missing:
        raise NotSdmxCsv(f"its columns are {line.strip()[:200]!r}, but {', '.join(known)} are wanted")
    return [known[name] for name in names]


def coded(texts: pa.Array) -> tuple[list[str], np.ndarray]:
    """The different texts, and for each row the place of its own in them."""
    encoded = texts.dictionary_encode()
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy(zero_copy_only=False)
