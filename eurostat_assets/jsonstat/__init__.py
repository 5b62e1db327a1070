"""The format: any JSON-stat dataset, exactly, as Arrow record batches and Parquet, in bounded memory.

Belongs here: JSON-stat 1.x and 2.0 and what Eurostat makes of it. Does not: the network, the database, paths
of stores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
)

if TYPE_CHECKING:
    from eurostat_assets.jsonstat.header import Dimension, Header, read_header
    from eurostat_assets.jsonstat.observations import Observations, read
    from eurostat_assets.jsonstat.parquet import ParquetFile, write_parquet

__all__ = [
    "BadCell",
    "BadNumber",
    "BadPosition",
    "BadStatus",
    "BadStructure",
    "CorruptSource",
    "Dimension",
    "DuplicateCell",
    "Header",
    "JsonStatError",
    "NotADataset",
    "NotJson",
    "Observations",
    "ParquetFile",
    "read",
    "read_header",
    "write_parquet",
]

_LAZY = {
    "Dimension": "header",
    "Header": "header",
    "Observations": "observations",
    "ParquetFile": "parquet",
    "read": "observations",
    "read_header": "header",
    "write_parquet": "parquet",
}


def __getattr__(name: str) -> Any:
    """numpy and pyarrow are imported when the first reading is asked for, not with the package."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
