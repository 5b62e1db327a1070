"""Which names a dimension can have, since its name in lower case becomes that of a column in Parquet and PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence

from eurostat_assets.jsonstat.dimensions import Dimension
from eurostat_assets.jsonstat.errors import BadStructure

LONGEST = 63
"""Bytes of a column's name in PostgreSQL, which cuts longer ones without an error."""

SYSTEM_COLUMNS = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})
"""Columns that every table of PostgreSQL has; `oid` was one until version 11."""

OWN_COLUMNS = frozenset(
    {"time_period", "period_start", "period_end", "obs_value", "obs_flag", "conf_status", "source_dataset_id"}
)
"""Columns that every table of observations has."""


def check_names(dimensions: Sequence[Dimension], time: str | None) -> None:
    """Raise `BadStructure` for a dimension (other than `time`, whose column is `time_period`) with a name it cannot have."""
    for position, dimension in enumerate(dimensions):
        if dimension.id != time and (why := _why_not(dimension.id.lower())):
            story = f"the column of dimension {dimension.id!r} would be called {dimension.id.lower()}, {why}"
            raise BadStructure(story, member="id", position=position)


def _why_not(name: str) -> str | None:
    if not name.strip():
        return "which is no name"
    if name in SYSTEM_COLUMNS:
        return "which is a system column of PostgreSQL"
    if name in OWN_COLUMNS:
        return "which every table of observations has for something else"
    if len(name.encode()) > LONGEST:
        return f"which is longer than the {LONGEST} bytes that a column's name may have"
    return None
