"""What a Parquet file says about the table it becomes: name, columns, types, comments, release.

Read from the schema and its metadata alone; no database here.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, Protocol

from eurostat_assets.model.characters import clean
from eurostat_assets.model.codes import LONGEST, RESERVED_TABLES, dataset_code
from eurostat_assets.postgres.errors import MalformedTableName, NotObservations

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

SCHEMA = "eurostat"
STORE = "eurostat_releases"
"""Schema of the loaded releases that are attached to the tables of SCHEMA."""
SOURCE_COLUMN = "source_dataset_id"
CODES = "#codes"
OWN_TABLES = RESERVED_TABLES
COMMENT = 10_000
"""Characters of a column's comment at most: that of flags holds the meaning of each."""

COLUMN_COMMENTS = {
    "time_period": "Period, as Eurostat writes it: 2020, 2020-S1, 2020-Q3, 2020-07, 2020-W28, 2020-07-01.",
    "period_start": "First day of the period.",
    "period_end": "Last day of the period.",
    "obs_value": "Observed value; null where there is none (see the flags).",
    "obs_flag": "Observation flag.",
    "conf_status": "Confidentiality status.",
    SOURCE_COLUMN: "Eurostat's code of the dataset this row comes from.",
}


class Readable(Protocol):
    """A file somewhere: pathlib.Path, UPath or the like."""

    def open(self, mode: Literal["rb"], /) -> IO[bytes]: ...


@dataclass(frozen=True)
class Column:
    """One column as Postgres sees it; `type` is SQL, `positions` the number of a dimension's codes (0: unknown)."""

    name: str
    type: str
    nullable: bool
    comment: str = ""
    positions: int = 0


SOURCE = Column(SOURCE_COLUMN, "text", nullable=False, comment=COLUMN_COMMENTS[SOURCE_COLUMN])


@dataclass(frozen=True)
class ReleaseFile:
    """One dataset's release in a Parquet file; dates are aware, `rows` is the file's own count."""

    parquet: Readable
    dataset: str
    title: str
    columns: tuple[Column, ...]
    rows: int
    release: str
    data_updated: datetime | None
    structure_updated: datetime | None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def table(self) -> str:
        """The table's name within schema `eurostat`."""
        return self.dataset.lower()


def table_name(dataset: str) -> str:
    """The table of `dataset` within schema `eurostat`. Raises MalformedTableName for what is no code."""
    try:
        code = dataset_code(dataset)
    except ValueError as error:
        raise MalformedTableName(dataset, str(error)) from error
    if dataset != dataset.strip():  # a person may type blanks around a code, but no file or book has them
        raise MalformedTableName(dataset, "there are blanks around this dataset code")
    return code.lower()


# The names of tables in STORE come from that of the published one. All must fit PostgreSQL's 63 bytes, beyond which it
# cuts names without an error, so that two become one. `#` is in no dataset code: such a name is nobody else's.


def child_name(table: str, attempt: int) -> str:
    """The table in STORE of one release of `table`: unique, as the number of the attempt is."""
    suffix = f"_{attempt}"
    return f"{table[: LONGEST - len(CODES) - len(suffix)]}{suffix}"


def codes_of(child: str) -> str:
    """The lookup table beside a release's table."""
    return f"{child}{CODES}"


def coded_parent(table: str) -> str:
    """The partitioned table in STORE behind the view `table`, whose rows have numbers for codes."""
    return f"{_fitting(table)}#coded"


def codes_parent(table: str) -> str:
    """The partitioned table in STORE of what those numbers mean."""
    return f"{_fitting(table)}{CODES}"


def _fitting(table: str) -> str:
    """A name with room for a suffix: a long one is cut, and told from its like by a digest."""
    room = LONGEST - len(CODES)
    if len(table) <= room:
        return table
    digest = hashlib.sha256(table.encode()).hexdigest()[:10]
    return f"{table[: room - len(digest) - 1]}#{digest}"


@contextmanager
def open_parquet(parquet: Readable) -> "Iterator[pq.ParquetFile]":
    """The open file; a local one is read by Arrow itself, another through its own `open`."""
    import pyarrow.parquet as pq

    source = nullcontext(str(parquet)) if isinstance(parquet, Path) else parquet.open("rb")
    # Pre-buffering would hold whole row groups in memory.
    with source as opened, closing(pq.ParquetFile(opened, pre_buffer=False)) as file:
        yield file


@contextmanager
def readable(parquet: Readable, dataset: str | None) -> Iterator[None]:
    """Turn Arrow's complaints about the file into NotObservations."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # not about what is in the file
        story = f"{parquet} cannot be read as Parquet ({error}): make it again"
        raise NotObservations(dataset or "a dataset", story) from error


def read_release_file(parquet: Readable, dataset: str | None = None) -> ReleaseFile:
    """Describe `parquet` from its footer; with `dataset` given it must be that one's.

    Raises MalformedTableName, NotObservations, and OSError where the file cannot be opened.
    """
    with readable(parquet, dataset), open_parquet(parquet) as file:
        schema, rows = file.schema_arrow, file.metadata.num_rows
    about = _json(schema.metadata, b"jsonstat")
    found = about.get("dataset") or dataset
    if not found:
        raise NotObservations(str(parquet), "the Parquet file does not say of which dataset it is")
    table_name(found)
    if dataset and found.upper() != dataset.upper():
        raise NotObservations(dataset, f"{parquet} is of dataset {found}")
    data_updated = _moment(found, about.get("update_data") or about.get("updated"))
    structure_updated = _moment(found, about.get("update_structure"))
    return ReleaseFile(
        parquet=parquet,
        dataset=found.upper(),
        title=clean(about.get("title") or "") or found.upper(),
        columns=tuple(_column(found, field) for field in schema),
        rows=rows,
        release=_version(data_updated, structure_updated),
        data_updated=data_updated,
        structure_updated=structure_updated,
        provenance=_json(schema.metadata, b"provenance"),
    )


def sql_type(arrow: "pa.DataType") -> str | None:
    """The Postgres type for an Arrow one, None where there is none."""
    import pyarrow as pa

    if pa.types.is_dictionary(arrow):
        return sql_type(arrow.value_type)
    if pa.types.is_string(arrow) or pa.types.is_large_string(arrow):
        return "text"
    if pa.types.is_timestamp(arrow):
        return "timestamp with time zone" if arrow.tz else "timestamp without time zone"
    if pa.types.is_decimal(arrow):
        return "numeric"
    return {
        pa.bool_(): "boolean",
        pa.int8(): "smallint",
        pa.uint8(): "smallint",
        pa.int16(): "smallint",
        pa.uint16(): "integer",
        pa.int32(): "integer",
        pa.uint32(): "bigint",
        pa.int64(): "bigint",
        pa.float32(): "real",
        pa.float64(): "double precision",
        pa.date32(): "date",
        pa.binary(): "bytea",
        pa.large_binary(): "bytea",
    }.get(arrow)


def _column(dataset: str, field: "pa.Field") -> Column:
    found = sql_type(field.type)
    if found is None or field.name == SOURCE_COLUMN:
        raise NotObservations(dataset, f"column {field.name!r} of type {field.type} cannot be stored")
    label = clean((field.metadata or {}).get(b"label", b"").decode(errors="replace")) or COLUMN_COMMENTS.get(
        field.name, ""
    )
    labels = _json(field.metadata, b"labels")
    if field.name in ("obs_flag", "conf_status"):
        label = " ".join([label, *(f"{code}: {clean(str(text))}." for code, text in labels.items())])
        labels = {}
    return Column(field.name, found, field.nullable, clean(label.strip(), COMMENT), len(labels))


def _json(metadata: Mapping[bytes, bytes] | None, key: bytes) -> dict[str, Any]:
    return json.loads((metadata or {}).get(key, b"{}")) or {}


def _moment(dataset: str, text: object) -> datetime | None:
    """A time in UTC from Eurostat's text, e.g. `2014-03-20T23:00:00+0100`; it is in UTC where it names no zone.

    Raises NotObservations for what is no time, or is one beyond the years 1 to 9999 in UTC.
    """
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(str(text))
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise NotObservations(dataset, f"the date of its release is {text!r}, which is none") from error


def _version(data: datetime | None, structure: datetime | None) -> str:
    """The name of a release: its data and structure dates in UTC, the former for both where one is missing."""
    if data is None:
        return "undated"
    return "_".join(f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (data, structure or data))
