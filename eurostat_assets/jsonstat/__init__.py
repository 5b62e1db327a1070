"""The format: any JSON-stat dataset, exactly, as Arrow record batches and Parquet, in bounded memory.

Belongs here: JSON-stat 1.x and 2.0 and what Eurostat makes of it, also its cells as SDMX-CSV. Does not: the network,
the database, paths of stores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eurostat_assets.jsonstat.dimensions import Dimension
from eurostat_assets.jsonstat.document import read_facts, read_header
from eurostat_assets.jsonstat.errors import (
    BadCell,
    BadNumber,
    BadPosition,
    BadStatus,
    BadStructure,
    CorruptSource,
    DuplicateCell,
    JsonStatError,
    NotADataset,
    NotJson,
    NotSdmxCsv,
    PartsDisagree,
)
from eurostat_assets.jsonstat.header import Facts, Header
from eurostat_assets.jsonstat.parquet import ParquetFile, write_parquet

if TYPE_CHECKING:
    from eurostat_assets.jsonstat.observations import Observations, read
    from eurostat_assets.jsonstat.stream import ObservationStream

__all__ = [
    "BadCell",
    "BadNumber",
    "BadPosition",
    "BadStatus",
    "BadStructure",
    "CorruptSource",
    "Dimension",
    "DuplicateCell",
    "Facts",
    "Header",
    "JsonStatError",
    "NotADataset",
    "NotJson",
    "NotSdmxCsv",
    "ObservationStream",
    "Observations",
    "ParquetFile",
    "PartsDisagree",
    "read",
    "read_facts",
    "read_header",
    "write_parquet",
]


def __getattr__(name: str) -> Any:
    """`read` and `Observations` bring numpy and pyarrow along, which not everybody needs who imports this room."""
    if name not in ("read", "Observations", "ObservationStream"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from eurostat_assets.jsonstat import observations

    return getattr(observations, name)
